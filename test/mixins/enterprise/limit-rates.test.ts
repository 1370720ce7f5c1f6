import { expect } from 'chai';
import type { LimitOptions } from '../../../src/base/capability-options.js';
import { defineNode } from '../../../src/base/node.js';
import type { UseOptions } from '../../../src/base/node-options.js';
import type { RunOptions } from '../../../src/base/runtime-options.js';
import { type } from '../../../src/base/schema.js';
import type { Workflow } from '../../../src/base/workflow.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { seededRandom } from '../../../src/testing/index.js';
import { everyWay, type Runner, SYNC_WAYS, statuses, type Way } from '../../support/every-way.js';
import { Gauge, held } from '../../support/gauge.js';

/** Nodes `n0` and so on of one executor, which take no time. */
function wide(gauge: Gauge, count: number, use: UseOptions & { readonly join?: 'required' } = {}, ms = 0) {
  const w = workflow('wide');
  for (let each = 0; each < count; each++) w.add(`n${each}`, gauge.syncNode('work', ms)({}), use);
  return w.build();
}

/** When the nodes of a workflow start under a limit of their executor, one way of running them after another. */
function startsUnder(
  limit: LimitOptions,
  count: number,
  ms: number,
  expected: readonly number[],
  ways?: readonly Way[],
) {
  return everyWay(async (run: Runner) => {
    const gauge = new Gauge();
    await run.complete(wide(gauge, count, {}, ms), {
      runtime: { clock: gauge.clock, executors: { 'function.work': { limit } } },
    });
    expect(gauge.starts.map((start) => Number(start.split('@')[1]))).to.deep.equal(expected);
  }, ways);
}

describe('A limit of rate', () => {
  it(
    'lets a burst start at once and then one after the other at its pace',
    startsUnder({ rate: { count: 2, perMs: 100, burst: 3 } }, 7, 0, [0, 0, 0, 50, 100, 150, 200]),
  );

  it('has a burst of its count', startsUnder({ rate: { count: 2, perMs: 100 } }, 5, 0, [0, 0, 50, 100, 150]));

  it(
    'counts from when an attempt starts, however long it takes',
    startsUnder({ rate: { count: 1, perMs: 100 } }, 4, 30, [0, 100, 200, 300]),
  );

  it(
    'holds nobody up who is slower by himself, and lets no crowd through after a long attempt',
    startsUnder({ rate: { count: 1, perMs: 100 } }, 3, 250, [0, 250, 500], SYNC_WAYS),
  );

  it(
    'beside a limit of concurrency: both bind',
    startsUnder({ maxConcurrency: 1, rate: { count: 2, perMs: 100 } }, 5, 30, [0, 30, 60, 100, 150]),
  );

  it(
    'of the node, its executor and the runtime: the slowest shows',
    everyWay(async (run) => {
      const gauge = new Gauge();
      const w = workflow('mixed');
      const fast = { limit: { rate: { count: 1, perMs: 10 } } };
      for (const id of ['a', 'b']) w.add(id, gauge.syncNode('work', 0)({}));
      w.map('all', w.fn('list', {}, () => [1, 2, 3]).out.value, () => gauge.syncNode('own', 0, fast)({}));
      await run.complete(w.build(), {
        runtime: {
          clock: gauge.clock,
          executors: { 'function.work': { limit: { rate: { count: 1, perMs: 500 } } } },
          resources: { limits: { rate: { count: 1, perMs: 100 } } },
        },
      });
      // The runtime gives one every 100 ms; the list takes that at 100.
      expect(gauge.starts.map((start) => start.split(' ')[1])).to.deep.equal([
        ...['a@0', 'own@200', 'own@300', 'own@400', 'b@500'],
      ]);
    }),
  );

  it(
    'of the items of a map is kept to',
    everyWay(async (run) => {
      const gauge = new Gauge();
      const w = workflow('mapped');
      const limit = { rate: { count: 3, perMs: 30, burst: 1 } };
      w.map('all', w.fn('list', {}, () => [1, 2, 3, 4]).out.value, () => gauge.syncNode('own', 0, { limit })({}));
      await run.complete(w.build(), { runtime: { clock: gauge.clock } });
      expect(gauge.starts.map((start) => Number(start.split('@')[1]))).to.deep.equal([0, 10, 20, 30]);
    }),
  );

  it(
    'is kept to by retries as well',
    everyWay(async (run) => {
      const gauge = new Gauge();
      const w = workflow('failing');
      const bad = defineNode({
        name: 'bad',
        outputs: { n: type<number>() },
        retry: { attempts: 3, delayMs: 20, backoff: 'fixed' },
        limit: { rate: { count: 1, perMs: 100 } },
        run: (_, { attempt }): { n: number } => {
          gauge.starts.push(`${attempt}@${gauge.time}`);
          throw new Error('bad');
        },
      });
      w.add('bad', bad({}));
      await run.fail(w.build(), { runtime: { clock: gauge.clock } });
      expect(gauge.starts).to.deep.equal(['1@0', '2@100', '3@200']);
    }),
  );

  it('holds what comes late to its pace: starts that were held up do not follow as a crowd', async () => {
    const gauge = new Gauge();
    const w = workflow('late');
    for (const id of ['a', 'b', 'c', 'd']) w.add(id, gauge.node('work', 0)({}));
    w.fn('busy', {}, () => gauge.clock.sleepSync(250));
    const limit = { rate: { count: 1, perMs: 100 } };
    await gauge.until(
      gauge.runtime({ executors: { 'function.work': { limit } } }).execute(w.build(), {}, { runId: 'A' }),
    );
    expect(gauge.starts).to.deep.equal(['A a@0', 'A b@250', 'A c@350', 'A d@450']);
  });

  it('of two runs alternates, and gives the earlier times to the higher priority', async () => {
    for (const [priority, expected] of [
      [0, ['A n0@0', 'A n1@100', 'B n0@200', 'A n2@300', 'B n1@400', 'B n2@500']],
      [1, ['A n0@0', 'B n0@100', 'B n1@200', 'B n2@300', 'A n1@400', 'A n2@500']],
    ] as const) {
      const gauge = new Gauge();
      const runtime = gauge.runtime({ executors: { 'function.work': { limit: { rate: { count: 1, perMs: 100 } } } } });
      const flow = wide(gauge, 3);
      await gauge.until(
        Promise.all([runtime.execute(flow, {}, { runId: 'A' }), runtime.execute(flow, {}, { runId: 'B', priority })]),
      );
      expect(gauge.starts, `priority ${priority}`).to.deep.equal(expected);
      expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
    }
  });

  it('per tenant is a pace for each', async () => {
    const gauge = new Gauge();
    const runtime = gauge.runtime({ resources: { limits: { rate: { count: 1, perMs: 100 }, per: 'tenant' } } });
    const run = (runId: string, tenant: string) => runtime.execute(wide(gauge, 2), {}, { runId, context: { tenant } });
    await gauge.until(Promise.all([run('A', 'x'), run('B', 'y')]));
    expect(gauge.starts).to.deep.equal(['A n0@0', 'B n0@0', 'A n1@100', 'B n1@100']);
  });

  it('gives the token of a run that is cancelled to the next one', async () => {
    const gauge = new Gauge();
    const runtime = gauge.runtime({ resources: { limits: { rate: { count: 1, perMs: 100 } } } });
    const flow: Workflow = wide(gauge, 2);
    const controller = new AbortController();
    const run = (runId: string, options: RunOptions = {}) => runtime.settle(flow, {}, { runId, ...options });
    gauge.clock.setTimer(150, () => controller.abort());
    await gauge.until(Promise.all([run('A'), run('B', { signal: controller.signal }), run('C')]));
    // Promised: A n1 at 100, B n0 at 200, C n0 at 300. B is cancelled at 150.
    expect(gauge.starts).to.deep.equal(['A n0@0', 'A n1@100', 'C n0@200', 'C n1@300']);
    expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
  });

  it('waits for its tokens without a slot of the runtime: others go on', async () => {
    const gauge = new Gauge();
    const w = workflow('mixed');
    for (const id of ['a', 'b', 'c']) w.add(id, gauge.node('slow', 0)({}));
    for (const id of ['x', 'y']) w.add(id, gauge.node('quick', 10)({}));
    const runtime = gauge.runtime({
      executors: { 'function.slow': { limit: { rate: { count: 1, perMs: 100 } } } },
      resources: { limits: { maxConcurrency: 1 } },
    });
    await gauge.until(runtime.execute(w.build(), {}, { runId: 'A' }));
    expect(gauge.starts).to.deep.equal(['A a@0', 'A x@0', 'A y@10', 'A b@100', 'A c@200']);
  });

  it('of several on the way of one attempt takes all its tokens when it starts', async () => {
    const gauge = new Gauge();
    const w = workflow('both');
    for (const id of ['a', 'b', 'c']) w.add(id, gauge.node('work', 0)({}));
    const runtime = gauge.runtime({
      executors: { 'function.work': { limit: { rate: { count: 1, perMs: 100 } } } },
      resources: { limits: { rate: { count: 2, perMs: 500 } } },
    });
    await gauge.until(runtime.execute(w.build(), {}, { runId: 'A' }));
    expect(gauge.starts).to.deep.equal(['A a@0', 'A b@100', 'A c@250']);
  });

  it('is not confused by a clock that goes backwards', () => {
    let now = 1_000_000;
    const clock = {
      now: () => now,
      sleepSync: (ms: number) => {
        now += ms;
      },
      setTimer: () => () => undefined,
      yieldTurn: () => undefined,
      onStall: () => () => undefined,
    };
    const seen: number[] = [];
    const w = workflow('back');
    const note = defineNode({
      name: 'note',
      outputs: { n: type<number>() },
      limit: { rate: { count: 1, perMs: 100 } },
      run: () => {
        seen.push(now);
        if (seen.length === 2) now -= 5_000;
        return { n: 1 };
      },
    });
    w.map('all', w.fn('list', {}, () => [1, 2, 3]).out.value, () => note({}));
    using runtime = new LocalRuntime({ clock, random: seededRandom(1) });
    expect(statuses(runtime.execute(w.build()))).to.deep.equal({ list: 'completed', all: 'completed' });
    expect(seen).to.deep.equal([1_000_000, 1_000_100, 1_000_200]);
    const { limits } = runtime.getResourceMetrics();
    expect(limits.map(({ started, waitedMs, longestWaitMs }) => [started, waitedMs, longestWaitMs])).to.deep.equal([
      [3, 300, 200],
    ]);
  });
});
