import type { EventStore } from '../base/history/event-store.js';
import { RecordedRuns } from '../base/history/recorded-runs.js';
import type { Log } from '../base/ports.js';
import { SqliteEventStore } from '../plugins/event-store/index.js';
import { nodeBytes } from '../runtimes/node-bytes.js';
import { nodeHash } from '../runtimes/node-ports.js';
import { requireFile, requireFolder } from './load/files.js';

function opened<T>(store: SqliteEventStore, use: (store: EventStore) => T): T {
  try {
    store.open();
    return use(store);
  } finally {
    store.close();
  }
}

/**
 * Reads a store: opens it for reading only, which disturbs nobody who writes, and closes it afterwards.
 *
 * @throws LockstepError FILE_UNREADABLE where there is no such file, and what opening and reading a store throws
 */
export function readStore<T>(file: string, read: (store: EventStore) => T): T {
  requireFile(file);
  return opened(new SqliteEventStore({ file, readOnly: true }), read);
}

/**
 * Writes to a store that is there.
 *
 * @throws LockstepError FILE_UNREADABLE where there is no such file, and what opening and writing a store throws
 */
export function changeStore<T>(file: string, change: (store: EventStore) => T): T {
  requireFile(file);
  return opened(new SqliteEventStore({ file }), change);
}

/** Writes to a store, which is made where there is none. @throws LockstepError FILE_UNWRITABLE, and what opening and writing a store throws */
export function makeStore<T>(file: string, change: (store: EventStore) => T): T {
  requireFolder(file);
  return opened(new SqliteEventStore({ file }), change);
}

/** Nobody needs to know that a snapshot was of no use: reading only takes longer. */
const SILENT: Log = { log: () => undefined };

/** The runs of a store, read without their code. */
export function runsOf(store: EventStore): RecordedRuns {
  return new RecordedRuns(store, new Map(), { hash: nodeHash, bytes: nodeBytes, log: SILENT });
}
