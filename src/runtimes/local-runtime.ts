import type { ActiveRun } from '../base/active-run.js';
import type { Attempt } from '../base/attempt.js';
import { AttemptError, ConfigurationError, type LockstepError } from '../base/errors.js';
import type { ExecuteArguments, ExecutedRun, RunOutcome } from '../base/outcome.js';
import type { Plan } from '../base/plan.js';
import type { SyncSecretProvider } from '../base/ports.js';
import { RunRejectedError } from '../base/run-errors.js';
import { isThenable } from '../base/schema.js';

import type { Workflow } from '../base/workflow.js';
import type { SyncPlugin } from '../plugins/plugin.js';
import { wouldDeadlock } from './drive.js';
import { RuntimeCore, type RuntimeCoreOptions } from './runtime-core.js';

/** Options of LocalRuntime. Plugins and secret providers that are asynchronous do not compile. */
export interface LocalRuntimeOptions extends Omit<RuntimeCoreOptions, 'plugins' | 'secrets'> {
  readonly plugins?: readonly SyncPlugin[];
  readonly secrets?: SyncSecretProvider;
}

/**
 * Runs workflows synchronously: `execute` returns a value, not a promise. Nodes run one at a time, the one with the lowest plan
 * index first. A blocked thread sees no timer and no signal from outside: a signal aborts only from a node's own code, and time
 * limits are looked at between nodes.
 */
export class LocalRuntime extends RuntimeCore implements Disposable {
  #running = 0;
  #stopped = false;

  /** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION, PLUGIN_ASYNC and what plugins throw */
  constructor(options: LocalRuntimeOptions = {}) {
    super(options, []);
    this.plugins.startSync();
  }

  /**
   * Runs a workflow. An asynchronous node is refused before any node runs.
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
    this.#running++;
    try {
      const run = this.openRun(workflow, parameters, options, refuseAsync);
      this.beginRun(run, this.#loadSecrets(run));
      this.#drive(run);
      return this.closeRun(run);
    } catch (error) {
      return this.rejected(error);
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
    this.plugins.stopSync();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #loadSecrets(run: ActiveRun): ReadonlyMap<string, string> {
    const loaded = this.askForSecrets(run);
    if (!isThenable(loaded)) return this.acceptSecrets(run, loaded);
    loaded.then(undefined, () => undefined);
    const { runId, plan } = run.execution;
    const refused = new ConfigurationError('SECRETS_ASYNC', 'The secret provider answered with a promise.');
    throw new RunRejectedError({ runId, workflow: plan.workflow.name }, [refused]);
  }

  #drive(run: ActiveRun): void {
    const { execution } = run;
    const { signal } = run.options;
    for (;;) {
      if (signal !== undefined) this.observeSignal(run, signal, run.now);
      const attempt = execution.next(run.now);
      if (attempt !== undefined) {
        const promise = this.perform(run, attempt);
        if (promise !== undefined) this.#refusePromise(run, attempt, promise);
        continue;
      }
      if (signal !== undefined && this.observeSignal(run, signal, run.now)) continue; // a listener aborted it just now
      this.abortCancelled(run);
      if (execution.isSettled) return;
      this.#sleep(run, execution.wakeAt());
    }
  }

  #sleep(run: ActiveRun, wakeAt: number | undefined): void {
    if (wakeAt === undefined) throw wouldDeadlock();
    const { clock } = this.ports;
    clock.sleepSync(Math.max(0, wakeAt - run.now));
    run.now = clock.now();
  }

  #refusePromise(run: ActiveRun, attempt: Attempt, promise: PromiseLike<unknown>): void {
    promise.then(undefined, () => undefined);
    const { id } = attempt.node;
    this.settleFailure(
      run,
      attempt,
      new AttemptError('NODE_RETURNED_PROMISE', `Node "${id}" returned a promise.`, { at: id }),
      run.now,
    );
  }
}

function refuseAsync(plan: Plan): LockstepError | undefined {
  const [first, ...more] = plan.asyncNodes;
  if (first === undefined) return undefined;
  const others = more.length > 0 ? ` (and ${more.length} more)` : '';
  return new ConfigurationError('ASYNC_NODE', `Node "${first}"${others} is asynchronous.`, { at: first });
}
