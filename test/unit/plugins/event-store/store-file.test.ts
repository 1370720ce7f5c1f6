import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { checkPackage, checkSqlite } from '../../../../src/plugins/event-store/load-sqlite.js';
import { APPLICATION_ID, MIGRATIONS, migrate, versionOf } from '../../../../src/plugins/event-store/schema.js';
import { caught, refusal } from '../../../support/caught.js';
import { OtherProcess } from '../../../support/other-process.js';
import { change, connect } from '../../../support/sqlite-connection.js';
import { StoreFolder } from '../../../support/store-file.js';
import { endedBatch, firstBatch, nextBatch } from '../../../support/stored-events.js';
import { withoutPackage } from '../../../support/without-package.js';

/** A user who is not root and owns nothing. */
const NOBODY = 65_534;

const refusalCode = (call: () => unknown): string => refusal(call).code;

/** Calls as a user who owns nothing: permissions do not hold for root. */
function asStranger<T>(call: () => T): T {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    return call();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

describe('The file of a store', function () {
  this.timeout(20_000);
  let folder: StoreFolder;

  beforeEach(() => {
    folder = new StoreFolder();
  });

  afterEach(() => folder.remove());

  it('is made together with its folder', () => {
    const file = join(folder.path, 'deep', 'er', 'runs.db');
    folder.open({ file }).append([firstBatch('a')], 'process');
    expect(existsSync(`${file}-head`)).to.equal(true);
    expect(folder.make({ file }).health()).to.include({ status: 'closed', location: file });
  });

  it('is refused at once where its folders cannot be made', () => {
    for (const file of ['/proc/no/such/deep/runs.db', join(folder.path, 'file', 'runs.db')]) {
      writeFileSync(join(folder.path, 'file'), 'text');
      expect(refusalCode(() => folder.open({ file }))).to.match(/^STORE_(FAILED|NOT_LOCKSTEP)$/);
    }
  });

  it('takes the place of an empty one', () => {
    writeFileSync(folder.file, '');
    expect(folder.open().append([firstBatch('a')], 'process').position).to.equal(1);
  });

  describe('is refused, and left as it is, where it', () => {
    const refused = (what: string, make: (file: string) => void, code: string, said: RegExp): void => {
      it(what, () => {
        make(folder.file);
        const before = readFileSync(folder.file);
        for (const readOnly of [false, true]) {
          const error = caught(() => folder.open({ readOnly }));
          expect(error.code).to.equal(code);
          expect(error.message).to.match(said);
        }
        expect(readFileSync(folder.file).equals(before)).to.equal(true);
        expect(readdirSync(folder.path)).to.deep.equal(['runs.db']);
      });
    };
    refused(
      'is no database',
      (file) => writeFileSync(file, 'name,value\n'),
      'STORE_NOT_LOCKSTEP',
      /is no database of SQLite\./,
    );
    refused(
      'is the database of another application',
      (file) => change(file, 'CREATE TABLE t (a)'),
      'STORE_NOT_LOCKSTEP',
      /is a database of another application\./,
    );
    refused(
      'was written by a newer Lockstep',
      (file) => {
        const store = folder.open();
        store.append([firstBatch('a')], 'process');
        store.close();
        change(file, 'PRAGMA user_version = 99; PRAGMA journal_mode = DELETE');
        rmSync(`${file}-head`);
      },
      'STORE_VERSION',
      /^The store has version 99, and this Lockstep knows 1\./,
    );
  });

  it('is refused where it is a folder', () => {
    mkdirSync(folder.file);
    expect(refusal(() => folder.open())).to.include({ code: 'STORE_NOT_LOCKSTEP', at: folder.file });
  });

  it('is refused where it is only to be read and does not exist', () => {
    const { code, message } = refusal(() => folder.open({ readOnly: true }));
    expect(code).to.equal('STORE_NOT_LOCKSTEP');
    expect(message).to.include('does not exist, and is only to be read.');
    expect(existsSync(folder.file)).to.equal(false);
  });

  it('is refused where SQLite cannot make sense of it', () => {
    const store = folder.open();
    store.append([firstBatch('a')], 'process');
    store.close();
    const content = readFileSync(folder.file);
    content.fill(0xff, 100, 4_096);
    writeFileSync(folder.file, content);
    const error = caught(() => folder.open());
    expect(error).to.include({ code: 'STORE_DAMAGED', at: folder.file });
    expect((error.cause as { readonly code: string }).code).to.equal('SQLITE_CORRUPT');
  });

  it('is refused where it lacks a table', () => {
    folder.open().close();
    change(folder.file, 'DROP TABLE blocks');
    expect(refusal(() => folder.open())).to.include({ code: 'STORE_FAILED', at: folder.file });
    expect(folder.make().health().status).to.equal('closed');
  });

  it('is refused where the folder cannot be made', () => {
    writeFileSync(join(folder.path, 'file'), '');
    const error = caught(() => folder.open({ file: join(folder.path, 'file', 'runs.db') }));
    expect(error.code).to.equal('STORE_FAILED');
    expect(error.cause).to.include({ code: 'EEXIST' });
  });

  it('is made anew where a process was killed in the very first write', () => {
    const first = connect(folder.file);
    first.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    first.close();
    // What SQLite writes before that page: nothing was there, so that whoever comes next takes it back.
    const journal = Buffer.alloc(512);
    journal.write('d9d505f920a163d7', 'hex');
    journal.writeUInt32BE(512, 20);
    journal.writeUInt32BE(4_096, 24);
    writeFileSync(`${folder.file}-journal`, journal);

    const store = folder.open();
    expect(existsSync(`${folder.file}-journal`)).to.equal(false);
    store.append([firstBatch('a', 3)], 'process');
    store.close();
    expect(folder.open().run('a')?.events).to.equal(3);
  });

  describe('is brought up to date', () => {
    const addColumn = (db: { exec(sql: string): unknown }): void => {
      db.exec('ALTER TABLE runs ADD COLUMN note TEXT');
    };

    it('step by step, each once', () => {
      const store = folder.open();
      store.append([firstBatch('a', 3)], 'process');
      store.close();
      const db = connect(folder.file);
      migrate(db, [...MIGRATIONS, addColumn], Date.now());
      migrate(db, [...MIGRATIONS, addColumn], Date.now());
      expect(versionOf(db)).to.equal(2);
      expect(db.prepare('SELECT run_id, note FROM runs').all()).to.deep.equal([{ run_id: 'a', note: null }]);
      db.close();
    });

    it('only where nobody else writes', () => {
      const store = folder.open();
      store.append([firstBatch('a')], 'process');
      const db = connect(folder.file);
      const add = () => migrate(db, [...MIGRATIONS, addColumn], Date.now());
      expect(refusal(add).code).to.equal('STORE_LOCKED');
      expect([versionOf(db), db.inTransaction]).to.deep.equal([1, false]);
      store.close();
      add();
      expect(versionOf(db)).to.equal(2);
      db.close();
    });

    it('or stands as before, where a process is killed in between', async () => {
      const store = folder.open();
      store.append([firstBatch('a', 3)], 'process');
      store.close();
      const other = new OtherProcess(folder.file);
      expect(await other.tell('migrate')).to.equal(undefined);

      const db = connect(folder.file);
      expect(versionOf(db)).to.equal(1);
      expect(db.prepare(`SELECT name FROM sqlite_schema WHERE name = 'half'`).all()).to.deep.equal([]);
      migrate(db, [...MIGRATIONS, (file) => file.exec('CREATE TABLE half (a)')], Date.now());
      expect(versionOf(db)).to.equal(2);
      db.close();
    });

    it('by a writer: who only reads cannot', () => {
      const store = folder.open();
      store.close();
      change(folder.file, 'PRAGMA user_version = 0');
      const { code, message } = refusal(() => folder.open({ readOnly: true }));
      expect(code).to.equal('STORE_VERSION');
      expect(message).to.match(
        /^The store has version 0; open it once for writing, so that it is brought up to date\./,
      );
    });
  });

  describe('is read', () => {
    it('beside a writer, without a lease, and never written', () => {
      const writer = folder.open();
      writer.append([firstBatch('a', 2)], 'process');
      const reader = folder.open({ readOnly: true });
      expect(reader.health()).to.include({ status: 'read-only', runs: 1, events: 2 });
      expect(reader.health().details).to.include({ holdsLease: false });
      writer.append([nextBatch('a', 2, 5)], 'process');
      expect([...reader.events('a')]).to.have.length(5);
      expect(reader.verify().ok).to.equal(true);
      for (const write of [
        () => reader.append([nextBatch('a', 5, 6)], 'process'),
        () => reader.prune({ keep: 0 }),
        () => reader.remove('a'),
      ])
        expect(refusal(write)).to.include({ code: 'STORE_READ_ONLY', at: folder.file });
      expect(reader.health().status).to.equal('read-only');
    });

    it('where neither it nor its folder may be written, as long as nobody writes', function () {
      const write = folder.open();
      write.append([endedBatch('a', 5)], 'process');
      write.close();
      const lock = (): void => {
        for (const name of readdirSync(folder.path)) chmodSync(join(folder.path, name), 0o444);
        chmodSync(folder.path, 0o555);
      };
      const readIt = (): unknown => asStranger(() => folder.open({ readOnly: true }).verify());
      lock();
      // Root may run these tests where no other user can read our packages.
      if (asStranger(() => !existsSync(fileURLToPath(import.meta.url)))) this.skip();
      expect(readIt()).to.deep.equal({ ok: true, runs: 1, events: 5, problems: [] });
      const error = asStranger(() => caught(() => folder.open()));
      expect(error).to.include({ code: 'STORE_READ_ONLY', at: folder.file });

      chmodSync(folder.path, 0o755);
      writeFileSync(`${folder.file}-wal`, 'left behind');
      lock();
      expect(refusalCode(readIt)).to.equal('STORE_FAILED');
      chmodSync(folder.path, 0o755);
    });
  });

  describe('needs a package', () => {
    it('that is installed', () => {
      withoutPackage('better-sqlite3/package.json', () => {
        const { code, message } = refusal(() => folder.open());
        expect(code).to.equal('STORE_UNAVAILABLE');
        expect(message).to.match(/^The package better-sqlite3 is not installed\. Run "npm install better-sqlite3@12"/);
      });
    });

    it('that can be loaded', () => {
      withoutPackage('better-sqlite3', () => {
        const error = caught(() => folder.open());
        expect(error.code).to.equal('STORE_UNAVAILABLE');
        expect(error.message).to.match(/^The package better-sqlite3 is installed and cannot be loaded\./);
        expect(error.cause).to.include({ code: 'MODULE_NOT_FOUND' });
      });
    });

    it('of a version that does not end the process', () => {
      for (const version of ['12.9.0', '12.11.1', '12.9.0-beta.1']) checkPackage(version);
      for (const version of ['11.10.0', '12.8.9', '13.0.0', '13.9.0']) {
        const { code, message } = refusal(() => checkPackage(version));
        expect(code).to.equal('STORE_UNAVAILABLE');
        expect(message).to.match(new RegExp(`^better-sqlite3 ${version} is installed, which does not fit\\.`));
      }
    });

    it('with an SQLite that loses no commits', () => {
      for (const version of ['3.51.3', '3.52.0', '3.53.2', '4.0.0']) checkSqlite(version);
      for (const version of ['3.51.2', '3.50.9', '3.9.30', '2.60.9']) {
        const { code, message } = refusal(() => checkSqlite(version));
        expect(code).to.equal('STORE_UNAVAILABLE');
        expect(message).to.match(new RegExp(`^SQLite ${version} can lose commits; at least 3\\.51\\.3 is needed\\.`));
      }
    });
  });
});
