import {
  type BreakerOptions,
  type CacheOptions,
  checkBreaker,
  checkCache,
  checkLimit,
  frozenCopy,
  type LimitOptions,
  VALIDATION_LEVELS,
  type ValidationLevel,
} from './capability-options.js';
import { DURABILITIES, type Durability } from './history/event-store.js';
import { checkCount, checkDuration, checkFlag, checkRange, checkWord, knownFields, refuse } from './option-checks.js';
import { isRecord } from './record.js';
import type { Backoff, JoinRule, RetryData } from './workflow-data.js';

/** What an error is compared with: a code, an error class, or a predicate on the original error. */
export type ErrorMatcher = string | (new (...args: never[]) => Error) | ((error: unknown) => boolean);

/** When and how often a failed attempt is tried again. The only automatic retry in the system. */
export interface RetryOptions {
  /** Attempts in all, the first included. A whole number, at least 1. Default 1. */
  readonly attempts?: number;
  /**
   * How the wait grows: `fixed` d d d, `linear` d 2d 3d, `exponential` d 2d 4d, or a strategy that was registered with the
   * runtime. Default `exponential`.
   */
  readonly backoff?: Backoff;
  /** The first wait, in milliseconds. Default 0. */
  readonly delayMs?: number;
  /** The longest wait, in milliseconds. Default 60,000. */
  readonly maxDelayMs?: number;
  /** The share of the wait that is random, 0 to 1: the wait lies in [(1 - jitter) d, d]. Default 0. */
  readonly jitter?: number;
  /** Attempts that may be lost in crashes before the visit fails with LOST_TOO_OFTEN. Default 3. */
  readonly maxLost?: number;
  /** Retry only errors that one of these matches. Default: every error. */
  readonly retryOn?: readonly ErrorMatcher[];
  /** Never retry errors that one of these matches. Default: none. */
  readonly dontRetryOn?: readonly ErrorMatcher[];
}

/** How a node is called beside what it computes; given in its definition, replaced one by one where it is used. */
export interface NodeCapabilities {
  /** Default: that of its executor, then that of the runtime, then one attempt. */
  readonly retry?: RetryOptions;
  /**
   * How many of its attempts may run, over all runs of a runtime: in a definition, those of all nodes that use it; where it is used,
   * those of that node. Default: that of its executor, then that of the runtime, then none.
   */
  readonly limit?: LimitOptions;
  /**
   * When it is left alone because it keeps failing: in a definition, all nodes that use it together; where it is used, that node.
   * Default: that of its executor, then that of the runtime, then never.
   */
  readonly breaker?: BreakerOptions;
  /** Its outputs are kept and given again for the same inputs. Not for nodes with state or secrets. Default: never. */
  readonly cache?: CacheOptions;
  /** How strictly its contracts are treated. Default: that of its executor, then that of the runtime. */
  readonly validation?: ValidationLevel;
  /** `false`: neither metrics nor analytics count its attempts. Default: that of its executor, then that of the runtime, then `true`. */
  readonly metrics?: boolean;
  /** What the record of its attempts survives, where a store is bound. Default: that of its executor, then that of the runtime. */
  readonly durability?: Durability;
  /** An attempt that takes longer fails with ATTEMPT_TIMEOUT. Milliseconds, finite, > 0. Default: none. */
  readonly timeoutMs?: number;
  /** An attempt that takes longer has its signal aborted and adds a warning. Less than `timeoutMs` and `totalTimeoutMs`. Default: none. */
  readonly softTimeoutMs?: number;
  /** All attempts of one visit and the waits between them. A retry that would pass it fails with NODE_TIMEOUT. Default: none. */
  readonly totalTimeoutMs?: number;
}

/** A subject that a node can wait for: the handle of a node, switch or cycle, or its id. */
export type Subject = string | { readonly id: string };

/** What can be said of a node where it is used in a workflow. */
export interface UseOptions extends NodeCapabilities {
  /** Subjects that must have settled before the node starts; no data is taken from them. */
  readonly after?: Subject | readonly Subject[];
  /** How sources that are not live are treated. Default `required`. */
  readonly join?: JoinRule;
}

/** The names of the options of a retry. */
export const RETRY_FIELDS: readonly string[] = [
  'attempts',
  'backoff',
  'delayMs',
  'maxDelayMs',
  'jitter',
  'maxLost',
  'retryOn',
  'dontRetryOn',
];
/** Capabilities that are plain data, and no part of a workflow's hash. */
export const OPERATIONAL = ['limit', 'breaker', 'cache', 'validation', 'metrics', 'durability'] as const;
/** The names of capabilities. */
export const CAPABILITY_FIELDS: readonly string[] = [
  ...['retry', 'timeoutMs', 'softTimeoutMs', 'totalTimeoutMs'],
  ...OPERATIONAL,
];
/** The names of what can be said of a node where it is used. */
export const USE_FIELDS: readonly string[] = ['after', 'join', ...CAPABILITY_FIELDS];
const JOIN_RULES: readonly JoinRule[] = ['required', 'all', 'any', 'always'];
const BACKOFFS = ['fixed', 'linear', 'exponential'];

/** The defaults of a retry capability. */
export const RETRY_DEFAULTS: RetryData = {
  attempts: 1,
  backoff: 'exponential',
  delayMs: 0,
  maxDelayMs: 60_000,
  jitter: 0,
  maxLost: 3,
};

/** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkRetry(retry: RetryOptions, at: string): void {
  knownFields(retry, RETRY_FIELDS, at);
  checkCount(retry.attempts, 1, `${at}.attempts`);
  checkCount(retry.maxLost, 0, `${at}.maxLost`);
  checkBackoff(retry.backoff, `${at}.backoff`);
  checkRange(retry.delayMs, 0, Number.MAX_SAFE_INTEGER, `${at}.delayMs`);
  checkRange(retry.maxDelayMs, 0, Number.MAX_SAFE_INTEGER, `${at}.maxDelayMs`);
  checkRange(retry.jitter, 0, 1, `${at}.jitter`);
  checkMatchers(retry.retryOn, `${at}.retryOn`);
  checkMatchers(retry.dontRetryOn, `${at}.dontRetryOn`);
}

function checkBackoff(backoff: Backoff | undefined, at: string): void {
  if (backoff === undefined || (BACKOFFS as readonly unknown[]).includes(backoff)) return;
  if (!isRecord(backoff)) {
    const words = BACKOFFS.map((word) => `"${word}"`).join(', ');
    refuse(at, `must be one of ${words}, or { strategy: name } for one that was registered`, backoff);
  }
  knownFields(backoff, ['strategy'], at);
  if (typeof backoff.strategy !== 'string' || backoff.strategy === '')
    refuse(`${at}.strategy`, 'must be the name of a registered strategy', backoff.strategy);
}

/** Checks a matcher of errors. @throws ConfigurationError INVALID_OPTION */
export function checkMatcher(matcher: ErrorMatcher, at: string): void {
  if (typeof matcher === 'string' || typeof matcher === 'function') return;
  refuse(at, 'must be a code, an error class or a predicate', matcher);
}

function checkMatchers(matchers: readonly ErrorMatcher[] | undefined, at: string): void {
  const fits = (matcher: unknown): boolean => typeof matcher === 'string' || typeof matcher === 'function';
  if (matchers === undefined || (Array.isArray(matchers) && matchers.every(fits))) return;
  refuse(at, 'must be an array of codes, error classes and predicates', matchers);
}

/** Checks that a soft limit passes before a hard one does. @throws ConfigurationError INVALID_OPTION */
export function checkSoftLimit({ softTimeoutMs, ...hard }: NodeCapabilities, at: string): void {
  if (softTimeoutMs === undefined) return;
  for (const name of ['timeoutMs', 'totalTimeoutMs'] as const) {
    const limit = hard[name];
    if (limit !== undefined && softTimeoutMs >= limit)
      refuse(`${at}.softTimeoutMs`, `must be less than ${name} (${limit})`, softTimeoutMs);
  }
}

/** Checks limits and repetition. @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkCapabilities(options: NodeCapabilities, at: string): void {
  checkDuration(options.timeoutMs, `${at}.timeoutMs`);
  checkDuration(options.softTimeoutMs, `${at}.softTimeoutMs`);
  checkDuration(options.totalTimeoutMs, `${at}.totalTimeoutMs`);
  checkSoftLimit(options, at);
  if (options.retry !== undefined) checkRetry(options.retry, `${at}.retry`);
  if (options.limit !== undefined) checkLimit(options.limit, `${at}.limit`);
  if (options.breaker !== undefined) checkBreaker(options.breaker, `${at}.breaker`);
  if (options.cache !== undefined) checkCache(options.cache, `${at}.cache`);
  checkWord(options.validation, VALIDATION_LEVELS, `${at}.validation`);
  checkFlag(options.metrics, `${at}.metrics`);
  checkWord(options.durability, DURABILITIES, `${at}.durability`);
}

/** The capabilities among some options, as a copy that nobody can change. Matchers stay what they are. */
export function frozenCapabilities(options: NodeCapabilities): NodeCapabilities {
  return frozenCopy(Object.fromEntries(Object.entries(options).filter(([name]) => CAPABILITY_FIELDS.includes(name))));
}

function checkSubjects(after: UseOptions['after'], at: string): void {
  if (after === undefined) return;
  for (const subject of [after].flat() as readonly Subject[]) {
    if (typeof subject === 'string' || typeof subject?.id === 'string') continue;
    refuse(`${at}.after`, 'takes handles or ids of nodes, switches and cycles', subject);
  }
}

/** Checks what is said of a node where it is used. */
export function checkUseOptions(options: UseOptions, at: string): void {
  knownFields(options, USE_FIELDS, at);
  checkWord(options.join, JOIN_RULES, `${at}.join`);
  checkSubjects(options.after, at);
  checkCapabilities(options, at);
}

/** A retry capability as data, defaults filled in. */
export function retryData(retry: RetryOptions): RetryData {
  return {
    attempts: retry.attempts ?? RETRY_DEFAULTS.attempts,
    backoff: retry.backoff ?? RETRY_DEFAULTS.backoff,
    delayMs: retry.delayMs ?? RETRY_DEFAULTS.delayMs,
    maxDelayMs: retry.maxDelayMs ?? RETRY_DEFAULTS.maxDelayMs,
    jitter: retry.jitter ?? RETRY_DEFAULTS.jitter,
    maxLost: retry.maxLost ?? RETRY_DEFAULTS.maxLost,
  };
}
