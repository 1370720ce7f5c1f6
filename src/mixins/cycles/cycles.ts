import type { CycleStopReason } from '../../base/cycle-stop-reason.js';
import { AttemptError, errorData } from '../../base/errors.js';
import type { ExecutionState, RegionState } from '../../base/execution-state.js';
import type { PlanNode, PlanRegion } from '../../base/plan.js';
import type { NotRunReason } from '../../base/reason.js';
import type { CycleDecision } from '../../base/run-view.js';
import { bitsOf, LIVE, readSource } from '../../base/source-evaluation.js';
import { deadEndOf } from '../../base/source-explanation.js';
import { BLOCKED, FAILED } from '../../base/status.js';
import { askConvergence, type Convergence } from './convergence.js';

function failedMember(state: ExecutionState, region: PlanRegion): string | undefined {
  for (let index = region.start; index < region.end; index++) {
    const node = state.plan.nodes[index] as PlanNode;
    const status = state.status[index];
    if (status === BLOCKED) return (state.reasons.get(index) as NotRunReason).root.subject;
    if (status === FAILED && !node.data.allowFailure) return node.id;
  }
  for (const child of region.children) if (state.regions[child]?.failed) return state.plan.regions[child]?.id;
  return undefined;
}

/** Why no feedback is live: a switch that left the loop, a failure that was allowed, or a body that never ran. */
function deadFeedback(
  state: ExecutionState,
  region: PlanRegion,
): { readonly reason: CycleStopReason; readonly root: string } | undefined {
  let first: { readonly reason: CycleStopReason; readonly root: string } | undefined;
  for (const { source } of region.feedback) {
    const bits = bitsOf(state, source);
    if (bits & LIVE) return undefined;
    const { root } = deadEndOf(state, source, bits);
    const inside = (state.plan.nodeIndex.get(root.subject) as number) >= region.start;
    const text = root.port === null ? root.subject : `${root.subject}.${root.port}`;
    const reason = !inside
      ? 'skipped'
      : root.code === 'allowed_failure' || root.code === 'no_error'
        ? 'no_feedback'
        : 'exited';
    first ??= { reason, root: text };
  }
  return first;
}

function stop(
  reason: CycleStopReason,
  metric: number | undefined,
  more: { readonly failed?: boolean; readonly root?: string; readonly error?: unknown } = {},
): CycleDecision {
  const error = more.error === undefined ? undefined : errorData(more.error);
  return { kind: 'stop', reason, failed: more.failed ?? false, metric, root: more.root, error };
}

/**
 * Decides at the end of an iteration, in this order: a member failed, all feedback is dead, `until`, `maxIterations`,
 * `timeoutMs`. Otherwise the cycle goes on.
 */
export function decideStep(state: ExecutionState, region: PlanRegion, now: number): CycleDecision {
  const around = state.regions[region.index] as RegionState;
  const { maxIterations, timeoutMs, onMaxIterations, onTimeout } = region.data;
  const elapsedMs = Number.isNaN(around.enteredAt) ? 0 : now - around.enteredAt;
  const failed = failedMember(state, region);
  if (failed !== undefined) return stop('failed', undefined, { failed: true, root: failed });
  const dead = deadFeedback(state, region);
  if (dead !== undefined) return stop(dead.reason, undefined, { root: dead.root });
  let convergence: Convergence;
  try {
    convergence = askConvergence(state, region, elapsedMs);
    for (const { source } of region.feedback) if (bitsOf(state, source) & LIVE) readSource(state, source);
  } catch (cause) {
    const error =
      cause instanceof AttemptError
        ? cause
        : new AttemptError(
            'CONDITION_THREW',
            `The condition of cycle "${region.id}" threw in iteration ${around.iteration}.`,
            { at: region.id, cause },
          );
    return stop('failed', undefined, { failed: true, root: region.id, error });
  }
  const { metric } = convergence;
  if (convergence.met === true) return stop('converged', metric);
  if (maxIterations !== undefined && around.iteration + 1 >= maxIterations) {
    if (onMaxIterations === 'accept') return stop('max_iterations', metric);
    const error = new AttemptError('CYCLE_LIMIT', `Cycle "${region.id}" reached its ${maxIterations} iterations.`, {
      at: region.id,
    });
    return stop('max_iterations', metric, { failed: true, error });
  }
  if (timeoutMs !== undefined && elapsedMs >= timeoutMs) {
    if (onTimeout === 'accept') return stop('timeout', metric);
    const error = new AttemptError('CYCLE_TIMEOUT', `Cycle "${region.id}" ran longer than ${timeoutMs} ms.`, {
      at: region.id,
    });
    return stop('timeout', metric, { failed: true, error });
  }
  return { kind: 'continue', metric };
}
