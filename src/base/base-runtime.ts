import type { ActiveRun } from './active-run.js';
import type { Attempt } from './attempt.js';
import { AttemptContext } from './attempt-context.js';
import { openBuiltIn } from './built-in.js';
import { CapabilityTable } from './capability-table.js';
import { compile } from './compile.js';
import { ConfigurationError, LockstepError, runtimeClosed } from './errors.js';
import { sinkFor, tellAnswers } from './event-sink.js';
import { Execution } from './execution.js';
import { attemptEnded, runEnded, runStarted } from './facts.js';
import type { GraphAttempt } from './graph-execution.js';
import { idOf, type Part } from './graph-result.js';
import { Listeners } from './listeners.js';
import type { NodeContext } from './node-context.js';
import { NodeVoice } from './node-voice.js';
import type { RuntimeNotifications } from './notifications.js';
import { knownFields } from './option-checks.js';
import {
  type ExecuteArguments,
  type ExecutedRun,
  outcomeOf,
  type RejectedRun,
  type RunOutcome,
  reasonText,
} from './outcome.js';
import { checkOutput } from './output-check.js';
import type { Plan } from './plan.js';
import type { Ports } from './ports.js';
import { RunRejectedError } from './run-errors.js';
import type { BoundParameters, RunFindings, RunRequest } from './run-request.js';
import { loadSecrets, NO_SECRETS } from './run-secrets.js';
import type { Decisions, RunView, Settlement } from './run-view.js';
import { RuntimeHooks } from './runtime-hooks.js';
import {
  checkObject,
  checkRunOptions,
  type ResolvedOptions,
  type ResumeOptions,
  type RunOptions,
} from './runtime-options.js';
import { ask, formatIssues, isThenable } from './schema.js';
import { maskText } from './secret-mask.js';
import { approveGate, type GateReport, openGates, rejectGate, startOf, WaitingRuns } from './waiting-runs.js';
import type { Warning } from './warning.js';
import { notAWorkflow, Workflow } from './workflow.js';
import { hashWorkflow } from './workflow-hash.js';

/**
 * The shared foundation of every runtime: options, ports, listeners, life cycle, and the hooks that mixins override. It holds
 * no rule of its own: where no mixin decides, the most careful answer stands. Extended by a class that implements `settle`
 * and `execute`; it cannot be instantiated itself.
 */
export abstract class BaseRuntime extends RuntimeHooks {
  /** As given, checked, with defaults filled in, frozen. */
  readonly options: ResolvedOptions;
  protected readonly ports: Ports;
  /** Whether runs that begin now are monitored: observed, counted and timed. */
  protected monitoring: boolean;
  /** What holds for each node. */
  protected readonly capabilities: CapabilityTable;
  readonly #listeners: Listeners;
  readonly #voice: NodeVoice;
  readonly #decisions: Decisions;
  readonly #waiting = new WaitingRuns();
  #references = 1;

  /** @throws ConfigurationError ABSTRACT_RUNTIME */
  constructor(options: ResolvedOptions, ports: Ports) {
    super();
    if (typeof this.settle !== 'function' || typeof this.execute !== 'function') {
      throw new ConfigurationError('ABSTRACT_RUNTIME', `${new.target.name} has no settle() or no execute().`, {
        at: new.target.name,
      });
    }
    this.options = options;
    this.ports = ports;
    this.monitoring = options.performanceMonitoring;
    this.capabilities = new CapabilityTable(options.capabilities, options.executors);
    this.#listeners = new Listeners(ports.log);
    this.#voice = new NodeVoice(ports.log, this.#listeners);
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
    return this.#listeners.add(name, listener);
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
    this.#listeners.clear();
  }

  /** The gates of a run that nobody has answered, in the order in which they opened; the run waits, or goes on beside them. @throws LockstepError RUN_UNKNOWN */
  gates(runId: string): readonly GateReport[] {
    return openGates(this.#executionOf(runId));
  }

  /**
   * Approves a gate: its port `approved` carries the answer. A run that goes on beside the gate takes it at once, one that waits
   * when it is resumed.
   *
   * @param gate its id or handle; inside a map or subworkflow, its scope and id, as `gates` names it
   * @param answer must fit the gate's schema; `null` where none is given
   * @param by who approved, for the log
   * @throws LockstepError RUN_UNKNOWN, GATE_NOT_OPEN, GATE_ANSWER_INVALID, SCHEMA_ASYNC, SCHEMA_THREW
   */
  approve(runId: string, gate: Part, answer?: unknown, by?: string): void {
    approveGate(this.#executionOf(runId), idOf(gate), answer, by ?? null, this.ports.clock.now());
    this.#waiting.driven(runId)?.wake?.();
  }

  /** Rejects a gate: its port `rejected` carries the reason. @throws LockstepError RUN_UNKNOWN, GATE_NOT_OPEN */
  reject(runId: string, gate: Part, reason?: string, by?: string): void {
    rejectGate(this.#executionOf(runId), idOf(gate), reason ?? null, by ?? null, this.ports.clock.now());
    this.#waiting.driven(runId)?.wake?.();
  }

  /** A run whose gates can be answered: one that is driven, or one that waits, made anew: what happens to it is added to its record. */
  #executionOf(runId: string): Execution {
    this.assertOpen();
    const driven = this.#waiting.driven(runId);
    if (driven !== undefined) return driven.execution;
    const { plan, events, secrets } = this.#waiting.record(runId);
    const request = { runId, plan, parameters: NO_PARAMETERS, options: NO_OPTIONS, history: events };
    const { execution } = this.#makeRun(request, UNBOUND, [], events);
    execution.secrets = secrets;
    execution.fold([...events]);
    return execution;
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
    const given = options ?? NO_OPTIONS;
    const runId = given.runId ?? this.ports.ids.runId();
    const named = { runId, workflow: workflow instanceof Workflow ? workflow.name : '?' };
    if (!(workflow instanceof Workflow)) {
      throw new RunRejectedError(named, [notAWorkflow('execute', workflow)]);
    }
    try {
      checkRunOptions(given, this.options);
    } catch (error) {
      if (error instanceof LockstepError) throw new RunRejectedError(named, [error]);
      throw error;
    }
    if (
      parameters !== undefined &&
      (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters))
    ) {
      throw new RunRejectedError(named, [
        new ConfigurationError('INVALID_PARAMETER', 'The parameters of a run are an object.', { value: parameters }),
      ]);
    }
    return {
      runId,
      plan: compile(workflow),
      parameters: (parameters ?? NO_PARAMETERS) as Readonly<Record<string, unknown>>,
      options: given,
    };
  }

  /**
   * Checks what the caller passed to `resume`, and takes the run: it no longer waits.
   *
   * @throws LockstepError RUNTIME_CLOSED, RUN_UNKNOWN; ConfigurationError INVALID_OPTION, UNKNOWN_OPTION; RunRejectedError
   */
  protected requestResumed(workflow: unknown, runId: string, options: ResumeOptions): RunRequest {
    checkObject(options, 'The options of resume()', 'resume');
    knownFields(options, ['signal', 'onEvent'], 'resume');
    const { signal, onEvent } = options;
    this.assertOpen();
    const record = this.#waiting.record(runId);
    const own = { ...(signal === undefined ? {} : { signal }), ...(onEvent === undefined ? {} : { onEvent }) };
    const request = this.requestRun(workflow, undefined, { ...startOf(record), ...own, runId });
    this.#waiting.take(runId);
    return { ...request, history: record.events };
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
    if (request.history === undefined && this.#waiting.has(request.runId))
      findings.problems.push(runExists(request.runId));
    this.checkRun(request, findings);
    const bound = request.history === undefined ? this.bindParameters(request) : UNBOUND;
    const problems = [...findings.problems, ...bound.problems];
    if (problems.length > 0)
      throw new RunRejectedError({ runId: request.runId, workflow: request.plan.workflow.name }, problems);
    return this.#makeRun(request, bound, [...findings.warnings, ...bound.warnings]);
  }

  /** Makes a run that ends before its first node, where its checks cannot be made. */
  protected openUnchecked(request: RunRequest): ActiveRun {
    return this.#makeRun(request, { ...UNBOUND, parameters: request.parameters }, []);
  }

  #makeRun(
    { runId, plan, options, history }: RunRequest,
    bound: BoundParameters,
    warnings: readonly Warning[],
    events = plan.waits || history !== undefined ? [...(history ?? [])] : undefined, // also where the plan is a wrong one
  ): ActiveRun {
    const { onError, maxConcurrency, timeoutMs, softTimeoutMs, retryBudget } = this.options;
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
        warnings,
      },
      this.#decisions,
      sinkFor(this.#listeners, options, () => execution, events),
      this.observes(plan),
    );
    return { execution, options, thrown: new Map(), events, continues: history !== undefined, wake: undefined, now: 0 };
  }

  /**
   * Begins a run, or continues it where a history of it is known.
   *
   * @param since when it began, for a run that had to wait. Epoch milliseconds. Default: now
   * @throws RunRejectedError RUN_EXISTS; LockstepError PLAN_MISMATCH, CORRUPT_HISTORY
   */
  protected beginRun(run: ActiveRun, secrets: ReadonlyMap<string, string>, since?: number): void {
    const { execution } = run;
    const { runId, plan } = execution;
    if (run.events !== undefined && !run.continues && this.#waiting.has(runId))
      throw new RunRejectedError({ runId, workflow: plan.workflow.name }, [runExists(runId)]); // while this one waited for its secrets
    const now = since ?? this.ports.clock.now();
    run.now = now;
    execution.secrets = secrets;
    const history = run.continues ? [...(run.events ?? [])] : this.loadHistory(runId);
    if (history === undefined) execution.begin(now);
    else {
      if (!run.continues)
        for (const event of history) run.events?.push(event); // it may have to wait, and be resumed
      else tellAnswers(this.#listeners, run.options, execution, history);
      execution.resume(history, now);
    }
    if (run.events !== undefined) this.#waiting.drive(run); // not before: a history that does not fit must not be lost
    if (this.#listeners.has('started'))
      this.#listeners.tell('started', runStarted(execution, now, history !== undefined));
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

  /** The inputs of an attempt that is about to be performed, resolved and checked. */
  protected inputsOf({ thrown }: ActiveRun, attempt: GraphAttempt): Record<string, unknown> {
    const { graph, node } = attempt;
    if (thrown.size > 0) thrown.delete(`${graph.scope}${node.id}`);
    const inputs = this.resolveInputs(graph, attempt);
    return node.checked ? this.checkInputs(graph, attempt, inputs) : inputs;
  }

  /** What a node is told about an attempt, and what it talks back through. */
  protected contextOf(attempt: GraphAttempt): NodeContext {
    return new AttemptContext(this.#voice, attempt.graph, attempt);
  }

  /**
   * Performs an attempt: resolves and checks its inputs, calls the node, and settles what it returned or threw. A promise is
   * returned instead, unsettled: what it means is for the runtime to say.
   */
  protected perform(run: ActiveRun, attempt: GraphAttempt): PromiseLike<unknown> | undefined {
    const { clock } = this.ports;
    let returned: unknown;
    try {
      const { implementation } = attempt.node;
      const inputs = this.inputsOf(run, attempt);
      if (this.settleKnown(run, attempt, inputs)) return undefined;
      if (implementation.kind !== 'function' && openBuiltIn(attempt, inputs)) return undefined;
      returned = implementation.run(inputs, this.contextOf(attempt));
      if (isThenable(returned)) {
        run.now = clock.now();
        return returned instanceof Promise ? returned : Promise.resolve(returned);
      }
    } catch (error) {
      run.now = clock.now();
      this.settleFailure(run, attempt, error, run.now);
      return undefined;
    }
    run.now = clock.now();
    this.settleOutput(run, attempt, returned, run.now);
    return undefined;
  }

  /** Gives an attempt the output that is known already for its inputs. `false` where none is. */
  protected settleKnown(run: ActiveRun, attempt: GraphAttempt, inputs: Readonly<Record<string, unknown>>): boolean {
    if (!attempt.graph.isObserved) return false;
    const known = this.recall(attempt.graph, attempt, inputs);
    if (known === undefined) return false;
    attempt.cached = true;
    run.now = this.ports.clock.now();
    this.settleOutput(run, attempt, known, run.now);
    return true;
  }

  /** Takes what a node returned. */
  protected settleOutput(run: ActiveRun, attempt: GraphAttempt, returned: unknown, now: number): void {
    if (attempt.status !== 'running') return;
    let output: Readonly<Record<string, unknown>>;
    try {
      output = checkOutput(attempt, returned);
      if (attempt.change !== undefined) this.#checkState(attempt, attempt.change.state);
    } catch (error) {
      this.settleFailure(run, attempt, error, now);
      return;
    }
    attempt.graph.complete(attempt, output, now);
  }

  /** Takes what a node threw. */
  protected settleFailure(run: ActiveRun, attempt: GraphAttempt, error: unknown, now: number): void {
    if (attempt.status !== 'running') return;
    run.thrown.set(`${attempt.graph.scope}${attempt.node.id}`, error);
    attempt.graph.fail(attempt, error, now);
  }

  #checkState(attempt: Attempt, next: unknown): void {
    const { state } = attempt.node.implementation;
    if (state === undefined) return;
    const at = `the state of ${attempt.node.id}`;
    const answer = ask(state, next, at);
    if (answer.issues !== undefined)
      throw new LockstepError(
        'STATE_INVALID',
        `What setState() was given does not fit ${at}: ${formatIssues(answer.issues)}.`,
        { at },
      );
  }

  /** Aborts the work of attempts that were cancelled or passed a limit. `true` when there were any. */
  protected abortCancelled(run: ActiveRun): boolean {
    const aborts = run.execution.takeAborts();
    for (const { attempt, reason } of aborts)
      this.#listeners.shielded(`abort of ${attempt.node.id}`, () => this.abortAttempt(run, attempt, reason));
    return aborts.length > 0;
  }

  /** Aborts the work of one attempt, wherever it is done. */
  protected abortAttempt(_run: ActiveRun, attempt: Attempt, reason: Error): void {
    attempt.abort(reason);
  }

  /** Cancels the run if its signal says so. `true` when that is news. */
  protected observeSignal({ execution }: ActiveRun, signal: AbortSignal, now: number): boolean {
    return signal.aborted && execution.cancel(maskText(reasonText(signal.reason), execution.secrets), now);
  }

  /** Ends a run in which everything has settled. */
  protected closeRun<Output>(run: ActiveRun): RunOutcome<Output> {
    const { execution, events } = run;
    if (execution.isWaiting && events !== undefined) {
      const { runId, plan, secrets } = execution;
      this.#waiting.keep(runId, { plan, secrets, events }); // first: whoever hears that it waits may answer
      execution.wait(run.now);
      if (this.#listeners.has('ended')) this.#listeners.tell('ended', runEnded(execution, run.now));
      return outcomeOf<Output>(run, this.options.skippedInResults);
    }
    this.#waiting.drop(execution.runId);
    if (execution.state.runStatus === 'running') execution.finish(run.now);
    this.finishRun(execution);
    if (this.#listeners.has('warning')) {
      for (const warning of execution.state.warnings)
        this.#listeners.tell('warning', { ...warning, runId: execution.runId });
    }
    if (this.#listeners.has('ended')) this.#listeners.tell('ended', runEnded(execution, run.now));
    return outcomeOf<Output>(run, this.options.skippedInResults);
  }

  /** Tells listeners of the runtime. */
  protected tell<Name extends keyof RuntimeNotifications>(
    name: Name,
    payload: Parameters<RuntimeNotifications[Name]>[0],
  ): void {
    this.#listeners.tell(name, payload);
  }

  protected override observes(plan: Plan): boolean {
    return super.observes(plan) || this.monitoring || this.#listeners.has('attempt');
  }

  protected override afterAttempt(run: RunView, attempt: Attempt, settlement: Settlement): void {
    super.afterAttempt(run, attempt, settlement);
    if (this.#listeners.has('attempt') && this.capabilities.of(attempt.node).metrics !== false)
      this.#listeners.tell('attempt', attemptEnded(run, attempt, settlement));
  }

  /** A refusal as an outcome; anything else is thrown again: it is a defect, not a result. A run that was to go on waits on. */
  protected rejected(error: unknown, request: RunRequest | undefined): RejectedRun {
    if (request?.history !== undefined) this.#waiting.giveBack(request.runId);
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
const UNBOUND: BoundParameters = Object.freeze({
  parameters: NO_PARAMETERS,
  set: undefined,
  problems: [],
  warnings: [],
});

function runExists(runId: string): ConfigurationError {
  return new ConfigurationError('RUN_EXISTS', `Run "${runId}" waits, or goes on.`, { at: 'run.runId', value: runId });
}
