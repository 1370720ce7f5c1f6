import type { ActiveRun } from './active-run.js';
import { compile } from './compile.js';
import { ConfigurationError, type LockstepError, runtimeClosed } from './errors.js';
import { sinkFor, tellAnswers, tellerFor } from './event-sink.js';
import { Execution } from './execution.js';
import { runEnded, runStarted } from './facts.js';
import type { GraphAttempt } from './graph-execution.js';
import { idOf, type Part } from './graph-result.js';
import { checkFork, type ForkOptions, type ForkOverrides } from './history/fork-options.js';
import { logEnd, type RecordedRuns } from './history/recorded-runs.js';
import { RunRecorder } from './history/run-recorder.js';
import type { RuntimeNotifications } from './notifications.js';
import {
  type ExecuteArguments,
  type ExecutedRun,
  outcomeOf,
  type RejectedRun,
  type RunOutcome,
  reasonText,
} from './outcome.js';
import { PerformingRuntime } from './performing-runtime.js';
import type { Plan } from './plan.js';
import type { Ports } from './ports.js';
import { RunRejectedError } from './run-errors.js';
import { type BoundParameters, type RunFindings, type RunRequest, requestOf } from './run-request.js';
import { loadSecrets, NO_SECRETS } from './run-secrets.js';
import type { Decisions } from './run-view.js';
import { checkResumeOptions, type ResolvedOptions, type ResumeOptions, type RunOptions } from './runtime-options.js';
import { maskText } from './secret-mask.js';
import {
  approveGate,
  type GateReport,
  openGates,
  rejectGate,
  startOf,
  type WaitingRecord,
  WaitingRuns,
} from './waiting-runs.js';
import type { Warning } from './warning.js';
import { requireWorkflow, type Workflow } from './workflow.js';
import { hashWorkflow } from './workflow-hash.js';

/**
 * The shared foundation of every runtime: options, ports, listeners, life cycle, and the hooks that mixins override. It holds
 * no rule of its own: where no mixin decides, the most careful answer stands. Extended by a class that implements `settle`
 * and `execute`; it cannot be instantiated itself.
 */
export abstract class BaseRuntime extends PerformingRuntime {
  readonly #decisions: Decisions;
  readonly #waiting = new WaitingRuns();
  /** Records runs; `undefined` where no store is bound. */
  protected readonly recorder: RunRecorder | undefined;
  #references = 1;

  /** @throws ConfigurationError ABSTRACT_RUNTIME, INVALID_OPTION */
  constructor(options: ResolvedOptions, ports: Ports) {
    super(options, ports);
    if (typeof this.settle !== 'function' || typeof this.execute !== 'function') {
      throw new ConfigurationError('ABSTRACT_RUNTIME', `${new.target.name} has no settle() or no execute().`, {
        at: new.target.name,
      });
    }
    this.recorder = ports.store === undefined ? undefined : new RunRecorder(ports.store, options, ports);
    this.#decisions = {
      decideNode: (run, node) => this.decideNode(run, node),
      decideCycle: (run, region, now) => this.decideCycle(run, region, now),
      admit: (run, node, now) => this.admit(run, node, now),
      decideFailure: (run, attempt, error, now) => this.decideFailure(run, attempt, error, now),
      judge: (run, attempt, output) => this.judge(run, attempt, output),
      afterAttempt: (run, attempt, settlement) => this.afterAttempt(run, attempt, settlement),
      withdraw: (run, node) => this.withdraw(run, node),
    };
  }

  /** Runs a workflow and returns every outcome as a value. */
  abstract settle<Params, Output>(
    workflow: Workflow<Params, Output>,
    ...args: ExecuteArguments<Params>
  ): RunOutcome<Output> | Promise<RunOutcome<Output>>;

  /** Runs a workflow; throws what is not a result. */
  abstract execute<Params, Output>(
    workflow: Workflow<Params, Output>,
    ...args: ExecuteArguments<Params>
  ): ExecutedRun<Output> | Promise<ExecutedRun<Output>>;

  /** Listens to what the runtime tells. Returns the function that stops listening. */
  on<Name extends keyof RuntimeNotifications>(name: Name, listener: RuntimeNotifications[Name]): () => void {
    return this.listeners.add(name, listener);
  }

  /** Adds a user of this runtime: it stays open until each has called `close`. @throws LockstepError RUNTIME_CLOSED */
  acquire(): this {
    this.assertOpen();
    this.#references++;
    return this;
  }

  /** Whether the last user has called `close`. */
  get isClosed(): boolean {
    return this.#references === 0;
  }

  /** Takes one user away. `true` when it was the last, once. */
  protected release(): boolean {
    if (this.#references === 0) return false;
    this.#references--;
    return this.#references === 0;
  }

  /** Forgets every listener: the last thing a runtime does. */
  protected dropListeners(): void {
    this.listeners.clear();
  }

  /** The gates of a run that nobody has answered, in the order in which they opened; the run waits, or goes on beside them. @throws LockstepError RUN_UNKNOWN */
  gates(runId: string): readonly GateReport[] {
    return openGates(this.#restored(runId).execution);
  }

  /**
   * Approves a gate: its port `approved` carries the answer. A run that goes on beside the gate takes it at once, one that waits
   * when it is resumed.
   *
   * @param gate its id or handle; inside a map or subworkflow, its scope and id, as `gates` names it
   * @param answer must fit the gate's schema; `null` where none is given
   * @param by who approved, for the log
   * @throws LockstepError RUN_UNKNOWN, GATE_NOT_OPEN, GATE_ANSWER_INVALID, SCHEMA_ASYNC, SCHEMA_THREW, WORKFLOW_CHANGED, WORKFLOW_UNKNOWN;
   *   RunRejectedError SECRET_MISSING, SECRETS_FAILED
   */
  approve(runId: string, gate: Part, answer?: unknown, by?: string): void {
    const run = this.#answerable(runId);
    const accept = (value: unknown): void => run.journal?.accept({ answer: value }, `the answer of ${idOf(gate)}`);
    approveGate(run.execution, idOf(gate), answer, by ?? null, this.ports.clock.now(), accept);
    this.#answered(run);
  }

  /** Rejects a gate: its port `rejected` carries the reason. @throws LockstepError RUN_UNKNOWN, GATE_NOT_OPEN; RunRejectedError SECRET_MISSING, SECRETS_FAILED */
  reject(runId: string, gate: Part, reason?: string, by?: string): void {
    const run = this.#answerable(runId);
    rejectGate(run.execution, idOf(gate), reason ?? null, by ?? null, this.ports.clock.now());
    this.#answered(run);
  }

  /** A run whose gates can be answered: what happens to it is added to its record, and compared with its secrets. */
  #answerable(runId: string): ActiveRun {
    const run = this.#restored(runId);
    if (run.journal === undefined || this.#waiting.driven(runId) !== undefined) return run;
    const loaded = this.loadSecrets(run);
    if (loaded instanceof Promise)
      loaded.catch(() => undefined); // an answer is then not compared with the secrets
    else run.execution.secrets = loaded;
    return run;
  }

  /** A run that is driven, or one that waits, made anew. */
  #restored(runId: string): ActiveRun {
    this.assertOpen();
    const driven = this.#waiting.driven(runId);
    if (driven !== undefined) return driven;
    const { plan, events, secrets, found } = this.#waitingRun(runId);
    const request = { runId, plan, parameters: NO_PARAMETERS, options: NO_OPTIONS, history: events };
    const run = this.#makeRun(found === undefined ? request : { ...request, found }, UNBOUND, [], events);
    run.execution.secrets = secrets;
    run.execution.fold([...events], run.log.snapshot);
    run.execution.core.seq = run.log.next ?? run.execution.core.seq;
    return run;
  }

  /** Makes the store ready to be read: whoever has to start something for it does so here. */
  protected beforeReading(): void {}

  /** A run that waits, from memory or from the store. @throws LockstepError RUN_UNKNOWN, WORKFLOW_UNKNOWN */
  #waitingRun(runId: string): WaitingRecord {
    if (this.recorder === undefined || this.#waiting.isTaken(runId)) return this.#waiting.record(runId);
    const found = this.recordedRuns().answerable(runId);
    return { plan: compile(found.workflow), events: [...found.events], found, secrets: NO_SECRETS };
  }

  /** An answer was recorded: it is kept before anybody goes on, and the run is told where it is driven. */
  #answered({ execution: { runId }, journal, wake }: ActiveRun): void {
    const isDriven = this.#waiting.driven(runId) !== undefined;
    if (journal !== undefined && isDriven) this.recorder?.keep(journal);
    else if (journal !== undefined) this.recorder?.end(journal);
    if (isDriven) wake?.();
  }

  /** The identity of a workflow, by this runtime's Hash port. @throws LockstepError UNHASHABLE_LITERAL */
  hashOf(workflow: Workflow): string {
    return hashWorkflow(workflow, this.ports.hash);
  }

  /** @throws LockstepError RUNTIME_CLOSED */
  protected assertOpen(): void {
    if (this.isClosed) throw runtimeClosed();
  }

  // ── What both runtimes share. ──

  /**
   * Checks what the caller passed: that there is a workflow, and options and parameters of a run.
   *
   * @throws LockstepError RUNTIME_CLOSED, RunRejectedError
   */
  protected requestRun(workflow: unknown, parameters: unknown, options: RunOptions | undefined): RunRequest {
    this.assertOpen();
    return requestOf(workflow, parameters, options ?? NO_OPTIONS, this.options, this.ports.ids);
  }

  /**
   * Checks what the caller passed to `resume`, and takes the run: nobody else can go on with it.
   *
   * @param workflow `undefined` for the one that is known by the name that was recorded
   * @throws LockstepError RUNTIME_CLOSED, RUN_UNKNOWN, WORKFLOW_UNKNOWN, WORKFLOW_CHANGED; ConfigurationError INVALID_OPTION,
   *   UNKNOWN_OPTION; RunRejectedError
   */
  protected requestResumed(workflow: unknown, runId: string, options: ResumeOptions): RunRequest {
    checkResumeOptions(options);
    const { signal, onEvent, force } = options;
    this.assertOpen();
    const own = { ...(signal === undefined ? {} : { signal }), ...(onEvent === undefined ? {} : { onEvent }) };
    if (this.recorder === undefined) {
      const { plan, events } = this.#waiting.record(runId);
      const request = this.requestRun(workflow ?? plan.workflow, undefined, { ...startOf(events[0]), ...own, runId });
      this.#waiting.take(runId);
      return { ...request, history: events };
    }
    if (this.#waiting.isTaken(runId)) throw runExists(runId);
    if (workflow !== undefined) requireWorkflow('resume', workflow);
    const runs = this.recordedRuns();
    const ended = force === true ? undefined : runs.ended(runId);
    const found = ended ?? runs.load(runId, workflow as Workflow | undefined, force === true ? 'force' : 'refuse');
    const request = this.requestRun(found.workflow, undefined, { ...startOf(found.started), ...own, runId });
    this.#waiting.take(runId);
    const isOver = found.record.endedAt !== null && found.revised === undefined;
    return { ...request, history: found.events, found, isOver };
  }

  /**
   * Checks what the caller passed to `fork`, and takes over the history.
   *
   * @throws LockstepError RUNTIME_CLOSED, RUN_UNKNOWN, WORKFLOW_UNKNOWN, UNKNOWN_NODE; ConfigurationError INVALID_OPTION,
   *   UNKNOWN_OPTION, STORE_MISSING; RunRejectedError
   */
  protected requestForked(runId: string, atSeq: number, overrides: ForkOverrides, options: ForkOptions): RunRequest {
    checkFork(overrides, options);
    const { workflow, ...own } = options;
    if (workflow !== undefined) requireWorkflow('fork', workflow);
    const { workflow: known, events, from } = this.recordedRuns().fork(runId, atSeq, overrides, workflow);
    const request = this.requestRun(known, undefined, { ...startOf(events[0]), ...own });
    return { ...request, history: events, forkedFrom: from };
  }

  /** The store's runs, ready to be read. @throws LockstepError RUNTIME_CLOSED; ConfigurationError STORE_MISSING */
  protected recordedRuns(): RecordedRuns {
    this.assertOpen();
    this.beforeReading();
    if (this.recorder !== undefined) return this.recorder.runs;
    throw new ConfigurationError('STORE_MISSING', 'This runtime has no store.');
  }

  /**
   * Checks everything else that can be checked before the first node and makes the run.
   *
   * @throws RunRejectedError listing everything that is wrong
   */
  protected openRun(request: RunRequest, refuse: (plan: Plan) => LockstepError | undefined): ActiveRun {
    const findings: RunFindings = { problems: [], warnings: [] };
    const refused = refuse(request.plan);
    if (refused !== undefined) findings.problems.push(refused);
    if (this.#exists(request)) findings.problems.push(runExists(request.runId));
    this.checkRun(request, findings);
    const bound = request.history === undefined ? this.bindParameters(request) : UNBOUND;
    const isNew = request.history === undefined;
    const unstorable = isNew ? this.recorder?.problems(request, bound) : undefined;
    const problems = [...findings.problems, ...bound.problems, ...(unstorable ?? [])];
    if (problems.length > 0)
      throw new RunRejectedError({ runId: request.runId, workflow: request.plan.workflow.name }, problems);
    return this.#makeRun(request, bound, [...findings.warnings, ...bound.warnings]);
  }

  /** Whether a run that is new has the id of another. */
  #exists({ runId, options, history, forkedFrom }: RunRequest): boolean {
    if (history !== undefined && forkedFrom === undefined) return false; // it goes on
    if (this.#waiting.has(runId)) return true;
    return options.runId !== undefined && this.recorder?.runs.has(runId) === true; // one that was made is new
  }

  /** Makes a run that ends before its first node, where its checks cannot be made: its store may not be there yet either. */
  protected openUnchecked(request: RunRequest): ActiveRun {
    return this.#makeRun({ ...request, isUnrecorded: true }, { ...UNBOUND, parameters: request.parameters }, []);
  }

  #makeRun(
    request: RunRequest,
    bound: BoundParameters,
    warnings: readonly Warning[],
    events = this.recorder === undefined && (request.plan.waits || request.history !== undefined)
      ? [...(request.history ?? [])] // also where the plan is a wrong one
      : undefined,
  ): ActiveRun {
    const { runId, plan, options, history } = request;
    const { onError, maxConcurrency, timeoutMs, softTimeoutMs, retryBudget } = this.options;
    const recorder = request.isUnrecorded === true ? undefined : this.recorder;
    const journal = recorder?.journalOf(request, tellerFor(this.listeners, options), () => run);
    const execution: Execution = new Execution(
      plan,
      {
        runId,
        parameters: bound.parameters,
        set: bound.set,
        options: {
          onError,
          maxConcurrency,
          timeoutMs: options.timeoutMs ?? timeoutMs,
          softTimeoutMs: options.softTimeoutMs ?? softTimeoutMs,
          retryBudget,
        },
        context: options.context === undefined ? NO_PARAMETERS : { ...options.context },
        random: this.ports.random,
        priority: options.priority ?? 0,
        monitored: this.monitoring,
        ...(journal === undefined ? {} : { workflowHash: journal.workflowHash }),
        warnings,
      },
      this.#decisions,
      journal === undefined
        ? sinkFor(this.listeners, options, () => execution, events)
        : (event) => journal.record(event),
      this.observes(plan),
    );
    const log = logEnd(request.found);
    const run: ActiveRun = {
      execution,
      options,
      thrown: new Map(),
      events,
      history,
      log,
      journal,
      wake: undefined,
      now: 0,
    };
    return run;
  }

  /**
   * Begins a run, or continues it where a history of it is known.
   *
   * @param since when it began, for a run that had to wait. Epoch milliseconds. Default: now
   * @throws RunRejectedError RUN_EXISTS, SECRET_IN_OUTPUT; LockstepError PLAN_MISMATCH, CORRUPT_HISTORY
   */
  protected beginRun(run: ActiveRun, secrets: ReadonlyMap<string, string>, since?: number): void {
    try {
      this.#begin(run, secrets, since);
    } catch (error) {
      this.#giveUp(run, error);
      throw error;
    }
  }

  #begin(run: ActiveRun, secrets: ReadonlyMap<string, string>, since: number | undefined): void {
    const { execution, journal } = run;
    const { runId, plan } = execution;
    const isNew = journal === undefined ? run.events !== undefined && run.history === undefined : !('next' in run.log);
    if (isNew && this.#waiting.has(runId))
      throw new RunRejectedError({ runId, workflow: plan.workflow.name }, [runExists(runId)]); // while this one waited for its secrets
    const now = since ?? this.ports.clock.now();
    run.now = now;
    execution.secrets = secrets;
    const history = run.history ?? this.loadHistory(runId);
    if (journal !== undefined) {
      if (history === undefined) this.recorder?.refuseSecrets(journal, execution);
      this.recorder?.begin(journal);
    }
    if (history === undefined) execution.begin(now);
    else {
      if (run.history === undefined)
        for (const event of history) run.events?.push(event); // it may have to wait, and be resumed
      else if (isNew && journal !== undefined) this.recorder?.takeOver(journal, execution, history);
      else tellAnswers(this.listeners, run.options, execution, history);
      execution.resume([...history], now, run.log);
    }
    if (run.events !== undefined || journal !== undefined) this.#waiting.drive(run); // not before: a history that does not fit must not be lost
    if (this.listeners.has('started'))
      this.listeners.tell('started', runStarted(execution, now, history !== undefined));
  }

  /**
   * Loads what the plan declares; a promise where the provider answers with one.
   *
   * @throws RunRejectedError SECRETS_FAILED, SECRET_MISSING, also as the rejection of that promise
   */
  protected loadSecrets({ execution }: ActiveRun): ReadonlyMap<string, string> | Promise<ReadonlyMap<string, string>> {
    const { runId, plan } = execution;
    return plan.secrets.length === 0 ? NO_SECRETS : loadSecrets(runId, plan, this.ports.secrets);
  }

  /** Cancels the run if its signal says so. `true` when that is news. */
  protected observeSignal({ execution }: ActiveRun, signal: AbortSignal, now: number): boolean {
    return signal.aborted && execution.cancel(maskText(reasonText(signal.reason), execution.secrets), now);
  }

  /** Ends a run in which everything has settled, or that can only wait. @throws what the store throws */
  protected closeRun<Output>(run: ActiveRun): RunOutcome<Output> {
    const { execution, events } = run;
    const { runId, plan, secrets } = execution;
    if (execution.isWaiting) {
      if (events !== undefined) this.#waiting.keep(runId, { plan, secrets, events }); // first: whoever hears that it waits may answer
      execution.wait(run.now);
      this.#leave(run);
    } else {
      if (execution.state.runStatus === 'running') execution.finish(run.now);
      this.#leave(run);
      this.#waiting.drop(runId);
      this.finishRun(execution);
      if (this.listeners.has('warning'))
        for (const warning of execution.state.warnings) this.listeners.tell('warning', { ...warning, runId });
    }
    if (this.listeners.has('ended')) this.listeners.tell('ended', runEnded(execution, run.now));
    return outcomeOf<Output>(run, this.options.skippedInResults);
  }

  /** What a run recorded last is kept before anybody hears how it ended. */
  #leave({ journal, execution: { runId } }: ActiveRun): void {
    if (journal === undefined) return;
    this.#waiting.drop(runId); // first: whoever hears that it waits may answer
    this.recorder?.end(journal);
  }

  /** An attempt was started: its record must be as durable as it asks before it is performed. */
  protected announce({ journal }: ActiveRun, attempt: GraphAttempt): void {
    journal?.require(this.durabilityOf(attempt.node));
  }

  /** Makes durable what a run has recorded, as far as the attempts that it performs ask for it. `true` where there was something. @throws what the store throws */
  protected commitBefore({ journal }: ActiveRun): boolean {
    journal?.assertSound();
    if (journal === undefined || journal.level === 'memory') return false;
    this.recorder?.commits.commit(journal);
    return true;
  }

  /** A run that is not over will not go on here: what it recorded and did not commit is dropped. */
  #giveUp(run: ActiveRun, error: unknown): void {
    const { journal, execution } = run;
    if (journal === undefined) return;
    this.recorder?.commits.remove(journal);
    journal.fail(error instanceof Error ? error : new Error(String(error)));
    this.listeners.shielded('end of a run that is given up', () => {
      if (!execution.cancel('It cannot be recorded.', run.now)) return;
      execution.next(run.now); // what it holds under limits is given back
      this.abortCancelled(run);
    });
  }

  /** Tells listeners of the runtime. */
  protected tell<Name extends keyof RuntimeNotifications>(
    name: Name,
    payload: Parameters<RuntimeNotifications[Name]>[0],
  ): void {
    this.listeners.tell(name, payload);
  }

  /** A run that is over, as it was recorded. Nothing of it runs again, and nobody is told again. */
  protected recordedOutcome<Output>(request: RunRequest): RunOutcome<Output> {
    this.#waiting.giveBack(request.runId);
    const run = this.#makeRun(request, UNBOUND, []);
    run.execution.fold(request.history ?? [], run.log.snapshot);
    return outcomeOf<Output>(run, this.options.skippedInResults);
  }

  /** A refusal as an outcome; anything else is thrown again: it is a defect, not a result. A run that was to go on waits on. */
  protected rejected(error: unknown, request: RunRequest | undefined, run?: ActiveRun): RejectedRun {
    if (run !== undefined) this.#giveUp(run, error);
    if (request?.history !== undefined && request.forkedFrom === undefined) this.#waiting.giveBack(request.runId);
    if (!(error instanceof RunRejectedError)) {
      if (request !== undefined) this.#waiting.abandon(request.runId);
      throw error;
    }
    return { status: 'rejected', runId: error.runId, error };
  }

  /** Turns an outcome into what `execute` returns or throws. */
  protected unwrapOutcome<Output>(outcome: RunOutcome<Output>): ExecutedRun<Output> {
    if (outcome.status === 'completed' || outcome.status === 'waiting') return outcome;
    throw outcome.error;
  }
}

const NO_OPTIONS: RunOptions = Object.freeze({});
const NO_PARAMETERS: Readonly<Record<string, unknown>> = Object.freeze({});
const NOTHING = { problems: [], warnings: [] };
const UNBOUND: BoundParameters = Object.freeze({ parameters: NO_PARAMETERS, set: undefined, ...NOTHING });

function runExists(runId: string): ConfigurationError {
  return new ConfigurationError('RUN_EXISTS', `There is a run "${runId}" already.`, { at: 'run.runId', value: runId });
}
