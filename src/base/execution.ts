import { Attempt } from './attempt.js';
import { AttemptError, LockstepError } from './errors.js';
import { type AddressedParameters, setAsData, shapeOf } from './event-data.js';
import { EventFold, type OpenAttempt } from './event-fold.js';
import type { DecisiveOptions, EventData, RunEvent } from './events.js';
import { ExecutionState } from './execution-state.js';
import { type GraphAttempt, GraphExecution } from './graph-execution.js';
import { restoreSnapshot, type SnapshotData } from './history/state-snapshot.js';
import type { Plan, PlanNode } from './plan.js';
import type { Random } from './ports.js';
import { type Abort, type EventSink, RunCore } from './run-core.js';
import type { Decisions } from './run-view.js';
import { maskText } from './secret-mask.js';
import * as apply from './transitions.js';
import type { Warning } from './warning.js';

/** What a run is started with. */
export interface RunStart {
  readonly runId: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Node-addressed parameters: plan index to port to value. */
  readonly set: AddressedParameters;
  readonly options: DecisiveOptions;
  readonly context: Readonly<Record<string, unknown>>;
  readonly random: Random;
  /** Default 0. */
  readonly priority?: number;
  /** Whether it is counted and timed. Default false. */
  readonly monitored?: boolean;
  /** Hash of the workflow, where it is recorded. */
  readonly workflowHash?: string;
  /** What was found before the start. */
  readonly warnings: readonly Warning[];
}

/** Where the log of a run goes on. */
export interface LogEnd {
  /** Default: after the history. */
  readonly next?: number;
  readonly revised?: EventData['run.revised'];
  /** What the events before the history did. Default: there are none before. */
  readonly snapshot?: SnapshotData;
}

const FOREVER = Number.POSITIVE_INFINITY;

/**
 * The one state machine of a run. Whoever drives it asks for the `next` attempt, performs it, and settles it by `complete` or
 * `fail` of the attempt's graph, in any order.
 */
export class Execution extends GraphExecution {
  /** What it was started with; a run that goes on has it from its history. */
  readonly start: RunStart;

  /** @param observed whether `decisions` is told of attempts that have settled */
  constructor(plan: Plan, start: RunStart, decisions: Decisions, sink: EventSink | undefined, observed = false) {
    const state = new ExecutionState(plan);
    const core: RunCore = new RunCore({
      runId: start.runId,
      random: start.random,
      priority: start.priority ?? 0,
      decisions,
      top: state,
      sink,
      observed,
      monitored: start.monitored ?? false,
      warn: (scope, warning) => warnRun(core, state, scope, warning),
      alert: () => {
        state.attention = true;
      },
    });
    super(core, state, undefined);
    this.start = start;
  }

  override get secrets(): ReadonlyMap<string, string> {
    return this.core.secrets;
  }

  override set secrets(secrets: ReadonlyMap<string, string>) {
    this.core.secrets = secrets;
  }

  override get deadline(): number | undefined {
    const { options, runStartedAt, waitedMs } = this.state;
    return options.timeoutMs === null ? undefined : runStartedAt + waitedMs + options.timeoutMs;
  }

  /** Nothing runs, nothing waits for a time or for an answer, and the run is not over: nothing can ever move it on. */
  get isStuck(): boolean {
    const { running, gates, parked } = this.core;
    return !this.isSettled && running === 0 && gates.size === 0 && parked.size === 0 && this.wakeAt() === undefined;
  }

  /** Nothing can go on until a gate is answered or expires. Asked once `next` has nothing more. */
  get isWaiting(): boolean {
    const { gates, running, delays, parked } = this.core;
    return gates.size > 0 && running === 0 && parked.size === 0 && delays.next === FOREVER && !this.isSettled;
  }

  /** Starts the run. */
  begin(now: number): void {
    const { parameters, set, options, context, workflowHash } = this.start;
    const { core, plan } = this;
    core.now = now;
    if (core.isRecorded) {
      const workflow = plan.workflow.name;
      const given = { parameters, set: setAsData(plan, set), options, context };
      const hash = workflowHash === undefined ? {} : { workflowHash };
      core.record('run.started', { workflow, plan: shapeOf(plan), ...hash, ...given }, now);
    }
    apply.beginRun(this.state, this.start, now);
    this.#warnOfStart();
  }

  /**
   * Goes on with a run of which this history is known. What was found before the start may not have been recorded: it was found
   * again. Attempts that had not settled are lost.
   *
   * @param log what follows where the log of the run is longer than this history: the position of its next event, and the event by
   *   which the run takes back what is not in the history
   * @throws LockstepError PLAN_MISMATCH, CORRUPT_HISTORY, SNAPSHOT_UNUSABLE
   */
  resume(history: readonly RunEvent[], now: number, log: LogEnd = {}): void {
    const { core, state } = this;
    const lost = this.fold(history, log.snapshot);
    core.now = now;
    core.seq = log.next ?? core.seq;
    if (log.revised !== undefined) core.record('run.revised', log.revised, now);
    if (state.runStatus === 'waiting') {
      if (core.isRecorded) core.record('run.resumed', { scope: this.scope }, now);
      apply.resumeRun(state, now);
    }
    if (state.runStatus === 'running') this.#warnOfStart();
    for (const attempt of lost) attempt.graph.lose(attempt, now);
  }

  /**
   * Puts a recorded history into this fresh execution, by the same steps that the live run took.
   *
   * @param snapshot what the events before `history` did. Default: there are none before
   * @returns attempts that were running when it ends
   * @throws LockstepError PLAN_MISMATCH, CORRUPT_HISTORY, SNAPSHOT_UNUSABLE
   */
  fold(history: readonly RunEvent[], snapshot?: SnapshotData): readonly GraphAttempt[] {
    const fold = snapshot === undefined ? new EventFold(this.state) : restoreSnapshot(this.state, snapshot);
    for (const event of history) fold.apply(event);
    this.core.seq = fold.length;
    return this.#restoreGraph(this, fold.open);
  }

  /** Takes up what a history left open, in a graph and in the children that it has opened. */
  #restoreGraph(graph: GraphExecution, open: ReadonlyMap<ExecutionState, readonly OpenAttempt[]>): GraphAttempt[] {
    for (const [index, at] of graph.state.delayed) this.core.delay(graph, index, at);
    const running: GraphAttempt[] = [];
    for (const { node, visit, number, startedAt, status, limits } of open.get(graph.state) ?? []) {
      const attempt = new Attempt(graph, node, visit, number, startedAt);
      attempt.status = status;
      attempt.limits = limits;
      if (!graph.restore(attempt)) running.push(attempt);
      for (const child of graph.graphsOf(attempt)) running.push(...this.#restoreGraph(child, open));
    }
    return running;
  }

  #warnOfStart(): void {
    for (const warning of this.start.warnings) this.warn(warning);
  }

  protected override attend(now: number): boolean {
    const { core, state } = this;
    const { timeoutMs, softTimeoutMs } = state.options;
    this.#expireDue(now);
    if (super.attend(now)) return true;
    state.attention = core.isTimed || timeoutMs !== null || softTimeoutMs !== null;
    return false;
  }

  /** The caller wants the run to stop. What runs is aborted, what has not started never will. `true` when that is news. */
  cancel(reason: string, now: number): boolean {
    const { state, core } = this;
    if (state.stopping !== undefined || state.runStatus !== 'running' || this.isSettled) return false;
    if (core.isRecorded) core.record('run.cancel_requested', { reason }, now);
    apply.stop(state, { kind: 'cancel', reason });
    return true;
  }

  /**
   * Whether nodes wait for room that only another run can make: nothing is due in this one by which it could come to give back
   * what it holds itself. Asked while nothing runs.
   */
  get needsOthers(): boolean {
    const { parked, delays } = this.core;
    return parked.size > 0 && delays.next === FOREVER;
  }

  /** Fails every node that waits for room which another run has to make: none that could will ever come to its end. */
  failParked(now: number): void {
    for (const { graph, index, maker } of [...this.core.parked.values()]) {
      if (maker === 'this run') continue;
      const { id } = graph.state.plan.nodes[index] as PlanNode;
      const what = `Node "${id}" waits for room, and nothing that could make it will ever come to its end.`;
      graph.refuse(index, new AttemptError('WOULD_DEADLOCK', what, { at: id }), now);
    }
  }

  /** Fails every attempt in flight, and every node that waits for room: nothing can settle them any more. */
  failStalled(now: number): void {
    this.failParked(now);
    for (const attempt of this.attemptsInFlight()) {
      const { id } = attempt.node;
      const what = `Node "${id}" never settled: nothing is left that could settle its promise.`;
      attempt.graph.fail(attempt, new AttemptError('NEVER_SETTLED', what, { at: id }), now);
    }
  }

  /** When something will be due that no one will announce: a retry, a time limit, a gate. `undefined` when nothing will. */
  wakeAt(): number | undefined {
    const { state, core } = this;
    if (this.isSettled) return undefined;
    const at = Math.min(core.wakeAt, state.runStatus === 'waiting' ? FOREVER : this.#limit());
    return at === FOREVER ? undefined : at;
  }

  /** When the next time limit of the run passes: its clock stands still while it waits. */
  #limit(): number {
    const { options, runStartedAt, waitedMs, softExpired } = this.state;
    const { timeoutMs, softTimeoutMs } = options;
    const soft = softExpired ? FOREVER : (softTimeoutMs ?? FOREVER);
    return runStartedAt + waitedMs + Math.min(timeoutMs ?? FOREVER, soft);
  }

  #expireDue(now: number): void {
    const { state, core, scope } = this;
    const { timeoutMs, softTimeoutMs } = state.options;
    if (state.stopping !== undefined) return; // what is left is cancelled, also where its time has come meanwhile
    for (let due = core.deadlines.take(now); due !== undefined; due = core.deadlines.take(now))
      due.graph.expire(due, now);
    if (state.runStatus !== 'running' || state.stopping !== undefined) return;
    const from = state.runStartedAt + state.waitedMs;
    if (timeoutMs !== null && now >= from + timeoutMs) {
      if (core.isRecorded) core.record('deadline.expired', { scope, subject: '', level: 'hard' }, now);
      apply.stop(state, { kind: 'timeout' });
    } else if (softTimeoutMs !== null && !state.softExpired && now >= from + softTimeoutMs)
      this.#expireSoft(softTimeoutMs, now);
  }

  #expireSoft(limit: number, now: number): void {
    const { core, scope } = this;
    const message = `The run passed its soft time limit of ${limit} ms; running nodes were told to stop.`;
    this.warn({ code: 'soft-timeout', message, at: '' });
    if (core.isRecorded) core.record('deadline.expired', { scope, subject: '', level: 'soft' }, now);
    this.state.softExpired = true;
    const reason = new LockstepError('RUN_TIMEOUT', `The run passed its soft limit of ${limit} ms.`);
    for (const attempt of this.attemptsInFlight()) core.abort(attempt, reason);
  }

  /** Attempts whose work must be aborted since this was last asked. */
  takeAborts(): readonly Abort[] {
    return this.core.takeAborts();
  }

  /** Lets a run return in which only gates are open. */
  wait(now: number): void {
    const { core } = this;
    if (core.isRecorded) core.record('run.waiting', { scope: this.scope }, now);
    apply.waitRun(this.state, now);
  }

  /** Ends a run in which everything has settled. */
  finish(now: number): void {
    if (!this.isSettled) throw new TypeError('A run that is not over was ended.');
    const { core } = this;
    core.now = now;
    const outcome = this.outcome();
    if (outcome.status === 'completed') this.warnOfMissing(outcome.output);
    if (core.isRecorded) {
      if (outcome.status === 'completed') core.record('run.completed', { output: outcome.output }, now);
      else if (outcome.status === 'failed')
        core.record('run.failed', { error: outcome.error, node: outcome.node }, now);
      else core.record('run.cancelled', { reason: outcome.reason }, now);
    }
    apply.endRun(this.state, outcome, now);
  }
}

/** Warns a run of something in one of its graphs, once for each code and place. */
function warnRun(core: RunCore, state: ExecutionState, scope: string, warning: Warning): void {
  const { code, at } = warning;
  const message = maskText(warning.message, core.secrets);
  const placed = { code, message, at: `${scope}${at}` };
  if (apply.isWarned(state, placed)) return;
  if (core.isRecorded) core.record('run.warned', { scope, code, message, at }, core.now);
  apply.warn(state, placed);
}
