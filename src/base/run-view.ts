import type { Attempt } from './attempt.js';
import type { CycleStopReason } from './cycle-stop-reason.js';
import type { ErrorData } from './errors.js';
import type { FailureVerdict } from './events.js';
import type { ExecutionState } from './execution-state.js';
import type { Plan, PlanNode, PlanRegion } from './plan.js';
import type { Random } from './ports.js';
import type { NotRunReason } from './reason.js';
import type { Warning } from './warning.js';

/** A run as those see it who decide about it. */
export interface RunView {
  readonly runId: string;
  /** Where in the run this graph lives; empty at the top. */
  readonly scope: string;
  readonly plan: Plan;
  readonly state: ExecutionState;
  /** The state of the graph at the top, which holds what the caller of the run passed. */
  readonly top: ExecutionState;
  readonly context: Readonly<Record<string, unknown>>;
  readonly secrets: ReadonlyMap<string, string>;
  readonly random: Random;
  /** Of the attempts that wait for the same room, those of the run with the higher number go first. */
  readonly priority: number;
  /** When it is ended at the latest: the limit of the run, or of a node around it. Epoch milliseconds; `undefined` without any. */
  readonly deadline: number | undefined;
  /** Whether `afterAttempt` is told of its attempts. */
  readonly isObserved: boolean;
  /** Whether it is counted and timed: settled when it began, whatever the runtime is told later. */
  readonly isMonitored: boolean;
  /** Adds a warning to the result, once for each code and place. */
  warn(warning: Warning): void;
  /** A node that was parked may be asked about again. Nothing happens to one that is not parked. */
  unpark(node: PlanNode): void;
}

/** What to do with a node whose sources have settled but are not all live. */
export type NodeDecision =
  | { readonly kind: 'run' }
  | { readonly kind: 'skip'; readonly reason: NotRunReason }
  | { readonly kind: 'block'; readonly reason: NotRunReason };

/** What to do at the end of a cycle's iteration. */
export type CycleDecision =
  | { readonly kind: 'continue'; readonly metric: number | undefined }
  | {
      readonly kind: 'stop';
      readonly reason: CycleStopReason;
      readonly failed: boolean;
      readonly metric: number | undefined;
      readonly root: string | undefined;
      readonly error: ErrorData | undefined;
    };

/** Whether a node may start. Times are epoch milliseconds. */
export type Admission =
  | 'start'
  /** Not before a time: it is asked about again then. */
  | { readonly kind: 'later'; readonly at: number }
  /**
   * Not before somebody makes room for it with `unpark`; asked about again then, and at `until` at the latest. `maker` says
   * whether another run can make that room, or this one alone will.
   */
  | { readonly kind: 'park'; readonly until: number; readonly maker: 'any' | 'this run' }
  /** Never: the attempt fails with this error before the node is called. */
  | { readonly kind: 'refuse'; readonly error: Error };

/** How an attempt ended, as those are told who observe it. */
export interface Settlement {
  readonly status: 'completed' | 'failed' | 'lost' | 'cancelled';
  /** Epoch milliseconds. */
  readonly at: number;
  /** As recorded; `undefined` unless it failed or was lost. */
  readonly error: ErrorData | undefined;
  /** What follows; `undefined` unless it failed or was lost. */
  readonly then: FailureVerdict | undefined;
}

/**
 * The decisions that a run asks for. Each is synchronous and is asked once: the answer is recorded, and a fold never asks again.
 * `BaseRuntime` answers each in the most careful way; the mixins own the real answers.
 */
export interface Decisions {
  /** Asked when all sources of a node have settled and one of them may not be live. */
  decideNode(run: RunView, node: PlanNode): NodeDecision;
  /** Asked when every member of a cycle has settled. */
  decideCycle(run: RunView, region: PlanRegion, now: number): CycleDecision;
  /** Asked before every attempt. */
  admit(run: RunView, node: PlanNode, now: number): Admission;
  /** Asked when an attempt failed or was lost. */
  decideFailure(run: RunView, attempt: Attempt, error: unknown, now: number): FailureDecision;
  /** Asked about every output before it counts: an error turns it into a failure. */
  judge(run: RunView, attempt: Attempt, output: Readonly<Record<string, unknown>>): Error | undefined;
  /** Told of every attempt that has settled, in whatever way, where the run is observed. */
  afterAttempt(run: RunView, attempt: Attempt, settlement: Settlement): void;
  /** Told of a node that was parked and will not start: its run, or its owner, has stopped. */
  withdraw(run: RunView, node: PlanNode): void;
}

/** What follows from a failed attempt, and under which error it is recorded where that is not the original one. */
export interface FailureDecision {
  readonly then: FailureVerdict;
  readonly error?: Error;
}
