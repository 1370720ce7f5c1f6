import { BREAKER_DEFAULTS, type BreakerOptions } from '../../base/capability-options.js';

/** Counts how attempts end while a breaker is closed, and says when it has seen enough. */
export interface BreakerStrategy {
  /** Counts one. `true` when the breaker is to open. */
  note(succeeded: boolean): boolean;
  /** Starts anew. */
  clear(): void;
  /** Failures that count at this moment. */
  readonly failures: number;
  /** Whether a new one would say the same of whatever comes. */
  readonly isEmpty: boolean;
  /** Why it opens, in words. */
  readonly reason: string;
}

/** So many of something, in words. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Opens after so many failures in a row. */
export class ConsecutiveFailures implements BreakerStrategy {
  readonly #most: number;
  failures = 0;

  constructor(most: number) {
    this.#most = most;
  }

  note(succeeded: boolean): boolean {
    this.failures = succeeded ? 0 : this.failures + 1;
    return this.failures >= this.#most;
  }

  clear(): void {
    this.failures = 0;
  }

  get isEmpty(): boolean {
    return this.failures === 0;
  }

  get reason(): string {
    return `${counted(this.failures, 'failure')} in a row`;
  }
}

/** Opens once the share of failures among the last attempts is as high as allowed, and there were as many attempts. */
export class FailureShare implements BreakerStrategy {
  readonly #share: number;
  readonly #size: number;
  /** The last outcomes, as a ring. */
  #failed: boolean[] = [];
  #next = 0;
  failures = 0;

  constructor(share: number, size: number) {
    this.#share = share;
    this.#size = size;
  }

  note(succeeded: boolean): boolean {
    if (this.#failed[this.#next] === true) this.failures--;
    this.#failed[this.#next] = !succeeded;
    if (!succeeded) this.failures++;
    this.#next = (this.#next + 1) % this.#size;
    return this.#failed.length >= this.#size && this.failures / this.#size >= this.#share;
  }

  clear(): void {
    this.#failed = [];
    this.#next = 0;
    this.failures = 0;
  }

  get isEmpty(): boolean {
    return this.#failed.length === 0;
  }

  get reason(): string {
    return `${counted(this.failures, 'failure')} among the last ${counted(this.#failed.length, 'attempt')}`;
  }
}

/** The strategy that a breaker's options name. */
export function breakerStrategy({ failures, rate, windowSize }: BreakerOptions): BreakerStrategy {
  return rate === undefined
    ? new ConsecutiveFailures(failures ?? BREAKER_DEFAULTS.failures)
    : new FailureShare(rate, windowSize ?? BREAKER_DEFAULTS.windowSize);
}
