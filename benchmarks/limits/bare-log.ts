import { createRequire } from 'node:module';
import type { SqliteModule } from '../../src/plugins/event-store/sqlite-api.js';

const load = createRequire(import.meta.url);

/** Where the bare limit writes to, and how long it waits: NORMAL survives a killed process, FULL the loss of power. */
export interface BareLogOptions {
  readonly file: string;
  readonly synchronous: 'NORMAL' | 'FULL';
}

/** A table of texts, written as somebody would who knows better-sqlite3 and needs nothing else. */
export interface BareLog {
  /** Inserts texts, each in a transaction of its own. */
  each(texts: readonly string[]): void;
  /** Inserts texts in one transaction. */
  together(texts: readonly string[]): void;
  /** Writes a text, and takes it away again. */
  fill(text: string): void;
  /** Reads all rows, in order. */
  texts(): readonly string[];
  /** Reads as many rows. */
  first(rows: number): readonly string[];
  close(): void;
}

/**
 * The bare limit of recording: prepared statements, written ahead, one insert and one commit for what a node leaves behind. No
 * lease, no checksum, no head, no column but the text; the log is carried over as seldom as ours.
 */
export function openBareLog({ file, synchronous }: BareLogOptions): BareLog {
  const Sqlite = load('better-sqlite3') as SqliteModule;
  const db = new Sqlite(file, { readonly: false, fileMustExist: false, timeout: 0 });
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${synchronous};
    PRAGMA wal_autocheckpoint = 4096;
    CREATE TABLE IF NOT EXISTS log (seq INTEGER PRIMARY KEY, text TEXT NOT NULL);
  `);
  const insert = db.prepare('INSERT INTO log (text) VALUES (?)');
  const select = db.prepare<string>('SELECT text FROM log ORDER BY seq').pluck();
  const selectFirst = db.prepare<string>('SELECT text FROM log ORDER BY seq LIMIT ?').pluck();
  const [begin, commit] = [db.prepare('BEGIN IMMEDIATE'), db.prepare('COMMIT')];
  return {
    each: (texts) => {
      for (const text of texts) insert.run(text); // commits by itself
    },
    together: (texts) => {
      begin.run();
      for (const text of texts) insert.run(text);
      commit.run();
    },
    fill: (text) => {
      insert.run(text);
      db.exec('DELETE FROM log');
    },
    texts: () => select.all(),
    first: (rows) => selectFirst.all(rows),
    close: () => void db.close(),
  };
}
