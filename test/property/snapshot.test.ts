import fc from 'fast-check';
import type { RunEvent } from '../../src/base/events.js';
import { flows } from '../support/flows.js';
import { holds, same } from '../support/property.js';
import { type FlowRun, type FlowTrace, resultOf, runFlow, stored } from '../support/run-flow.js';
import { expectSnapshots, resumeFromSnapshot } from '../support/snapshots.js';

const seed = fc.integer({ min: 0, max: 1_000_000 });
const part = fc.double({ min: 0, max: 1, noNaN: true });

/** From how many snapshots of one run the rest is folded. */
const FOLDS = 12;

function expectOf({ workflow, events }: FlowTrace): void {
  expectSnapshots(workflow, stored(events), Math.ceil(events.length / FOLDS));
}

/** What became of a run that is continued, to the last event. */
function course({ outcome, events }: FlowTrace): unknown {
  return { result: resultOf(outcome), events };
}

describe('a snapshot and the events after it', () => {
  holds(
    'are the whole log, wherever it was taken',
    fc.record({ spec: flows(), onError: fc.constantFrom('continue' as const, 'fail-fast' as const) }),
    async ({ spec, onError }) => expectOf(await runFlow(spec, { onError })),
    0.5,
  );

  holds(
    'are the whole log of an asynchronous run, also of one that was cancelled',
    fc.record({ spec: flows(), scheduler: seed, cancelAt: fc.option(fc.nat({ max: 40 }), { nil: -1 }) }),
    async ({ spec, scheduler, cancelAt }) => expectOf(await runFlow(spec, { runtime: 'async', scheduler, cancelAt })),
    0.5,
  );

  holds(
    'continue a run as the whole log does',
    fc.record({
      spec: flows(),
      scheduler: seed,
      runtime: fc.constantFrom('local' as const, 'async' as const),
      at: fc.array(fc.record({ history: part, snapshot: part }), { minLength: 3, maxLength: 3 }),
    }),
    async ({ spec, scheduler, runtime, at }) => {
      const how: FlowRun = runtime === 'async' ? { runtime, scheduler } : { runtime };
      const original = await runFlow(spec, how);
      if (original.outcome.status === 'rejected') return;
      const events = stored(original.events);
      for (const { history: to, snapshot } of at) {
        const history: readonly RunEvent[] = events.slice(0, Math.max(1, Math.ceil(to * events.length)));
        const cut = Math.ceil(snapshot * history.length);
        const replayed = await runFlow(spec, { ...how, history });
        const restored = await runFlow(spec, {
          ...how,
          history,
          onBegin: (execution) => resumeFromSnapshot(execution, cut),
        });
        const where = `continued after ${history.length} of ${events.length} events, from a snapshot after ${cut}`;
        same(course(restored), course(replayed), where);
        expectOf({ ...replayed, events: [...history, ...replayed.events] }); // attempts were lost in it
      }
    },
    0.3,
  );
});
