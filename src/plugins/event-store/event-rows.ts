import type { StoredEvent } from '../../base/history/event-store.js';
import type { SqliteDatabase, SqliteStatement, SqliteValue } from './sqlite-api.js';

/** How many values make a row. */
const COLUMNS = 9;
/** How many rows a statement inserts: many at once take half as long as one by one. */
const SIZES = [16, 2, 1] as const;

/** Rows of events that wait to be inserted, within one transaction. */
export class EventRows {
  readonly #statements: readonly { readonly values: number; readonly insert: SqliteStatement }[];
  #values: SqliteValue[] = [];

  constructor(db: SqliteDatabase) {
    this.#statements = SIZES.map((rows) => ({
      values: rows * COLUMNS,
      insert: db.prepare(
        `INSERT INTO events (id, position, ts, kind, v, key, data, sum)
         VALUES ${Array.from({ length: rows }, () => '((? << 32) | ?, ?, ?, ?, ?, ?, ?, ?)').join(', ')}`,
      ),
    }));
  }

  /** Takes a row, which stays here until there are enough of them or `insert` is called. */
  add(run: number, { seq, ts, kind, v, key, data }: StoredEvent, position: number, sum: number): void {
    this.#values.push(run, seq, position, ts, kind, v, key, data, sum);
    if (this.#values.length === SIZES[0] * COLUMNS) this.insert();
  }

  /** Inserts what waits. */
  insert(): void {
    const values = this.#values;
    this.#values = [];
    let from = 0;
    for (const { values: size, insert } of this.#statements)
      for (; values.length - from >= size; from += size)
        insert.run(...(size === values.length ? values : values.slice(from, from + size)));
  }

  /** Forgets what waits: its transaction failed. */
  clear(): void {
    this.#values = [];
  }
}
