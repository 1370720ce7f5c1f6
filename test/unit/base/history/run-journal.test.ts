import { expect } from 'chai';
import { AttemptError } from '../../../../src/base/errors.js';
import type { EventData, EventKind, RunEvent } from '../../../../src/base/events.js';
import {
  headerAfter,
  type JournalParts,
  RunJournal,
  refuseSecret,
  stronger,
} from '../../../../src/base/history/run-journal.js';
import { nodeBytes } from '../../../../src/runtimes/node-bytes.js';
import { nodeHash } from '../../../../src/runtimes/node-ports.js';
import { caught } from '../../../support/caught.js';
import { header } from '../../../support/stored-events.js';

const attempt = { scope: '', node: 'a', visit: 1, attempt: 1 };

function event<K extends EventKind>(kind: K, data: EventData[K], seq = 0): RunEvent {
  return { seq, ts: 1_000 + seq, runId: 'r', kind, v: 1, data } as RunEvent;
}

const started = event('attempt.started', attempt);
const completed = (output: object): RunEvent => event('attempt.completed', { ...attempt, output } as never, 1);

function journal(parts: Partial<JournalParts> = {}) {
  const told: RunEvent[] = [];
  let failures = 0;
  const made = new RunJournal({
    runId: 'r',
    hash: nodeHash,
    bytes: nodeBytes,
    header: header({ status: 'pending' }),
    workflow: undefined,
    secrets: () => new Map(),
    wakeAt: () => 7,
    tell: (each) => told.push(each),
    failed: () => failures++,
    isProjected: false,
    snapshots: { lastBytes: 0, isRevised: false, now: () => 0, take: () => undefined },
    ...parts,
  });
  return { journal: made, told, failures: () => failures };
}

const receipt = (durability: 'memory' | 'process' | 'power') => ({ durability, created: 1, position: 1 });

describe('stronger', () => {
  it('is the one that survives more', () => {
    expect(stronger('memory', 'process')).to.equal('process');
    expect(stronger('power', 'process')).to.equal('power');
    expect(stronger('process', 'process')).to.equal('process');
  });
});

describe('A journal', () => {
  it('is clean until something is recorded', () => {
    const { journal: made } = journal();
    made.require('power');
    expect([made.isDirty, made.level]).to.deep.equal([false, 'memory']);
    made.record(started);
    expect([made.isDirty, made.level]).to.deep.equal([true, 'power']);
    expect(made.receipt).to.equal(undefined);
    expect(made.workflowHash).to.equal('f'.repeat(64));
  });

  it('asks for the strongest of what was required since the last commit', () => {
    const { journal: made } = journal();
    made.require('process');
    made.record(started);
    made.require('memory');
    expect(made.level).to.equal('process');
    made.committed(receipt('process'));
    made.record(started);
    expect(made.level).to.equal('memory');
  });

  it('hands over what was recorded, its header and workflow where they are new, once', () => {
    const workflow = { hash: 'h', name: 'w', description: '{}' };
    const { journal: made } = journal({ workflow });
    made.record(started);
    expect(made.batch()).to.deep.equal({
      runId: 'r',
      events: [{ seq: 0, ts: 1_000, kind: 'attempt.started', v: 1, key: null, data: JSON.stringify(attempt) }],
      blobs: [],
      header: header({ status: 'pending' }),
      workflow,
    });
    made.committed(receipt('process'));
    made.record(started);
    expect(made.batch()).to.have.keys(['runId', 'events', 'blobs']);
    made.record(event('run.waiting', { scope: '' }));
    expect(made.batch().header).to.deep.equal(header({ status: 'waiting', wakeAt: 7 }));
  });

  it('hands over blobs with the events that refer to them', () => {
    const { journal: made } = journal();
    made.record(completed({ text: 'x'.repeat(70_000) }));
    expect(made.batch().blobs).to.have.length(1);
    made.committed(receipt('memory'));
    expect(made.batch().blobs).to.deep.equal([]);
  });

  it('tells of events once they are committed, as the very objects', () => {
    const { journal: made, told } = journal();
    made.record(started);
    made.tellCommitted();
    expect(told).to.deep.equal([]);
    made.committed(receipt('process'));
    made.tellCommitted();
    made.tellCommitted();
    expect(told).to.deep.equal([started]);
    expect(told[0]).to.equal(started);
  });

  it('tells in order where whoever is told records more and commits it', () => {
    const seen: number[] = [];
    const { journal: made } = journal({
      tell: ({ seq }) => {
        seen.push(seq);
        if (seq !== 0) return;
        made.record(event('run.resumed', { scope: '' }, 2));
        made.committed(receipt('process'));
        made.tellCommitted();
      },
    });
    made.record(started);
    made.record(completed({}));
    made.committed(receipt('process'));
    made.tellCommitted();
    expect(seen).to.deep.equal([0, 1, 2]);
  });

  it('tells everything that was committed since it last told', () => {
    const { journal: made, told } = journal();
    made.record(started);
    made.committed(receipt('process'));
    made.record(completed({}));
    made.committed(receipt('process'));
    made.tellCommitted();
    expect(told.map(({ seq }) => seq)).to.deep.equal([0, 1]);
  });

  it('keeps nothing for those who do not listen', () => {
    const { journal: made } = journal({ tell: undefined });
    made.record(started);
    made.committed(receipt('process'));
    made.tellCommitted();
    expect(made.receipt).to.deep.equal({ durability: 'process', commits: 1, events: 1 });
  });

  it('counts commits and events, and says what the weakest commit survives', () => {
    const { journal: made } = journal();
    for (const durability of ['power', 'process', 'power'] as const) {
      made.record(started);
      made.record(completed({}));
      made.committed(receipt(durability));
    }
    expect(made.receipt).to.deep.equal({ durability: 'process', commits: 3, events: 6 });
  });

  it('takes nothing more once a commit failed, and says so once', () => {
    const { journal: made, failures } = journal();
    made.assertSound();
    made.record(started);
    made.fail(new Error('first'));
    made.fail(new Error('second'));
    made.record(started);
    expect(made.isDirty).to.equal(false);
    expect(() => made.assertSound()).to.throw('first');
    expect(failures()).to.equal(1);
  });

  it('accepts a value once, and writes its event with the text that it made of it', () => {
    const { journal: made } = journal();
    let reads = 0;
    const output = {
      get v() {
        return ++reads;
      },
    };
    made.accept(output, 'the output of a');
    const once = reads;
    made.record(completed(output));
    expect(reads).to.equal(once);
    expect(made.batch().events[0]?.data).to.match(/"output":\{"v":[0-9]+\}/);
    made.record(completed(output));
    expect(reads).to.be.greaterThan(once);
  });

  it('refuses values that cannot come back, with their path', () => {
    const error = caught(() => journal().journal.accept({ v: [() => 1] }, 'the output of a'));
    expect(error).to.be.instanceOf(AttemptError);
    expect(error).to.deep.include({ code: 'VALUE_NOT_STORABLE' });
    expect(error.message).to.match(/^What the output of a holds cannot be recorded: /);
    expect(error.cause).to.include({ code: 'VALUE_NOT_STORABLE' });
  });

  it('refuses values that cannot be read', () => {
    const output = {
      get v() {
        throw new RangeError('no memory');
      },
    };
    expect(caught(() => journal().journal.accept(output, 'the output of a')).code).to.equal('VALUE_NOT_STORABLE');
  });

  it('refuses values that hold a secret, and masks what else does', () => {
    const { journal: made, told } = journal({ secrets: () => new Map([['T', 'tok']]) });
    const error = caught(() => made.accept({ v: 'my tok' }, 'the output of a'));
    expect(error).to.include({ code: 'SECRET_IN_OUTPUT', at: 'the output of a' });
    expect(error.message).to.include('"T"').and.not.include('tok');
    made.record(event('run.cancel_requested', { reason: 'of tok' }));
    expect(made.batch().events[0]?.data).to.equal('{"reason":"of [secret]"}');
    made.committed(receipt('process'));
    made.tellCommitted();
    expect(told[0]?.data).to.deep.equal({ reason: 'of [secret]' });
  });

  it('takes over the history of another run under its own id, and tells nobody', () => {
    const { journal: made, told } = journal();
    made.copy([started, completed({ v: 1 })].map((each) => ({ ...each, runId: 'other' })));
    expect(made.batch().events).to.have.length(2);
    made.committed(receipt('process'));
    made.tellCommitted();
    expect(told).to.deep.equal([]);
    expect(caught(() => made.copy([completed({ v: () => 1 })])).message).to.include('the output of a');
  });
});

describe('What a list of runs shows', () => {
  const before = header({ status: 'pending', startedAt: 0 });
  const shownAfter = (each: RunEvent, from = before, wakeAt = 9) => headerAfter(from, each, () => wakeAt);

  it('follows the events of the run', () => {
    expect(shownAfter(event('run.started', {} as never))).to.deep.equal({
      ...before,
      status: 'running',
      startedAt: 1_000,
    });
    expect(shownAfter(event('run.waiting', { scope: '' }))).to.deep.equal({ ...before, status: 'waiting', wakeAt: 9 });
    const never = shownAfter(event('run.waiting', { scope: '' }), before, Number.POSITIVE_INFINITY);
    expect(never.wakeAt).to.equal(null);
    const waited = { ...before, status: 'waiting', wakeAt: 9 } as const;
    expect(shownAfter(event('run.resumed', { scope: '' }), waited)).to.deep.equal({ ...before, status: 'running' });
    expect(shownAfter(event('run.completed', { output: {} }))).to.include({ status: 'completed', endedAt: 1_000 });
    expect(shownAfter(event('run.cancelled', { reason: '' }))).to.include({ status: 'cancelled', endedAt: 1_000 });
    const error = { name: 'E', code: 'BROKE', message: '' };
    const failed = shownAfter(event('run.failed', { error, node: null }));
    expect(failed).to.include({ status: 'failed', endedAt: 1_000, errorCode: 'BROKE' });
    const revised = shownAfter(event('run.revised', { workflow: 'v', workflowHash: 'h', rerun: [] }), failed);
    const anew = { workflow: 'v', workflowHash: 'h', status: 'running', endedAt: null, errorCode: null };
    expect(revised).to.include(anew);
  });

  it('stays the same object for events of nodes', () => {
    expect(shownAfter(started)).to.equal(before);
    expect(shownAfter(event('run.cancel_requested', { reason: '' }))).to.equal(before);
  });
});

describe('A text that holds a secret', () => {
  const secrets = new Map([
    ['EMPTY', ''],
    ['QUOTED', 'a"b\\c\n'],
  ]);

  it('is found escaped as JSON does', () => {
    expect(caught(() => refuseSecret('{"v":"x a\\"b\\\\c\\n"}', secrets, 'here', nodeBytes)).message).to.include(
      '"QUOTED"',
    );
  });

  it('is none where the secret is empty or not there', () => {
    refuseSecret('{"v":"a"}', secrets, 'here', nodeBytes);
  });
});
