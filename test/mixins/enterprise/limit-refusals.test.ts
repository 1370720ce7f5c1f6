import { expect } from 'chai';
import type { LimitOptions } from '../../../src/base/capability-options.js';
import { defineNode } from '../../../src/base/node.js';
import type { RetryOptions } from '../../../src/base/node-options.js';
import type { RunOutcome } from '../../../src/base/outcome.js';
import type { CompletedRun } from '../../../src/base/run-result.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { everyWay } from '../../support/every-way.js';
import { Gauge, held } from '../../support/gauge.js';

/** A workflow of nodes of one executor, side by side, each taking 10 ms. */
function wide(gauge: Gauge, count: number, retry?: RetryOptions) {
  const w = workflow('wide');
  const options = retry === undefined ? {} : { retry };
  for (let each = 0; each < count; each++) w.try(`n${each}`, gauge.node('work', 10, options)({}));
  return w.build();
}

/** What became of the nodes of a run: when each started, or the code of its failure. */
function fates(outcome: RunOutcome<unknown>): readonly string[] {
  if (outcome.status === 'rejected') return ['rejected'];
  return [...outcome.nodes.values()].map(({ id, error, attempts }) => {
    const at = (outcome.results.get(id) as { readonly at?: number } | undefined)?.at;
    return `${id} ${error?.code ?? at}${attempts === 1 ? '' : ` after ${attempts}`}`;
  });
}

async function under(limit: LimitOptions, count: number, retry?: RetryOptions) {
  const gauge = new Gauge();
  const runtime = gauge.runtime({ resources: { limits: limit } });
  const outcome = await gauge.until(runtime.settle(wide(gauge, count, retry), {}, { runId: 'A' }));
  const metrics = runtime.getResourceMetrics();
  expect(held(metrics)).to.include({ waiting: 0, nothing: true });
  const [report] = metrics.limits;
  const { started, rejected, timedOut, waitedMs, longestWaitMs } = report ?? expect.fail('no limit was met');
  return {
    fates: fates(outcome),
    peak: gauge.peak,
    tookMs: gauge.time,
    counts: { started, rejected, timedOut, waitedMs, longestWaitMs },
    outcome,
  };
}

describe('A full limit that rejects', () => {
  it('fails an attempt that finds no slot with LIMIT_EXCEEDED, at once', async () => {
    const { fates: seen, tookMs, counts, outcome } = await under({ maxConcurrency: 1, whenFull: 'reject' }, 3);
    expect(seen).to.deep.equal(['n0 0', 'n1 LIMIT_EXCEEDED', 'n2 LIMIT_EXCEEDED']);
    expect(tookMs).to.equal(10);
    expect(counts).to.deep.equal({ started: 1, rejected: 2, timedOut: 0, waitedMs: 0, longestWaitMs: 0 });
    expect((outcome as CompletedRun<unknown>).node('n1').error).to.deep.equal({
      name: 'AttemptError',
      code: 'LIMIT_EXCEEDED',
      message:
        'Node "n1" found no room in the limit of runtime. Try again later, raise the limit, or let it wait with whenFull "queue" or "defer".',
    });
  });

  it('leaves it to the policy of the node when to try again, where no slot is free', async () => {
    const retry: RetryOptions = { attempts: 9, delayMs: 4, backoff: 'fixed' };
    const { fates: seen } = await under({ maxConcurrency: 1, whenFull: 'reject' }, 2, retry);
    expect(seen, 'tried at 0, 4, 8 and 12').to.deep.equal(['n0 0', 'n1 12 after 4']);
  });

  it('asks to wait exactly until there is a token, where a rate is used up', async () => {
    const limit: LimitOptions = { rate: { count: 1, perMs: 250 }, whenFull: 'reject' };
    const once = await under(limit, 2);
    expect(once.fates).to.deep.equal(['n0 0', 'n1 LIMIT_EXCEEDED']);
    const again = await under(limit, 2, { attempts: 2 });
    expect(again.fates).to.deep.equal(['n0 0', 'n1 250 after 2']);
    expect(again.counts).to.include({ started: 2, rejected: 1 });
    const impatient = await under(limit, 2, { attempts: 2, maxDelayMs: 249 });
    expect(impatient.fates, 'longer than its policy waits').to.deep.equal(['n0 0', 'n1 LIMIT_EXCEEDED']);
  });

  it(
    'rejects in every way of running alike',
    everyWay(async (run) => {
      const w = workflow('rated');
      for (const id of ['a', 'b', 'c'])
        w.try(id, defineNode({ name: 'work', outputs: { n: type<number>() }, run: () => ({ n: 1 }) })({}));
      const limit: LimitOptions = { rate: { count: 2, perMs: 1_000 }, whenFull: 'reject' };
      const result = await run.complete(w.build(), { runtime: { executors: { 'function.work': { limit } } } });
      expect([...result.nodes.values()].map(({ error }) => error?.code)).to.deep.equal([
        undefined,
        undefined,
        'LIMIT_EXCEEDED',
      ]);
    }),
  );

  it('rejects behind one of its own run that has been promised a token and waits for something else', async () => {
    const gauge = new Gauge();
    const w = workflow('lane');
    for (const id of ['a', 'b', 'c']) w.try(id, gauge.node('work', 10)({}));
    const runtime = gauge.runtime({
      executors: { 'function.work': { limit: { rate: { count: 2, perMs: 100 }, whenFull: 'reject' } } },
      resources: { limits: { maxConcurrency: 1 } },
    });
    const outcome = await gauge.until(runtime.settle(w.build(), {}, { runId: 'A' }));
    // b has its token and waits for the slot of a; c would come after it.
    expect(fates(outcome)).to.deep.equal(['a 0', 'b 10', 'c LIMIT_EXCEEDED']);
    expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
  });
});

describe('A full limit that queues', () => {
  it('lets so many wait, and fails one more with QUEUE_FULL', async () => {
    const { fates: seen, counts, outcome } = await under({ maxConcurrency: 1, whenFull: 'queue', maxQueued: 2 }, 5);
    expect(seen).to.deep.equal(['n0 0', 'n1 10', 'n2 20', 'n3 QUEUE_FULL', 'n4 QUEUE_FULL']);
    expect(counts).to.deep.equal({ started: 3, rejected: 2, timedOut: 0, waitedMs: 30, longestWaitMs: 20 });
    expect((outcome as CompletedRun<unknown>).node('n3').error?.message).to.equal(
      'Node "n3" found 2 attempts waiting for runtime, as many as may. Try again later, or raise maxQueued.',
    );
  });

  it('lets 1,024 wait unless told otherwise', async () => {
    const gauge = new Gauge();
    const w = workflow('many');
    const list = w.fn('list', {}, () => Array.from({ length: 1_027 }, (_, item) => item));
    const all = w.map('all', list.out.value, () => gauge.node('work', 1)({}), { onItemError: 'collect' });
    const limit: LimitOptions = { maxConcurrency: 1, whenFull: 'queue' };
    const runtime = gauge.runtime({ executors: { 'function.work': { limit } } });
    const run = await gauge.until(runtime.execute(w.build({ outputs: { failed: all.failed } })));
    expect(run.unwrap().failed.map(({ index, error }) => [index, error.code])).to.deep.equal([
      [1_025, 'QUEUE_FULL'],
      [1_026, 'QUEUE_FULL'],
    ]);
  });

  it('fails one that found no slot in time with QUEUE_TIMEOUT, at that time', async () => {
    const limit: LimitOptions = { maxConcurrency: 1, whenFull: 'queue', maxQueueMs: 15 };
    const { fates: seen, counts, outcome } = await under(limit, 4);
    expect(seen).to.deep.equal(['n0 0', 'n1 10', 'n2 QUEUE_TIMEOUT', 'n3 QUEUE_TIMEOUT']);
    expect(counts).to.deep.equal({ started: 2, rejected: 0, timedOut: 2, waitedMs: 10, longestWaitMs: 10 });
    const failed = (outcome as CompletedRun<unknown>).node('n2');
    expect(failed.failures.map(({ endedAt }) => endedAt - 1_704_067_200_000)).to.deep.equal([15]);
    expect(failed.error?.message).to.equal(
      'Node "n2" found no room in the limit of runtime within 15 ms. Raise maxQueueMs, or the limit.',
    );
  });

  it('starts one that is given its slot at the very moment when its time is up', async () => {
    const limit: LimitOptions = { maxConcurrency: 1, whenFull: 'queue', maxQueueMs: 10 };
    const { fates: seen } = await under(limit, 3);
    expect(seen).to.deep.equal(['n0 0', 'n1 10', 'n2 QUEUE_TIMEOUT']);
  });

  it('gives each attempt its time anew', async () => {
    const limit: LimitOptions = { maxConcurrency: 1, whenFull: 'queue', maxQueueMs: 6 };
    const { fates: seen } = await under(limit, 2, { attempts: 3 });
    expect(seen, 'timed out at 6, then in time at 10').to.deep.equal(['n0 0', 'n1 10 after 2']);
  });

  it('fails one whose token would come too late at once, and lets one that comes in time wait', async () => {
    const limit: LimitOptions = { rate: { count: 1, perMs: 100 }, whenFull: 'queue', maxQueueMs: 100 };
    const { fates: seen, tookMs, counts } = await under(limit, 3);
    expect(seen).to.deep.equal(['n0 0', 'n1 100', 'n2 QUEUE_TIMEOUT']);
    expect(tookMs).to.equal(110);
    expect(counts).to.include({ started: 2, timedOut: 1, waitedMs: 100 });
    const gauge = new Gauge();
    const runtime = gauge.runtime({ resources: { limits: { ...limit, maxQueueMs: 99 } } });
    const outcome = await gauge.until(runtime.settle(wide(gauge, 2)));
    expect(fates(outcome)).to.deep.equal(['n0 0', 'n1 QUEUE_TIMEOUT']);
    expect(gauge.time, 'known at once').to.equal(10);
  });

  it(
    'queues for tokens in every way of running alike',
    everyWay(async (run) => {
      const gauge = new Gauge();
      const w = workflow('rated');
      for (const id of ['a', 'b', 'c', 'd', 'e']) w.try(id, gauge.syncNode('work', 0)({}));
      const limit: LimitOptions = {
        rate: { count: 1, perMs: 100 },
        whenFull: 'queue',
        maxQueued: 3,
        maxQueueMs: 250,
      };
      const result = await run.complete(w.build(), {
        runtime: { clock: gauge.clock, executors: { 'function.work': { limit } } },
      });
      expect(fates(result)).to.deep.equal(['a 0', 'b 100', 'c 200', 'd QUEUE_TIMEOUT', 'e QUEUE_FULL']);
    }),
  );

  it('counts those that wait for a slot and those that wait for a token together', async () => {
    const limit: LimitOptions = {
      maxConcurrency: 2,
      rate: { count: 1, perMs: 100 },
      whenFull: 'queue',
      maxQueued: 2,
    };
    // n0 runs, n1 has a slot and waits for a token, n2 waits for a slot; n3 is one too many.
    const { fates: seen } = await under(limit, 4);
    expect(seen).to.deep.equal(['n0 0', 'n1 100', 'n2 200', 'n3 QUEUE_FULL']);
  });

  it('does not turn away one that has waited already because others wait by now', async () => {
    const limit: LimitOptions = {
      maxConcurrency: 1,
      rate: { count: 1, perMs: 100 },
      whenFull: 'queue',
      maxQueued: 1,
    };
    const gauge = new Gauge();
    const runtime = gauge.runtime({ resources: { limits: limit } });
    const late = new Promise<void>((resolve) => gauge.clock.setTimer(20, resolve));
    const third = late.then(() => runtime.settle(wide(gauge, 1), {}, { runId: 'C' }));
    const outcomes = await gauge.until(Promise.all([runtime.settle(wide(gauge, 2), {}, { runId: 'A' }), third]));
    // From 10 on, A n1 holds the slot and waits for a token until 100; C n0 joins the queue for the slot at 20: it is the first there.
    expect(outcomes.flatMap(fates)).to.deep.equal(['n0 0', 'n1 100', 'n0 QUEUE_FULL']);
    const waits = new Gauge();
    const free = waits.runtime({ resources: { limits: { ...limit, maxConcurrency: 2, maxQueued: 2 } } });
    const outcome = await waits.until(free.settle(wide(waits, 3), {}, { runId: 'A' }));
    expect(fates(outcome)).to.deep.equal(['n0 0', 'n1 100', 'n2 200']);
  });

  it('fails one that a higher priority has put off too long', async () => {
    const gauge = new Gauge();
    const limit: LimitOptions = { rate: { count: 1, perMs: 100 }, whenFull: 'queue', maxQueueMs: 150 };
    const runtime = gauge.runtime({ resources: { limits: limit } });
    const low = runtime.settle(wide(gauge, 2), {}, { runId: 'A' });
    const late = new Promise<void>((resolve) => gauge.clock.setTimer(20, resolve));
    const high = late.then(() => runtime.settle(wide(gauge, 1), {}, { runId: 'B', priority: 1 }));
    const [a, b] = await gauge.until(Promise.all([low, high]));
    expect(gauge.starts).to.deep.equal(['A n0@0', 'B n0@100']);
    expect([fates(a), fates(b)]).to.deep.equal([['n0 0', 'n1 QUEUE_TIMEOUT'], ['n0 100']]);
    expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
  });

  it('fails one behind others of its run when its time is up', async () => {
    const gauge = new Gauge();
    const limit: LimitOptions = { rate: { count: 1, perMs: 100 }, whenFull: 'queue', maxQueueMs: 120 };
    const runtime = gauge.runtime({ resources: { limits: limit } });
    const outcome = await gauge.until(runtime.settle(wide(gauge, 4), {}, { runId: 'A' }));
    expect(fates(outcome)).to.deep.equal(['n0 0', 'n1 100', 'n2 QUEUE_TIMEOUT', 'n3 QUEUE_TIMEOUT']);
    expect(gauge.time).to.equal(110);
    expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
  });
});

describe('A full limit that queues, behind another one', () => {
  it('fails one behind the first of its run, which has its token and waits for a slot, when its time is up', async () => {
    const gauge = new Gauge();
    const w = workflow('lane');
    w.add('long', gauge.node('long', 100)({}));
    for (const id of ['a', 'b']) w.try(id, gauge.node('work', 10)({}));
    const limit: LimitOptions = { rate: { count: 2, perMs: 100 }, whenFull: 'queue', maxQueueMs: 50 };
    const runtime = gauge.runtime({
      executors: { 'function.work': { limit } },
      resources: { limits: { maxConcurrency: 1 } },
    });
    const outcome = await gauge.until(runtime.execute(w.build(), {}, { runId: 'A' }));
    expect(fates(outcome)).to.deep.equal(['long 0', 'a 100', 'b QUEUE_TIMEOUT']);
    expect(outcome.node('b').failures.map(({ endedAt }) => endedAt - 1_704_067_200_000)).to.deep.equal([50]);
    expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
  });

  it('fails one at once that has waited as long as it may somewhere else', async () => {
    for (const own of [{ maxConcurrency: 1 }, { rate: { count: 1, perMs: 500 } }]) {
      const gauge = new Gauge();
      const limit: LimitOptions = { ...own, whenFull: 'queue', maxQueueMs: 50 };
      const runtime = gauge.runtime({
        executors: { 'function.work': { limit } },
        resources: { limits: { maxConcurrency: 1, per: 'tenant' } },
      });
      const holder = workflow('holder');
      holder.add('long', gauge.node('long', 100)({}));
      const user = workflow('user');
      user.add('work', gauge.node('work', 200)({}));
      const w = workflow('late');
      w.try('late', gauge.node('work', 10)({}));
      const [, , outcome] = await gauge.until(
        Promise.all([
          runtime.execute(holder.build(), {}, { context: { tenant: 'x' } }),
          runtime.execute(user.build(), {}, { context: { tenant: 'y' } }),
          runtime.execute(w.build(), {}, { context: { tenant: 'x' } }),
        ]),
      );
      expect(fates(outcome)).to.deep.equal(['late QUEUE_TIMEOUT']);
      expect(outcome.node('late').failures.map(({ endedAt }) => endedAt - 1_704_067_200_000)).to.deep.equal([100]);
      expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
    }
  });
});

describe('A full limit that defers, as it does by default', () => {
  it('lets everything wait, however much that is', async () => {
    for (const whenFull of [undefined, 'defer'] as const) {
      const limit: LimitOptions = { maxConcurrency: 2, ...(whenFull === undefined ? {} : { whenFull }) };
      const { fates: seen, counts } = await under(limit, 6);
      expect(seen).to.deep.equal(['n0 0', 'n1 0', 'n2 10', 'n3 10', 'n4 20', 'n5 20']);
      expect(counts).to.deep.equal({ started: 6, rejected: 0, timedOut: 0, waitedMs: 60, longestWaitMs: 20 });
    }
  });
});
