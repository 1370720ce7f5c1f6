import { expect } from 'chai';
import { defineNode } from '../../src/base/node.js';
import { otherwise } from '../../src/base/nodes/switch.js';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { increment, plus } from '../support/child-nodes.js';
import { type Bench, codeOf, inBoth } from '../support/durable.js';

let calls: string[] = [];

/** a -> b -> c beside d. */
function flow(by = 1, fails = '') {
  const perform = (id: string, value: number): number => {
    calls.push(id);
    if (fails === id) throw new Error(`${id} broke`);
    return value;
  };
  const w = workflow('flow');
  const a = w.fn('a', { x: 1 }, ({ x }) => perform('a', x));
  const b = w.fn('b', { x: a.out.value, by }, ({ x, by: added }) => perform('b', x + added));
  const c = w.fn('c', { x: b.out.value }, ({ x }) => perform('c', x * 10));
  const d = w.fn('d', { x: a.out.value }, ({ x }) => perform('d', x));
  return w.build({ outputs: { c: c.out.value, d: d.out.value } });
}

function called(): readonly string[] {
  const now = calls.sort();
  calls = [];
  return now;
}

async function recorded(bench: Bench, built = flow()) {
  const process = bench.open({ workflows: [flow()] });
  await process.settle(built);
  called();
  return process;
}

const idOf = (outcome: unknown): string => (outcome as { readonly runId: string }).runId;
const all = (bench: Bench, runId = 'r'): number => bench.store.kinds(runId).length;

describe('A forked run', () => {
  beforeEach(() => {
    calls = [];
  });

  inBoth('takes over any number of events, and does the rest anew', async (bench) => {
    const process = await recorded(bench);
    const count = all(bench);
    for (let at = 1; at <= count; at++) {
      const settled = bench.store
        .log('r')
        .slice(0, at)
        .flatMap(({ kind, data }) => (kind === 'attempt.completed' ? [data.node] : []));
      const outcome = await process.fork('r', at);
      expect(outcome).to.deep.include({ status: 'completed', output: { c: 20, d: 1 } });
      expect(called()).to.deep.equal(['a', 'b', 'c', 'd'].filter((id) => !settled.includes(id)));
      const id = idOf(outcome);
      expect(bench.store.run(id)).to.deep.include({
        forkedFrom: { runId: 'r', events: at },
        status: 'completed',
        workflow: 'flow',
      });
      expect(bench.store.log(id).map(({ seq }) => seq)).to.deep.equal(bench.store.log(id).map((_, index) => index));
      expect(bench.store.log(id).every(({ runId }) => runId === id)).to.equal(true);
      expect(process.runtime.replay(id).output).to.deep.equal({ c: 20, d: 1 });
    }
    expect(all(bench)).to.equal(count);
    expect(process.runtime.verify().ok).to.equal(true);
  });

  inBoth('has the outputs that it is given', async (bench) => {
    const process = await recorded(bench);
    const outcome = await process.fork('r', all(bench), { outputs: { b: { value: 7 } } });
    expect(outcome).to.deep.include({ status: 'completed', output: { c: 70, d: 1 } });
    expect(called()).to.deep.equal(['c']);
    const early = await process.fork('r', 1, { outputs: { b: { value: 7 } } });
    expect(early).to.deep.include({ status: 'completed', output: { c: 70, d: 1 } });
    expect(called()).to.deep.equal(['a', 'c', 'd']);
    const again = await process.resume(undefined, idOf(early));
    expect(again).to.deep.include({ status: 'completed', output: { c: 70, d: 1 } });
  });

  inBoth('runs again what it is told', async (bench) => {
    const process = await recorded(bench);
    const outcome = await process.fork('r', all(bench), { rerun: ['b'] });
    expect(outcome).to.deep.include({ status: 'completed', output: { c: 20, d: 1 } });
    expect(called()).to.deep.equal(['b', 'c']);
  });

  inBoth('runs again what changed', async (bench) => {
    const process = await recorded(bench);
    const outcome = await process.fork('r', all(bench), {}, { workflow: flow(2), runId: 'named' });
    expect(outcome).to.deep.include({ status: 'completed', output: { c: 30, d: 1 }, runId: 'named' });
    expect(called()).to.deep.equal(['b', 'c']);
    expect(bench.store.run('named')?.workflowHash).to.equal(process.runtime.hashOf(flow(2)));
    expect(process.runtime.replay('named').output).to.deep.equal({ c: 30, d: 1 });
    expect(await codeOf(process.resume(flow(2), 'named'))).to.equal('kept: completed');
    const twice = await process.fork(
      'named',
      all(bench, 'named'),
      { outputs: { a: { value: 5 } } },
      { workflow: flow(2) },
    );
    expect(twice).to.deep.include({ output: { c: 70, d: 5 } });
  });

  inBoth('repairs one that failed', async (bench) => {
    const process = bench.open({ workflows: [flow()] });
    expect((await process.settle(flow(1, 'c'))).status).to.equal('failed');
    called();
    const outcome = await process.fork('r', all(bench), { rerun: ['c'] });
    expect(outcome).to.deep.include({ status: 'completed', output: { c: 20, d: 1 } });
    expect(called()).to.deep.equal(['c']);
  });

  inBoth('is told only what is new, and goes on where it is cut off', async (bench) => {
    const process = await recorded(bench);
    const own: number[] = [];
    const heard = process.heard.length;
    bench.store.breaks = ({ events }) => (events.f?.includes('completed c') ? new Error('gone') : undefined);
    const cut = process.fork('r', all(bench), { rerun: ['b'] }, { runId: 'f', onEvent: ({ seq }) => own.push(seq) });
    expect(await codeOf(cut)).to.equal('Error: gone');
    bench.store.breaks = () => undefined;
    called();
    const taken = bench.store.log('f').findIndex(({ kind, data }) => kind === 'attempt.started' && data.node === 'b');
    expect(own[0]).to.equal(taken);
    expect(process.heard.slice(heard).map(({ seq }) => seq)).to.deep.equal(own);
    const outcome = await bench.open({ workflows: [flow()] }, bench.other).resume(undefined, 'f');
    expect(outcome).to.deep.include({ status: 'completed', output: { c: 20, d: 1 } });
    expect(called()).to.deep.equal(['c']);
    expect(bench.store.run('f')?.forkedFrom).to.deep.equal({ runId: 'r', events: all(bench) });
  });

  inBoth('takes over maps, cycles, subworkflows and gates', async (bench) => {
    const w = workflow('rich', { params: { list: type<readonly number[]>() } });
    const each = w.map('each', w.params.list, (n) => plus({ n }));
    const sub = w.add('sub', increment()({ n: each.out.n.at(0) as never }));
    const gate = w.gate('gate', { shows: { n: sub.out.n } });
    const end = w.fn('end', { n: sub.out.n, yes: gate.out.approved }, ({ n, yes }) => `${n} ${yes}`);
    const built = w.build({ outputs: { end: end.out.value } });
    const process = bench.open({ workflows: [built] });
    await process.settle(built, { list: [1, 2, 3] });
    process.runtime.approve('r', 'gate', 'yes');
    await process.resume(undefined);
    const count = all(bench);
    for (let at = 1; at <= count; at++) {
      const outcome = await process.fork('r', at);
      if (outcome.status === 'waiting') {
        process.runtime.approve(outcome.runId, 'gate', 'later');
        expect(await process.resume(undefined, outcome.runId)).to.deep.include({ output: { end: '3 later' } });
      } else expect(outcome).to.deep.include({ status: 'completed', output: { end: '3 yes' } });
    }
    const given = { n: [9], $items: [], $failed: [] };
    const outcome = await process.fork('r', count, { outputs: { each: given } });
    expect(outcome.status).to.equal('waiting');
    expect(process.runtime.gates(idOf(outcome))[0]?.shows).to.deep.equal({ n: 10 });
  });

  inBoth('is refused where it makes no sense, and nothing of it is kept', async (bench) => {
    const process = await recorded(bench);
    const before = bench.store.runs().length;
    const code = (...args: readonly unknown[]) => codeOf(process.fork(...(args as Parameters<typeof process.fork>)));
    const n = all(bench);
    expect(await code('none', 1)).to.equal('RUN_UNKNOWN');
    for (const at of [0, -1, 1.5, n + 1, undefined, '3'])
      expect(await code('r', at), String(at)).to.equal('INVALID_OPTION');
    expect(await code('r', n, { rerun: ['nope'] })).to.equal('UNKNOWN_NODE');
    expect(await code('r', n, { outputs: { nope: {} } })).to.equal('UNKNOWN_NODE');
    expect(await code('r', n, { outputs: { a: 1 } })).to.equal('INVALID_OPTION');
    expect(await code('r', n, { rerun: 'a' })).to.equal('INVALID_OPTION');
    expect(await code('r', n, { rerun: ['a'], outputs: { a: { value: 1 } } })).to.equal('INVALID_OPTION');
    expect(await code('r', n, { nope: 1 })).to.equal('UNKNOWN_OPTION');
    expect(await code('r', n, null)).to.equal('INVALID_OPTION');
    expect(await code('r', n, {}, { nope: 1 })).to.equal('UNKNOWN_OPTION');
    expect(await code('r', n, {}, { signal: 1 })).to.equal('INVALID_OPTION');
    expect(await code('r', n, {}, { workflow: 1 })).to.match(/^[A-Z_]+$/);
    expect(await code('r', n, {}, { runId: 'r' })).to.equal('RUN_EXISTS');
    expect(await code('r', n, { outputs: { a: { value: () => 1 } } })).to.equal('VALUE_NOT_STORABLE');
    expect(await code('r', n, { outputs: { a: { nope: 1 } } })).to.equal('OUTPUT_UNKNOWN');
    expect(bench.store.runs()).to.have.length(before);
    await process.settle(flow(), {}, { runId: 'next' });
    expect(bench.store.runs()).to.have.length(before + 1);
    expect(await codeOf(bench.open({ store: bench.store }).fork('r', 1))).to.equal('WORKFLOW_UNKNOWN');
    expect(await codeOf(bench.open({ plugins: [] }).fork('r', 1))).to.equal('STORE_MISSING');
  });

  inBoth(
    'is given no output that its node could not have delivered: a switch and a gate deliver one port',
    async (bench) => {
      const w = workflow('flow');
      const route = w.switch('route', w.fn('n', {}, () => 1).out.value, { many: (n) => n > 5, few: otherwise });
      const many = w.fn('many', { n: route.out.many }, () => 'many');
      const few = w.fn('few', { n: route.out.few }, () => 'few');
      const gate = w.gate('gate');
      w.fn('last', { yes: gate.out.approved }, ({ yes }) => yes);
      const built = w.build({ outputs: { taken: route.join({ many: many.out.value, few: few.out.value }) } });
      const process = bench.open({ workflows: [built] });
      await process.settle(built);
      const n = all(bench);
      for (const outputs of [{ route: {} }, { route: { many: 9, few: 9 } }, { gate: { approved: 1, rejected: '' } }])
        expect(await codeOf(process.fork('r', n, { outputs }))).to.equal('INVALID_OPTION');
      const forked = await process.fork('r', n, { outputs: { route: { many: 9 }, gate: { approved: 1 } } });
      expect(forked).to.deep.include({ status: 'completed', output: { taken: 'many' } });
    },
  );

  inBoth('is given no output that holds a secret', async (bench) => {
    const node = defineNode({ name: 's', outputs: { v: type<string>() }, secrets: ['T'], run: () => ({ v: 'a' }) });
    const w = workflow('secretive');
    const a = w.add('a', node());
    w.fn('b', { x: a.out.v }, ({ x }) => x.length);
    const built = w.build();
    const process = bench.open({
      store: bench.store,
      workflows: [built],
      secrets: { load: () => ({ T: 'tok-4711' }) },
    });
    await process.settle(built);
    const outcome = process.fork('r', all(bench), { outputs: { a: { v: 'my tok-4711' } } });
    expect(await codeOf(outcome)).to.equal('SECRET_IN_OUTPUT');
    expect(bench.store.text).to.not.include('4711');
    expect(bench.store.runs()).to.have.length(1);
  });
});
