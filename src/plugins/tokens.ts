import type { EventStore } from '../base/history/event-store.js';
import type {
  AccessPolicy,
  Clock,
  Hash,
  Ids,
  Log,
  Random,
  Readings,
  SecretProvider,
  SyncBridge,
} from '../base/ports.js';
import { token } from './token.js';
import type { Traces } from './traces.js';
import type { WorkerMeter } from './worker-meter.js';

/** The ports of the kernel, as tokens: a plugin that provides one replaces the runtime's own binding. An option beats a plugin. */
export const CLOCK = token<Clock>('CLOCK');
export const IDS = token<Ids>('IDS');
export const RANDOM = token<Random>('RANDOM');
export const LOG = token<Log>('LOG');
export const HASH = token<Hash>('HASH');
export const SECRET_PROVIDER = token<SecretProvider>('SECRET_PROVIDER');
export const ACCESS_POLICY = token<AccessPolicy>('ACCESS_POLICY');
export const READINGS = token<Readings>('READINGS');
/** What LocalRuntime performs module nodes through. Whoever provides it closes it. */
export const SYNC_BRIDGE = token<SyncBridge>('SYNC_BRIDGE');
/** Where the events of runs are kept. Whoever provides it opens and closes it. */
export const EVENT_STORE = token<EventStore>('EVENT_STORE');
/** The spans of runs, where they are traced. */
export const TRACES = token<Traces>('TRACES');
/** What measures worker processes, where somebody does. */
export const WORKER_METER = token<WorkerMeter>('WORKER_METER');
