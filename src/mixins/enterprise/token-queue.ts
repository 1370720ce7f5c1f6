import type { RateOptions } from '../../base/capability-options.js';
import { Line } from './line.js';
import { RateBucket } from './rate-bucket.js';

/** Somebody who waits for a token of a bucket. */
export interface TokenWaiter {
  /** Who it belongs to: an owner is promised one token at a time, so that owners alternate. */
  readonly owner: object;
  /** Higher ones first. A finite number. */
  readonly priority: number;
  /**
   * Called when it should ask again: it is the first of its owner now, or its token comes earlier than it was told. Of those whose token
   * comes earlier because one of them left, the next one is called at once and each further one when it is the first of all: all of them
   * at once would be as many as wait, for each that leaves.
   */
  recalled(): void;
}

/** The first of an owner, which has a promise or is about to ask for one, and who comes after it. */
interface Lane<Waiter> {
  head: Waiter;
  /** The time that the head was told last, for a token that it was promised. */
  told: number;
  readonly behind: Line<Waiter>;
}

/**
 * Those who wait for the tokens of a bucket. The first of each owner is promised a token, and with it a time: nobody has to move
 * on for another one to get its token. Higher priorities take over the earlier times of lower ones.
 */
export class TokenQueue<Waiter extends TokenWaiter> {
  readonly #bucket: RateBucket;
  readonly #lanes = new Map<object, Lane<Waiter>>();
  /** Those who have a promise, in the order in which they are served. */
  readonly #promised: Waiter[] = [];
  /** Their times, earliest first. */
  readonly #times: number[] = [];
  #waiting = 0;

  constructor(rate: RateOptions) {
    this.#bucket = new RateBucket(rate);
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Whether another waiter of the same owner comes first. */
  isBehind(waiter: Waiter): boolean {
    const head = this.#lanes.get(waiter.owner)?.head;
    return head !== undefined && head !== waiter;
  }

  /** Comes after the others of its owner, of which there are some. */
  follow(waiter: Waiter): void {
    (this.#lanes.get(waiter.owner) as Lane<Waiter>).behind.push(waiter);
    this.#waiting++;
  }

  /** When a waiter that asked now would have its token; `time` when there is one for it now. */
  nextAt(waiter: Waiter, time: number): number {
    const at = this.#times[this.#placeOf(waiter)];
    if (at === undefined) return this.#bucket.nextAt(time);
    const next = Math.max(at, this.#bucket.usableAt(time));
    const lane = this.#lanes.get(waiter.owner);
    if (lane?.head === waiter) lane.told = next;
    return next;
  }

  /** Is promised a token. */
  join(waiter: Waiter, time: number): void {
    if (!this.#lanes.has(waiter.owner)) {
      this.#lanes.set(waiter.owner, { head: waiter, told: Number.NEGATIVE_INFINITY, behind: new Line() });
      this.#waiting++;
    }
    this.#promised.splice(this.#placeOf(waiter), 0, waiter);
    this.#times.push(this.#bucket.promise(time));
  }

  /** Where a waiter stands, or would stand if it joined: behind all whose priority is as high. */
  #placeOf(waiter: Waiter): number {
    const own = this.#promised.indexOf(waiter);
    if (own !== -1) return own;
    const after = this.#promised.findIndex(({ priority }) => priority < waiter.priority);
    return after === -1 ? this.#promised.length : after;
  }

  /** Uses the token that it was promised, whose time has come. */
  use(waiter: Waiter, time: number): void {
    const place = this.#promised.indexOf(waiter);
    this.#promised.splice(place, 1);
    this.#times.splice(place, 1);
    this.#bucket.use(time);
    this.#advance(waiter);
    this.#recall(0, this.#bucket.usableAt(time));
  }

  /** No longer wants a token: those after it get theirs earlier. Nothing happens to one that did not wait. */
  leave(waiter: Waiter): void {
    const place = this.#promised.indexOf(waiter);
    if (place !== -1) {
      this.#promised.splice(place, 1);
      this.#times.pop();
      this.#bucket.takeBack();
      this.#recall(place);
      if (place > 0) this.#recall(0);
    }
    this.#advance(waiter);
  }

  /** Calls the one at a place if it was told a later time than is true now. @param least no token can be used before */
  #recall(place: number, least = Number.NEGATIVE_INFINITY): void {
    const waiter = this.#promised[place];
    const lane = waiter === undefined ? undefined : this.#lanes.get(waiter.owner);
    if (lane !== undefined && lane.told > Math.max(least, this.#times[place] as number)) lane.head.recalled();
  }

  #advance(waiter: Waiter): void {
    const lane = this.#lanes.get(waiter.owner);
    if (lane === undefined) return;
    if (lane.head !== waiter) {
      if (lane.behind.remove(waiter)) this.#waiting--;
      return;
    }
    this.#waiting--;
    const next = lane.behind.shift();
    if (next === undefined) this.#lanes.delete(waiter.owner);
    else {
      lane.head = next;
      lane.told = Number.NEGATIVE_INFINITY;
      next.recalled();
    }
  }

  /** Whether nothing would be lost if it were forgotten. */
  isIdle(time: number): boolean {
    return this.#lanes.size === 0 && this.#bucket.isFull(time);
  }
}
