import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { Overseen } from '../../support/agreement.js';
import { everyWay, SYNC_WAYS } from '../../support/every-way.js';

/** A node that takes 5 ms, and fails as many attempts of a visit as its input says. */
function fetching(advance: (ms: number) => void) {
  return defineNode({
    name: 'fetch',
    version: '1',
    inputs: { failures: type<number>() },
    outputs: { got: type<number>() },
    run: ({ failures }, { failures: before }) => {
      advance(5);
      if (before < failures) throw Object.assign(new Error('busy'), { code: 'E_BUSY' });
      return { got: failures };
    },
  });
}

describe('enterprise and analytics', () => {
  it(
    'count retries, refusals of a breaker, waits in a queue and cached attempts alike, as the event log tells them',
    everyWay(async (run) => {
      const seen = new Overseen(run, {
        executors: {
          'function.fetch': {
            retry: { attempts: 4, delayMs: 10, backoff: 'fixed' },
            limit: { rate: { count: 1, perMs: 100 }, whenFull: 'queue' },
            breaker: { failures: 3, openMs: 1_000, successes: 1 },
          },
        },
      });
      const { session } = seen;
      const { runtime, clock } = session;
      const begin = clock.now();
      const fetch = fetching((ms) => clock.advance(ms));
      const w = workflow('w', { params: { failures: type<number>() } });
      w.try('step', fetch({ failures: w.params.failures }), { cache: {} });
      const built = w.build();
      const settle = async (failures: number) => {
        const outcome = await session.settle(built, { failures });
        if (outcome.status === 'rejected') throw outcome.error;
        const { error, attempts } = outcome.node('step');
        return [error?.code ?? 'got', attempts, clock.now() - begin];
      };

      // Attempts begin at 0, 100 and 200: a retry could begin at 15, and at 115, but has to wait for a token.
      expect(await settle(2)).to.deep.equal(['got', 3, 205]);
      // At 300, 400 and 500, which opens the breaker at 505. The fourth waits for its token until 600 and is refused.
      expect(await settle(9)).to.deep.equal(['BREAKER_OPEN', 4, 600]);
      // A refused attempt has taken its token: the next one waits for another, and is refused as well.
      expect(await settle(0)).to.deep.equal(['BREAKER_OPEN', 1, 700]);
      clock.advance(1_000);
      // A probe, which closes the breaker; then its output is known, and takes a token.
      expect(await settle(0)).to.deep.equal(['got', 1, 1_705]);
      expect(await settle(0)).to.deep.equal(['got', 1, 1_800]);

      // 3 + 4 + 1 + 1 + 1 attempts: 2 + 3 failed in the node and 2 were refused; 8 of them called the node or were refused in no time.
      const told = seen.agreed();
      expect(told).to.deep.equal({ completed: 3, failed: 7, cancelled: 0, cached: 1, later: 5, ms: 35 });
      const counts = { attempts: 10, firstTry: 2, recovered: 1, failed: 2, retries: 5, waitedMs: 50 };
      const retries = runtime.getRetryAnalytics();
      expect(retries).to.deep.equal({
        ...counts,
        since: begin + 5,
        givenUp: {
          attempts: 1,
          'not-retriable': 1,
          budget: 0,
          'retry-after': 0,
          'time-limit': 0,
          strategy: 0,
          lost: 0,
        },
        byCode: { E_BUSY: { failures: 5, retries: 5 }, BREAKER_OPEN: { failures: 2, retries: 0 } },
        byExecutor: { 'function.fetch': counts },
      });
      const { work, attempts, attemptDurationMs, runDurationMs } = runtime.getExecutionAnalytics(built);
      expect(attempts).to.deep.include({ total: retries.attempts, retries: retries.retries, cached: 1 });
      expect(work).to.deep.equal({ totalMs: 35, wastedMs: 25, wastedShare: 25 / 35 });
      expect(attemptDurationMs.count).to.equal(9);
      expect([runDurationMs.count, runDurationMs.sum]).to.deep.equal([5, 205 + 395 + 100 + 5 + 95]);

      // Waits in the queue: 85 and 85 of the first run; 95 (from 205 to 300), 85, 85 and 85 of the second; 100 of the third; 95 of the last.
      const { limits, cache } = runtime.getResourceMetrics();
      expect(limits[0]).to.deep.include({ started: 10, rejected: 0, timedOut: 0, longestWaitMs: 100 });
      expect(limits[0]?.waitedMs).to.equal(85 * 2 + 95 + 85 * 3 + 100 + 95);
      expect(cache).to.include({ hits: 1, entries: 2 });
      expect(runtime.getCircuitBreakers().get('function.fetch')).to.deep.include({
        state: 'closed',
        opened: 1,
        refused: 2,
      });
      const { sink } = seen;
      expect(sink.value('lockstep.attempt.errors', { error_type: 'E_BUSY' })).to.equal(5);
      expect(sink.value('lockstep.attempt.errors', { error_type: 'BREAKER_OPEN' })).to.equal(2);
      expect(
        (['open', 'half-open', 'closed'] as const).map((state) =>
          sink.value('lockstep.breaker.transitions', { state }),
        ),
      ).to.deep.equal([1, 1, 1]);
      expect(sink.histogram('lockstep.run.duration').sum * 1_000).to.be.closeTo(800, 1e-6);
      seen.compare([retries, work, attempts, limits, seen.attempts]);
      await session.close();
    }),
  );

  it(
    'count attempts that are cut short alike: that of a map, and none of what had not begun',
    everyWay(async (run) => {
      const canceller = new AbortController();
      const seen = new Overseen(run, { capabilities: { retry: { attempts: 2, delayMs: 1_000 } } });
      const { session } = seen;
      const { runtime, clock } = session;
      const item = defineNode({
        name: 'item',
        inputs: { n: type<number>() },
        outputs: { n: type<number>() },
        run: ({ n }) => {
          clock.advance(5);
          if (n === 2) canceller.abort();
          return { n };
        },
      });
      const w = workflow('w');
      const list = w.fn('list', {}, () => [1, 2, 3]);
      const all = w.map('all', list.out.value, (n) => item({ n }), { maxConcurrency: 1 });
      w.fn('after', { n: all.out.n }, () => 1);
      const outcome = await session.settle(w.build(), {}, { signal: canceller.signal });
      expect(outcome.status).to.equal('cancelled');
      // `list`, the first item and the second, which was in flight, are done; the map is cancelled after 10 ms.
      expect(seen.agreed()).to.deep.equal({ completed: 3, failed: 0, cancelled: 1, cached: 0, later: 0, ms: 20 });
      const { unfinished, runs, work } = runtime.getExecutionAnalytics();
      expect(runs).to.deep.equal({ total: 1, completed: 0, failed: 0, cancelled: 1 });
      // The map, the node behind it, and the third item.
      expect(unfinished).to.deep.equal({ skipped: 0, blocked: 0, cancelled: 3 });
      expect(work).to.deep.include({ totalMs: 10, wastedMs: 0 });
      expect(runtime.getExecutionMetrics('run-1')).to.deep.include({ status: 'cancelled', busyMs: 10, wastedMs: 0 });
      expect(runtime.getExecutionMetrics('run-1').nodes).to.deep.include({ completed: 1, cancelled: 2 });
      // Maps take no default: of the retries of the runtime are `list` and two items.
      expect(runtime.getRetryAnalytics()).to.deep.include({ attempts: 3, firstTry: 3, failed: 0, retries: 0 });
      expect(seen.sink.value('lockstep.runs', { status: 'cancelled' })).to.equal(1);
      await session.close();
    }, SYNC_WAYS),
  );

  it(
    'count attempts alike that a cancellation ends while their promises are open',
    everyWay(
      async (run) => {
        const canceller = new AbortController();
        const seen = new Overseen(run, { capabilities: { retry: { attempts: 2 } } });
        const { session } = seen;
        const { runtime, clock } = session;
        const passing = (ms: number) => new Promise<void>((resolve) => clock.setTimer(ms, resolve));
        const w = workflow('w');
        w.fn('slow', {}, () => passing(100));
        w.fn('stops', {}, () => passing(20).then(() => canceller.abort()));
        const outcome = await session.settle(w.build(), {}, { signal: canceller.signal });
        expect(outcome.status).to.equal('cancelled');
        expect(seen.agreed()).to.deep.equal({ completed: 0, failed: 0, cancelled: 2, cached: 0, later: 0, ms: 40 });
        expect(runtime.getExecutionAnalytics().work).to.deep.equal({ totalMs: 40, wastedMs: 40, wastedShare: 1 });
        expect(runtime.getRetryAnalytics()).to.deep.include({ attempts: 2, firstTry: 0, recovered: 0, failed: 0 });
        await session.close();
      },
      ['async runtime, async nodes'],
    ),
  );
});
