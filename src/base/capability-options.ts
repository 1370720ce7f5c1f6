import { checkCount, checkDuration, checkRange, checkWord, knownFields, refuse } from './option-checks.js';
import { isRecord } from './record.js';

/**
 * Capabilities that govern when a node is called and what is remembered of it, never what it computes: they are plain data, are
 * written in documents, and are not part of a workflow's hash.
 */

/** How strictly contracts, unmatched names and unprovable fan-in are treated. Input schemas are always applied. */
export type ValidationLevel = 'off' | 'warn' | 'strict';

/** What becomes of an attempt for which there is no room: it fails, waits in a bounded queue, or waits. */
export type WhenFull = 'reject' | 'queue' | 'defer';

/** How many attempts may start in a time: a token bucket. */
export interface RateOptions {
  /** Attempts in each period. A whole number, at least 1. */
  readonly count: number;
  /** The period, in milliseconds. */
  readonly perMs: number;
  /** Attempts that may start at once after a pause. A whole number, at least 1. Default: `count`. */
  readonly burst?: number;
}

/** How many attempts may be in flight at once, or start in a time, over all runs of a runtime. Names at least one of the two. */
export interface LimitOptions {
  /** Attempts in flight at once. A whole number, at least 1. Default: no limit. */
  readonly maxConcurrency?: number;
  /** Attempts that start in a time. Default: no limit. */
  readonly rate?: RateOptions;
  /**
   * A field of the run's context, such as `tenant`: each of its values has a limit of its own; runs without it share one, and so
   * do objects and the like. Default: one limit for all.
   */
  readonly per?: string;
  /** Default `defer`. */
  readonly whenFull?: WhenFull;
  /** With `queue`: attempts that wait at once; one more fails with QUEUE_FULL. Default 1,024. */
  readonly maxQueued?: number;
  /**
   * With `queue`: how long an attempt waits before it fails with QUEUE_TIMEOUT, in milliseconds; one whose turn under a rate
   * would come later fails at once. Default: no limit.
   */
  readonly maxQueueMs?: number;
}

/** When an executor that keeps failing is left alone for a while. */
export interface BreakerOptions {
  /** Consecutive failures that open it. A whole number, at least 1. Default 5. Not beside `rate`. */
  readonly failures?: number;
  /** The share of failures among the last `windowSize` attempts that opens it, above 0, at most 1. Default: consecutive failures count. */
  readonly rate?: number;
  /** With `rate`: how many attempts are looked at; it opens only once there were as many. A whole number, at least 1. Default 20. */
  readonly windowSize?: number;
  /** How long it stays open before an attempt is let through as a probe, in milliseconds. Default 60,000. */
  readonly openMs?: number;
  /** Probes in a row that must succeed to close it. A whole number, at least 1. Default 3. */
  readonly successes?: number;
}

/** Outputs are kept and given again for the same inputs, without calling the node. */
export interface CacheOptions {
  /** How long an output is kept, in milliseconds. Default: until it is the one that was used longest ago. */
  readonly ttlMs?: number;
}

/** The levels of validation. */
export const VALIDATION_LEVELS: readonly ValidationLevel[] = ['off', 'warn', 'strict'];

/** The defaults of a limit. */
export const LIMIT_DEFAULTS = Object.freeze({ whenFull: 'defer' as WhenFull, maxQueued: 1_024 });

/** The defaults of a breaker. */
export const BREAKER_DEFAULTS = Object.freeze({ failures: 5, windowSize: 20, openMs: 60_000, successes: 3 });

/** The names of the options of a limit. */
export const LIMIT_FIELDS: readonly string[] = ['maxConcurrency', 'rate', 'per', 'whenFull', 'maxQueued', 'maxQueueMs'];
/** The names of the options of a rate. */
export const RATE_FIELDS: readonly string[] = ['count', 'perMs', 'burst'];
/** The names of the options of a breaker. */
export const BREAKER_FIELDS = [
  'failures',
  'rate',
  'windowSize',
  'openMs',
  'successes',
] as const satisfies readonly (keyof BreakerOptions)[];
/** The names of the options of a cache. */
export const CACHE_FIELDS: readonly string[] = ['ttlMs'];

function checkRate(rate: RateOptions, at: string): void {
  knownFields(rate, RATE_FIELDS, at);
  if (rate.count === undefined) refuse(at, 'needs count', rate);
  if (rate.perMs === undefined) refuse(at, 'needs perMs', rate);
  checkCount(rate.count, 1, `${at}.count`);
  checkDuration(rate.perMs, `${at}.perMs`);
  checkCount(rate.burst, 1, `${at}.burst`);
}

/** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkLimit(limit: LimitOptions, at: string): void {
  knownFields(limit, LIMIT_FIELDS, at);
  checkCount(limit.maxConcurrency, 1, `${at}.maxConcurrency`);
  if (limit.rate !== undefined) checkRate(limit.rate, `${at}.rate`);
  if (limit.maxConcurrency === undefined && limit.rate === undefined)
    refuse(at, 'needs maxConcurrency or rate: without one it limits nothing', limit);
  if (limit.per !== undefined && (typeof limit.per !== 'string' || limit.per === ''))
    refuse(`${at}.per`, 'must be the name of a field of the context', limit.per);
  checkWord(limit.whenFull, ['reject', 'queue', 'defer'], `${at}.whenFull`);
  checkCount(limit.maxQueued, 1, `${at}.maxQueued`);
  checkDuration(limit.maxQueueMs, `${at}.maxQueueMs`);
  for (const name of ['maxQueued', 'maxQueueMs'] as const)
    if (limit[name] !== undefined && limit.whenFull !== 'queue')
      refuse(`${at}.${name}`, "goes with whenFull: 'queue' only", limit[name]);
}

/** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkBreaker(breaker: BreakerOptions, at: string): void {
  knownFields(breaker, BREAKER_FIELDS, at);
  checkCount(breaker.failures, 1, `${at}.failures`);
  if (breaker.rate === 0) refuse(`${at}.rate`, 'must be more than 0', breaker.rate);
  checkRange(breaker.rate, 0, 1, `${at}.rate`);
  checkCount(breaker.windowSize, 1, `${at}.windowSize`);
  checkDuration(breaker.openMs, `${at}.openMs`);
  checkCount(breaker.successes, 1, `${at}.successes`);
  if (breaker.failures !== undefined && breaker.rate !== undefined)
    refuse(`${at}.rate`, 'does not go with failures: the breaker counts one of the two', breaker.rate);
  if (breaker.windowSize !== undefined && breaker.rate === undefined)
    refuse(`${at}.windowSize`, 'goes with rate only', breaker.windowSize);
}

/** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkCache(cache: CacheOptions, at: string): void {
  knownFields(cache, CACHE_FIELDS, at);
  checkDuration(cache.ttlMs, `${at}.ttlMs`);
}

/** A copy that nobody can change, down to texts, numbers and functions, without what is `undefined`. */
export function frozenCopy<T>(options: T): T {
  if (Array.isArray(options)) return Object.freeze(options.map((each: unknown) => frozenCopy(each))) as T;
  if (!isRecord(options)) return options;
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.freeze(Object.fromEntries(given.map(([name, value]) => [name, frozenCopy(value)]))) as T;
}
