import { expect } from 'chai';
import { defineNode } from '../../src/base/node.js';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { memoryEventStore, SqliteEventStore, sqliteEventStore } from '../../src/plugins/event-store/index.js';
import { definePlugin } from '../../src/plugins/plugin.js';
import { EVENT_STORE } from '../../src/plugins/tokens.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { systemClock } from '../../src/runtimes/system-clock.js';
import { deferred, turn } from '../support/deferred.js';
import { type Bench, codeOf, inBoth, inOne } from '../support/durable.js';
import { withX } from '../support/module-nodes.js';
import { RecordingStore } from '../support/recording-store.js';
import { StoreFolder } from '../support/store-file.js';

/** Runs a workflow with and without a store, and compares what is told. */
async function alike(bench: Bench, make: () => never, options: object = {}, run: () => object = () => ({})) {
  const one = bench.open({ store: bench.store, ...options });
  const durable = await one.settle(make(), {}, run());
  const view = (outcome: typeof durable) =>
    outcome.status === 'rejected'
      ? outcome
      : {
          status: outcome.status,
          output: outcome.output,
          nodes: [...outcome.nodes.values()].map(({ id, status, attempts, reason, error }) => ({
            ...{ id, status, attempts, reason, error: error?.code },
          })),
        };
  const replay = bench.open({ store: bench.store }).runtime.replay('r');
  const other = bench.open({ store: bench.store });
  const given = await other.resume(undefined);
  expect(view(replay as never)).to.deep.equal(view(durable));
  expect(view(given)).to.deep.equal(view(durable));
  const { store: _, ...plain } = { store: 0, ...options };
  const bare = bench.kind === 'sync' ? new LocalRuntime({ ...plain, clock: bench.clock }) : undefined;
  if (bare !== undefined) expect(view(bare.settle(make() as never, {}, run()) as never)).to.deep.equal(view(durable));
  bare?.close();
  return durable;
}

describe('A durable run', () => {
  inBoth('with retries waits as long as it does otherwise', async (bench) => {
    const start = bench.clock.now();
    const outcome = await alike(bench, () => {
      const w = workflow('w');
      let calls = 0;
      const a = w.fn(
        'a',
        {},
        () => {
          if (++calls < 3) throw new Error('busy');
          return calls;
        },
        { retry: { attempts: 3, delayMs: 1_000, maxDelayMs: 10_000 } },
      );
      return w.build({ outputs: { a: a.out.value } }) as never;
    });
    expect(outcome).to.deep.include({ status: 'completed', output: { a: 3 } });
    expect(bench.clock.now() - start).to.be.at.least(3_000);
  });

  inBoth('that died between two tries goes on with the next one, at its time', async (bench) => {
    const flow = (fails: boolean) => {
      const w = workflow('w');
      w.fn(
        'a',
        {},
        () => {
          if (fails) throw new Error('busy');
          return 1;
        },
        { retry: { attempts: 3, delayMs: 5_000, maxDelayMs: 5_000 } },
      );
      return w.build();
    };
    bench.store.breaks = ({ events }) => (events.r?.includes('failed a') ? new Error('gone') : undefined);
    let count = 0;
    const store = bench.store;
    store.breaks = ({ events }) => (events.r?.includes('started a') && ++count === 2 ? new Error('gone') : undefined);
    await bench
      .open()
      .settle(flow(true))
      .catch(() => undefined);
    store.breaks = () => undefined;
    expect((await bench.open().resume(flow(false))).status).to.equal('completed');
  });

  for (const onError of ['continue', 'fail-fast'] as const) {
    inBoth(`under ${onError} ends as it does otherwise`, async (bench) => {
      await alike(
        bench,
        () => {
          const w = workflow('w');
          const a = w.fn('a', {}, (): number => {
            throw new Error('broke');
          });
          w.fn('b', { a: a.out.value }, () => 1);
          const c = w.fn('c', {}, () => 1);
          w.fn('d', { c: c.out.value }, () => 1);
          return w.build() as never;
        },
        { onError, ...(bench.kind === 'async' ? { maxConcurrency: 1 } : {}) },
      );
    });
  }

  inBoth('is stopped by the time limit of a node', async (bench) => {
    const outcome = await alike(bench, () => {
      const w = workflow('w');
      const slow = () => {
        if (bench.kind === 'async')
          return new Promise<number>((resolve) => bench.clock.setTimer(900, () => resolve(1)));
        bench.clock.advance(900);
        return 1;
      };
      w.fn('a', {}, slow, { timeoutMs: 500 });
      w.fn('b', {}, () => 1, { softTimeoutMs: 100 });
      return w.build() as never;
    });
    expect(outcome.status === 'failed' && outcome.error.failure.code).to.equal('ATTEMPT_TIMEOUT');
  });

  inBoth('does not count the time that other nodes hold the thread against the limit of a node', async (bench) => {
    const outcome = await alike(bench, () => {
      const w = workflow('w');
      const slow = () => {
        bench.clock.advance(10);
        return 1;
      };
      for (const id of ['a', 'b', 'c', 'd']) w.fn(id, {}, slow, { timeoutMs: 15 });
      return w.build() as never;
    });
    expect(outcome.status).to.equal('completed');
  });

  inBoth('is stopped by its own time limit, which goes on counting when it is cut off', async (bench) => {
    const w = workflow('w');
    const a = w.fn('a', {}, () => 1);
    w.fn('b', { a: a.out.value }, () => 1);
    const flow = w.build();
    bench.store.breaks = ({ events }) => (events.r?.includes('started b') ? new Error('gone') : undefined);
    await bench
      .open()
      .settle(flow, {}, { timeoutMs: 1_000 })
      .catch(() => undefined);
    bench.store.breaks = () => undefined;
    bench.clock.advance(5_000);
    const outcome = await bench.open().resume(flow);
    expect(outcome.status === 'failed' && outcome.error.failure.code).to.equal('RUN_TIMEOUT');
    expect(bench.store.run('r')).to.include({ errorCode: 'RUN_TIMEOUT' });
    expect(bench.open().runtime.replay('r').status).to.equal('failed');
  });

  inBoth('is cancelled by its signal, and stays so where it dies before its end is written', async (bench) => {
    const stop = new AbortController();
    const w = workflow('w');
    const a = w.fn('a', {}, () => {
      stop.abort(new Error('enough'));
      return 1;
    });
    w.fn('b', { a: a.out.value }, () => 1);
    const flow = w.build();
    const outcome = await bench.open().settle(flow, {}, { signal: stop.signal });
    expect(outcome.status).to.equal('cancelled');
    expect(bench.store.run('r')).to.include({ status: 'cancelled' });
    expect(bench.store.kinds('r')).to.include.members(['run.cancel_requested', 'node.cancelled', 'run.cancelled']);
  });

  inBoth('is never begun where its signal is aborted', async (bench) => {
    const w = workflow('w');
    w.fn('a', {}, () => 1);
    const outcome = await bench.open().settle(w.build(), {}, { signal: AbortSignal.abort(new Error('no')) });
    expect(outcome.status).to.equal('cancelled');
    expect(bench.store.commits).to.have.length(1);
  });

  inBoth('has outputs of the cache in its log', async (bench) => {
    const process = bench.open();
    let calls = 0;
    const node = defineNode({
      name: 'cached',
      inputs: { x: type<number>() },
      outputs: { y: type<number>() },
      cache: { ttlMs: 1e6 },
      run: ({ x }: { readonly x: number }) => ({ y: x + ++calls }),
    } as never) as never as (inputs: object) => never;
    const w = workflow('w');
    w.add('a', node({ x: 1 }));
    const flow = w.build();
    await process.settle(flow);
    const outcome = await process.settle(flow, {}, { runId: 's' });
    expect(outcome.status).to.equal('completed');
    expect(calls).to.equal(1);
    expect(bench.store.log('s').find(({ kind }) => kind === 'attempt.completed')?.data).to.deep.include({
      cached: true,
      output: { y: 2 },
    });
  });

  inBoth('obeys breakers and limits', async (bench) => {
    const process = bench.open({
      store: bench.store,
      executors: { 'function.weak': { breaker: { failures: 1, openMs: 1e6 }, limit: { maxConcurrency: 1 } } } as never,
    });
    const node = defineNode({
      name: 'weak',
      outputs: { y: type<number>() },
      run: () => {
        throw new Error('weak');
      },
    });
    const w = workflow('w');
    w.add('a', node());
    const flow = w.build();
    const codes = [];
    for (const runId of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k']) {
      const outcome = await process.settle(flow, {}, { runId });
      codes.push(outcome.status === 'failed' && outcome.error.failure.code);
      expect(bench.open({ store: bench.store }).runtime.replay(runId).status).to.equal('failed');
    }
    expect(codes).to.include('BREAKER_OPEN');
  });

  inOne('sync', 'calls module nodes once they are recorded, and takes their failures and limits', async (bench) => {
    const w = workflow('w');
    const a = w.add('a', withX('double')({ x: 2 }));
    w.add('b', withX('wait')({ x: 5_000 }), { timeoutMs: 20 });
    const c = w.add('c', withX('doubleNow')({ x: a.out.y as never }));
    const flow = w.build({ outputs: { c: c.out.y } });
    const outcome = await bench.open({ store: bench.store, clock: systemClock }).settle(flow);
    expect(outcome.status === 'failed' && outcome.error.failure.code).to.equal('ATTEMPT_TIMEOUT');
    expect(outcome.status === 'failed' && outcome.results.get('c')).to.deep.equal({ y: 8 });
    expect(bench.open().runtime.replay('r').status).to.equal('failed');
  });

  inBoth('may run another one inside a node', async (bench) => {
    const process = bench.open();
    const inner = workflow('inner');
    const i = inner.fn('i', {}, () => 5);
    const small = inner.build({ outputs: { i: i.out.value } });
    const w = workflow('outer');
    const a = w.fn('a', {}, () => {
      const run: unknown = process.runtime.execute(small, {}, { runId: 'inner' });
      return run instanceof Promise ? run.then(({ output }) => output) : (run as { output: unknown }).output;
    });
    w.fn('beside', {}, () => 1);
    const outcome = await process.settle(w.build({ outputs: { a: a.out.value } }));
    expect(outcome).to.deep.include({ status: 'completed', output: { a: { i: 5 } } });
    expect(bench.store.run('inner')?.status).to.equal('completed');
    expect(bench.store.log('inner').map(({ seq }) => seq)).to.deep.equal([0, 1, 2, 3]);
  });

  inOne('async', 'ends before its runtime is closed', async (bench) => {
    const gate = deferred<number>();
    const w = workflow('w');
    const a = w.fn('a', {}, () => gate.promise);
    w.fn('b', { a: a.out.value }, ({ a: x }) => x);
    const plugin = memoryEventStore();
    const process = bench.open({ plugins: [plugin] });
    const run = codeOf(process.settle(w.build()));
    await turn();
    const closing = process.close();
    gate.resolve(1);
    expect(await run).to.equal('kept: completed');
    await closing;
  });

  inOne('async', 'that is cancelled before its store has started ends as it does without one', async (bench) => {
    const started = deferred<void>();
    const store = new RecordingStore();
    store.close();
    const plugin = definePlugin({
      name: 'slow-store',
      async: true,
      provides: [EVENT_STORE],
      setup: (scope) => scope.provide(EVENT_STORE, store),
      start: async () => {
        await started.promise;
        store.open();
      },
    });
    const w = workflow('w');
    w.fn('a', {}, () => 1);
    const flow = w.build();
    const process = bench.open({ plugins: [plugin as never] });
    const stop = new AbortController();
    const run = codeOf(
      process.runtime.settle(flow as never, {}, { runId: 'r', signal: stop.signal }) as Promise<never>,
    );
    await turn();
    stop.abort(new Error('no'));
    expect(await run).to.equal('kept: cancelled');
    expect(() => process.runtime.runs()).to.throw('starting');
    started.resolve();
    await turn();
    expect((await process.settle(flow)).status).to.equal('completed');
  });

  inBoth('in a file of SQLite says what it survives', async (bench) => {
    const folder = new StoreFolder();
    const plugin = sqliteEventStore({ file: folder.file });
    const [one, two] = [bench.open({ plugins: [plugin] }), bench.open({ plugins: [plugin] }, bench.other)];
    const w = workflow('w');
    const a = w.fn('a', {}, () => 1);
    w.fn('b', { a: a.out.value }, ({ a: x }) => x, { durability: 'power' });
    const flow = w.build();
    const outcome = await one.settle(flow);
    expect(outcome).to.have.deep.property('receipt', { durability: 'process', commits: 3, events: 6 });
    const strong = bench.open({ plugins: [plugin], durability: 'power' });
    expect(await strong.settle(flow, {}, { runId: 's' })).to.have.nested.property('receipt.durability', 'power');
    await two.settle(flow, {}, { runId: 't' });
    expect(one.runtime.runs().map(({ runId }) => runId)).to.have.members(['r', 's', 't']);
    await one.close();
    expect((await two.resume(undefined, 'r')).status).to.equal('completed');
    expect(two.runtime.verify()).to.deep.include({ ok: true, runs: 3 });
    await two.close();
    await strong.close();
    const reader = new SqliteEventStore({ file: folder.file, readOnly: true });
    reader.open();
    expect(reader.runs()).to.have.length(3);
    reader.close();
    folder.remove();
  });
});
