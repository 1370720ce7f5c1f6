import { ConfigurationError } from '../errors.js';
import { knownFields } from '../option-checks.js';
import { checkOutput } from '../output-check.js';
import type { PlanNode } from '../plan.js';
import { isRecord } from '../record.js';
import { checkObject, checkSignal, type RunOptions } from '../runtime-options.js';
import type { Workflow } from '../workflow.js';

/** What is otherwise in a forked run. */
export interface ForkOverrides {
  /** Outputs that nodes at the top are taken to have delivered, whole, by node: whatever depends on them runs again. Default: none. */
  readonly outputs?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Nodes at the top that run again, and with them whatever depends on them. Default: none. */
  readonly rerun?: readonly string[];
}

/** Options of a forked run. What else it was started with stands in the history that it takes over. */
export interface ForkOptions extends Pick<RunOptions, 'signal' | 'onEvent' | 'runId'> {
  /** Default: the one known by the name that was recorded. It may be a changed one: what changed runs again. */
  readonly workflow?: Workflow;
}

/** Checks what `fork` is given. @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkFork(overrides: ForkOverrides, options: ForkOptions): void {
  checkObject(overrides, 'The overrides of fork()', 'fork');
  knownFields(overrides, ['outputs', 'rerun'], 'fork');
  checkObject(options, 'The options of fork()', 'fork');
  knownFields(options, ['signal', 'onEvent', 'runId', 'workflow'], 'fork');
  checkSignal(options.signal, 'fork.signal');
  const { outputs = {}, rerun = [] } = overrides;
  if (!isRecord(outputs) || !Object.values(outputs).every(isRecord))
    throw invalid('fork.outputs', 'must hold an object of output ports for each node', outputs);
  if (!Array.isArray(rerun) || !rerun.every((id) => typeof id === 'string'))
    throw invalid('fork.rerun', 'must be a list of node ids', rerun);
  for (const id of rerun)
    if (Object.hasOwn(outputs, id)) throw invalid('fork.rerun', `must not name "${id}", whose output is given`, id);
}

/** Checks that a node could have delivered the output that is given instead of its own. @throws ConfigurationError INVALID_OPTION; AttemptError OUTPUT_UNKNOWN, OUTPUT_INVALID */
export function checkReplacement(node: PlanNode, output: Readonly<Record<string, unknown>>): void {
  checkOutput({ node }, output);
  if (node.implementation.delivers === 'one' && Object.keys(output).length !== 1)
    throw invalid(`fork.outputs.${node.id}`, 'must have one port: its node delivers one', Object.keys(output));
}

function invalid(at: string, what: string, value: unknown): ConfigurationError {
  return new ConfigurationError('INVALID_OPTION', `${at} ${what}.`, { at, value });
}
