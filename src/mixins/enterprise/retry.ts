import { AttemptError, LockstepError } from '../../base/errors.js';
import type { ErrorMatcher, RetryOptions } from '../../base/node-options.js';
import { NEVER_RETRIED, RETRIED_WHEN_NAMED } from './error-codes.js';
import { ignorePromise } from './ignore-promise.js';

function isErrorClass(matcher: Exclude<ErrorMatcher, string>): matcher is new (...args: never[]) => Error {
  return matcher === Error || matcher.prototype instanceof Error;
}

/** Whether something can be said of what was thrown: of a proxy that throws when it is looked at, nothing can. */
function reads(look: () => boolean): boolean {
  try {
    return look();
  } catch {
    return false;
  }
}

function matches(matcher: ErrorMatcher, error: unknown): boolean {
  if (typeof matcher === 'string') return reads(() => (error as { readonly code?: unknown }).code === matcher);
  if (isErrorClass(matcher)) return reads(() => error instanceof matcher);
  const answer: unknown = matcher(error);
  if (typeof answer === 'boolean') return answer;
  ignorePromise(answer);
  throw new TypeError(`a predicate answered a ${typeof answer}, not a boolean`);
}

/**
 * Whether an error may be retried at all: never one of the kernel's verdicts on inputs, a verdict on outputs only where
 * `retryOn` or the runtime names its code, never what `dontRetryOn` matches, and only what `retryOn` matches where it is given, or what the
 * runtime retries beside it. All see the original error.
 *
 * @throws AttemptError STRATEGY_THREW when a predicate throws
 */
export function mayRetry(error: unknown, options: RetryOptions, beside: readonly ErrorMatcher[]): boolean {
  if (reads(() => error instanceof LockstepError)) {
    const { code } = error as LockstepError;
    if (NEVER_RETRIED.has(code)) return false;
    if (RETRIED_WHEN_NAMED.has(code) && ![...(options.retryOn ?? []), ...beside].includes(code)) return false;
  }
  try {
    if (options.dontRetryOn?.some((matcher) => matches(matcher, error))) return false;
    return options.retryOn === undefined || [...options.retryOn, ...beside].some((matcher) => matches(matcher, error));
  } catch (cause) {
    throw new AttemptError('STRATEGY_THREW', 'A predicate of retryOn or dontRetryOn threw.', { cause });
  }
}
