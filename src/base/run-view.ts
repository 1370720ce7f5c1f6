import type { Attempt } from './attempt.js';
import type { ErrorData } from './errors.js';
import type { FailureVerdict } from './events.js';
import type { ExecutionState } from './execution-state.js';
import type { CycleStopReason } from './handles.js';
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
  /** Adds a warning to the result, once for each code and place. */
  warn(warning: Warning): void;
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

/** Whether a node may start: now, not before a time (epoch ms), or only after something that runs has settled. */
export type Admission = 'start' | 'full' | { readonly until: number };

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
}

/** What follows from a failed attempt, and under which error it is recorded where that is not the original one. */
export interface FailureDecision {
  readonly then: FailureVerdict;
  readonly error?: Error;
}
