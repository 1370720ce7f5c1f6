import type { RunEvent } from '../base/events.js';
import type { Durability, EventStore } from '../base/history/event-store.js';
import type { ForkOptions, ForkOverrides } from '../base/history/fork-options.js';
import type { ExecutedRun, RunOutcome } from '../base/outcome.js';
import { RunCancelledError, RunFailedError } from '../base/run-errors.js';
import type { ResumeOptions, RunOptions } from '../base/runtime-options.js';
import type { Workflow } from '../base/workflow.js';
import { AsyncLocalRuntime } from '../runtimes/async-local-runtime.js';
import { LocalRuntime } from '../runtimes/local-runtime.js';
import type { ExitCode } from './exit-codes.js';
import type { Progress } from './progress/progress.js';
import { logTo, environmentSecrets as secrets } from './runtime-settings.js';
import type { Screen } from './screen.js';
import { Signals } from './signals.js';

type Later<T> = T | Promise<T>;

/** What both runtimes do with a run. */
export interface Performer {
  settle(workflow: Workflow<object, unknown>, parameters: object, options: RunOptions): Later<RunOutcome<unknown>>;
  resume(workflow: Workflow<object, unknown>, runId: string, options: ResumeOptions): Later<ExecutedRun<unknown>>;
  fork(runId: string, atSeq: number, overrides: ForkOverrides, options: ForkOptions): Later<ExecutedRun<unknown>>;
}

/** What every run of the command is told. */
export type Heard = Required<Pick<RunOptions, 'onEvent'>> & Pick<RunOptions, 'signal'>;

/** What a runtime is asked for: a run that begins, goes on, or is forked. */
export type Task = (runtime: Performer, heard: Heard) => Later<RunOutcome<unknown>>;

/** How a run is performed, and who watches it. */
export interface Performance {
  /** In LocalRuntime, not in AsyncLocalRuntime. */
  readonly sync: boolean;
  readonly store: EventStore | undefined;
  readonly durability: Durability | undefined;
  readonly progress: Progress;
  readonly onEvent: (event: RunEvent) => void;
}

/** What became of a run, and the exit code of the signal that stopped it. */
export interface Performed {
  readonly outcome: RunOutcome<unknown>;
  readonly stoppedBy: ExitCode | undefined;
}

/** Performs a task. @throws what the runtime throws beside outcomes, such as what a store throws */
export function perform(task: Task, performance: Performance, screen: Screen): Promise<Performed> {
  return performance.sync ? inThisThread(task, performance, screen) : inBackground(task, performance, screen);
}

function settingsOf({ store, durability }: Performance, screen: Screen) {
  const log = logTo(screen);
  return { secrets, log, ...(store !== undefined && { store }), ...(durability !== undefined && { durability }) };
}

async function inBackground(task: Task, performance: Performance, screen: Screen): Promise<Performed> {
  const { progress, onEvent } = performance;
  using signals = new Signals(screen);
  await using runtime = new AsyncLocalRuntime(settingsOf(performance, screen));
  runtime.on('progress', (update) => progress.report(update));
  const outcome = await settled(() => task(runtime, { signal: signals.signal, onEvent }));
  return { outcome, stoppedBy: outcome.status === 'cancelled' ? signals.received : undefined };
}

/** Without listening to signals: nobody could hear them while this thread is busy, so they end the process as they always do. */
async function inThisThread(task: Task, performance: Performance, screen: Screen): Promise<Performed> {
  const { progress, onEvent } = performance;
  using runtime = new LocalRuntime(settingsOf(performance, screen));
  runtime.on('progress', (update) => progress.report(update));
  return { outcome: await settled(() => task(runtime, { onEvent })), stoppedBy: undefined };
}

/** The outcome of a run, also where it is thrown: as `resume` and `fork` do. */
async function settled(performed: () => Later<RunOutcome<unknown>>): Promise<RunOutcome<unknown>> {
  try {
    return await performed();
  } catch (error) {
    if (error instanceof RunFailedError || error instanceof RunCancelledError)
      return error.result as RunOutcome<unknown>;
    throw error;
  }
}
