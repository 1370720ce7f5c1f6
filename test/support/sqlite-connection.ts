import { createRequire } from 'node:module';
import type { SqliteDatabase, SqliteModule } from '../../src/plugins/event-store/sqlite-api.js';

/** The class that better-sqlite3 exports: the one that stores use, too. */
export const Sqlite = createRequire(import.meta.url)('better-sqlite3') as SqliteModule;

/** A connection past every store. */
export function connect(file: string): SqliteDatabase {
  return new Sqlite(file, { readonly: false, fileMustExist: false, timeout: 1_000 });
}

/** Changes a file past every store, and lets go of it. */
export function change(file: string, sql: string): void {
  const db = connect(file);
  db.exec(sql);
  db.close();
}
