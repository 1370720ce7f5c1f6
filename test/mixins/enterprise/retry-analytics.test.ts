import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import type { NodeCapabilities } from '../../../src/base/node-options.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { refusal } from '../../support/caught.js';
import { everyWay, SYNC_WAYS } from '../../support/every-way.js';
import { fetching, ONE_BY_ONE, single, withSession } from '../../support/governed.js';
import { Session } from '../../support/session.js';

/** A node `flaky` that fails the first attempts of each of its visits, as many as its input says. */
function flaky(capabilities: NodeCapabilities = {}, name = 'flaky') {
  return defineNode({
    name,
    version: '1',
    inputs: { times: type<number>() },
    outputs: { times: type<number>() },
    ...capabilities,
    run: ({ times }, { failures }) => {
      if (failures < times) throw Object.assign(new Error('again'), { code: 'E_AGAIN' });
      return { times };
    },
  });
}

describe('getRetryAnalytics', () => {
  it(
    'counts successes and failures, on straight, branching and cyclic paths, equal in both runtimes',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const node = flaky({ retry: { attempts: 3, delayMs: 10 } });
        const w = workflow('w');
        const a = w.add('a', node({ times: 0 }));
        const b = w.add('b', node({ times: 1 }), { after: a });
        const c = w.try('c', node({ times: 9 }), { after: b });
        const count = w.fn('count', {}, () => 1, { after: c, join: 'always' });
        const route = w.switch('route', count.out.value, { one: (n) => n === 1, two: (n) => n === 2 });
        w.add('taken', node({ times: 0 }), { after: route });
        w.fn('untaken', { n: route.out.two }, () => 1, { retry: { attempts: 2 } });
        const turn = w.add('turn', node({ times: 2 }));
        w.cycle('loop', { feedback: [turn.out.times.to(turn.in.times)], maxIterations: 2 });
        const begin = session.clock.now();
        const outcome = await session.settle(w.build());
        expect(outcome.status).to.equal('completed');
        const { since, ...report } = session.runtime.getRetryAnalytics();
        expect(since).to.equal(begin);
        const counts = { attempts: 13, firstTry: 2, recovered: 3, failed: 1, retries: 7, waitedMs: 100 };
        expect(report).to.deep.equal({
          ...counts,
          givenUp: {
            attempts: 1,
            'not-retriable': 0,
            budget: 0,
            'retry-after': 0,
            'time-limit': 0,
            strategy: 0,
            lost: 0,
          },
          byCode: { E_AGAIN: { failures: 8, retries: 7 } },
          byExecutor: { 'function.flaky': counts },
        });
      }),
    ),
  );

  it(
    'leaves out nodes without a policy, and those without metrics',
    everyWay((run) =>
      withSession(run, { retryBudget: 5 }, async (session) => {
        const w = workflow('w');
        w.try('without', flaky()({ times: 1 }));
        w.try('silent', flaky()({ times: 9 }), { retry: { attempts: 2 }, metrics: false });
        await session.settle(w.build());
        const { attempts, givenUp, since } = session.runtime.getRetryAnalytics();
        expect([attempts, givenUp.attempts, since]).to.deep.equal([0, 0, null]);
      }),
    ),
  );

  it(
    'counts maps and subworkflows by their kind',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const inner = workflow('inner');
        inner.add('deep', flaky()({ times: 9 }));
        const w = workflow('w');
        w.try('sub', inner.build()({}), { retry: { attempts: 2 } });
        await session.settle(w.build());
        const { byExecutor, byCode } = session.runtime.getRetryAnalytics();
        expect(byExecutor).to.have.all.keys('subworkflow');
        expect(byExecutor.subworkflow).to.include({ attempts: 2, failed: 1, retries: 1 });
        expect(byCode).to.deep.equal({ CHILD_FAILED: { failures: 2, retries: 1 } });
      }),
    ),
  );

  it(
    'counts the attempts of runs that were cancelled',
    everyWay(
      (run) =>
        withSession(run, {}, async (session) => {
          const canceller = new AbortController();
          const node = defineNode({
            name: 'cancels',
            outputs: { n: type<number>() },
            retry: { attempts: 9, delayMs: 1_000 },
            run: (_, { attempt }) => {
              if (attempt === 2) canceller.abort(new Error('enough'));
              throw new Error('again');
            },
          });
          const w = workflow('w');
          w.add('step', node({}));
          const outcome = await session.settle(w.build(), {}, { signal: canceller.signal });
          expect(outcome.status).to.equal('cancelled');
          const { attempts, retries, failed } = session.runtime.getRetryAnalytics();
          expect([attempts, retries, failed]).to.deep.equal([2, 2, 0]);
        }),
      SYNC_WAYS,
    ),
  );

  it(
    'says why there was no further attempt',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const retry = { attempts: 2, delayMs: 10 };
        const uses: readonly NodeCapabilities[] = [
          { retry: { ...retry, dontRetryOn: ['E_AGAIN'] } },
          { retry, totalTimeoutMs: 10 },
          { retry },
          { retry: { attempts: 1 } },
        ];
        for (const use of uses) {
          const w = workflow('w');
          w.try('step', flaky()({ times: 9 }), use);
          await session.settle(w.build());
        }
        expect(session.runtime.getRetryAnalytics().givenUp).to.deep.equal({
          attempts: 2,
          'not-retriable': 1,
          budget: 0,
          'retry-after': 0,
          'time-limit': 1,
          strategy: 0,
          lost: 0,
        });
      }),
    ),
  );

  it(
    'counts from anew once it was reset, also in the middle of a run',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const { runtime, clock } = session;
        const w = workflow('w');
        const a = w.add('a', flaky()({ times: 1 }), { retry: { attempts: 2, delayMs: 10 } });
        const reset = w.fn('reset', {}, () => runtime.resetRetryMetrics(), { after: a });
        w.add('b', flaky()({ times: 0 }), { retry: { attempts: 2 }, after: reset });
        const begin = clock.now();
        await session.settle(w.build());
        expect(runtime.getRetryAnalytics()).to.deep.include({
          since: begin + 10,
          attempts: 1,
          firstTry: 1,
          retries: 0,
          waitedMs: 0,
          byCode: {},
        });
        runtime.resetRetryMetrics();
        expect(runtime.getRetryAnalytics()).to.include({ since: clock.now(), attempts: 0, firstTry: 0 });
      }),
    ),
  );
});

describe('retryBudget', () => {
  const retry = { attempts: 3 };

  it(
    'is what one run may retry over all its nodes, those of children included; what fails then is final, with one warning',
    everyWay(
      (run) =>
        withSession(run, { retryBudget: 4 }, async (session) => {
          const node = flaky({ retry });
          const inner = workflow('inner');
          inner.add('deep', node({ times: 1 }));
          const w = workflow('w');
          const a = w.add('a', node({ times: 1 }));
          const sub = w.add('sub', inner.build()({}), { after: a });
          const list = w.fn('list', {}, () => [1, 1, 1], { after: sub });
          const all = w.map('all', list.out.value, (times) => node({ times }), {
            maxConcurrency: 1,
            onItemError: 'collect',
          });
          w.try('last', node({ times: 1 }), { after: all });
          const flow = w.build();
          for (let count = 1; count <= 2; count++) {
            const outcome = await session.settle(flow);
            if (outcome.status !== 'completed') throw new Error(outcome.status);
            expect(outcome.children('all').map(({ status }) => status)).to.deep.equal([
              'completed',
              'completed',
              'failed',
            ]);
            expect(outcome.node('last')).to.include({ status: 'failed', attempts: 1 });
            expect(outcome.warnings.map(({ code, at }) => `${code} ${at}`)).to.deep.equal([
              'retry-budget all[2]/flaky',
              'retry-budget last',
            ]);
            expect(outcome.warnings[0]?.message).to.equal(
              'The run has made the 4 retries that it may: what fails now is not tried again.',
            );
          }
          expect(session.runtime.getRetryAnalytics().givenUp).to.include({ budget: 4, attempts: 0 });
        }),
      ONE_BY_ONE,
    ),
  );

  it(
    'of 0 allows no retry; the last attempt that a policy allows needs none',
    everyWay((run) =>
      withSession(run, { retryBudget: 0 }, async (session) => {
        const outcome = await session.settle(single(fetching({ retry })), { how: 'fail' });
        if (outcome.status !== 'completed') throw new Error(outcome.status);
        expect(outcome.node('step').attempts).to.equal(1);
        expect(outcome.warnings.map(({ code }) => code)).to.deep.equal(['retry-budget']);
        const once = await session.settle(single(fetching({ retry: { attempts: 1 } })), { how: 'fail' });
        expect(once.status === 'completed' && once.warnings).to.deep.equal([]);
      }),
    ),
  );

  it(
    'goes on where it was when a run is resumed',
    everyWay(async (run) => {
      const session = new Session(run, { retryBudget: 2 });
      const node = flaky({ retry });
      const w = workflow('w');
      const a = w.add('a', node({ times: 1 }));
      const gate = w.gate('gate', { shows: { times: a.out.times } });
      const b = w.add('b', node({ times: 1 }), { after: gate });
      w.try('c', node({ times: 1 }), { after: b });
      const flow = w.build();
      await session.wait(flow);
      session.runtime.approve('run-1', 'gate');
      const outcome = await session.resume(flow);
      if (outcome.status !== 'completed') throw new Error(outcome.status);
      expect([outcome.node('b').attempts, outcome.node('c').attempts]).to.deep.equal([2, 1]);
      expect(outcome.node('c').status).to.equal('failed');
      await session.close();
    }),
  );

  it('is a whole number, at least 0', () => {
    for (const retryBudget of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5'])
      expect(refusal(() => new LocalRuntime({ retryBudget } as never))).to.include({
        code: 'INVALID_OPTION',
        at: 'runtime.retryBudget',
      });
  });
});
