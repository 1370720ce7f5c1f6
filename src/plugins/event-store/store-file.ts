import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { LockstepError } from '../../base/errors.js';
import { checkSqlite, loadSqlite, sqliteVersion } from './load-sqlite.js';
import { APPLICATION_ID, checkVersion, MIGRATIONS, migrate, versionOf } from './schema.js';
import type { SqliteDatabase, SqliteModule } from './sqlite-api.js';
import type { SqliteSettings } from './sqlite-options.js';
import { notLockstep, sqliteCode, storeError } from './store-errors.js';

/** How long SQLite waits for another connection that is just writing. Writers take turns of microseconds. */
const TURN_MS = 5_000;
const PAGE = 4_096;
const MAGIC = 'SQLite format 3\0';
const APPLICATION_ID_AT = 68;
/** Where the header says which way of writing is used: 2 is write-ahead. */
const JOURNAL_AT = 18;

/**
 * Opens the file of a store. Whatever is no store is looked at and left as it is.
 *
 * @throws LockstepError STORE_UNAVAILABLE, STORE_NOT_LOCKSTEP, STORE_VERSION, STORE_READ_ONLY, STORE_FAILED
 */
export function openStoreFile(settings: SqliteSettings): SqliteDatabase {
  const Sqlite = loadSqlite();
  const { file, readOnly } = settings;
  let db: SqliteDatabase | undefined;
  try {
    const exists = isStore(file);
    if (readOnly) {
      if (!exists) throw notLockstep(file, 'does not exist, and is only to be read');
      db = openToRead(Sqlite, file);
      checkReadable(db);
    } else {
      makeFolder(dirname(file));
      db = new Sqlite(file, { readonly: false, fileMustExist: false, timeout: TURN_MS });
      prepareToWrite(db, settings);
      migrate(db, MIGRATIONS, settings.clock.now());
      // The name of a new store must stand in the file itself: where the log is lost that holds it, the head would be that of another.
      if (statSync(file).size <= PAGE) db.exec('PRAGMA wal_checkpoint(PASSIVE)');
    }
    return db;
  } catch (error) {
    db?.close();
    throw storeError(error, file);
  }
}

/** Whether there is a store; `false` where a new one may be made. @throws LockstepError STORE_NOT_LOCKSTEP */
function isStore(file: string): boolean {
  if (!existsSync(file)) return false;
  if (!statSync(file).isFile()) throw notLockstep(file, 'is no file');
  const header = Buffer.alloc(100);
  const handle = openSync(file, 'r');
  try {
    if (readSync(handle, header, 0, header.length, 0) === 0) return false;
  } finally {
    closeSync(handle);
  }
  if (header.toString('latin1', 0, MAGIC.length) !== MAGIC) throw notLockstep(file, 'is no database of SQLite');
  if (header.readInt32BE(APPLICATION_ID_AT) !== APPLICATION_ID)
    throw notLockstep(file, 'is a database of another application');
  return true;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Makes a folder and those above it. Not by `recursive`, which never comes back for a path below /proc on Node 20. */
function makeFolder(folder: string): void {
  if (isFolder(folder)) return;
  if (!existsSync(folder)) makeFolder(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    if (!isFolder(folder)) throw error; // else somebody else has made it just now
  }
}

function prepareToWrite(db: SqliteDatabase, { file, walBytes }: SqliteSettings): void {
  checkSqlite(sqliteVersion(db));
  claim(db, file);
  checkVersion(db, MIGRATIONS.length);
  const mode = db.pragma('journal_mode = WAL', { simple: true });
  if (mode !== 'wal')
    throw new LockstepError('STORE_FAILED', `${file} cannot be written ahead: its journal mode stays ${mode}.`);
  db.exec(`
    PRAGMA wal_autocheckpoint = ${Math.ceil(walBytes / PAGE)};
    PRAGMA journal_size_limit = ${walBytes};
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
  `);
}

/**
 * Writes into a new file whose it is, before write-ahead logging begins: the file itself then says so from the first moment. Asks
 * SQLite, not the header: whoever was killed in just this write left a header that opening takes back.
 */
function claim(db: SqliteDatabase, file: string): void {
  if (db.pragma('application_id', { simple: true }) === APPLICATION_ID) return;
  if (db.pragma('page_count', { simple: true }) !== 0) throw notLockstep(file, 'is a database of another application');
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
}

function checkReadable(db: SqliteDatabase): void {
  checkSqlite(sqliteVersion(db));
  checkVersion(db, MIGRATIONS.length);
  const version = versionOf(db);
  if (version === MIGRATIONS.length) return;
  throw new LockstepError(
    'STORE_VERSION',
    `The store has version ${version}; open it once for writing, so that it is brought up to date.`,
    {
      value: version,
    },
  );
}

/**
 * A connection that reads beside a writer. Where the folder cannot be written and nobody else has the store open, SQLite has no
 * place for what readers and writers share; the file then is complete by itself, and is read as a whole.
 */
function openToRead(Sqlite: SqliteModule, file: string): SqliteDatabase {
  const options = { readonly: true, fileMustExist: true, timeout: TURN_MS };
  const db = new Sqlite(file, options);
  try {
    versionOf(db);
    return db;
  } catch (error) {
    db.close();
    const wal = statSync(`${file}-wal`, { throwIfNoEntry: false });
    if (!/^SQLITE_(CANTOPEN|READONLY)/.test(sqliteCode(error)) || (wal !== undefined && wal.size > 0)) throw error;
  }
  const content = readFileSync(file);
  content.fill(1, JOURNAL_AT, JOURNAL_AT + 2);
  return new Sqlite(content, { ...options, fileMustExist: false });
}
