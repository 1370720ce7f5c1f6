import {
  defineNode,
  type InputValues,
  type NodeDefinition,
  type NodeFunction,
  type PortSchemas,
  type PortValues,
  type RunInputs,
  type RunOutput,
} from '../base/node.js';
import { CAPABILITY_FIELDS, type NodeCapabilities } from '../base/node-options.js';
import { checkWord, knownFields } from '../base/option-checks.js';
import type { Clock } from '../base/ports.js';
import { isRecord } from '../base/record.js';
import { onAbort, refuse, Script, type ScriptEntry, type ScriptedCall, type Step } from './script.js';
import { type TimedForms, timed } from './timed.js';

/** What a scripted node is and does. */
export interface ScriptedConfig<I extends PortSchemas, O extends PortSchemas> extends NodeCapabilities {
  /** The name of the node, as in `defineNode`. */
  readonly name: string;
  /** Part of its identity. Default: none. */
  readonly version?: string;
  /** Input ports. Default: none. */
  readonly inputs?: I;
  /** Output ports. */
  readonly outputs: O;
  /**
   * What the attempts do: the first step is that of the first attempt, in every visit. A list of lists says it for each visit: the
   * first list is that of the first visit.
   */
  readonly script:
    | readonly ScriptEntry<RunInputs<I>, RunOutput<O>>[]
    | readonly (readonly ScriptEntry<RunInputs<I>, RunOutput<O>>[])[];
  /** Where the script has ended: the attempt fails with SCRIPT_ENDED, or the last step, or list, is repeated. Default `fail`. */
  readonly atEnd?: 'fail' | 'repeat';
  /** The node answers with promises. Default: it does not, and runs in both runtimes. */
  readonly async?: boolean;
  /** The clock of the runtime, for steps that take time. `assertParity` and `explore` put theirs in its place. Default: none. */
  readonly clock?: Clock;
}

/** A node that follows a script. `calls` holds every call of it since it was made, in the order in which they began. */
export type ScriptedNode<I extends PortSchemas, O extends PortSchemas> = NodeDefinition<
  InputValues<I>,
  PortValues<O>
> & {
  readonly calls: readonly ScriptedCall<RunInputs<I>>[];
};

const FIELDS = [...['name', 'version', 'inputs', 'outputs', 'script', 'atEnd', 'async', 'clock'], ...CAPABILITY_FIELDS];

function end(step: Exclude<Step, { readonly hangs: unknown }>): Readonly<Record<string, unknown>> {
  if ('throws' in step) throw step.throws;
  return step.gives;
}

function clockFor(clock: Clock | undefined, name: string): Clock {
  if (clock !== undefined) return clock;
  const at = `node "${name}".clock`;
  return refuse(`A step of node "${name}" takes time, and it has no clock: pass that of the runtime.`, at, clock);
}

function holding(script: Script, name: string, clock: Clock | undefined): NodeFunction {
  return (inputs, context) => {
    const step = script.next(inputs, context, false) as Exclude<Step, { readonly hangs: unknown }>;
    const { afterMs = 0 } = step;
    if (afterMs > 0) clockFor(clock, name).sleepSync(afterMs);
    return end(step);
  };
}

function promising(script: Script, name: string, clock: Clock | undefined): NodeFunction {
  return async (inputs, context) => {
    const step = script.next(inputs, context, true);
    const { signal } = context;
    if ('hangs' in step) return hang(signal, step.hangs);
    const { afterMs = 0, onAbort: heard = 'throw' } = step;
    if (afterMs > 0) await wait(clockFor(clock, name), afterMs, heard === 'throw' ? signal : undefined);
    return end(step);
  };
}

function hang(signal: AbortSignal, until: 'until aborted' | 'for ever'): Promise<never> {
  return new Promise((_, reject) => {
    if (until === 'until aborted') onAbort(signal, () => reject(signal.reason as Error));
  });
}

function wait(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.setTimer(ms, resolve);
    if (signal === undefined) return;
    onAbort(signal, () => {
      cancel();
      reject(signal.reason as Error);
    });
  });
}

/**
 * Defines a node whose attempts follow a script, for tests: each gives an output, throws, takes its time, or hangs, as the step says
 * that belongs to its attempt and its visit. What a step does depends on nothing else, so that both runtimes and every
 * order of settling see the same.
 *
 * A synchronous node holds its thread for `afterMs` by `clock.sleepSync`, which moves a VirtualClock on; an asynchronous one sets a timer.
 *
 * @throws ConfigurationError INVALID_DEFINITION, INVALID_NAME, INVALID_OPTION, UNKNOWN_OPTION
 */
export function scripted<
  // biome-ignore lint/complexity/noBannedTypes: no ports is the default
  const I extends PortSchemas = {},
  const O extends PortSchemas = PortSchemas,
>(config: ScriptedConfig<I, O>): ScriptedNode<I, O> {
  if (!isRecord(config)) refuse('scripted() takes an object.', 'scripted', config);
  const { script: steps, atEnd = 'fail', clock, ...definition } = config;
  const { name, async = false } = definition;
  knownFields(config, FIELDS, `node "${name}"`);
  checkWord(atEnd, ['fail', 'repeat'], `node "${name}".atEnd`);
  const script = new Script(name, steps, atEnd, async);
  const forms: TimedForms = {
    own: (other) => (async ? promising : holding)(script, name, other),
    holding: (other) => holding(script, name, other),
  };
  const run = timed((async ? promising : holding)(script, name, clock), forms);
  const node = defineNode({ ...definition, run: run as never });
  return Object.assign(node, { calls: script.calls }) as unknown as ScriptedNode<I, O>;
}
