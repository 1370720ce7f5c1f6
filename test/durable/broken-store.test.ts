import { expect } from 'chai';
import { LockstepError } from '../../src/base/errors.js';
import { defineNode } from '../../src/base/node.js';
import type { NodeContext } from '../../src/base/node-context.js';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { deferred, turn } from '../support/deferred.js';
import { codeOf, inBoth, inOne } from '../support/durable.js';

const broken = () => new LockstepError('STORE_FAILED', 'The disk is gone.');

/** A node that waits until it is told, and notes what its signal says. */
function patient(aborted: string[], promise: Promise<unknown>) {
  return defineNode({
    name: 'patient',
    outputs: { y: type<unknown>() },
    async: true,
    run: async (_, context) => {
      const { signal, nodeId } = context as unknown as NodeContext;
      signal.addEventListener('abort', () => aborted.push(`${nodeId}: ${(signal.reason as LockstepError).code}`));
      return { y: await promise };
    },
  });
}

describe('A store that breaks', () => {
  inOne('async', 'in the middle of a run aborts what is in flight; what comes late is discarded', async (bench) => {
    const aborted: string[] = [];
    const late = deferred<unknown>();
    const first = deferred<number>();
    const w = workflow('w');
    w.add('slow', patient(aborted, late.promise)());
    const a = w.fn('a', {}, () => first.promise);
    let isCalled = false;
    w.fn('b', { a: a.out.value }, () => {
      isCalled = true;
      return 1;
    });
    const flow = w.build();
    const process = bench.open();
    const run = codeOf(process.settle(flow));
    await turn();
    bench.store.breaks = broken;
    first.resolve(1);
    expect(await run).to.equal('STORE_FAILED');
    expect(aborted).to.deep.equal(['slow: STORE_FAILED']);
    late.resolve(7);
    await turn();
    expect(isCalled).to.equal(false);
    expect(process.heard.map(({ kind }) => kind)).to.deep.equal(['run.started', 'attempt.started', 'attempt.started']);
    expect(bench.store.kinds('r')).to.deep.equal(process.heard.map(({ kind }) => kind));
    bench.store.breaks = () => undefined;
    const again = await bench
      .open()
      .resume(flow)
      .catch((error: Error) => error);
    expect(again).to.include({ status: 'completed' });
  });

  inOne('async', 'fails every run that had something in the commit, at once', async (bench) => {
    const aborted: string[] = [];
    const [a, b] = [deferred<unknown>(), deferred<unknown>()];
    const flow = (promise: Promise<unknown>) => {
      const w = workflow('w');
      const quick = w.fn('quick', {}, () => promise);
      w.fn('next', { x: quick.out.value }, ({ x }) => x);
      w.add('slow', patient(aborted, new Promise(() => undefined))());
      return w.build();
    };
    const process = bench.open();
    const runs = [
      codeOf(process.settle(flow(a.promise), {}, { runId: 'one' })),
      codeOf(process.settle(flow(b.promise), {}, { runId: 'two' })),
    ];
    await turn();
    bench.store.breaks = broken;
    a.resolve(1);
    b.resolve(1);
    expect(await Promise.all(runs)).to.deep.equal(['STORE_FAILED', 'STORE_FAILED']);
    expect(aborted).to.have.length(2);
  });

  inOne('async', 'fails a run whose node ended and could not be kept, and aborts those that go on', async (bench) => {
    const aborted: string[] = [];
    const quick = deferred<unknown>();
    const w = workflow('waits');
    w.fn('quick', {}, () => quick.promise);
    w.add('slow', patient(aborted, new Promise(() => undefined))());
    const run = codeOf(bench.open().settle(w.build(), {}, { runId: 'waits' }));
    await turn();
    bench.store.breaks = broken;
    quick.resolve(1);
    expect(await run).to.equal('STORE_FAILED');
    expect(aborted).to.deep.equal(['slow: STORE_FAILED']);
  });

  inBoth('at the end of a run says so instead of an outcome, and the run can be resumed', async (bench) => {
    const w = workflow('w');
    let calls = 0;
    const a = w.fn('a', {}, () => ++calls);
    const flow = w.build({ outputs: { a: a.out.value } });
    bench.store.breaks = ({ events }) => (events.r?.includes('run.completed') ? broken() : undefined);
    const process = bench.open();
    const told: string[] = [];
    process.runtime.on('ended', ({ status }) => told.push(status));
    expect(await codeOf(process.settle(flow))).to.equal('STORE_FAILED');
    expect(told).to.deep.equal([]);
    expect(await codeOf(process.resume(flow))).to.equal('STORE_FAILED');
    bench.store.breaks = () => undefined;
    expect(await process.resume(flow)).to.deep.include({ status: 'completed', output: { a: 3 } });
    expect(told).to.deep.equal(['completed']);
    expect(bench.store.log('r').map(({ seq }) => seq)).to.deep.equal(bench.store.log('r').map((_, index) => index));
  });

  inBoth('as a run is about to wait leaves it where it was', async (bench) => {
    const w = workflow('w');
    const gate = w.gate('gate');
    w.fn('a', { x: gate.out.approved }, ({ x }) => x);
    bench.store.breaks = ({ events }) => (events.r?.includes('run.waiting') ? broken() : undefined);
    const flow = w.build();
    const process = bench.open();
    expect(await codeOf(process.settle(flow))).to.equal('STORE_FAILED');
    bench.store.breaks = () => undefined;
    expect((await process.resume(flow)).status).to.equal('waiting');
    process.runtime.approve('r', 'gate', 1);
    expect((await process.resume(flow)).status).to.equal('completed');
  });

  inBoth('as a gate is answered leaves it open', async (bench) => {
    const w = workflow('w');
    const gate = w.gate('gate');
    w.fn('a', { x: gate.out.approved }, ({ x }) => x);
    const flow = w.build();
    const process = bench.open();
    await process.settle(flow);
    bench.store.breaks = broken;
    expect(() => process.runtime.approve('r', 'gate', 1)).to.throw('The disk is gone.');
    bench.store.breaks = () => undefined;
    expect(process.runtime.gates('r')).to.have.length(1);
    process.runtime.approve('r', 'gate', 2);
    expect((await process.resume(flow)).status).to.equal('completed');
  });

  inBoth('leaves nothing of a run in the commits of others', async (bench) => {
    const process = bench.open();
    const w = workflow('w');
    w.fn('a', {}, () => 1);
    bench.store.breaks = ({ events }) => (events.r === undefined ? undefined : broken());
    const flow = w.build();
    expect(await codeOf(process.settle(flow))).to.equal('STORE_FAILED');
    bench.store.breaks = () => undefined;
    expect((await process.settle(flow, {}, { runId: 'next' })).status).to.equal('completed');
    expect(bench.store.run('r')).to.equal(undefined);
    expect(bench.store.appends.slice(1).map(({ events }) => Object.keys(events))).to.deep.equal([['next'], ['next']]);
  });

  inBoth('gives back the room that its runs had under a limit', async (bench) => {
    const process = bench.open({
      store: bench.store,
      executors: { 'function.lockstep.fn': { limit: { maxConcurrency: 1 } } } as never,
    });
    const hold = deferred<number>();
    const w = workflow('w');
    const a = w.fn('a', {}, () => (bench.kind === 'async' ? hold.promise : 1));
    w.fn('b', { a: a.out.value }, ({ a: x }) => x);
    bench.store.breaks = ({ events }) => (events.r?.includes('started b') ? broken() : undefined);
    const flow = w.build();
    const run = codeOf(process.settle(flow));
    await turn();
    hold.resolve(1);
    expect(await run).to.equal('STORE_FAILED');
    bench.store.breaks = () => undefined;
    expect((await process.settle(flow, {}, { runId: 'next' })).status).to.equal('completed');
    expect(process.runtime.getResourceMetrics().waiting).to.equal(0);
  });
});

describe('A run that two runtimes drive', () => {
  inBoth('is that of the one that commits first; the other one gives up with SEQ_CONFLICT', async (bench) => {
    const { store } = bench;
    const [one, thief] = [bench.open(), bench.open()];
    let isThief = true;
    const w = workflow('w');
    const gate = w.gate('gate');
    w.fn('a', { x: gate.out.approved }, ({ x }) => {
      if (!isThief) return x;
      isThief = false;
      const taken: unknown = thief.runtime.resume('r');
      return taken instanceof Promise ? taken.then(() => x) : x;
    });
    const flow = w.build();
    expect((await one.settle(flow)).status).to.equal('waiting');
    one.runtime.approve('r', 'gate', 1);
    await thief.settle(flow, {}, { runId: 'known' });
    expect(await codeOf(one.resume(flow))).to.equal('SEQ_CONFLICT');
    expect(store.run('r')?.status).to.equal('completed');
    expect(store.log('r').map(({ seq }) => seq)).to.deep.equal(store.log('r').map((_, index) => index));
    one.runtime.approve('known', 'gate', 1);
    expect((await one.resume(flow, 'known')).status).to.equal('completed');
    expect((await one.resume(flow)).status).to.equal('completed');
  });
});
