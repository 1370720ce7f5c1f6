import type { EventStore } from '../../base/history/event-store.js';
import { definePlugin, type SyncPlugin } from '../plugin.js';
import { EVENT_STORE } from '../tokens.js';
import { MemoryEventStore } from './memory-event-store.js';
import { SqliteEventStore } from './sqlite-event-store.js';
import type { SqliteEventStoreOptions } from './sqlite-options.js';

/**
 * Records runs in a file of SQLite; see `SqliteEventStore`. Provides it as `EVENT_STORE`. One plugin may serve several runtimes of
 * a process: the store is opened with the first and closed with the last.
 *
 * @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION
 */
export function sqliteEventStore(options: SqliteEventStoreOptions): SyncPlugin {
  return storePlugin(new SqliteEventStore(options));
}

/** Records runs in memory; see `MemoryEventStore`. Provides it as `EVENT_STORE`. One plugin may serve several runtimes. */
export function memoryEventStore(): SyncPlugin {
  return storePlugin(new MemoryEventStore());
}

function storePlugin(store: EventStore): SyncPlugin {
  let users = 0;
  return definePlugin({
    name: 'event-store',
    provides: [EVENT_STORE],
    setup: (scope) => scope.provide(EVENT_STORE, store),
    start: () => {
      store.open();
      users++;
    },
    stop: () => {
      users--;
      if (users === 0) store.close();
    },
  });
}
