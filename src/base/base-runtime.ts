import type { ActiveRun } from './active-run.js';
import type { Attempt } from './attempt.js';
import { AttemptContext, type ContextHost } from './attempt-context.js';
import { compile } from './compile.js';
import { ConfigurationError, errorData, LockstepError } from './errors.js';
import type { RunEvent } from './events.js';
import { type EventSink, Execution } from './execution.js';
import { Listeners } from './listeners.js';
import type { RuntimeNotifications } from './notifications.js';
import {
  type ExecuteArguments,
  type ExecutedRun,
  outcomeOf,
  type RejectedRun,
  type RunOutcome,
  reasonText,
} from './outcome.js';
import { checkOutput } from './output-check.js';
import type { Plan, PlanNode, PlanRegion } from './plan.js';
import type { Log, Ports } from './ports.js';
import { RunRejectedError } from './run-errors.js';
import type { BoundParameters, RunFindings, RunRequest } from './run-request.js';
import type {
  Admission,
  CycleDecision,
  Decisions,
  FailureDecision,
  NodeDecision,
  RunView,
  Warning,
} from './run-view.js';
import { checkRunOptions, type ResolvedOptions, type RunOptions } from './runtime-options.js';
import { ask, formatIssues, isThenable } from './schema.js';
import { maskEvent, maskText, maskValue } from './secret-mask.js';
import { inputBits, LIVE, readSource } from './source-evaluation.js';
import { Workflow } from './workflow.js';
import { hashWorkflow } from './workflow-hash.js';

/**
 * The shared foundation of every runtime: options, ports, listeners, life cycle, and the hooks that mixins override. It holds
 * no rule of its own: where no mixin decides, the most careful answer stands. Extended by a class that implements `settle`
 * and `execute`; it cannot be instantiated itself.
 */
export abstract class BaseRuntime implements ContextHost {
  /** As given, checked, with defaults filled in, frozen. */
  readonly options: ResolvedOptions;
  protected readonly ports: Ports;
  readonly #listeners: Listeners;
  readonly #decisions: Decisions;
  #references = 1;

  /** @throws ConfigurationError ABSTRACT_RUNTIME */
  constructor(options: ResolvedOptions, ports: Ports) {
    if (typeof this.settle !== 'function' || typeof this.execute !== 'function') {
      throw new ConfigurationError('ABSTRACT_RUNTIME', `${new.target.name} has no settle() or no execute().`, {
        at: new.target.name,
      });
    }
    this.options = options;
    this.ports = ports;
    this.#listeners = new Listeners(ports.log);
    this.#decisions = {
      decideNode: (run, node) => this.decideNode(run, node),
      decideCycle: (run, region, now) => this.decideCycle(run, region, now),
      admit: (run, node, now) => this.admit(run, node, now),
      decideFailure: (run, attempt, error, now) => this.decideFailure(run, attempt, error, now),
      judge: (run, attempt, output) => this.judge(run, attempt, output),
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

  /** The identity of a workflow, by this runtime's Hash port. @throws LockstepError UNHASHABLE_LITERAL */
  hashOf(workflow: Workflow): string {
    return hashWorkflow(workflow, this.ports.hash);
  }

  /** @throws LockstepError RUNTIME_CLOSED */
  protected assertOpen(): void {
    if (this.isClosed) throw new LockstepError('RUNTIME_CLOSED', 'The runtime has been closed by its last user.');
  }

  // ── Hooks. Each deciding hook is owned by one mixin; observers are layered. ──

  /** Checks before a run, layered: each adds what it finds. */
  protected checkRun(_request: RunRequest, _findings: RunFindings): void {}

  /** Matches what the caller passed with what the workflow declares. */
  protected bindParameters(request: RunRequest): BoundParameters {
    return { parameters: request.parameters, set: undefined, problems: [], warnings: [] };
  }

  /** The inputs of an attempt, before any schema is asked: by default, connections and literals. */
  protected resolveInputs(run: RunView, attempt: Attempt): Record<string, unknown> {
    const inputs: Record<string, unknown> = {};
    for (const input of attempt.node.inputs) {
      if (input.connection !== undefined && inputBits(run.state, input) & LIVE)
        inputs[input.port.name] = readSource(run.state, input.connection);
      else if (input.configured) inputs[input.port.name] = input.config;
    }
    return inputs;
  }

  /** The inputs as the node sees them: asked only for nodes with something to check. */
  protected checkInputs(_run: RunView, _attempt: Attempt, inputs: Record<string, unknown>): Record<string, unknown> {
    return inputs;
  }

  /** What to do with a node whose sources are not all live: by default, block it. */
  protected decideNode(_run: RunView, node: PlanNode): NodeDecision {
    const root = { subject: node.id, port: null, code: 'undecided' as const };
    return { kind: 'block', reason: { code: 'undecided', input: null, source: null, root } };
  }

  /** What to do at the end of an iteration: by default, fail the cycle. */
  protected decideCycle(_run: RunView, region: PlanRegion, _now: number): CycleDecision {
    const error = new LockstepError('UNDECIDED', `No mixin decides about cycle "${region.id}".`, { at: region.id });
    return {
      kind: 'stop',
      reason: 'failed',
      failed: true,
      metric: undefined,
      root: undefined,
      error: errorData(error),
    };
  }

  /** Whether a node may start: by default, at once. */
  protected admit(_run: RunView, _node: PlanNode, _now: number): Admission {
    return 'start';
  }

  /** What follows from a failure: by default, the node fails. */
  protected decideFailure(_run: RunView, _attempt: Attempt, _error: unknown, _now: number): FailureDecision {
    return FAIL;
  }

  /** Whether an output counts: by default, yes. */
  protected judge(_run: RunView, _attempt: Attempt, _output: Readonly<Record<string, unknown>>): Error | undefined {
    return undefined;
  }

  /** Observes that an attempt has settled. */
  protected afterAttempt(_run: RunView, _attempt: Attempt): void {}

  /** Observes that a run has ended. */
  protected finishRun(_run: RunView): void {}

  /** The recorded history of a run that is being continued; `undefined` for a new run. */
  protected loadHistory(_runId: string): readonly RunEvent[] | undefined {
    return undefined;
  }

  // ── What both runtimes share. ──

  /**
   * Checks everything that can be checked before the first node and makes the run.
   *
   * @throws RunRejectedError listing everything that is wrong
   */
  protected openRun(
    workflow: Workflow,
    parameters: unknown,
    options: RunOptions | undefined,
    refuse: (plan: Plan) => LockstepError | undefined,
  ): ActiveRun {
    this.assertOpen();
    const given = options ?? NO_OPTIONS;
    const runId = given.runId ?? this.ports.ids.runId();
    const named = { runId, workflow: workflow instanceof Workflow ? workflow.name : '?' };
    const request = this.#request(workflow, parameters, given, named);
    const findings: RunFindings = { problems: [], warnings: [] };
    const refused = refuse(request.plan);
    if (refused !== undefined) findings.problems.push(refused);
    this.checkRun(request, findings);
    const bound = this.bindParameters(request);
    const problems = [...findings.problems, ...bound.problems];
    if (problems.length > 0) throw new RunRejectedError(named, problems);
    return this.#makeRun(request, bound, [...findings.warnings, ...bound.warnings]);
  }

  #request(
    workflow: unknown,
    parameters: unknown,
    options: RunOptions,
    named: { readonly runId: string; readonly workflow: string },
  ): RunRequest {
    if (!(workflow instanceof Workflow)) {
      throw new RunRejectedError(named, [
        new ConfigurationError('NOT_A_WORKFLOW', 'execute() was given something that is not a workflow.', {
          value: workflow,
        }),
      ]);
    }
    try {
      checkRunOptions(options);
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
      runId: named.runId,
      plan: compile(workflow),
      parameters: (parameters ?? NO_PARAMETERS) as Readonly<Record<string, unknown>>,
      options,
    };
  }

  #makeRun({ runId, plan, options }: RunRequest, bound: BoundParameters, warnings: readonly Warning[]): ActiveRun {
    const { onError, maxConcurrency, timeoutMs, softTimeoutMs } = this.options;
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
        },
        context: options.context ?? NO_PARAMETERS,
        random: this.ports.random,
      },
      this.#decisions,
      this.#sinkFor(options, () => execution),
    );
    for (const warning of warnings) execution.warn(warning);
    return { execution, options, thrown: new Map(), now: 0 };
  }

  /** Where events go; `undefined` when nobody wants them, and then none is made. */
  #sinkFor({ onEvent }: RunOptions, execution: () => Execution): EventSink | undefined {
    const listened = this.#listeners.has('event');
    if (onEvent === undefined && !listened) return undefined;
    const show = (event: RunEvent): void => {
      const { secrets } = execution();
      const shown = secrets.size === 0 ? event : maskEvent(event, secrets);
      if (onEvent !== undefined) this.#listeners.shielded('onEvent', () => onEvent(shown));
      if (listened) this.#listeners.tell('event', shown);
    };
    return (event) => this.#listeners.shielded('masking of an event', () => show(event)); // what cannot be masked is not shown
  }

  /** Begins a run, or continues it where a history of it is known. */
  protected beginRun(run: ActiveRun, secrets: ReadonlyMap<string, string>): void {
    const { execution } = run;
    const now = this.ports.clock.now();
    run.now = now;
    execution.secrets = secrets;
    const history = this.loadHistory(execution.runId);
    if (history === undefined) execution.begin(now);
    else {
      execution.fold(history);
      execution.loseUnsettled(now);
    }
  }

  /** Asks the secret provider for what the plan declares; a promise is returned as it is. @throws RunRejectedError SECRETS_FAILED */
  protected askForSecrets(
    run: ActiveRun,
  ): Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>> {
    const { secrets } = run.execution.plan;
    if (secrets.length === 0) return {};
    try {
      return this.ports.secrets?.load(secrets) ?? {};
    } catch (cause) {
      throw this.secretsFailed(run, cause);
    }
  }

  /** The rejection of a run whose secrets could not be loaded. */
  protected secretsFailed({ execution }: ActiveRun, cause: unknown): RunRejectedError {
    const { plan, runId } = execution;
    const failed = new ConfigurationError('SECRETS_FAILED', 'The secret provider failed.', { cause });
    return new RunRejectedError({ runId, workflow: plan.workflow.name }, [failed]);
  }

  /** Puts loaded secrets into a map. @throws RunRejectedError SECRET_MISSING */
  protected acceptSecrets(
    { execution }: ActiveRun,
    loaded: Readonly<Record<string, string>>,
  ): ReadonlyMap<string, string> {
    const { plan, runId } = execution;
    const missing = plan.secrets.filter((name) => typeof loaded?.[name] !== 'string');
    if (missing.length > 0) {
      const problems = missing.map(
        (name) => new ConfigurationError('SECRET_MISSING', `Secret "${name}" has no value.`, { at: name }),
      );
      throw new RunRejectedError({ runId, workflow: plan.workflow.name }, problems);
    }
    return new Map(plan.secrets.map((name) => [name, loaded[name] as string]));
  }

  /**
   * Performs an attempt: resolves and checks its inputs, calls the node, and settles what it returned or threw. A promise is
   * returned instead, unsettled: what it means is for the runtime to say.
   */
  protected perform(run: ActiveRun, attempt: Attempt): PromiseLike<unknown> | undefined {
    const { execution } = run;
    const { clock } = this.ports;
    if (run.thrown.size > 0) run.thrown.delete(attempt.node.index);
    let returned: unknown;
    try {
      const inputs = this.resolveInputs(execution, attempt);
      const checked = attempt.node.checked ? this.checkInputs(execution, attempt, inputs) : inputs;
      returned = attempt.node.implementation.run(checked, new AttemptContext(this, execution, attempt));
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

  /** Takes what a node returned. */
  protected settleOutput(run: ActiveRun, attempt: Attempt, returned: unknown, now: number): void {
    if (attempt.status !== 'running') return;
    let output: Readonly<Record<string, unknown>>;
    try {
      output = checkOutput(attempt, returned);
      if (attempt.change !== undefined) this.#checkState(attempt, attempt.change.state);
    } catch (error) {
      this.settleFailure(run, attempt, error, now);
      return;
    }
    run.execution.complete(attempt, output, now);
    this.afterAttempt(run.execution, attempt);
  }

  /** Takes what a node threw. */
  protected settleFailure(run: ActiveRun, attempt: Attempt, error: unknown, now: number): void {
    if (attempt.status !== 'running') return;
    run.thrown.set(attempt.node.index, error);
    run.execution.fail(attempt, error, now);
    this.afterAttempt(run.execution, attempt);
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

  /** Aborts the work of attempts that were cancelled or passed a limit. */
  protected abortCancelled({ execution }: ActiveRun): void {
    for (const { attempt, reason } of execution.takeAborts())
      this.#listeners.shielded(`abort of ${attempt.node.id}`, () => attempt.abort(reason));
  }

  /** Cancels the run if its signal says so. `true` when that is news. */
  protected observeSignal({ execution }: ActiveRun, signal: AbortSignal, now: number): boolean {
    return signal.aborted && execution.cancel(maskText(reasonText(signal.reason), execution.secrets), now);
  }

  /** Ends a run in which everything has settled. */
  protected closeRun<Output>(run: ActiveRun): RunOutcome<Output> {
    const { execution } = run;
    if (execution.state.runStatus === 'running') execution.finish(run.now);
    this.finishRun(execution);
    if (this.#listeners.has('warning')) {
      for (const warning of execution.warnings) this.#listeners.tell('warning', { ...warning, runId: execution.runId });
    }
    return outcomeOf<Output>(run, this.options.skippedInResults);
  }

  /** A refusal as an outcome; anything else is thrown again: it is a defect, not a result. */
  protected rejected(error: unknown): RejectedRun {
    if (!(error instanceof RunRejectedError)) throw error;
    return { status: 'rejected', runId: error.runId, error };
  }

  /** Turns an outcome into what `execute` returns or throws. */
  protected unwrapOutcome<Output>(outcome: RunOutcome<Output>): ExecutedRun<Output> {
    if (outcome.status === 'completed' || outcome.status === 'waiting') return outcome;
    throw outcome.error;
  }

  // ── What nodes say. ──

  /** @internal */
  logOf(run: RunView, attempt: Attempt): Log {
    const { log } = this.ports;
    const place = { runId: run.runId, node: attempt.node.id, visit: attempt.visit, attempt: attempt.number };
    return {
      log: (level, message, fields) => {
        const all = { ...fields, ...place };
        if (run.secrets.size === 0) log.log(level, message, all);
        else log.log(level, maskText(message, run.secrets), maskValue(all, run.secrets) as Record<string, unknown>);
      },
    };
  }

  /** @internal */
  reportProgress(
    run: RunView,
    attempt: Attempt,
    current: number,
    total: number | undefined,
    message: string | undefined,
  ): void {
    if (!this.#listeners.has('progress') || attempt.status !== 'running') return;
    const masked = message === undefined ? undefined : maskText(message, run.secrets);
    this.#listeners.tell('progress', { ...placeOf(run, attempt), current, total, message: masked });
  }

  /** @internal */
  emitData(run: RunView, attempt: Attempt, data: unknown): void {
    if (!this.#listeners.has('data') || attempt.status !== 'running') return;
    this.#listeners.tell('data', {
      ...placeOf(run, attempt),
      data: run.secrets.size === 0 ? data : maskValue(data, run.secrets),
    });
  }
}

const NO_OPTIONS: RunOptions = Object.freeze({});
const NO_PARAMETERS: Readonly<Record<string, unknown>> = Object.freeze({});
const FAIL: FailureDecision = Object.freeze({ then: Object.freeze({ kind: 'fail' }) });

function placeOf(run: RunView, attempt: Attempt) {
  return { runId: run.runId, node: attempt.node.id, visit: attempt.visit, attempt: attempt.number };
}
