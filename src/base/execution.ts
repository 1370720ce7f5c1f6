import { Attempt, type AttemptLimits, AttemptList } from './attempt.js';
import { AttemptError, type ErrorData, errorData, LockstepError } from './errors.js';
import { type DecisiveOptions, EVENT_VERSION, type EventData, type EventKind, type RunEvent } from './events.js';
import { ExecutionState, type RegionState } from './execution-state.js';
import type { Plan, PlanNode, PlanRegion } from './plan.js';
import type { Random } from './ports.js';
import type { NotRunCode, NotRunReason } from './reason.js';
import { runOutcome } from './run-outcome.js';
import type { Decisions, RunView, Warning } from './run-view.js';
import { maskError } from './secret-mask.js';

import { BLOCKED, CANCELLED, PENDING, RUNNING, SKIPPED } from './status.js';
import * as apply from './transitions.js';

/** Receives each event as it is decided. */
export type EventSink = (event: RunEvent) => void;

/** What a run is started with. */
export interface RunStart {
  readonly runId: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Node-addressed parameters: plan index to port to value. */
  readonly set: ReadonlyMap<number, ReadonlyMap<string, unknown>> | undefined;
  readonly options: DecisiveOptions;
  readonly context: Readonly<Record<string, unknown>>;
  readonly random: Random;
}

/** Something whose work must be aborted: an attempt that was cancelled, or ran past its soft limit. */
export interface Abort {
  readonly attempt: Attempt;
  readonly reason: Error;
}

const FOREVER = Number.POSITIVE_INFINITY;

/**
 * The one state machine of a run. It is pure: it is told the time, asks `Decisions`, records what was decided, and changes its
 * state. Whoever drives it asks for the `next` attempt, performs it, and settles it by `complete` or `fail`, in any order.
 */
export class Execution implements RunView {
  readonly runId: string;
  readonly scope = '';
  readonly plan: Plan;
  readonly state: ExecutionState;
  readonly context: Readonly<Record<string, unknown>>;
  readonly random: Random;
  readonly warnings: Warning[] = [];
  secrets: ReadonlyMap<string, string> = NO_SECRETS;
  readonly #decisions: Decisions;
  readonly #sink: EventSink | undefined;
  readonly #start: RunStart;
  readonly #inFlight = new AttemptList();
  readonly #limited = new Set<Attempt>();
  #aborts: Abort[] = [];
  #seq = 0;
  #nextWake = FOREVER;
  /** Attempts in flight by node; only while a history is folded. */
  #folding: Map<number, Attempt> | undefined;

  constructor(plan: Plan, start: RunStart, decisions: Decisions, sink: EventSink | undefined) {
    this.plan = plan;
    this.runId = start.runId;
    this.context = start.context;
    this.random = start.random;
    this.state = new ExecutionState(plan);
    this.#start = start;
    this.#decisions = decisions;
    this.#sink = sink;
  }

  /** Everything has settled: only `finish` is left. */
  get isSettled(): boolean {
    return this.state.open === 0 && this.state.dueRegions.length === 0;
  }

  warn(warning: Warning): void {
    if (this.warnings.some(({ code, at }) => code === warning.code && at === warning.at)) return;
    this.warnings.push(warning);
  }

  /** Starts the run. */
  begin(now: number): void {
    const { parameters, set, options } = this.#start;
    if (this.#sink !== undefined)
      this.#record(
        'run.started',
        {
          workflow: this.plan.workflow.name,
          plan: shapeOf(this.plan),
          parameters,
          set: setAsData(this.plan, set),
          options,
        },
        now,
      );
    this.#begun(parameters, set, options, now);
  }

  #begun(
    parameters: Readonly<Record<string, unknown>>,
    set: RunStart['set'],
    options: DecisiveOptions,
    now: number,
  ): void {
    const { state } = this;
    apply.moveRun(state, 'running');
    state.parameters = parameters;
    state.set = set;
    state.options = options;
    state.runStartedAt = now;
    state.attention = options.timeoutMs !== null || options.softTimeoutMs !== null;
  }

  /**
   * Decides whatever can be decided now, and starts the next attempt that may start: the one with the lowest plan index.
   * `undefined` when none may: look at `isSettled` and `wakeAt`.
   */
  next(now: number): Attempt | undefined {
    const { state, plan } = this;
    for (;;) {
      if (state.attention && this.#attend(now)) return undefined;
      const index = state.ready.least();
      if (index === -1) return undefined;
      const node = plan.nodes[index] as PlanNode;
      if ((node.selective || state.tainted[index] === 1) && !this.#decideNode(node, now)) continue;
      const admission = this.#decisions.admit(this, node, now);
      if (admission === 'start') return this.#startAttempt(node, now);
      if (admission === 'full') return undefined;
      apply.delay(state, index, admission.until);
      this.#nextWake = Math.min(this.#nextWake, admission.until);
    }
  }

  /** Does what must be done before another node may start. `true` when none may any more. */
  #attend(now: number): boolean {
    const { state } = this;
    const { timeoutMs, softTimeoutMs } = state.options;
    this.expire(now);
    while (state.stopping === undefined && state.dueRegions.length > 0)
      this.#decideRegion(Math.min(...state.dueRegions), now);
    if (state.stopping !== undefined) {
      this.#stopEverything(now);
      return true;
    }
    if (now >= this.#nextWake) this.#wakeDelayed(now);
    state.attention = this.#limited.size > 0 || state.delayed.size > 0 || timeoutMs !== null || softTimeoutMs !== null;
    return false;
  }

  /**
   * An attempt goes on after the call that started it returned: it settles later, or is aborted. An attempt that settles before
   * its call returns never gets here.
   */
  suspend(attempt: Attempt): void {
    this.#inFlight.add(attempt);
    if (attempt.limits === undefined) return;
    this.#limited.add(attempt);
    this.state.attention = true;
  }

  /** An attempt delivered its output. `false` when it came too late to count. */
  complete(attempt: Attempt, output: Readonly<Record<string, unknown>>, now: number): boolean {
    if (attempt.status !== 'running') return false;
    if (attempt.limits !== undefined && isOverdue(attempt.limits, now))
      return this.fail(attempt, timedOut(attempt), now);
    const problem = this.#decisions.judge(this, attempt, output);
    if (problem !== undefined) return this.fail(attempt, problem, now);
    if (this.#sink !== undefined) this.#record('attempt.completed', completion(attempt, output), now);
    attempt.status = 'completed';
    this.#release(attempt);
    const { node, change } = attempt;
    if (change !== undefined) this.state.nodeStates.set(node.index, change.state);
    apply.completeAttempt(this.state, node, attempt.startedAt, output, now);
    return true;
  }

  /** An attempt failed. `false` when it came too late to count. */
  fail(attempt: Attempt, thrown: unknown, now: number): boolean {
    if (attempt.status !== 'running') return false;
    const late = attempt.limits !== undefined && isOverdue(attempt.limits, now) && !isTimeout(thrown);
    const error = late ? timedOut(attempt, thrown) : thrown;
    const decided = this.#decisions.decideFailure(this, attempt, error, now);
    const data = maskError(errorData(decided.error ?? error), this.secrets);
    if (this.#sink !== undefined)
      this.#record('attempt.failed', { ...keyOf(attempt), error: data, then: decided.then }, now);
    attempt.status = 'failed';
    this.#release(attempt);
    apply.failAttempt(this.state, attempt.node, attempt, data, decided.then, 'failed', now);
    if (decided.then.kind === 'retry') this.#nextWake = Math.min(this.#nextWake, decided.then.at);
    return true;
  }

  /** The caller wants the run to stop. What runs is aborted, what has not started never will. */
  cancel(reason: string, now: number): void {
    const { state } = this;
    if (state.stopping !== undefined || state.runStatus !== 'running' || this.isSettled) return;
    if (this.#sink !== undefined) this.#record('run.cancel_requested', { reason }, now);
    apply.stop(state, { kind: 'cancel', reason });
  }

  /** Fails every attempt in flight: nothing can settle them any more. */
  failStalled(now: number): void {
    for (const attempt of this.#inFlight.all()) {
      const what = `Node "${attempt.node.id}" never settled: nothing is left that could settle its promise.`;
      this.fail(attempt, new AttemptError('NEVER_SETTLED', what, { at: attempt.node.id }), now);
    }
  }

  /** When something will be due that no one will announce: a retry, a time limit. `undefined` when nothing will. */
  wakeAt(): number | undefined {
    const { state } = this;
    let at = state.running === 0 || state.delayed.size > 0 ? this.#earliestRetry() : FOREVER;
    for (const { limits } of this.#limited) at = Math.min(at, limits?.hard ?? FOREVER, limits?.soft ?? FOREVER);
    const { timeoutMs, softTimeoutMs } = state.options;
    if (timeoutMs !== null && !this.isSettled) at = Math.min(at, state.runStartedAt + timeoutMs);
    if (softTimeoutMs !== null && !state.softExpired && !this.isSettled)
      at = Math.min(at, state.runStartedAt + softTimeoutMs);
    return at === FOREVER ? undefined : at;
  }

  /** Applies every time limit that has passed. */
  expire(now: number): void {
    const { state } = this;
    const { timeoutMs, softTimeoutMs } = state.options;
    for (const attempt of this.#limited) {
      const limits = attempt.limits as AttemptLimits;
      if (limits.hard !== undefined && now >= limits.hard) {
        const error = timedOut(attempt);
        this.#aborts.push({ attempt, reason: error });
        this.fail(attempt, error, now);
      } else if (limits.soft !== undefined && now >= limits.soft) this.#expireSoft(attempt, limits, now);
    }
    if (state.runStatus !== 'running' || state.stopping !== undefined || this.isSettled) return;
    if (timeoutMs !== null && now >= state.runStartedAt + timeoutMs) {
      if (this.#sink !== undefined)
        this.#record('deadline.expired', { scope: this.scope, subject: '', level: 'hard' }, now);
      apply.stop(state, { kind: 'timeout' });
    } else if (softTimeoutMs !== null && !state.softExpired && now >= state.runStartedAt + softTimeoutMs)
      this.#expireRunSoft(softTimeoutMs, now);
  }

  /** Attempts whose work must be aborted since this was last asked. */
  takeAborts(): readonly Abort[] {
    if (this.#aborts.length === 0) return NO_ABORTS;
    const taken = this.#aborts;
    this.#aborts = [];
    return taken;
  }

  /** Ends a run in which everything has settled. */
  finish(now: number): void {
    const outcome = runOutcome(this.state);
    if (this.#sink !== undefined) {
      if (outcome.status === 'completed') this.#record('run.completed', { output: outcome.output }, now);
      else if (outcome.status === 'failed')
        this.#record('run.failed', { error: outcome.error, node: outcome.node }, now);
      else this.#record('run.cancelled', { reason: outcome.reason }, now);
    }
    this.#finished(
      outcome.status,
      outcome.status === 'completed' ? outcome.output : undefined,
      outcome.status === 'failed' ? outcome.error : undefined,
      now,
    );
  }

  #finished(
    status: 'completed' | 'failed' | 'cancelled',
    output: Readonly<Record<string, unknown>> | undefined,
    error: ErrorData | undefined,
    now: number,
  ): void {
    const { state } = this;
    apply.moveRun(state, status);
    state.output = output;
    state.runError = error;
    state.runEndedAt = now;
  }

  #record<K extends EventKind>(kind: K, data: EventData[K], now: number): void {
    const event = { seq: this.#seq++, ts: now, runId: this.runId, kind, v: EVENT_VERSION, data };
    (this.#sink as EventSink)(event as unknown as RunEvent);
  }

  #startAttempt(node: PlanNode, now: number): Attempt {
    const { state } = this;
    const attempt = new Attempt(node, state.visit(node.index), (state.attempts[node.index] as number) + 1, now);
    if (this.#sink !== undefined) this.#record('attempt.started', keyOf(attempt), now);
    if (this.plan.limited) this.#limit(attempt);
    apply.startAttempt(state, node, now);
    return attempt;
  }

  #limit(attempt: Attempt): void {
    const { timeoutMs, softTimeoutMs, totalTimeoutMs } = attempt.node.data;
    const { startedAt, node } = attempt;
    const first = attempt.number === 1 ? startedAt : (this.state.startedAt[node.index] as number);
    const hard = Math.min(
      timeoutMs === undefined ? FOREVER : startedAt + timeoutMs,
      totalTimeoutMs === undefined ? FOREVER : first + totalTimeoutMs,
    );
    if (hard === FOREVER && softTimeoutMs === undefined) return;
    attempt.limits = {
      hard: hard === FOREVER ? undefined : hard,
      soft: softTimeoutMs === undefined ? undefined : startedAt + softTimeoutMs,
    };
  }

  #release(attempt: Attempt): void {
    if (attempt.limits !== undefined) this.#limited.delete(attempt);
    if (attempt.suspended) this.#inFlight.remove(attempt);
    if (this.#folding !== undefined) this.#folding.delete(attempt.node.index);
  }

  /** Decides about a node with sources that may not be live. `true` when it runs. */
  #decideNode(node: PlanNode, now: number): boolean {
    const decision = this.#decisions.decideNode(this, node);
    if (decision.kind === 'run') return true;
    const skipped = decision.kind === 'skip';
    const data = { scope: this.scope, node: node.id, visit: this.state.visit(node.index), reason: decision.reason };
    if (this.#sink !== undefined) this.#record(skipped ? 'node.skipped' : 'node.blocked', data, now);
    apply.setAside(this.state, node, skipped ? SKIPPED : BLOCKED, decision.reason, now);
    return false;
  }

  #decideRegion(number: number, now: number): void {
    const region = this.plan.regions[number] as PlanRegion;
    const around = this.state.regions[number] as RegionState;
    const elapsedMs = Number.isNaN(around.enteredAt) ? 0 : now - around.enteredAt;
    const decision = this.#decisions.decideCycle(this, region, now);
    const metric = decision.metric ?? null;
    const end = { elapsedMs, metric: decision.metric };
    const common = { scope: this.scope, cycle: region.id, elapsedMs, metric };
    if (decision.kind === 'continue') {
      if (this.#sink !== undefined) this.#record('cycle.iterated', { ...common, iteration: around.iteration }, now);
      apply.iterate(this.state, region, end);
      return;
    }
    const { reason, failed, root, error } = decision;
    if (this.#sink !== undefined) {
      this.#record(
        'cycle.stopped',
        { ...common, iterations: around.iteration + 1, reason, failed, root: root ?? null, error: error ?? null },
        now,
      );
    }
    apply.stopRegion(this.state, region, end, { reason, failed, root, error });
  }

  #earliestRetry(): number {
    let at = FOREVER;
    for (const time of this.state.delayed.values()) at = Math.min(at, time);
    return at;
  }

  #wakeDelayed(now: number): void {
    for (const [index, at] of this.state.delayed) if (at <= now) apply.wake(this.state, index);
    this.#nextWake = this.#earliestRetry();
  }

  #expireSoft(attempt: Attempt, limits: AttemptLimits, now: number): void {
    const { id } = attempt.node;
    if (this.#sink !== undefined)
      this.#record('deadline.expired', { scope: this.scope, subject: id, level: 'soft' }, now);
    limits.soft = undefined;
    this.#aborts.push({ attempt, reason: timedOut(attempt) });
    this.warn({
      code: 'soft-timeout',
      message: `Node "${id}" passed its soft time limit; its signal was aborted.`,
      at: id,
    });
  }

  #expireRunSoft(limit: number, now: number): void {
    if (this.#sink !== undefined)
      this.#record('deadline.expired', { scope: this.scope, subject: '', level: 'soft' }, now);
    this.state.softExpired = true;
    const reason = new LockstepError('RUN_TIMEOUT', `The run passed its soft limit of ${limit} ms.`);
    for (const attempt of this.#inFlight.all()) this.#aborts.push({ attempt, reason });
    this.warn({
      code: 'soft-timeout',
      message: `The run passed its soft time limit of ${limit} ms; running nodes were told to stop.`,
      at: '',
    });
  }

  #stopEverything(now: number): void {
    const { state, plan } = this;
    const reason = stopReason(state);
    const running = new Map(this.#inFlight.all().map((attempt) => [attempt.node.index, attempt]));
    for (const node of plan.nodes) {
      const status = state.status[node.index];
      if (status !== RUNNING && status !== PENDING) continue;
      const attempt = running.get(node.index);
      if (attempt !== undefined) {
        if (this.#sink !== undefined) this.#record('attempt.cancelled', { ...keyOf(attempt), reason }, now);
        apply.moveAttempt(attempt, 'cancelled');
        this.#release(attempt);
        this.#aborts.push({
          attempt,
          reason: new LockstepError(
            'RUN_CANCELLED',
            `Node "${node.id}" was aborted: ${reason.code.replaceAll('_', ' ')}.`,
            { at: node.id },
          ),
        });
      } else if (this.#sink !== undefined)
        this.#record(
          'node.cancelled',
          { scope: this.scope, node: node.id, visit: state.visit(node.index), reason },
          now,
        );
      apply.setAside(state, node, CANCELLED, reason, now, attempt?.startedAt);
    }
    for (let number = plan.regions.length - 1; number >= 0; number--)
      this.#cancelRegion(plan.regions[number] as PlanRegion, now);
    state.dueRegions.length = 0;
  }

  #cancelRegion(region: PlanRegion, now: number): void {
    const around = this.state.regions[region.index] as RegionState;
    if (around.stopped) return;
    for (const child of region.children) this.#cancelRegion(this.plan.regions[child] as PlanRegion, now);
    const elapsedMs = Number.isNaN(around.enteredAt) ? 0 : now - around.enteredAt;
    const how = { reason: 'cancelled' as const, failed: true, root: undefined, error: undefined };
    if (this.#sink !== undefined) {
      this.#record(
        'cycle.stopped',
        {
          scope: this.scope,
          cycle: region.id,
          iterations: around.iteration + 1,
          elapsedMs,
          metric: null,
          reason: 'cancelled',
          failed: true,
          root: null,
          error: null,
        },
        now,
      );
    }
    apply.stopRegion(this.state, region, { elapsedMs, metric: undefined }, how);
  }

  /**
   * Puts a recorded history into this fresh execution, by the same steps that the live run took. Calls no hook and evaluates
   * no predicate. Attempts that had not settled are running afterwards: see `loseUnsettled`.
   *
   * @throws LockstepError PLAN_MISMATCH when the history is of another plan, CORRUPT_HISTORY when an event cannot follow
   */
  fold(events: readonly RunEvent[]): void {
    this.#folding = new Map();
    for (const event of events) {
      if (event.seq !== this.#seq) throw corrupt(event, `its position should be ${this.#seq}`);
      try {
        this.#foldOne(event);
      } catch (cause) {
        if (cause instanceof LockstepError && cause.code !== 'ILLEGAL_TRANSITION') throw cause;
        throw corrupt(event, 'it cannot follow the ones before it', cause);
      }
      this.#seq++;
    }
    this.#folding = undefined;
    this.#nextWake = this.#earliestRetry();
  }

  #foldOne(event: RunEvent): void {
    const { state } = this;
    const { ts } = event;
    switch (event.kind) {
      case 'run.started': {
        const { data } = event;
        const shape = shapeOf(this.plan);
        if (!sameList(shape.nodes, data.plan.nodes) || !sameList(shape.cycles, data.plan.cycles)) {
          throw new LockstepError(
            'PLAN_MISMATCH',
            `The history of "${data.workflow}" was recorded with another plan than that of "${this.plan.workflow.name}".`,
          );
        }
        this.#begun(data.parameters, setFromData(this.plan, data.set), data.options, ts);
        return;
      }
      case 'run.cancel_requested':
        return apply.stop(state, { kind: 'cancel', reason: event.data.reason });
      case 'run.completed':
        return this.#finished('completed', event.data.output, undefined, ts);
      case 'run.failed':
        return this.#finished('failed', undefined, event.data.error, ts);
      case 'run.cancelled':
        return this.#finished('cancelled', undefined, undefined, ts);
      case 'node.skipped':
        return apply.setAside(state, this.#nodeOf(event.data), SKIPPED, event.data.reason, ts);
      case 'node.blocked':
        return apply.setAside(state, this.#nodeOf(event.data), BLOCKED, event.data.reason, ts);
      case 'node.cancelled':
        return apply.setAside(state, this.#nodeOf(event.data), CANCELLED, event.data.reason, ts);
      case 'attempt.started': {
        const node = this.#nodeOf(event.data);
        const attempt = new Attempt(node, event.data.visit, event.data.attempt, ts);
        if (this.plan.limited) this.#limit(attempt);
        this.suspend(attempt);
        this.#folding?.set(node.index, attempt);
        if (state.delayed.has(node.index)) apply.wake(state, node.index);
        return apply.startAttempt(state, node, ts);
      }
      case 'attempt.completed': {
        const attempt = this.#attemptOf(event.data);
        apply.moveAttempt(attempt, 'completed');
        this.#release(attempt);
        if ('state' in event.data) state.nodeStates.set(attempt.node.index, event.data.state);
        return apply.completeAttempt(state, attempt.node, attempt.startedAt, event.data.output, ts);
      }
      case 'attempt.failed':
      case 'attempt.lost': {
        const attempt = this.#attemptOf(event.data);
        const how = event.kind === 'attempt.failed' ? 'failed' : 'lost';
        apply.moveAttempt(attempt, how);
        this.#release(attempt);
        return apply.failAttempt(state, attempt.node, attempt, event.data.error, event.data.then, how, ts);
      }
      case 'attempt.cancelled': {
        const attempt = this.#attemptOf(event.data);
        apply.moveAttempt(attempt, 'cancelled');
        this.#release(attempt);
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

  /** After a fold: attempts that had not settled are lost, and tried again or not as decided. */
  loseUnsettled(now: number): void {
    for (const attempt of this.#inFlight.all()) {
      apply.moveAttempt(attempt, 'lost');
      const lost = new AttemptError(
        'ATTEMPT_LOST',
        `Attempt ${attempt.number} of node "${attempt.node.id}" was running when its process ended.`,
        { at: attempt.node.id },
      );
      const decided = this.#decisions.decideFailure(this, attempt, lost, now);
      const error = maskError(errorData(decided.error ?? lost), this.secrets);
      if (this.#sink !== undefined) this.#record('attempt.lost', { ...keyOf(attempt), error, then: decided.then }, now);
      this.#release(attempt);
      apply.failAttempt(this.state, attempt.node, attempt, error, decided.then, 'lost', now);
    }
    this.#nextWake = this.#earliestRetry();
  }

  #nodeOf({ node }: { readonly node: string }): PlanNode {
    const index = this.plan.nodeIndex.get(node);
    if (index === undefined)
      throw new LockstepError('PLAN_MISMATCH', `The history names node "${node}", which the plan does not have.`, {
        at: node,
      });
    return this.plan.nodes[index] as PlanNode;
  }

  #regionOf(cycle: string): PlanRegion {
    const index = this.plan.regionIndex.get(cycle);
    if (index === undefined)
      throw new LockstepError('PLAN_MISMATCH', `The history names cycle "${cycle}", which the plan does not have.`, {
        at: cycle,
      });
    return this.plan.regions[index] as PlanRegion;
  }

  #attemptOf({ node }: { readonly node: string }): Attempt {
    const attempt = this.#folding?.get(this.#nodeOf({ node }).index);
    if (attempt === undefined)
      throw new LockstepError('ILLEGAL_TRANSITION', `Node "${node}" has no running attempt.`, { at: node });
    return attempt;
  }
}

const NO_SECRETS: ReadonlyMap<string, string> = new Map();
const NO_ABORTS: readonly Abort[] = [];

function keyOf(attempt: Attempt) {
  return { scope: '', node: attempt.node.id, visit: attempt.visit, attempt: attempt.number };
}

function completion(attempt: Attempt, output: Readonly<Record<string, unknown>>): EventData['attempt.completed'] {
  return attempt.change === undefined
    ? { ...keyOf(attempt), output }
    : { ...keyOf(attempt), output, state: attempt.change.state };
}

function isOverdue({ hard }: AttemptLimits, now: number): boolean {
  return hard !== undefined && now > hard;
}

function isTimeout(error: unknown): boolean {
  return error instanceof AttemptError && (error.code === 'ATTEMPT_TIMEOUT' || error.code === 'NODE_TIMEOUT');
}

function timedOut(attempt: Attempt, cause?: unknown): AttemptError {
  const { id, data } = attempt.node;
  const { timeoutMs, totalTimeoutMs } = data;
  const own = timeoutMs !== undefined && attempt.deadline === attempt.startedAt + timeoutMs;
  const details = cause === undefined ? { at: id } : { at: id, cause };
  return own || totalTimeoutMs === undefined
    ? new AttemptError(
        'ATTEMPT_TIMEOUT',
        `Node "${id}" ran longer than ${timeoutMs ?? data.softTimeoutMs} ms.`,
        details,
      )
    : new AttemptError(
        'NODE_TIMEOUT',
        `All attempts of node "${id}" together took longer than ${totalTimeoutMs} ms.`,
        details,
      );
}

function stopReason(state: ExecutionState): NotRunReason {
  const { stopping } = state;
  const whole = (code: NotRunCode, subject: string): NotRunReason => ({
    code,
    input: null,
    source: null,
    root: { subject, port: null, code },
  });
  if (stopping?.kind === 'fail-fast') return whole('fail_fast', state.plan.nodes[stopping.node]?.id ?? '');
  return whole(stopping?.kind === 'timeout' ? 'run_timeout' : 'run_cancelled', '');
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

function shapeOf(plan: Plan) {
  return { nodes: plan.nodes.map((node) => node.id), cycles: plan.regions.map((region) => region.id) };
}

function setAsData(plan: Plan, set: RunStart['set']): EventData['run.started']['set'] {
  if (set === undefined) return [];
  return [...set].flatMap(([index, ports]) =>
    [...ports].map(([port, value]) => ({ node: (plan.nodes[index] as PlanNode).id, port, value })),
  );
}

function setFromData(plan: Plan, set: EventData['run.started']['set']): RunStart['set'] {
  if (set.length === 0) return undefined;
  const map = new Map<number, Map<string, unknown>>();
  for (const { node, port, value } of set) {
    const index = plan.nodeIndex.get(node) as number;
    const ports = map.get(index) ?? new Map<string, unknown>();
    map.set(index, ports.set(port, value));
  }
  return map;
}
