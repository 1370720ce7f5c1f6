import { refuse } from '../base/option-checks.js';
import type { Clock } from '../base/ports.js';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that was given NaN once would never tell a time again. */
function checkTime(ms: number, at: string): void {
  if (!Number.isFinite(ms)) refuse(at, 'takes a finite number of milliseconds', ms);
}

/**
 * A clock that moves only when told, or when someone sleeps. Timers fire in the order of their time, each seeing its own.
 */
export class VirtualClock implements Clock {
  /** While LocalRuntime waits for a thread, this clock stands still; it goes on once the thread has nothing left to do. */
  readonly isVirtual = true;
  #now: number;
  #order = 0;
  readonly #timers = new Set<Timer>();
  readonly #stalled = new Set<() => void>();

  /** @param start epoch milliseconds. Default 2024-01-01T00:00:00Z. @throws ConfigurationError INVALID_OPTION */
  constructor(start = 1_704_067_200_000) {
    checkTime(start, 'VirtualClock');
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  /** Moves the clock on and fires what became due. */
  sleepSync(ms: number): void {
    this.advance(ms);
  }

  setTimer(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  yieldTurn(callback: () => void): void {
    queueMicrotask(callback);
  }

  onStall(callback: () => void): () => void {
    const asked = (): void => callback();
    this.#stalled.add(asked);
    return () => this.#stalled.delete(asked);
  }

  /** Moves the clock by `ms`, firing every timer on the way; never back. @throws ConfigurationError INVALID_OPTION */
  advance(ms: number): void {
    checkTime(ms, 'VirtualClock.advance');
    const until = this.#now + Math.max(0, ms);
    for (let timer = this.#earliest(until); timer !== undefined; timer = this.#earliest(until)) this.#fire(timer);
    this.#now = until;
  }

  /** Moves the clock to the next timer and fires it. `false` when there is none. */
  advanceToNext(): boolean {
    const timer = this.#earliest(Number.POSITIVE_INFINITY);
    if (timer === undefined) return false;
    this.#fire(timer);
    return true;
  }

  /** Says to the newest who asked that nothing is left that could wake anyone. `false` when nobody asks. */
  stall(): boolean {
    const newest = [...this.#stalled].at(-1);
    if (newest === undefined) return false;
    this.#stalled.delete(newest);
    newest();
    return true;
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  #earliest(until: number): Timer | undefined {
    let earliest: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at > until) continue;
      if (
        earliest === undefined ||
        timer.at < earliest.at ||
        (timer.at === earliest.at && timer.order < earliest.order)
      )
        earliest = timer;
    }
    return earliest;
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.at);
    timer.callback();
  }
}
