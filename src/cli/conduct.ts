import type { RunEvent } from '../base/events.js';
import type { Durability, EventStore } from '../base/history/event-store.js';
import type { RunOutcome } from '../base/outcome.js';
import type { RunResult } from '../base/run-result.js';
import type { Workflow } from '../base/workflow.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { debugText, explain } from './explain.js';
import { jsonText } from './json-text.js';
import { requireWritable, writeText } from './load/files.js';
import { perform, type Task } from './perform.js';
import { Progress } from './progress/progress.js';
import type { Screen } from './screen.js';
import { showRun, waitingNote } from './show-run.js';
import { runsOf } from './store.js';

/** Options of every verb that runs nodes. */
export interface ConductOptions {
  readonly workflow?: string;
  readonly registry?: string;
  /** In LocalRuntime, not in AsyncLocalRuntime. */
  readonly sync?: boolean;
  readonly durability?: Durability;
  /** Every event as a line of JSON on stdout; the last line is the result. */
  readonly events?: boolean;
  /** A file for the report. */
  readonly report?: string;
  /** A file for the Chrome trace. */
  readonly trace?: string;
}

/** A run that is to be performed. */
export interface Conducted {
  readonly workflow: Workflow;
  readonly task: Task;
  /** What happened before: those who watch see it as it is then. Default: nothing. */
  readonly history?: readonly RunEvent[];
  /** Where it is recorded; nowhere by default. */
  readonly recording?: { readonly file: string; readonly store: EventStore } | undefined;
}

/** Refuses files that could not be written once the run is over. @throws LockstepError FILE_UNWRITABLE */
export function requireTargets({ report, trace }: ConductOptions): void {
  for (const target of [report, trace]) if (target !== undefined) requireWritable(target);
}

/** Performs a run, shows how it proceeds and what it came to, and writes what was asked for. */
export async function conduct(conducted: Conducted, options: ConductOptions, screen: Screen): Promise<ExitCode> {
  const { workflow, task, history = [], recording } = conducted;
  const progress = new Progress(workflow, screen);
  for (const event of history) progress.seed(event);
  const keeps = recording === undefined && (options.report ?? options.trace) !== undefined;
  const events: RunEvent[] = [];
  let isNew = recording !== undefined && !screen.json;
  const onEvent = (event: RunEvent): void => {
    if (keeps) events.push(event);
    if (isNew) screen.note(`run ${event.runId} is recorded in ${recording?.file}`);
    isNew = false;
    if (options.events === true) screen.print(jsonText(event, 0));
    progress.take(event);
  };
  const { sync = false, durability } = options;
  const performance = { sync, durability, store: recording?.store, progress, onEvent };
  let performed: Awaited<ReturnType<typeof perform>>;
  try {
    performed = await perform(task, performance, screen);
  } finally {
    progress.end();
  }
  const { outcome, stoppedBy } = performed;
  if (outcome.status === 'rejected') throw outcome.error;
  const all = recording === undefined ? events : runsOf(recording.store).view(outcome.runId).events;
  await writeFiles(outcome, all, options, screen);
  show(outcome, recording?.file, options, screen);
  return stoppedBy ?? codeOf(outcome);
}

type Settled = Exclude<RunOutcome<unknown>, { readonly status: 'rejected' }>;

function show(outcome: Settled, store: string | undefined, { events }: ConductOptions, screen: Screen): void {
  const error: unknown = 'error' in outcome ? outcome.error : undefined;
  const problem = error === undefined ? undefined : explain(error)[0];
  const note = outcome.status === 'waiting' ? waitingNote(outcome, store) : undefined;
  showRun(outcome, { problem, store, note, indent: events === true ? 0 : 2 }, screen);
  if (error !== undefined && !screen.json) process.stderr.write(debugText(error));
}

/** The exit code for what became of a run. */
export function codeOf({ status }: RunResult): ExitCode {
  if (status === 'completed') return EXIT.completed;
  return status === 'waiting' ? EXIT.waiting : EXIT.failed;
}

/** Writes the report and the trace of a run, where they are asked for. */
export async function writeFiles(
  run: RunResult,
  events: readonly RunEvent[],
  { report, trace }: ConductOptions,
  screen: Screen,
): Promise<void> {
  if (report === undefined && trace === undefined) return;
  const { renderReport, toChromeTrace } = await import('../report/index.js');
  if (report !== undefined) {
    writeText(report, renderReport(run, { events }));
    screen.note(`report: ${report}`);
  }
  if (trace !== undefined) {
    writeText(trace, JSON.stringify(toChromeTrace(run, { events })));
    screen.note(`trace: ${trace}`);
  }
}
