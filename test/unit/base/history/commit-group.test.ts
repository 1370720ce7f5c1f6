import { expect } from 'chai';
import { LockstepError } from '../../../../src/base/errors.js';
import { CommitGroup } from '../../../../src/base/history/commit-group.js';
import type { Durability } from '../../../../src/base/history/event-store.js';
import { RunJournal } from '../../../../src/base/history/run-journal.js';
import { nodeBytes } from '../../../../src/runtimes/node-bytes.js';
import { nodeHash } from '../../../../src/runtimes/node-ports.js';
import { VirtualClock } from '../../../../src/testing/index.js';
import { RecordingStore } from '../../../support/recording-store.js';
import { header } from '../../../support/stored-events.js';

const attempt = { scope: '', node: 'a', visit: 1, attempt: 1 };

function setting() {
  const store = new RecordingStore();
  const turns: (() => void)[] = [];
  const clock = new VirtualClock();
  clock.yieldTurn = (callback) => void turns.push(callback);
  const group = new CommitGroup(store, clock);
  const heard: string[] = [];
  const seqs = new Map<string, number>();
  const journal = (runId: string): RunJournal =>
    new RunJournal({
      runId,
      hash: nodeHash,
      bytes: nodeBytes,
      header: header(),
      workflow: { hash: 'f'.repeat(64), name: 'flow', description: '{}' },
      secrets: () => new Map(),
      wakeAt: () => 0,
      tell: ({ runId: id, seq }) => heard.push(`${id} ${seq}`),
      failed: () => heard.push(`${runId} failed`),
      isProjected: false,
      snapshots: { lastBytes: 0, isRevised: false, now: () => 0, take: () => undefined },
    });
  const record = (to: RunJournal, level: Durability = 'process'): void => {
    const seq = seqs.get(to.runId) ?? 0;
    seqs.set(to.runId, seq + 1);
    to.require(level);
    to.record({ seq, ts: 1, runId: to.runId, kind: 'attempt.started', v: 1, data: attempt });
  };
  const endTurn = (): void => {
    for (const turn of turns.splice(0)) turn();
  };
  return { store, group, journal, record, heard, endTurn, turns };
}

describe('Runs that commit together', () => {
  it('are shared once there are two', () => {
    const { group, journal } = setting();
    const [a, b] = [journal('a'), journal('b')];
    group.add(a);
    expect(group.isShared).to.equal(false);
    group.add(b);
    expect(group.isShared).to.equal(true);
    group.remove(a);
    expect(group.isShared).to.equal(false);
  });

  it('commit what each has recorded, as durably as any of them asks, then tell', () => {
    const { group, journal, record, store, heard } = setting();
    const [a, b, c] = [journal('a'), journal('b'), journal('c')];
    for (const each of [a, b, c]) group.add(each);
    record(a, 'memory');
    record(b, 'power');
    group.commit(a);
    expect(store.appends).to.deep.equal([{ durability: 'power', events: { a: ['started a'], b: ['started a'] } }]);
    expect(heard).to.deep.equal(['a 0', 'b 0']);
    group.commit(c);
    expect(store.appends).to.have.length(1);
  });

  it('wait for the end of the turn where they can, and go on in the order in which they came', () => {
    const { group, journal, record, store, endTurn, turns } = setting();
    const went: string[] = [];
    for (const id of ['a', 'b']) {
      const each = journal(id);
      group.add(each);
      record(each);
      group.commitLater(
        each,
        () => went.push(id),
        () => went.push(`${id} failed`),
      );
    }
    expect(turns).to.have.length(1);
    expect(store.appends).to.deep.equal([]);
    endTurn();
    expect(store.appends).to.have.length(1);
    expect(went).to.deep.equal(['a', 'b']);
  });

  it('go on at the end of the turn although somebody has committed for them', () => {
    const { group, journal, record, store, endTurn } = setting();
    const [a, b] = [journal('a'), journal('b')];
    let went = 0;
    for (const each of [a, b]) group.add(each);
    record(a);
    group.commitLater(
      a,
      () => went++,
      () => undefined,
    );
    record(b);
    group.commit(b);
    endTurn();
    expect([went, store.appends.length]).to.deep.equal([1, 1]);
  });

  it('fail together where the store does', () => {
    const { group, journal, record, store, heard, endTurn } = setting();
    const [a, b] = [journal('a'), journal('b')];
    for (const each of [a, b]) group.add(each);
    record(a);
    record(b);
    store.breaks = () => 'no error' as never;
    const failures: unknown[] = [];
    group.commitLater(
      a,
      () => failures.push('went on'),
      (error) => failures.push(error),
    );
    endTurn();
    expect(failures.map(String)).to.deep.equal(['Error: no error']);
    expect(() => group.commit(b)).to.throw('no error');
    expect(heard).to.deep.equal(['a failed', 'b failed']);
  });

  it('fail by themselves where only one has another writer', () => {
    const { group, journal, record, store, heard } = setting();
    const [a, b] = [journal('a'), journal('b')];
    for (const each of [a, b]) group.add(each);
    record(a);
    record(b);
    store.breaks = ({ events }) => (events.a === undefined ? undefined : new LockstepError('SEQ_CONFLICT', 'No.'));
    group.commit(b);
    expect(heard).to.deep.equal(['a failed', 'b 0']);
    expect(() => group.commit(a)).to.throw('No.');
    expect(store.run('b')?.events).to.equal(1);
  });
});
