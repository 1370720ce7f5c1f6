import type { RateOptions } from '../../base/capability-options.js';

/**
 * A token bucket: tokens come at an even pace, and what is not used is kept up to the burst. Tokens are promised ahead of time,
 * in the order in which they are asked for.
 *
 * Source: ITU-T I.371 (2004), the generic cell rate algorithm in its virtual scheduling form.
 */
export class RateBucket {
  /** Milliseconds between two tokens. */
  readonly #intervalMs: number;
  readonly #burst: number;
  /** When the bucket would be full again: the theoretical arrival time. */
  #fullAt = Number.NEGATIVE_INFINITY;
  #now = Number.NEGATIVE_INFINITY;

  constructor({ count, perMs, burst }: RateOptions) {
    this.#intervalMs = perMs / count;
    this.#burst = burst ?? count;
  }

  /** When the next token is there, in the unit of `time`; not later than `time` when one is there now. */
  nextAt(time: number): number {
    const now = this.#at(time);
    return Math.max(this.#fullAt, now) - (this.#burst - 1) * this.#intervalMs;
  }

  /** Takes the next token, which may be there only later. Returns when it is. */
  take(time: number): number {
    const at = Math.max(this.nextAt(time), this.#now);
    this.#fullAt = Math.max(this.#fullAt, this.#now) + this.#intervalMs;
    return at;
  }

  /** Whether it is full: nothing would be lost if it were forgotten. */
  isFull(time: number): boolean {
    return this.#at(time) >= this.#fullAt;
  }

  /** A clock that goes backwards brings no tokens, and takes none. */
  #at(time: number): number {
    this.#now = Math.max(this.#now, time);
    return this.#now;
  }
}
