import type { ActiveRun } from '../base/active-run.js';
import type { GraphAttempt } from '../base/graph-execution.js';
import type { ForkOptions, ForkOverrides } from '../base/history/fork-options.js';
import { isRemote } from '../base/node.js';
import type { ExecuteArguments, ExecutedRun, RunOutcome } from '../base/outcome.js';
import type { SyncBridge, SyncSecretProvider } from '../base/ports.js';
import { type ResumeArguments, resumeArguments } from '../base/resume-arguments.js';
import type { RunRequest } from '../base/run-request.js';
import { NO_SECRETS } from '../base/run-secrets.js';
import type { Workflow } from '../base/workflow.js';
import type { SyncPlugin } from '../plugins/plugin.js';
import { SYNC_BRIDGE } from '../plugins/tokens.js';
import { sleepUntil } from './drive.js';
import { refusals, refusedPromise, refusedSecrets } from './refuse-async.js';
import { RuntimeCore, type RuntimeCoreOptions } from './runtime-core.js';
import { LazyBridge } from './sync-bridge/lazy-bridge.js';
import { type CallHost, RunCalls } from './sync-bridge/run-calls.js';

/** Options of LocalRuntime. Plugins and secret providers that are asynchronous do not compile. */
export interface LocalRuntimeOptions extends Omit<RuntimeCoreOptions, 'plugins' | 'secrets'> {
  readonly plugins?: readonly SyncPlugin[];
  readonly secrets?: SyncSecretProvider;
  /** The most attempts of one run in flight: 1 performs module nodes one by one. A whole number, at least 1. Default: no limit. */
  readonly maxConcurrency?: number;
  /** What module nodes and executors are performed through. Whoever passes it closes it. Default: a ThreadBridge, made when first needed. */
  readonly bridge?: SyncBridge;
}

/**
 * Runs workflows synchronously: `execute` returns a value, not a promise. Nodes run one at a time, that with the lowest plan index
 * first; module nodes and those of executors run together in threads, and the caller sleeps once nothing else may start. A blocked
 * thread sees no timer, and no signal but those from a node's own code. Time limits interrupt what threads perform, and are looked at
 * between all others.
 */
export class LocalRuntime extends RuntimeCore implements Disposable {
  readonly #bridge: LazyBridge;
  readonly #calls = new Map<ActiveRun, RunCalls>();
  readonly #host: CallHost = {
    inputsOf: (run, attempt) => this.inputsOf(run, attempt),
    commitBefore: (run) => this.commitBefore(run),
    settleKnown: (run, attempt, inputs) => this.settleKnown(run, attempt, inputs),
    contextOf: (attempt) => this.contextOf(attempt),
    executorFor: (reference) => this.executorFor(reference),
    settleOutput: (run, attempt, output, now) => this.settleOutput(run, attempt, output, now),
    settleFailure: (run, attempt, error, now) => this.settleFailure(run, attempt, error, now),
    announce: (run, attempt) => this.announce(run, attempt),
  };
  #running = 0;
  #stopped = false;

  /** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION, PLUGIN_ASYNC and what plugins throw */
  constructor(options: LocalRuntimeOptions = {}) {
    super(options, ['maxConcurrency', 'bridge']);
    this.#bridge = new LazyBridge(options.bridge ?? this.plugins.find(SYNC_BRIDGE));
    this.plugins.startSync();
    this.#bridge.begin(this.plugins);
  }

  /**
   * Runs a workflow. An asynchronous node that is no module node is refused before any node runs.
   *
   * @throws RunRejectedError, RunFailedError, RunCancelledError
   */
  override execute<Params, Output>(
    workflow: Workflow<Params, Output>,
    ...args: ExecuteArguments<Params>
  ): ExecutedRun<Output> {
    return this.unwrapOutcome(this.settle(workflow, ...args));
  }

  /** Runs a workflow and returns every outcome as a value. */
  override settle<Params, Output>(
    workflow: Workflow<Params, Output>,
    ...args: ExecuteArguments<Params>
  ): RunOutcome<Output> {
    const [parameters, options] = args;
    return this.#run(() => this.requestRun(workflow, parameters, options));
  }

  /**
   * Goes on with a run that waits, or that was cut off: attempts that had not settled are made again. A run that is over is given
   * back as it was recorded.
   *
   * @param workflow the one that the run was started with. Default: the one known by its name, see `RuntimeOptions.workflows`
   * @throws LockstepError RUN_UNKNOWN, WORKFLOW_UNKNOWN, WORKFLOW_CHANGED, PLAN_MISMATCH; RunRejectedError, RunFailedError,
   *   RunCancelledError
   */
  resume<Params, Output>(...args: ResumeArguments<Params, Output>): ExecutedRun<Output> {
    return this.unwrapOutcome(this.#run<Output>(() => this.requestResumed(...resumeArguments(args))));
  }

  /**
   * Starts a new run from the first events of another. What is overridden, and what depends on it, runs again; the rest is taken over.
   *
   * @param atSeq how many events of the log are taken over, at least 1
   * @throws LockstepError RUN_UNKNOWN, WORKFLOW_UNKNOWN, UNKNOWN_NODE; ConfigurationError STORE_MISSING, INVALID_OPTION;
   *   RunRejectedError, RunFailedError, RunCancelledError
   */
  fork(runId: string, atSeq: number, overrides: ForkOverrides = {}, options: ForkOptions = {}): ExecutedRun<unknown> {
    return this.unwrapOutcome(this.#run(() => this.requestForked(runId, atSeq, overrides, options)));
  }

  #run<Output>(requested: () => RunRequest): RunOutcome<Output> {
    this.#running++;
    let run: ActiveRun | undefined;
    let request: RunRequest | undefined;
    try {
      request = requested();
      if (request.isOver === true) return this.recordedOutcome(request);
      const { isOver, since } = this.#bridge.waitForStarts(request.options, this.options.timeoutMs, this.ports.clock);
      run = isOver ? this.openRun(request, refusals(this.#host, this.#bridge)) : this.openUnchecked(request);
      this.beginRun(run, isOver ? this.#secretsOf(run) : NO_SECRETS, since);
      this.#drive(run);
      return this.closeRun(run);
    } catch (error) {
      return this.rejected(error, request, run);
    } finally {
      this.#running--;
      if (this.isClosed) this.#stop();
    }
  }

  /**
   * Stops the plugins, in reverse order, once the last user has closed the runtime; called by a node, once its run is over.
   *
   * @throws ConfigurationError PLUGIN_FAILED
   */
  close(): void {
    if (this.release()) this.#stop();
  }

  #stop(): void {
    if (this.#running > 0 || this.#stopped) return;
    this.#stopped = true;
    this.dropListeners();
    this.#bridge.close();
    this.plugins.stopSync();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  protected override get waitingHelps(): boolean {
    return false;
  }

  #secretsOf(run: ActiveRun): ReadonlyMap<string, string> {
    const loaded = this.loadSecrets(run);
    if (loaded instanceof Promise) throw refusedSecrets(run, loaded);
    return loaded;
  }

  #drive(run: ActiveRun): void {
    if (!run.execution.plan.hasRemote) return this.#turn(run, undefined);
    const calls = new RunCalls(run, this.#bridge, this.ports.clock, this.#host);
    this.#calls.set(run, calls);
    try {
      this.#turn(run, calls);
    } finally {
      calls.end();
      this.#calls.delete(run);
    }
  }

  /** @param calls `undefined` for a plan that makes none */
  #turn(run: ActiveRun, calls: RunCalls | undefined): void {
    const { execution } = run;
    const { signal } = run.options;
    for (;;) {
      calls?.settleArrived();
      if (signal !== undefined) this.observeSignal(run, signal, run.now);
      const attempt = execution.next(run.now);
      if (attempt !== undefined) {
        this.announce(run, attempt);
        if (calls !== undefined && isRemote(attempt.node.implementation)) {
          calls.hold(attempt);
          continue;
        }
        calls?.submitHeld();
        this.commitBefore(run);
        const promise = this.perform(run, attempt);
        if (promise !== undefined) this.settleFailure(run, attempt, refusedPromise(attempt, promise), run.now);
        continue;
      }
      if (calls?.submitHeld() === true) continue;
      if (signal !== undefined && this.observeSignal(run, signal, run.now)) continue; // a listener aborted it just now
      if (this.abortCancelled(run)) continue; // who heard it may have answered a gate, or aborted the run
      if (execution.isSettled || execution.isWaiting) return;
      if (calls?.wait() === true) continue;
      if (execution.needsOthers) execution.failParked(run.now);
      else sleepUntil(run, execution.wakeAt(), this.ports.clock);
    }
  }

  protected override abortAttempt(run: ActiveRun, attempt: GraphAttempt, reason: Error): void {
    super.abortAttempt(run, attempt, reason);
    this.#calls.get(run)?.abort(attempt, reason);
  }
}
