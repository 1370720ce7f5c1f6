import { Attempt, type AttemptLimits, AttemptList } from './attempt.js';
import { type ChildGraph, Children } from './children.js';
import { AttemptError, type ErrorData, errorData, LockstepError } from './errors.js';
import { completion, keyOf, stopReason } from './event-data.js';
import type { EventData, FailureVerdict } from './events.js';
import type { ChildrenState, ExecutionState } from './execution-state.js';
import { cancelRegion, decideNode, decideRegion } from './graph-decisions.js';
import type { Plan, PlanNode, PlanRegion } from './plan.js';
import type { Random } from './ports.js';
import { ReadySet } from './ready-set.js';
import type { NotRunReason } from './reason.js';
import type { GateAnswer, Graph, RunCore } from './run-core.js';
import { runOutcome } from './run-outcome.js';
import type { Admission, RunView, Settlement } from './run-view.js';
import { maskError } from './secret-mask.js';
import { bitsOf, LIVE } from './source-evaluation.js';
import { CANCELLED, COMPLETED } from './status.js';
import { earlier, isOverdue, isTimeout, limitsOf, passedSoftLimit, timedOut, totalLimitOf } from './time-limits.js';
import * as apply from './transitions.js';
import type { Warning } from './warning.js';

/** An attempt of a node of a graph. */
export type GraphAttempt = Attempt<GraphExecution>;

/** Whose child a graph is, and which. */
export interface ChildPlace {
  readonly children: Children<GraphExecution>;
  readonly number: number;
}

/**
 * The state machine of one graph: the workflow of a run, or that of a child of a map or subworkflow. It is pure: it is told the
 * time, asks `Decisions`, records what was decided, and changes its state.
 */
export class GraphExecution implements RunView, Graph, ChildGraph {
  readonly core: RunCore;
  readonly plan: Plan;
  readonly state: ExecutionState;
  /** Missing at the top. */
  readonly place: ChildPlace | undefined;
  readonly #inFlight = new AttemptList<GraphExecution>();
  /** Maps and subworkflows whose children may have something to start. */
  #armed: ReadySet | undefined;
  /** The children of maps and subworkflows that have opened them and have not settled, by node. */
  #owners: Map<number, Children<GraphExecution>> | undefined;

  constructor(core: RunCore, state: ExecutionState, place: ChildPlace | undefined) {
    this.core = core;
    this.plan = state.plan;
    this.state = state;
    this.place = place;
  }

  get runId(): string {
    return this.core.runId;
  }

  get scope(): string {
    return this.state.scope;
  }

  get top(): ExecutionState {
    return this.core.top;
  }

  get context(): Readonly<Record<string, unknown>> {
    return this.state.context;
  }

  get secrets(): ReadonlyMap<string, string> {
    return this.core.secrets;
  }

  get random(): Random {
    return this.core.random;
  }

  get priority(): number {
    return this.core.priority;
  }

  get deadline(): number | undefined {
    if (this.place === undefined) return undefined;
    const { attempt } = this.place.children;
    return earlier(attempt.deadline, attempt.graph.deadline);
  }

  get isObserved(): boolean {
    return this.core.isObserved;
  }

  get isMonitored(): boolean {
    return this.core.isMonitored;
  }

  /** Everything has settled. */
  get isSettled(): boolean {
    return this.state.open === 0 && this.state.dueRegions.length === 0;
  }

  warn(warning: Warning): void {
    this.core.warn(this.state.scope, warning);
  }

  /**
   * Decides whatever can be decided now, and starts the next attempt that may start: the one with the lowest plan index, where
   * the children of a node stand at its place, by number.
   */
  next(now: number): GraphAttempt | undefined {
    const { state, plan, core } = this;
    const { maxConcurrency } = state.options;
    core.now = now;
    for (;;) {
      if (state.attention && this.attend(now)) return undefined;
      // Nothing is decided while every slot is taken: with one slot, decisions are made in the order of LocalRuntime.
      if (maxConcurrency !== null && core.running >= maxConcurrency) return undefined;
      const index = state.ready.least();
      if (this.#armed !== undefined) {
        const owner = this.#armed.least();
        if (owner !== -1 && (index === -1 || owner < index)) {
          const attempt = this.#advance(owner, now);
          if (attempt !== undefined) return attempt;
          continue;
        }
      }
      if (index === -1) return undefined;
      const node = plan.nodes[index] as PlanNode;
      if ((node.selective || state.tainted[index] === 1) && !decideNode(this, node, now)) continue;
      if (plan.limited && now >= totalLimitOf(state, node)) {
        this.refuse(index, undefined, now);
        continue;
      }
      const admission = core.decisions.admit(this, node, now);
      if (admission === 'start') return this.#startAttempt(node, now);
      if (admission.kind === 'refuse') this.fail(this.#startAttempt(node, now), admission.error, now);
      else this.#hold(node, admission);
    }
  }

  /** A node may not start yet. Where attempts of it were made, it waits as long as all of them together may take. */
  #hold(node: PlanNode, admission: Exclude<Admission, 'start' | { readonly kind: 'refuse' }>): void {
    const { core, state } = this;
    const { index } = node;
    const limit = this.plan.limited ? totalLimitOf(state, node) : Number.POSITIVE_INFINITY;
    const at = Math.min(admission.kind === 'later' ? admission.at : admission.until, limit);
    apply.delay(state, index, at);
    if (admission.kind === 'park') core.park({ graph: this, index, maker: admission.maker }, at);
    else if (at !== Number.POSITIVE_INFINITY) core.delay(this, index, at);
  }

  /** A node that was parked may be asked about again. */
  unpark(node: PlanNode): void {
    const { core, state } = this;
    const { index } = node;
    if (!core.leave({ graph: this, index })) return;
    apply.wake(state, index);
    this.touch();
    core.wake?.();
  }

  /** A node that waits for room, or for a time, fails before it is called. Default: because that took too long. */
  refuse(index: number, error: Error | undefined, now: number): void {
    const node = this.plan.nodes[index] as PlanNode;
    this.#withdraw(node);
    apply.wake(this.state, index);
    const attempt = this.#startAttempt(node, now);
    this.fail(attempt, error ?? timedOut(attempt), now);
  }

  #withdraw(node: PlanNode): void {
    const { core } = this;
    core.leave({ graph: this, index: node.index });
    if (core.isObserved) core.decisions.withdraw(this, node); // also one that was given room and has not started
  }

  /** Does what must be done before another node may start. `true` when none may any more. */
  protected attend(now: number): boolean {
    const { state, core } = this;
    for (let due = core.takeDelayed(now); due !== undefined; due = core.takeDelayed(now)) {
      core.leave(due);
      apply.wake(due.graph.state, due.index);
      due.graph.touch();
    }
    while (state.stopping === undefined && state.dueRegions.length > 0)
      decideRegion(this, firstOf(state.dueRegions), now);
    if (state.stopping !== undefined) {
      this.stop(stopReason(state), now);
      return true; // and asked again, nothing may start either
    }
    state.attention = false;
    return false;
  }

  /** An attempt goes on after the call that started it returned: it settles later, or is aborted. */
  suspend(attempt: GraphAttempt): void {
    this.#inFlight.add(attempt);
    if (attempt.limits !== undefined) this.core.watch(attempt, attempt.limits.hard, attempt.limits.soft);
  }

  /** An attempt of a map or subworkflow opens its children: from now on the machine performs it. */
  openChildren(
    attempt: GraphAttempt,
    parameters: Readonly<Record<string, unknown>>,
    items: readonly unknown[] | null,
  ): void {
    const { core, state } = this;
    if (core.isRecorded) core.record('children.created', { ...keyOf(attempt), parameters, items }, core.now);
    this.#takeOver(attempt);
    this.#own(attempt, apply.openChildren(state, attempt.node, attempt, parameters, items));
    if (attempt.limits !== undefined) core.watch(attempt, attempt.limits.hard, attempt.limits.soft);
  }

  /** The machine performs an attempt itself, whoever held it until it was recorded. Those around it may have looked away meanwhile. */
  #takeOver(attempt: GraphAttempt): void {
    this.core.running--;
    if (attempt.suspended) this.#inFlight.remove(attempt);
    if (this.place !== undefined) this.touch();
  }

  #own(attempt: GraphAttempt, state: ChildrenState): void {
    const { core } = this;
    const children = new Children<GraphExecution>(
      attempt,
      state,
      (family, child, number) => new GraphExecution(core, child, { children: family, number }),
    );
    this.#owners ??= new Map();
    this.#owners.set(attempt.node.index, children);
    this.#armed ??= new ReadySet(this.plan.nodes.length);
    this.#armed.add(attempt.node.index);
  }

  /** A gate starts to wait for an answer from outside. */
  openGate(attempt: GraphAttempt, shows: Readonly<Record<string, unknown>>): void {
    const { core, state } = this;
    const { node, visit } = attempt;
    const { timeoutMs } = node.implementation.gate ?? { timeoutMs: undefined };
    const expiresAt = timeoutMs === undefined ? undefined : core.now + timeoutMs;
    const { seq } = core;
    if (core.isRecorded)
      core.record('gate.opened', { ...keyOf(attempt), shows, expiresAt: expiresAt ?? null }, core.now);
    this.#takeOver(attempt);
    apply.moveAttempt(attempt, 'waiting');
    apply.openGate(state, node, { visit, seq, shows, openedAt: core.now, expiresAt });
    this.#awaitGate(attempt, expiresAt);
  }

  #awaitGate(attempt: GraphAttempt, expiresAt: number | undefined): void {
    this.core.gates.set(`${this.scope}${attempt.node.id}`, attempt);
    this.core.watch(attempt, expiresAt);
  }

  /** A gate was answered, or timed out: the port of that answer is live. */
  closeGate(attempt: GraphAttempt, { kind, ...answer }: GateAnswer, now: number): void {
    const { core, state } = this;
    const data = { ...keyOf(attempt), ...answer } as EventData['gate.approved' | 'gate.rejected' | 'gate.expired'];
    if (core.isRecorded) core.record(kind, data as never, now);
    core.gates.delete(`${this.scope}${attempt.node.id}`);
    apply.moveAttempt(attempt, 'completed');
    apply.closeGate(state, attempt.node, attempt.startedAt, apply.gateOutput(data, now), now);
    this.#settled(attempt, 'completed', now);
    this.touch();
  }

  /** An attempt delivered its output. `false` when it came too late to count. */
  complete(attempt: GraphAttempt, output: Readonly<Record<string, unknown>>, now: number): boolean {
    if (attempt.status !== 'running') return false;
    const { core } = this;
    core.now = now;
    if (attempt.limits !== undefined) {
      if (isOverdue(attempt.limits, now)) return this.fail(attempt, timedOut(attempt), now);
      this.#settleSoft(attempt, attempt.limits, now);
    }
    const problem = core.decisions.judge(this, attempt, output);
    if (problem !== undefined) return this.fail(attempt, problem, now);
    if (core.isRecorded) core.record('attempt.completed', completion(attempt, output), now);
    attempt.status = 'completed';
    this.#release(attempt);
    const { node, change } = attempt;
    if (change !== undefined) this.state.nodeStates.set(node.index, change.state);
    apply.completeAttempt(this.state, node, attempt.startedAt, output, now);
    if (core.isObserved) this.#settled(attempt, 'completed', now);
    if (this.place !== undefined) this.touch();
    return true;
  }

  /** An attempt failed. `false` when it came too late to count. */
  fail(attempt: GraphAttempt, thrown: unknown, now: number): boolean {
    if (attempt.status !== 'running') return false;
    const { core, state } = this;
    core.now = now;
    if (attempt.limits !== undefined) this.#settleSoft(attempt, attempt.limits, now);
    const late = attempt.limits !== undefined && isOverdue(attempt.limits, now) && !isTimeout(thrown);
    const error = late ? timedOut(attempt, thrown) : thrown;
    this.#owned(attempt)?.stop(ownerStopped(this.scope, attempt.node), now);
    const decided = core.decisions.decideFailure(this, attempt, error, now);
    const data = maskError(errorData(decided.error ?? error), core.secrets);
    if (core.isRecorded) core.record('attempt.failed', { ...keyOf(attempt), error: data, then: decided.then }, now);
    attempt.status = 'failed';
    this.#release(attempt);
    apply.failAttempt(state, attempt.node, attempt, data, decided.then, 'failed', now);
    apply.countRetry(core.top, decided.then);
    this.#settled(attempt, 'failed', now, { error: data, then: decided.then });
    if (decided.then.kind === 'retry') core.delay(this, attempt.node.index, decided.then.at);
    if (this.place !== undefined) this.touch();
    return true;
  }

  /** An attempt was running when its process ended: it is tried again or not, as decided. */
  lose(attempt: GraphAttempt, now: number): void {
    const { core, state } = this;
    const { id } = attempt.node;
    apply.moveAttempt(attempt, 'lost');
    const what = `Attempt ${attempt.number} of node "${id}" was running when its process ended.`;
    const lost = new AttemptError('ATTEMPT_LOST', what, { at: id });
    const decided = core.decisions.decideFailure(this, attempt, lost, now);
    const error = maskError(errorData(decided.error ?? lost), core.secrets);
    if (core.isRecorded) core.record('attempt.lost', { ...keyOf(attempt), error, then: decided.then }, now);
    apply.failAttempt(state, attempt.node, attempt, error, decided.then, 'lost', now);
    this.#settled(attempt, 'lost', now, { error, then: decided.then });
    if (decided.then.kind === 'retry') core.delay(this, attempt.node.index, decided.then.at);
    this.touch();
  }

  #settled(
    attempt: GraphAttempt,
    status: Settlement['status'],
    at: number,
    failure?: { readonly error: ErrorData; readonly then: FailureVerdict },
  ): void {
    const { core } = this;
    if (!core.isObserved) return;
    core.decisions.afterAttempt(this, attempt, { status, at, error: failure?.error, then: failure?.then });
  }

  /** After a fold: takes up a gate that waits, or an attempt that has opened its children. `false` for any other. */
  restore(attempt: GraphAttempt): boolean {
    if (attempt.status === 'waiting') {
      this.#awaitGate(attempt, this.state.gates?.get(attempt.node.index)?.expiresAt);
      return true;
    }
    const state = this.state.children?.get(attempt.node.index);
    if (state === undefined || state.visit !== attempt.visit || state.attempt !== attempt.number) return false;
    this.#own(attempt, state);
    if (attempt.limits !== undefined) this.core.watch(attempt, attempt.limits.hard, attempt.limits.soft);
    return true;
  }

  /** The graphs of the children that an attempt has opened, as far as they have begun. */
  graphsOf(attempt: GraphAttempt): readonly GraphExecution[] {
    return this.#owned(attempt)?.graphs ?? [];
  }

  #owned(attempt: GraphAttempt): Children<GraphExecution> | undefined {
    const children = this.#owners?.get(attempt.node.index);
    return children?.attempt === attempt ? children : undefined;
  }

  /** Something in this graph may start, or all of it has settled: whoever owns it must look. */
  touch(): void {
    for (let graph: GraphExecution = this; graph.place !== undefined; ) {
      const { children, number } = graph.place;
      children.arm(number);
      const { attempt } = children;
      graph = attempt.graph;
      graph.#armed?.add(attempt.node.index);
    }
  }

  /** Every attempt in flight in this graph and its children, in no particular order. */
  attemptsInFlight(): GraphAttempt[] {
    const graphs = [...(this.#owners?.values() ?? [])].flatMap((children) => children.graphs);
    return [...this.#inFlight.all(), ...graphs.flatMap((graph) => graph.attemptsInFlight())];
  }

  /** An output whose source was live and brought nothing: the types promise a value. */
  warnOfMissing(output: Readonly<Record<string, unknown>>): void {
    for (const [name, source] of this.plan.outputs) {
      if (output[name] !== undefined || !(bitsOf(this.state, source) & LIVE)) continue;
      const message = `The source of output "${name}" was live and had no value.`;
      this.warn({ code: 'missing-output', message, at: name });
    }
  }

  /** Lets a map or subworkflow go on: an attempt of one of its children, or nothing when it has settled or must wait. */
  #advance(index: number, now: number): GraphAttempt | undefined {
    const children = this.#owners?.get(index);
    const attempt = children?.next(now);
    if (attempt !== undefined) return attempt;
    this.#armed?.delete(index);
    if (children === undefined || !children.isSettled) return undefined;
    const result = children.result();
    if (result.error === undefined) this.complete(children.attempt, result.output, now);
    else this.fail(children.attempt, result.error, now);
    return undefined;
  }

  #startAttempt(node: PlanNode, now: number): GraphAttempt {
    const { state, core } = this;
    const attempt: GraphAttempt = new Attempt(
      this,
      node,
      state.visit(node.index),
      (state.attempts[node.index] as number) + 1,
      now,
    );
    if (core.isRecorded) core.record('attempt.started', keyOf(attempt), now);
    if (this.plan.limited) attempt.limits = limitsOf(state, attempt);
    apply.startAttempt(state, node, now);
    core.running++;
    return attempt;
  }

  #release(attempt: GraphAttempt): void {
    if (this.#owned(attempt) === undefined) this.core.running--;
    else this.#owners?.delete(attempt.node.index);
    if (attempt.suspended) this.#inFlight.remove(attempt);
  }

  /** Applies the limits of an attempt that are due. */
  expire(attempt: GraphAttempt, now: number): void {
    const { limits } = attempt;
    if (attempt.status === 'waiting') this.closeGate(attempt, { kind: 'gate.expired' }, now);
    else if (limits?.hard !== undefined && now >= limits.hard) {
      const error = timedOut(attempt);
      this.core.abort(attempt, error);
      this.fail(attempt, error, now);
    } else if (limits?.soft !== undefined && now >= limits.soft) {
      const reason = passedSoftLimit(attempt);
      const inside = this.graphsOf(attempt).flatMap((graph) => graph.attemptsInFlight());
      for (const told of [attempt, ...inside]) this.core.abort(told, reason);
      this.#noteSoft(attempt, limits, now);
    }
  }

  /** An attempt that settles after its soft limit, and that nobody could tell: it held the thread. */
  #settleSoft(attempt: GraphAttempt, limits: AttemptLimits, now: number): void {
    if (limits.soft !== undefined && now >= limits.soft) this.#noteSoft(attempt, limits, now);
  }

  #noteSoft({ node: { id, data } }: Attempt, limits: AttemptLimits, now: number): void {
    const { core, scope } = this;
    const message = `Node "${id}" passed its soft time limit of ${data.softTimeoutMs} ms.`;
    this.warn({ code: 'soft-timeout', message, at: id });
    if (core.isRecorded) core.record('deadline.expired', { scope, subject: id, level: 'soft' }, now);
    limits.soft = undefined;
  }

  /** Stops everything that has not settled, children first. */
  stop(reason: NotRunReason, now: number): void {
    const { state, plan } = this;
    const started = new Map(this.#inFlight.all().map((attempt) => [attempt.node.index, attempt]));
    for (const [index, { attempt }] of this.#owners ?? []) started.set(index, attempt);
    for (const index of state.gates?.keys() ?? []) {
      const gate = this.core.gates.get(`${this.scope}${plan.nodes[index]?.id}`);
      if (gate !== undefined) started.set(index, gate as GraphAttempt);
    }
    for (const node of plan.nodes) {
      if ((state.status[node.index] as number) < COMPLETED) this.#cancel(node, started.get(node.index), reason, now);
    }
    for (let number = plan.regions.length - 1; number >= 0; number--)
      cancelRegion(this, plan.regions[number] as PlanRegion, now);
    state.dueRegions.length = 0;
  }

  #cancel(node: PlanNode, attempt: GraphAttempt | undefined, reason: NotRunReason, now: number): void {
    const { state, core, scope } = this;
    if (attempt === undefined) {
      const data = { scope, node: node.id, visit: state.visit(node.index), reason };
      if (core.isRecorded) core.record('node.cancelled', data, now);
      this.#withdraw(node);
    } else {
      this.#owned(attempt)?.stop(reason, now);
      if (core.isRecorded) core.record('attempt.cancelled', { ...keyOf(attempt), reason }, now);
      if (attempt.status === 'waiting') core.gates.delete(`${scope}${node.id}`);
      else this.#release(attempt);
      apply.moveAttempt(attempt, 'cancelled');
      const what = `Node "${node.id}" was aborted: ${reason.code.replaceAll('_', ' ')}.`;
      core.abort(attempt, new LockstepError('RUN_CANCELLED', what, { at: node.id }));
    }
    apply.setAside(state, node, CANCELLED, reason, now, attempt?.startedAt);
    if (attempt !== undefined) this.#settled(attempt, 'cancelled', now);
  }

  /** How this graph ended, once everything in it has settled. */
  outcome() {
    return runOutcome(this.state);
  }
}

/** The least of some numbers, of which there mostly is one. */
function firstOf(numbers: readonly number[]): number {
  return numbers.length === 1 ? (numbers[0] as number) : Math.min(...numbers);
}

function ownerStopped(scope: string, { id }: PlanNode): NotRunReason {
  const root = { subject: `${scope}${id}`, port: null, code: 'owner_stopped' as const };
  return { code: 'owner_stopped', input: null, source: null, root };
}
