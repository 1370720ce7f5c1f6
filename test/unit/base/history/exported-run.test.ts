import { expect } from 'chai';
import { canonicalJson } from '../../../../src/base/canonical-json.js';
import type { RunRecord, StoredEvent } from '../../../../src/base/history/event-store.js';
import { checkExported, type ExportedRun, exportFrom, importInto } from '../../../../src/base/history/exported-run.js';
import { nodeHash } from '../../../../src/runtimes/node-ports.js';
import { caught } from '../../../support/caught.js';
import { RecordingStore } from '../../../support/recording-store.js';
import { blob, firstBatch, header, storedEvent } from '../../../support/stored-events.js';

const environment = { lockstep: '1', node: 'v20', platform: 'linux', exportedAt: 5 };
const large = blob('"large"');
const late = blob('"late"');
const refers = (hash: string): string => `{"output":{"$":"blob","v":"${hash}"}}`;

/** A run that was revised once, with a large value before and after. */
function store() {
  const made = new RecordingStore();
  const workflow = (hash: string) => ({ hash, name: 'flow', description: `{"h":"${hash}"}` });
  const events: readonly StoredEvent[] = [
    storedEvent(0, { kind: 'run.started', data: '{"workflowHash":"one"}' }),
    storedEvent(1, { data: refers(large.hash) }),
    storedEvent(2, { kind: 'run.revised', data: '{"workflowHash":"two"}' }),
    storedEvent(3, { data: refers(late.hash) }),
  ];
  const one = firstBatch('r', 0, {
    events: events.slice(0, 2),
    blobs: [large],
    workflow: workflow('one'),
    header: header({ workflowHash: 'one' }),
  });
  const two = {
    runId: 'r',
    events: events.slice(2),
    blobs: [late],
    workflow: workflow('two'),
    header: header({ workflowHash: 'two' }),
  };
  made.append([one, two], 'process');
  return { made, events };
}

const recordOf = (made: RecordingStore): RunRecord => made.run('r') as RunRecord;

/** An exported run with something else in it, and the checksum that fits. */
function forged(exported: ExportedRun, change: Partial<ExportedRun>): ExportedRun {
  const { checksum: _, ...rest } = { ...exported, ...change };
  return { ...rest, checksum: nodeHash.sha256(canonicalJson(rest)) };
}

describe('An exported run', () => {
  it('holds its events, its blobs, every workflow that it was one of, and where it was exported', () => {
    const { made, events } = store();
    const exported = exportFrom(made, recordOf(made), environment, nodeHash);
    expect(exported).to.deep.include({ format: 'lockstep-run', v: 1, run: recordOf(made), events, environment });
    expect(exported.blobs).to.have.deep.members([large, late]);
    expect([exported.workflow.hash, ...exported.former.map(({ hash }) => hash)]).to.deep.equal(['two', 'one']);
    expect(exported.checksum).to.match(/^[0-9a-f]{64}$/);
    expect(checkExported(JSON.parse(JSON.stringify(exported)), nodeHash)).to.deep.equal(exported);
  });

  it('comes back as it was', () => {
    const { made, events } = store();
    const exported = exportFrom(made, recordOf(made), environment, nodeHash);
    const target = new RecordingStore();
    expect(importInto(target, exported, nodeHash)).to.deep.equal(recordOf(made));
    expect([...target.events('r')]).to.deep.equal(events);
    expect([target.blob(large.hash), target.blob(late.hash)]).to.deep.equal([large.text, late.text]);
    expect([target.workflow('one')?.name, target.workflow('two')?.name]).to.deep.equal(['flow', 'flow']);
    expect(target.appends).to.have.length(1);
    expect(target.verify().ok).to.equal(true);
    expect(caught(() => importInto(target, exported, nodeHash))).to.include({ code: 'RUN_EXISTS', value: 'r' });
  });

  it('cannot be made of a run that has lost something', () => {
    const { made } = store();
    const lacking = (hash: string) => ({
      ...bound(made),
      workflow: (each: string) => (each === hash ? undefined : made.workflow(each)),
    });
    expect(caught(() => exportFrom(lacking('one') as never, recordOf(made), environment, nodeHash)).code).to.equal(
      'CORRUPT_HISTORY',
    );
    expect(caught(() => exportFrom(lacking('two') as never, recordOf(made), environment, nodeHash)).code).to.equal(
      'CORRUPT_HISTORY',
    );
    const noBlob = { ...bound(made), blob: () => undefined };
    expect(caught(() => exportFrom(noBlob as never, recordOf(made), environment, nodeHash))).to.include({
      code: 'BLOB_MISSING',
    });
  });

  it('is refused where it is something else, or changed', () => {
    const { made } = store();
    const exported = exportFrom(made, recordOf(made), environment, nodeHash);
    const why = (data: unknown): string => {
      const error = caught(() => importInto(new RecordingStore(), data, nodeHash));
      expect(error.code).to.equal('EXPORT_INVALID');
      return error.message;
    };
    expect(why(undefined)).to.include('no exported run');
    expect(why({ ...exported, format: 'x' })).to.include('no exported run');
    expect(why({ ...exported, v: 9 })).to.include('format version 9');
    expect(why({ ...exported, events: undefined })).to.include('not complete');
    expect(why({ ...exported, blobs: [] })).to.include('changed');
    expect(why(forged(exported, { former: [] }))).to.include('lacks a workflow');
    expect(why(forged(exported, { events: [], run: { ...exported.run, events: 0 } }))).to.include('no events');
  });

  it('is refused where a store could not take it, whoever made its checksum', () => {
    const { made } = store();
    const exported = exportFrom(made, recordOf(made), environment, nodeHash);
    const target = new RecordingStore();
    const why = (change: object): string => {
      const error = caught(() => importInto(target, forged(exported, change), nodeHash));
      expect(error.code, JSON.stringify(change)).to.equal('EXPORT_INVALID');
      return /: (.*) is not what an export holds/.exec(error.message)?.[1] ?? error.message;
    };
    const { run, workflow, events, blobs } = exported;
    expect(why({ run: null })).to.equal('run');
    for (const [field, values] of Object.entries({
      runId: [5, ''],
      workflowHash: [null],
      status: ['done', null],
      startedAt: [null, '0'],
      endedAt: ['0', 5],
      errorCode: [5],
      wakeAt: ['0'],
      forkedFrom: ['r', { runId: 'r' }],
      events: [3, '4'],
    }))
      for (const value of values) expect(why({ run: { ...run, [field]: value } })).to.equal(`run.${field}`);
    expect(why({ workflow: { ...workflow, description: {} } })).to.equal('workflow.description');
    expect(why({ former: {} })).to.equal('former');
    expect(why({ events: { length: 4 } })).to.equal('events');
    for (const [field, value] of Object.entries({
      seq: 1.5,
      ts: null,
      kind: 'a.b",1',
      v: '1',
      key: {},
      data: {},
    }))
      expect(why({ events: [events[0], { ...events[1], [field]: value }] })).to.equal(`events[1].${field}`);
    expect(why({ blobs: [null] })).to.equal('blobs[0]');
    expect(why({ blobs: [...blobs, { ...large, text: 'other' }] })).to.include('blobs[2] does not have its hash');
    const unreadable = forged(exported, { events: events.with(0, { ...(events[0] as StoredEvent), data: '{' }) });
    expect(caught(() => importInto(target, unreadable, nodeHash)).code).to.equal('VALUE_UNREADABLE');
    expect(target.appends).to.deep.equal([]);
  });
});

/** The methods of a store as an object that can be spread. */
function bound(made: RecordingStore) {
  return {
    events: (id: string) => made.events(id),
    blob: (hash: string) => made.blob(hash),
    workflow: (hash: string) => made.workflow(hash),
  };
}
