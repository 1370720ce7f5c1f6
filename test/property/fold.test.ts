import fc from 'fast-check';
import { compile } from '../../src/base/compile.js';
import { EventFold } from '../../src/base/event-fold.js';
import type { RunEvent } from '../../src/base/events.js';
import { ExecutionState } from '../../src/base/execution-state.js';
import type { FlowSpec } from '../../src/testing/arbitrary/flow.js';
import { flows } from '../support/flows.js';
import { holds, same } from '../support/property.js';
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
} from '../support/run-flow.js';

/** Every so many events a state is looked at; which of them, is drawn. */
const PHASES = 4;

/** The most prefixes from which one run is continued. */
const PREFIXES = 14;

interface Step {
  readonly now: number;
  readonly view: ReturnType<typeof stateView>;
}

/** Runs a flow and keeps the state after some events, by the number of events until then. Over many runs it is after every one. */
async function observed(spec: FlowSpec, how: FlowRun, phase: number) {
  const steps = new Map<number, Step>();
  const onStep = (state: ExecutionState, length: number, now: number): void => {
    const isLast = state.runStatus !== 'running';
    if (isLast || length % PHASES === phase) steps.set(length, { now, view: stateView(state, now) });
  };
  return { trace: await runFlow(spec, { ...how, onStep }), steps };
}

/** Folds events one after another into a fresh state, and compares it with that of the run. */
function foldAndCompare({ workflow, events }: FlowTrace, steps: ReadonlyMap<number, Step>): void {
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

function lastingResult({ outcome }: FlowTrace): unknown {
  const { warnings = [], ...rest } = withoutTries(resultOf(outcome)) as { readonly warnings?: readonly string[] };
  return { rest: lasting(rest), warnings: [...warnings].sort() };
}

/** Continues a run from each of its prefixes; a long one from some, evenly spread from a place that is drawn. */
async function continueFromEverywhere(spec: FlowSpec, original: FlowTrace, how: FlowRun, phase: number): Promise<void> {
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

const seed = fc.integer({ min: 0, max: 1_000_000 });
const phase = fc.nat({ max: PHASES - 1 });

describe('the log of a run', () => {
  holds(
    'gives its state back, at the end and after every event',
    fc.record({ spec: flows(), phase }),
    async ({ spec, phase: at }) => {
      const { trace, steps } = await observed(spec, {}, at);
      foldAndCompare(trace, steps);
    },
    0.5,
  );

  holds(
    'gives its state back when it was cancelled or failed fast',
    fc.record({
      spec: flows(),
      at: fc.nat({ max: 40 }),
      onError: fc.constantFrom('continue' as const, 'fail-fast' as const),
      phase,
    }),
    async ({ spec, at, onError, phase: from }) => {
      const { trace, steps } = await observed(spec, { cancelAt: at, onError }, from);
      foldAndCompare(trace, steps);
    },
    0.5,
  );

  holds(
    'of an asynchronous run gives its state back when it is fed in its own order',
    fc.record({
      spec: flows(),
      scheduler: seed,
      onError: fc.constantFrom('continue' as const, 'fail-fast' as const),
      at: fc.option(fc.nat({ max: 40 }), { nil: -1 }),
      phase,
    }),
    async ({ spec, scheduler, onError, at, phase: from }) => {
      const { trace, steps } = await observed(spec, { runtime: 'async', scheduler, onError, cancelAt: at }, from);
      foldAndCompare(trace, steps);
    },
    0.5,
  );
});

describe('a run that is continued from any prefix of its log', () => {
  holds(
    'ends as if it had never been interrupted',
    // When a run that fails fast is told an answer decides what is still cancelled: another moment is another run.
    fc.oneof(
      fc.record({ spec: flows(), onError: fc.constant('continue' as const), phase }),
      fc.record({ spec: flows({ gates: false }), onError: fc.constant('fail-fast' as const), phase }),
    ),
    async ({ spec, onError, phase: from }) => {
      const original = await runFlow(spec, { onError });
      if (original.outcome.status === 'rejected') return;
      await continueFromEverywhere(spec, original, { onError }, from);
    },
    0.2, // each is some 14 runs
  );

  holds(
    'ends as if it had never been interrupted, with attempts in flight',
    fc.record({ spec: flows(), scheduler: seed, again: seed, phase }),
    async ({ spec, scheduler, again, phase: from }) => {
      const original = await runFlow(spec, { runtime: 'async', scheduler });
      if (original.outcome.status === 'rejected') return;
      await continueFromEverywhere(spec, original, { runtime: 'async', scheduler: again }, from);
    },
    0.1,
  );
});
