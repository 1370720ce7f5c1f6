import type { ForkOverrides } from '../../base/history/fork-options.js';
import { isRecord } from '../../base/record.js';
import { type ConductOptions, requireTargets } from '../conduct.js';
import { conductRecorded } from '../conduct-recorded.js';
import type { ExitCode } from '../exit-codes.js';
import { findRun } from '../find-run.js';
import { unfit } from '../load/load-workflow.js';
import { readPairs } from '../load/parameters.js';
import { loadWorkflowOf } from '../recorded.js';
import type { Screen } from '../screen.js';
import { readStore, runsOf } from '../store.js';

/** Options of `lockstep fork`. */
export interface ForkVerbOptions extends ConductOptions {
  readonly store: string;
  /** How many events are taken over. */
  readonly at: number;
  /** `node=JSON`: what a node is taken to have delivered. */
  readonly output?: readonly string[];
  /** Nodes that run again. */
  readonly rerun?: readonly string[];
  readonly runId?: string;
}

function overridesOf({ output = [], rerun = [] }: ForkVerbOptions): ForkOverrides {
  const outputs: Record<string, Record<string, unknown>> = {};
  for (const [node, value] of readPairs('--output', output)) {
    if (!isRecord(value))
      throw unfit('--output', `takes an object with the outputs of a node, such as ${node}='{"value": 1}'`);
    outputs[node] = value;
  }
  return { outputs, rerun };
}

/** `lockstep fork RUN [FILE]`. */
export async function forkVerb(
  text: string,
  file: string | undefined,
  options: ForkVerbOptions,
  screen: Screen,
): Promise<ExitCode> {
  const { store, at, runId: chosen } = options;
  const overrides = overridesOf(options);
  const record = readStore(store, (opened) => findRun(opened, text));
  requireTargets(options);
  const workflow = await loadWorkflowOf(record, file, options);
  const { runId } = record;
  const { events: history } = readStore(store, (opened) => runsOf(opened).fork(runId, at, overrides, workflow));
  const own = { workflow, ...(chosen !== undefined && { runId: chosen }) };
  return conductRecorded(
    store,
    { workflow, history, task: (runtime, heard) => runtime.fork(runId, at, overrides, { ...heard, ...own }) },
    options,
    screen,
  );
}
