import { expect } from 'chai';
import type { LimitOptions } from '../../../src/base/capability-options.js';
import type { RunEvent } from '../../../src/base/events.js';
import { defineNode } from '../../../src/base/node.js';
import type { RunOutcome } from '../../../src/base/outcome.js';
import { type } from '../../../src/base/schema.js';
import type { Workflow } from '../../../src/base/workflow.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { seededIds } from '../../../src/testing/index.js';
import { statuses } from '../../support/every-way.js';
import { Gauge, held } from '../../support/gauge.js';
import { withX } from '../../support/module-nodes.js';

/** A workflow of one node, which runs another workflow. */
function asking(settle: () => unknown, name = 'outer'): Workflow {
  const w = workflow(name);
  w.fn('ask', {}, settle);
  return w.build();
}

function small(gauge: Gauge, count = 1): Workflow {
  const w = workflow('inner');
  for (let each = 0; each < count; each++) w.add(`n${each}`, gauge.syncNode('work', 5)({}));
  return w.build();
}

function codeOf(outcome: RunOutcome<unknown> | undefined): string | undefined {
  return outcome?.status === 'failed' ? outcome.error.failure.code : outcome?.status;
}

describe('A run inside a node that holds the only slot', () => {
  const limits: readonly LimitOptions[] = [
    { maxConcurrency: 1 },
    { maxConcurrency: 1, whenFull: 'queue' },
    { maxConcurrency: 1, whenFull: 'queue', maxQueueMs: 60_000 },
  ];

  it('fails with WOULD_DEADLOCK in LocalRuntime, at once, and gives everything back', () => {
    for (const limit of limits) {
      const gauge = new Gauge();
      using runtime = new LocalRuntime({ clock: gauge.clock, ids: seededIds(), resources: { limits: limit } });
      let inner: RunOutcome<unknown> | undefined;
      const outer = runtime.execute(
        asking(() => {
          inner = runtime.settle(small(gauge, 2));
          return inner.status;
        }),
      );
      expect([codeOf(inner), outer.status, gauge.time]).to.deep.equal(['WOULD_DEADLOCK', 'completed', 0]);
      expect(inner?.status === 'failed' && inner.node('n1').error).to.deep.equal({
        name: 'AttemptError',
        code: 'WOULD_DEADLOCK',
        message:
          'Node "n1" waits for room, and nothing that could make it will ever come to its end. See what keeps its next node from starting: a limit that an outer run holds, or a hook that never admits it.',
      });
      expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
      expect(runtime.execute(small(gauge)).status).to.equal('completed');
    }
  });

  it('fails with LIMIT_EXCEEDED where the limit rejects', () => {
    const gauge = new Gauge();
    using runtime = new LocalRuntime({ resources: { limits: { maxConcurrency: 1, whenFull: 'reject' } } });
    let inner: RunOutcome<unknown> | undefined;
    runtime.execute(
      asking(() => {
        inner = runtime.settle(small(gauge));
      }),
    );
    expect(codeOf(inner)).to.equal('LIMIT_EXCEEDED');
  });

  it('is not tried again: WOULD_DEADLOCK is final', () => {
    const gauge = new Gauge();
    using runtime = new LocalRuntime({
      resources: { limits: { maxConcurrency: 1 } },
      capabilities: { retry: { attempts: 9 } },
    });
    let inner: RunOutcome<unknown> | undefined;
    runtime.execute(
      asking(() => {
        inner = runtime.settle(small(gauge));
      }),
    );
    expect(inner?.status === 'failed' && inner.node('n0').attempts).to.equal(1);
  });

  it('goes on with what needs no room, and completes where its failure is allowed', () => {
    const gauge = new Gauge();
    using runtime = new LocalRuntime({
      clock: gauge.clock,
      executors: { 'function.work': { limit: { maxConcurrency: 1 } } },
    });
    const w = workflow('inner');
    const tried = w.try('tried', gauge.syncNode('work', 5)({}));
    w.fn('spare', { error: tried.error.at('code') }, ({ error }) => error);
    w.fn('free', {}, () => 'free');
    const inner = w.build();
    const seen: unknown[] = [];
    const holding = defineNode({
      name: 'work',
      outputs: { n: type<number>() },
      run: () => {
        const run = runtime.execute(inner);
        seen.push(statuses(run), run.results.get('spare'));
        return { n: 1 };
      },
    });
    const outer = workflow('outer');
    outer.add('hold', holding({}));
    runtime.execute(outer.build());
    expect(seen).to.deep.equal([
      { tried: 'failed', spare: 'completed', free: 'completed' },
      { value: 'WOULD_DEADLOCK' },
    ]);
  });

  it('fails in AsyncLocalRuntime once nothing else can move the process on', async () => {
    for (const limit of limits.slice(0, 2)) {
      const gauge = new Gauge();
      const runtime = gauge.runtime({ resources: { limits: limit } });
      let inner: RunOutcome<unknown> | undefined;
      const outer = await gauge.until(
        runtime.execute(
          asking(async () => {
            inner = await runtime.settle(small(gauge, 2));
          }),
        ),
      );
      expect([codeOf(inner), outer.status]).to.deep.equal(['WOULD_DEADLOCK', 'completed']);
      expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
    }
  });

  it('is ended by the time limits of its queue and of itself in AsyncLocalRuntime, which keep the process going', async () => {
    for (const [limit, timeoutMs, code, tookMs] of [
      [{ maxConcurrency: 1, whenFull: 'queue', maxQueueMs: 400 }, 900, 'QUEUE_TIMEOUT', 400],
      [{ maxConcurrency: 1 }, 300, 'RUN_TIMEOUT', 300],
    ] as const) {
      const gauge = new Gauge();
      const runtime = gauge.runtime({ resources: { limits: limit } });
      let inner: RunOutcome<unknown> | undefined;
      await gauge.until(
        runtime.execute(
          asking(async () => {
            inner = await runtime.settle(small(gauge), {}, { timeoutMs });
          }),
        ),
      );
      expect([codeOf(inner), gauge.time]).to.deep.equal([code, tookMs]);
      expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
    }
  });

  it('runs where there is room for both, as deep as there is', async () => {
    const gauge = new Gauge();
    using runtime = new LocalRuntime({ clock: gauge.clock, resources: { limits: { maxConcurrency: 3 } } });
    const seen: unknown[] = [];
    const deeper = (level: number): Workflow =>
      asking(() => {
        const outcome = runtime.settle(level === 3 ? small(gauge) : deeper(level + 1));
        seen.push(codeOf(outcome));
      }, `level${level}`);
    runtime.execute(deeper(1));
    expect(seen, 'innermost first').to.deep.equal(['WOULD_DEADLOCK', 'completed', 'completed']);
  });
});

describe('A run inside a node, under a rate', () => {
  it('has tokens of its own: it waits for time alone', () => {
    const gauge = new Gauge();
    using runtime = new LocalRuntime({
      clock: gauge.clock,
      resources: { limits: { rate: { count: 1, perMs: 100 } } },
    });
    const w = workflow('outer');
    w.fn('ask', {}, () => runtime.execute(small(gauge, 2), {}, { runId: 'inner' }).status);
    w.add('after', gauge.syncNode('work', 0)({}));
    runtime.execute(w.build(), {}, { runId: 'outer' });
    expect(gauge.starts).to.deep.equal(['inner n0@100', 'inner n1@200', 'outer after@300']);
  });
});

describe('What waits in LocalRuntime for room that its own run makes', () => {
  it('waits for it: for a module node, and for one that has a slot and waits for its token', () => {
    const events: RunEvent[] = [];
    using runtime = new LocalRuntime({ executors: { 'function.wait': { limit: { maxConcurrency: 1 } } } });
    const w = workflow('modules');
    for (const id of ['a', 'b', 'c']) w.add(id, withX('wait')({ x: 3 }));
    const run = runtime.execute(w.build(), {}, { onEvent: (event) => events.push(event) });
    expect(run.status).to.equal('completed');
    const order = events.flatMap(({ kind, data }) => ('attempt' in data ? [`${data.node} ${kind.slice(8)}`] : []));
    expect(order).to.deep.equal(['a', 'b', 'c'].flatMap((id) => [`${id} started`, `${id} completed`]));
    const gauge = new Gauge();
    const limit: LimitOptions = { maxConcurrency: 1, rate: { count: 1, perMs: 100 } };
    using timed = new LocalRuntime({ clock: gauge.clock, executors: { 'function.work': { limit } } });
    expect(timed.execute(small(gauge, 3)).status).to.equal('completed');
    expect(gauge.starts.map((start) => start.split(' ')[1])).to.deep.equal(['n0@0', 'n1@100', 'n2@200']);
  });

  it('comes after whatever of its own is still due, and then fails if nobody made room', () => {
    const gauge = new Gauge();
    using runtime = new LocalRuntime({
      clock: gauge.clock,
      executors: { 'function.work': { limit: { maxConcurrency: 1 } } },
    });
    const seen: unknown[] = [];
    const w = workflow('inner');
    w.try('late', gauge.syncNode('work', 5)({}));
    const flaky = defineNode({
      name: 'flaky',
      outputs: { n: type<number>() },
      retry: { attempts: 2, delayMs: 50 },
      run: (_, { attempt }) => {
        if (attempt === 1) throw new Error('first');
        return { n: gauge.time };
      },
    });
    w.add('flaky', flaky({}));
    const inner = w.build();
    const holding = defineNode({
      name: 'work',
      outputs: { n: type<number>() },
      run: () => {
        const run = runtime.execute(inner);
        seen.push(run.node('late').error?.code, run.results.get('flaky'), gauge.time);
        return { n: 1 };
      },
    });
    const outer = workflow('outer');
    outer.add('hold', holding({}));
    runtime.execute(outer.build());
    expect(seen).to.deep.equal(['WOULD_DEADLOCK', { n: 50 }, 50]);
  });

  it('goes on behind a node of its run that fails because nobody can make room for it', () => {
    const gauge = new Gauge();
    using runtime = new LocalRuntime({
      clock: gauge.clock,
      executors: { 'function.work': { limit: { maxConcurrency: 1 } } },
      resources: { limits: { rate: { count: 3, perMs: 100 }, per: 'tenant' } },
    });
    const seen: unknown[] = [];
    const w = workflow('inner');
    w.try('stuck', gauge.syncNode('work', 5)({}));
    w.add('free', gauge.syncNode('other', 5)({}));
    const inner = w.build();
    const holding = defineNode({
      name: 'work',
      outputs: { n: type<number>() },
      run: () => {
        const run = runtime.execute(inner);
        seen.push(run.node('stuck').error?.code, run.node('free').status, gauge.time);
        return { n: 1 };
      },
    });
    const outer = workflow('outer');
    outer.add('hold', holding({}));
    runtime.execute(outer.build());
    // The first has its token and waits for the slot; the second comes after it for its token.
    expect(seen).to.deep.equal(['WOULD_DEADLOCK', 'completed', 5]);
    expect(held(runtime.getResourceMetrics()).nothing).to.equal(true);
  });
});
