import type { CommitReceipt, Durability, EventBatch } from '../base/history/event-store.js';
import { MemoryEventStore } from '../plugins/event-store/memory-event-store.js';

/** What a store throws that was told to break. */
export class CrashError extends Error {
  override readonly name = 'CrashError';
}

/** Where a run is cut off: before or after which of its commits, from 0. */
export interface CrashPoint {
  readonly commit: number;
  readonly when: 'before' | 'after';
}

/**
 * A store in memory that breaks at one commit, as if the process had been killed there: nothing is written any more. `after`: what
 * was to be committed is, and nobody was told.
 */
export class CrashingStore extends MemoryEventStore {
  #point: CrashPoint | undefined;
  /** How many commits there were. */
  commits = 0;

  constructor(point: CrashPoint | undefined) {
    super();
    this.#point = point;
  }

  override append(batches: readonly EventBatch[], durability: Durability): CommitReceipt {
    const number = this.commits++;
    if (number > (this.#point?.commit ?? Number.POSITIVE_INFINITY)) throw new CrashError('The process is gone.');
    if (number !== this.#point?.commit) return super.append(batches, durability);
    if (this.#point.when === 'after') super.append(batches, durability);
    throw new CrashError(`Killed ${this.#point.when} commit ${number}.`);
  }

  /** A new process uses what is left: nothing breaks any more. */
  restart(): void {
    this.#point = undefined;
  }
}
