import { AsyncLocalStorage } from 'node:async_hooks';
import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { MemoryEventStore } from '../../../src/plugins/event-store/memory-event-store.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { seededIds } from '../../../src/testing/seeded.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import { deferred, turn } from '../../support/deferred.js';

/** A clock of which every reading is a millisecond later, and which counts the turns it gave to others. */
class TickingClock extends VirtualClock {
  turns = 0;

  override now(): number {
    this.advance(1);
    return super.now();
  }

  override yieldTurn(callback: () => void): void {
    this.turns++;
    setImmediate(callback);
  }
}

describe('AsyncLocalRuntime', () => {
  it('runs every node whose inputs exist at once, in plan order', async () => {
    const gates = [deferred<number>(), deferred<number>(), deferred<number>()];
    const started: number[] = [];
    const w = workflow('w');
    gates.forEach(({ promise }, index) => {
      w.fn(`n${index}`, {}, () => {
        started.push(index);
        return promise;
      });
    });
    const running = new AsyncLocalRuntime().execute(w.build());
    await turn();
    expect(started).to.deep.equal([0, 1, 2]);
    for (const [index, gate] of [...gates.entries()].reverse()) gate.resolve(index * 10);
    expect([...(await running).results]).to.deep.equal([
      ['n0', { value: 0 }],
      ['n1', { value: 10 }],
      ['n2', { value: 20 }],
    ]);
  });

  it('has no barrier: a node starts when its own inputs exist', async () => {
    const slow = deferred<number>();
    const order: string[] = [];
    const w = workflow('w');
    w.fn('slow', {}, () => slow.promise);
    const quick = w.fn('quick', {}, async () => 1);
    const next = w.fn('next', { n: quick.out.value }, async ({ n }) => {
      order.push('next');
      return n;
    });
    w.fn('last', { n: next.out.value }, () => {
      order.push('last');
      slow.resolve(1);
    });
    await new AsyncLocalRuntime().execute(w.build());
    expect(order).to.deep.equal(['next', 'last']);
  });

  it('takes outputs of synchronous nodes inline: a graph of them needs one turn only', async () => {
    const clock = new VirtualClock();
    let turns = 0;
    clock.yieldTurn = (callback): void => {
      turns++;
      setImmediate(callback);
    };
    const w = workflow('w');
    let last = w.fn('n0', {}, () => 0);
    for (let index = 1; index < 1_000; index++)
      last = w.fn(`n${index}`, { n: last.out.value }, ({ n }) => n + 1) as never;
    const run = await new AsyncLocalRuntime({ clock }).execute(w.build({ outputs: { last: last.out.value } }));
    expect(run.unwrap()).to.deep.equal({ last: 999 });
    expect(turns).to.equal(0);
  });

  it('gives the event loop a turn after 8 ms of synchronous nodes', async () => {
    const clock = new TickingClock();
    const w = workflow('w');
    for (let index = 0; index < 90; index++) w.fn(`n${index}`, {}, () => index);
    const runtime = new AsyncLocalRuntime({ clock });
    const built = w.build();
    let others = 0;
    let over = false;
    const beside = async (): Promise<void> => {
      while (!over) {
        await turn();
        others++;
      }
    };
    const loop = beside();
    await runtime.execute(built);
    over = true;
    await loop;
    // One reading a node and one at the start of a turn: the ninth node is the first that ends later than 8 ms after it.
    expect(clock.turns).to.equal(10);
    expect(others).to.be.greaterThan(8);
  });

  it('lets overlapping runs not see each other', async () => {
    const seen: Record<string, string[]> = {};
    const node = defineNode({
      name: 'n',
      inputs: { tag: type<string>(), list: type<readonly string[]>() },
      outputs: { list: type<readonly string[]>() },
      state: z.number().optional(),
      run: async ({ tag, list }, { runId, emit, setState, state, context }) => {
        await turn();
        emit(tag);
        setState((state ?? 0) + 1);
        await null;
        return { list: [...list, `${tag}/${runId}/${String(state)}/${String(context.tenant)}`] };
      },
    });
    const w = workflow('w', { params: { tag: type<string>() } });
    const a = w.add('a', node({ tag: w.params.tag, list: [] }));
    w.cycle('fit', { feedback: [a.out.list.to(a.in.list)], maxIterations: 2 });
    const built = w.build({ outputs: { list: a.out.list } });
    const runtime = new AsyncLocalRuntime({ ids: seededIds() });
    runtime.on('data', ({ runId, data }) => {
      seen[runId] ??= [];
      seen[runId].push(data as string);
    });
    const runs = await Promise.all(
      ['x', 'y', 'z'].map((tag) => runtime.execute(built, { tag }, { context: { tenant: `T${tag}` } })),
    );
    expect(runs.map((run) => run.unwrap().list)).to.deep.equal([
      ['x/run-1/undefined/Tx', 'x/run-1/1/Tx'],
      ['y/run-2/undefined/Ty', 'y/run-2/1/Ty'],
      ['z/run-3/undefined/Tz', 'z/run-3/1/Tz'],
    ]);
    expect(seen).to.deep.equal({ 'run-1': ['x', 'x'], 'run-2': ['y', 'y'], 'run-3': ['z', 'z'] });
  });

  it('cancels one of two overlapping runs and leaves the other alone', async () => {
    const gate = deferred<number>();
    const abort = new AbortController();
    const w = workflow('w');
    const a = w.fn('a', {}, () => gate.promise);
    const built = w.build({ outputs: { a: a.out.value } });
    const runtime = new AsyncLocalRuntime();
    const [one, two] = [runtime.settle(built, {}, { signal: abort.signal }), runtime.settle(built)];
    await turn();
    abort.abort(new Error('only this one'));
    const cancelled = await one;
    gate.resolve(5);
    const done = await two;
    expect([cancelled.status, done.status === 'completed' && done.output]).to.deep.equal(['cancelled', { a: 5 }]);
  });

  it('takes an answer as a whole where a listener aborts the run in the middle of it', async () => {
    for (const kind of ['attempt.completed', 'attempt.failed']) {
      const abort = new AbortController();
      const kinds: string[] = [];
      const w = workflow('w');
      const a = w.fn('a', {}, async () => {
        if (kind === 'attempt.failed') throw new Error('no');
        return 1;
      });
      w.fn('b', { n: a.out.value }, ({ n }) => n);
      const outcome = await new AsyncLocalRuntime().settle(
        w.build(),
        {},
        {
          signal: abort.signal,
          onEvent: (event) => {
            kinds.push(event.kind);
            if (event.kind === kind) abort.abort(new Error('enough'));
          },
        },
      );
      expect([outcome.status, kinds]).to.deep.equal([
        'cancelled',
        ['run.started', 'attempt.started', kind, 'run.cancel_requested', 'node.cancelled', 'run.cancelled'],
      ]);
    }
  });

  it('takes its listeners off the signal and its timers off the clock when a run ends', async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    let listeners = 0;
    const { signal } = abort;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...args: Parameters<typeof add>): void => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>): void => {
      listeners--;
      remove(...args);
    };
    const w = workflow('w');
    w.fn('a', {}, async () => 1, { timeoutMs: 1_000 });
    await new AsyncLocalRuntime({ clock, timeoutMs: 5_000 }).execute(w.build(), {}, { signal });
    expect([listeners, clock.timers]).to.deep.equal([0, 0]);
  });

  it('runs a workflow from inside a node of another run of the same runtime', async () => {
    const runtime = new AsyncLocalRuntime({ ids: seededIds() });
    const inner = workflow('inner');
    inner.fn('x', {}, async () => 21);
    const built = inner.build();
    const w = workflow('outer');
    const a = w.fn('a', {}, async () => (await runtime.execute(built)).runId);
    expect((await runtime.execute(w.build({ outputs: { a: a.out.value } }))).unwrap()).to.deep.equal({ a: 'run-2' });
  });

  it('waits for a thenable that is no promise, once', async () => {
    let asked = 0;
    const node = defineNode({
      name: 'n',
      outputs: { value: type<number>() },
      run: () =>
        ({
          then: (kept: (value: { value: number }) => void): void => {
            asked++;
            kept({ value: 4 });
          },
        }) as unknown as Promise<{ value: number }>,
    });
    const w = workflow('w');
    const a = w.add('a', node());
    expect((await new AsyncLocalRuntime().execute(w.build({ outputs: { a: a.out.value } }))).unwrap()).to.deep.equal({
      a: 4,
    });
    expect(asked).to.equal(1);
  });

  for (const [how, options] of [
    ['makes room for it', { resources: { limits: { maxConcurrency: 1 } } }],
    ['commits with it', { store: new MemoryEventStore() }],
  ] as const)
    it(`performs a run in the context in which it was begun, also where another one ${how}`, async () => {
      const runtime = new AsyncLocalRuntime(options);
      const caller = new AsyncLocalStorage<string>();
      const seen: string[] = [];
      const w = workflow('w', { params: { name: type<string>() } });
      const a = w.fn('a', { name: w.params.name }, async ({ name }) => {
        seen.push(`${name} in ${caller.getStore()}`);
        await turn();
        return name;
      });
      w.fn('b', { name: a.out.value }, ({ name }) => seen.push(`${name} in ${caller.getStore()}`));
      const built = w.build();
      await Promise.all(['x', 'y', 'z'].map((name) => caller.run(name, () => runtime.execute(built, { name }))));
      expect(seen.toSorted()).to.deep.equal(['x in x', 'x in x', 'y in y', 'y in y', 'z in z', 'z in z']);
      await runtime.close();
    });
});
