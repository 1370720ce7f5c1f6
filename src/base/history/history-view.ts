import { compile } from '../compile.js';
import { LockstepError } from '../errors.js';
import type { RunEvent } from '../events.js';
import type { Workflow } from '../workflow.js';
import { pruneHistory } from './pruned-history.js';

/** What of the log of a run counts, and by which workflow. */
export interface HistoryView {
  readonly events: readonly RunEvent[];
  readonly workflowHash: string;
}

/**
 * What of a log counts, with positions that follow each other: what a later revision took back is left out.
 *
 * @param hollowOf the workflow of a hash, as it was recorded
 * @throws LockstepError CORRUPT_HISTORY
 */
export function historyView(
  runId: string,
  events: Iterable<RunEvent>,
  hollowOf: (workflowHash: string) => Workflow,
): HistoryView {
  let counted: RunEvent[] = [];
  let workflowHash: string | undefined;
  let isRevised = false;
  for (const event of events) {
    if (event.kind === 'run.revised') {
      const { rerun } = event.data;
      workflowHash = event.data.workflowHash;
      counted = [...pruneHistory(compile(hollowOf(workflowHash)), counted, new Set(rerun))];
      isRevised = true;
    } else counted.push(isRevised ? { ...event, seq: counted.length } : event);
  }
  const [first] = counted;
  if (first?.kind === 'run.started') workflowHash ??= first.data.workflowHash;
  if (workflowHash !== undefined) return { events: counted, workflowHash };
  throw new LockstepError('CORRUPT_HISTORY', `The log of run "${runId}" does not begin as one of a store.`, {
    at: runId,
  });
}
