import type { ActiveRun } from './active-run.js';
import { errorData } from './errors.js';
import type { ExecutionState } from './execution-state.js';
import { RunCancelledError, RunFailedError, type RunRejectedError } from './run-errors.js';
import { runOutcome } from './run-outcome.js';
import { type CompletedRun, RunResult, type RunStatusOf, type WaitingRun } from './run-result.js';
import type { RunOptions } from './runtime-options.js';
import { maskError } from './secret-mask.js';

/** A run that failed, as `settle` returns it. */
export interface FailedRun<Output> extends RunResult<Output> {
  readonly status: 'failed';
  readonly error: RunFailedError;
}

/** A run that was cancelled, as `settle` returns it. */
export interface CancelledRun<Output> extends RunResult<Output> {
  readonly status: 'cancelled';
  readonly error: RunCancelledError;
}

/** A run that was refused before its first node. */
export interface RejectedRun {
  readonly status: 'rejected';
  readonly runId: string;
  readonly error: RunRejectedError;
}

/** Every way a run can end. */
export type RunOutcome<Output> =
  | CompletedRun<Output>
  | WaitingRun
  | FailedRun<Output>
  | CancelledRun<Output>
  | RejectedRun;

/** What `execute` returns; everything else it throws. */
export type ExecutedRun<Output> = CompletedRun<Output> | WaitingRun;

/** The arguments after the workflow: parameters may be left out where none is required. */
// biome-ignore lint/complexity/noBannedTypes: `{}` is the test for "no required key"
export type ExecuteArguments<Params> = {} extends Params
  ? [params?: Params, options?: RunOptions]
  : [params: Params, options?: RunOptions];

/** Why a signal was aborted, in words. */
export function reasonText(reason: unknown): string {
  if (reason === undefined) return 'no reason given';
  return errorData(reason).message;
}

/** What the failed node threw, as it was thrown; where it is a map or subworkflow, what the node threw with which it began. */
function originalOf(state: ExecutionState, id: string, code: string, thrown: ActiveRun['thrown']): unknown {
  const index = state.plan.nodeIndex.get(id);
  if (code !== 'CHILD_FAILED' || index === undefined) return thrown.get(`${state.scope}${id}`);
  for (const child of state.children?.get(index)?.graphs ?? []) {
    const outcome = runOutcome(child);
    if (outcome.status !== 'failed') continue;
    return outcome.node === null ? undefined : originalOf(child, outcome.node, outcome.error.code, thrown);
  }
  return undefined;
}

/** What a run that has ended, or waits, is for its caller. An error of a run with secrets carries a masked stand-in as its cause. */
export function outcomeOf<Output>(
  { execution, thrown, options, journal }: ActiveRun,
  skippedInResults: 'omit' | 'empty',
): RunOutcome<Output> {
  const { state } = execution;
  const result = new RunResult<Output>(execution, state.runStatus as RunStatusOf, skippedInResults, journal?.receipt);
  if (state.runStatus === 'completed' || state.runStatus === 'waiting')
    return result as CompletedRun<Output> | WaitingRun;
  if (state.runStatus === 'cancelled') {
    const reason = state.stopping?.kind === 'cancel' ? state.stopping.reason : reasonText(options.signal?.reason);
    return Object.assign(result, { error: new RunCancelledError(result, reason) }) as CancelledRun<Output>;
  }
  const failure = maskError(state.runError ?? { name: 'Error', code: 'RUN_FAILED', message: '' }, execution.secrets);
  const node = state.runErrorPart;
  const original = node === undefined ? undefined : originalOf(state, node, failure.code, thrown);
  const cause =
    execution.secrets.size > 0 || original === undefined ? new Error(`${failure.code}: ${failure.message}`) : original;
  return Object.assign(result, { error: new RunFailedError(result, failure, node, cause) }) as FailedRun<Output>;
}
