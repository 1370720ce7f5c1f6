import fc from 'fast-check';
import { compile } from '../../src/base/compile.js';
import { EventFold } from '../../src/base/event-fold.js';
import type { RunEvent } from '../../src/base/events.js';
import { ExecutionState } from '../../src/base/execution-state.js';
import { holds, same } from '../support/property.js';
import { flows } from '../support/random-workflow.js';
import {
  comparableLog,
  type FlowRun,
  type FlowTrace,
  resultOf,
  runFlow,
  stateView,
  stored,
  withoutLosses,
} from '../support/run-flow.js';

type View = ReturnType<typeof stateView>;

/** Runs a flow and keeps the state after every attempt, together with the number of events until then. */
async function observed(spec: Parameters<typeof runFlow>[0], how: FlowRun) {
  const states = new Map<number, View>();
  const keep = (state: ExecutionState, events: readonly RunEvent[]): void => {
    states.set(events.length, stateView(state, events.at(-1)?.ts ?? 0));
  };
  const trace = await runFlow(spec, { ...how, onSettled: keep });
  if (trace.state !== undefined) keep(trace.state, trace.events);
  return { trace, states };
}

/** Folds events one after another into a fresh state, and compares it wherever the state of the run is known. */
function foldAndCompare({ workflow, events }: FlowTrace, states: ReadonlyMap<number, View>): void {
  const state = new ExecutionState(compile(workflow));
  const fold = new EventFold(state);
  stored(events).forEach((event, index) => {
    fold.apply(event);
    const expected = states.get(index + 1);
    if (expected !== undefined)
      same(stateView(state, event.ts), expected, `the state after ${index + 1} of ${events.length} events`);
  });
}

/** What a continued run shares with one that was never interrupted: everything but the number of attempts and the warnings. */
function lasting(outcome: FlowTrace['outcome']): unknown {
  const {
    nodes,
    warnings: _,
    ...rest
  } = resultOf(outcome) as { nodes?: readonly Readonly<Record<string, unknown>>[]; warnings?: unknown };
  return { ...rest, nodes: nodes?.map(({ attempts: _attempts, failures: _failures, ...node }) => node) };
}

/** Continues a run from each of its prefixes. */
async function continueFromEverywhere(
  spec: Parameters<typeof runFlow>[0],
  original: FlowTrace,
  how: FlowRun,
): Promise<void> {
  const events = stored(original.events);
  for (let length = 1; length <= events.length; length++) {
    const history: readonly RunEvent[] = events.slice(0, length);
    const after = `continued after ${length} of ${events.length} events`;
    const continued = await runFlow(spec, { ...how, history });
    same(lasting(continued.outcome), lasting(original.outcome), `the result, ${after}`);
    const whole = withoutLosses([...history, ...continued.events]);
    same(comparableLog(whole), comparableLog(original.events), `the canonical log, ${after}`);
  }
}

const seed = fc.integer({ min: 0, max: 1_000_000 });

describe('the log of a run', () => {
  holds('gives its state back, at the end and after every attempt', flows(), async (spec) => {
    const { trace, states } = await observed(spec, {});
    foldAndCompare(trace, states);
  });

  holds(
    'gives its state back when it was cancelled or failed fast',
    fc.record({
      spec: flows(),
      at: fc.nat({ max: 40 }),
      onError: fc.constantFrom('continue' as const, 'fail-fast' as const),
    }),
    async ({ spec, at, onError }) => {
      const { trace, states } = await observed(spec, { cancelAt: at, onError });
      foldAndCompare(trace, states);
    },
  );

  holds(
    'of an asynchronous run gives its state back when it is fed in its own order',
    fc.record({
      spec: flows(),
      scheduler: seed,
      onError: fc.constantFrom('continue' as const, 'fail-fast' as const),
      at: fc.option(fc.nat({ max: 40 }), { nil: -1 }),
    }),
    async ({ spec, scheduler, onError, at }) => {
      const { trace, states } = await observed(spec, { runtime: 'async', scheduler, onError, cancelAt: at });
      foldAndCompare(trace, states);
    },
  );
});

describe('a run that is continued from any prefix of its log', () => {
  holds(
    'ends as if it had never been interrupted',
    fc.record({ spec: flows(), onError: fc.constantFrom('continue' as const, 'fail-fast' as const) }),
    async ({ spec, onError }) => {
      const original = await runFlow(spec, { onError });
      if (original.outcome.status === 'rejected') return;
      await continueFromEverywhere(spec, original, { onError });
    },
    0.5, // each is some 25 runs
  );

  holds(
    'ends as if it had never been interrupted, with attempts in flight',
    fc.record({ spec: flows(), scheduler: seed, again: seed }),
    async ({ spec, scheduler, again }) => {
      const original = await runFlow(spec, { runtime: 'async', scheduler });
      if (original.outcome.status === 'rejected') return;
      await continueFromEverywhere(spec, original, { runtime: 'async', scheduler: again });
    },
    0.25,
  );
});
