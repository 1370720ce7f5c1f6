import { AttemptError, LockstepError } from '../../base/errors.js';
import type { ErrorMatcher, RetryOptions } from '../../base/node-options.js';
import type { Random } from '../../base/ports.js';
import { isThenable } from '../../base/schema.js';
import type { RetryData } from '../../base/workflow-data.js';

/** Codes that no policy retries: trying again cannot change them. */
const NEVER_RETRIED: ReadonlySet<string> = new Set([
  'INPUT_INVALID',
  'INPUT_MISSING',
  'INPUT_CONFLICT',
  'OUTPUT_MISSING',
  'NOT_A_LIST',
  'SCHEMA_ASYNC',
  'SCHEMA_THREW',
  'CONTRACT_VIOLATED',
  'NODE_RETURNED_PROMISE',
  'NODE_TIMEOUT',
  'NEVER_SETTLED',
  'SECRET_UNDECLARED',
  'STATE_UNDECLARED',
  'MODULE_FAILED',
  'EXPORT_MISSING',
  'EXPORT_NOT_FUNCTION',
  'VALUE_NOT_CLONEABLE',
]);

/** Codes of outputs that do not fit: retried only where `retryOn` names the code, as for a model that answers differently each time. */
const RETRIED_WHEN_NAMED: ReadonlySet<string> = new Set([
  'OUTPUT_INVALID',
  'OUTPUT_UNKNOWN',
  'NODE_RETURNED_NOTHING',
  'STATE_INVALID',
]);

function isErrorClass(matcher: ErrorMatcher): matcher is new (...args: never[]) => Error {
  return typeof matcher === 'function' && (matcher === (Error as unknown) || matcher.prototype instanceof Error);
}

function matches(matcher: ErrorMatcher, error: unknown): boolean {
  if (typeof matcher === 'string')
    return typeof error === 'object' && error !== null && 'code' in error && error.code === matcher;
  if (isErrorClass(matcher)) return error instanceof matcher;
  const answer: unknown = matcher(error);
  if (typeof answer === 'boolean') return answer;
  if (isThenable(answer)) answer.then(undefined, () => undefined);
  throw new TypeError(`a predicate answered a ${typeof answer}, not a boolean`);
}

/**
 * Whether an error may be retried at all: never one of the kernel's verdicts on inputs, a verdict on outputs only where
 * `retryOn` names its code, never what `dontRetryOn` matches, and
 * only what `retryOn` matches where it is given. Both see the original error.
 *
 * @throws AttemptError STRATEGY_THREW when a predicate throws
 */
export function mayRetry(error: unknown, options: RetryOptions): boolean {
  if (error instanceof LockstepError) {
    if (NEVER_RETRIED.has(error.code)) return false;
    if (RETRIED_WHEN_NAMED.has(error.code) && !options.retryOn?.includes(error.code)) return false;
  }
  try {
    if (options.dontRetryOn?.some((matcher) => matches(matcher, error))) return false;
    return options.retryOn === undefined || options.retryOn.some((matcher) => matches(matcher, error));
  } catch (cause) {
    throw new AttemptError('STRATEGY_THREW', 'A predicate of retryOn or dontRetryOn threw.', { cause });
  }
}

/**
 * The wait before the next attempt, in milliseconds.
 *
 * @param failures failed attempts of this visit so far, at least 1
 * @param key what the jitter depends on: run, scope, node, visit and attempt, so that completion order never changes it
 */
export function backoffDelay(retry: RetryData, failures: number, random: Random, key: string): number {
  const { backoff, delayMs, maxDelayMs, jitter } = retry;
  const factor = backoff === 'fixed' ? 1 : backoff === 'linear' ? failures : 2 ** (failures - 1);
  const wait = Math.min(delayMs * factor, maxDelayMs);
  return jitter === 0 || wait === 0 ? wait : wait * (1 - jitter * random.keyed(key));
}
