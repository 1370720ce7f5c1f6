import { AttemptError, type ErrorData, errorData, LockstepError } from './errors.js';
import type { ExecutionState } from './execution-state.js';
import type { PlanNode, PlanRegion } from './plan.js';
import { bitsOf, LIVE, readSource } from './source-evaluation.js';
import { FAILED } from './status.js';

/** How a run ended. */
export type RunOutcomeData =
  | { readonly status: 'completed'; readonly output: Readonly<Record<string, unknown>> }
  | { readonly status: 'failed'; readonly error: ErrorData; readonly node: string | null }
  | { readonly status: 'cancelled'; readonly reason: string };

/** The failure that a run reports: that of the failed node lowest in plan order, or of the cycle that failed by itself. */
function primaryFailure(state: ExecutionState): { readonly error: ErrorData; readonly node: string } | undefined {
  const { nodes, regions } = state.plan;
  let place = nodes.length;
  let found: { readonly error: ErrorData; readonly node: string } | undefined;
  for (const [index, error] of state.errors) {
    const node = nodes[index] as PlanNode;
    if (index >= place || state.status[index] !== FAILED || node.data.allowFailure) continue;
    place = index;
    found = { error, node: node.id };
  }
  for (let number = 0; number < regions.length; number++) {
    const region = regions[number] as PlanRegion;
    const error = state.regions[number]?.error;
    if (error === undefined || region.start >= place) continue;
    place = region.start;
    found = { error, node: region.id };
  }
  return found;
}

/** The output of a run: every declared output that is live and has a value, in the order of declaration. @throws AttemptError when one that is required is not */
function collectOutput(state: ExecutionState): Readonly<Record<string, unknown>> {
  const output: Record<string, unknown> = {};
  for (const [name, source] of state.plan.outputs) {
    const value = bitsOf(state, source) & LIVE ? readSource(state, source) : undefined;
    if (value !== undefined) output[name] = value;
  }
  return output;
}

/** Decides how a run ended, once everything has settled: cancelled before failed before completed. */
export function runOutcome(state: ExecutionState): RunOutcomeData {
  const { stopping } = state;
  if (stopping?.kind === 'cancel') return { status: 'cancelled', reason: stopping.reason };
  if (stopping?.kind === 'timeout') {
    const error = new LockstepError('RUN_TIMEOUT', `The run took longer than ${state.options.timeoutMs} ms.`);
    return { status: 'failed', error: errorData(error), node: null };
  }
  const failure = primaryFailure(state);
  if (failure !== undefined) return { status: 'failed', ...failure };
  try {
    return { status: 'completed', output: collectOutput(state) };
  } catch (thrown) {
    const error =
      thrown instanceof AttemptError
        ? thrown
        : new AttemptError('OUTPUT_INVALID', 'The output of the run cannot be read.', { cause: thrown });
    return { status: 'failed', error: errorData(error), node: null };
  }
}
