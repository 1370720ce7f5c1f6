import type { RateOptions } from '../../base/capability-options.js';

/**
 * A token bucket: tokens come at an even pace, and what is not used is kept up to the burst. Tokens are promised ahead of time
 * and used when their time has come; one that is used late takes the place of a later one, so that what was held up is not
 * followed by a crowd: in no time `t` are more than the burst and `t` divided by the pace used.
 *
 * Source: ITU-T I.371 (2004), the generic cell rate algorithm in its virtual scheduling form, once for promises and once for uses.
 */
export class RateBucket {
  /** Milliseconds between two tokens. */
  readonly #intervalMs: number;
  /** How much earlier than evenly spaced a token may come: the burst without its first. Milliseconds. */
  readonly #slackMs: number;
  /** When it is full again if every promised token is used in time: the theoretical arrival time. */
  #promisedUntil = Number.NEGATIVE_INFINITY;
  /** The same for tokens that have been used. */
  #usedUntil = Number.NEGATIVE_INFINITY;
  #now = Number.NEGATIVE_INFINITY;

  constructor({ count, perMs, burst }: RateOptions) {
    this.#intervalMs = perMs / count;
    this.#slackMs = ((burst ?? count) - 1) * this.#intervalMs;
  }

  /** When the next token that has not been promised is there; `time` when there is one now. */
  nextAt(time: number): number {
    const now = this.#at(time);
    return Math.max(this.#promisedUntil - this.#slackMs, this.#usedUntil - this.#slackMs, now);
  }

  /** Promises the next token. Returns when it is there. */
  promise(time: number): number {
    const at = this.nextAt(time);
    this.#promisedUntil = Math.max(this.#promisedUntil, this.#usedUntil, this.#now) + this.#intervalMs;
    return at;
  }

  /** Takes the last promise back. */
  takeBack(): void {
    this.#promisedUntil -= this.#intervalMs;
  }

  /** When a promised token may be used: at once, unless tokens were used late. */
  usableAt(time: number): number {
    return Math.max(this.#usedUntil - this.#slackMs, this.#at(time));
  }

  /** Uses a token that was promised and may be used. */
  use(time: number): void {
    this.#usedUntil = Math.max(this.#usedUntil, this.#at(time)) + this.#intervalMs;
  }

  /** Whether it is full: nothing would be lost if it were forgotten. */
  isFull(time: number): boolean {
    return this.#at(time) >= Math.max(this.#promisedUntil, this.#usedUntil);
  }

  /** A clock that goes backwards brings no tokens, and takes none. */
  #at(time: number): number {
    this.#now = Math.max(this.#now, time);
    return this.#now;
  }
}
