import type { RunRecord } from '../../base/history/event-store.js';
import type { Workflow } from '../../base/workflow.js';
import { type ConductOptions, codeOf, requireTargets, writeFiles } from '../conduct.js';
import { conductRecorded } from '../conduct-recorded.js';
import type { ExitCode } from '../exit-codes.js';
import { findRun } from '../find-run.js';
import { loadWorkflowOf, replayRun } from '../recorded.js';
import type { Screen } from '../screen.js';
import { showRun } from '../show-run.js';
import { readStore, runsOf } from '../store.js';

/** Options of `lockstep resume`. */
export interface ResumeVerbOptions extends ConductOptions {
  readonly store: string;
  /** Also with a changed workflow, and also a run that is over. */
  readonly force?: boolean;
}

/** Shows a run that is over. */
async function showEnded({ runId }: RunRecord, options: ResumeVerbOptions, screen: Screen): Promise<ExitCode> {
  const { store, events: asLines } = options;
  const { run, events, problem } = readStore(store, (opened) => replayRun(opened, runId));
  await writeFiles(run, events, options, screen);
  if (!screen.json) screen.note('note: this run is over; nothing of it ran again');
  showRun(run, { problem, indent: asLines === true ? 0 : 2 }, screen);
  return codeOf(run);
}

/** `lockstep resume RUN [FILE]`. */
export async function resumeVerb(
  text: string,
  file: string | undefined,
  options: ResumeVerbOptions,
  screen: Screen,
): Promise<ExitCode> {
  const { store, force = false } = options;
  const record = readStore(store, (opened) => findRun(opened, text));
  requireTargets(options);
  if (record.endedAt !== null && !force) return showEnded(record, options, screen);
  const workflow = await loadWorkflowOf(record, file, options);
  const { runId } = record;
  const history = readStore(store, (opened) => {
    const recorded = runsOf(opened);
    const { revised, events } = recorded.load(runId, workflow, force ? 'force' : 'refuse');
    return revised === undefined ? recorded.view(runId).events : events; // a snapshot would stand for the first of them
  });
  return conductRecorded(
    store,
    {
      workflow,
      history,
      task: (runtime, heard) => runtime.resume(workflow as Workflow<object, unknown>, runId, { ...heard, force }),
    },
    options,
    screen,
  );
}
