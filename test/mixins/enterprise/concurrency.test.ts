import { expect } from 'chai';
import type { RunEvent } from '../../../src/base/events.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime, type AsyncLocalRuntimeOptions } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { advanceUntil, seededIds, seededRandom, VirtualClock } from '../../../src/testing/index.js';
import { asyncForm, codeThrownBy } from '../../support/every-way.js';

/** Counts how many of its nodes run at once. */
class Gauge {
  running = 0;
  peak = 0;
  readonly order: string[] = [];

  /** A node that runs for `ms` of virtual time. */
  node(clock: VirtualClock, id: string, ms: number) {
    return defineNode({
      name: 'gauged',
      outputs: { id: type<string>() },
      run: async () => {
        this.running++;
        this.peak = Math.max(this.peak, this.running);
        this.order.push(id);
        await new Promise<void>((resolve) => clock.setTimer(ms, resolve));
        this.running--;
        return { id };
      },
    });
  }
}

async function measure(maxConcurrency: number | undefined, times: readonly number[]) {
  const clock = new VirtualClock();
  const gauge = new Gauge();
  const w = workflow('gauged');
  for (const [index, ms] of times.entries()) w.add(`n${index}`, gauge.node(clock, `n${index}`, ms)({}));
  const options: AsyncLocalRuntimeOptions = {
    clock,
    ids: seededIds(),
    ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
  };
  const result = await advanceUntil(() => new AsyncLocalRuntime(options).execute(w.build()), clock);
  return { peak: gauge.peak, order: gauge.order, durationMs: result.durationMs, status: result.status };
}

describe('maxConcurrency', () => {
  it('without it, everything that may run runs at once', async () => {
    expect(await measure(undefined, [10, 20, 30, 40, 50])).to.deep.equal({
      peak: 5,
      order: ['n0', 'n1', 'n2', 'n3', 'n4'],
      durationMs: 50,
      status: 'completed',
    });
  });

  it('binds: never more than that many run, and a slot is used as soon as it is free', async () => {
    // Slot one: n0 until 50. Slot two: n1 until 10, n2 until 30, n3 until 40, n4 until 80.
    expect(await measure(2, [50, 10, 20, 10, 40])).to.deep.equal({
      peak: 2,
      order: ['n0', 'n1', 'n2', 'n3', 'n4'],
      durationMs: 80,
      status: 'completed',
    });
    expect((await measure(3, [10, 10, 10, 10, 10, 10, 10])).durationMs).to.equal(30);
    expect((await measure(3, [10, 10, 10, 10, 10, 10, 10])).peak).to.equal(3);
  });

  it('1 runs one after the other, lowest plan index first', async () => {
    expect(await measure(1, [30, 10, 20])).to.deep.equal({
      peak: 1,
      order: ['n0', 'n1', 'n2'],
      durationMs: 60,
      status: 'completed',
    });
  });

  it('more than there are nodes changes nothing', async () => {
    expect((await measure(100, [10, 20])).peak).to.equal(2);
  });

  it('must be a whole number of at least 1', () => {
    for (const maxConcurrency of [0, -1, 1.5, Number.POSITIVE_INFINITY, Number.NaN]) {
      for (const Runtime of [LocalRuntime, AsyncLocalRuntime])
        expect(
          codeThrownBy(() => new Runtime({ maxConcurrency })),
          String(maxConcurrency),
        ).to.equal('INVALID_OPTION');
    }
  });

  it('a node that waits for its next attempt holds no slot', async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    const w = workflow('backoff');
    const flaky = defineNode({
      name: 'flaky',
      outputs: { n: type<number>() },
      retry: { attempts: 2, delayMs: 100 },
      run: async (_, { attempt }) => {
        order.push(`flaky ${attempt} at ${clock.now() - 1_704_067_200_000}`);
        await null;
        if (attempt === 1) throw new Error('again');
        return { n: 1 };
      },
    });
    w.add('flaky', flaky({}));
    w.fn('other', {}, async () => {
      order.push(`other at ${clock.now() - 1_704_067_200_000}`);
      await new Promise<void>((resolve) => clock.setTimer(30, resolve));
    });
    w.fn('third', {}, async () => {
      order.push(`third at ${clock.now() - 1_704_067_200_000}`);
    });
    await advanceUntil(() => new AsyncLocalRuntime({ clock, maxConcurrency: 1 }).execute(w.build()), clock);
    expect(order).to.deep.equal(['flaky 1 at 0', 'other at 0', 'third at 30', 'flaky 2 at 100']);
  });

  it('a node whose next attempt is due waits for a slot', async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    const w = workflow('due');
    const flaky = defineNode({
      name: 'flaky',
      outputs: { n: type<number>() },
      retry: { attempts: 2, delayMs: 10 },
      run: async (_, { attempt }) => {
        order.push(`flaky ${attempt} at ${clock.now() - 1_704_067_200_000}`);
        await null;
        if (attempt === 1) throw new Error('again');
        return { n: 1 };
      },
    });
    w.add('flaky', flaky({}));
    w.fn('long', {}, async () => {
      await new Promise<void>((resolve) => clock.setTimer(500, resolve));
    });
    await advanceUntil(() => new AsyncLocalRuntime({ clock, maxConcurrency: 1 }).execute(w.build()), clock);
    expect(order).to.deep.equal(['flaky 1 at 0', 'flaky 2 at 500']);
  });

  it('1 equals LocalRuntime: the same events in the same order, under fail-fast too', async () => {
    const build = () => {
      const w = workflow('same', { params: { n: type<number>() } });
      const a = w.fn('a', { n: w.params.n }, ({ n }) => n + 1);
      const route = w.switch('route', a.out.value, { big: (n) => n > 10, small: otherwise });
      const big = w.fn('big', { n: route.out.big }, ({ n }) => n);
      const step = w.fn('step', { n: route.out.small }, ({ n }) => n * 2);
      w.cycle('loop', { feedback: [step.out.value.to(step.in.n)], maxIterations: 3 });
      w.fn('end', { n: big.out.value.or(step.out.value) }, ({ n }) => n);
      w.fn('bad', { n: a.out.value }, ({ n }): number => {
        if (n === 3) throw new Error('three');
        return n;
      });
      w.fn('last', { n: a.out.value }, ({ n }) => n);
      return w.build();
    };
    const bare = (events: readonly RunEvent[]): string[] =>
      events.map(({ kind, data }) => ('node' in data ? `${kind} ${data.node}` : kind));
    for (const onError of ['continue', 'fail-fast'] as const) {
      for (const n of [1, 2, 20]) {
        const clock = new VirtualClock();
        const common = { clock, ids: seededIds(), random: seededRandom(1), onError };
        const local: RunEvent[] = [];
        const first = new LocalRuntime(common).settle(build(), { n }, { onEvent: (event) => local.push(event) });
        const single: RunEvent[] = [];
        const second = await advanceUntil(
          () =>
            new AsyncLocalRuntime({ ...common, maxConcurrency: 1 }).settle(
              asyncForm(build()),
              { n },
              { onEvent: (event) => single.push(event) },
            ),
          clock,
        );
        expect(second.status, `${onError} ${n}`).to.equal(first.status);
        expect(bare(single), `${onError} ${n}`).to.deep.equal(bare(local));
      }
    }
  });

  it('is counted for each run of a runtime on its own', async () => {
    const clock = new VirtualClock();
    const gauge = new Gauge();
    const w = workflow('runs');
    w.add('a', gauge.node(clock, 'a', 10)({}));
    w.add('b', gauge.node(clock, 'b', 10)({}));
    const built = w.build();
    const runtime = new AsyncLocalRuntime({ clock, maxConcurrency: 1 });
    await advanceUntil(
      () => Promise.all([runtime.execute(built), runtime.execute(built), runtime.execute(built)]),
      clock,
    );
    expect(gauge.peak).to.equal(3);
    expect(gauge.order).to.deep.equal(['a', 'a', 'a', 'b', 'b', 'b']);
  });
});
