import { compile } from '../../src/base/compile.js';
import { EventFold } from '../../src/base/event-fold.js';
import type { RunEvent } from '../../src/base/events.js';
import { ExecutionState } from '../../src/base/execution-state.js';
import type { FlowSpec } from '../../src/testing/arbitrary/flow.js';
import { same } from './property.js';
import {
  comparableLog,
  type FlowRun,
  type FlowTrace,
  resultOf,
  runFlow,
  stateView,
  stored,
  withoutLosses,
  withoutTries,
} from './run-flow.js';

/** Every so many events a state is looked at; which of them, is drawn. */
export const PHASES = 4;

/** The most prefixes from which one run is continued. */
const PREFIXES = 14;

interface Step {
  readonly now: number;
  readonly view: ReturnType<typeof stateView>;
}

/** Runs a flow and keeps the state after some events, by the number of events until then. Over many runs it is after every one. */
export async function observed(spec: FlowSpec, how: FlowRun, phase: number) {
  const steps = new Map<number, Step>();
  const onStep = (state: ExecutionState, length: number, now: number): void => {
    const isLast = state.runStatus !== 'running';
    if (isLast || length % PHASES === phase) steps.set(length, { now, view: stateView(state, now) });
  };
  return { trace: await runFlow(spec, { ...how, onStep }), steps };
}

/** Folds events one after another into a fresh state, and compares it with that of the run. */
export function foldAndCompare({ workflow, events }: FlowTrace, steps: ReadonlyMap<number, Step>): void {
  const state = new ExecutionState(compile(workflow));
  const fold = new EventFold(state);
  stored(events).forEach((event, index) => {
    fold.apply(event);
    const step = steps.get(index + 1);
    if (step !== undefined)
      same(stateView(state, step.now), step.view, `the state after ${index + 1} of ${events.length} events`);
  });
  const open = [...fold.open.values()].flatMap((attempts) => attempts.map(({ node }) => node.id));
  same(open, [], 'attempts that a fold finds in flight in a run that has ended');
}

/** What a continued run shares with one that was never interrupted: everything but the number of attempts. */
function lasting(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lasting);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => name !== 'attempts' && name !== 'failures');
  return Object.fromEntries(kept.map(([name, inner]) => [name, lasting(inner)]));
}

/** What a run came to, without what depends on how often it was interrupted. */
export function lastingResult({ outcome }: FlowTrace): unknown {
  const { warnings = [], ...rest } = withoutTries(resultOf(outcome)) as { readonly warnings?: readonly string[] };
  return { rest: lasting(rest), warnings: [...warnings].sort() };
}

/** Continues a run from each of its prefixes; a long one from some, evenly spread from a place that is drawn. */
export async function continueFromEverywhere(
  spec: FlowSpec,
  original: FlowTrace,
  how: FlowRun,
  phase: number,
): Promise<void> {
  const events = stored(original.events);
  const result = lastingResult(original);
  const log = comparableLog(withoutTries(original.events));
  const stride = Math.ceil(events.length / PREFIXES);
  for (let length = 1 + (phase % stride); length <= events.length; length += stride) {
    const history: readonly RunEvent[] = events.slice(0, length);
    const after = `continued after ${length} of ${events.length} events`;
    const continued = await runFlow(spec, { ...how, history });
    same(lastingResult(continued), result, `the result, ${after}`);
    const whole = withoutTries(withoutLosses([...history, ...continued.events]));
    same(comparableLog(whole), log, `the canonical log, ${after}`);
  }
}
