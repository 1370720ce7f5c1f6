import { Attempt, type AttemptLimits, AttemptList } from './attempt.js';
import { AttemptError, errorData, LockstepError } from './errors.js';
import { type AddressedParameters, completion, keyOf, setAsData, shapeOf, stopReason } from './event-data.js';
import { EventFold } from './event-fold.js';
import { type DecisiveOptions, EVENT_VERSION, type EventData, type EventKind, type RunEvent } from './events.js';
import { ExecutionState, type RegionState } from './execution-state.js';
import type { Plan, PlanNode, PlanRegion } from './plan.js';
import type { Random } from './ports.js';
import { runOutcome } from './run-outcome.js';
import type { Decisions, RunView, Warning } from './run-view.js';
import { maskError, maskText } from './secret-mask.js';
import { bitsOf, LIVE } from './source-evaluation.js';
import { BLOCKED, CANCELLED, PENDING, RUNNING, SKIPPED } from './status.js';
import { isOverdue, isTimeout, limitsOf, passedSoftLimit, timedOut } from './time-limits.js';
import * as apply from './transitions.js';

/** Receives each event as it is decided. */
export type EventSink = (event: RunEvent) => void;

/** What a run is started with. */
export interface RunStart {
  readonly runId: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Node-addressed parameters: plan index to port to value. */
  readonly set: AddressedParameters;
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
  #warned: Set<string> | undefined;
  secrets: ReadonlyMap<string, string> = NO_SECRETS;
  readonly #decisions: Decisions;
  readonly #sink: EventSink | undefined;
  readonly #start: RunStart;
  readonly #inFlight = new AttemptList();
  readonly #limited = new Set<Attempt>();
  #aborts: Abort[] = [];
  #seq = 0;
  #nextWake = FOREVER;

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

  /** Nothing runs, nothing waits for a time, and the run is not over: nothing can ever move it on. */
  get isStuck(): boolean {
    return !this.isSettled && this.state.running === 0 && this.wakeAt() === undefined;
  }

  warn(warning: Warning): void {
    const place = `${warning.code} ${warning.at}`;
    this.#warned ??= new Set();
    if (this.#warned.has(place)) return;
    this.#warned.add(place);
    this.warnings.push({ ...warning, message: maskText(warning.message, this.secrets) });
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
    apply.beginRun(this.state, parameters, set, options, now);
  }

  /**
   * Decides whatever can be decided now, and starts the next attempt that may start: the one with the lowest plan index.
   * `undefined` when none may: look at `isSettled` and `wakeAt`.
   */
  next(now: number): Attempt | undefined {
    const { state, plan } = this;
    const { maxConcurrency } = state.options;
    for (;;) {
      if (state.attention && this.#attend(now)) return undefined;
      // Nothing is decided while every slot is taken: with one slot, decisions are made in the order of LocalRuntime.
      if (maxConcurrency !== null && state.running >= maxConcurrency) return undefined;
      const index = state.ready.least();
      if (index === -1) return undefined;
      const node = plan.nodes[index] as PlanNode;
      if ((node.selective || state.tainted[index] === 1) && !this.#decideNode(node, now)) continue;
      const admission = this.#decisions.admit(this, node, now);
      if (admission === 'start') {
        const attempt = this.#startAttempt(node, now);
        if (attempt.limits === undefined || !isOverdue(attempt.limits, now)) return attempt;
        this.fail(attempt, timedOut(attempt), now); // the limit of the node had passed before this attempt could start
        continue;
      }
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
    if (attempt.limits !== undefined) {
      if (isOverdue(attempt.limits, now)) return this.fail(attempt, timedOut(attempt), now);
      this.#settleSoft(attempt, attempt.limits, now);
    }
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
    if (attempt.limits !== undefined) this.#settleSoft(attempt, attempt.limits, now);
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

  /** The caller wants the run to stop. What runs is aborted, what has not started never will. `true` when that is news. */
  cancel(reason: string, now: number): boolean {
    const { state } = this;
    if (state.stopping !== undefined || state.runStatus !== 'running' || this.isSettled) return false;
    if (this.#sink !== undefined) this.#record('run.cancel_requested', { reason }, now);
    apply.stop(state, { kind: 'cancel', reason });
    return true;
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
    if (state.runStatus !== 'running' || state.stopping !== undefined) return;
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
    if (outcome.status === 'completed') this.#warnOfMissing(outcome.output);
    if (this.#sink !== undefined) {
      if (outcome.status === 'completed') this.#record('run.completed', { output: outcome.output }, now);
      else if (outcome.status === 'failed')
        this.#record('run.failed', { error: outcome.error, node: outcome.node }, now);
      else this.#record('run.cancelled', { reason: outcome.reason }, now);
    }
    apply.endRun(this.state, outcome, now);
  }

  /** An output whose source was live and brought nothing: the types promise a value. */
  #warnOfMissing(output: Readonly<Record<string, unknown>>): void {
    for (const [name, source] of this.plan.outputs) {
      if (output[name] !== undefined || !(bitsOf(this.state, source) & LIVE)) continue;
      this.warn({
        code: 'missing-output',
        message: `The source of output "${name}" was live and had no value.`,
        at: name,
      });
    }
  }

  #record<K extends EventKind>(kind: K, data: EventData[K], now: number): void {
    const event = { seq: this.#seq++, ts: now, runId: this.runId, kind, v: EVENT_VERSION, data };
    (this.#sink as EventSink)(event as unknown as RunEvent);
  }

  #startAttempt(node: PlanNode, now: number): Attempt {
    const { state } = this;
    const attempt = new Attempt(node, state.visit(node.index), (state.attempts[node.index] as number) + 1, now);
    if (this.#sink !== undefined) this.#record('attempt.started', keyOf(attempt), now);
    if (this.plan.limited) attempt.limits = limitsOf(state, attempt);
    apply.startAttempt(state, node, now);
    return attempt;
  }

  #release(attempt: Attempt): void {
    if (attempt.limits !== undefined) this.#limited.delete(attempt);
    if (attempt.suspended) this.#inFlight.remove(attempt);
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
    const { reason, failed, root } = decision;
    const error = decision.error === undefined ? undefined : maskError(decision.error, this.secrets);
    if (this.#sink !== undefined) {
      this.#record(
        'cycle.stopped',
        { ...common, iterations: around.iterations, reason, failed, root: root ?? null, error: error ?? null },
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
    this.#aborts.push({ attempt, reason: passedSoftLimit(attempt) });
    this.#noteSoft(attempt, limits, now);
  }

  /** An attempt that settles after its soft limit, and that nobody could tell: it held the thread. */
  #settleSoft(attempt: Attempt, limits: AttemptLimits, now: number): void {
    if (limits.soft !== undefined && now > limits.soft) this.#noteSoft(attempt, limits, now);
  }

  #noteSoft({ node: { id, data } }: Attempt, limits: AttemptLimits, now: number): void {
    if (this.#sink !== undefined)
      this.#record('deadline.expired', { scope: this.scope, subject: id, level: 'soft' }, now);
    limits.soft = undefined;
    const message = `Node "${id}" passed its soft time limit of ${data.softTimeoutMs} ms.`;
    this.warn({ code: 'soft-timeout', message, at: id });
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
          iterations: around.iterations,
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
    const fold = new EventFold(this.state);
    for (const event of events) fold.apply(event);
    for (const attempt of fold.unsettled) this.suspend(attempt);
    this.#seq = fold.length;
    this.#nextWake = this.#earliestRetry();
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
}

const NO_SECRETS: ReadonlyMap<string, string> = new Map();
const NO_ABORTS: readonly Abort[] = [];
