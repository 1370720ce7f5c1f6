import type { RunEvent } from './events.js';
import type { Execution } from './execution.js';
import type { RunOptions } from './runtime-options.js';

/** A run in the hands of a runtime: the state machine and what the caller gave. */
export interface ActiveRun {
  readonly execution: Execution;
  readonly options: RunOptions;
  /** Original errors of failed nodes, by scope and id: what predicates saw, and what the run's error gets as its cause. */
  readonly thrown: Map<string, unknown>;
  /** Everything recorded of it, where it may have to wait; its history first, where it goes on. */
  readonly events: RunEvent[] | undefined;
  /** It goes on: its events begin with a history. */
  readonly continues: boolean;
  /** Makes whoever drives it look at it again: something was settled from outside. */
  wake: (() => void) | undefined;
  /** The time when the clock was last read: once for each attempt that settles inline. */
  now: number;
}
