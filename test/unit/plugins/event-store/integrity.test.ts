import { copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import type { IntegrityProblem } from '../../../../src/base/history/event-store.js';
import type { SqliteEventStore } from '../../../../src/plugins/event-store/index.js';
import { caught } from '../../../support/caught.js';
import { change as alter } from '../../../support/sqlite-connection.js';
import { StoreFolder } from '../../../support/store-file.js';
import { blob, endedBatch, firstBatch, header, nextBatch, storedEvent } from '../../../support/stored-events.js';

/** A page of the write-ahead log with its header. */
const FRAME = 4_096 + 24;

function flip(content: Buffer, at: number): void {
  content.writeUInt8(content.readUInt8(at) ^ 1, at);
}

describe('The integrity of a store', () => {
  let folder: StoreFolder;

  beforeEach(() => {
    folder = new StoreFolder();
  });

  afterEach(() => folder.remove());

  /** A store that was closed, so that its file is complete. */
  const written = (...batches: Parameters<SqliteEventStore['append']>[0]): void => {
    const store = folder.open();
    store.append(batches, 'process');
    store.close();
  };

  const problems = (runId?: string): readonly IntegrityProblem[] => {
    const store = folder.open({ readOnly: true });
    const report = store.verify(runId);
    store.close();
    expect(report.ok).to.equal(report.problems.length === 0);
    return report.problems;
  };

  const changed = (first: number, last: number): string =>
    `${first === last ? `Event ${first} is` : `Events ${first} to ${last} are`} not what was written: the hash of the block differs.`;

  it('names the event in which one bit of the file changed', () => {
    const marked = storedEvent(71, { data: '{"marked":"here"}' });
    written(
      firstBatch('a', 70),
      nextBatch('a', 70, 0, { events: [storedEvent(70), marked, storedEvent(72)] }),
      endedBatch('b', 3),
    );
    const content = readFileSync(folder.file);
    const at = content.lastIndexOf('"marked"'); // where it stood before its page was full is free
    flip(content, at);
    writeFileSync(folder.file, content);

    const what = 'Event 71 is not what was written.';
    expect(problems()).to.deep.equal([{ kind: 'event', runId: 'a', seq: 71, missing: 0, what }]);
    expect(problems('a')).to.have.length(1);
    expect(problems('b')).to.deep.equal([]);

    const store = folder.open();
    expect([...store.events('a', { to: 70 })]).to.have.length(70);
    const error = caught(() => [...store.events('a')]);
    expect(error).to.include({ code: 'STORE_DAMAGED', at: 'a', value: 70 });
    expect(error.message).to.match(/^Event 70 of run a is not what was written, or is missing\./);
  });

  for (const [what, change, found] of [
    ['the time of an event', `text = replace(text, '[1000', '[1001')`, 'block 0'],
    ['the kind of an event', `text = replace(text, 'attempt.started', 'attempt.stopped')`, 'block 0'],
    ['the data of an event', `text = replace(text, '{"node":"n1"}', '{"node":"m1"}')`, 'event 1'],
    ['what stands behind its events', `text = text || ' '`, 'block 0'],
    ['a head that is no JSON', `text = 'x' || text`, 'block 0'],
    ['its own hash', `hash = 'x'`, 'block 0'],
    ['its place', 'id = id + 1', 'gap 0'],
  ] as const) {
    it(`covers ${what} in a block`, () => {
      written(endedBatch('a', 3));
      alter(folder.file, `UPDATE blocks SET ${change}`);
      expect(problems('a').map(({ kind, seq }) => `${kind} ${seq}`)).to.include(found);
      const store = folder.open();
      expect(caught(() => [...store.events('a')])).to.include({ code: 'STORE_DAMAGED', value: 0 });
    });
  }

  /** Appends events in blocks of ten. */
  const writtenInTens = (store: SqliteEventStore, runId: string, events: number): void => {
    store.append([firstBatch(runId, 10)], 'process');
    for (let from = 10; from < events - 10; from += 10) store.append([nextBatch(runId, from, from + 10)], 'process');
    store.append([nextBatch(runId, events - 10, events, { header: header({ status: 'completed' }) })], 'process');
  };

  it('names the first bad block of each run', () => {
    const store = folder.open();
    for (const runId of ['a', 'b', 'c']) writtenInTens(store, runId, 100);
    store.close();
    alter(folder.file, `UPDATE blocks SET text = text || ' ' WHERE run IN (1, 3) AND seq IN (40, 50, 90)`);
    expect(problems().map(({ runId, seq }) => `${runId} ${seq}`)).to.deep.equal(['a 40', 'c 40']);
  });

  it('tells of events that are missing before others', () => {
    const store = folder.open();
    writtenInTens(store, 'a', 100);
    store.close();
    alter(folder.file, 'DELETE FROM blocks WHERE seq BETWEEN 50 AND 69');
    const what = '20 events are missing before event 70.';
    expect(problems()).to.deep.equal([{ kind: 'gap', runId: 'a', seq: 50, missing: 20, what }]);
    const again = folder.open();
    expect(caught(() => [...again.events('a')])).to.include({ code: 'STORE_DAMAGED', value: 50 });
    expect(caught(() => [...again.events('a', { from: 55, to: 90 })])).to.include({ value: 55 });
    expect(caught(() => [...again.events('a', { from: 75 })])).to.include({ code: 'STORE_DAMAGED', value: 70 });
    expect([...again.events('a', { from: 45, to: 50 })]).to.have.length(5);
    expect([...again.events('a', { from: 85 })]).to.have.length(15);
  });

  it('cuts what is committed at once into blocks that are read one by one', () => {
    const store = folder.open();
    store.append([endedBatch('a', 1_000)], 'process');
    expect([...store.events('a', { from: 255, to: 514 })].map(({ seq }) => seq)).to.deep.equal(
      Array.from({ length: 259 }, (_, index) => 255 + index),
    );
    store.close();
    alter(folder.file, 'UPDATE blocks SET text = text || text WHERE seq = 512');
    expect(problems()).to.deep.equal([{ kind: 'block', runId: 'a', seq: 512, missing: 0, what: changed(512, 767) }]);
  });

  it('tells of events that are missing at the end of a run that has ended', () => {
    const store = folder.open();
    writtenInTens(store, 'a', 70);
    store.append([firstBatch('b', 1)], 'process');
    store.close();
    alter(folder.file, 'DELETE FROM blocks WHERE run = 1 AND seq >= 50');
    const what = '20 events are missing at its end.';
    expect(problems()).to.deep.equal([{ kind: 'tail', runId: 'a', seq: 50, missing: 20, what }]);
  });

  it('tells of a block that was replaced by one of another run, with its hash', () => {
    const store = folder.open();
    for (const runId of ['a', 'b']) writtenInTens(store, runId, 100);
    store.close();
    alter(
      folder.file,
      `UPDATE blocks SET (text, hash) = (SELECT text, hash FROM blocks o WHERE o.run = 2 AND o.seq = 70) WHERE run = 1 AND seq = 70`,
    );
    expect(problems()).to.deep.equal([{ kind: 'block', runId: 'a', seq: 70, missing: 0, what: changed(70, 79) }]);
  });

  it('tells of an end that was written anew, also together with its hash', () => {
    const store = folder.open();
    writtenInTens(store, 'a', 30);
    const before = [...store.events('a', { from: 20 })];
    store.close();
    const other = new StoreFolder();
    const forger = other.open();
    forger.append([firstBatch('a', 10)], 'process');
    forger.append([nextBatch('a', 10, 20)], 'process');
    const forged = before.map((event) => ({ ...event, data: '{"forged":true}' }));
    forger.append([nextBatch('a', 20, 0, { events: forged })], 'process');
    forger.close();
    alter(
      folder.file,
      `ATTACH '${other.file}' AS other;
       UPDATE blocks SET (text, hash) = (SELECT text, hash FROM other.blocks o WHERE o.seq = 20) WHERE seq = 20`,
    );
    other.remove();
    expect(problems().map(({ kind, seq }) => `${kind} ${seq}`)).to.deep.equal(['block 20', 'event 29']);
  });

  it('covers what was added to a run that waits or has ended', () => {
    const store = folder.open();
    const waiting = header({ status: 'waiting' });
    store.append([firstBatch('a', 70, { header: waiting })], 'process');
    store.append([nextBatch('a', 70, 75, { header: waiting })], 'process');
    store.append([nextBatch('a', 75, 129)], 'process');
    store.close();
    expect(problems()).to.deep.equal([]);
    alter(folder.file, `UPDATE runs SET status = 'completed'`);
    expect(problems()).to.deep.equal([{ kind: 'block', runId: 'a', seq: 75, missing: 0, what: changed(75, 128) }]);
    alter(folder.file, `UPDATE runs SET status = 'waiting'; DELETE FROM blocks WHERE seq >= 70`);
    expect(problems().map(({ kind, seq }) => `${kind} ${seq}`)).to.deep.equal(['tail 70', 'tail null']);
  });

  it('tells of blobs that are missing', () => {
    const { hash, text } = blob('x'.repeat(1_000));
    const events = [storedEvent(0), storedEvent(1, { data: `{"blob":"${hash}"}` })];
    const store = folder.open();
    store.append([firstBatch('a', 2, { events, blobs: [{ hash, text }] })], 'process');
    alter(folder.file, 'DELETE FROM blobs');
    const what = `Blob ${hash} is missing.`;
    expect(problems()).to.deep.equal([{ kind: 'blob', runId: 'a', seq: 1, missing: 1, what }]);
  });

  it('tells of events that belong to no run', () => {
    written(endedBatch('a', 3), endedBatch('b', 4));
    alter(folder.file, `DELETE FROM runs WHERE run_id = 'a'`);
    expect(problems().map(({ kind, what }) => [kind, what])).to.deep.equal([['file', '3 events belong to no run.']]);
  });

  it('says what SQLite itself cannot read', () => {
    written(endedBatch('a', 2_000), endedBatch('b', 2_000));
    const content = readFileSync(folder.file);
    content.fill(0xff, content.length / 2, content.length / 2 + 8_192);
    writeFileSync(folder.file, content);
    expect(problems().map(({ kind }) => kind)).to.include('file');
  });

  describe('with the head beside the file', () => {
    /** Copies a store that is being written, with a write-ahead log from which the last pages were cut. */
    const cut = (frames: number): StoreFolder => {
      const copy = new StoreFolder();
      for (const part of ['', '-wal', '-head']) copyFileSync(`${folder.file}${part}`, `${copy.file}${part}`);
      const wal = readFileSync(`${copy.file}-wal`).length;
      truncateSync(`${copy.file}-wal`, wal - frames * FRAME);
      return copy;
    };

    it('tells how many events a write-ahead log has lost', () => {
      const store = folder.open();
      store.append([firstBatch('a', 1), firstBatch('b', 1)], 'process');
      for (let seq = 1; seq <= 10; seq++) store.append([nextBatch('a', seq, seq + 1)], 'process');
      const copy = cut(3);
      try {
        const reader = copy.open({ readOnly: true });
        const what = 'The last 3 events of the store are missing; the very last was event 10 of run a.';
        const report = { ok: false, runs: 2, events: 9 };
        const problem = { kind: 'tail', runId: null, seq: null, missing: 3, what };
        expect(reader.verify()).to.deep.equal({ ...report, problems: [problem] });
        expect(reader.verify('a').problems).to.have.length(1);
        expect(reader.verify('b').problems).to.deep.equal([]);
        expect(reader.health().details).to.include({ missingEvents: 3, lostEvents: 0 });
        reader.close();

        const writer = copy.open();
        // The holder of the lease lives: it is this very process.
        alter(copy.file, 'UPDATE lease SET owner = NULL');
        expect(writer.append([nextBatch('a', 8, 9)], 'process').position).to.equal(13);
        expect(writer.health().details).to.include({ missingEvents: 0, lostEvents: 3 });
        expect(writer.verify().ok).to.equal(true);
      } finally {
        copy.remove();
      }
    });

    it('tells of a last event that is another one', () => {
      const store = folder.open();
      store.append([firstBatch('a', 1)], 'process');
      store.append([nextBatch('a', 1, 3)], 'process');
      store.close();
      alter(folder.file, `UPDATE blocks SET hash = 'x' WHERE seq = 1`);
      expect(problems().map(({ kind, seq }) => `${kind} ${seq}`)).to.deep.equal(['block 1', 'event 2']);
    });

    it('finds nothing wrong where it is older than the file, missing, torn, or that of another store', () => {
      const store = folder.open();
      store.append([firstBatch('a', 3)], 'process');
      const older = readFileSync(`${folder.file}-head`);
      store.append([nextBatch('a', 3, 9)], 'process');
      store.close();
      writeFileSync(`${folder.file}-head`, older);
      expect(problems()).to.deep.equal([]);
      flip(older, 40);
      writeFileSync(`${folder.file}-head`, older);
      expect(problems()).to.deep.equal([]);
      writeFileSync(`${folder.file}-head`, 'short');
      expect(problems()).to.deep.equal([]);
      rmSync(`${folder.file}-head`);
      expect(problems()).to.deep.equal([]);
      const other = new StoreFolder();
      const stranger = other.open();
      stranger.append([firstBatch('z', 99)], 'process');
      copyFileSync(`${other.file}-head`, `${folder.file}-head`);
      other.remove();
      expect(problems()).to.deep.equal([]);
    });

    it('stays right when the run of the last event is removed', () => {
      const store = folder.open();
      store.append([firstBatch('a', 3), endedBatch('b', 5)], 'process');
      store.remove('b');
      expect(store.verify().problems).to.deep.equal([]);
      store.close();
      const again = folder.open();
      expect(again.verify().problems).to.deep.equal([]);
      expect(again.append([nextBatch('a', 3, 4)], 'process').position).to.equal(9);
      expect(again.health().details).to.include({ missingEvents: 0, lostEvents: 0 });
    });

    it('does not stop a store where it cannot be written', () => {
      mkdirSync(`${folder.file}-head`);
      const store = folder.open();
      expect(store.append([firstBatch('a')], 'process').created).to.equal(1);
      expect(String(store.health().details.headFailure)).to.include('EISDIR');
      expect(store.health().status).to.equal('open');
    });
  });
});
