import { expect } from 'chai';
import { z } from 'zod';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { caught } from '../support/caught.js';
import { type Bench, codeOf, inBoth } from '../support/durable.js';

/** A draft, a gate that shows it, and a way for each answer. */
function review(timeoutMs = 1e9, name = 'review') {
  const w = workflow(name, { params: { n: type<number>() } });
  const draft = w.fn('draft', { n: w.params.n }, ({ n }) => `draft ${n}`);
  const ok = w.gate('ok', {
    shows: { text: draft.out.value },
    answer: z.object({ stars: z.number().int().default(3) }),
    timeoutMs,
  });
  const yes = w.fn('yes', { text: draft.out.value, s: ok.out.approved.at('stars') }, ({ text, s }) => `${text}: ${s}`);
  const no = w.fn('no', { why: ok.out.rejected }, ({ why }) => `${why.reason} by ${why.by}`);
  const late = w.fn('late', { at: ok.out.timedOut.at('at') }, ({ at }) => `late at ${at}`);
  return w.build({
    outputs: { way: ok.join({ approved: yes.out.value, rejected: no.out.value, timedOut: late.out.value }) },
  });
}

/** Begins a run that waits, in a process that is gone afterwards. */
async function begun(bench: Bench, flow = review(), options = {}): Promise<void> {
  const first = bench.open();
  const outcome = await first.settle(flow, { n: 1 }, options);
  expect(outcome.status).to.equal('waiting');
  await first.close();
}

describe('A recorded run that waits', () => {
  inBoth(
    'opens a gate that expires when a run that is not recorded does, however long nodes hold the thread',
    async (bench) => {
      const w = workflow('slow');
      const first = w.fn('first', {}, () => bench.clock.advance(100));
      w.fn('second', {}, () => bench.clock.advance(100), { after: [first] });
      w.gate('ok', { timeoutMs: 50 });
      const began = bench.clock.now();
      const outcome = await bench.open().settle(w.build());
      expect(outcome.status).to.equal('waiting');
      expect(bench.open().runtime.gates('r')[0]).to.include({ openedAt: began + 200, expiresAt: began + 250 });
    },
  );

  for (const next of ['same', 'other'] as const) {
    const kindOf = (bench: Bench) => (next === 'same' ? bench.kind : bench.other);

    inBoth(`is answered and goes on in the ${next} kind of runtime`, async (bench) => {
      await begun(bench);
      const answering = bench.open({ workflows: [review()] }, kindOf(bench));
      expect(answering.runtime.gates('r')).to.deep.equal([
        { gate: 'ok', shows: { text: 'draft 1' }, openedAt: bench.clock.now(), expiresAt: bench.clock.now() + 1e9 },
      ]);
      answering.runtime.approve('r', 'ok', { stars: 5 }, 'ada');
      expect(bench.store.log('r').at(-1)).to.deep.include({ kind: 'gate.approved', seq: 6 });
      expect(answering.runtime.gates('r')).to.deep.equal([]);
      expect(caught(() => answering.runtime.approve('r', 'ok', {})).code).to.equal('GATE_NOT_OPEN');
      await answering.close();
      const going = bench.open({}, kindOf(bench));
      const outcome = await going.resume(review());
      expect(outcome).to.deep.include({ status: 'completed', output: { way: 'draft 1: 5' } });
      expect(bench.store.log('r').map(({ seq }) => seq)).to.deep.equal(bench.store.log('r').map((_, index) => index));
      expect(bench.store.run('r')).to.include({ status: 'completed', wakeAt: null });
    });
  }

  inBoth('is rejected elsewhere', async (bench) => {
    await begun(bench);
    bench.open({ workflows: [review()] }).runtime.reject('r', 'ok', 'dull', 'ada');
    const outcome = await bench.open({ workflows: [review()] }).resume(undefined);
    expect(outcome).to.deep.include({ status: 'completed', output: { way: 'dull by ada' } });
  });

  inBoth('times out while no process is there', async (bench) => {
    await begun(bench, review(5_000));
    bench.clock.advance(60_000);
    const next = bench.open({ workflows: [review(5_000)] });
    expect(caught(() => next.runtime.approve('r', 'ok', {})).code).to.equal('GATE_NOT_OPEN');
    const outcome = await next.resume(undefined);
    expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ way: `late at ${bench.clock.now()}` });
  });

  inBoth('is shown in the list with the time at which something is due', async (bench) => {
    await begun(bench, review(5_000), { timeoutMs: 2_000 });
    expect(bench.store.run('r')).to.include({ status: 'waiting', wakeAt: bench.clock.now() + 5_000, endedAt: null });
  });

  inBoth('is shown without one where only somebody can answer, whatever limits the run has', async (bench) => {
    const w = workflow('open');
    w.gate('gate');
    const outcome = await bench.open().settle(w.build(), {}, { timeoutMs: 2_000, softTimeoutMs: 1_000 });
    expect(outcome).to.include({ status: 'waiting', wakeAt: undefined });
    expect(bench.store.run('r')).to.include({ status: 'waiting', wakeAt: null });
  });

  inBoth('waits on where it is resumed too early', async (bench) => {
    await begun(bench);
    const next = bench.open({ workflows: [review()] });
    expect((await next.resume(undefined)).status).to.equal('waiting');
    expect((await next.resume(undefined)).status).to.equal('waiting');
    expect(bench.store.kinds('r').slice(-4)).to.deep.equal(
      ['run.waiting', 'run.resumed', 'run.waiting', 'run.resumed', 'run.waiting'].slice(-4),
    );
    next.runtime.approve('r', 'ok', {});
    expect((await next.resume(undefined)).status).to.equal('completed');
  });

  inBoth('does not count the time in which it waited against its limit', async (bench) => {
    await begun(bench, review(), { timeoutMs: 1_000 });
    bench.clock.advance(100_000);
    const next = bench.open({ workflows: [review()] });
    next.runtime.approve('r', 'ok', {});
    bench.clock.advance(100_000);
    expect((await next.resume(undefined)).status).to.equal('completed');
  });

  inBoth('refuses answers that do not fit, and records none of them', async (bench) => {
    await begun(bench);
    const { runtime } = bench.open({ workflows: [review()] });
    const before = bench.store.kinds('r').length;
    expect(caught(() => runtime.approve('r', 'ok', { stars: 'many' })).code).to.equal('GATE_ANSWER_INVALID');
    expect(caught(() => runtime.approve('r', 'no', {})).code).to.equal('GATE_NOT_OPEN');
    expect(caught(() => runtime.approve('x', 'ok', {})).code).to.equal('RUN_UNKNOWN');
    expect(caught(() => runtime.gates('x')).code).to.equal('RUN_UNKNOWN');
    expect(bench.store.kinds('r')).to.have.length(before);
  });

  inBoth('is found by its id once its workflow was run there', async (bench) => {
    await begun(bench);
    const next = bench.open();
    expect(await codeOf(next.resume(undefined))).to.equal('WORKFLOW_UNKNOWN');
    expect(caught(() => next.runtime.approve('r', 'ok', {})).code).to.equal('WORKFLOW_UNKNOWN');
    await next.settle(review(), { n: 2 }, { runId: 'other' });
    next.runtime.approve('r', 'ok', {});
    expect((await next.resume(undefined)).status).to.equal('completed');
  });

  inBoth('tells those who listen of answers and of what follows, once', async (bench) => {
    await begun(bench);
    const next = bench.open({ workflows: [review()] });
    next.runtime.approve('r', 'ok', {});
    const own: number[] = [];
    await next.resume(undefined, 'r', { onEvent: ({ seq }) => own.push(seq) });
    const count = bench.store.kinds('r').length;
    expect(next.heard.map(({ seq }) => seq)).to.deep.equal(Array.from({ length: count - 6 }, (_, n) => n + 6));
    expect(own).to.deep.equal(next.heard.map(({ seq }) => seq));
  });

  inBoth('is answered by whoever hears that it waits', async (bench) => {
    const process = bench.open();
    process.runtime.on('event', ({ kind }) => {
      if (kind === 'run.waiting') process.runtime.approve('r', 'ok', { stars: 1 });
    });
    expect((await process.settle(review(), { n: 1 })).status).to.equal('waiting');
    expect(process.runtime.gates('r')).to.deep.equal([]);
    const outcome = await process.resume(undefined);
    expect(outcome).to.deep.include({ status: 'completed', output: { way: 'draft 1: 1' } });
    expect(process.heard.map(({ seq }) => seq)).to.deep.equal(bench.store.log('r').map(({ seq }) => seq));
  });

  inBoth('keeps the answer of a gate beside which it goes on', async (bench) => {
    const flow = () => {
      const w = workflow('beside');
      const gate = w.gate('gate');
      const a = w.fn('a', {}, () => {
        process.runtime.approve('r', 'gate', 7);
        return 1;
      });
      w.fn('b', { a: a.out.value }, () => 1);
      const c = w.fn('c', { x: gate.out.approved }, ({ x }) => x);
      return w.build({ outputs: { c: c.out.value } });
    };
    const process = bench.open();
    const outcome = await process.settle(flow());
    expect(outcome).to.deep.include({ status: 'completed', output: { c: 7 } });
    expect(bench.store.kinds('r')).to.not.include('run.waiting');
  });

  inBoth('inside a map is answered child by child', async (bench) => {
    const child = workflow('child', { params: { item: type<number>() } });
    const gate = child.gate('gate', { shows: { item: child.params.item } });
    const end = child.fn('end', { item: child.params.item, by: gate.out.approved }, ({ item, by }) => `${item}${by}`);
    const inner = child.build({ outputs: { end: end.out.value } });
    const w = workflow('each', { params: { items: type<readonly number[]>() } });
    const all = w.map('all', w.params.items, (item) => inner({ item }));
    const built = w.build({ outputs: { all: all.out.end } });
    expect((await bench.open().settle(built, { items: [1, 2] })).status).to.equal('waiting');
    const next = bench.open({ workflows: [built] }, bench.other);
    expect(next.runtime.gates('r').map(({ gate: id }) => id)).to.deep.equal(['all[0]/child/gate', 'all[1]/child/gate']);
    next.runtime.approve('r', 'all[1]/child/gate', 'b');
    expect((await next.resume(undefined)).status).to.equal('waiting');
    const last = bench.open({ workflows: [built] });
    last.runtime.approve('r', 'all[0]/child/gate', 'a');
    expect(await last.resume(undefined)).to.deep.include({ status: 'completed', output: { all: ['1a', '2b'] } });
  });
});
