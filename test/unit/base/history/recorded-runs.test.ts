import { expect } from 'chai';
import type { RunEvent } from '../../../../src/base/events.js';
import { newHeader, RecordedRuns } from '../../../../src/base/history/recorded-runs.js';
import { replayed, replayResult } from '../../../../src/base/history/replay.js';
import { workflowsByName } from '../../../../src/base/history/workflows-by-name.js';
import type { Workflow } from '../../../../src/base/workflow.js';
import { workflow } from '../../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../../src/runtimes/local-runtime.js';
import { nodeBytes } from '../../../../src/runtimes/node-bytes.js';
import { nodeHash } from '../../../../src/runtimes/node-ports.js';
import { MemoryLog, VirtualClock } from '../../../../src/testing/index.js';
import { caught } from '../../../support/caught.js';
import { RecordingStore } from '../../../support/recording-store.js';
import { header, storedEvent } from '../../../support/stored-events.js';

function flow(by = 1, name = 'flow', size = 2) {
  const w = workflow(name);
  let last = w.fn('n0', { x: 1, by }, ({ x, by: added }) => x + added);
  for (let index = 1; index < size; index++)
    last = w.fn(`n${index}`, { x: last.out.value, by }, ({ x, by: added }) => x + added) as never;
  return w.build({ outputs: { end: last.out.value } });
}

function setting(...registered: readonly Workflow[]) {
  const store = new RecordingStore();
  const runs = new RecordedRuns(store, workflowsByName(registered), {
    hash: nodeHash,
    bytes: nodeBytes,
    log: new MemoryLog(),
  });
  const perform = (built: Workflow, runId = 'r'): void => {
    using runtime = new LocalRuntime({ store, clock: new VirtualClock(), log: new MemoryLog() });
    runtime.execute(built as Workflow<object>, {}, { runId });
  };
  return { store, runs, perform };
}

describe('Recorded runs', () => {
  it('are found by their id, or a similar one is named', () => {
    const { runs, perform } = setting();
    perform(flow(), 'order-1');
    expect([runs.has('order-1'), runs.has('order-2')]).to.deep.equal([true, false]);
    expect(runs.record('order-1')).to.include({ runId: 'order-1', status: 'completed' });
    expect(caught(() => runs.record('order-2'))).to.include({ code: 'RUN_UNKNOWN', at: 'order-2', value: 'order-2' });
    expect(caught(() => runs.record('order-2')).message).to.include('"order-1"');
    expect(caught(() => runs.record(7 as never)).at).to.equal('7');
  });

  it('go on with the workflow that is registered by their name, or was seen last', () => {
    const registered = flow();
    const { runs, perform } = setting(registered);
    perform(flow());
    perform(flow(1, 'other'), 'o');
    expect(runs.load('r').workflow).to.equal(registered);
    const error = caught(() => runs.load('o'));
    expect(error).to.include({ code: 'WORKFLOW_UNKNOWN', at: 'other' });
    const seen = flow(1, 'other');
    runs.describe(flow(2, 'other'));
    runs.describe(seen);
    runs.describe(seen);
    expect(runs.load('o').workflow).to.equal(seen);
    expect(runs.workflowOf(runs.record('o'))).to.equal(seen);
  });

  it('forget the workflow that was seen longest ago, after a thousand', () => {
    const { runs, perform } = setting();
    const first = flow(1, 'w0');
    perform(first);
    for (let number = 0; number <= 1_000; number++) runs.describe(number === 0 ? first : flow(1, `w${number}`, 1));
    expect(caught(() => runs.load('r')).code).to.equal('WORKFLOW_UNKNOWN');
  });

  it('describe a workflow once for each hash', () => {
    const { runs } = setting();
    const built = flow();
    const described = runs.describe(built);
    expect(described).to.include({ name: 'flow' });
    expect(runs.describe(built)).to.deep.equal(described);
    expect(newHeader(described, null)).to.deep.equal({
      ...{ workflow: 'flow', workflowHash: described.hash, status: 'pending', startedAt: 0, endedAt: null },
      ...{ errorCode: null, wakeAt: null, forkedFrom: null },
    });
  });

  it('are refused with what changed, of which eight parts are named', () => {
    const { runs, perform } = setting();
    perform(flow(1, 'flow', 10));
    const error = caught(() => runs.load('r', flow(2, 'flow', 11)));
    expect(error).to.include({ code: 'WORKFLOW_CHANGED', at: 'r' });
    expect(error.message).to.match(/another workflow "flow": node "n0" changed \([^)]+\), .*, and [0-9]+ more\./);
    const renamed = caught(() => runs.load('r', flow(1, 'new', 10)));
    expect(renamed.message).to.include('its name changed');
  });

  it('say each kind of change', () => {
    const { runs, perform } = setting();
    const make = (change: boolean) => {
      const w = workflow('flow', { params: change ? { q: nodeParam() } : { p: nodeParam() } });
      const a = w.fn('a', {}, () => 1);
      const b = w.fn('b', {}, () => 2);
      if (change) w.fn('c', {}, () => 3);
      return w.build({ outputs: { x: change ? b.out.value : a.out.value } });
    };
    const nodeParam = () =>
      ({ '~standard': { version: 1, vendor: 'v', validate: (value: unknown) => ({ value }) } }) as never;
    using runtime = new LocalRuntime({ store: runs.store, log: new MemoryLog() });
    runtime.execute(make(false) as Workflow<object>, { p: 1 }, { runId: 'r' });
    const { message } = caught(() => runs.load('r', make(true)));
    for (const part of [
      'node "c" was added',
      'parameter "p" was removed',
      'parameter "q" was added',
      'its outputs changed',
    ])
      expect(message).to.include(part);
    void perform;
  });

  it('go on by force without what changed', () => {
    const { runs, perform } = setting();
    perform(flow());
    const { events, revised } = runs.load('r', flow(2), 'force');
    expect(revised).to.deep.include({ workflow: 'flow', rerun: ['n0', 'n1'] });
    expect(events.map(({ kind }) => kind)).to.deep.equal(['run.started']);
    expect(runs.load('r', flow(), 'force')).to.not.have.property('revised');
  });

  it('count only what a later revision did not take back', () => {
    const { runs, perform, store } = setting();
    perform(flow());
    using runtime = new LocalRuntime({ store, clock: new VirtualClock(), log: new MemoryLog() });
    runtime.resume(flow(2), 'r', { force: true });
    const { events, workflowHash } = runs.view('r');
    expect(workflowHash).to.equal(runs.describe(flow(2)).hash);
    expect(events.map(({ seq }) => seq)).to.deep.equal([0, 1, 2, 3, 4, 5]);
    expect([...runs.events('r')]).to.have.length(12);
    expect(runs.view('r', 6).workflowHash).to.equal(runs.describe(flow()).hash);
    expect(runs.view('r', 7).events.map(({ kind }) => kind)).to.deep.equal(['run.started']);
  });

  it('that are over need no code', () => {
    const { runs, perform, store } = setting();
    perform(flow());
    const ended = runs.ended('r');
    expect(replayResult(ended?.workflow as never, 'r', ended?.events ?? []).output).to.deep.equal({ end: 3 });
    store.append([{ runId: 'open', events: [storedEvent(0)], blobs: [], header: header() }], 'memory');
    expect(runs.ended('open')).to.equal(undefined);
  });

  it('are damaged where they do not begin, or their workflow is gone', () => {
    const { runs, perform, store } = setting();
    perform(flow());
    store.append([{ runId: 'odd', events: [storedEvent(0)], blobs: [], header: header() }], 'memory');
    expect(caught(() => runs.view('odd'))).to.include({ code: 'CORRUPT_HISTORY', at: 'odd' });
    expect(caught(() => runs.view('none')).code).to.equal('CORRUPT_HISTORY');
    expect(caught(() => runs.hollowOf('nope', 'r'))).to.include({ code: 'CORRUPT_HISTORY', at: 'r' });
  });

  it('give a part of their log', () => {
    const { runs, perform } = setting();
    perform(flow());
    expect([...runs.events('r', { to: 2 })].map(({ kind }) => kind)).to.deep.equal(['run.started', 'attempt.started']);
    expect(runs.view('r', 2).events).to.have.length(2);
    expect([...runs.events('none')]).to.deep.equal([]);
  });

  it('are forked with the workflow that is given, from a part of the log', () => {
    const { runs, perform } = setting(flow());
    perform(flow());
    const { events, from } = runs.fork('r', 4, {});
    expect(from).to.deep.equal({ runId: 'r', events: 4 });
    expect(events).to.have.length(4);
    const changed = runs.fork('r', 6, {}, flow(2));
    expect(changed.events.map(({ kind }) => kind)).to.deep.equal(['run.started']);
    const [begun] = changed.events as readonly RunEvent<'run.started'>[];
    expect(begun?.data.workflowHash).to.equal(runs.describe(flow(2)).hash);
    expect(caught(() => runs.fork('r', 7, {}))).to.include({ code: 'INVALID_OPTION', at: 'fork.atSeq', value: 7 });
    expect(caught(() => runs.fork('r', 1, { rerun: ['n9'] })).message).to.match(/no node "n9" at the top\./);
    expect(caught(() => runs.fork('r', 1, { outputs: { n0: { nope: 1 } } })).code).to.equal('OUTPUT_UNKNOWN');
    const replaced = runs.fork('r', 6, { outputs: { n0: { value: 5 } } });
    expect(replaced.events.map(({ kind }) => kind)).to.deep.equal([
      'run.started',
      'attempt.started',
      'attempt.completed',
    ]);
  });
});

describe('Workflows by name', () => {
  it('are one of each name', () => {
    const one = flow();
    expect([...workflowsByName([one, one, flow(1, 'b')]).keys()]).to.deep.equal(['flow', 'b']);
    expect(caught(() => workflowsByName([one, flow()]))).to.include({ code: 'INVALID_OPTION', value: 'flow' });
  });
});

describe('A replay', () => {
  it('is pending until it began, and decides nothing', () => {
    expect(replayResult(flow() as never, 'r', []).status).to.equal('running');
    const execution = replayed(flow(), 'r', []);
    expect(execution.state.runStatus).to.equal('pending');
    execution.begin(0);
    expect(() => execution.next(0)).to.throw('A replay decides nothing.');
  });

  it('fits its workflow', () => {
    const { runs, perform } = setting();
    perform(flow());
    const events = [...runs.events('r')];
    expect(caught(() => replayed(flow(1, 'flow', 3), 'r', events)).code).to.equal('PLAN_MISMATCH');
  });
});
