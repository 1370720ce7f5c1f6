import { LockstepError } from '../../base/errors.js';
import { refuseWriter } from './lease.js';
import type { SqliteDatabase } from './sqlite-api.js';

/** `LkSt`: what the header of a store's file says it is. */
export const APPLICATION_ID = 0x4c_6b_53_74;

/** One step from a version of the schema to the next. */
export type Migration = (db: SqliteDatabase) => void;

/** The steps to each version; the version of a file is how many were made. A step that was published is never changed. */
export const MIGRATIONS: readonly Migration[] = [createTables];

/**
 * Brings a file to the newest version: each step in a transaction together with its number, so that whoever is cut off goes on
 * where the file stands.
 *
 * @throws LockstepError STORE_VERSION; STORE_LOCKED and CLOCK_ROLLED_BACK where somebody writes to a file that is older
 */
export function migrate(db: SqliteDatabase, steps: readonly Migration[], now: number): void {
  checkVersion(db, steps.length);
  for (let version = versionOf(db); version < steps.length; version++) {
    db.exec('BEGIN IMMEDIATE');
    try {
      // Read anew: another process may have made the step while this one waited for its turn.
      if (versionOf(db) === version) {
        if (version > 0) refuseWriter(db, now);
        steps[version]?.(db);
        db.exec(`PRAGMA user_version = ${version + 1}`);
      }
      db.exec('COMMIT');
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }
}

/** Refuses files that a newer Lockstep wrote. @throws LockstepError STORE_VERSION */
export function checkVersion(db: SqliteDatabase, newest: number): void {
  const version = versionOf(db);
  if (version <= newest) return;
  throw new LockstepError('STORE_VERSION', `The store has version ${version}, and this Lockstep knows ${newest}.`, {
    value: version,
  });
}

/** The version of the schema of a file. */
export function versionOf(db: SqliteDatabase): number {
  return Number(db.pragma('user_version', { simple: true }));
}

/**
 * The events that a commit adds to a run are one row: a row for each would take several times as long to write and to read. Rows are
 * ordered by run and by the position of their first event in it, in the one tree there is of them: a second one, for positions in the
 * store, would double what a commit writes. Both stand in one number, the run in its upper 32 bits, since SQLite appends to a tree
 * that is ordered by one number without dividing pages that are full. `sealed_events` and `sealed_hash` say how long a run was, and
 * what its last block hashed to, when its header was written last: at the latest when it ended or began to wait.
 */
function createTables(db: SqliteDatabase): void {
  db.exec(`
    CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE lease (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      owner TEXT, pid INTEGER, started TEXT, host TEXT, machine TEXT,
      fence INTEGER NOT NULL, acquired REAL, heartbeat REAL, expires REAL
    );
    INSERT INTO lease (id, fence) VALUES (1, 0);
    INSERT INTO meta VALUES ('store', lower(hex(randomblob(8)))), ('position', 0), ('lost', 0);
    CREATE TABLE runs (
      id INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE,
      workflow TEXT NOT NULL, workflow_hash TEXT NOT NULL, status TEXT NOT NULL,
      started_at NUMERIC NOT NULL, ended_at NUMERIC, error_code TEXT, wake_at NUMERIC,
      forked_run TEXT, forked_events INTEGER, bytes INTEGER NOT NULL DEFAULT 0,
      sealed_events INTEGER NOT NULL DEFAULT 0, sealed_hash TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX runs_by_start ON runs (started_at, id);
    CREATE TABLE blocks (
      id INTEGER PRIMARY KEY, position INTEGER NOT NULL, events INTEGER NOT NULL, ts NUMERIC NOT NULL,
      text TEXT NOT NULL, hash TEXT NOT NULL,
      run INTEGER NOT NULL AS (id >> 32), seq INTEGER NOT NULL AS (id & 4294967295)
    );
    CREATE TABLE event_keys (run INTEGER NOT NULL, key TEXT NOT NULL, PRIMARY KEY (run, key)) WITHOUT ROWID;
    CREATE TABLE blobs (hash TEXT PRIMARY KEY, text TEXT NOT NULL);
    CREATE TABLE blob_uses (
      run INTEGER NOT NULL, hash TEXT NOT NULL, seq INTEGER NOT NULL,
      PRIMARY KEY (run, hash)
    ) WITHOUT ROWID;
    CREATE INDEX blob_uses_by_hash ON blob_uses (hash);
    CREATE TABLE workflows (hash TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE former_workflows (run INTEGER NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (run, hash)) WITHOUT ROWID;
    CREATE TABLE snapshots (
      id INTEGER PRIMARY KEY, run INTEGER NOT NULL, events INTEGER NOT NULL, taken_at NUMERIC NOT NULL,
      workflow_hash TEXT NOT NULL, v INTEGER NOT NULL, state TEXT NOT NULL, checksum TEXT NOT NULL
    );
    CREATE INDEX snapshots_by_run ON snapshots (run, events);
  `);
}
