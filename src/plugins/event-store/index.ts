export {
  type CommitReceipt,
  DURABILITIES,
  type Durability,
  type EventBatch,
  type EventRange,
  type EventStore,
  type IntegrityProblem,
  type IntegrityReport,
  type PruneReport,
  type Retention,
  type RunHeader,
  type RunQuery,
  type RunRecord,
  type StoredBlob,
  type StoredEvent,
  type StoredSnapshot,
  type StoredWorkflow,
  type StoreHealth,
} from '../../base/history/event-store.js';
export { EVENT_STORE } from '../tokens.js';
export { type FsyncFloor, fsyncFloor } from './fsync-floor.js';
export { MemoryEventStore } from './memory-event-store.js';
export { SqliteEventStore } from './sqlite-event-store.js';
export type { SqliteEventStoreOptions } from './sqlite-options.js';
export { sqliteEventStore } from './sqlite-store-plugin.js';
export { memoryEventStore } from './store-plugin.js';
