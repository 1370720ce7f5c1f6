import type { ActiveRun } from '../base/active-run.js';
import { ConfigurationError } from '../base/errors.js';
import type { ForkOptions, ForkOverrides } from '../base/history/fork-options.js';
import type { ExecuteArguments, ExecutedRun, RunOutcome } from '../base/outcome.js';
import { type ResumeArguments, resumeArguments } from '../base/resume-arguments.js';
import type { RunRequest } from '../base/run-request.js';
import { NO_SECRETS } from '../base/run-secrets.js';
import type { Workflow } from '../base/workflow.js';
import { type CloseOptions, checkCloseOptions, RunsInFlight, stopPlugins, waitForRest } from './closing.js';
import { Drive } from './drive.js';
import { Pump, type PumpHost } from './pump.js';
import { RuntimeCore, type RuntimeCoreOptions } from './runtime-core.js';
import { Waiting } from './waiting.js';

/** Options of AsyncLocalRuntime. */
export interface AsyncLocalRuntimeOptions extends RuntimeCoreOptions {
  /** The most attempts of one run in flight. A whole number, at least 1. Default: no limit. */
  readonly maxConcurrency?: number;
}

/**
 * Runs workflows asynchronously: every node whose inputs exist runs at once, up to `maxConcurrency`. Outputs of synchronous
 * nodes are taken inline; the event loop gets a turn every 8 ms.
 */
export class AsyncLocalRuntime extends RuntimeCore implements AsyncDisposable {
  readonly #inFlight = new RunsInFlight();
  readonly #host: PumpHost = {
    clock: this.ports.clock,
    commits: this.recorder?.commits,
    observeSignal: (run, signal, now) => this.observeSignal(run, signal, now),
    abortCancelled: (run) => this.abortCancelled(run),
    announce: (run, attempt) => this.announce(run, attempt),
    perform: (run, attempt) => this.perform(run, attempt),
    settleOutput: (run, attempt, output, now) => this.settleOutput(run, attempt, output, now),
    settleFailure: (run, attempt, error, now) => this.settleFailure(run, attempt, error, now),
  };

  /** Plugins start with the first run. @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
  constructor(options: AsyncLocalRuntimeOptions = {}) {
    super(options, ['maxConcurrency']);
  }

  /**
   * Runs a workflow.
   *
   * @throws RunRejectedError, RunFailedError, RunCancelledError
   */
  override async execute<Params, Output>(
    workflow: Workflow<Params, Output>,
    ...args: ExecuteArguments<Params>
  ): Promise<ExecutedRun<Output>> {
    return this.unwrapOutcome(await this.settle(workflow, ...args));
  }

  /** Runs a workflow and returns every outcome as a value. */
  override settle<Params, Output>(
    workflow: Workflow<Params, Output>,
    ...args: ExecuteArguments<Params>
  ): Promise<RunOutcome<Output>> {
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
  async resume<Params, Output>(...args: ResumeArguments<Params, Output>): Promise<ExecutedRun<Output>> {
    if (this.recorder !== undefined) await this.start();
    return this.unwrapOutcome(await this.#run<Output>(() => this.requestResumed(...resumeArguments(args))));
  }

  /**
   * Starts a new run from the first events of another. What is overridden, and what depends on it, runs again; the rest is taken over.
   *
   * @param atSeq how many events of the log are taken over, at least 1
   * @throws LockstepError RUN_UNKNOWN, WORKFLOW_UNKNOWN, UNKNOWN_NODE; ConfigurationError STORE_MISSING, INVALID_OPTION;
   *   RunRejectedError, RunFailedError, RunCancelledError
   */
  async fork(
    runId: string,
    atSeq: number,
    overrides: ForkOverrides = {},
    options: ForkOptions = {},
  ): Promise<ExecutedRun<unknown>> {
    if (this.recorder !== undefined) await this.start();
    return this.unwrapOutcome(await this.#run(() => this.requestForked(runId, atSeq, overrides, options)));
  }

  async #run<Output>(requested: () => RunRequest): Promise<RunOutcome<Output>> {
    this.#inFlight.enter();
    let request: RunRequest | undefined;
    let run: ActiveRun | undefined;
    try {
      request = requested();
      if (request.isOver === true) return this.recordedOutcome(request);
      const starting = this.plugins.start();
      const waits = starting !== undefined || request.plan.secrets.length > 0;
      if (!waits) await undefined; // who listens right after the call hears this run
      const opened = waits ? await this.#openLater(request, starting) : this.#openNow(request);
      run = opened;
      return await new Promise((end, fail) => {
        new Pump(new Drive(opened, () => end(this.closeRun(opened)), fail), this.#host).start();
      });
    } catch (error) {
      return this.rejected(error, request, run);
    } finally {
      this.#inFlight.leave();
    }
  }

  /** Also after `close()` was called meanwhile: it waits for this run, which came first. */
  #openNow(request: RunRequest): ActiveRun {
    const run = this.openRun(request, () => undefined);
    this.beginRun(run, NO_SECRETS);
    return run;
  }

  /** A run that waits for plugins or secrets. Where it must end before they are there, it begins without, and starts no node. */
  async #openLater(request: RunRequest, starting: Promise<void> | undefined): Promise<ActiveRun> {
    const { signal, timeoutMs = this.options.timeoutMs } = request.options;
    const waiting = new Waiting(this.ports.clock, signal, timeoutMs);
    const started = await (starting === undefined || waiting.for(starting));
    if (started !== undefined) this.assertOpen();
    const run = started === undefined ? this.openUnchecked(request) : this.openRun(request, () => undefined);
    const secrets = started === undefined ? NO_SECRETS : this.loadSecrets(run);
    const loaded = secrets instanceof Promise ? await waiting.for(secrets) : { value: secrets };
    const waited = starting !== undefined || secrets instanceof Promise;
    this.beginRun(run, loaded?.value ?? NO_SECRETS, waited ? waiting.since : undefined);
    return run;
  }

  /** @throws ConfigurationError PLUGINS_STARTING where a plugin takes its time */
  protected override beforeReading(): void {
    if (this.plugins.start() === undefined) return;
    throw new ConfigurationError('PLUGINS_STARTING', 'The plugins of this runtime are still starting.');
  }

  /** Starts the plugins, once. Called by the first run; call it to start them early. @throws ConfigurationError PLUGIN_FAILED */
  async start(): Promise<void> {
    this.assertOpen();
    await this.plugins.start();
    this.assertOpen();
  }

  /**
   * Once the last user has closed the runtime: refuses new runs, aborts the start of plugins that are still starting, waits for
   * what is in flight, and stops the plugins in reverse order. Every plugin that had started is stopped, whatever is thrown.
   *
   * @throws ConfigurationError PLUGIN_FAILED, CLOSE_ABORTED when `signal` ends the wait, INVALID_OPTION, UNKNOWN_OPTION
   */
  async close(options: CloseOptions = {}): Promise<void> {
    checkCloseOptions(options);
    if (!this.release()) return;
    const left = await waitForRest(this.plugins, this.#inFlight, options.signal);
    this.dropListeners();
    await stopPlugins(this.plugins, left, options.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
