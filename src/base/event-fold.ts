import { Attempt, type AttemptLimits } from './attempt.js';
import { LockstepError } from './errors.js';
import { setFromData, shapeOf } from './event-data.js';
import type { RunEvent } from './events.js';
import type { ExecutionState } from './execution-state.js';
import type { Plan, PlanNode, PlanRegion } from './plan.js';
import { BLOCKED, CANCELLED, SKIPPED } from './status.js';
import { limitsOf } from './time-limits.js';
import * as apply from './transitions.js';

/**
 * Puts a recorded history into a fresh state, by the same steps that the live run took. Calls no hook and evaluates no
 * predicate.
 */
export class EventFold {
  readonly #state: ExecutionState;
  readonly #plan: Plan;
  readonly #attempts = new Map<number, Attempt>();
  #next = 0;

  constructor(state: ExecutionState) {
    this.#state = state;
    this.#plan = state.plan;
  }

  /** How many events have been applied. */
  get length(): number {
    return this.#next;
  }

  /** Attempts that had started and not settled when the history ends. */
  get unsettled(): readonly Attempt[] {
    return [...this.#attempts.values()];
  }

  /** @throws LockstepError PLAN_MISMATCH when the history is of another plan, CORRUPT_HISTORY when an event cannot follow */
  apply(event: RunEvent): void {
    if (event.seq !== this.#next) throw corrupt(event, `its position should be ${this.#next}`);
    try {
      this.#applyOne(event);
    } catch (cause) {
      if (cause instanceof LockstepError && cause.code !== 'ILLEGAL_TRANSITION') throw cause;
      throw corrupt(event, 'it cannot follow the ones before it', cause);
    }
    this.#next++;
  }

  #applyOne(event: RunEvent): void {
    const state = this.#state;
    const { ts } = event;
    switch (event.kind) {
      case 'run.started': {
        const { data } = event;
        const shape = shapeOf(this.#plan);
        if (!sameList(shape.nodes, data.plan.nodes) || !sameList(shape.cycles, data.plan.cycles)) {
          throw new LockstepError(
            'PLAN_MISMATCH',
            `The history of "${data.workflow}" was recorded with another plan than that of "${this.#plan.workflow.name}".`,
          );
        }
        return apply.beginRun(state, data.parameters, setFromData(this.#plan, data.set), data.options, ts);
      }
      case 'run.cancel_requested':
        return apply.stop(state, { kind: 'cancel', reason: event.data.reason });
      case 'run.completed':
        return apply.endRun(state, { status: 'completed', output: event.data.output }, ts);
      case 'run.failed':
        return apply.endRun(state, { status: 'failed', ...event.data }, ts);
      case 'run.cancelled':
        return apply.endRun(state, { status: 'cancelled', ...event.data }, ts);
      case 'node.skipped':
        return apply.setAside(state, this.#nodeOf(event.data), SKIPPED, event.data.reason, ts);
      case 'node.blocked':
        return apply.setAside(state, this.#nodeOf(event.data), BLOCKED, event.data.reason, ts);
      case 'node.cancelled':
        return apply.setAside(state, this.#nodeOf(event.data), CANCELLED, event.data.reason, ts);
      case 'attempt.started': {
        const node = this.#nodeOf(event.data);
        const attempt = new Attempt(node, event.data.visit, event.data.attempt, ts);
        attempt.limits = limitsOf(state, attempt);
        this.#attempts.set(node.index, attempt);
        if (state.delayed.has(node.index)) apply.wake(state, node.index);
        return apply.startAttempt(state, node, ts);
      }
      case 'attempt.completed': {
        const attempt = this.#attemptOf(event.data);
        apply.moveAttempt(attempt, 'completed');
        this.#attempts.delete(attempt.node.index);
        if ('state' in event.data) state.nodeStates.set(attempt.node.index, event.data.state);
        return apply.completeAttempt(state, attempt.node, attempt.startedAt, event.data.output, ts);
      }
      case 'attempt.failed':
      case 'attempt.lost': {
        const attempt = this.#attemptOf(event.data);
        const how = event.kind === 'attempt.failed' ? 'failed' : 'lost';
        apply.moveAttempt(attempt, how);
        this.#attempts.delete(attempt.node.index);
        return apply.failAttempt(state, attempt.node, attempt, event.data.error, event.data.then, how, ts);
      }
      case 'attempt.cancelled': {
        const attempt = this.#attemptOf(event.data);
        apply.moveAttempt(attempt, 'cancelled');
        this.#attempts.delete(attempt.node.index);
        return apply.setAside(state, attempt.node, CANCELLED, event.data.reason, ts, attempt.startedAt);
      }
      case 'cycle.iterated': {
        const region = this.#regionOf(event.data.cycle);
        return apply.iterate(state, region, {
          elapsedMs: event.data.elapsedMs,
          metric: event.data.metric ?? undefined,
        });
      }
      case 'cycle.stopped': {
        const { cycle, elapsedMs, metric, reason, failed, root, error } = event.data;
        const how = { reason, failed, root: root ?? undefined, error: error ?? undefined };
        return apply.stopRegion(state, this.#regionOf(cycle), { elapsedMs, metric: metric ?? undefined }, how);
      }
      case 'deadline.expired':
        if (event.data.subject !== '')
          (this.#attemptOf({ node: event.data.subject }).limits as AttemptLimits).soft = undefined;
        else if (event.data.level === 'hard') apply.stop(state, { kind: 'timeout' });
        else state.softExpired = true;
        return;
    }
  }

  #nodeOf({ node }: { readonly node: string }): PlanNode {
    const index = this.#plan.nodeIndex.get(node);
    if (index === undefined)
      throw new LockstepError('PLAN_MISMATCH', `The history names node "${node}", which the plan does not have.`, {
        at: node,
      });
    return this.#plan.nodes[index] as PlanNode;
  }

  #regionOf(cycle: string): PlanRegion {
    const index = this.#plan.regionIndex.get(cycle);
    if (index === undefined)
      throw new LockstepError('PLAN_MISMATCH', `The history names cycle "${cycle}", which the plan does not have.`, {
        at: cycle,
      });
    return this.#plan.regions[index] as PlanRegion;
  }

  #attemptOf({ node }: { readonly node: string }): Attempt {
    const attempt = this.#attempts.get(this.#nodeOf({ node }).index);
    if (attempt === undefined)
      throw new LockstepError('ILLEGAL_TRANSITION', `Node "${node}" has no running attempt.`, { at: node });
    return attempt;
  }
}

function corrupt(event: RunEvent, why: string, cause?: unknown): LockstepError {
  return new LockstepError('CORRUPT_HISTORY', `Event ${event.seq} (${event.kind}) cannot be applied: ${why}.`, {
    at: event.kind,
    value: event.seq,
    cause,
  });
}

function sameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((item, index) => item === right[index]);
}
