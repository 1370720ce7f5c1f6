import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import type { RetryOptions } from '../../../src/base/node-options.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import type { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { everyWay } from '../../support/every-way.js';
import { failing, waitsOf, withSession } from '../../support/governed.js';

describe('addRetriableException', () => {
  class Busy extends Error {
    readonly code = 'E_BUSY';
  }
  const matchers: readonly (readonly [string, Parameters<LocalRuntime['addRetriableException']>[0]])[] = [
    ['a code', 'E_BUSY'],
    ['a class', Busy],
    ['a predicate', (error) => (error as Error).message === 'again'],
  ];
  for (const [what, matcher] of matchers) {
    it(
      `adds ${what} to what any policy names, from then on`,
      everyWay((run) =>
        withSession(run, {}, async (session) => {
          const retry = { attempts: 2, retryOn: ['E_OTHER'] };
          const flow = failing({ retry }, () => new Busy('again'));
          expect(await waitsOf(session, flow)).to.deep.equal(['E_BUSY']);
          session.runtime.addRetriableException(matcher);
          expect(await waitsOf(session, flow)).to.deep.equal([0, 'E_BUSY']);
          const refused = failing({ retry: { ...retry, dontRetryOn: [Busy] } }, () => new Busy('again'));
          expect(await waitsOf(session, refused)).to.deep.equal(['E_BUSY']);
          expect(
            await waitsOf(
              session,
              failing({}, () => new Busy('again')),
            ),
          ).to.deep.equal(['E_BUSY']);
          expect(session.runtime.getRetryPolicyEngine().retriable).to.deep.equal([matcher]);
        }),
      ),
    );
  }

  it(
    'makes outputs that do not fit worth another try, never inputs that do not, nor an open breaker',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const wrong = defineNode({
          name: 'wrong',
          inputs: { n: z.number() },
          outputs: { n: z.number() },
          retry: { attempts: 3 },
          run: ({ n }) => ({ n: n === 1 ? ('text' as never) : n }),
        });
        const flow = (n: unknown, breaker?: { readonly failures: number }) => {
          const w = workflow('w');
          const given = w.fn('given', {}, () => n as number);
          w.add('step', wrong({ n: given.out.value }), breaker === undefined ? {} : { breaker });
          return w.build();
        };
        expect(await waitsOf(session, flow(1))).to.deep.equal(['OUTPUT_INVALID']);
        session.runtime.addRetriableException('INPUT_INVALID');
        session.runtime.addRetriableException('BREAKER_OPEN');
        session.runtime.addRetriableException(() => true);
        expect(await waitsOf(session, flow(1)), 'only where it is named').to.deep.equal(['OUTPUT_INVALID']);
        session.runtime.addRetriableException('OUTPUT_INVALID');
        expect(await waitsOf(session, flow(1))).to.deep.equal([0, 0, 'OUTPUT_INVALID']);
        expect(await waitsOf(session, flow('text'))).to.deep.equal(['INPUT_INVALID']);
        expect(await waitsOf(session, flow(1, { failures: 1 }))).to.deep.equal([0, 'BREAKER_OPEN']);
      }),
    ),
  );

  it(
    'with a predicate that throws fails the node STRATEGY_THREW',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        session.runtime.addRetriableException(() => {
          throw new Error('predicate');
        });
        const flow = failing({ retry: { attempts: 2, retryOn: ['E_OTHER'] } });
        expect(await waitsOf(session, flow)).to.deep.equal(['STRATEGY_THREW']);
        expect(await waitsOf(session, failing({ retry: { attempts: 2 } })), 'nobody asks it').to.deep.equal([
          0,
          'NODE_THREW',
        ]);
      }),
    ),
  );
});

describe('an error that throws when it is looked at', () => {
  it(
    'is an error like any other: no code and no class matches it, a predicate is asked',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const fails = (): never => {
          throw new Error('do not read me');
        };
        const hostile = () => new Proxy(new Error('x'), { get: fails, getPrototypeOf: fails, has: fails });
        const attempts = async (retry: RetryOptions) =>
          (await waitsOf(session, failing({ retry: { attempts: 2, ...retry } }, hostile))).length;
        expect(await attempts({})).to.equal(2);
        expect(await attempts({ retryOn: ['E_1', Error, TypeError] })).to.equal(1);
        expect(await attempts({ dontRetryOn: ['E_1', Error, TypeError] })).to.equal(2);
        expect(await attempts({ retryOn: [() => true] })).to.equal(2);
        expect(session.runtime.getRetryAnalytics().givenUp).to.include({ 'not-retriable': 1, strategy: 0 });
      }),
    ),
  );
});

describe('an error that asks to wait', () => {
  const asking = (ms: number) => () => Object.assign(new Error('busy'), { retryAfterMs: ms });

  it(
    'is waited for where that is longer than the policy would wait, up to its longest wait',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const retry: RetryOptions = { attempts: 3, backoff: 'fixed', delayMs: 50, maxDelayMs: 200 };
        const waits = (ms: number) => waitsOf(session, failing({ retry }, asking(ms)));
        expect(await waits(0)).to.deep.equal([50, 50, 'NODE_THREW']);
        expect(await waits(49)).to.deep.equal([50, 50, 'NODE_THREW']);
        expect(await waits(51)).to.deep.equal([51, 51, 'NODE_THREW']);
        expect(await waits(200)).to.deep.equal([200, 200, 'NODE_THREW']);
        expect(await waits(201)).to.deep.equal(['NODE_THREW']);
        expect(session.runtime.getRetryAnalytics().givenUp).to.include({ 'retry-after': 1, attempts: 4 });
      }),
    ),
  );

  it(
    'has its wait taken as it is: jitter does not shorten it',
    everyWay((run) =>
      withSession(run, { random: { keyed: () => 0.999 } }, async (session) => {
        const retry: RetryOptions = { attempts: 2, backoff: 'fixed', delayMs: 100, jitter: 1 };
        expect(await waitsOf(session, failing({ retry }, asking(80)))).to.deep.equal([80, 'NODE_THREW']);
      }),
    ),
  );

  it(
    'says when, by the clock of the runtime',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const at = new Date(session.clock.now() + 5_000).toUTCString();
        const flow = failing({ retry: { attempts: 2 } }, () =>
          Object.assign(new Error('busy'), { headers: new Headers({ 'retry-after': at }) }),
        );
        expect(await waitsOf(session, flow)).to.deep.equal([5_000, 'NODE_THREW']);
      }),
    ),
  );

  it(
    'fails the node at once where its total limit would pass meanwhile',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const flow = (totalTimeoutMs: number) => failing({ retry: { attempts: 2 }, totalTimeoutMs }, asking(100));
        expect(await waitsOf(session, flow(100))).to.deep.equal(['NODE_TIMEOUT']);
        const late = await session.settle(flow(100));
        const failure = late.status === 'failed' ? late.error.failure : undefined;
        expect(failure?.cause).to.deep.equal({ name: 'Error', code: 'NODE_THREW', message: 'busy' });
        expect(await waitsOf(session, flow(101))).to.deep.equal([100, 'NODE_THREW']);
        expect(session.runtime.getRetryAnalytics().givenUp).to.include({ 'time-limit': 2, attempts: 1 });
      }),
    ),
  );

  it(
    'asks for nothing where it cannot be read',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const fails = (): never => {
          throw new Error('do not read me');
        };
        const hostile = new Proxy(new Error('x'), { get: fails, getPrototypeOf: fails });
        expect(
          await waitsOf(
            session,
            failing({ retry: { attempts: 2, delayMs: 5 } }, () => hostile),
          ),
        ).to.deep.equal([5, 'NODE_THREW']);
      }),
    ),
  );
});
