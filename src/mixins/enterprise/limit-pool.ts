import type { LimitOptions } from '../../base/capability-options.js';
import { RateBucket } from './rate-bucket.js';
import { SlotPool } from './slot-pool.js';

/** What became of those who asked for room under one limit, over all its values. */
export class LimitCounts {
  started = 0;
  rejected = 0;
  timedOut = 0;
  /** Milliseconds. */
  waitedMs = 0;
  longestWaitMs = 0;
}

/** Who of a run has been promised the next token of a bucket, or is about to ask for it, and who comes after. */
interface Lane<Waiter> {
  head: Waiter;
  readonly behind: Waiter[];
}

/**
 * The room under one limit, or under one value of a limit with `per`. A run is promised one token of the bucket at a time: runs
 * that share a rate alternate.
 */
export class LimitPool<Waiter extends { readonly owner: string }> {
  readonly slots: SlotPool | undefined;
  readonly bucket: RateBucket | undefined;
  readonly #lanes = new Map<string, Lane<Waiter>>();

  constructor({ maxConcurrency, rate }: LimitOptions) {
    this.slots = maxConcurrency === undefined ? undefined : new SlotPool(maxConcurrency);
    this.bucket = rate === undefined ? undefined : new RateBucket(rate);
  }

  /** How many wait, for a slot or for a token. */
  get waiting(): number {
    let waiting = this.slots?.waiting ?? 0;
    for (const { behind } of this.#lanes.values()) waiting += behind.length + 1;
    return waiting;
  }

  /** Whether another waiter of the same run comes first. */
  isBehind(waiter: Waiter): boolean {
    const head = this.#lanes.get(waiter.owner)?.head;
    return head !== undefined && head !== waiter;
  }

  /** Is promised the next token of its run. */
  lead(waiter: Waiter): void {
    const lane = this.#lanes.get(waiter.owner);
    if (lane === undefined) this.#lanes.set(waiter.owner, { head: waiter, behind: [] });
    else lane.head = waiter;
  }

  /** Comes after others of its run. */
  follow(waiter: Waiter): void {
    this.#lanes.get(waiter.owner)?.behind.push(waiter);
  }

  /** No longer wants a token, or has it. Returns who comes next, where it was the first of its run. */
  step(waiter: Waiter): Waiter | undefined {
    const lane = this.#lanes.get(waiter.owner);
    if (lane === undefined) return undefined;
    const place = lane.behind.indexOf(waiter);
    if (place !== -1) lane.behind.splice(place, 1);
    if (lane.head !== waiter) return undefined;
    const next = lane.behind.shift();
    if (next === undefined) this.#lanes.delete(waiter.owner);
    else lane.head = next;
    return next;
  }

  /** Whether nothing would be lost if it were forgotten. */
  isIdle(now: number): boolean {
    return (this.slots?.held ?? 0) === 0 && this.waiting === 0 && (this.bucket?.isFull(now) ?? true);
  }
}
