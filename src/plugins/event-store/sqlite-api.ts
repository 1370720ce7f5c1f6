/** What is used of better-sqlite3, declared here so that these declarations need no package that may not be installed. */

/** What can be bound to a parameter. */
export type SqliteValue = string | number | null;

/** What a statement is given: values for its `?` in order, or one object with those for its `@names`. */
export type SqliteParameter = SqliteValue | Readonly<Record<string, SqliteValue>>;

/** A prepared statement. */
export interface SqliteStatement<Row = unknown> {
  run(...values: readonly SqliteParameter[]): { readonly changes: number };
  get(...values: readonly SqliteParameter[]): Row | undefined;
  all(...values: readonly SqliteParameter[]): Row[];
  /** From now on a row is the value of its first column. */
  pluck(): this;
  /** From now on a row is an array. */
  raw(): this;
}

/** A connection. */
export interface SqliteDatabase {
  readonly inTransaction: boolean;
  prepare<Row = unknown>(sql: string): SqliteStatement<Row>;
  exec(sql: string): unknown;
  /** With `simple`, the first column of the first row. */
  pragma(text: string, options: { readonly simple: true }): unknown;
  close(): unknown;
}

/** The module better-sqlite3. */
export type SqliteModule = new (
  file: string | Uint8Array,
  options: { readonly readonly: boolean; readonly fileMustExist: boolean; readonly timeout: number },
) => SqliteDatabase;
