import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import type { NodeCapabilities } from '../../../src/base/node-options.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { everyWay, reasonOf, statuses } from '../../support/every-way.js';
import { Gauge, held } from '../../support/gauge.js';

/** A node that never answers and notes when its signal was aborted, and why. */
function listening(gauge: Gauge, heard: string[], options: NodeCapabilities = {}) {
  return defineNode({
    name: 'listening',
    outputs: { n: type<number>() },
    ...options,
    run: (_, { signal, nodeId }) =>
      new Promise<{ n: number }>(() => {
        gauge.starts.push(`${nodeId}@${gauge.time}`);
        signal.addEventListener('abort', () => {
          const { code } = signal.reason as { readonly code: string };
          heard.push(`${nodeId} ${code}@${gauge.time}`);
        });
      }),
  });
}

/** A node that fails at once, as often as it is tried. */
function failing(gauge: Gauge, options: NodeCapabilities = {}) {
  return defineNode({
    name: 'failing',
    outputs: { n: type<number>() },
    ...options,
    run: (_, { nodeId, attempt }): { n: number } => {
      gauge.starts.push(`${nodeId} ${attempt}@${gauge.time}`);
      throw new Error('bad');
    },
  });
}

const ONE = { limits: { maxConcurrency: 1 } };

describe('Time limits while other nodes wait for room', () => {
  it('of attempts abort the signal at that very time of the virtual clock, and the next one has the room at once', async () => {
    const gauge = new Gauge();
    const heard: string[] = [];
    const w = workflow('waiting');
    for (const id of ['a', 'b', 'c']) w.try(id, listening(gauge, heard, { timeoutMs: 50 })({}));
    const runtime = gauge.runtime({ resources: ONE });
    const outcome = await gauge.until(runtime.execute(w.build()));
    expect(heard).to.deep.equal(['a ATTEMPT_TIMEOUT@50', 'b ATTEMPT_TIMEOUT@100', 'c ATTEMPT_TIMEOUT@150']);
    expect(gauge.starts).to.deep.equal(['a@0', 'b@50', 'c@100']);
    expect([outcome.durationMs, held(runtime.getResourceMetrics()).nothing]).to.deep.equal([150, true]);
  });

  it('of attempts are kept while the node waits for a token: its time starts when it starts', async () => {
    const gauge = new Gauge();
    const heard: string[] = [];
    const w = workflow('waiting');
    for (const id of ['a', 'b']) w.try(id, listening(gauge, heard, { timeoutMs: 50, softTimeoutMs: 20 })({}));
    await gauge.until(gauge.runtime({ resources: { limits: { rate: { count: 1, perMs: 500 } } } }).execute(w.build()));
    expect(heard).to.deep.equal(['a ATTEMPT_TIMEOUT@20', 'b ATTEMPT_TIMEOUT@520']);
  });

  it('of runs abort what runs and cancel what waits, in one turn; another run has the room at once', async () => {
    const gauge = new Gauge();
    const heard: string[] = [];
    const w = workflow('timed');
    for (const id of ['a', 'b']) w.add(id, listening(gauge, heard)({}));
    const next = workflow('next');
    next.add('n', gauge.node('work', 0)({}));
    const runtime = gauge.runtime({ resources: ONE });
    const [timed, after] = await gauge.until(
      Promise.all([
        runtime.settle(w.build(), {}, { runId: 'A', timeoutMs: 70 }),
        runtime.settle(next.build(), {}, { runId: 'B' }),
      ]),
    );
    expect(heard).to.deep.equal(['a RUN_CANCELLED@70']);
    expect(gauge.starts).to.deep.equal(['a@0', 'B n@70']);
    if (timed.status !== 'failed') throw new Error(timed.status);
    expect([timed.error.failure.code, statuses(timed), reasonOf(timed, 'b')?.code]).to.deep.equal([
      'RUN_TIMEOUT',
      { a: 'cancelled', b: 'cancelled' },
      'run_timeout',
    ]);
    expect([after.status, held(runtime.getResourceMetrics()).nothing]).to.deep.equal(['completed', true]);
  });

  it('of a run in which everything waits end it, though nothing of it has started', async () => {
    const gauge = new Gauge();
    const heard: string[] = [];
    const holder = workflow('holder');
    holder.try('h', listening(gauge, heard, { timeoutMs: 500 })({}));
    const w = workflow('waits');
    for (const id of ['a', 'b']) w.add(id, gauge.node('work', 0)({}));
    const runtime = gauge.runtime({ resources: ONE });
    const [, timed] = await gauge.until(
      Promise.all([
        runtime.settle(holder.build()),
        runtime.settle(w.build(), {}, { timeoutMs: 30, softTimeoutMs: 20 }),
      ]),
    );
    if (timed.status !== 'failed') throw new Error(timed.status);
    expect([timed.durationMs, timed.error.failure.code, timed.node('a').attempts]).to.deep.equal([
      30,
      'RUN_TIMEOUT',
      0,
    ]);
    expect(timed.warnings.map(({ code }) => code)).to.deep.equal(['soft-timeout']);
    expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
  });

  it(
    'of a run end its wait for a token',
    everyWay(async (run) => {
      const gauge = new Gauge();
      const w = workflow('waits');
      for (const id of ['a', 'b']) w.add(id, gauge.syncNode('work', 0)({}));
      const limit = { rate: { count: 1, perMs: 500 } };
      const result = await run.fail(w.build(), {
        runtime: { clock: gauge.clock, executors: { 'function.work': { limit } } },
        run: { timeoutMs: 120 },
      });
      expect([result.durationMs, result.error.failure.code]).to.deep.equal([120, 'RUN_TIMEOUT']);
      expect(statuses(result)).to.deep.equal({ a: 'completed', b: 'cancelled' });
    }),
  );

  it('of a map end the wait of its items, and the run goes on', async () => {
    const gauge = new Gauge();
    const heard: string[] = [];
    const w = workflow('mapped');
    const list = w.fn('list', {}, () => [1, 2, 3]);
    const all = w.map('all', list.out.value, () => listening(gauge, heard)({}), { timeoutMs: 40 });
    w.add('after', gauge.node('work', 0)({}), { after: all, join: 'always' });
    const runtime = gauge.runtime({ resources: ONE });
    const outcome = await gauge.until(runtime.settle(w.build(), {}, { runId: 'A' }));
    if (outcome.status !== 'failed') throw new Error(outcome.status);
    expect(statuses(outcome)).to.deep.equal({ list: 'completed', all: 'failed', after: 'completed' });
    expect(heard).to.deep.equal(['listening RUN_CANCELLED@40']);
    expect(gauge.starts.at(-1)).to.equal('A after@40');
    expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
  });
});

describe('The time limit of all attempts of a node', () => {
  it('does not count the wait for room before the first', async () => {
    const gauge = new Gauge();
    const w = workflow('first');
    w.add('long', gauge.node('work', 100)({}));
    w.add('short', gauge.node('work', 10, { totalTimeoutMs: 20 })({}));
    const outcome = await gauge.until(gauge.runtime({ resources: ONE }).execute(w.build()));
    expect(outcome.durationMs).to.equal(110);
  });

  it('ends the wait for a slot between two attempts, at that time, with NODE_TIMEOUT', async () => {
    const gauge = new Gauge();
    const w = workflow('between');
    w.try('bad', failing(gauge, { retry: { attempts: 5, delayMs: 5, backoff: 'fixed' }, totalTimeoutMs: 30 })({}));
    w.add('long', gauge.node('work', 100)({}));
    w.add('next', gauge.node('work', 10)({}));
    const runtime = gauge.runtime({ resources: ONE });
    const outcome = await gauge.until(runtime.execute(w.build(), {}, { runId: 'A' }));
    expect(gauge.starts).to.deep.equal(['bad 1@0', 'A long@0', 'A next@100']);
    const { error, failures } = outcome.node('bad');
    expect(error).to.deep.equal({
      name: 'AttemptError',
      code: 'NODE_TIMEOUT',
      message: 'All attempts of node "bad" together took longer than 30 ms. Raise totalTimeoutMs.',
    });
    expect(failures.map(({ attempt, endedAt }) => [attempt, endedAt - 1_704_067_200_000])).to.deep.equal([
      [1, 0],
      [2, 30],
    ]);
    expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
  });

  it(
    'ends the wait for a token between two attempts alike in every way of running',
    everyWay(async (run) => {
      const gauge = new Gauge();
      const w = workflow('between');
      const options = {
        limit: { rate: { count: 1, perMs: 500 } },
        retry: { attempts: 5 },
        totalTimeoutMs: 120,
      };
      w.add('bad', failing(gauge, options)({}));
      const result = await run.fail(w.build(), { runtime: { clock: gauge.clock } });
      expect([result.durationMs, result.error.failure.code]).to.deep.equal([120, 'NODE_TIMEOUT']);
      expect(gauge.starts).to.deep.equal(['bad 1@0']);
    }),
  );

  it(
    'begins anew with each visit of a cycle',
    everyWay(async (run) => {
      const gauge = new Gauge();
      const step = defineNode({
        name: 'step',
        inputs: { n: type<number>() },
        outputs: { n: type<number>() },
        limit: { rate: { count: 1, perMs: 100 } },
        totalTimeoutMs: 50,
        run: ({ n }) => ({ n: n + 1 }),
      });
      const w = workflow('visits');
      const a = w.add('a', step({ n: 0 }));
      w.cycle('loop', { feedback: [a.out.n.to(a.in.n)], maxIterations: 3 });
      const result = await run.complete(w.build({ outputs: { n: a.out.n } }), { runtime: { clock: gauge.clock } });
      expect([result.output, result.durationMs]).to.deep.equal([{ n: 3 }, 200]);
    }),
  );
});
