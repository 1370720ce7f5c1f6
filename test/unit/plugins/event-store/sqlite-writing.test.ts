import { statSync } from 'node:fs';
import { expect } from 'chai';
import sinon from 'sinon';
import { caught, refusal } from '../../../support/caught.js';
import { change, connect, Sqlite } from '../../../support/sqlite-connection.js';
import { StoreFolder } from '../../../support/store-file.js';
import { endedBatch, firstBatch, header, nextBatch, storedEvent } from '../../../support/stored-events.js';

/** Replaces a method of better-sqlite3 for all connections of this process. */
const database = Sqlite.prototype as { exec(sql: string): unknown };

describe('SqliteEventStore', () => {
  let folder: StoreFolder;

  beforeEach(() => {
    folder = new StoreFolder();
  });

  afterEach(() => {
    sinon.restore();
    folder.remove();
  });

  describe('takes options', () => {
    const said = (options: object): string => refusal(() => folder.make(options)).message;

    it('that exist, with values that mean something', () => {
      expect(said({ flie: 'x' })).to.match(/^sqliteEventStore has no option "flie"\. Did you mean "file"\?/);
      for (const file of ['', '  ', ':memory:', undefined, 1])
        expect(said({ file })).to.match(/^sqliteEventStore\.file must be the path of a file; memoryEventStore\(\)/);
      expect(said({ readOnly: 1 })).to.match(/^sqliteEventStore\.readOnly must be true or false\./);
      expect(said({ keep: { days: 1 } })).to.match(/^sqliteEventStore\.keep has no option "days"\./);
      expect(said({ clock: {} })).to.match(/^sqliteEventStore\.clock must be a clock, with the method now\./);
      expect(said({ clock: null })).to.match(/^sqliteEventStore\.clock must be a clock/);
      expect(said({ walBytes: 65_535 })).to.match(
        /^sqliteEventStore\.walBytes must be a whole number of at least 65536\./,
      );
    });

    it('keep: ended runs go with the first write, and after every 50 that ended', () => {
      const store = folder.open();
      for (let run = 0; run < 5; run++) store.append([endedBatch(`old${run}`, 1)], 'process');
      expect(store.health().runs).to.equal(5);
      store.close();

      const keeping = folder.open({ keep: { keep: 2 } });
      expect(keeping.health().runs).to.equal(5);
      keeping.append([firstBatch('a')], 'process');
      expect(keeping.health().runs).to.equal(3);
      for (let run = 0; run < 49; run++) keeping.append([endedBatch(`new${run}`, 1, 9_000)], 'process');
      expect(keeping.health().runs).to.equal(52);
      keeping.append([endedBatch('last', 1, 9_000)], 'process');
      expect(keeping.health().runs).to.equal(3);
      expect(keeping.verify().ok).to.equal(true);
    });

    it('clock: the age of runs is told by it', () => {
      const store = folder.open({ clock: { now: () => 5_000 } });
      store.append([endedBatch('a', 1, 1_000), endedBatch('b', 1, 4_000)], 'process');
      expect(store.prune({ ageMs: 2_000 })).to.include({ runs: 1 });
      expect(store.run('b')).to.include({ runId: 'b' });
    });

    it('walBytes: the write-ahead log is carried over, and cut where it had grown', () => {
      const store = folder.open({ walBytes: 65_536 });
      store.append([firstBatch('a', 1)], 'process');
      const reader = connect(folder.file);
      reader.exec('BEGIN; SELECT * FROM blocks');
      const data = JSON.stringify({ text: 'x'.repeat(10_000) });
      const append = (from: number): void => {
        const events = [storedEvent(from, { data })];
        store.append([{ runId: 'a', events, blobs: [] }], 'process');
      };
      for (let seq = 1; seq < 40; seq++) append(seq);
      expect(store.health().details).to.include({ walIsHeldUp: true });
      reader.close();
      for (let seq = 40; seq < 60; seq++) append(seq);
      expect(store.health().details).to.include({ walIsHeldUp: false });
      expect(store.health().details.walBytes).to.be.at.most(3 * 65_536);
      store.close();
      expect(statSync(`${folder.file}-wal`, { throwIfNoEntry: false })).to.equal(undefined);
    });
  });

  describe('commits', () => {
    it('as durably as it says, whatever came before', () => {
      const exec = sinon.spy(database, 'exec');
      const store = folder.open();
      const told = (['process', 'process', 'power', 'memory'] as const).map(
        (level, seq) => store.append([seq === 0 ? firstBatch('a') : nextBatch('a', seq, seq + 1)], level).durability,
      );
      expect(told).to.deep.equal(['process', 'process', 'power', 'process']);
      const levels = exec.args.map(([sql]) => sql).filter((sql) => sql.includes('synchronous'));
      expect(levels).to.deep.equal(['PRAGMA synchronous = 1', 'PRAGMA synchronous = 2', 'PRAGMA synchronous = 1']);
    });

    it('nothing more where SQLite does not do as it was told', () => {
      const exec = database.exec;
      sinon.replace(database, 'exec', function (this: unknown, sql: string) {
        return exec.call(this, sql.replace('synchronous = 2', 'synchronous = 0'));
      });
      const store = folder.open();
      store.append([firstBatch('a')], 'process');
      const error = caught(() => store.append([nextBatch('a', 1, 2)], 'power'));
      expect(error).to.include({ code: 'DURABILITY_REFUSED', at: 'power', value: 0 });
      expect(error.message).to.match(/^SQLite commits with synchronous = 0, not 2\./);
      expect(refusal(() => store.append([nextBatch('a', 2, 3)], 'process')).code).to.equal('STORE_POISONED');
    });

    it('to a run of which others wrote the beginning', () => {
      const first = folder.open();
      first.append([firstBatch('a', 100)], 'process');
      first.close();
      const second = folder.open();
      second.append([nextBatch('a', 100, 128)], 'process');
      second.append([nextBatch('a', 128, 130, { header: header({ status: 'completed', endedAt: 2_000 }) })], 'process');
      expect(second.verify()).to.deep.equal({ ok: true, runs: 1, events: 130, problems: [] });
      expect(second.prune({ bytes: 2_000 })).to.include({ runs: 0 });
      expect(second.prune({ bytes: 1_500 })).to.include({ runs: 1 });
    });

    it('to more runs than it remembers', function () {
      this.timeout(20_000);
      const store = folder.open();
      const ids = Array.from({ length: 10_001 }, (_, run) => `r${run}`);
      store.append(
        ids.map((runId) => firstBatch(runId)),
        'process',
      );
      store.append(
        ids.map((runId) => nextBatch(runId, 1, 2)),
        'process',
      );
      expect(store.health()).to.include({ runs: 10_001, events: 20_002 });
      expect(store.verify().ok).to.equal(true);
    });
  });

  describe('is poisoned', () => {
    it('where the disk is full, and has lost nothing that it had told of', () => {
      const store = folder.open();
      store.append([firstBatch('a', 10)], 'power');
      const prepared = connect(folder.file);
      const pages = Number(prepared.pragma('page_count', { simple: true }));
      prepared.close();
      const exec = database.exec;
      // The limit holds for the connection that it is set on: the store's own.
      sinon.replace(database, 'exec', function (this: unknown, sql: string) {
        return exec.call(this, sql.replace('PRAGMA synchronous = 1', `PRAGMA max_page_count = ${pages + 2}`));
      });
      const data = JSON.stringify('x'.repeat(100_000));
      const batch = { runId: 'a', events: [storedEvent(10, { data })], blobs: [] };
      const error = caught(() => store.append([batch], 'process'));
      expect(error).to.include({ code: 'STORE_FULL', at: folder.file });
      expect((error.cause as { readonly code: string }).code).to.equal('SQLITE_FULL');
      expect(store.health()).to.deep.include({ status: 'poisoned', events: 10 });
      expect(store.health().details).to.include({ poison: 'STORE_FULL' });
      const poisoned = caught(() => store.append([nextBatch('a', 10, 11)], 'process'));
      expect(poisoned).to.include({ code: 'STORE_POISONED', cause: error });
      expect(refusal(() => store.prune({ keep: 0 })).code).to.equal('STORE_POISONED');
      expect([...store.events('a')]).to.have.length(10);

      sinon.restore();
      store.close();
      store.open();
      expect(store.append([nextBatch('a', 10, 11)], 'process')).to.include({ created: 1, position: 11 });
      expect(store.verify().ok).to.equal(true);
    });

    it('where the file became one that cannot be written', () => {
      const store = folder.open();
      store.append([firstBatch('a')], 'process');
      const exec = database.exec;
      sinon.replace(database, 'exec', function (this: unknown, sql: string) {
        return exec.call(this, sql.replace('PRAGMA synchronous = 2', 'PRAGMA query_only = ON'));
      });
      expect(refusal(() => store.append([nextBatch('a', 1, 2)], 'power'))).to.include({
        code: 'STORE_READ_ONLY',
        at: folder.file,
      });
      expect(store.health().status).to.equal('poisoned');
    });

    it('where anything else fails', () => {
      const store = folder.open();
      store.append([firstBatch('a')], 'process');
      change(folder.file, 'DROP TABLE blocks');
      const error = caught(() => store.append([nextBatch('a', 1, 2)], 'process'));
      expect(error).to.include({ code: 'STORE_FAILED', at: folder.file });
      expect((error.cause as Error).message).to.equal('no such table: blocks');
      expect(refusal(() => store.run('a')).code).to.equal('STORE_FAILED');
    });

    it('also where what had begun cannot be taken back', () => {
      const store = folder.open();
      store.append([firstBatch('a')], 'process');
      change(folder.file, 'DROP TABLE blocks');
      const exec = database.exec;
      sinon.replace(database, 'exec', function (this: unknown, sql: string) {
        if (sql === 'ROLLBACK') throw new Error('no way back');
        return exec.call(this, sql);
      });
      expect(refusal(() => store.append([nextBatch('a', 1, 64)], 'process')).code).to.equal('STORE_FAILED');
      store.close();
      change(folder.file, 'SELECT 1');
    });

    it('where the row of its lease is gone', () => {
      const store = folder.open();
      change(folder.file, 'DELETE FROM lease');
      expect(refusal(() => store.append([firstBatch('a')], 'process')).code).to.equal('STORE_DAMAGED');
    });

    it('where it could not remove what keep says, after what was appended', () => {
      const store = folder.open({ keep: { keep: 0 } });
      store.append([firstBatch('a')], 'process');
      change(folder.file, 'DROP TABLE snapshots');
      const batches = Array.from({ length: 50 }, (_, run) => endedBatch(`r${run}`, 1));
      expect(store.append(batches, 'process').created).to.equal(50);
      expect(store.health()).to.include({ status: 'poisoned', runs: 51 });
      expect(refusal(() => store.append([nextBatch('a', 1, 2)], 'process')).code).to.equal('STORE_POISONED');
    });
  });

  it('is not poisoned where another connection is in the way', () => {
    const exec = database.exec;
    sinon.replace(database, 'exec', function (this: unknown, sql: string) {
      return exec.call(this, `${sql}; PRAGMA busy_timeout = 1`);
    });
    const store = folder.open();
    const other = connect(folder.file);
    other.exec('BEGIN IMMEDIATE');
    const error = caught(() => store.append([firstBatch('a')], 'process'));
    expect(error).to.include({ code: 'STORE_LOCKED', at: folder.file });
    other.exec('ROLLBACK');
    other.close();
    expect(store.append([firstBatch('a')], 'process').created).to.equal(1);
  });
});
