import { expect } from 'chai';
import type { RunRecord } from '../../src/base/history/event-store.js';
import type { ExportedRun } from '../../src/base/history/exported-run.js';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { caught } from '../support/caught.js';
import { increment, plus } from '../support/child-nodes.js';
import { type Bench, codeOf, inBoth } from '../support/durable.js';

function flow(by = 1, fails = false) {
  const w = workflow('flow');
  const a = w.fn('a', { x: by }, ({ x }) => ({ rows: [1, 2, x] }));
  const b = w.fn('b', { a: a.out.value }, ({ a: value }) => {
    if (fails) throw new Error('broke');
    return value.rows.length;
  });
  const gate = w.gate('gate', { timeoutMs: 1_000 });
  const c = w.fn('c', { b: b.out.value, yes: gate.out.approved }, ({ b: n, yes }) => `${n} ${yes}`);
  return w.build({ outputs: { c: c.out.value } });
}

async function done(bench: Bench, runId = 'r', by = 1, fails = false): Promise<void> {
  const process = bench.open();
  await process.settle(flow(by, fails), {}, { runId });
  process.runtime.approve(runId, 'gate', 'yes');
  await process.resume(undefined, runId);
  await process.close();
}

describe('What is recorded', () => {
  inBoth('is replayed from every part, without the code and without a trace', async (bench) => {
    await done(bench);
    const reader = bench.open();
    const before = bench.store.text;
    const states = bench.store.kinds('r').map((_, index) => {
      const result = reader.runtime.replay('r', { events: index + 1 });
      return `${result.status} ${[...result.nodes.values()].map(({ status }) => status[0]).join('')}`;
    });
    expect(states[0]).to.equal('running pppp');
    expect(states).to.include('waiting ccwp');
    expect(states.at(-1)).to.equal('completed cccc');
    expect(reader.runtime.replay('r').output).to.deep.equal({ c: '3 yes' });
    expect(reader.runtime.replay('r', { events: 1_000 }).status).to.equal('completed');
    expect(bench.store.text).to.equal(before);
    expect(reader.heard).to.deep.equal([]);
    expect(await codeOf(reader.resume(undefined))).to.equal('kept: completed');
  });

  inBoth('shows the gates of a run that waits', async (bench) => {
    await bench.open().settle(flow());
    const result = bench.open().runtime.replay('r');
    expect(result.status).to.equal('waiting');
    expect(result.gates.map(({ gate }) => gate)).to.deep.equal(['gate']);
    expect(result.wakeAt).to.equal(bench.clock.now() + 1_000);
  });

  inBoth('is listed, newest first, page by page', async (bench) => {
    await done(bench, 'one');
    bench.clock.advance(10);
    await done(bench, 'two', 1, true);
    bench.clock.advance(10);
    await bench.open().settle(flow(), {}, { runId: 'three' });
    const { runtime } = bench.open();
    const ids = (query = {}) => runtime.runs(query).map(({ runId }) => runId);
    expect(ids()).to.deep.equal(['three', 'two', 'one']);
    expect(ids({ limit: 1 })).to.deep.equal(['three']);
    expect(ids({ before: 'two' })).to.deep.equal(['one']);
    expect(ids({ status: 'waiting' })).to.deep.equal(['three']);
    expect(ids({ workflow: 'none' })).to.deep.equal([]);
    expect(runtime.runs({ status: 'failed' })[0]).to.include({ runId: 'two', errorCode: 'NODE_THREW' });
  });

  inBoth('is compared event by event', async (bench) => {
    await done(bench, 'one');
    await done(bench, 'same');
    await done(bench, 'other', 9);
    await done(bench, 'failed', 1, true);
    const { runtime } = bench.open();
    expect(runtime.diff('one', 'same')).to.equal(undefined);
    expect(runtime.diff('one', 'one')).to.equal(undefined);
    expect(runtime.diff('one', 'other')).to.include({ subject: 'a', path: 'output.value.rows.2' });
    expect(runtime.diff('one', 'failed')).to.include({ subject: 'b', path: 'kind' });
    expect(caught(() => runtime.diff('one', 'none')).code).to.equal('RUN_UNKNOWN');
  });

  inBoth('differs in nothing from what was cut off anywhere, with what it lost, and went on', async (bench) => {
    const w = workflow('lists', { params: { list: type<readonly number[]>() } });
    const all = w.map('all', w.params.list, (n) => increment()({ n }));
    const step = w.add('step', plus({ n: 0 }));
    w.cycle('turns', { feedback: [step.out.n.to(step.in.n)], maxIterations: 2 });
    const lists = w.build({ outputs: { all: all.out.n, n: step.out.n } });
    const process = bench.open({ workflows: [lists] });
    await process.settle(lists, { list: [1, 2] });
    const { events } = bench.store.run('r') as RunRecord;
    for (let at = 1; at < events; at++) {
      const { runId } = await process.fork('r', at, {}, { runId: `r${at}` });
      expect(process.runtime.diff('r', runId), `after ${at}`).to.equal(undefined);
      expect(process.runtime.diff(runId, 'r'), `after ${at}`).to.equal(undefined);
    }
    expect(bench.store.runs({ limit: 99 }).flatMap(({ runId }) => bench.store.kinds(runId))).to.include('attempt.lost');
  });

  inBoth('is exported as JSON and imported elsewhere, as it was', async (bench) => {
    await done(bench);
    const source = bench.open().runtime;
    const exported = JSON.parse(JSON.stringify(source.exportRun('r'))) as ExportedRun;
    expect(exported).to.include({ format: 'lockstep-run', v: 1 });
    expect(exported.environment).to.include({ node: process.version, exportedAt: bench.clock.now() });
    const record = bench.store.run('r');
    const events = [...bench.store.events('r')];
    bench.fresh();
    const target = bench.open();
    expect(target.runtime.importRun(exported)).to.deep.equal(record);
    expect([...bench.store.events('r')]).to.deep.equal(events);
    expect(target.runtime.replay('r').output).to.deep.equal({ c: '3 yes' });
    expect(target.runtime.verify('r').ok).to.equal(true);
    expect(caught(() => target.runtime.importRun(exported)).code).to.equal('RUN_EXISTS');
    expect((await target.resume(undefined)).status).to.equal('completed');
  });

  inBoth('is taken in by projections where it was imported', async (bench) => {
    await done(bench);
    const exported = bench.open().runtime.exportRun('r');
    const { events } = exported.run;
    bench.fresh();
    const count = { name: 'count', version: 1, init: () => 0, apply: (n: number) => n + 1 };
    const { runtime } = bench.open({ store: bench.store, projections: [count] });
    expect(runtime.projections.read('count')).to.equal(0);
    runtime.importRun(exported);
    expect(runtime.projections.read('count')).to.equal(events);
  });

  inBoth('goes on where it was imported', async (bench) => {
    await bench.open().settle(flow());
    const exported = bench.open().runtime.exportRun('r');
    bench.fresh();
    const target = bench.open({ store: bench.store, workflows: [flow()] });
    target.runtime.importRun(exported);
    target.runtime.approve('r', 'gate', 'there');
    expect(await target.resume(undefined)).to.deep.include({ status: 'completed', output: { c: '3 there' } });
  });

  inBoth('is not imported where it was changed, or is something else', async (bench) => {
    await done(bench);
    const exported = JSON.parse(JSON.stringify(bench.open().runtime.exportRun('r'))) as ExportedRun;
    bench.fresh();
    const { runtime } = bench.open();
    const wrong: readonly unknown[] = [
      ...[null, 1, [], {}, 'x', { format: 'lockstep-run' }],
      { ...exported, v: 2 },
      { ...exported, checksum: 'f'.repeat(64) },
      { ...exported, run: { ...exported.run, status: 'failed' } },
      { ...exported, events: exported.events.slice(1) },
      { ...exported, events: undefined },
      { ...exported, environment: { ...exported.environment, node: 'v0' } },
      { ...exported, blobs: [{ hash: 'a', text: 'b' }] },
      { ...exported, former: undefined },
    ];
    for (const data of wrong) expect(caught(() => runtime.importRun(data)).code).to.equal('EXPORT_INVALID');
    expect(runtime.runs()).to.deep.equal([]);
  });

  inBoth('is verified, of one run or of all', async (bench) => {
    await done(bench);
    await done(bench, 's');
    const { runtime } = bench.open();
    expect(runtime.verify()).to.deep.include({ ok: true, runs: 2, problems: [] });
    expect(runtime.verify('s')).to.deep.include({ ok: true, runs: 1 });
    expect(caught(() => runtime.verify('none')).code).to.equal('RUN_UNKNOWN');
  });

  inBoth('needs a store', async (bench) => {
    const { runtime } = bench.open({ plugins: [] });
    for (const call of [
      () => runtime.runs(),
      () => runtime.replay('r'),
      () => runtime.verify(),
      () => runtime.diff('r', 'r'),
      () => runtime.exportRun('r'),
      () => runtime.importRun({}),
    ])
      expect(caught(call).code).to.equal('STORE_MISSING');
  });

  inBoth('is not read any more once the runtime is closed', async (bench) => {
    await done(bench);
    const process = bench.open();
    await process.close();
    for (const call of [
      () => process.runtime.runs(),
      () => process.runtime.replay('r'),
      () => process.runtime.gates('r'),
    ])
      expect(caught(call).code).to.equal('RUNTIME_CLOSED');
    expect(await codeOf(process.resume(flow()))).to.equal('RUNTIME_CLOSED');
    expect(await codeOf(process.fork('r', 1))).to.equal('RUNTIME_CLOSED');
  });

  inBoth('refuses options that it does not have', async (bench) => {
    await done(bench);
    const { runtime } = bench.open();
    for (const options of [{ events: 0 }, { events: 1.5 }, { nope: 1 }, null, 3])
      expect(caught(() => runtime.replay('r', options as never)).code).to.match(/INVALID_OPTION|UNKNOWN_OPTION/);
    expect(caught(() => runtime.replay(undefined as never)).code).to.equal('RUN_UNKNOWN');
    for (const query of [
      { limit: -1 },
      { limit: 'a' },
      { status: 'done' },
      { workflow: 1 },
      { stauts: 'failed' },
      null,
    ])
      expect(caught(() => runtime.runs(query as never)).code).to.match(/INVALID_OPTION|UNKNOWN_OPTION/);
    expect(runtime.runs({ limit: 1, status: 'completed', workflow: 'flow' })).to.have.length(1);
    expect(caught(() => runtime.runs({ before: 'none' })).code).to.equal('RUN_UNKNOWN');
  });

  inBoth('is given to projections that are some', async (bench) => {
    const sound = { name: 'n', version: 1, init: () => 0, apply: (n: number) => n + 1 };
    const refused = (...projections: readonly unknown[]) =>
      caught(() => bench.open({ projections: projections as never })) as Error & { readonly at: string };
    expect(refused(null)).to.include({ code: 'INVALID_OPTION', at: 'runtime.projections[0]' });
    expect(refused(sound, sound)).to.include({ code: 'INVALID_OPTION', at: 'runtime.projections[1].name' });
    for (const [field, values] of Object.entries({
      name: ['', 1],
      version: [undefined, '1', 1.5],
      required: ['yes'],
      kinds: ['run.started'],
      init: [undefined, 0],
      apply: [undefined, {}],
    }))
      for (const value of values)
        expect(refused({ ...sound, [field]: value }).at).to.equal(`runtime.projections[0].${field}`);
    expect(bench.open({ projections: [{ ...sound, required: true, kinds: [] }] }).runtime.isClosed).to.equal(false);
  });
});
