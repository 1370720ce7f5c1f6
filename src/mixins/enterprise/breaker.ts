import { BREAKER_DEFAULTS, type BreakerOptions } from '../../base/capability-options.js';
import type { BreakerChanged, BreakerStateName } from '../../base/notifications.js';
import { type BreakerStrategy, breakerStrategy, counted } from './breaker-strategy.js';

/** A state owns what only it has: a probe exists only while the breaker is half-open. Each is an object of its own: a pass names it. */
type State =
  | { readonly name: 'closed' }
  | { readonly name: 'open'; readonly until: number }
  | { readonly name: 'half-open'; successes: number; probing: boolean };

/** What a breaker shows of itself. Times are epoch milliseconds. */
export interface BreakerReport {
  /** The key of its executor, such as `function.clean`, or `workflow/node` where the node has a breaker of its own. */
  readonly key: string;
  readonly state: BreakerStateName;
  /** Failures that count towards opening it. */
  readonly failures: number;
  /** When it lets a probe through; `null` unless it is open. */
  readonly retryAt: number | null;
  /** Attempts that it refused, since it was made. */
  readonly refused: number;
  /** How often it opened, since it was made. */
  readonly opened: number;
}

/** What an attempt that was let through shows when it settles: the state in which that happened. */
export type Pass = Exclude<State, { readonly name: 'open' }>;

/**
 * Leaves an executor alone that keeps failing: closed, open, half-open. While half-open, one attempt at a time is let through as
 * a probe. What was let through before the last change of state is not counted: it says nothing about now.
 *
 * Source: M. Nygard, "Release It!" (2007), chapter 5.
 */
export class Breaker {
  readonly key: string;
  readonly #options: { readonly openMs: number; readonly successes: number };
  readonly #strategy: BreakerStrategy;
  readonly #tell: (change: BreakerChanged) => void;
  #state: State = { name: 'closed' };
  #inFlight = 0;
  #refused = 0;
  #opened = 0;
  /** The latest time it was told: time that goes backwards would keep it open. */
  #now = Number.NEGATIVE_INFINITY;

  /** @param tell hears of every change of state */
  constructor(key: string, options: BreakerOptions, tell: (change: BreakerChanged) => void) {
    this.key = key;
    this.#options = {
      openMs: options.openMs ?? BREAKER_DEFAULTS.openMs,
      successes: options.successes ?? BREAKER_DEFAULTS.successes,
    };
    this.#strategy = breakerStrategy(options);
    this.#tell = tell;
  }

  /** Lets an attempt through, whose end it waits for while half-open; or not, and says when to ask again. */
  admit(time: number): Pass | { readonly retryAt: number } {
    const now = this.#at(time);
    if (this.#state.name === 'open' && now >= this.#state.until)
      this.#go({ name: 'half-open', successes: 0, probing: false }, now, 'its time has passed');
    const state = this.#state;
    if (state.name === 'open' || (state.name === 'half-open' && state.probing)) {
      this.#refused++;
      return { retryAt: state.name === 'open' ? state.until : now };
    }
    if (state.name === 'half-open') state.probing = true;
    this.#inFlight++;
    return state;
  }

  /** An attempt that was let through has ended. */
  settle(pass: Pass, outcome: 'succeeded' | 'failed' | 'neither', time: number): void {
    const now = this.#at(time);
    this.#inFlight--;
    if (pass !== this.#state) return;
    if (pass.name === 'half-open') this.#settleProbe(pass, outcome, now);
    else if (outcome !== 'neither' && this.#strategy.note(outcome === 'succeeded'))
      this.#open(now, this.#strategy.reason);
  }

  #settleProbe(state: Pass & { readonly name: 'half-open' }, outcome: 'succeeded' | 'failed' | 'neither', now: number) {
    state.probing = false;
    if (outcome === 'failed') this.#open(now, 'a probe failed');
    else if (outcome === 'succeeded' && ++state.successes >= this.#options.successes)
      this.#close(now, `${counted(state.successes, 'probe')} succeeded`);
  }

  /** Opens it by hand, for its usual time from now. */
  trip(time: number, reason: string): void {
    this.#open(this.#at(time), reason);
  }

  /** Closes it by hand, and forgets what it counted, and what it let through. */
  reset(time: number, reason: string): void {
    this.#close(this.#at(time), reason);
  }

  /** Whether it has nothing to remember: closed, nothing counted, nothing in flight. */
  get isIdle(): boolean {
    return this.#state.name === 'closed' && this.#strategy.isEmpty && this.#inFlight === 0;
  }

  report(): BreakerReport {
    return {
      key: this.key,
      state: this.#state.name,
      failures: this.#strategy.failures,
      retryAt: this.#state.name === 'open' ? this.#state.until : null,
      refused: this.#refused,
      opened: this.#opened,
    };
  }

  #at(time: number): number {
    this.#now = Math.max(this.#now, time);
    return this.#now;
  }

  #open(now: number, reason: string): void {
    if (this.#state.name !== 'open') this.#opened++;
    this.#go({ name: 'open', until: now + this.#options.openMs }, now, reason);
  }

  #close(now: number, reason: string): void {
    this.#strategy.clear();
    this.#go({ name: 'closed' }, now, reason);
  }

  #go(next: State, at: number, reason: string): void {
    const from = this.#state.name;
    this.#state = next;
    if (from !== next.name) this.#tell({ key: this.key, from, to: next.name, at, reason });
  }
}
