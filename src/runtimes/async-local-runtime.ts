import type { ActiveRun } from '../base/active-run.js';
import type { Attempt } from '../base/attempt.js';
import type { ExecuteArguments, ExecutedRun, RunOutcome } from '../base/outcome.js';
import { isThenable } from '../base/schema.js';
import type { Workflow } from '../base/workflow.js';
import { Drive, onAbort, wouldDeadlock } from './drive.js';
import { RuntimeCore, type RuntimeCoreOptions } from './runtime-core.js';

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
  #started: Promise<void> | undefined;
  #running = 0;
  #whenIdle: (() => void) | undefined;

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
  override async settle<Params, Output>(
    workflow: Workflow<Params, Output>,
    ...args: ExecuteArguments<Params>
  ): Promise<RunOutcome<Output>> {
    const [parameters, options] = args;
    this.#running++;
    try {
      await this.start();
      const run = this.openRun(workflow, parameters, options, () => undefined);
      this.beginRun(run, await this.#loadSecrets(run));
      await new Promise<void>((resolve, reject) => this.#drive(new Drive(run, resolve, reject)));
      return this.closeRun(run);
    } catch (error) {
      return this.rejected(error);
    } finally {
      this.#running--;
      if (this.#running === 0) this.#whenIdle?.();
    }
  }

  /** Starts the plugins, once. Called by the first run; call it to start them early. @throws ConfigurationError PLUGIN_FAILED */
  async start(): Promise<void> {
    this.assertOpen();
    this.#started ??= this.plugins.start().catch((error: unknown) => {
      this.#started = undefined;
      throw error;
    });
    await this.#started;
    this.assertOpen();
  }

  /**
   * Once the last user has closed the runtime: refuses new runs, waits for those in flight, and stops the plugins in reverse
   * order.
   *
   * @throws ConfigurationError PLUGIN_FAILED
   */
  async close(): Promise<void> {
    if (!this.release()) return;
    if (this.#running > 0) await new Promise<void>((idle) => (this.#whenIdle = idle));
    this.dropListeners();
    await this.plugins.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #loadSecrets(run: ActiveRun): Promise<ReadonlyMap<string, string>> {
    const asked = this.askForSecrets(run);
    if (!isThenable(asked)) return this.acceptSecrets(run, asked);
    const loaded = await Promise.resolve(asked).catch((cause: unknown) => {
      throw this.secretsFailed(run, cause);
    });
    return this.acceptSecrets(run, loaded);
  }

  #drive(drive: Drive): void {
    const pump = (): void => this.#pump(drive);
    pump();
    if (drive.ended) return; // nothing to wait for: most of what follows costs more than a node
    const { execution, options } = drive.run;
    if (options.signal !== undefined) drive.onEnd(onAbort(options.signal, pump));
    drive.onEnd(
      this.ports.clock.onStall(() => {
        this.#take(drive, () => execution.failStalled(this.ports.clock.now()));
        this.ports.clock.yieldTurn(pump); // one more turn: what starts now may stall as well, and must be told too
      }),
    );
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
          break;
        }
        const promise = this.perform(run, attempt);
        if (promise !== undefined) this.#follow(drive, attempt, promise);
        if (run.now > turnEnds) return clock.yieldTurn(() => this.#pump(drive));
      }
      this.abortCancelled(run);
      if (execution.isSettled) drive.resolve();
      else if (execution.isStuck) drive.reject(wouldDeadlock());
      else this.#wakeLater(drive);
    } catch (error) {
      drive.reject(error);
    } finally {
      drive.busy = false;
    }
  }

  #wakeLater(drive: Drive): void {
    const wakeAt = drive.run.execution.wakeAt();
    if (wakeAt === drive.wakeAt) return;
    drive.disarm();
    if (wakeAt === undefined) return;
    const wake = (): void => {
      drive.wakeAt = undefined;
      this.#pump(drive);
    };
    drive.arm(wakeAt, this.ports.clock.setTimer(Math.max(0, wakeAt - drive.run.now), wake));
  }

  /** Takes what a promise brings, whenever that is. */
  #follow(drive: Drive, attempt: Attempt, promise: PromiseLike<unknown>): void {
    const { clock } = this.ports;
    const { run } = drive;
    run.execution.suspend(attempt);
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
