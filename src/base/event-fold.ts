import type { Attempt, AttemptLimits } from './attempt.js';
import * as cycles from './cycle-transitions.js';
import { LockstepError } from './errors.js';
import { hasShape, setFromData } from './event-data.js';
import type { AttemptKey, RunEvent } from './events.js';
import type { ChildrenState, ExecutionState } from './execution-state.js';
import type { Plan, PlanNode, PlanRegion } from './plan.js';
import { BLOCKED, CANCELLED, SKIPPED } from './status.js';
import { limitsOf } from './time-limits.js';
import * as apply from './transitions.js';

/** An attempt that had started and not settled when a history ends. */
export interface OpenAttempt extends Pick<Attempt, 'node' | 'visit' | 'number' | 'startedAt' | 'status' | 'limits'> {
  status: Attempt['status'];
}

/** Where a fold stands, beside the state that it fills. */
export interface FoldPosition {
  /** How many events have been applied. */
  readonly length: number;
  /** Attempts that had started and not settled, by the graph that they belong to. */
  readonly open: ReadonlyMap<ExecutionState, readonly OpenAttempt[]>;
}

/**
 * Puts a recorded history into a fresh state, by the same steps that the live run took. Calls no hook and evaluates no
 * predicate.
 */
export class EventFold implements FoldPosition {
  readonly #top: ExecutionState;
  /** By scope. */
  readonly #graphs = new Map<string, ExecutionState>();
  /** What was opened last under each prefix of scopes, with the graph that it belongs to. */
  readonly #children = new Map<string, { readonly owner: ExecutionState; readonly node: PlanNode }>();
  readonly #open = new Map<ExecutionState, Map<number, OpenAttempt>>();
  #next = 0;

  /**
   * @param state a fresh one, or one that holds what the first events of the history did
   * @param from where such a one stands. Default: before the first event
   */
  constructor(state: ExecutionState, from?: FoldPosition) {
    this.#top = state;
    this.#know(state);
    if (from === undefined) return;
    this.#next = from.length;
    for (const [graph, attempts] of from.open)
      this.#open.set(graph, new Map(attempts.map((attempt) => [attempt.node.index, attempt])));
  }

  /** What it fills. */
  get state(): ExecutionState {
    return this.#top;
  }

  /** How many events have been applied. */
  get length(): number {
    return this.#next;
  }

  /** Attempts that had started and not settled when the history ends, by the graph that they belong to. */
  get open(): ReadonlyMap<ExecutionState, readonly OpenAttempt[]> {
    return new Map([...this.#open].map(([state, attempts]) => [state, [...attempts.values()]]));
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
    const { ts } = event;
    switch (event.kind) {
      case 'run.started':
      case 'run.warned':
      case 'run.cancel_requested':
      case 'run.waiting':
      case 'run.resumed':
      case 'run.revised':
      case 'run.completed':
      case 'run.failed':
      case 'run.cancelled':
        return this.#applyToRun(event);
      case 'cycle.iterated': {
        const { scope, cycle, elapsedMs, metric } = event.data;
        const state = this.#graph(scope);
        return cycles.iterate(state, regionOf(state, cycle), { elapsedMs, metric: metric ?? undefined });
      }
      case 'cycle.stopped': {
        const { scope, cycle, elapsedMs, metric, reason, failed, root, error } = event.data;
        const state = this.#graph(scope);
        const how = { reason, failed, root: root ?? undefined, error: error ?? undefined };
        return cycles.stopRegion(state, regionOf(state, cycle), { elapsedMs, metric: metric ?? undefined }, how);
      }
      case 'deadline.expired': {
        const { scope, subject, level } = event.data;
        if (subject !== '') (this.#attempt({ scope, node: subject }).limits as AttemptLimits).soft = undefined;
        else if (level === 'hard') apply.stop(this.#top, { kind: 'timeout' });
        else this.#top.softExpired = true;
        return;
      }
      case 'node.skipped':
      case 'node.blocked':
      case 'node.cancelled': {
        const state = this.#graph(event.data.scope);
        const to = event.kind === 'node.skipped' ? SKIPPED : event.kind === 'node.blocked' ? BLOCKED : CANCELLED;
        return apply.setAside(state, nodeOf(state, event.data), to, event.data.reason, ts);
      }
      default:
        return this.#applyToAttempt(event);
    }
  }

  #applyToRun(event: Extract<RunEvent, { kind: `run.${string}` }>): void {
    const { ts } = event;
    const state = this.#top;
    switch (event.kind) {
      case 'run.started': {
        const { data } = event;
        if (!hasShape(state.plan, data.plan)) {
          throw new LockstepError(
            'PLAN_MISMATCH',
            `The history of "${data.workflow}" was recorded with another plan than that of "${state.plan.workflow.name}".`,
          );
        }
        return apply.beginRun(state, { ...data, set: setFromData(state.plan, data.set) }, ts);
      }
      case 'run.warned': {
        const { scope, code, message, at } = event.data;
        return apply.warn(state, { code, message, at: `${scope}${at}` });
      }
      case 'run.cancel_requested':
        return apply.stop(state, { kind: 'cancel', reason: event.data.reason });
      case 'run.waiting':
        return apply.waitRun(state, ts);
      case 'run.resumed':
        return apply.resumeRun(state, ts);
      case 'run.revised':
        throw corrupt(event, 'what it takes back has to be taken out before');
      case 'run.completed':
        return apply.endRun(state, { status: 'completed', output: event.data.output }, ts);
      case 'run.failed':
        return apply.endRun(state, { status: 'failed', ...event.data }, ts);
      case 'run.cancelled':
        return apply.endRun(state, { status: 'cancelled', ...event.data }, ts);
    }
  }

  #applyToAttempt(
    event: Extract<RunEvent, { kind: `attempt.${string}` | `children.${string}` | `gate.${string}` }>,
  ): void {
    const { ts } = event;
    const state = this.#graph(event.data.scope);
    if (event.kind === 'attempt.started') return this.#startAttempt(state, event.data, ts);
    const attempt = this.#attempt(event.data);
    const { node, startedAt } = attempt;
    switch (event.kind) {
      case 'attempt.completed':
        apply.moveAttempt(attempt, 'completed');
        this.#close(state, node);
        if ('state' in event.data) state.nodeStates.set(node.index, event.data.state);
        return apply.completeAttempt(state, node, startedAt, event.data.output, ts);
      case 'attempt.failed':
      case 'attempt.lost': {
        const how = event.kind === 'attempt.failed' ? 'failed' : 'lost';
        apply.moveAttempt(attempt, how);
        this.#close(state, node);
        if (how === 'failed') apply.countRetry(this.#top, event.data.then);
        return apply.failAttempt(state, node, attempt, event.data.error, event.data.then, how, ts);
      }
      case 'attempt.cancelled':
        apply.moveAttempt(attempt, 'cancelled');
        this.#close(state, node);
        return apply.setAside(state, node, CANCELLED, event.data.reason, ts, startedAt);
      case 'children.created': {
        const { parameters, items } = event.data;
        this.#forget(state.children?.get(node.index));
        const { prefix } = apply.openChildren(state, node, attempt, parameters, items);
        this.#children.set(prefix, { owner: state, node });
        return;
      }
      case 'gate.opened': {
        const { visit, shows, expiresAt } = event.data;
        apply.moveAttempt(attempt, 'waiting');
        return apply.openGate(state, node, {
          visit,
          seq: event.seq,
          shows,
          openedAt: ts,
          expiresAt: expiresAt ?? undefined,
        });
      }
      case 'gate.approved':
      case 'gate.rejected':
      case 'gate.expired':
        apply.moveAttempt(attempt, 'completed');
        this.#close(state, node);
        return apply.closeGate(state, node, startedAt, apply.gateOutput(event.data, ts), ts);
    }
  }

  #startAttempt(state: ExecutionState, data: AttemptKey, ts: number): void {
    const node = nodeOf(state, data);
    const own = { node, visit: data.visit, number: data.attempt, startedAt: ts, status: 'running' as const };
    const attempts = this.#open.get(state) ?? new Map<number, OpenAttempt>();
    this.#open.set(state, attempts.set(node.index, { ...own, limits: limitsOf(state, own) }));
    if (state.delayed.has(node.index)) apply.wake(state, node.index);
    apply.startAttempt(state, node, ts);
  }

  #close(state: ExecutionState, node: PlanNode): void {
    this.#open.get(state)?.delete(node.index);
  }

  /** The graph of a scope. A child begins with its first event, or that of a later one: they begin in order. */
  #graph(scope: string): ExecutionState {
    const known = this.#graphs.get(scope);
    if (known !== undefined) return known;
    const [, prefix = '', number] = /^(.*?)(?:\[(\d+)\])?\/$/.exec(scope) ?? [];
    const opened = this.#children.get(prefix);
    const children = opened?.owner.children?.get(opened.node.index);
    if (opened === undefined || children?.prefix !== prefix)
      throw new LockstepError('ILLEGAL_TRANSITION', `Nothing has opened the scope "${scope}".`, { at: scope });
    for (let next = children.graphs.length; next <= Number(number ?? 0); next++)
      this.#graphs.set(
        children.scopeOf(next),
        apply.beginChild(opened.owner, children, opened.node.child as Plan, next),
      );
    return this.#graphs.get(scope) as ExecutionState;
  }

  /** Takes up a graph and its children, so that events can name them. */
  #know(state: ExecutionState): void {
    this.#graphs.set(state.scope, state);
    for (const [index, { prefix, graphs }] of state.children ?? []) {
      this.#children.set(prefix, { owner: state, node: state.plan.nodes[index] as PlanNode });
      for (const graph of graphs) this.#know(graph);
    }
  }

  /** Lets go of the children of an earlier visit or attempt, which have settled: a long cycle would pile them up. */
  #forget(children: ChildrenState | undefined): void {
    if (children === undefined) return;
    this.#children.delete(children.prefix);
    for (const graph of children.graphs) {
      this.#graphs.delete(graph.scope);
      this.#open.delete(graph);
      for (const inner of graph.children?.values() ?? []) this.#forget(inner);
    }
  }

  #attempt({ scope, node }: { readonly scope: string; readonly node: string }): OpenAttempt {
    const state = this.#graph(scope);
    const attempt = this.#open.get(state)?.get(nodeOf(state, { node }).index);
    if (attempt === undefined)
      throw new LockstepError('ILLEGAL_TRANSITION', `Node "${node}" has no running attempt.`, { at: node });
    return attempt;
  }
}

function nodeOf({ plan }: ExecutionState, { node }: { readonly node: string }): PlanNode {
  const index = plan.nodeIndex.get(node);
  if (index === undefined)
    throw new LockstepError('PLAN_MISMATCH', `The history names node "${node}", which the plan does not have.`, {
      at: node,
    });
  return plan.nodes[index] as PlanNode;
}

function regionOf({ plan }: ExecutionState, cycle: string): PlanRegion {
  const index = plan.regionIndex.get(cycle);
  if (index === undefined)
    throw new LockstepError('PLAN_MISMATCH', `The history names cycle "${cycle}", which the plan does not have.`, {
      at: cycle,
    });
  return plan.regions[index] as PlanRegion;
}

function corrupt(event: RunEvent, why: string, cause?: unknown): LockstepError {
  return new LockstepError('CORRUPT_HISTORY', `Event ${event.seq} (${event.kind}) cannot be applied: ${why}.`, {
    at: event.kind,
    value: event.seq,
    cause,
  });
}
