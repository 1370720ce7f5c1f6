import { expect } from 'chai';
import { defineNode, LocalRuntime, replayExported, type, workflow } from '../../../src/index.js';
import { memoryEventStore } from '../../../src/plugins/event-store/index.js';

/** Workflow "double" in a version: each adds something else at the end. */
function doubled(version: string, add: number) {
  const last = defineNode({
    name: 'last',
    version,
    inputs: { n: type<number>() },
    outputs: { value: type<number>() },
    run: ({ n }) => ({ value: n + add }),
  });
  const w = workflow('double', { params: { n: type<number>() } });
  const twice = w.fn('twice', { n: w.params.n }, ({ n }) => n * 2);
  const end = w.add('last', last({ n: twice.out.value }));
  return w.build({ outputs: { last: end.out.value } });
}

function runtime() {
  return new LocalRuntime({ plugins: [memoryEventStore()] });
}

/** An export as a file would bring it back. */
function filed(exported: object): unknown {
  return JSON.parse(JSON.stringify(exported));
}

describe('replayExported', () => {
  it('shows what an exported run came to, by its JSON alone', () => {
    const recording = runtime();
    const run = recording.execute(doubled('1', 1), { n: 20 });
    const replayed = replayExported(filed(recording.exportRun(run.runId)));
    expect({ status: replayed.status, output: replayed.output }).to.deep.equal({
      status: 'completed',
      output: { last: 41 },
    });
    expect(replayed.durationMs).to.equal(run.durationMs);
  });

  it('goes as far as it is asked to', () => {
    const recording = runtime();
    const { runId } = recording.execute(doubled('1', 1), { n: 20 });
    const { status, nodes } = replayExported(recording.exportRun(runId), { events: 3 });
    expect([status, nodes.get('twice')?.status, nodes.get('last')?.status]).to.deep.equal([
      'running',
      'completed',
      'pending',
    ]);
    expect(() => replayExported(recording.exportRun(runId), { events: 0 })).to.throw(/replay\.events/);
  });

  it('reads large values from the blobs that come with a run', () => {
    const w = workflow('large');
    const text = w.fn('text', {}, () => 'a'.repeat(100_000));
    const recording = runtime();
    const { runId } = recording.execute(w.build({ outputs: { text: text.out.value } }));
    const exported = recording.exportRun(runId);
    expect(exported.blobs).to.have.length(1);
    expect(replayExported(filed(exported)).output).to.deep.equal({ text: 'a'.repeat(100_000) });
  });

  it('refuses what is no export, and what was changed', () => {
    const recording = runtime();
    const exported = recording.exportRun(recording.execute(doubled('1', 1), { n: 20 }).runId);
    for (const wrong of [null, {}, 'text', { ...exported, v: 2 }, { ...exported, events: exported.events.slice(1) }])
      expect(() => replayExported(wrong))
        .to.throw()
        .with.property('code', 'EXPORT_INVALID');
  });

  it('is a regression test: the run that was, and the same parameters with the code of today', () => {
    const recording = runtime();
    const exported = filed(recording.exportRun(recording.execute(doubled('1', 1), { n: 20 }).runId));
    const today = runtime();
    const { runId } = today.importRun(exported);
    const rewritten = today.fork(runId, 1, {}, { workflow: doubled('2', 1) });
    const broken = today.fork(runId, 1, {}, { workflow: doubled('3', 2) });
    expect(rewritten.output).to.deep.equal(replayExported(exported).output);
    expect(today.diff(runId, rewritten.runId)).to.equal(undefined);
    expect(today.diff(runId, broken.runId)).to.include({ subject: 'last', path: 'output.value' });
  });
});

describe('A run that went on with changed workflows', () => {
  /** A run of three versions: what it was started with, and what it went on with twice. */
  function revised(recording: LocalRuntime) {
    const { runId } = recording.execute(doubled('1', 1), { n: 20 });
    recording.resume(doubled('2', 2), runId, { force: true });
    recording.resume(doubled('3', 3), runId, { force: true });
    return runId;
  }
  const lasts = (replay: (events?: number) => { readonly output: unknown }, of: readonly number[]): unknown[] => [
    ...of.map((events) => replay(events).output),
    replay().output,
  ];
  const OUTPUTS = [{ last: 41 }, { last: 42 }, { last: 43 }];

  it('is exported with all of them, and can be replayed and imported', () => {
    const recording = runtime();
    const runId = revised(recording);
    const exported = filed(recording.exportRun(runId));
    const ends = recording
      .exportRun(runId)
      .events.flatMap(({ kind, seq }) => (kind === 'run.completed' ? [seq + 1] : []));
    expect(
      lasts((events) => replayExported(exported, events === undefined ? {} : { events }), ends.slice(0, 2)),
    ).to.deep.equal(OUTPUTS);
    const other = runtime();
    expect(other.importRun(exported)).to.deep.equal(recording.runs()[0]);
    expect(
      lasts((events) => other.replay(runId, events === undefined ? {} : { events }), ends.slice(0, 2)),
    ).to.deep.equal(OUTPUTS);
    expect(other.exportRun(runId).events).to.deep.equal(recording.exportRun(runId).events);
    expect(other.verify().ok).to.equal(true);
  });
});
