import { expect } from 'chai';
import { when } from '../../../src/base/condition.js';
import type { RunEvent } from '../../../src/base/events.js';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime, type LocalRuntimeOptions } from '../../../src/runtimes/local-runtime.js';
import { VirtualClock } from '../../../src/testing/index.js';
import { turn } from '../../support/deferred.js';

/** A runtime on a clock that begins with 0, and what it tells. */
function listened(options: LocalRuntimeOptions = {}) {
  const clock = new VirtualClock(0);
  const runtime = new LocalRuntime({ clock, ...options });
  const events: RunEvent[] = [];
  runtime.on('event', (event) => events.push(event));
  const told = (kind?: string) =>
    events.flatMap((event) => (kind === undefined || event.kind === kind ? [[event.kind, event.data]] : []));
  return { clock, runtime, told };
}

const key = (node: string, visit = 1) => ({ scope: '', node, visit, attempt: 1 });

describe('What is told of a run that is cancelled', () => {
  const cancelled = () => {
    const { clock, runtime, told } = listened();
    clock.advance(1_000);
    const canceller = new AbortController();
    let asked = 0;
    const step = defineNode({
      name: 'step',
      inputs: { n: type<number>() },
      outputs: { n: type<number>() },
      run: ({ n }, { visit }) => {
        clock.advance(5);
        if (visit === 2) canceller.abort('enough');
        return { n: n + 1 };
      },
    });
    const w = workflow('w');
    w.gate('ok');
    const a = w.add('a', step({ n: 0 }));
    w.cycle('fit', {
      feedback: [a.out.n.to(a.in.n)],
      until: when(a.out.n, () => {
        asked++;
        return false;
      }),
      maxIterations: 9,
    });
    w.fn('after', { n: a.out.n }, ({ n }) => n);
    const outcome = runtime.settle(w.build(), {}, { signal: canceller.signal });
    return { outcome, told, asked };
  };

  it('is every gate, node and cycle that it stopped, with the reason', () => {
    const { told } = cancelled();
    const reason = {
      code: 'run_cancelled',
      input: null,
      source: null,
      root: { subject: '', port: null, code: 'run_cancelled' },
    };
    expect(told().slice(-5)).to.deep.equal([
      ['run.cancel_requested', { reason: 'enough' }],
      ['attempt.cancelled', { ...key('ok'), reason }],
      ['node.cancelled', { scope: '', node: 'after', visit: 1, reason }],
      [
        'cycle.stopped',
        {
          scope: '',
          cycle: 'fit',
          iterations: 2,
          elapsedMs: 10,
          metric: null,
          reason: 'cancelled',
          failed: true,
          root: null,
          error: null,
        },
      ],
      ['run.cancelled', { reason: 'enough' }],
    ]);
  });

  it('is not decided any more: the condition of a cycle is not asked for the iteration that had ended', () => {
    const { outcome, asked } = cancelled();
    expect(asked).to.equal(1);
    expect(outcome.status === 'cancelled' && outcome.cycle('fit')).to.deep.include({
      reason: 'cancelled',
      iterations: 2,
      elapsedMs: 10,
      metric: undefined,
    });
  });

  it('reaches a node that runs as the reason of its signal, with its place', async () => {
    const canceller = new AbortController();
    const reasons: unknown[] = [];
    const w = workflow('w');
    const waiting = defineNode({
      name: 'waiting',
      outputs: {},
      async: true,
      run: (_, { signal }) =>
        new Promise<Record<never, never>>(() => {
          signal.addEventListener('abort', () => reasons.push(signal.reason));
        }),
    });
    w.add('slow', waiting());
    await using runtime = new AsyncLocalRuntime();
    const outcome = runtime.settle(w.build(), {}, { signal: canceller.signal });
    await turn();
    canceller.abort();
    expect((await outcome).status).to.equal('cancelled');
    expect(reasons).to.have.lengthOf(1);
    expect(reasons[0]).to.include({ code: 'RUN_CANCELLED', at: 'slow' });
  });
});

describe('What is told of a run that waits and goes on', () => {
  it('is that it waits and goes on; a gate without a time limit never times out', () => {
    const { clock, runtime, told } = listened();
    const w = workflow('w');
    const ok = w.gate('ok', { shows: { text: 'this?' } });
    const flow = w.build({ outputs: { yes: ok.out.approved } });
    clock.advance(7);
    runtime.execute(flow, {}, { runId: 'r' });
    expect(runtime.gates('r')).to.deep.equal([
      { gate: 'ok', shows: { text: 'this?' }, openedAt: 7, expiresAt: undefined },
    ]);
    runtime.approve('r', 'ok', 1);
    runtime.resume(flow, 'r');
    expect(told().slice(1)).to.deep.equal([
      ['attempt.started', key('ok')],
      ['gate.opened', { ...key('ok'), shows: { text: 'this?' }, expiresAt: null }],
      ['run.waiting', { scope: '' }],
      ['gate.approved', { ...key('ok'), answer: 1, by: null }],
      ['run.resumed', { scope: '' }],
      ['run.completed', { output: { yes: 1 } }],
    ]);
  });
});

describe('What is told of limits that pass', () => {
  it('is which one, of a node or of the run; at the very moment of a soft limit it has passed', () => {
    const { clock, runtime, told } = listened({ timeoutMs: 100, softTimeoutMs: 50 });
    const w = workflow('w');
    w.fn('inTime', {}, () => clock.advance(9), { softTimeoutMs: 10 });
    w.fn('late', {}, () => clock.advance(10), { softTimeoutMs: 10 });
    w.fn('slow', {}, () => clock.advance(31));
    w.fn('slower', {}, () => clock.advance(49));
    w.fn('slowest', {}, () => clock.advance(1));
    w.fn('never', {}, () => 1);
    const outcome = runtime.settle(w.build());
    expect(told('deadline.expired')).to.deep.equal([
      ['deadline.expired', { scope: '', subject: 'late', level: 'soft' }],
      ['deadline.expired', { scope: '', subject: '', level: 'soft' }],
      ['deadline.expired', { scope: '', subject: '', level: 'hard' }],
    ]);
    expect(outcome.status === 'failed' && outcome.node('never').status).to.equal('cancelled');
    expect(outcome.status === 'failed' && outcome.node('slowest').status).to.equal('completed');
  });
});

describe('An attempt that could only start after its time', () => {
  it('fails without its function being called', () => {
    const { clock, runtime, told } = listened();
    let calls = 0;
    const flaky = defineNode({
      name: 'flaky',
      outputs: {},
      retry: { attempts: 3, delayMs: 5 },
      totalTimeoutMs: 20,
      run: () => {
        calls++;
        throw new Error('not yet');
      },
    });
    const w = workflow('w');
    w.add('flaky', flaky());
    w.fn('slow', {}, () => clock.advance(50));
    const outcome = runtime.settle(w.build());
    expect(calls).to.equal(1);
    expect(outcome.status === 'failed' && outcome.node('flaky')).to.deep.include({ attempts: 2, status: 'failed' });
    expect(outcome.status === 'failed' && outcome.node('flaky').error?.code).to.equal('NODE_TIMEOUT');
    expect(told('attempt.started').map(([, data]) => (data as { readonly node: string }).node)).to.deep.equal([
      'flaky',
      'slow',
      'flaky',
    ]);
  });
});
