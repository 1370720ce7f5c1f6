import { LockstepError } from '../errors.js';
import type { RunEvent } from '../events.js';
import type { Clock } from '../ports.js';
import type { CommitReceipt, Durability, EventBatch, EventStore } from './event-store.js';
import { type RunJournal, stronger } from './run-journal.js';

/** A run that goes on once what it recorded is durable. */
interface Waiter {
  readonly journal: RunJournal;
  readonly proceed: () => void;
  readonly fail: (error: unknown) => void;
}

/** Commits what the runs of a runtime have recorded, those that are ready at the same time together. */
export class CommitGroup {
  readonly #store: EventStore;
  readonly #clock: Clock;
  readonly #project: ((events: readonly RunEvent[]) => void) | undefined;
  /** Runs in flight that are recorded. */
  readonly #journals = new Set<RunJournal>();
  #waiters: Waiter[] = [];

  /** @param project is given what was committed, and throws where that must not go unnoticed */
  constructor(store: EventStore, clock: Clock, project?: (events: readonly RunEvent[]) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#project = project;
  }

  /** A run is recorded from now on. */
  add(journal: RunJournal): void {
    this.#journals.add(journal);
  }

  /** A run is over, or waits. */
  remove(journal: RunJournal): void {
    this.#journals.delete(journal);
  }

  /** Whether other runs may have something to commit: then it pays to wait for the end of a turn. */
  get isShared(): boolean {
    return this.#journals.size > 1;
  }

  /**
   * Commits everything that was recorded, and returns when it is durable.
   *
   * @throws what the store throws, where this run is concerned
   */
  commit(journal: RunJournal): void {
    journal.assertSound();
    if (!journal.isDirty) return;
    this.#flush(this.#dirty());
    journal.assertSound();
  }

  /** Commits at the end of this turn of the event loop, together with other runs, and calls back. */
  commitLater(journal: RunJournal, proceed: () => void, fail: (error: unknown) => void): void {
    this.#waiters.push({ journal, proceed, fail });
    if (this.#waiters.length === 1) this.#clock.yieldTurn(() => this.#endTurn());
  }

  #endTurn(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    this.#flush(this.#dirty());
    for (const { journal, proceed, fail } of waiters) {
      try {
        journal.assertSound();
      } catch (error) {
        fail(error);
        continue;
      }
      proceed();
    }
  }

  #dirty(): readonly RunJournal[] {
    const dirty: RunJournal[] = [];
    for (const journal of this.#journals) if (journal.isDirty) dirty.push(journal);
    return dirty;
  }

  /** What a required projection could not apply is committed, and its writer is told. */
  #applied(journal: RunJournal): void {
    if (this.#project === undefined) return;
    try {
      this.#project(journal.takeProjected());
    } catch (error) {
      journal.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Never throws: a journal whose commit failed says so when it is asked. */
  #flush(journals: readonly RunJournal[]): void {
    if (journals.length === 0) return;
    const batches: EventBatch[] = [];
    let level: Durability = 'memory';
    for (const journal of journals) {
      batches.push(journal.batch());
      level = stronger(level, journal.level);
    }
    let receipt: CommitReceipt;
    try {
      receipt = this.#store.append(batches, level);
    } catch (error) {
      if (journals.length > 1 && error instanceof LockstepError && error.code === 'SEQ_CONFLICT')
        for (const journal of journals) this.#flush([journal]); // one of them has another writer: the others go on
      else for (const journal of journals) journal.fail(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    for (const journal of journals) journal.committed(receipt); // all of them first: who is told may commit again
    for (const journal of journals) {
      journal.tellCommitted();
      this.#applied(journal);
      journal.takeSnapshot();
    }
  }
}
