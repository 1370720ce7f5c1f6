import { LockstepError } from '../base/errors.js';
import type { RunEvent } from '../base/events.js';
import type { EventStore, RunRecord } from '../base/history/event-store.js';
import { replayResult } from '../base/history/replay.js';
import type { RunResult } from '../base/run-result.js';
import type { Workflow } from '../base/workflow.js';
import { type Explained, explainFailure } from './explain.js';
import { loadWorkflow } from './load/load-workflow.js';
import { runsOf } from './store.js';

/** A recorded run as its events tell it. */
export interface Replayed {
  readonly run: RunResult;
  readonly events: readonly RunEvent[];
  /** Why it failed or was cancelled. */
  readonly problem: Explained | undefined;
}

function problemOf(events: readonly RunEvent[]): Explained | undefined {
  const last = events.at(-1);
  if (last?.kind === 'run.failed') return explainFailure(last.data.error, last.data.node);
  if (last?.kind !== 'run.cancelled') return undefined;
  return explainFailure({ name: '', code: 'RUN_CANCELLED', message: `It was cancelled: ${last.data.reason}.` }, null);
}

/**
 * What a recorded run came to, without its code.
 *
 * @param to only so many of its first events
 * @throws LockstepError CORRUPT_HISTORY, BLOB_MISSING, and what reading a store throws
 */
export function replayRun(store: EventStore, runId: string, to?: number): Replayed {
  const recorded = runsOf(store);
  const { events, workflowHash } = recorded.view(runId, to);
  const run = replayResult(recorded.hollowOf(workflowHash, runId), runId, events);
  return { run, events, problem: problemOf(events) };
}

/** Where the workflow of a run is to be found. */
export interface CodeOptions {
  readonly workflow?: string;
  readonly registry?: string;
}

/** What is said where a run needs its code, and no file was named. */
export function fileMissing({ runId, workflow }: RunRecord, why: string): LockstepError {
  return new LockstepError('WORKFLOW_UNKNOWN', `Run ${runId} is one of workflow "${workflow}": ${why}.`, { at: runId });
}

/**
 * Reads the workflow that goes on with a run: of several in a module, the one of the name that was recorded.
 *
 * @throws LockstepError WORKFLOW_UNKNOWN without a file, and what reading a workflow throws
 */
export async function loadWorkflowOf(
  record: RunRecord,
  file: string | undefined,
  { workflow, registry }: CodeOptions,
): Promise<Workflow> {
  if (file === undefined) throw fileMissing(record, 'to go on, its code is needed, and no FILE was named');
  return loadWorkflow({ file, workflow, preferred: record.workflow, registry });
}
