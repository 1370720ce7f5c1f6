import { didYouMean } from '../../base/did-you-mean.js';
import { AttemptError, ConfigurationError } from '../../base/errors.js';
import { checkMatcher, type ErrorMatcher } from '../../base/node-options.js';
import type { Random } from '../../base/ports.js';
import type { RetryData } from '../../base/workflow-data.js';
import { ignorePromise } from './ignore-promise.js';

/** What a strategy is told. */
export interface RetryFailure {
  /** Failed attempts of this visit so far, at least 1. */
  readonly failures: number;
  /** The first wait of the policy, in milliseconds. */
  readonly delayMs: number;
  /** The longest wait of the policy, in milliseconds. */
  readonly maxDelayMs: number;
  /** What the attempt threw. */
  readonly error: unknown;
}

/** How long to wait before the next attempt, in milliseconds, finite and at least 0. Longer than `maxDelayMs` counts as that. */
export type RetryStrategy = (failure: RetryFailure) => number;

/** Twice as often is infinite, and infinitely often nothing is not a number. */
const LARGEST_EXPONENT = 1_023;

const BUILT_IN: Readonly<Record<string, RetryStrategy>> = {
  fixed: ({ delayMs }) => delayMs,
  linear: ({ delayMs, failures }) => delayMs * failures,
  exponential: ({ delayMs, failures }) => delayMs * 2 ** Math.min(failures - 1, LARGEST_EXPONENT),
};

/** How waits grow, and which errors are retried beside those that policies name. One for each runtime. */
export class RetryPolicyEngine {
  readonly #strategies = new Map<string, RetryStrategy>(Object.entries(BUILT_IN));
  readonly #retriable: ErrorMatcher[] = [];

  /** The names of all strategies, built-in ones first. */
  get strategies(): readonly string[] {
    return [...this.#strategies.keys()];
  }

  /** What is retried although the `retryOn` of a policy does not name it. */
  get retriable(): readonly ErrorMatcher[] {
    return [...this.#retriable];
  }

  /** @internal @throws ConfigurationError INVALID_OPTION */
  register(name: string, strategy: RetryStrategy): void {
    const refuse = (what: string, value: unknown): never => {
      throw new ConfigurationError('INVALID_OPTION', what, { at: 'registerRetryStrategy', value });
    };
    if (typeof name !== 'string' || name === '') refuse('The name of a strategy is a non-empty string.', name);
    if (typeof strategy !== 'function') refuse(`Strategy "${name}" is not a function.`, strategy);
    if (Object.hasOwn(BUILT_IN, name)) refuse(`Strategy "${name}" is built in and cannot be replaced.`, name);
    this.#strategies.set(name, strategy);
  }

  /** @internal @throws ConfigurationError INVALID_OPTION */
  addRetriable(matcher: ErrorMatcher): void {
    checkMatcher(matcher, 'addRetriableException');
    if (!this.#retriable.includes(matcher)) this.#retriable.push(matcher);
  }

  /** What is wrong with a strategy's name: a sentence, or nothing. */
  unknown(name: string): string | undefined {
    if (this.#strategies.has(name)) return undefined;
    return `There is no retry strategy "${name}". ${didYouMean(name, this.strategies)}`;
  }

  /**
   * The wait that a policy asks for, in milliseconds, jitter included.
   *
   * @param key what the jitter depends on: run, scope, node, visit and attempt, so that completion order never changes it
   * @throws AttemptError STRATEGY_THREW, UNKNOWN_STRATEGY
   */
  waitOf(policy: RetryData, failures: number, error: unknown, random: Random, key: string): number {
    const { backoff, delayMs, maxDelayMs, jitter } = policy;
    const name = typeof backoff === 'string' ? backoff : backoff.strategy;
    const strategy = this.#strategies.get(name);
    if (strategy === undefined)
      throw new AttemptError('UNKNOWN_STRATEGY', this.unknown(name) as string, { value: name });
    const wait = Math.min(asked(name, strategy, { failures, delayMs, maxDelayMs, error }), maxDelayMs);
    return jitter === 0 || wait === 0 ? wait : wait * (1 - jitter * random.keyed(key));
  }
}

function asked(name: string, strategy: RetryStrategy, failure: RetryFailure): number {
  let wait: unknown;
  try {
    wait = strategy(failure);
  } catch (cause) {
    throw new AttemptError('STRATEGY_THREW', `Retry strategy "${name}" threw.`, { at: name, cause });
  }
  if (typeof wait === 'number' && wait >= 0) return wait; // infinity is the longest wait
  ignorePromise(wait);
  throw new AttemptError('STRATEGY_THREW', `Retry strategy "${name}" answered no number of milliseconds.`, {
    at: name,
    value: wait,
  });
}
