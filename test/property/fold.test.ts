import fc from 'fast-check';
import { flows } from '../support/flows.js';
import { continueFromEverywhere, foldAndCompare, observed, PHASES } from '../support/fold-runs.js';
import { holds } from '../support/property.js';
import { runFlow } from '../support/run-flow.js';

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
    // What a run that fails fast still cancels depends on when an answer is told, and on which retry comes first: another moment is
    // another run.
    fc.oneof(
      fc.record({ spec: flows(), onError: fc.constant('continue' as const), phase }),
      fc.record({ spec: flows({ gates: false, retries: false }), onError: fc.constant('fail-fast' as const), phase }),
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
