import type { RunEvent } from '../../src/base/events.js';
import type { RunOutcome } from '../../src/base/outcome.js';
import { RunCancelledError, RunFailedError } from '../../src/base/run-errors.js';
import type { WaitingRun } from '../../src/base/run-result.js';
import type { ResumeOptions, RunOptions, RuntimeOptions } from '../../src/base/runtime-options.js';
import type { Workflow } from '../../src/base/workflow.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime, type LocalRuntimeOptions } from '../../src/runtimes/local-runtime.js';
import { advanceUntil, seededIds, seededRandom, VirtualClock } from '../../src/testing/index.js';
import { asyncForm, type Runner, summary } from './every-way.js';

/** A runtime that stays open between runs, on a virtual clock: for runs that wait and are resumed. */
export class Session {
  readonly runtime: LocalRuntime | AsyncLocalRuntime;
  readonly clock = new VirtualClock();
  /** Every event that the runtime told, in order. */
  readonly events: RunEvent[] = [];
  readonly #runner: Runner;

  constructor(
    runner: Runner,
    options: Omit<RuntimeOptions, 'clock'> & Pick<LocalRuntimeOptions, 'secrets' | 'plugins'> = {},
  ) {
    this.#runner = runner;
    const all = { ids: seededIds(), random: seededRandom(1), ...options, clock: this.clock };
    const single = runner.way === 'async runtime, one async node at a time';
    this.runtime =
      runner.way === 'local'
        ? new LocalRuntime(all)
        : new AsyncLocalRuntime(single ? { ...all, maxConcurrency: 1 } : all);
    this.runtime.on('event', (event) => this.events.push(event));
  }

  form<P, O>(workflow: Workflow<P, O>): Workflow<P, O> {
    return this.#runner.asyncNodes ? asyncForm(workflow) : workflow;
  }

  async settle<P, O>(
    workflow: Workflow<P, O>,
    params: Readonly<Record<string, unknown>> = {},
    options: RunOptions = {},
  ): Promise<RunOutcome<O>> {
    const ran = this.form(workflow) as Workflow<Record<string, unknown>, O>;
    const { runtime } = this;
    const outcome =
      runtime instanceof LocalRuntime
        ? runtime.settle<Record<string, unknown>, O>(ran, params, options)
        : await advanceUntil(() => runtime.settle<Record<string, unknown>, O>(ran, params, options), this.clock);
    return this.#note(outcome);
  }

  /** Runs a workflow that must wait. */
  async wait<P, O>(
    workflow: Workflow<P, O>,
    params: Readonly<Record<string, unknown>> = {},
    options: RunOptions = {},
  ): Promise<WaitingRun> {
    const outcome = await this.settle(workflow, params, options);
    if (outcome.status === 'waiting') return outcome;
    throw new Error(`The run is ${outcome.status}.`, 'error' in outcome ? { cause: outcome.error } : {});
  }

  /** Goes on with a run; one that fails or is cancelled is returned as well. */
  async resume<P, O>(
    workflow: Workflow<P, O>,
    runId = 'run-1',
    options: ResumeOptions = {},
  ): Promise<Exclude<RunOutcome<O>, { readonly status: 'rejected' }>> {
    let outcome: RunOutcome<O>;
    try {
      const { runtime } = this;
      const ran = this.form(workflow);
      outcome =
        runtime instanceof LocalRuntime
          ? runtime.resume(ran, runId, options)
          : await advanceUntil(() => runtime.resume(ran, runId, options), this.clock);
    } catch (error) {
      if (!(error instanceof RunFailedError || error instanceof RunCancelledError)) throw error;
      outcome = error.result as unknown as RunOutcome<O>;
    }
    return this.#note(outcome) as Exclude<RunOutcome<O>, { readonly status: 'rejected' }>;
  }

  async close(): Promise<void> {
    await this.runtime.close();
  }

  #note<O>(outcome: RunOutcome<O>): RunOutcome<O> {
    this.#runner.seen.push(summary(outcome, this.events));
    return outcome;
  }
}
