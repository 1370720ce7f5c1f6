import type { ErrorCode } from './error-catalog.js';
import { type ErrorData, type ErrorDetails, LockstepError } from './errors.js';
import type { NodeReport } from './graph-result.js';
import type { RunResult } from './run-result.js';

/** What `execute` throws: a run that failed, was cancelled, or was refused. */
export abstract class RunError extends LockstepError {
  readonly runId: string;
  readonly workflow: string;

  constructor(
    code: ErrorCode,
    what: string,
    run: { readonly runId: string; readonly workflow: string },
    details: ErrorDetails,
  ) {
    super(code, what, details);
    this.runId = run.runId;
    this.workflow = run.workflow;
  }
}

function hide(error: object, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, enumerable: false });
}

/** A run failed. `result` says what became of every node; it is not enumerable, so that an uncaught error prints no payload. */
export class RunFailedError extends RunError {
  declare readonly result: RunResult;
  /** The failed node or cycle lowest in plan order; `undefined` where the run failed as a whole. */
  readonly node: string | undefined;
  /** The failure, as recorded. */
  readonly failure: ErrorData;

  constructor(result: RunResult, failure: ErrorData, node: string | undefined, cause: unknown) {
    const where = node === undefined ? '' : ` in "${node}"`;
    super('RUN_FAILED', '', result, { at: node ?? '', cause });
    const said = failure.message.startsWith(failure.code) ? failure.message : `${failure.code}: ${failure.message}`;
    this.message = `Run ${result.runId} of "${result.workflow}" failed${where}: ${said}`;
    this.node = node;
    this.failure = failure;
    hide(this, 'result', result);
  }
}

/** A run was cancelled. Says what had completed and where it stopped. */
export class RunCancelledError extends RunError {
  declare readonly result: RunResult;
  /** What the signal gave as its reason. */
  readonly reason: string;
  /** Nodes that had completed. */
  readonly completed: readonly string[];
  /** Nodes that were running and were aborted. */
  readonly stoppedAt: readonly string[];
  /** Nodes that had not started. */
  readonly notStarted: readonly string[];

  constructor(result: RunResult, reason: string) {
    const reports = [...result.nodes.values()];
    const ids = (wanted: (report: NodeReport) => boolean): string[] =>
      reports.filter(wanted).map((report) => report.id);
    const completed = ids((report) => report.status === 'completed');
    const stoppedAt = ids(
      (report) => report.status === 'cancelled' && report.startedAt !== undefined && report.attempts > 0,
    );
    const notStarted = ids((report) => report.status === 'cancelled' && report.attempts === 0);
    const where =
      stoppedAt.length > 0
        ? ` while ${list(stoppedAt)} ran`
        : notStarted.length > 0
          ? ` before ${list(notStarted)}`
          : '';
    const what = `Run ${result.runId} of "${result.workflow}" was cancelled${where}: ${reason}. Completed: ${completed.length === 0 ? 'nothing' : list(completed)}.`;
    super('RUN_CANCELLED', what, result, {});
    this.reason = reason;
    this.completed = completed;
    this.stoppedAt = stoppedAt;
    this.notStarted = notStarted;
    hide(this, 'result', result);
  }
}

/** A run was refused before its first node: no result. `code` is that of the first problem. */
export class RunRejectedError extends RunError {
  /** Everything that was wrong. */
  readonly problems: readonly LockstepError[];

  constructor(run: { readonly runId: string; readonly workflow: string }, problems: readonly LockstepError[]) {
    const [first] = problems as [LockstepError];
    const more =
      problems.length > 1
        ? ` And ${problems.length - 1} more: ${problems
            .slice(1, 4)
            .map((problem) => problem.message)
            .join(' ')}`
        : '';
    super(first.code, '', run, { at: first.at, value: first.value, cause: first });
    this.message = `Run of "${run.workflow}" refused: ${first.message}${more}`;
    this.problems = problems;
  }
}

function list(ids: readonly string[]): string {
  const shown = ids
    .slice(0, 5)
    .map((id) => `"${id}"`)
    .join(', ');
  return ids.length > 5 ? `${shown} and ${ids.length - 5} more` : shown;
}
