import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import type { RunOptions } from '../../../src/base/runtime-options.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { definePlugin, type Plugin } from '../../../src/plugins/plugin.js';
import { ACCESS_POLICY } from '../../../src/plugins/tokens.js';
import { AsyncLocalRuntime, type AsyncLocalRuntimeOptions } from '../../../src/runtimes/async-local-runtime.js';
import { seededIds } from '../../../src/testing/seeded.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import { rejection } from '../../support/caught.js';
import { deferred, turn } from '../../support/deferred.js';

const secretive = defineNode({
  name: 'secretive',
  outputs: { v: type<string>() },
  secrets: ['TOKEN'],
  run: (_, { secret }) => ({ v: secret('TOKEN') }),
});

/** Two nodes in a row, of which the first needs a secret; `ran` says which of them were called. */
function flow(ran: string[] = []) {
  const w = workflow('waits', { params: { n: type<number>() } });
  const a = w.add('a', secretive());
  const b = w.fn('b', { v: a.out.v, n: w.params.n }, ({ v, n }) => {
    ran.push('b');
    return `${v}${n}`;
  });
  return w.build({ outputs: { b: b.out.value } });
}

/** A runtime that waits: for a plugin to start, or for its secrets. What it waits for is settled from outside. */
function waiting(what: 'start' | 'secrets', options: AsyncLocalRuntimeOptions = {}) {
  const clock = new VirtualClock(0);
  const start = deferred<void>();
  const secrets = deferred<Readonly<Record<string, string>>>();
  const asked: string[] = [];
  const plugin = definePlugin({
    name: 'slow',
    async: true,
    start: () => {
      asked.push('start');
      return start.promise;
    },
  });
  const runtime = new AsyncLocalRuntime({
    clock,
    ids: seededIds(),
    plugins: what === 'start' ? [plugin] : [],
    secrets: {
      load: () => {
        asked.push('secrets');
        if (what === 'secrets') return secrets.promise;
        return { TOKEN: 't' };
      },
    },
    ...options,
  });
  const come = (): void => (what === 'start' ? start.resolve() : secrets.resolve({ TOKEN: 't' }));
  const fail = (): void => (what === 'start' ? start : secrets).reject(new Error('late'));
  return { clock, runtime, asked, come, fail };
}

/** Runs with every event noted. */
function noted(runtime: AsyncLocalRuntime, ran: string[], options: RunOptions = {}) {
  const events: string[] = [];
  const run = runtime.settle(flow(ran), { n: 1 }, { ...options, onEvent: ({ kind }) => events.push(kind) });
  return { run, events };
}

describe('A run that waits', () => {
  let unhandled: unknown[];
  const note = (reason: unknown): unknown => unhandled.push(reason);

  beforeEach(() => {
    unhandled = [];
    process.on('unhandledRejection', note);
  });

  afterEach(async () => {
    await turn();
    process.off('unhandledRejection', note);
    expect(unhandled, 'rejections that nobody handled').to.deep.equal([]);
  });

  for (const what of ['start', 'secrets'] as const) {
    describe(what === 'start' ? 'for a plugin to start' : 'for its secrets', () => {
      it('goes on when they are there, and its time counts from the call', async () => {
        const { clock, runtime, come } = waiting(what, { timeoutMs: 100 });
        const { run } = noted(runtime, []);
        await turn();
        clock.advance(60);
        come();
        const outcome = await run;
        expect(outcome.status === 'completed' && [outcome.output, outcome.startedAt, outcome.durationMs]).to.deep.equal(
          [{ b: 't1' }, 0, 60],
        );
        expect(clock.timers).to.equal(0);
      });

      for (const late of ['come', 'fail'] as const) {
        it(`is cancelled by its signal: no node runs, and what ${late}s late is ignored`, async () => {
          const ran: string[] = [];
          const context = waiting(what, { timeoutMs: 1_000 });
          const abort = new AbortController();
          const { run, events } = noted(context.runtime, ran, { signal: abort.signal });
          await turn();
          context.clock.advance(30);
          abort.abort(new Error('user left'));
          const outcome = await run;
          if (outcome.status !== 'cancelled') throw new Error(outcome.status);
          expect(outcome.error).to.deep.include({ reason: 'user left', completed: [], notStarted: ['a', 'b'] });
          expect([...outcome.nodes.values()].map(({ status, reason }) => [status, reason?.code])).to.deep.equal([
            ['cancelled', 'run_cancelled'],
            ['cancelled', 'run_cancelled'],
          ]);
          expect(events).to.deep.equal([
            'run.started',
            'run.cancel_requested',
            'node.cancelled',
            'node.cancelled',
            'run.cancelled',
          ]);
          expect([outcome.startedAt, outcome.durationMs, context.clock.timers]).to.deep.equal([0, 30, 0]);
          context[late]();
          await turn();
          expect(ran).to.deep.equal([]);
        });
      }

      it('is cancelled at once where its signal is aborted already', async () => {
        const { runtime, asked } = waiting(what);
        const outcome = await runtime.settle(flow(), { n: 1 }, { signal: AbortSignal.abort('before') });
        expect([outcome.status, asked]).to.deep.equal(['cancelled', [what]]);
      });

      for (const whose of ['run', 'runtime'] as const) {
        it(`fails RUN_TIMEOUT by the limit of the ${whose}`, async () => {
          const ran: string[] = [];
          const { clock, runtime, fail } = waiting(what, { timeoutMs: whose === 'run' ? 1_000 : 50 });
          const { run, events } = noted(runtime, ran, whose === 'run' ? { timeoutMs: 50 } : {});
          await turn();
          clock.advance(49);
          await turn();
          expect(events).to.deep.equal([]);
          clock.advance(1);
          const outcome = await run;
          if (outcome.status !== 'failed') throw new Error(outcome.status);
          expect([outcome.error.failure.code, outcome.durationMs]).to.deep.equal(['RUN_TIMEOUT', 50]);
          expect([...outcome.nodes.values()].map(({ status }) => status)).to.deep.equal(['cancelled', 'cancelled']);
          expect(events).to.deep.equal([
            'run.started',
            'deadline.expired',
            'node.cancelled',
            'node.cancelled',
            'run.failed',
          ]);
          fail();
          await turn();
          expect([ran, clock.timers]).to.deep.equal([[], 0]);
        });
      }

      it('is not ended by a timer that is early', async () => {
        const { clock, runtime, come } = waiting(what, { timeoutMs: 50 });
        const setTimer = clock.setTimer.bind(clock);
        clock.setTimer = (ms, callback) => setTimer(ms > 1 ? ms - 1 : ms, callback);
        const { run } = noted(runtime, []);
        await turn();
        clock.advance(49.5);
        come();
        expect((await run).status).to.equal('completed');
      });

      it('leaves no listener on its signal, however it ends', async () => {
        const { signal } = new AbortController();
        const listeners: string[] = [];
        const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
        signal.addEventListener = (...args: Parameters<typeof add>): void => {
          listeners.push('added');
          add(...args);
        };
        signal.removeEventListener = (...args: Parameters<typeof remove>): void => {
          listeners.pop();
          remove(...args);
        };
        const { runtime, come } = waiting(what);
        const { run } = noted(runtime, [], { signal });
        await turn();
        expect(listeners).to.deep.equal(['added']);
        come();
        expect([(await run).status, listeners]).to.deep.equal(['completed', []]);
      });
    });
  }

  it('lets another go on that waits for the same start', async () => {
    const { runtime, come } = waiting('start');
    const abort = new AbortController();
    const [one, two] = [noted(runtime, [], { signal: abort.signal }).run, noted(runtime, []).run];
    await turn();
    abort.abort();
    expect((await one).status).to.equal('cancelled');
    come();
    expect((await two).status).to.equal('completed');
  });

  it('is refused for what is wrong with the call before any plugin starts', async () => {
    const { runtime, asked } = waiting('start');
    const wrong = [
      [{}, { n: 1 }, {}, 'NOT_A_WORKFLOW'],
      [flow(), { n: 1 }, { timeoutMs: -1 }, 'INVALID_OPTION'],
      [flow(), { n: 1 }, { tiemoutMs: 1 }, 'UNKNOWN_OPTION'],
      [flow(), [1], {}, 'INVALID_PARAMETER'],
    ] as const;
    for (const [what, params, options, code] of wrong) {
      const outcome = await runtime.settle(what as never, params as never, options as never);
      expect(outcome.status === 'rejected' && outcome.error.code).to.equal(code);
    }
    expect(asked).to.deep.equal([]);
  });

  it('is checked, and refused, once the plugins have started and before secrets are asked for', async () => {
    const { runtime, asked, come } = waiting('start');
    const run = runtime.settle(flow(), { m: 1 } as never);
    await turn();
    come();
    const outcome = await run;
    expect([outcome.status, asked]).to.deep.equal(['rejected', ['start']]);
  });

  it('is cancelled without its checks where plugins have not started: the policy may be one of theirs', async () => {
    const asked: string[] = [];
    const policy: Plugin = definePlugin({
      name: 'policy',
      async: true,
      provides: [ACCESS_POLICY],
      setup: ({ provide }) =>
        provide(ACCESS_POLICY, {
          allows: ({ runId }) => {
            asked.push(runId);
            return false;
          },
        }),
      start: () => new Promise<void>(() => undefined),
    });
    const runtime = new AsyncLocalRuntime({ plugins: [policy], ids: seededIds() });
    const abort = new AbortController();
    const { run } = noted(runtime, [], { signal: abort.signal });
    await turn();
    abort.abort();
    expect([(await run).status, asked]).to.deep.equal(['cancelled', []]);
  });

  it('is cancelled without its checks: its log begins with the parameters that it was called with', async () => {
    const { runtime } = waiting('start');
    const started: unknown[] = [];
    const outcome = await runtime.settle(
      flow(),
      { n: 7 },
      {
        signal: AbortSignal.abort(),
        context: { tenant: 'acme' },
        onEvent: ({ kind, data }) => kind === 'run.started' && started.push(data.parameters, data.set, data.context),
      },
    );
    expect([outcome.status, started]).to.deep.equal(['cancelled', [{ n: 7 }, [], { tenant: 'acme' }]]);
  });

  it('is refused by a start that fails, and the next one starts the plugins again', async () => {
    let starts = 0;
    const flaky = definePlugin({
      name: 'flaky',
      async: true,
      start: async () => {
        starts++;
        await null;
        if (starts === 1) throw new Error('not yet');
      },
    });
    const runtime = new AsyncLocalRuntime({ plugins: [flaky], secrets: { load: () => ({ TOKEN: 't' }) } });
    expect((await rejection(runtime.execute(flow(), { n: 1 }))).code).to.equal('PLUGIN_FAILED');
    expect((await runtime.execute(flow(), { n: 1 })).status).to.equal('completed');
  });
});

describe('A run that need not wait', () => {
  it('sets no timer and takes no listener for it, and begins when it is opened', async () => {
    const clock = new VirtualClock(0);
    let timers = 0;
    clock.setTimer = (): (() => void) => {
      timers++;
      return () => undefined;
    };
    const { signal } = new AbortController();
    let listeners = 0;
    signal.addEventListener = (): void => {
      listeners++;
    };
    const started: string[] = [];
    const quick = definePlugin({ name: 'quick', start: () => void started.push('quick') });
    const runtime = new AsyncLocalRuntime({ clock, plugins: [quick], secrets: { load: () => ({ TOKEN: 't' }) } });
    const outcome = await runtime.settle(flow(), { n: 1 }, { signal, timeoutMs: 10 });
    expect([outcome.status, timers, listeners, started]).to.deep.equal(['completed', 0, 0, ['quick']]);
  });

  it('is heard by who listens right after the call', async () => {
    const w = workflow('w');
    w.fn('a', {}, () => 1);
    const runtime = new AsyncLocalRuntime();
    const run = runtime.settle(w.build());
    const heard: string[] = [];
    runtime.on('event', ({ kind }) => heard.push(kind));
    await run;
    expect(heard).to.deep.equal(['run.started', 'attempt.started', 'attempt.completed', 'run.completed']);
  });
});
