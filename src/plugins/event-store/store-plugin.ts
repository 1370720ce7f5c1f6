import type { EventStore } from '../../base/history/event-store.js';
import { definePlugin, type SyncPlugin } from '../plugin.js';
import { EVENT_STORE } from '../tokens.js';
import { MemoryEventStore } from './memory-event-store.js';

/** A plugin that provides a store as `EVENT_STORE`. It is opened with the first runtime that starts it, and closed with the last. */
export function storePlugin(store: EventStore): SyncPlugin {
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

/** Records runs in memory; see `MemoryEventStore`. Provides it as `EVENT_STORE`. One plugin may serve several runtimes. */
export function memoryEventStore(): SyncPlugin {
  return storePlugin(new MemoryEventStore());
}
