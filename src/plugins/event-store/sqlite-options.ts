import { resolve } from 'node:path';
import type { Retention } from '../../base/history/event-store.js';
import { checkCount, checkFlag, knownFields, refuse } from '../../base/option-checks.js';
import type { Clock } from '../../base/ports.js';
import { checkRetention } from './retention.js';

/** What a SqliteEventStore is told. */
export interface SqliteEventStoreOptions {
  /** Path of the file; it and its folder are created where they do not exist. Beside it stand `-wal`, `-shm` and `-head`. */
  readonly file: string;
  /** Only reads: needs no lease, blocks nobody, and works on a file that may not be written. Default: false. */
  readonly readOnly?: boolean;
  /** Which ended runs are kept. Applied with the first write and again after every 50 runs that ended. Default: all. */
  readonly keep?: Retention;
  /** Tells the time of leases and of retention. Default: the time of the system. */
  readonly clock?: Pick<Clock, 'now'>;
  /** Size of the write-ahead log in bytes from which it is carried over into the file; at least 65,536. Default: 16 MiB. */
  readonly walBytes?: number;
}

/** The options of a store, checked, with what was left out. */
export type SqliteSettings = Required<SqliteEventStoreOptions>;

const FIELDS = ['file', 'readOnly', 'keep', 'clock', 'walBytes'];
const DEFAULTS = { readOnly: false, keep: {}, clock: { now: () => Date.now() }, walBytes: 16 * 1024 * 1024 } as const;
const LEAST_WAL = 65_536;

/** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkSqliteOptions(options: SqliteEventStoreOptions): SqliteSettings {
  const at = 'sqliteEventStore';
  knownFields(options, FIELDS, at);
  const { file, readOnly, keep, clock, walBytes } = options;
  if (typeof file !== 'string' || file.trim() === '' || file === ':memory:')
    refuse(`${at}.file`, 'must be the path of a file; memoryEventStore() keeps runs in memory', file);
  if (file.startsWith('file:')) refuse(`${at}.file`, 'must be a path, not a URI; options say how it is opened', file);
  checkFlag(readOnly, `${at}.readOnly`);
  if (keep !== undefined) checkRetention(keep, `${at}.keep`);
  if (clock !== undefined && typeof clock?.now !== 'function')
    refuse(`${at}.clock`, 'must be a clock, with the method now', clock);
  checkCount(walBytes, LEAST_WAL, `${at}.walBytes`);
  return Object.freeze({
    file: resolve(file),
    readOnly: readOnly ?? DEFAULTS.readOnly,
    keep: Object.freeze({ ...(keep ?? DEFAULTS.keep) }),
    clock: clock ?? DEFAULTS.clock,
    walBytes: walBytes ?? DEFAULTS.walBytes,
  });
}
