import type { ErrorData } from './errors.js';
import type { RunEvent } from './events.js';
import type { Warning } from './warning.js';
import type { NodeKind } from './workflow-data.js';

/** How far an attempt is. */
export interface ProgressUpdate {
  readonly runId: string;
  /** Where in the run the node lives; empty at the top. */
  readonly scope: string;
  readonly node: string;
  readonly visit: number;
  readonly attempt: number;
  readonly current: number;
  readonly total: number | undefined;
  readonly message: string | undefined;
}

/** Data that a node streams while it runs. */
export interface EmittedData {
  readonly runId: string;
  /** Where in the run the node lives; empty at the top. */
  readonly scope: string;
  readonly node: string;
  readonly visit: number;
  readonly attempt: number;
  readonly data: unknown;
}

/** A run that began, or goes on after it had waited. */
export interface RunStarted {
  readonly runId: string;
  readonly workflow: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** It had waited, or a history of it was continued. */
  readonly resumed: boolean;
}

/** A run that ended, or returned because it can only wait. */
export interface RunEnded {
  readonly runId: string;
  readonly workflow: string;
  readonly status: 'completed' | 'failed' | 'cancelled' | 'waiting';
  /** Epoch milliseconds at which it began. */
  readonly startedAt: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Its primary error; `undefined` unless it failed. */
  readonly error: ErrorData | undefined;
}

/** An attempt that settled. */
export interface AttemptEnded {
  readonly runId: string;
  /** That of the run, also for an attempt in a map or subworkflow. */
  readonly workflow: string;
  /** Where in the run the node lives; empty at the top. */
  readonly scope: string;
  readonly node: string;
  readonly kind: NodeKind;
  /** The key of its executor, such as `function.clean`; `undefined` for switches, maps, subworkflows and gates. */
  readonly executor: string | undefined;
  readonly visit: number;
  readonly attempt: number;
  readonly status: 'completed' | 'failed' | 'lost' | 'cancelled';
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** Epoch milliseconds. */
  readonly endedAt: number;
  /** As recorded; `undefined` unless it failed or was lost. */
  readonly error: ErrorData | undefined;
  /** When the next attempt may start, in epoch milliseconds; `undefined` where there is none. */
  readonly retryAt: number | undefined;
  /** Its output was that of an earlier attempt with the same inputs: the node was not called. */
  readonly cached: boolean;
}

/** A breaker that went from one state to another. */
export interface BreakerChanged {
  /** The key of its executor, or of its node. */
  readonly key: string;
  readonly from: BreakerStateName;
  readonly to: BreakerStateName;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Why, in words. */
  readonly reason: string;
}

/** The states of a breaker. */
export type BreakerStateName = 'closed' | 'open' | 'half-open';

/** What a runtime tells its listeners. None of it changes a run, and a listener that throws never touches one. */
export interface RuntimeNotifications {
  /** Every recorded event of every run. Costs nothing while nobody listens. */
  event: (event: RunEvent) => void;
  progress: (update: ProgressUpdate) => void;
  data: (emitted: EmittedData) => void;
  warning: (warning: Warning & { readonly runId: string }) => void;
  /** A run began, or goes on. */
  started: (run: RunStarted) => void;
  /** A run ended, or can only wait. */
  ended: (run: RunEnded) => void;
  /** An attempt settled, in whatever way. Costs nothing while nobody listens; heard of runs that began after somebody did. */
  attempt: (attempt: AttemptEnded) => void;
  /** A breaker opened, lets a probe through, or closed. */
  breaker: (change: BreakerChanged) => void;
}
