import type { Execution } from './execution.js';
import type { RunOptions } from './runtime-options.js';

/** A run in the hands of a runtime: the state machine and what the caller gave. */
export interface ActiveRun {
  readonly execution: Execution;
  readonly options: RunOptions;
  /** Original errors of failed nodes, by plan index: what predicates saw, and what the run's error gets as its cause. */
  readonly thrown: Map<number, unknown>;
  /** The time when the clock was last read: once for each attempt that settles inline. */
  now: number;
}
