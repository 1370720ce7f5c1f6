import type { ExecutionState, RegionState } from '../../base/execution-state.js';
import type { Plan, PlanInput, PlanNode, PlanRegion } from '../../base/plan.js';
import type { NotRunReason } from '../../base/reason.js';
import type { NodeDecision } from '../../base/run-view.js';
import { DEAD, inputBits, LIVE, STUCK, UNCONNECTED } from '../../base/source-evaluation.js';
import { inputEnd, rootOfFailure } from '../../base/source-explanation.js';
import { BLOCKED, CANCELLED, FAILED } from '../../base/status.js';

const RUN: NodeDecision = Object.freeze({ kind: 'run' });

function reasonFor(state: ExecutionState, node: PlanNode, input: PlanInput, wanted: number): NotRunReason {
  const end = inputEnd(state, input, wanted);
  return { code: end.code, input: `${node.id}.${input.port.name}`, source: end.source, root: end.root };
}

/** The first subject of `after` that failed or was blocked: it blocks like a source. */
function stuckBefore(state: ExecutionState, node: PlanNode): NotRunReason | undefined {
  for (const subject of node.after) {
    if (subject < 0) {
      const { id } = state.plan.regions[~subject] as PlanRegion;
      if (!(state.regions[~subject] as RegionState).failed) continue;
      return { code: 'upstream_blocked', input: null, source: id, root: rootOfFailure(state, ~subject) };
    }
    const status = state.status[subject];
    const { id, data } = state.plan.nodes[subject] as PlanNode;
    if (status === FAILED && !data.allowFailure) {
      const root = { subject: id, port: null, code: 'upstream_failed' as const };
      return { code: 'upstream_failed', input: null, source: id, root };
    }
    if (status !== BLOCKED && status !== CANCELLED) continue;
    const { root } = state.reasons.get(subject) as NotRunReason;
    return { code: 'upstream_blocked', input: null, source: id, root };
  }
  return undefined;
}

/**
 * Decides about a node whose sources have all settled, by its join rule:
 *
 * - `required`: any blocked source blocks; a required input without a live source skips, and so does having connected inputs
 *   of which none is live.
 * - `all`: any blocked source blocks, any dead one skips.
 * - `any`: one live source suffices; otherwise blocked beats skipped.
 * - `always`: it runs.
 *
 * The first input in port order that lost its source is the recorded reason.
 */
export function decideByJoin(state: ExecutionState, node: PlanNode): NodeDecision {
  const { join } = node.data;
  if (join === 'always') return RUN;
  let live = 0;
  let stuck: PlanInput | undefined;
  let dead: PlanInput | undefined;
  let deadRequired: PlanInput | undefined;
  for (const input of node.inputs) {
    const bits = inputBits(state, input);
    if (bits === UNCONNECTED) continue;
    if (bits & STUCK) stuck ??= input;
    if (bits & LIVE) live++;
    else if (bits & DEAD) {
      dead ??= input;
      if (!input.port.optional) deadRequired ??= input;
    }
    if (join === 'all' && bits & DEAD) dead ??= input;
  }
  const block = (input: PlanInput): NodeDecision => ({ kind: 'block', reason: reasonFor(state, node, input, STUCK) });
  const skip = (input: PlanInput): NodeDecision => ({ kind: 'skip', reason: reasonFor(state, node, input, DEAD) });
  if (join === 'any') {
    if (live > 0) return RUN;
    if (stuck !== undefined) return block(stuck);
    return dead === undefined ? RUN : skip(dead);
  }
  if (stuck !== undefined) return block(stuck);
  const before = stuckBefore(state, node);
  if (before !== undefined) return { kind: 'block', reason: before };
  if (join === 'all') return dead === undefined ? RUN : skip(dead);
  if (deadRequired !== undefined) return skip(deadRequired);
  return live === 0 && dead !== undefined ? skip(dead) : RUN;
}

const conditional = new WeakMap<Plan, boolean>();

/** Whether a plan, or that of a child, has anything that can be dead: a switch, or a node that may fail. Worked out once for each plan. */
export function hasConditions(plan: Plan): boolean {
  let found = conditional.get(plan);
  if (found === undefined) {
    found = plan.nodes.some(({ data, implementation, child }) =>
      child === undefined
        ? implementation.delivers !== 'every' || data.allowFailure
        : data.allowFailure || hasConditions(child),
    );
    conditional.set(plan, found);
  }
  return found;
}
