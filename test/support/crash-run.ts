import { LockstepError } from '../../src/base/errors.js';
import type { RunEvent } from '../../src/base/events.js';
import type { Durability } from '../../src/base/history/event-store.js';
import type { RunOutcome } from '../../src/base/outcome.js';
import { RunCancelledError, RunFailedError } from '../../src/base/run-errors.js';
import type { RunResult } from '../../src/base/run-result.js';
import type { ResumeOptions, RunOptions } from '../../src/base/runtime-options.js';
import type { Workflow } from '../../src/base/workflow.js';
import { sqliteEventStore } from '../../src/plugins/event-store/index.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { ANSWER, type CrashFlow, crashFlow } from './crash-flows.js';

/** The id of the run in every store. */
export const RUN = 'crashed';

/** The runtimes that begin runs, and go on with them. */
export const CRASH_RUNTIMES = ['local', 'async'] as const;

/** One of them. */
export type CrashRuntime = (typeof CRASH_RUNTIMES)[number];

/** What a process is to work on. */
export interface CrashJob {
  readonly flow: CrashFlow;
  readonly runtime: CrashRuntime;
  /** Path of the store. */
  readonly file: string;
  readonly durability: Durability;
}

/** Whom it tells. */
export interface CrashNotes {
  /** Of a call of a function, before it is made. */
  readonly called: (attempt: string) => void;
  /** Of an event that is committed. */
  readonly heard: (event: RunEvent) => void;
}

type Outcome = RunOutcome<unknown>;

/** What both runtimes do, at once or later. */
interface Runtime {
  resume(runId: string, options: ResumeOptions): unknown;
  settle(workflow: Workflow<object, unknown>, parameters: object, options: RunOptions): unknown;
  approve(runId: string, gate: string, answer: unknown): void;
  close(): unknown;
}

/** What any process does that finds the store as it may be: goes on with the run, or begins it where nothing of it is there. */
async function settled(runtime: Runtime, workflow: Workflow, onEvent: CrashNotes['heard']): Promise<Outcome> {
  try {
    return (await runtime.resume(RUN, { onEvent })) as Outcome;
  } catch (error) {
    if (error instanceof RunFailedError || error instanceof RunCancelledError)
      return error.result as unknown as Outcome;
    if (!(error instanceof LockstepError && error.code === 'RUN_UNKNOWN')) throw error;
    return (await runtime.settle(workflow as Workflow<object, unknown>, { n: 20 }, { runId: RUN, onEvent })) as Outcome;
  }
}

/** Works on a run in a runtime of its own until it is over; answers its gates. */
export async function workOn(job: CrashJob, { called, heard }: CrashNotes): Promise<RunResult> {
  const { flow, file, durability } = job;
  const workflow = crashFlow(flow, job.runtime, called);
  const options = { plugins: [sqliteEventStore({ file })], workflows: [workflow], durability };
  const runtime: Runtime = job.runtime === 'local' ? new LocalRuntime(options) : new AsyncLocalRuntime(options);
  try {
    for (;;) {
      const outcome = await settled(runtime, workflow, heard);
      if (outcome.status === 'rejected') throw outcome.error;
      if (outcome.status !== 'waiting') return outcome;
      for (const { gate } of outcome.gates) runtime.approve(RUN, gate, ANSWER);
    }
  } finally {
    await runtime.close();
  }
}
