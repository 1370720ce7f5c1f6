import type { Attempt } from '../../base/attempt.js';
import { AttemptError } from '../../base/errors.js';
import { RETRY_DEFAULTS, type RetryOptions, retryData } from '../../base/node-options.js';
import type { FailureDecision, RunView } from '../../base/run-view.js';
import { mayRetry } from './retry.js';
import { retryAfterOf } from './retry-after.js';
import type { RetryPolicyEngine } from './retry-policy-engine.js';

/** Why a failed attempt was the last one of its visit. */
export type GivenUp =
  /** It had no policy, or was the last that its policy allows. */
  | 'attempts'
  /** Its policy, or the kind of its error, does not retry it. */
  | 'not-retriable'
  /** The run had used up its retries. */
  | 'budget'
  /** It asked for a longer wait than its policy allows. */
  | 'retry-after'
  /** The next attempt would have come too late for the node's total limit. */
  | 'time-limit'
  /** A predicate or strategy of its policy threw. */
  | 'strategy'
  /** It was lost too often. */
  | 'lost';

/** What follows from a failed attempt, and why where nothing does. */
export interface RetryDecision extends FailureDecision {
  readonly givenUp: GivenUp | undefined;
  /** Milliseconds until the next attempt; 0 where there is none. */
  readonly waitMs: number;
}

function end(attempt: Attempt, givenUp: GivenUp, error?: Error): RetryDecision {
  const then = { kind: attempt.node.data.allowFailure ? ('allow' as const) : ('fail' as const) };
  const decision = { then, givenUp, waitMs: 0 };
  return error === undefined ? decision : { ...decision, error };
}

function totalLimit(attempt: Attempt, what: string, cause?: unknown): RetryDecision {
  const { id, data } = attempt.node;
  const message = `All attempts of node "${id}" together may take ${data.totalTimeoutMs} ms, and ${what}.`;
  const details = cause === undefined ? { at: id } : { at: id, cause };
  return end(attempt, 'time-limit', new AttemptError('NODE_TIMEOUT', message, details));
}

function afterLoss(run: RunView, attempt: Attempt, policy: RetryOptions | undefined, now: number): RetryDecision {
  const { index, id, data } = attempt.node;
  const { totalTimeoutMs } = data;
  if (totalTimeoutMs !== undefined && now >= (run.state.startedAt[index] as number) + totalTimeoutMs)
    return totalLimit(attempt, 'that time had passed');
  const maxLost = policy?.maxLost ?? RETRY_DEFAULTS.maxLost;
  const losses = (run.state.losses.get(index) ?? 0) + 1;
  if (losses <= maxLost) return { then: { kind: 'retry', at: now }, givenUp: undefined, waitMs: 0 };
  const what = `Node "${id}" was lost ${losses} times; ${maxLost} are allowed.`;
  return end(attempt, 'lost', new AttemptError('LOST_TOO_OFTEN', what, { at: id }));
}

/**
 * Decides what follows from a failed or lost attempt: another attempt while the policy of the node and the retries of the run last,
 * otherwise the node's failure, allowed or not. An error that asks to wait is waited for; one that asks for longer than the
 * policy's longest wait is final, since trying earlier would ignore what it asked. A retry that would start at or after the
 * node's total limit fails it at once instead of waiting in vain.
 *
 * @param policy what holds for the node; `undefined`: one attempt
 */
export function decideAfterFailure(
  run: RunView,
  attempt: Attempt,
  error: unknown,
  now: number,
  policy: RetryOptions | undefined,
  engine: RetryPolicyEngine,
): RetryDecision {
  if (attempt.status === 'lost') return afterLoss(run, attempt, policy, now);
  const { node } = attempt;
  if (policy === undefined) return end(attempt, 'attempts');
  const retry = retryData(policy);
  const failures = (run.state.failures.get(node.index) ?? 0) + 1;
  if (failures >= retry.attempts) return end(attempt, 'attempts');
  let waitMs: number;
  try {
    if (!mayRetry(error, policy, engine.retriable)) return end(attempt, 'not-retriable');
    const key = `${run.runId}/${run.scope}${node.id}/${attempt.visit}/${attempt.number}`;
    waitMs = engine.waitOf(retry, failures, error, run.random, key);
  } catch (thrown) {
    return end(attempt, 'strategy', thrown as Error);
  }
  const { retryBudget } = run.top.options;
  if (retryBudget !== null && run.top.retries >= retryBudget) {
    const message = `The run has made the ${retryBudget} retries that it may: what fails now is not tried again.`;
    run.warn({ code: 'retry-budget', message, at: node.id });
    return end(attempt, 'budget');
  }
  const asked = retryAfterOf(error, now) ?? 0;
  if (asked > retry.maxDelayMs) return end(attempt, 'retry-after');
  waitMs = Math.max(waitMs, asked);
  const at = now + waitMs;
  const { totalTimeoutMs } = node.data;
  if (totalTimeoutMs !== undefined && at >= (run.state.startedAt[node.index] as number) + totalTimeoutMs)
    return totalLimit(attempt, 'the next one would start too late', error);
  return { then: { kind: 'retry', at }, givenUp: undefined, waitMs };
}
