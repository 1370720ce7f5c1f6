import type { SyncPlugin } from '../plugin.js';
import { SqliteEventStore } from './sqlite-event-store.js';
import type { SqliteEventStoreOptions } from './sqlite-options.js';
import { storePlugin } from './store-plugin.js';

/**
 * Records runs in a file of SQLite; see `SqliteEventStore`. Provides it as `EVENT_STORE`. One plugin may serve several runtimes of
 * a process: the store is opened with the first and closed with the last.
 *
 * @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION
 */
export function sqliteEventStore(options: SqliteEventStoreOptions): SyncPlugin {
  return storePlugin(new SqliteEventStore(options));
}
