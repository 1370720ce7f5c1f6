import type { Attempt, AttemptLimits } from './attempt.js';
import { AttemptError } from './errors.js';
import type { ExecutionState } from './execution-state.js';
import type { PlanNode } from './plan.js';

const FOREVER = Number.POSITIVE_INFINITY;

/** The time limits of an attempt that is about to start: its own, and what is left of its node's. `undefined` without any. */
export function limitsOf(
  state: ExecutionState,
  { node, number, startedAt }: Pick<Attempt, 'node' | 'number' | 'startedAt'>,
): AttemptLimits | undefined {
  const { timeoutMs, softTimeoutMs, totalTimeoutMs } = node.data;
  const first = number === 1 ? startedAt : (state.startedAt[node.index] as number);
  const hard = Math.min(
    timeoutMs === undefined ? FOREVER : startedAt + timeoutMs,
    totalTimeoutMs === undefined ? FOREVER : first + totalTimeoutMs,
  );
  if (hard === FOREVER && softTimeoutMs === undefined) return undefined;
  return {
    hard: hard === FOREVER ? undefined : hard,
    soft: softTimeoutMs === undefined ? undefined : startedAt + softTimeoutMs,
  };
}

/** The earlier of two times, as far as they are there. */
export function earlier(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || right === undefined ? (left ?? right) : Math.min(left, right);
}

/** When all attempts of the visit of a node together have taken too long; infinity before the first, and without a limit. */
export function totalLimitOf(state: ExecutionState, { index, data: { totalTimeoutMs } }: PlanNode): number {
  if (totalTimeoutMs === undefined || state.attempts[index] === 0) return FOREVER;
  return (state.startedAt[index] as number) + totalTimeoutMs;
}

/** Whether an attempt that settles now settles too late. */
export function isOverdue({ hard }: AttemptLimits, now: number): boolean {
  return hard !== undefined && now >= hard;
}

/** Whether an error is already the verdict of a time limit. Never throws: a proxy may when it is looked at. */
export function isTimeout(error: unknown): boolean {
  try {
    return error instanceof AttemptError && (error.code === 'ATTEMPT_TIMEOUT' || error.code === 'NODE_TIMEOUT');
  } catch {
    return false;
  }
}

/** The failure of an attempt that ran longer than its limit. */
export function timedOut(attempt: Attempt, cause?: unknown): AttemptError {
  const { id, data } = attempt.node;
  const { timeoutMs, totalTimeoutMs } = data;
  const own = timeoutMs !== undefined && attempt.deadline === attempt.startedAt + timeoutMs;
  const details = cause === undefined ? { at: id } : { at: id, cause };
  return own || totalTimeoutMs === undefined
    ? new AttemptError('ATTEMPT_TIMEOUT', `Node "${id}" ran longer than ${timeoutMs} ms.`, details)
    : new AttemptError(
        'NODE_TIMEOUT',
        `All attempts of node "${id}" together took longer than ${totalTimeoutMs} ms.`,
        details,
      );
}

/** Why the signal of an attempt was aborted that goes on after its soft limit. */
export function passedSoftLimit({ node }: Attempt): AttemptError {
  const { id, data } = node;
  return new AttemptError(
    'ATTEMPT_TIMEOUT',
    `Node "${id}" ran longer than its soft limit of ${data.softTimeoutMs} ms.`,
    { at: id },
  );
}
