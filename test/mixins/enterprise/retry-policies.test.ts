import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import type { NodeCapabilities, RetryOptions } from '../../../src/base/node-options.js';
import type { RunOutcome } from '../../../src/base/outcome.js';
import type { RuntimeOptions } from '../../../src/base/runtime-options.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { refusal } from '../../support/caught.js';
import { everyWay } from '../../support/every-way.js';
import { failing, fetching, single, waitsOf, withSession } from '../../support/governed.js';

type Options = Omit<RuntimeOptions, 'clock' | 'secrets'>;

const codeOf = (outcome: RunOutcome<unknown>): string =>
  outcome.status === 'failed' ? outcome.error.failure.code : outcome.status;

describe('a retry policy', () => {
  const fixed = (attempts: number, delayMs: number): RetryOptions => ({ attempts, delayMs, backoff: 'fixed' });
  const levels: readonly (readonly [string, Options, NodeCapabilities, readonly unknown[]])[] = [
    ['of nobody: one attempt', {}, {}, ['NODE_THREW']],
    ['of the runtime', { capabilities: { retry: fixed(2, 1) } }, {}, [1, 'NODE_THREW']],
    [
      'of the executor, before that of the runtime',
      { capabilities: { retry: fixed(2, 1) }, executors: { 'function.failing': { retry: fixed(3, 2) } } },
      {},
      [2, 2, 'NODE_THREW'],
    ],
    [
      'of the node, before that of its executor, and as a whole',
      { capabilities: { retry: fixed(2, 1) }, executors: { 'function.failing': { retry: fixed(3, 2) } } },
      { retry: { attempts: 4 } },
      [0, 0, 0, 'NODE_THREW'],
    ],
    [
      'of another executor: one attempt',
      { executors: { 'function.other': { retry: fixed(3, 2) } } },
      {},
      ['NODE_THREW'],
    ],
  ];
  for (const [name, options, own, expected] of levels) {
    it(
      name,
      everyWay((run) =>
        withSession(run, options, async (session) => {
          expect(await waitsOf(session, failing(own))).to.deep.equal(expected);
        }),
      ),
    );
  }

  it(
    'is looked for by itself: a node with a retry of its own has the breaker of its executor, and a cache of its own',
    everyWay((run) =>
      withSession(
        run,
        {
          capabilities: { retry: { attempts: 9 } },
          executors: { 'function.fetch': { breaker: { failures: 2 } } },
        },
        async (session) => {
          const fetch = fetching();
          const flow = single(fetch, { retry: { attempts: 3 }, cache: {} });
          await session.settle(flow, { how: 'ok' });
          await session.settle(flow, { how: 'ok' });
          expect(fetch.calls).to.have.length(1);
          const outcome = await session.settle(flow, { how: 'fail' });
          const errors = outcome.status === 'completed' ? outcome.node('step').failures : [];
          expect(errors.map(({ error }) => error.code)).to.deep.equal(['E_FETCH', 'E_FETCH', 'BREAKER_OPEN']);
        },
      ),
    ),
  );

  it(
    'of a runtime is not for maps, subworkflows and switches; they have their own, which try again as a whole',
    everyWay((run) =>
      withSession(run, { capabilities: { retry: { attempts: 2 } } }, async (session) => {
        const fetch = fetching({}, 'item');
        const inner = workflow('inner');
        inner.add('deep', fetch.node({ how: 'fail deep' }));
        const child = inner.build();
        const w = workflow('w');
        const list = w.fn('list', {}, () => ['fail item']);
        const all = w.map('all', list.out.value, (how) => fetch.node({ how }), { retry: { attempts: 2 } });
        w.add('sub', child({}), { after: all, join: 'always' });
        const route = w.switch(
          'route',
          list.out.value,
          { none: (rows) => rows.length === 0 },
          { after: 'sub', join: 'always' },
        );
        const outcome = await session.settle(w.build({ outputs: {} }));
        if (outcome.status !== 'failed') throw new Error(outcome.status);
        expect([outcome.node('all').attempts, outcome.node('sub').attempts]).to.deep.equal([2, 1]);
        expect(outcome.node(route).attempts).to.equal(1);
        expect(fetch.calls).to.deep.equal([
          ...Array.from({ length: 4 }, () => 'fail item'),
          ...Array.from({ length: 2 }, () => 'fail deep'),
        ]);
      }),
    ),
  );

  it(
    'without a delay goes on however often it is needed',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        let calls = 0;
        const node = defineNode({
          name: 'late',
          outputs: { calls: type<number>() },
          retry: { attempts: 1_200 },
          run: () => {
            if (++calls <= 1_100) throw new Error('again');
            return { calls };
          },
        });
        const w = workflow('w');
        const step = w.add('step', node({}));
        const outcome = await session.settle(w.build({ outputs: { calls: step.out.calls } }));
        expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ calls: 1_101 });
      }),
    ),
  );

  it(
    'shows every attempt with its delay and its cause, in the result and in the events',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const cause = Object.assign(new TypeError('socket'), { code: 'E_SOCKET' });
        const error = () => Object.assign(new Error('down', { cause }), { code: 'E_DOWN' });
        const outcome = await session.settle(failing({ retry: { attempts: 3, delayMs: 10 } }, error));
        if (outcome.status !== 'failed') throw new Error(outcome.status);
        const begin = outcome.startedAt;
        const data = {
          name: 'Error',
          code: 'E_DOWN',
          message: 'down',
          cause: { name: 'TypeError', code: 'E_SOCKET', message: 'socket' },
        };
        expect(
          outcome.node('step').failures.map(({ attempt, retryAt, error: shown }) => ({ attempt, retryAt, shown })),
        ).to.deep.equal([
          { attempt: 1, retryAt: begin + 10, shown: data },
          { attempt: 2, retryAt: begin + 30, shown: data },
          { attempt: 3, retryAt: undefined, shown: data },
        ]);
        const events = session.events.flatMap((event) => (event.kind === 'attempt.failed' ? [event.data] : []));
        expect(events.map(({ error: shown, then }) => ({ shown, then }))).to.deep.equal([
          { shown: data, then: { kind: 'retry', at: begin + 10 } },
          { shown: data, then: { kind: 'retry', at: begin + 30 } },
          { shown: data, then: { kind: 'fail' } },
        ]);
      }),
    ),
  );
});

describe('a retry strategy with a name', () => {
  const places: readonly (readonly [string, Options, NodeCapabilities])[] = [
    ['a definition', {}, { retry: { attempts: 3, backoff: { strategy: 'squares' } } }],
    [
      'an executor',
      { executors: { 'function.failing': { retry: { attempts: 3, backoff: { strategy: 'squares' } } } } },
      {},
    ],
    ['a runtime', { capabilities: { retry: { attempts: 3, backoff: { strategy: 'squares' } } } }, {}],
  ];
  for (const [place, options, own] of places) {
    it(
      `is asked where ${place} names it`,
      everyWay((run) =>
        withSession(run, options, async (session) => {
          session.runtime.registerRetryStrategy('squares', ({ failures }) => 10 * failures ** 2);
          expect(await waitsOf(session, failing(own))).to.deep.equal([10, 40, 'NODE_THREW']);
        }),
      ),
    );
  }

  it(
    'is asked where a use names it, or initializeRetryPolicies, and can be built in',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        const { runtime } = session;
        runtime.registerRetryStrategy('squares', ({ failures, delayMs }) => delayMs * failures ** 2);
        const used = single(fetching(), { retry: { attempts: 3, delayMs: 5, backoff: { strategy: 'squares' } } });
        const outcome = await session.settle(used, { how: 'fail' });
        expect(outcome.status === 'completed' && outcome.durationMs).to.equal(25);
        const engine = runtime.initializeRetryPolicies({ attempts: 3, backoff: { strategy: 'squares' }, delayMs: 1 });
        expect(engine).to.equal(runtime.getRetryPolicyEngine());
        expect(await waitsOf(session, failing())).to.deep.equal([1, 4, 'NODE_THREW']);
        runtime.initializeRetryPolicies(
          { attempts: 2, backoff: { strategy: 'linear' }, delayMs: 3 },
          'function.failing',
        );
        expect(await waitsOf(session, failing())).to.deep.equal([3, 'NODE_THREW']);
        expect(engine.strategies).to.deep.equal(['fixed', 'linear', 'exponential', 'squares']);
      }),
    ),
  );

  it(
    'that nobody registered refuses the run before its first node, whoever names it, with what was meant',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        session.runtime.registerRetryStrategy('squares', () => 1);
        const retry = { attempts: 2, backoff: { strategy: 'sqares' } };
        const fetch = fetching();
        const inner = workflow('inner');
        inner.add('deep', fetch.node({ how: 'ok' }), { retry });
        const w = workflow('w');
        w.add('first', fetch.node({ how: 'ok' }));
        w.add('sub', inner.build()({}), { retry });
        const outcome = await session.settle(w.build());
        if (outcome.status !== 'rejected') throw new Error(outcome.status);
        expect(outcome.error.problems.map(({ code, at }) => `${code} ${at}`)).to.deep.equal([
          'UNKNOWN_STRATEGY sub',
          'UNKNOWN_STRATEGY sub/deep',
        ]);
        expect(outcome.error.problems[0]?.message).to.contain(
          'There is no retry strategy "sqares". Did you mean "squares"?',
        );
        expect(fetch.calls).to.deep.equal([]);
        session.runtime.initializeRetryPolicies(retry);
        expect((await session.settle(failing())).status).to.equal('rejected');
        session.runtime.registerRetryStrategy('sqares', () => 2);
        expect(await waitsOf(session, failing())).to.deep.equal([2, 'NODE_THREW']);
      }),
    ),
  );

  const bad: readonly (readonly [string, () => unknown])[] = [
    [
      'throws',
      () => {
        throw new TypeError('in there');
      },
    ],
    ['answers NaN', () => Number.NaN],
    ['answers a negative number', () => -1],
    ['answers nothing', () => undefined],
    ['answers a promise that is rejected', async () => Promise.reject(new Error('late'))],
  ];
  for (const [what, strategy] of bad) {
    it(
      `that ${what} fails the node STRATEGY_THREW, allowed or not`,
      everyWay((run) =>
        withSession(run, {}, async (session) => {
          session.runtime.registerRetryStrategy('bad', strategy as never);
          const retry = { attempts: 3, backoff: { strategy: 'bad' } };
          expect(await waitsOf(session, failing({ retry }))).to.deep.equal(['STRATEGY_THREW']);
          const allowed = await session.settle(single(fetching({ retry })), { how: 'fail' });
          expect(allowed.status).to.equal('completed');
          expect(session.runtime.getRetryAnalytics().givenUp).to.include({ strategy: 2, attempts: 0 });
        }),
      ),
    );
  }

  it(
    'that answers an endless wait waits as long as the policy allows',
    everyWay((run) =>
      withSession(run, {}, async (session) => {
        session.runtime.registerRetryStrategy('forever', () => Number.POSITIVE_INFINITY);
        const retry = { attempts: 3, backoff: { strategy: 'forever' }, maxDelayMs: 77 };
        expect(await waitsOf(session, failing({ retry }))).to.deep.equal([77, 77, 'NODE_THREW']);
        expect(
          await waitsOf(session, failing({ retry: { attempts: 2, backoff: { strategy: 'forever' } } })),
        ).to.deep.equal([60_000, 'NODE_THREW']);
      }),
    ),
  );

  it('is refused where it is no name of one', () => {
    for (const backoff of ['squares', '', {}, { strategy: '' }, { strategy: 5 }, null, 7, []])
      expect(refusal(() => failing({ retry: { attempts: 2, backoff } as never })).code).to.equal('INVALID_OPTION');
    expect(refusal(() => failing({ retry: { backoff: { strategie: 'x' } } as never })).code).to.equal('UNKNOWN_OPTION');
  });
});

describe('initializeRetryPolicies', () => {
  it('refuses what is no policy, and gives nobody anything then', () => {
    using runtime = new LocalRuntime();
    const wrong: readonly (readonly [unknown, string, string])[] = [
      [{ attempts: 0 }, 'INVALID_OPTION', 'initializeRetryPolicies.attempts'],
      [{ attempts: Number.POSITIVE_INFINITY }, 'INVALID_OPTION', 'initializeRetryPolicies.attempts'],
      [{ delayMs: -1 }, 'INVALID_OPTION', 'initializeRetryPolicies.delayMs'],
      [{ delayMs: Number.NaN }, 'INVALID_OPTION', 'initializeRetryPolicies.delayMs'],
      [{ maxDelayMs: Number.POSITIVE_INFINITY }, 'INVALID_OPTION', 'initializeRetryPolicies.maxDelayMs'],
      [{ jitter: 1.1 }, 'INVALID_OPTION', 'initializeRetryPolicies.jitter'],
      [{ retryOn: 'E_1' }, 'INVALID_OPTION', 'initializeRetryPolicies.retryOn'],
      [{ retryOn: [5] }, 'INVALID_OPTION', 'initializeRetryPolicies.retryOn'],
      [{ maxLost: -1 }, 'INVALID_OPTION', 'initializeRetryPolicies.maxLost'],
      [{ tries: 2 }, 'UNKNOWN_OPTION', 'initializeRetryPolicies'],
      [undefined, 'INVALID_OPTION', 'initializeRetryPolicies'],
    ];
    for (const [options, code, at] of wrong) {
      const refused = refusal(() => runtime.initializeRetryPolicies(options as never));
      expect([refused.code, refused.at], JSON.stringify(options)).to.deep.equal([code, at]);
    }
    expect(refusal(() => runtime.initializeRetryPolicies({}, 'failing')).code).to.equal('INVALID_OPTION');
    expect(runtime.settle(failing()).status).to.equal('failed');
    expect(runtime.getRetryAnalytics().attempts).to.equal(0);
  });

  it('keeps a copy: what is done to the options later changes nothing', () => {
    using runtime = new LocalRuntime();
    const options = { attempts: 2, retryOn: ['NODE_THREW', Error] };
    runtime.initializeRetryPolicies(options);
    options.attempts = 9;
    options.retryOn.length = 0;
    expect(codeOf(runtime.settle(failing()))).to.equal('NODE_THREW');
    expect(runtime.getRetryAnalytics()).to.include({ attempts: 2, retries: 1 });
  });
});
