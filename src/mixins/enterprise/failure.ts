import type { Attempt } from '../../base/attempt.js';
import { AttemptError } from '../../base/errors.js';
import { RETRY_DEFAULTS, type RetryOptions } from '../../base/node-options.js';
import type { FailureDecision, RunView } from '../../base/run-view.js';
import { backoffDelay, mayRetry } from './retry.js';

function end(attempt: Attempt, error?: Error): FailureDecision {
  const then = { kind: attempt.node.data.allowFailure ? ('allow' as const) : ('fail' as const) };
  return error === undefined ? { then } : { then, error };
}

function afterLoss(run: RunView, attempt: Attempt, now: number): FailureDecision {
  const { index, id, data } = attempt.node;
  const { totalTimeoutMs } = data;
  if (totalTimeoutMs !== undefined && now >= (run.state.startedAt[index] as number) + totalTimeoutMs) {
    const what = `All attempts of node "${id}" together may take ${totalTimeoutMs} ms, and that time had passed.`;
    return end(attempt, new AttemptError('NODE_TIMEOUT', what, { at: id }));
  }
  const maxLost = data.retry?.maxLost ?? RETRY_DEFAULTS.maxLost;
  const losses = (run.state.losses.get(index) ?? 0) + 1;
  if (losses <= maxLost) return { then: { kind: 'retry', at: now } };
  return end(
    attempt,
    new AttemptError('LOST_TOO_OFTEN', `Node "${id}" was lost ${losses} times; ${maxLost} are allowed.`, { at: id }),
  );
}

/**
 * Decides what follows from a failed or lost attempt: another attempt while the budget of this visit lasts, otherwise the
 * node's failure, allowed or not. A retry that would start at or after the node's total limit fails it at once instead of waiting in vain.
 */
export function decideAfterFailure(run: RunView, attempt: Attempt, error: unknown, now: number): FailureDecision {
  if (attempt.status === 'lost') return afterLoss(run, attempt, now);
  const { node } = attempt;
  const { retry, totalTimeoutMs } = node.data;
  if (retry === undefined) return end(attempt);
  const failures = (run.state.failures.get(node.index) ?? 0) + 1;
  if (failures >= retry.attempts) return end(attempt);
  try {
    if (!mayRetry(error, node.retry as RetryOptions)) return end(attempt);
  } catch (thrown) {
    return end(attempt, thrown as Error);
  }
  const key = `${run.runId}/${run.scope}${node.id}/${attempt.visit}/${attempt.number}`;
  const at = now + backoffDelay(retry, failures, run.random, key);
  const first = run.state.startedAt[node.index] as number;
  if (totalTimeoutMs !== undefined && at >= first + totalTimeoutMs) {
    const what = `All attempts of node "${node.id}" together may take ${totalTimeoutMs} ms, and the next one would start too late.`;
    return end(attempt, new AttemptError('NODE_TIMEOUT', what, { at: node.id, cause: error }));
  }
  return { then: { kind: 'retry', at } };
}
