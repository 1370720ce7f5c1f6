import { expect } from 'chai';
import type { LimitOptions } from '../../../src/base/capability-options.js';
import { defineNode } from '../../../src/base/node.js';
import type { UseOptions } from '../../../src/base/node-options.js';
import type { RunOptions } from '../../../src/base/runtime-options.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import type { AsyncLocalRuntimeOptions } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { Gauge, held } from '../../support/gauge.js';
import { withX } from '../../support/module-nodes.js';

/** A workflow of `count` nodes side by side that take 10 ms each. */
function wide(gauge: Gauge, count: number, use: UseOptions = {}, own: UseOptions = {}, name = 'wide') {
  const w = workflow(name);
  for (let each = 0; each < count; each++)
    w.add(`n${each}`, gauge.node('work', 10, own)({}), use as UseOptions & { join?: 'required' });
  return w.build();
}

/** Runs workflows side by side in one runtime; afterwards nothing is held. */
async function together(
  gauge: Gauge,
  options: AsyncLocalRuntimeOptions,
  runs: readonly (readonly [ReturnType<typeof wide>, RunOptions?])[],
) {
  const runtime = gauge.runtime(options);
  const outcomes = await gauge.until(
    Promise.all(
      runs.map(([flow, run], index) => runtime.settle(flow, {}, { runId: String.fromCharCode(65 + index), ...run })),
    ),
  );
  expect(outcomes.map(({ status }) => status)).to.deep.equal(runs.map(() => 'completed'));
  expect(held(runtime.getResourceMetrics())).to.include({ waiting: 0, nothing: true });
  return { peak: gauge.peak, tookMs: gauge.time, runtime };
}

describe('A limit of concurrency', () => {
  it('of a node binds each node by itself, over all runs', async () => {
    const gauge = new Gauge();
    const flow = wide(gauge, 2, { limit: { maxConcurrency: 1 } });
    expect(await together(gauge, {}, [[flow], [flow], [flow]])).to.include({ peak: 2, tookMs: 30 });
  });

  it('stands in the definition as well, and is replaced where the node is used', async () => {
    const own = new Gauge();
    const defined = wide(own, 1, {}, { limit: { maxConcurrency: 1 } });
    expect(await together(own, {}, [[defined], [defined], [defined]])).to.include({ peak: 1, tookMs: 30 });
    const used = new Gauge();
    const replaced = wide(used, 1, { limit: { maxConcurrency: 2 } }, { limit: { maxConcurrency: 1 } });
    expect(await together(used, {}, [[replaced], [replaced], [replaced]])).to.include({ peak: 2, tookMs: 20 });
  });

  it('of a node binds a workflow that is built again: it is the same one', async () => {
    const gauge = new Gauge();
    const build = () => wide(gauge, 1, { limit: { maxConcurrency: 1 } });
    const { peak, tookMs, runtime } = await together(gauge, {}, [[build()], [build()], [build()]]);
    expect([peak, tookMs]).to.deep.equal([1, 30]);
    expect(runtime.getResourceMetrics().limits.map(({ key, started }) => [key, started])).to.deep.equal([
      ['wide/n0', 3],
    ]);
  });

  it('of a workflow of the same name with another limit, or another function, is another limit', async () => {
    const gauge = new Gauge();
    const other = workflow('wide');
    other.add('n0', gauge.node('other', 10)({}), { limit: { maxConcurrency: 1 } });
    const { peak } = await together(gauge, {}, [
      [wide(gauge, 1, { limit: { maxConcurrency: 1 } })],
      [wide(gauge, 1, { limit: { maxConcurrency: 2 } })],
      [other.build()],
    ]);
    expect(peak).to.equal(3);
  });

  it('of an executor binds all nodes that it performs together, and no other', async () => {
    const gauge = new Gauge();
    const w = workflow('mixed');
    for (const id of ['a', 'b', 'c']) w.add(id, gauge.node('work', 10)({}));
    const others = new Gauge(gauge.clock);
    for (const id of ['x', 'y']) w.add(id, others.node('other', 10)({}));
    const flow = w.build();
    const executors = { 'function.work': { limit: { maxConcurrency: 2 } } };
    expect(await together(gauge, { executors }, [[flow], [flow]])).to.include({ peak: 2, tookMs: 30 });
    expect(others.peak).to.equal(4);
  });

  it('of every executor, given as capability of the runtime, binds each executor by itself', async () => {
    const gauge = new Gauge();
    const w = workflow('mixed');
    for (const id of ['a', 'b', 'c']) w.add(id, gauge.node('work', 10)({}));
    for (const id of ['x', 'y']) w.add(id, gauge.node('other', 10)({}));
    const capabilities = { limit: { maxConcurrency: 1 } };
    expect(await together(gauge, { capabilities }, [[w.build()]])).to.include({ peak: 2, tookMs: 30 });
    expect(gauge.starts).to.deep.equal(['A a@0', 'A x@0', 'A b@10', 'A y@10', 'A c@20']);
  });

  it('of the runtime binds all attempts of all runs together', async () => {
    const gauge = new Gauge();
    const flow = wide(gauge, 4);
    const resources = { limits: { maxConcurrency: 3 } };
    expect(await together(gauge, { resources }, [[flow], [flow], [flow]])).to.include({ peak: 3, tookMs: 40 });
  });

  it('of the runtime may be several: all of them bind', async () => {
    const gauge = new Gauge();
    const limits = [{ maxConcurrency: 3 }, { maxConcurrency: 1, per: 'tenant' }, { maxConcurrency: 2, per: 'region' }];
    const contexts = [
      { tenant: 'a', region: 'north' },
      { tenant: 'a', region: 'south' },
      { tenant: 'b', region: 'north' },
      { tenant: 'c', region: 'north' },
      { tenant: 'd', region: 'south' },
    ];
    const { peak, runtime } = await together(
      gauge,
      { resources: { limits } },
      contexts.map((context) => [wide(gauge, 1), { context }] as const),
    );
    // At 0: A (tenant a, north), C (b, north), E (d, south); B waits for tenant a, D for north.
    expect([peak, gauge.starts]).to.deep.equal([3, ['A n0@0', 'C n0@0', 'E n0@0', 'B n0@10', 'D n0@10']]);
    expect(runtime.getResourceMetrics().limits.map(({ key }) => key)).to.deep.equal([
      'runtime',
      'runtime[1]',
      'runtime[2]',
    ]);
  });

  it('beside that of a node and the maxConcurrency of a run: the smallest of them shows', async () => {
    for (const [runtime, node, run, expected] of [
      [3, 9, 9, 3],
      [9, 2, 9, 2],
      [9, 9, 4, 4],
    ] as const) {
      const gauge = new Gauge();
      const w = workflow('mapped');
      const list = w.fn('list', {}, () => [1, 2, 3, 4, 5, 6, 7, 8]);
      w.map('all', list.out.value, () => gauge.node('work', 10, { limit: { maxConcurrency: node } })({}));
      const { peak } = await together(
        gauge,
        { maxConcurrency: run, resources: { limits: { maxConcurrency: runtime } } },
        [[w.build()]],
      );
      expect(peak, `${runtime} ${node} ${run}`).to.equal(expected);
    }
  });

  it('per tenant counts each tenant by itself; runs without one share one', async () => {
    const gauge = new Gauge();
    const flow = wide(gauge, 2);
    const resources = { limits: { maxConcurrency: 1, per: 'tenant' } };
    await together(gauge, { resources }, [
      [flow, { context: { tenant: 'x' } }],
      [flow, { context: { tenant: 'y' } }],
      [flow, { context: { tenant: 'x' } }],
      [flow],
      [flow, { context: { user: 'z' } }],
    ]);
    expect(gauge.peak).to.equal(3);
    expect(gauge.starts).to.deep.equal([
      ...['A n0@0', 'B n0@0', 'D n0@0'],
      ...['C n0@10', 'B n1@10', 'E n0@10'],
      ...['A n1@20', 'D n1@20'],
      ...['C n1@30', 'E n1@30'],
    ]);
  });

  it('per tenant tells values of different kinds apart, and never fails on an odd one', async () => {
    const same: readonly unknown[] = [Object.create(null), { toString: () => 'x' }, Symbol('s'), () => 1, []];
    const apart: readonly unknown[] = ['1', 1, 1n, true, 'true', null, undefined];
    const resources = { limits: { maxConcurrency: 1, per: 'tenant' } };
    for (const [values, expected] of [
      [same, 1],
      [apart, 7],
      [[null, {}, undefined, 'other', 'null', 'undefined'], 6],
      [[0, -0], 1],
      [[Number.NaN, Number.NaN], 1],
    ] as const) {
      const gauge = new Gauge();
      const runs = values.map((tenant) => [wide(gauge, 1), { context: { tenant } }] as const);
      expect((await together(gauge, { resources }, runs)).peak).to.equal(expected);
    }
  });

  it('per a field that only objects as such have is one for all', async () => {
    const gauge = new Gauge();
    const resources = { limits: { maxConcurrency: 1, per: 'toString' } };
    const runs = [[wide(gauge, 1)], [wide(gauge, 1), { context: { toString: undefined } }]] as const;
    expect((await together(gauge, { resources }, runs)).peak).to.equal(1);
  });

  it('is not escaped by a second run of the same id, nor by ids that look like scopes', async () => {
    const gauge = new Gauge();
    const flow = wide(gauge, 1, { limit: { maxConcurrency: 1 } });
    const runs = [
      [flow, { runId: 'same' }],
      [flow, { runId: 'same' }],
      [flow, { runId: 'same' }],
    ] as const;
    expect(await together(gauge, {}, runs)).to.include({ peak: 1, tookMs: 30 });
    const again = new Gauge();
    const inner = wide(again, 1, {}, {}, 'inner');
    const outer = workflow('outer');
    outer.add('n0', inner({}));
    const nested = outer.build() as ReturnType<typeof wide>;
    const resources = { limits: { maxConcurrency: 1 } };
    const colliding = [
      [nested, { runId: 'r' }],
      [wide(again, 1), { runId: 'r/n0' }],
    ] as const;
    expect(await together(again, { resources }, colliding)).to.include({ peak: 1, tookMs: 20 });
  });

  it('binds the attempts of maps, subworkflows and cycles, none of which holds room itself', async () => {
    const gauge = new Gauge();
    const inner = workflow('inner');
    const three = inner.fn('three', {}, () => [1, 2, 3]);
    inner.map('each', three.out.value, () => gauge.node('work', 10)({}));
    const built = inner.build();
    const w = workflow('outer');
    const two = w.fn('two', {}, () => [1, 2]);
    w.map('all', two.out.value, () => built({}));
    w.add('short', built({}));
    const count = defineNode({
      name: 'count',
      inputs: { n: type<number>() },
      outputs: { n: type<number>() },
      run: async ({ n }, { runId, nodeId }) => {
        gauge.begin(runId, nodeId);
        await new Promise<void>((resolve) => gauge.clock.setTimer(10, resolve));
        gauge.running--;
        return { n: n + 1 };
      },
    });
    const step = w.add('step', count({ n: 0 }));
    w.cycle('loop', { feedback: [step.out.n.to(step.in.n)], maxIterations: 3 });
    const flow = w.build() as ReturnType<typeof wide>;
    const resources = { limits: { maxConcurrency: 1 } };
    expect(await together(gauge, { resources }, [[flow]])).to.include({ peak: 1, tookMs: 120 });
    expect(gauge.starts).to.have.lengthOf(12);
  });

  it('over 300 items of a map is kept to from the first to the last, and all items come in order', async () => {
    const gauge = new Gauge();
    const list = Array.from({ length: 300 }, (_, item) => item);
    const w = workflow('mapped');
    const given = w.fn('list', {}, () => list);
    const all = w.map('all', given.out.value, (item) => {
      const node = defineNode({
        name: 'work',
        inputs: { item: type<number>() },
        outputs: { item: type<number>() },
        run: async (inputs, { runId }) => {
          gauge.begin(runId, `${inputs.item}`);
          await new Promise<void>((resolve) => gauge.clock.setTimer(10, resolve));
          gauge.running--;
          return inputs;
        },
      });
      return node({ item });
    });
    const runtime = gauge.runtime({ executors: { 'function.work': { limit: { maxConcurrency: 7 } } } });
    const run = await gauge.until(runtime.execute(w.build({ outputs: { items: all.out.item } }), {}, { runId: 'A' }));
    expect(run.unwrap().items).to.deep.equal(list);
    expect([gauge.peak, gauge.time]).to.deep.equal([7, 430]);
    expect(gauge.starts.map((start) => Number(start.split(/[ @]/)[1]))).to.deep.equal(list);
    expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
  });

  it('is free again as soon as an attempt settles, whatever came of it, and is not held between attempts', async () => {
    const gauge = new Gauge();
    const w = workflow('failing');
    const bad = defineNode({
      name: 'bad',
      outputs: { n: type<number>() },
      retry: { attempts: 2, delayMs: 50 },
      run: async (_, { nodeId, attempt }): Promise<{ n: number }> => {
        gauge.starts.push(`${nodeId} ${attempt}@${gauge.time}`);
        await new Promise<void>((resolve) => gauge.clock.setTimer(10, resolve));
        throw new Error('bad');
      },
    });
    for (const id of ['a', 'b']) w.try(id, bad({}));
    const runtime = gauge.runtime({ resources: { limits: { maxConcurrency: 1 } } });
    await gauge.until(runtime.execute(w.build()));
    expect(gauge.starts).to.deep.equal(['a 1@0', 'b 1@10', 'a 2@60', 'b 2@70']);
    expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
  });
});

describe('A limit of concurrency in LocalRuntime', () => {
  const limits: readonly LimitOptions[] = [{ maxConcurrency: 2 }, { maxConcurrency: 1 }];

  it('binds module nodes, which run together in a thread', () => {
    for (const limit of limits) {
      using runtime = new LocalRuntime({ executors: { 'function.crowd': { limit } } });
      const w = workflow('crowd');
      const seen = Array.from({ length: 6 }, (_, each) => w.add(`n${each}`, withX('crowd')({ x: each })).out.y);
      const run = runtime.execute(w.build({ outputs: Object.fromEntries(seen.map((ref, each) => [`y${each}`, ref])) }));
      expect(Math.max(...(Object.values(run.unwrap()) as number[]))).to.equal(limit.maxConcurrency);
      expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
    }
  });

  it('lets nodes that hold the thread through one by one, and counts them', () => {
    const gauge = new Gauge();
    using runtime = new LocalRuntime({ clock: gauge.clock, resources: { limits: { maxConcurrency: 1 } } });
    const w = workflow('sync');
    for (const id of ['a', 'b', 'c']) w.add(id, gauge.syncNode('work', 10)({}));
    expect(runtime.execute(w.build(), {}, { runId: 'A' }).durationMs).to.equal(30);
    expect([gauge.peak, gauge.starts]).to.deep.equal([1, ['A a@0', 'A b@10', 'A c@20']]);
    expect(runtime.getResourceMetrics().limits).to.deep.equal([
      {
        key: 'runtime',
        limit: { maxConcurrency: 1 },
        values: 0,
        inFlight: 0,
        waiting: 0,
        started: 3,
        rejected: 0,
        timedOut: 0,
        waitedMs: 0,
        longestWaitMs: 0,
      },
    ]);
  });
});

describe('Runs that share a limit', () => {
  const resources = { limits: { maxConcurrency: 1 } };

  it('alternate: two at limit 1, each with nodes to spare', async () => {
    const gauge = new Gauge();
    const flow = wide(gauge, 3);
    await together(gauge, { resources }, [[flow], [flow]]);
    expect(gauge.starts).to.deep.equal(['A n0@0', 'B n0@10', 'A n1@20', 'B n1@30', 'A n2@40', 'B n2@50']);
  });

  it('of three with different numbers of nodes, all get one in turn while they have any', async () => {
    const gauge = new Gauge();
    await together(gauge, { resources }, [[wide(gauge, 4)], [wide(gauge, 1)], [wide(gauge, 2)]]);
    expect(gauge.starts.map((start) => start[0]).join('')).to.equal('ABCACAA');
  });

  it('of a higher priority go first, and among themselves alternate', async () => {
    const gauge = new Gauge();
    const flow = wide(gauge, 2);
    await together(gauge, { resources }, [
      [flow],
      [flow, { priority: 3 }],
      [flow, { priority: -1 }],
      [flow, { priority: 3 }],
    ]);
    expect(gauge.starts.map((start) => start[0]).join('')).to.equal('ABDBDACC');
  });
});
