import { expect } from 'chai';
import type { LimitOptions } from '../../../src/base/capability-options.js';
import type { EffectiveCapabilities } from '../../../src/base/capability-table.js';
import { compile } from '../../../src/base/compile.js';
import { defineNode } from '../../../src/base/node.js';
import type { PlanNode } from '../../../src/base/plan.js';
import type { ResourceOptions } from '../../../src/base/resource-options.js';
import type { Admission, RunView } from '../../../src/base/run-view.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { ResourceCoordinator } from '../../../src/mixins/enterprise/resource-coordinator.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { seededIds } from '../../../src/testing/index.js';
import { caught, refusal } from '../../support/caught.js';
import { Gauge, held } from '../../support/gauge.js';

const READINGS = {
  memory: () => ({ rssBytes: 1, heapUsedBytes: 1, heapLimitBytes: 2 }),
  eventLoopDelayMs: () => 0,
};

const flow = (() => {
  const w = workflow('flow');
  for (const id of ['a', 'b', 'c', 'd']) w.fn(id, {}, () => 1);
  return compile(w.build());
})();

/** A coordinator on its own: runs that ask it, one node at a time, and what they are told. */
function desk(resources: ResourceOptions, limit?: LimitOptions) {
  const coordinator = new ResourceCoordinator(resources, READINGS, () => true);
  const capabilities: EffectiveCapabilities = {
    executor: 'function.lockstep.fn',
    own: { limit: false, breaker: false },
    ...(limit === undefined ? {} : { limit }),
  };
  const woken: string[] = [];
  const nodeOf = (id: string): PlanNode => flow.nodes[flow.nodeIndex.get(id) as number] as PlanNode;
  const viewOf = (name: string, context: Readonly<Record<string, unknown>>, priority: number) =>
    ({
      top: {},
      plan: flow,
      context,
      priority,
      unpark: (node: PlanNode) => woken.push(`${name} ${node.id}`),
    }) as unknown as RunView;
  const run = (name: string, context: Readonly<Record<string, unknown>> = {}, priority = 0) => {
    const view = viewOf(name, context, priority);
    const admit = (id: string, now = 0): Admission => coordinator.admit(view, nodeOf(id), capabilities, now);
    const ask = (id: string, now = 0): string => told(admit(id, now));
    const end = (id: string): void => coordinator.release(view, nodeOf(id));
    return { admit, ask, end };
  };
  return { coordinator, run, woken };
}

function told(admission: Admission): string {
  if (admission === 'start') return 'start';
  if (admission.kind === 'refuse') return (admission.error as Error & { code: string }).code;
  return admission.kind === 'later' ? `later ${admission.at}` : `${admission.maker} until ${admission.until}`;
}

describe('The resource coordinator', () => {
  it('hands a slot on when it is released, wakes who gets it, and keeps it for that one', () => {
    const { run, woken } = desk({ limits: { maxConcurrency: 1 } });
    const [a, b] = [run('A'), run('B')];
    expect([a.ask('a'), a.ask('b'), b.ask('a'), b.ask('a', 5)]).to.deep.equal([
      'start',
      'any until Infinity',
      'any until Infinity',
      'any until Infinity',
    ]);
    a.end('a');
    expect(woken).to.deep.equal(['B a']);
    expect([a.ask('b'), a.ask('c'), b.ask('a')]).to.deep.equal(['any until Infinity', 'any until Infinity', 'start']);
    a.end('a'); // settled already
    expect(woken).to.deep.equal(['B a']);
  });

  it('hands a slot on that was given to one who will not start', () => {
    const { run, woken, coordinator } = desk({ limits: { maxConcurrency: 1 } });
    const [a, b, c] = [run('A'), run('B'), run('C')];
    a.ask('a');
    b.ask('a');
    c.ask('a');
    a.end('a');
    b.end('a'); // was granted the slot, and is stopped
    expect(woken).to.deep.equal(['B a', 'C a']);
    c.end('a');
    expect([coordinator.isIdle, coordinator.waiting, coordinator.limits[0]?.inFlight]).to.deep.equal([true, 0, 0]);
  });

  it('does not count one as too many that has waited, when others wait by the time it needs more', () => {
    const limit: LimitOptions = {
      maxConcurrency: 1,
      rate: { count: 1, perMs: 100 },
      whenFull: 'queue',
      maxQueued: 1,
    };
    const { run, woken } = desk({}, limit);
    const [a, b, c, d] = [run('A'), run('B'), run('C'), run('D')];
    expect([a.ask('a'), b.ask('a'), c.ask('a')]).to.deep.equal(['start', 'any until Infinity', 'QUEUE_FULL']);
    a.end('a');
    c.end('a');
    expect([woken, c.ask('a')], 'C waits, before B has heard').to.deep.equal([['B a'], 'any until Infinity']);
    expect([d.ask('a'), b.ask('a')], 'B is not turned away').to.deep.equal(['QUEUE_FULL', 'this run until 100']);
    expect([b.ask('a', 100), c.ask('a', 100)]).to.deep.equal(['start', 'any until Infinity']);
  });

  it('does not wait for what was due when it asks, but for what is used', () => {
    const { run } = desk({ limits: { rate: { count: 1, perMs: 100 } } });
    const [a, b, c] = [run('A'), run('B'), run('C')];
    expect([a.ask('a'), b.ask('a'), c.ask('a')]).to.deep.equal(['start', 'this run until 100', 'this run until 200']);
    expect([b.ask('a', 250), c.ask('a', 250)]).to.deep.equal(['start', 'this run until 350']);
    expect([c.ask('a', 349), c.ask('a', 350)]).to.deep.equal(['this run until 350', 'start']);
  });

  it('lets a token be used that is there, also by one that has waited elsewhere longer than it may for a token', () => {
    const { run } = desk(
      { limits: { maxConcurrency: 1, per: 'tenant' } },
      { rate: { count: 1, perMs: 100 }, whenFull: 'queue', maxQueueMs: 20 },
    );
    const [a, b] = [run('A'), run('B')];
    expect([a.ask('a'), b.ask('a')]).to.deep.equal(['start', 'any until Infinity']);
    a.end('a');
    expect(b.ask('a', 100)).to.equal('start');
    const late = run('C', { tenant: 'c' });
    expect([late.ask('a', 120), late.ask('b', 120)]).to.deep.equal(['QUEUE_TIMEOUT', 'any until Infinity']);
  });

  it('keeps to the time in a queue of one whose token a higher priority has taken over meanwhile', () => {
    const { run } = desk(
      { limits: { rate: { count: 1, perMs: 100 }, per: 'tenant' } },
      { maxConcurrency: 1, whenFull: 'queue', maxQueueMs: 50 },
    );
    const [other, low, high] = [run('O', { tenant: 'o' }), run('L', { tenant: 't' }), run('H', { tenant: 't' }, 1)];
    expect([other.ask('a'), low.ask('a'), high.ask('a', 10)]).to.deep.equal(['start', 'any until 50', 'any until 60']);
    expect([low.ask('a', 50), high.ask('a', 60)]).to.deep.equal(['QUEUE_TIMEOUT', 'QUEUE_TIMEOUT']);
  });

  it('names the node in its refusals, and the time to wait where it is known', () => {
    const a = desk({ limits: { maxConcurrency: 2, rate: { count: 1, perMs: 100 }, whenFull: 'reject' } }).run('A');
    const errorOf = (id: string): unknown => {
      const admission = a.admit(id);
      return admission !== 'start' && admission.kind === 'refuse' ? admission.error : admission;
    };
    expect(errorOf('a')).to.equal('start');
    expect(errorOf('b')).to.include({ code: 'LIMIT_EXCEEDED', at: 'b', retryAfterMs: 100 });
    expect(errorOf('c')).to.include({ code: 'LIMIT_EXCEEDED', at: 'c', retryAfterMs: undefined });
  });

  it('says whether it limits every node', () => {
    const all = [{}, { limits: [] }, { limits: { maxConcurrency: 1 } }, { maxRssBytes: 1 }, { maxEventLoopDelayMs: 1 }];
    expect(all.map((resources) => desk(resources).coordinator.limitsAll)).to.deep.equal([
      false,
      false,
      true,
      true,
      true,
    ]);
  });

  it('takes its limits in one order: with `per`, then of the executor, then of the runtime', () => {
    const { run } = desk(
      { limits: [{ maxConcurrency: 2 }, { maxConcurrency: 1, per: 'tenant' }] },
      { maxConcurrency: 9, rate: { count: 1, perMs: 100, burst: 2 } },
    );
    const [x1, x2, y] = [run('X1', { tenant: 'x' }), run('X2', { tenant: 'x' }), run('Y', { tenant: 'y' })];
    expect([x1.ask('a'), x2.ask('a'), y.ask('a')], 'X2 waits for its tenant and holds nothing').to.deep.equal([
      'start',
      'any until Infinity',
      'start',
    ]);
    x1.end('a');
    expect(x2.ask('a'), 'it has its slots and waits for the executor').to.equal('this run until 100');
    expect(run('Z', { tenant: 'z' }).ask('a'), 'nobody keeps the slot of the runtime from it').to.equal(
      'this run until 200',
    );
  });

  it('forgets idle values of a limit, and none that somebody is about to use', () => {
    const { run, coordinator } = desk(
      { limits: { maxConcurrency: 1, per: 'tenant' } },
      { maxConcurrency: 1, per: 'user' },
    );
    const [a, b] = [run('A', { tenant: 't', user: 'u' }), run('B', { tenant: 't', user: 'u' })];
    const c = run('C', { tenant: 't', user: 'v' });
    expect([a.ask('a'), b.ask('a')]).to.deep.equal(['start', 'any until Infinity']);
    a.end('a'); // B is given the slot of its user; nobody holds that of its tenant yet
    coordinator.trim(0);
    expect(coordinator.values).to.equal(2);
    expect([c.ask('a'), b.ask('a')], 'one tenant, one slot').to.deep.equal(['start', 'any until Infinity']);
    c.end('a');
    expect(b.ask('a')).to.equal('start');
    b.end('a');
    coordinator.trim(0);
    expect([coordinator.values, coordinator.isIdle]).to.deep.equal([0, true]);
  });

  it('forgets a value with a rate once its bucket is full again, and nothing is gained by that', () => {
    const { run, coordinator } = desk({ limits: { rate: { count: 1, perMs: 100 }, per: 'tenant' } });
    const a = run('A', { tenant: 't' });
    expect(a.ask('a', 0)).to.equal('start');
    expect(coordinator.isIdle, 'it holds nothing while it runs').to.equal(true);
    a.end('a');
    coordinator.trim(99);
    expect([coordinator.values, a.ask('b', 99)]).to.deep.equal([1, 'this run until 100']);
    a.end('b');
    coordinator.trim(100);
    expect(coordinator.values).to.equal(0);
  });

  it('keeps up to 1,000 values of a limit, idle or not', () => {
    const { run, coordinator } = desk({ limits: { maxConcurrency: 1, per: 'tenant' } });
    const pass = (tenant: number): void => {
      const one = run('A', { tenant });
      one.ask('a');
      one.end('a');
    };
    for (let tenant = 0; tenant < 1_000; tenant++) pass(tenant);
    expect(coordinator.values).to.equal(1_000);
    pass(1_000);
    expect(coordinator.values).to.equal(1);
  });

  it('does not grow for ever with values that come and go: it looks for idle ones at 1,000, then at twice what is left', () => {
    const { run, coordinator } = desk({ limits: { maxConcurrency: 1, rate: { count: 1, perMs: 10 }, per: 'tenant' } });
    const start = (tenant: number, now: number) => {
      const one = run('A', { tenant });
      expect(one.ask('a', now)).to.equal('start');
      return one;
    };
    for (let tenant = 0; tenant < 1_000; tenant++) start(tenant, 0).end('a');
    expect(coordinator.values).to.equal(1_000);
    start(1_000, 9);
    expect(coordinator.values, 'their buckets are not full yet').to.equal(1_001);
    for (let tenant = 1_001; tenant < 2_000; tenant++) start(tenant, 9).end('a');
    start(2_000, 50);
    expect(coordinator.values, 'one of them still runs').to.equal(2);
  });

  it('counts runs that wait, under each limit and in all', () => {
    const { run, coordinator } = desk({ limits: [{ maxConcurrency: 1 }] }, { rate: { count: 2, perMs: 100 } });
    const [a, b] = [run('A'), run('B')];
    expect([a.ask('a'), a.ask('b'), a.ask('c'), a.ask('d'), b.ask('a')]).to.deep.equal([
      'start',
      'any until Infinity',
      'this run until Infinity',
      'this run until Infinity',
      'this run until 50',
    ]);
    const shown = coordinator.limits.map(({ key, values, inFlight, waiting, started }) => ({
      key,
      values,
      inFlight,
      waiting,
      started,
    }));
    expect(shown).to.deep.equal([
      { key: 'function.lockstep.fn', values: 1, inFlight: 0, waiting: 4, started: 1 },
      { key: 'runtime', values: 1, inFlight: 1, waiting: 1, started: 1 },
    ]);
    expect([coordinator.waiting, coordinator.isIdle]).to.deep.equal([4, false]);
  });
});

describe('initializeResourceCoordinator()', () => {
  it('replaces the limits of the runtime from the next run on; their counts start anew', () => {
    const gauge = new Gauge();
    using runtime = new LocalRuntime({ clock: gauge.clock, resources: { limits: { rate: { count: 1, perMs: 100 } } } });
    const w = workflow('two');
    for (const id of ['a', 'b']) w.add(id, gauge.syncNode('work', 0)({}));
    const built = w.build();
    runtime.execute(built, {}, { runId: 'A' });
    const coordinator = runtime.initializeResourceCoordinator({ limits: { rate: { count: 1, perMs: 7 } } });
    expect(coordinator.limits).to.deep.equal([]);
    runtime.execute(built, {}, { runId: 'B' });
    runtime.initializeResourceCoordinator({});
    runtime.execute(built, {}, { runId: 'C' });
    expect(gauge.starts).to.deep.equal(['A a@0', 'A b@100', 'B a@100', 'B b@107', 'C a@107', 'C b@107']);
    expect(runtime.getResourceMetrics().limits).to.deep.equal([]);
  });

  it('gives limits to a runtime that had none, also to workflows that it has run', () => {
    const gauge = new Gauge();
    using runtime = new LocalRuntime({ clock: gauge.clock, ids: seededIds() });
    const w = workflow('two');
    for (const id of ['a', 'b']) w.add(id, gauge.syncNode('work', 0)({}));
    const built = w.build();
    runtime.execute(built);
    runtime.initializeResourceCoordinator({ limits: { rate: { count: 1, perMs: 50 } } });
    runtime.execute(built);
    expect(gauge.time).to.equal(50);
  });

  it('is refused while attempts hold room or wait for it, and leaves everything as it was', () => {
    const gauge = new Gauge();
    using runtime = new LocalRuntime({ clock: gauge.clock, resources: { limits: { maxConcurrency: 2 } } });
    const w = workflow('during');
    let seen: unknown;
    w.fn('a', {}, () => {
      seen = refusal(() => runtime.initializeResourceCoordinator({}));
    });
    runtime.execute(w.build());
    expect(seen).to.deep.equal({
      code: 'LIMITS_IN_USE',
      at: 'initializeResourceCoordinator',
      message: 'Attempts hold room under the limits, or wait for it. Replace them while no run is in flight.',
    });
    expect(runtime.getResourceMetrics().limits.map(({ key, started }) => [key, started])).to.deep.equal([
      ['runtime', 1],
    ]);
  });

  it('copies what it is given', () => {
    const limits = [{ maxConcurrency: 1 }];
    using runtime = new LocalRuntime();
    runtime.initializeResourceCoordinator({ limits });
    (limits[0] as { maxConcurrency: number }).maxConcurrency = 99;
    limits.push({ maxConcurrency: 5 });
    const w = workflow('one');
    w.fn('a', {}, () => 1);
    runtime.execute(w.build());
    expect(runtime.getResourceMetrics().limits.map(({ limit }) => limit)).to.deep.equal([{ maxConcurrency: 1 }]);
    expect(caught(() => runtime.initializeResourceCoordinator({ limit: [] } as never)).message).to.contain(
      'Did you mean "limits"?',
    );
  });
});

describe('optimizeRuntimePerformance()', () => {
  it('forgets tenants with nothing to remember, and changes no result', async () => {
    for (const optimize of [false, true]) {
      const gauge = new Gauge();
      const runtime = gauge.runtime({
        resources: {
          limits: [
            { maxConcurrency: 1, per: 'tenant' },
            { rate: { count: 1, perMs: 30 }, per: 'tenant' },
          ],
        },
      });
      const w = workflow('two');
      for (const id of ['a', 'b']) w.add(id, gauge.node('work', 10)({}));
      const built = w.build();
      if (optimize)
        for (const at of [0, 5, 12, 31, 35, 60]) gauge.clock.setTimer(at, () => runtime.optimizeRuntimePerformance());
      const runs = ['x', 'x', 'y'].map((tenant, each) =>
        runtime.execute(built, {}, { runId: `${tenant}${each}`, context: { tenant } }),
      );
      await gauge.until(Promise.all(runs));
      expect(gauge.starts).to.deep.equal([...['x0 a@0', 'y2 a@0', 'x1 a@30', 'y2 b@30', 'x0 b@60', 'x1 b@90']]);
      const { limits } = runtime.getResourceMetrics();
      expect(limits.map(({ started, waitedMs }) => [started, waitedMs])).to.deep.equal([
        [6, 210],
        [6, 210],
      ]);
      expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
      gauge.clock.advance(1_000);
      expect(runtime.optimizeRuntimePerformance()).to.deep.nested.include({ 'after.limitValues': 0 });
    }
  });

  for (const Runtime of [LocalRuntime, AsyncLocalRuntime]) {
    it(`forgets limits of workflows that come and go, not one that is held, in ${Runtime.name}`, async () => {
      const runtime = new Runtime();
      const seen: number[] = [];
      const work = defineNode({
        name: 'work',
        outputs: { n: type<number>() },
        limit: { maxConcurrency: 1 },
        run: () => {
          runtime.optimizeRuntimePerformance();
          return { n: seen.push(runtime.getResourceMetrics().limits.length) };
        },
      });
      for (const name of ['one', 'two', 'two', 'three']) {
        const w = workflow(name);
        w.add('work', work({}));
        await runtime.execute(w.build());
      }
      expect(seen).to.deep.equal([1, 1, 1, 1]);
      runtime.optimizeRuntimePerformance();
      expect(runtime.getResourceMetrics().limits).to.deep.equal([]);
    });
  }

  /** A workflow with one node that has a limit of its own; built again, it meets the same limit. */
  function limited<T>(run: () => T) {
    const w = workflow('limited');
    const node = w.fn('node', {}, run, { limit: { maxConcurrency: 1, whenFull: 'reject' } });
    return w.build({ outputs: { value: node.out.value } });
  }

  it('lets a plan that met a limit before meet the very limit that others meet, in LocalRuntime', () => {
    const runtime = new LocalRuntime();
    let meanwhile = (): string => 'nothing';
    const first = limited(() => meanwhile());
    runtime.execute(first);
    runtime.optimizeRuntimePerformance();
    meanwhile = () => runtime.settle(limited(() => 1)).status;
    expect(runtime.execute(first).unwrap()).to.deep.equal({ value: 'failed' });
  });

  it('lets a plan that met a limit before meet the very limit that others meet, in AsyncLocalRuntime', async () => {
    await using runtime = new AsyncLocalRuntime();
    let meanwhile = async (): Promise<string> => 'nothing';
    const first = limited(() => meanwhile());
    await runtime.execute(first);
    runtime.optimizeRuntimePerformance();
    meanwhile = async () => (await runtime.settle(limited(() => 1))).status;
    expect((await runtime.execute(first)).unwrap()).to.deep.equal({ value: 'failed' });
  });
});
