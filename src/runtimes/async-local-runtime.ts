import type { ActiveRun } from '../base/active-run.js';
import type { GraphAttempt } from '../base/graph-execution.js';
import type { ExecuteArguments, ExecutedRun, RunOutcome } from '../base/outcome.js';
import type { RunRequest } from '../base/run-request.js';
import { NO_SECRETS } from '../base/run-secrets.js';
import type { ResumeOptions } from '../base/runtime-options.js';
import type { Workflow } from '../base/workflow.js';
import { type CloseOptions, checkCloseOptions, RunsInFlight, stopPlugins, waitForRest } from './closing.js';
import { Drive, onAbort, wouldDeadlock } from './drive.js';
import { RuntimeCore, type RuntimeCoreOptions } from './runtime-core.js';
import { Waiting } from './waiting.js';

/** Options of AsyncLocalRuntime. */
export interface AsyncLocalRuntimeOptions extends RuntimeCoreOptions {
  /** The most attempts of one run in flight. A whole number, at least 1. Default: no limit. */
  readonly maxConcurrency?: number;
}

/** How long synchronous nodes may hold the event loop before others get a turn, in milliseconds. */
const TURN_MS = 8;

/**
 * Runs workflows asynchronously: every node whose inputs exist runs at once, up to `maxConcurrency`. Outputs of synchronous
 * nodes are taken inline; the event loop gets a turn every 8 ms.
 */
export class AsyncLocalRuntime extends RuntimeCore implements AsyncDisposable {
  readonly #inFlight = new RunsInFlight();

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
   * Goes on with a run that waits, once its gates have been answered or have timed out.
   *
   * @param workflow the one that the run was started with; of another one only what its nodes and cycles are called is noticed
   * @throws LockstepError RUN_UNKNOWN, PLAN_MISMATCH; RunRejectedError, RunFailedError, RunCancelledError
   */
  async resume<Params, Output>(
    workflow: Workflow<Params, Output>,
    runId: string,
    options: ResumeOptions = {},
  ): Promise<ExecutedRun<Output>> {
    return this.unwrapOutcome(await this.#run<Output>(() => this.requestResumed(workflow, runId, options)));
  }

  async #run<Output>(requested: () => RunRequest): Promise<RunOutcome<Output>> {
    this.#inFlight.enter();
    let request: RunRequest | undefined;
    try {
      request = requested();
      const starting = this.plugins.start();
      const waits = starting !== undefined || request.plan.secrets.length > 0;
      if (!waits) await undefined; // who listens right after the call hears this run
      const run = waits ? await this.#openLater(request, starting) : this.#openNow(request);
      return await new Promise((end, fail) => this.#drive(new Drive(run, () => end(this.closeRun(run)), fail)));
    } catch (error) {
      return this.rejected(error, request);
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

  #drive(drive: Drive): void {
    const pump = (): void => this.#pump(drive);
    pump();
    if (drive.ended) return; // nothing to wait for: most of what follows costs more than a node
    const { execution, options } = drive.run;
    drive.run.wake = pump;
    execution.core.wake = () => queueMicrotask(pump); // room is made while another run is busy
    if (options.signal !== undefined) drive.onEnd(onAbort(options.signal, pump));
    const { clock } = this.ports;
    drive.onStall(clock, () => this.#take(drive, () => execution.failStalled(clock.now())));
  }

  /** Starts whatever may start, until nothing more may, the run is over, or the event loop deserves a turn. */
  #pump(drive: Drive): void {
    if (drive.busy || drive.ended) return;
    drive.busy = true;
    try {
      const { clock } = this.ports;
      const { run } = drive;
      const { execution, options } = run;
      const { signal } = options;
      run.now = clock.now();
      const turnEnds = run.now + TURN_MS;
      for (;;) {
        if (signal !== undefined) this.observeSignal(run, signal, run.now);
        const attempt = execution.next(run.now);
        if (attempt === undefined) {
          if (signal !== undefined && this.observeSignal(run, signal, run.now)) continue; // a listener aborted it just now
          if (this.abortCancelled(run)) continue; // who heard it may have answered a gate, or aborted the run
          break;
        }
        const promise = this.perform(run, attempt);
        if (promise !== undefined) this.#follow(drive, attempt, promise);
        if (run.now > turnEnds) return clock.yieldTurn(() => this.#pump(drive));
      }
      if (execution.isSettled || execution.isWaiting) drive.resolve();
      else if (execution.isStuck) drive.reject(wouldDeadlock());
      else drive.wakeLater(clock, () => this.#pump(drive));
    } catch (error) {
      drive.reject(error);
    } finally {
      drive.busy = false;
    }
  }

  /** Takes what a promise brings, whenever that is. */
  #follow(drive: Drive, attempt: GraphAttempt, promise: PromiseLike<unknown>): void {
    const { clock } = this.ports;
    const { run } = drive;
    attempt.graph.suspend(attempt);
    promise.then(
      (output) => this.#take(drive, () => this.settleOutput(run, attempt, output, clock.now())),
      (error: unknown) => this.#take(drive, () => this.settleFailure(run, attempt, error, clock.now())),
    );
  }

  /** Settles something as a whole, then goes on: a listener that aborts the run meanwhile is heard afterwards. */
  #take(drive: Drive, settle: () => void): void {
    drive.busy = true;
    try {
      settle();
    } catch (error) {
      drive.reject(error);
    } finally {
      drive.busy = false;
    }
    this.#pump(drive);
  }
}
