import { expect } from 'chai';
import type { RunEvent } from '../../../src/base/events.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { oneOf } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { advanceUntil, VirtualClock } from '../../../src/testing/index.js';
import { everyWay, SYNC_WAYS, statuses } from '../../support/every-way.js';
import { numeric } from '../../support/halving.js';

const ask = (timeoutMs?: number) => {
  const w = workflow('ask');
  const gate = w.gate('gate', timeoutMs === undefined ? {} : { timeoutMs });
  return w.build({ outputs: { yes: gate.out.approved, no: gate.out.rejected } });
};

const counted = defineNode({
  name: 'counted',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }) => ({ n: n + 1 }),
});

/** A runtime to which a history is given, as a store will give it. */
class Continuing extends LocalRuntime {
  readonly #history: readonly RunEvent[];

  constructor(history: readonly RunEvent[]) {
    super();
    this.#history = history;
  }

  protected override loadHistory(): readonly RunEvent[] {
    return this.#history;
  }
}

describe('gates: found by properties', () => {
  it('are rejected without a reason', () => {
    using runtime = new LocalRuntime();
    const flow = ask();
    const { runId } = runtime.execute(flow);
    const heard: RunEvent[] = [];
    runtime.on('event', (event) => heard.push(event));
    runtime.reject(runId, 'gate');
    expect(heard.map(({ kind }) => kind)).to.deep.equal(['gate.rejected']);
    const run = runtime.resume(flow, runId);
    expect(run.output).to.deep.equal({ no: { reason: null, by: null } });
  });

  it('wake a run that waits when they time out, and not when its own time limit would have passed', () => {
    const clock = new VirtualClock();
    using runtime = new LocalRuntime({ clock, timeoutMs: 8 });
    const flow = ask(1_000);
    const run = runtime.execute(flow);
    expect(run.wakeAt).to.equal(clock.now() + 1_000);
    clock.advance(1_000);
    expect(runtime.resume(flow, run.runId).status).to.equal('completed');
  });

  it('do not wake a run that waits where they never time out, whatever its own time limit', async () => {
    await using runtime = new AsyncLocalRuntime({ timeoutMs: 8 });
    const run = await runtime.execute(ask());
    expect(run.status).to.equal('waiting');
    expect(run.wakeAt).to.equal(undefined);
  });

  it('that time out inside a child while another node runs let the child go on at once', async () => {
    const clock = new VirtualClock();
    const start = clock.now();
    const inner = workflow('inner');
    const gate = inner.gate('gate', { timeoutMs: 5 });
    inner.fn('late', { at: gate.out.timedOut }, () => 1);
    const w = workflow('outer');
    const wait = (): Promise<void> => new Promise((resolve) => void clock.setTimer(20, resolve));
    w.fn('slow', {}, () => wait().then(() => 1));
    w.add('sub', inner.build()());
    await using runtime = new AsyncLocalRuntime({ clock });
    const run = await advanceUntil(() => runtime.execute(w.build()), clock);
    expect(run.status).to.equal('completed');
    expect(run.children('sub')[0]?.node('late').startedAt).to.equal(start + 5);
    expect(run.node('slow').endedAt).to.equal(start + 20);
  });

  it('are answered in a run that was continued from a history and waits then', () => {
    const flow = ask();
    const history: RunEvent[] = [];
    using first = new LocalRuntime();
    const { runId } = first.execute(flow, {}, { onEvent: (event) => history.push(event) });
    using second = new Continuing(history.slice(0, 2));
    expect(second.execute(flow, {}, { runId }).status).to.equal('waiting');
    expect(second.gates(runId).map(({ gate }) => gate)).to.deep.equal(['gate']);
    second.approve(runId, 'gate', 7);
    expect(second.resume(flow, runId).output).to.deep.equal({ yes: 7 });
  });
});

describe('children: found by properties', () => {
  const double = numeric('double', (n) => {
    if (n < 0) throw new Error('negative');
    return n * 2;
  });

  const listing = defineNode({
    name: 'listing',
    inputs: { n: type<number>() },
    outputs: { list: type<readonly number[]>() },
    run: ({ n }) => {
      if (n < 0) throw new Error('negative');
      return { list: [n, n] };
    },
  });

  const doubling = () => {
    const w = workflow('doubling', { params: { n: type<number>() } });
    const only = w.add('only', double({ n: w.params.n }));
    return w.build({ outputs: { n: only.out.n } });
  };

  it(
    'a subworkflow that may fail is joined by the way it went',
    everyWay(async (run) => {
      const w = workflow('joining');
      const inner = doubling();
      const good = w.try('good', inner({ n: 4 }));
      const bad = w.try('bad', inner({ n: -1 }));
      const flow = w.build({
        outputs: {
          good: good.join({ ok: good.out.n, failed: good.error.at('code') }),
          bad: bad.join({ ok: bad.out.n, failed: bad.error.at('code') }),
        },
      });
      const { output } = await run.complete(flow);
      expect(output).to.deep.equal({ good: 8, bad: 'CHILD_FAILED' });
    }),
  );

  it(
    'a subworkflow that may fail is joined after the cycle around it by the way it went last',
    everyWay(async (run) => {
      const w = workflow('joining-after');
      const step = w.add('step', numeric('step', (n) => n - 4)({ n: 8 }));
      const inner = w.try('inner', doubling()({ n: step.out.n }));
      const next = w.fn('next', { n: inner.join({ ok: inner.out.n, failed: inner.error.at('code') }) }, ({ n }) =>
        typeof n === 'number' ? n - 8 : 0,
      );
      w.cycle('fit', { feedback: [next.out.value.to(step.in.n)], maxIterations: 2 });
      const flow = w.build({ outputs: { last: inner.join({ ok: inner.out.n, failed: inner.error.at('code') }) } });
      const { output } = await run.complete(flow);
      expect(output).to.deep.equal({ last: 'CHILD_FAILED' });
    }),
  );

  it(
    'a child whose cycle is cancelled when all of its nodes have settled is cancelled',
    everyWay(async (run) => {
      const canceller = new AbortController();
      const inner = workflow('inner');
      const aborting = numeric('aborting', (n) => {
        canceller.abort();
        return n;
      });
      const step = inner.add('step', aborting({ n: 1 }));
      inner.cycle('fit', { feedback: [step.out.n.to(step.in.n)], maxIterations: 5 });
      const w = workflow('outer');
      w.add('sub', inner.build()());
      const cancelled = await run.cancel(w.build(), { run: { signal: canceller.signal } });
      const [child] = cancelled.children('sub');
      expect(child?.node('step').status).to.equal('completed');
      expect(child?.cycle('fit').reason).to.equal('cancelled');
      expect(child?.status).to.equal('cancelled');
    }, SYNC_WAYS), // an asynchronous node is still in flight when the signal is aborted
  );

  it(
    'a run that is cancelled inside one starts nothing more when its cycles are cancelled with it',
    everyWay(async (run) => {
      const canceller = new AbortController();
      const aborting = numeric('aborting', (n) => {
        canceller.abort('enough');
        return n;
      });
      const w = workflow('outer', { params: { numbers: type<readonly number[]>() } });
      w.map('all', w.params.numbers, (n) => aborting({ n }), { maxConcurrency: 1 });
      const step = w.add('step', double({ n: 1 }));
      w.cycle('fit', { feedback: [step.out.n.to(step.in.n)], maxIterations: 5 });
      w.map('more', w.params.numbers, (n) => double({ n }), { after: step });
      const cancelled = await run.cancel(w.build(), {
        params: { numbers: [1, 2] },
        run: { signal: canceller.signal },
      });
      expect(cancelled.error.reason).to.equal('enough');
      expect(statuses(cancelled)).to.deep.equal({ all: 'cancelled', step: 'cancelled', more: 'cancelled' });
      expect(cancelled.cycle('fit').reason).to.equal('cancelled');
      const started = run.events.flatMap(({ kind, data }) =>
        kind === 'attempt.started' ? [`${data.scope}${data.node}`] : [],
      );
      expect(started).to.deep.equal(['all', 'all[0]/aborting']);
      expect(cancelled.children('more')).to.deep.equal([]);
    }, SYNC_WAYS), // an asynchronous node is still in flight when the signal is aborted
  );

  it(
    'a subworkflow inside a child that is tried again at once starts before the nodes after it, as it does at the top',
    everyWay(async (run) => {
      const order = async (depth: 'top' | 'inside'): Promise<readonly string[]> => {
        let failures = 1;
        const flaky = workflow('flaky');
        flaky.fn('only', {}, () => {
          if (failures-- > 0) throw new Error('as planned');
          return 1;
        });
        const w = workflow('retrying');
        w.add('again', flaky.build()(), { retry: { attempts: 2 } });
        w.fn('later', {}, () => 2);
        const inner = w.build();
        const outer = workflow('outer');
        outer.add('sub', inner());
        await run.complete(depth === 'top' ? inner : outer.build());
        return run.events.flatMap(({ kind, data }) => (kind === 'attempt.started' ? [data.node] : []));
      };
      expect(await order('top')).to.deep.equal(['again', 'only', 'again', 'only', 'later']);
      expect(await order('inside')).to.deep.equal(['sub', 'again', 'only', 'again', 'only', 'later']);
    }, SYNC_WAYS),
  );

  it(
    'a map that was blocked in its last visit reports no children of an earlier one',
    everyWay(async (run) => {
      const w = workflow('earlier');
      const list = w.add('list', listing({ n: 1 }));
      const all = w.map('all', list.out.list, (item) => double({ n: item }));
      const next = w.fn('next', { items: all.out.n }, (): number => -1);
      w.cycle('fit', { feedback: [next.out.value.to(list.in.n)], maxIterations: 2 });
      const flow = w.build();
      const failed = await run.fail(flow);
      expect(failed.node('all').status).to.equal('blocked');
      expect(failed.children('all')).to.deep.equal([]);
    }),
  );
});

describe('fallbacks beside a gate', () => {
  const rejection = { reason: null, by: null };
  const falls = [
    {
      name: 'an exit that an older iteration left beside a newer one',
      v: rejection,
      of: () => {
        const w = workflow('exits');
        const gate = w.gate('gate');
        const step = w.add('step', counted({ n: 0 }));
        const way = w.switch('way', step.out.n, { first: (n) => n === 1, later: otherwise });
        const back = w.fn('back', { n: step.out.n, first: way.out.first.or(0) }, ({ n }) => n);
        w.cycle('turns', { feedback: [back.out.value.to(step.in.n)], maxIterations: 3, onMaxIterations: 'accept' });
        const got = w.fn('got', { v: way.out.first.or(gate.out.rejected).or(back.out.value) }, ({ v }) => ({ v }));
        return w.build({ outputs: { got: got.out.value } });
      },
    },
    {
      name: 'an exit beside a choice that may yet take a newer one',
      v: 3,
      of: () => {
        const w = workflow('nested');
        const gate = w.gate('gate');
        const step = w.add('step', counted({ n: 0 }));
        const way = w.switch('way', step.out.n, { first: (n) => n === 1, later: otherwise });
        const back = w.fn('back', { n: step.out.n, first: way.out.first.or(0) }, ({ n }) => n);
        w.cycle('turns', { feedback: [back.out.value.to(step.in.n)], maxIterations: 3, onMaxIterations: 'accept' });
        const late = oneOf(gate.out.approved, back.out.value);
        const got = w.fn('got', { v: way.out.first.or(late) }, ({ v }) => ({ v }));
        return w.build({ outputs: { got: got.out.value } });
      },
    },
    {
      name: 'a path that leads nowhere',
      v: rejection,
      of: () => {
        const w = workflow('nowhere');
        const gate = w.gate('gate');
        const head = w.fn('head', {}, () => ({ a: 1 }) as { a: number; b?: number });
        const got = w.fn('got', { v: head.out.value.at('b').or(gate.out.rejected).or(5) }, ({ v }) => ({ v }));
        return w.build({ outputs: { got: got.out.value } });
      },
    },
  ];

  for (const { name, v, of } of falls)
    it(`come to the same whether it is answered at once or later: ${name}`, () => {
      using runtime = new LocalRuntime();
      const flow = of();
      const waiting = runtime.execute(flow);
      expect(waiting.status).to.equal('waiting');
      expect(waiting.nodes.get('got')?.status).to.equal('pending');
      runtime.reject(waiting.runId, 'gate');
      const later = runtime.resume(flow, waiting.runId);
      expect(later.output).to.deep.equal({ got: { v } });
    });
});
