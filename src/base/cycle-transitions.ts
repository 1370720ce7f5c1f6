import type { CycleStopReason } from './cycle-stop-reason.js';
import type { ErrorData } from './errors.js';
import type { ExecutionState, RegionState } from './execution-state.js';
import type { PlanNode, PlanRegion } from './plan.js';
import { allSettled, bitsOf, LIVE, observe, readSource } from './source-evaluation.js';
import { deadEndOf } from './source-explanation.js';
import { COMPLETED, PENDING } from './status.js';
import { countDown, moveNode, notify, stop } from './transitions.js';

/** The steps of the state machine at the end of a cycle's iteration. */

/** The end of an iteration, as it was decided. */
export interface IterationEnd {
  readonly elapsedMs: number;
  readonly metric: number | undefined;
}

function endIteration(state: ExecutionState, region: PlanRegion, end: IterationEnd): RegionState {
  const around = state.regions[region.index] as RegionState;
  const due = state.dueRegions.indexOf(region.index);
  if (due !== -1 && due === state.dueRegions.length - 1)
    state.dueRegions.pop(); // mostly it is the only one, and a splice makes a list
  else if (due !== -1) state.dueRegions.splice(due, 1);
  around.elapsedMs = end.elapsedMs;
  around.metric = end.metric;
  if (around.iterations > 0) around.totalIterations++;
  if (end.metric !== undefined && region.data.keepHistory > 0) {
    around.history.push(end.metric);
    if (around.history.length > region.data.keepHistory) around.history.shift();
  }
  return around;
}

/** A cycle goes on: feedback is taken, the body starts again. */
export function iterate(state: ExecutionState, region: PlanRegion, end: IterationEnd): void {
  const around = endIteration(state, region, end);
  around.previous = region.until === undefined ? undefined : observe(state, region.until, 'raw')?.value;
  for (const { slot, source } of region.feedback) {
    const bits = bitsOf(state, source);
    state.feedbackBits[slot] = bits;
    const live = (bits & LIVE) !== 0;
    state.feedbackValues[slot] = live ? readSource(state, source, 'raw') : undefined;
    state.feedbackRoots[slot] = live ? undefined : deadEndOf(state, source, bits).root;
  }
  around.iteration++;
  around.remaining = region.members;
  enterBody(state, region);
}

/** Puts the body of a cycle back to its start: its nodes for another visit, its inner cycles for another entry. */
function enterBody(state: ExecutionState, region: PlanRegion): void {
  const { nodes } = state.plan;
  for (let index = region.start; index < region.end; index++) {
    moveNode(state, index, PENDING);
    state.visits[index] = (state.visits[index] as number) + 1;
    state.attempts[index] = 0;
  }
  if (region.children.length > 0) enterChildren(state, region);
  if (state.failures.size + state.losses.size + state.reasons.size > 0) forget(state, region);
  for (let index = region.start; index < region.end; index++) {
    const node = nodes[index] as PlanNode;
    count(state, node, fedNow(state, node) ? node.laterDependencies : node.dependencies);
  }
}

function enterChildren(state: ExecutionState, region: PlanRegion): void {
  const { regions } = state.plan;
  for (let number = 0; number < regions.length; number++) {
    const inner = regions[number] as PlanRegion;
    if (inner.start < region.start || inner.end > region.end || inner.depth <= region.depth) continue;
    const around = state.regions[number] as RegionState;
    around.iteration = 0;
    around.remaining = inner.members;
    around.stopped = false;
    around.failed = false;
    around.enteredAt = Number.NaN;
    around.elapsedMs = 0;
    around.reason = undefined;
    around.root = undefined;
    around.error = undefined;
    around.metric = undefined;
    around.history = [];
    around.previous = undefined;
    around.entryStep = ++state.step;
    if (state.nodeStates.size === 0) continue;
    for (let index = inner.start; index < inner.end; index++) state.nodeStates.delete(index);
  }
}

function forget(state: ExecutionState, region: PlanRegion): void {
  for (let index = region.start; index < region.end; index++) {
    state.failures.delete(index);
    state.losses.delete(index);
    state.reasons.delete(index);
    state.errors.delete(index);
  }
}

/** Whether every input of a node that a cycle feeds is fed now: that cycle is past the first iteration of this entry. */
function fedNow(state: ExecutionState, node: PlanNode): boolean {
  if (node.dependencies.length === node.laterDependencies.length) return false;
  for (const { feedback } of node.inputs) {
    if (feedback.length > 0 && !feedback.some(({ region }) => (state.regions[region] as RegionState).iteration > 0))
      return false;
  }
  return true;
}

function count(state: ExecutionState, node: PlanNode, subjects: readonly number[]): void {
  const { index } = node;
  let waiting = 0;
  let tainted = 0;
  for (let each = 0; each < subjects.length; each++) {
    const subject = subjects[each] as number;
    if (!state.settled(subject)) waiting++;
    else if (subject >= 0 && state.status[subject] !== COMPLETED) tainted = 1;
  }
  for (const { feedback } of node.inputs) {
    for (const { slot, region } of feedback) {
      if ((state.regions[region] as RegionState).iteration > 0 && ((state.feedbackBits[slot] as number) & LIVE) === 0)
        tainted = 1;
    }
  }
  state.waiting[index] = waiting;
  state.tainted[index] = tainted;
  if (node.recheck ? allSettled(state, node) : waiting === 0) state.ready.add(index);
}

/** A cycle stops: its exits become readable. */
export function stopRegion(
  state: ExecutionState,
  region: PlanRegion,
  end: IterationEnd,
  how: {
    readonly reason: CycleStopReason;
    readonly failed: boolean;
    readonly root: string | undefined;
    readonly error: ErrorData | undefined;
  },
): void {
  const around = endIteration(state, region, end);
  around.stopped = true;
  around.reason = how.reason;
  around.failed = how.failed;
  around.root = how.root;
  around.error = how.error;
  for (const dependent of region.dependents) notify(state, dependent, !how.failed);
  if (how.failed && how.error !== undefined && state.options.onError === 'fail-fast') {
    stop(state, { kind: 'fail-fast', subject: region.id });
  }
  if (region.parent === -1) state.open--;
  else countDown(state, region.parent);
}
