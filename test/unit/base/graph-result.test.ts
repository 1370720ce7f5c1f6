import { inspect } from 'node:util';
import { expect } from 'chai';
import type { RunEvent } from '../../../src/base/events.js';
import { defineNode } from '../../../src/base/node.js';
import type { RunOutcome } from '../../../src/base/outcome.js';
import type { RunResult } from '../../../src/base/run-result.js';
import type { RuntimeOptions } from '../../../src/base/runtime-options.js';
import { type } from '../../../src/base/schema.js';
import type { Workflow } from '../../../src/base/workflow.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { VirtualClock } from '../../../src/testing/index.js';

const step = defineNode({
  name: 'step',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }) => {
    if (n < 0) throw new Error('negative');
    return { n: n + 1 };
  },
});

/** A workflow with a cycle of two iterations, and a node after it; before, if asked for, a node that takes time. */
function turning(clock?: VirtualClock) {
  const w = workflow('turning', { params: { n: type<number>() } });
  const first = w.fn('first', { n: w.params.n }, ({ n }) => {
    clock?.advance(40);
    return n;
  });
  const a = w.add('a', step({ n: first.out.value }));
  w.cycle('fit', { feedback: [a.out.n.to(a.in.n)], maxIterations: 2 });
  const after = w.add('after', step({ n: a.out.n }));
  return w.build({ outputs: { n: after.out.n } });
}

function mapped(child: ReturnType<typeof turning>, options = {}) {
  const w = workflow('mapped', { params: { list: type<readonly number[]>() } });
  w.map('all', w.params.list, (n) => child({ n }), options);
  return w.build();
}

function resultOf(
  flow: Workflow<never, unknown> | Workflow,
  options: RuntimeOptions,
  list: readonly number[],
): RunResult {
  const outcome: RunOutcome<unknown> = new LocalRuntime(options as object).settle(flow as Workflow<object>, { list });
  if (outcome.status === 'rejected') throw outcome.error;
  return outcome;
}

describe('The result of a child', () => {
  it('is completed where its cycles have stopped, and shows itself by its scope', () => {
    const result = resultOf(mapped(turning()), {}, [1, 2]);
    const [item] = result.children('all');
    const [child] = item?.children('turning') ?? [];
    expect([item?.status, child?.status]).to.deep.equal(['completed', 'completed']);
    expect(child?.cycle('fit')).to.deep.include({ reason: 'max_iterations', failed: false, iterations: 2 });
    expect(inspect(child)).to.equal('ChildResult { all[0]/turning/ completed, 3 nodes }');
    expect(child?.plan.nodes.map(({ id }) => id)).to.deep.equal(['first', 'a', 'after']);
    expect(result.plan.nodes.map(({ id }) => id)).to.deep.equal(['all']);
  });

  it('is failed where it fails fast, although nodes in it were cancelled', () => {
    const w = workflow('child');
    w.add('bad', step({ n: -1 }));
    w.add('other', step({ n: 1 }));
    const child = w.build();
    const outer = workflow('outer');
    outer.add('sub', child());
    const [inside] = resultOf(outer.build(), { onError: 'fail-fast' }, []).children('sub');
    expect(inside?.node('other').status).to.equal('cancelled');
    expect([inside?.status, inside?.error?.message]).to.deep.equal(['failed', 'negative']);
  });

  it('that never began is cancelled with everything in it, and says why', () => {
    const clock = new VirtualClock();
    const flow = mapped(turning(clock), { maxConcurrency: 1, timeoutMs: 50 });
    const result = resultOf(flow, { clock }, [1, 2, 3]);
    expect(result.node('all').error?.code).to.equal('ATTEMPT_TIMEOUT');
    const [, , last] = result.children('all');
    const reason = {
      code: 'owner_stopped',
      input: null,
      source: null,
      root: { subject: 'all', port: null, code: 'owner_stopped' },
    };
    expect([last?.scope, last?.number, last?.status]).to.deep.equal(['all[2]/', 2, 'cancelled']);
    expect(last?.node('turning')).to.deep.include({ status: 'cancelled', attempts: 0, reason });
    expect(last?.children('turning')).to.deep.equal([]);
  });

  it('that never began has cycles that were cancelled before they turned', () => {
    const canceller = new AbortController();
    const outer = workflow('outer');
    outer.add('sub', turning()({ n: 1 }));
    const onEvent = ({ kind }: RunEvent): void => {
      if (kind === 'children.created') canceller.abort('enough');
    };
    const outcome = new LocalRuntime().settle(outer.build(), {}, { signal: canceller.signal, onEvent });
    if (outcome.status !== 'cancelled') throw new Error(outcome.status);
    const [child] = outcome.children('sub');
    expect(child?.status).to.equal('cancelled');
    expect(child?.cycle('fit')).to.deep.include({ reason: 'cancelled', failed: true, iterations: 0 });
    expect(child?.node('after').reason?.code).to.equal('run_cancelled');
  });

  it('that has not begun is pending while its owner goes on', () => {
    const w = workflow('asking', { params: { list: type<readonly number[]>() } });
    const ask = workflow('ask', { params: { n: type<number>() } });
    ask.gate('ok', { shows: { n: ask.params.n } });
    const child = ask.build();
    w.map('all', w.params.list, (n) => child({ n }), { maxConcurrency: 1 });
    const result = resultOf(w.build(), {}, [1, 2]);
    expect([result.status, result.node('all').endedAt]).to.deep.equal(['waiting', undefined]);
    expect(result.children('all').map(({ status }) => status)).to.deep.equal(['running', 'pending']);
    const node = result.children('all')[1]?.node('ask');
    expect(node).to.deep.include({ status: 'pending', reason: undefined, attempts: 0 });
  });

  it('is missing where the last attempt has opened none', () => {
    const clock = new VirtualClock();
    const w = workflow('late', { params: { list: type<readonly number[]>() } });
    w.map('all', w.params.list, (n) => step({ n }), { retry: { attempts: 2, delayMs: 5 }, totalTimeoutMs: 20 });
    w.fn('slow', {}, () => clock.advance(50));
    const result = resultOf(w.build(), { clock }, [-1, 2]);
    expect(result.node('all')).to.deep.include({ attempts: 2, status: 'failed' });
    expect(result.node('all').failures.map(({ error }) => error.code)).to.deep.equal(['CHILD_FAILED', 'NODE_TIMEOUT']);
    expect(result.children('all')).to.deep.equal([]);
  });
});
