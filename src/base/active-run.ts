import type { RunEvent } from './events.js';
import type { Execution, LogEnd } from './execution.js';
import type { RunJournal } from './history/run-journal.js';
import type { RunOptions } from './runtime-options.js';

/** A run in the hands of a runtime: the state machine and what the caller gave. */
export interface ActiveRun {
  readonly execution: Execution;
  readonly options: RunOptions;
  /** Original errors of failed nodes, by scope and id: what predicates saw, and what the run's error gets as its cause. */
  readonly thrown: Map<string, unknown>;
  /** Everything recorded of it, where it may have to wait and no store is bound; its history first, where it goes on. */
  readonly events: RunEvent[] | undefined;
  /** What was recorded of it before, where it goes on. */
  readonly history: readonly RunEvent[] | undefined;
  /** Where its log goes on, where that is not after its history. */
  readonly log: LogEnd;
  /** What it recorded and has not committed, where a store is bound. */
  readonly journal: RunJournal | undefined;
  /** Makes whoever drives it look at it again: something was settled from outside. */
  wake: (() => void) | undefined;
  /** The time when the clock was last read: once for each attempt that settles inline. */
  now: number;
}
