import type { EventStore } from '../base/history/event-store.js';
import { SqliteEventStore } from '../plugins/event-store/index.js';
import { requireFile } from './load/files.js';

/**
 * Reads a store: opens it for reading only, which disturbs nobody who writes, and closes it afterwards.
 *
 * @throws LockstepError FILE_UNREADABLE where there is no such file, and what opening and reading a store throws
 */
export function readStore<T>(file: string, read: (store: EventStore) => T): T {
  requireFile(file);
  const store = new SqliteEventStore({ file, readOnly: true });
  try {
    store.open();
    return read(store);
  } finally {
    store.close();
  }
}
