import { expect } from 'chai';
import type { LimitOptions } from '../../../src/base/capability-options.js';
import { defineNode } from '../../../src/base/node.js';
import type { RunOptions } from '../../../src/base/runtime-options.js';
import { type } from '../../../src/base/schema.js';
import type { Workflow } from '../../../src/base/workflow.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime, type AsyncLocalRuntimeOptions } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { seededIds, VirtualClock } from '../../../src/testing/index.js';
import { Gauge, held } from '../../support/gauge.js';

/** Nodes of one executor side by side, each taking 10 ms. */
function wide(gauge: Gauge, count: number) {
  const w = workflow('wide');
  for (let each = 0; each < count; each++) w.add(`n${each}`, gauge.node('work', 10)({}));
  return w.build();
}

const failing = defineNode({
  name: 'failing',
  outputs: { n: type<number>() },
  run: async (): Promise<{ n: number }> => {
    throw new Error('as planned');
  },
});

/** The limits under which everything is tried: those that wait for a slot, for a token, for both, behind others, for several. */
const LIMITS: readonly (readonly LimitOptions[])[] = [
  [{ maxConcurrency: 1 }],
  [{ maxConcurrency: 2 }],
  [{ rate: { count: 1, perMs: 7 } }],
  [{ rate: { count: 2, perMs: 30 }, per: 'tenant' }],
  [{ maxConcurrency: 1, rate: { count: 3, perMs: 10 }, whenFull: 'queue', maxQueueMs: 1_000 }],
  [{ maxConcurrency: 2 }, { rate: { count: 1, perMs: 4 } }, { maxConcurrency: 1, per: 'tenant' }],
];

/**
 * Runs a workflow that ends before all of its nodes have started, at every time at which something happens, beside another run;
 * both, and one afterwards, must end, and nothing may be left held.
 */
async function endedEarly(
  build: (gauge: Gauge) => Workflow,
  options: (gauge: Gauge, at: number) => RunOptions,
  status: string,
  times: readonly number[],
  runtimeOptions: AsyncLocalRuntimeOptions = {},
): Promise<void> {
  for (const limits of LIMITS) {
    for (const at of times) {
      const gauge = new Gauge();
      const runtime = gauge.runtime({ ...runtimeOptions, resources: { limits } });
      const place = `${JSON.stringify(limits)} at ${at}`;
      const [early, beside] = await gauge.until(
        Promise.all([
          runtime.settle(build(gauge), {}, { runId: 'A', ...options(gauge, at) }),
          runtime.settle(wide(gauge, 3), {}, { runId: 'B' }),
        ]),
      );
      expect([early.status, beside.status], place).to.deep.equal([status, 'completed']);
      expectFree(runtime, place);
      const after = await gauge.until(runtime.settle(wide(gauge, 2)));
      expect(after.status, place).to.equal('completed');
      expectFree(runtime, place);
    }
  }
}

function expectFree(runtime: AsyncLocalRuntime | LocalRuntime, place = ''): void {
  const left = held(runtime.getResourceMetrics());
  expect(left.nothing, `${place}: ${JSON.stringify(left)}`).to.equal(true);
  expect(() => runtime.initializeResourceCoordinator(runtime.options.resources), place).not.to.throw();
}

const TIMES = [0, 1, 4, 7, 10, 12, 15, 20, 21, 28];

describe('What waits for room gives everything back', () => {
  it('when its run is cancelled, at whatever time', async () => {
    const cancelAt = (gauge: Gauge, at: number): RunOptions => {
      const controller = new AbortController();
      gauge.clock.setTimer(at, () => controller.abort());
      return { signal: controller.signal };
    };
    await endedEarly((gauge) => wide(gauge, 6), cancelAt, 'cancelled', TIMES);
  });

  it('when its run is out of time', async () => {
    await endedEarly(
      (gauge) => wide(gauge, 6),
      (_, at) => ({ timeoutMs: at + 0.5 }),
      'failed',
      TIMES,
    );
  });

  it('when its run fails fast', async () => {
    const build = (gauge: Gauge): Workflow => {
      const w = workflow('fast');
      const first = w.add('first', gauge.node('work', 10)({}));
      w.add('bad', failing({}), { after: first });
      for (let each = 0; each < 5; each++) w.add(`n${each}`, gauge.node('work', 10)({}));
      return w.build();
    };
    await endedEarly(build, () => ({}), 'failed', [0], { onError: 'fail-fast' });
  });

  it('when the map or subworkflow that it belongs to is out of time', async () => {
    const map =
      (at: number) =>
      (gauge: Gauge): Workflow => {
        const w = workflow('mapped');
        const list = w.fn('list', {}, () => [1, 2, 3, 4, 5]);
        w.map('all', list.out.value, () => gauge.node('work', 10)({}), { timeoutMs: at + 0.5 });
        return w.build();
      };
    const sub =
      (at: number) =>
      (gauge: Gauge): Workflow => {
        const w = workflow('outer');
        w.add('inner', wide(gauge, 5)({}), { timeoutMs: at + 0.5 });
        return w.build();
      };
    for (const at of TIMES) {
      await endedEarly(map(at), () => ({}), 'failed', [at]);
      await endedEarly(sub(at), () => ({}), 'failed', [at]);
    }
  });

  it('when another item of its map fails fast, and the run goes on', async () => {
    const build = (gauge: Gauge): Workflow => {
      const inner = workflow('inner');
      const first = inner.add('first', gauge.node('work', 10)({}));
      inner.add('bad', failing({}), { after: first });
      for (let each = 0; each < 3; each++) inner.add(`n${each}`, gauge.node('work', 10)({}));
      const body = inner.build();
      const w = workflow('mapped');
      const list = w.fn('list', {}, () => [1, 2, 3]);
      const all = w.map('all', list.out.value, () => body({}), { onItemError: 'collect' });
      w.fn('end', { all: all.items }, () => 1);
      return w.build();
    };
    await endedEarly(build, () => ({}), 'completed', [0], { onError: 'fail-fast' });
  });

  it('when a cycle around it has ended, and begins again each time', async () => {
    const gauge = new Gauge();
    const step = defineNode({
      name: 'step',
      inputs: { n: type<number>() },
      outputs: { n: type<number>() },
      run: async ({ n }, { runId, nodeId }) => {
        gauge.begin(runId, nodeId);
        await new Promise<void>((resolve) => gauge.clock.setTimer(5, resolve));
        gauge.running--;
        return { n: n + 1 };
      },
    });
    const w = workflow('loop');
    const a = w.add('a', step({ n: 0 }));
    const b = w.add('b', step({ n: a.out.n }));
    const c = w.add('c', step({ n: a.out.n }));
    w.fn('sum', { b: b.out.n, c: c.out.n }, ({ b: x, c: y }) => x + y);
    w.cycle('loop', { feedback: [b.out.n.to(a.in.n)], maxIterations: 3 });
    const flow = w.build();
    const runtime = gauge.runtime({ resources: { limits: { maxConcurrency: 1 } } });
    const runs = ['A', 'B'].map((runId) => runtime.settle(flow, {}, { runId }));
    expect((await gauge.until(Promise.all(runs))).map(({ status }) => status)).to.deep.equal([
      'completed',
      'completed',
    ]);
    expect(gauge.peak).to.equal(1);
    expectFree(runtime);
  });

  it('when it was just given room and has not started: its run is stopped in the same turn', async () => {
    const gauge = new Gauge();
    const controller = new AbortController();
    const runtime = gauge.runtime({ resources: { limits: { maxConcurrency: 1 } } });
    const settled: string[] = [];
    runtime.on('attempt', ({ runId }) => {
      settled.push(runId);
      // B is given the slot of A as soon as A is settled; C waits behind.
      if (settled.length === 1) queueMicrotask(() => controller.abort());
    });
    const outcomes = await gauge.until(
      Promise.all([
        runtime.settle(wide(gauge, 1), {}, { runId: 'A' }),
        runtime.settle(wide(gauge, 1), {}, { runId: 'B', signal: controller.signal }),
        runtime.settle(wide(gauge, 1), {}, { runId: 'C' }),
      ]),
    );
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['completed', 'cancelled', 'completed']);
    expect(gauge.starts.filter((start) => start.startsWith('C'))).to.deep.equal(['C n0@10']);
    expectFree(runtime);
  });

  it('when an attempt is refused by a breaker after it was given room', async () => {
    const gauge = new Gauge();
    const runtime = gauge.runtime({
      resources: { limits: { maxConcurrency: 1 } },
      executors: { 'function.failing': { breaker: { failures: 1 } } },
    });
    const w = workflow('broken');
    for (const id of ['a', 'b', 'c']) w.try(id, failing({}));
    w.add('fine', gauge.node('work', 10)({}));
    const outcome = await gauge.until(runtime.execute(w.build()));
    const codes = [...outcome.nodes.values()].map(({ error }) => error?.code);
    expect(codes).to.deep.equal(['NODE_THREW', 'BREAKER_OPEN', 'BREAKER_OPEN', undefined]);
    expectFree(runtime);
  });

  it('when its time had passed before it could start again', async () => {
    const gauge = new Gauge();
    const runtime = gauge.runtime({ resources: { limits: { maxConcurrency: 1 } } });
    const w = workflow('late');
    w.try('bad', failing({}), { retry: { attempts: 5, delayMs: 1, backoff: 'fixed' }, totalTimeoutMs: 5 });
    w.add('long', gauge.node('work', 10)({}));
    w.add('next', gauge.node('work', 10)({}));
    const outcome = await gauge.until(runtime.execute(w.build()));
    expect(outcome.node('bad').error?.code).to.equal('NODE_TIMEOUT');
    expect(gauge.starts.map((start) => start.split(' ')[1])).to.deep.equal(['long@0', 'next@10']);
    expectFree(runtime);
  });

  it('when its run only waits for a gate: that holds nothing, and takes room again when it goes on', async () => {
    const clock = new VirtualClock();
    const gauge = new Gauge(clock);
    const w = workflow('gated');
    w.add('before', gauge.syncNode('work', 10)({}));
    const gate = w.gate('ok');
    w.add('after', gauge.syncNode('work', 10)({}), { after: gate });
    const flow = w.build();
    const options = { clock, ids: seededIds(), resources: { limits: { maxConcurrency: 1 } } };
    using local = new LocalRuntime(options);
    expect(local.execute(flow, {}, { runId: 'A' }).status).to.equal('waiting');
    expectFree(local);
    expect(local.execute(flow, {}, { runId: 'B' }).status).to.equal('waiting');
    local.approve('A', 'ok');
    expect(local.resume(flow, 'A').status).to.equal('completed');
    expectFree(local);
    const runtime = gauge.runtime({ resources: { limits: { maxConcurrency: 1 } } });
    const waits = await gauge.until(runtime.execute(flow, {}, { runId: 'C' }));
    expect(waits.status).to.equal('waiting');
    expectFree(runtime);
    runtime.reject('C', 'ok');
    await gauge.until(Promise.all([runtime.resume(flow, 'C'), runtime.execute(flow, {}, { runId: 'D' })]));
    expect(gauge.peak).to.equal(1);
    expectFree(runtime);
  });

  it('when a run beside an open gate waits for room: it does not count as waiting for the gate', async () => {
    const gauge = new Gauge();
    const w = workflow('gated');
    w.gate('ok');
    w.add('work', gauge.node('work', 10)({}));
    const runtime = gauge.runtime({ resources: { limits: { maxConcurrency: 1 } } });
    const flow = w.build();
    const runs = ['A', 'B'].map((runId) => runtime.settle(flow, {}, { runId }));
    const outcomes = await gauge.until(Promise.all(runs));
    expect(outcomes.map((outcome) => 'nodes' in outcome && outcome.node('work').status)).to.deep.equal([
      'completed',
      'completed',
    ]);
    expect(gauge.starts).to.deep.equal(['A work@0', 'B work@10']);
    expectFree(runtime);
  });

  it('in LocalRuntime, when a run fails fast or is cancelled between its nodes', () => {
    for (const limits of LIMITS) {
      const gauge = new Gauge();
      const controller = new AbortController();
      using runtime = new LocalRuntime({ clock: gauge.clock, onError: 'fail-fast', resources: { limits } });
      const w = workflow('stops');
      for (let each = 0; each < 3; each++) w.add(`n${each}`, gauge.syncNode('work', 1)({}));
      w.fn('stop', {}, () => controller.abort());
      w.fn('bad', {}, () => {
        throw new Error('bad');
      });
      for (let each = 3; each < 6; each++) w.add(`n${each}`, gauge.syncNode('work', 1)({}));
      const flow = w.build();
      expect(runtime.settle(flow, {}, { signal: controller.signal }).status).to.equal('cancelled');
      expectFree(runtime);
      expect(runtime.settle(flow).status).to.equal('failed');
      expectFree(runtime);
    }
  });
});

describe('An attempt that has settled holds nothing when listeners hear of it: they may run the same node', () => {
  const executors = { 'function.lockstep.fn': { limit: { maxConcurrency: 1 }, breaker: { failures: 1 } } };
  const flow = (name: string, work: () => number) => {
    const w = workflow(name);
    w.fn('a', {}, work);
    return w.build();
  };
  const fine = flow('fine', () => 1);
  const bad = flow('bad', () => {
    throw new Error('as planned');
  });

  it('in LocalRuntime, of attempts', () => {
    using runtime = new LocalRuntime({ executors });
    const statuses: string[] = [];
    const stop = runtime.on('attempt', () => {
      stop();
      statuses.push(runtime.settle(fine).status);
    });
    statuses.push(runtime.settle(fine).status);
    expect(statuses).to.deep.equal(['completed', 'completed']);
    expectFree(runtime);
  });

  it('in LocalRuntime, of breakers', () => {
    using runtime = new LocalRuntime({ executors });
    const statuses: string[] = [];
    const stop = runtime.on('breaker', ({ key }) => {
      stop();
      runtime.getCircuitBreakers().reset(key);
      statuses.push(runtime.settle(fine).status);
    });
    statuses.push(runtime.settle(bad).status);
    expect(statuses).to.deep.equal(['completed', 'failed']);
    expectFree(runtime);
  });

  it('in AsyncLocalRuntime, of both', async () => {
    await using runtime = new AsyncLocalRuntime({ executors });
    const nested: Promise<{ readonly status: string }>[] = [];
    const stops = [
      runtime.on('attempt', () => {
        stops[0]?.();
        nested.push(runtime.settle(fine));
      }),
      runtime.on('breaker', ({ key }) => {
        stops[1]?.();
        runtime.getCircuitBreakers().reset(key);
        nested.push(runtime.settle(fine));
      }),
    ];
    expect((await runtime.settle(bad)).status).to.equal('failed');
    expect((await Promise.all(nested)).map(({ status }) => status)).to.deep.equal(['completed', 'completed']);
    expectFree(runtime);
  });
});
