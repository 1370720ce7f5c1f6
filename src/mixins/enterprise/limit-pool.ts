import type { LimitOptions } from '../../base/capability-options.js';
import { SlotPool, type SlotWaiter } from './slot-pool.js';
import { TokenQueue, type TokenWaiter } from './token-queue.js';

/** What became of those who asked for room under one limit, over all its values. */
export class LimitCounts {
  started = 0;
  rejected = 0;
  timedOut = 0;
  /** Milliseconds. */
  waitedMs = 0;
  longestWaitMs = 0;
}

/** The room under one limit, or under one value of a limit with `per`. */
export class LimitPool<Waiter extends SlotWaiter & TokenWaiter> {
  readonly slots: SlotPool | undefined;
  readonly tokens: TokenQueue<Waiter> | undefined;
  /** Those who hold something of it, wait for it, or will ask for it: it must not be forgotten. */
  users = 0;

  constructor({ maxConcurrency, rate }: LimitOptions) {
    this.slots = maxConcurrency === undefined ? undefined : new SlotPool(maxConcurrency);
    this.tokens = rate === undefined ? undefined : new TokenQueue(rate);
  }

  /** How many hold a slot. */
  get held(): number {
    return this.slots?.held ?? 0;
  }

  /** How many wait, for a slot or for a token. */
  get waiting(): number {
    return (this.slots?.waiting ?? 0) + (this.tokens?.waiting ?? 0);
  }

  /** Whether nothing would be lost if it were forgotten. */
  isIdle(now: number): boolean {
    return this.users === 0 && (this.tokens?.isIdle(now) ?? true);
  }
}
