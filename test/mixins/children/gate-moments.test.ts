import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { advanceUntil, VirtualClock } from '../../../src/testing/index.js';
import { caught, rejection } from '../../support/caught.js';
import { deferred } from '../../support/deferred.js';

/** A node of one output, which is what a function promises. */
function promising(run: (signal: AbortSignal) => Promise<{ readonly value: number }>, timeoutMs?: number) {
  return defineNode({
    name: 'promising',
    outputs: { value: type<number>() },
    async: true,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    run: (_, { signal }) => run(signal),
  });
}

/** A gate beside a slow node, and what comes after the gate. */
function beside(slow: ReturnType<typeof promising>) {
  const w = workflow('beside');
  const other = w.try('slow', slow());
  const ok = w.gate('ok');
  const after = w.fn('after', { ok: ok.out.approved }, ({ ok: answer }) => `after ${String(answer)}`);
  return w.build({ outputs: { slow: other.out.value, after: after.out.value } });
}

describe('The moment in which a gate is answered', () => {
  for (const turns of [0, 1, 2, 3, 4]) {
    it(`loses no node where it is ${turns} microtasks after the last one that ran beside the gate`, async () => {
      await using runtime = new AsyncLocalRuntime();
      const { promise, resolve } = deferred<{ readonly value: number }>();
      const flow = beside(promising(() => promise));
      const running = runtime.execute(flow, {}, { runId: 'r' });
      await new Promise((next) => setImmediate(next));
      const answer = async (): Promise<void> => {
        await promise;
        for (let turn = 0; turn < turns; turn++) await undefined;
        runtime.approve('r', 'ok', 'yes');
      };
      const answered = answer();
      resolve({ value: 1 });
      await answered;
      const first = await running;
      expect([first.status, first.node('after').status]).to.deep.equal(['waiting', 'pending']);
      const done = await runtime.resume(flow, 'r');
      expect(done.status === 'completed' && done.output).to.deep.equal({ slow: 1, after: 'after yes' });
    });
  }

  it('may be the one in which a node is aborted: the run goes on at once', async () => {
    const clock = new VirtualClock();
    await using runtime = new AsyncLocalRuntime({ clock });
    const slow = promising((signal) => {
      signal.addEventListener('abort', () => runtime.approve('r', 'ok', 'yes'));
      return new Promise(() => undefined);
    }, 20);
    const done = await advanceUntil(() => runtime.execute(beside(slow), {}, { runId: 'r' }), clock);
    expect(done.status === 'completed' && done.output).to.deep.equal({ after: 'after yes' });
  });
});

describe('A node that is aborted and aborts its run', () => {
  it('is heard at once, not when something else settles', async () => {
    const clock = new VirtualClock();
    await using runtime = new AsyncLocalRuntime({ clock });
    const controller = new AbortController();
    const w = workflow('abort');
    w.try(
      'slow',
      promising((signal) => {
        signal.addEventListener('abort', () => controller.abort(new Error('enough')));
        return new Promise(() => undefined);
      }, 20)(),
    );
    w.fn('other', {}, () => new Promise((resolve) => clock.setTimer(500, () => resolve(1))));
    const start = clock.now();
    const ended = await advanceUntil(() => runtime.settle(w.build(), {}, { signal: controller.signal }), clock);
    expect([ended.status, clock.now() - start]).to.deep.equal(['cancelled', 20]);
  });
});

describe('A run with limits of its own, in a runtime with others', () => {
  function gated() {
    const w = workflow('gated');
    const ok = w.gate('ok');
    return w.build({ outputs: { ok: ok.out.approved } });
  }

  it('goes on with its own', () => {
    using runtime = new LocalRuntime({ softTimeoutMs: 5_000 });
    const flow = gated();
    runtime.execute(flow, {}, { runId: 'r', timeoutMs: 1_000, softTimeoutMs: 500 });
    runtime.approve('r', 'ok', 1);
    const done = runtime.resume(flow, 'r');
    expect(done.status === 'completed' && done.output).to.deep.equal({ ok: 1 });
  });

  it('is not resumed with options that are none', async () => {
    using runtime = new LocalRuntime();
    const flow = gated();
    runtime.execute(flow, {}, { runId: 'r' });
    for (const options of [null, 5, 'fast', []])
      expect((await rejection((async () => runtime.resume(flow, 'r', options as never))())).code).to.equal(
        'INVALID_OPTION',
      );
    expect(runtime.gates('r').map(({ gate }) => gate)).to.deep.equal(['ok']);
  });
});

describe('A run id that is taken', () => {
  it('is refused to a second run also where both wait for their secrets at the same time', async () => {
    const secrets = { load: async () => ({ KEY: 'open sesame' }) };
    await using runtime = new AsyncLocalRuntime({ secrets });
    const w = workflow('keyed');
    const keyed = defineNode({
      name: 'keyed',
      outputs: { n: type<number>() },
      secrets: ['KEY'],
      run: () => ({ n: 1 }),
    });
    const ok = w.gate('ok', { shows: { n: w.add('a', keyed()).out.n } });
    const flow = w.build({ outputs: { ok: ok.out.approved } });
    const start = () => runtime.settle(flow, {}, { runId: 'r' });
    const [first, second] = await Promise.all([start(), start()]);
    expect(first.status).to.equal('waiting');
    expect(second.status === 'rejected' && second.error.problems.map(({ code }) => code)).to.deep.equal(['RUN_EXISTS']);
    runtime.approve('r', 'ok', 2);
    const done = await runtime.resume(flow, 'r');
    expect(done.status === 'completed' && done.output).to.deep.equal({ ok: 2 });
  });
});

describe('A run whose child has changed', () => {
  /** A gate in a subworkflow, before a node of that name. */
  function gated(after: string) {
    const inner = workflow('inner');
    const ok = inner.gate('ok');
    const next = inner.fn(after, { ok: ok.out.approved }, ({ ok: answer }) => answer);
    const w = workflow('outer');
    const sub = w.add('sub', inner.build({ outputs: { next: next.out.value } })({}));
    return w.build({ outputs: { next: sub.out.next } });
  }

  it('is not resumed, and waits on', async () => {
    using runtime = new LocalRuntime();
    runtime.execute(gated('store'), {}, { runId: 'r' });
    runtime.approve('r', 'sub/ok', 1);
    expect((await rejection((async () => runtime.resume(gated('drop'), 'r'))())).code).to.equal('PLAN_MISMATCH');
    const done = runtime.resume(gated('store'), 'r');
    expect(done.status === 'completed' && done.output).to.deep.equal({ next: 1 });
  });
});

describe('A run that is aborted as it goes on', () => {
  it('is cancelled with its gate, although the gate has timed out meanwhile', () => {
    const clock = new VirtualClock();
    using runtime = new LocalRuntime({ clock });
    const w = workflow('late');
    w.gate('ok', { timeoutMs: 100 });
    const flow = w.build();
    runtime.execute(flow, {}, { runId: 'r' });
    clock.sleepSync(200);
    const { result } = caught(() =>
      runtime.resume(flow, 'r', { signal: AbortSignal.abort(new Error('no')) }),
    ) as never as {
      readonly result: { readonly status: string; node(id: string): { readonly status: string } };
    };
    expect([result.status, result.node('ok').status]).to.deep.equal(['cancelled', 'cancelled']);
  });
});
