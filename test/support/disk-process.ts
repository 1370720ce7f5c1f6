import { openSync, writeSync } from 'node:fs';
import { SqliteEventStore } from '../../src/plugins/event-store/index.js';
import { type DiskOrder, diskCommits, WAL_BYTES } from './disk-events.js';
import { Sqlite } from './sqlite-connection.js';

/**
 * A program: commits to a store, and writes down each receipt.
 *
 * Usage: node disk-process.js ORDER, as JSON
 */
const { file, receipts, mode } = JSON.parse(process.argv[2] ?? '') as DiskOrder;
if (mode === 'off') neverSync();
const told = openSync(receipts, 'a');
const store = new SqliteEventStore({ file, walBytes: WAL_BYTES });
store.open();
for (const commit of diskCommits(mode)) {
  if (commit === undefined) {
    store.close();
    store.open();
    continue;
  }
  const { durability } = store.append(commit.batches, commit.durability);
  const events = commit.batches.map(({ runId, events: added }) => `${runId} ${(added.at(-1)?.seq ?? 0) + 1}`);
  writeSync(told, `${events.map((each) => `${each} ${durability}\n`).join('')}`);
}
store.close();

/** SQLite waits for no disk, and says that it does: as a disk that lies, or a setting that somebody forgot. */
function neverSync(): void {
  const { exec, pragma } = Sqlite.prototype;
  let asked = 2;
  Sqlite.prototype.exec = function lying(sql: string) {
    asked = Number(/synchronous = (\d)/.exec(sql)?.[1] ?? asked);
    return exec.call(this, sql.replace(/synchronous = \d/, 'synchronous = OFF'));
  };
  Sqlite.prototype.pragma = function lying(text: string, options: { readonly simple: true }) {
    if (text === 'synchronous') return asked;
    if (text === 'application_id') exec.call(this, 'PRAGMA synchronous = OFF'); // what a store asks first of a connection
    return pragma.call(this, text, options);
  };
}
