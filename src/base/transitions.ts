import type { Attempt } from './attempt.js';
import { type ErrorData, LockstepError } from './errors.js';
import type { DecisiveOptions, FailureVerdict } from './events.js';
import type { ExecutionState, RegionState, Stopping } from './execution-state.js';
import type { CycleStopReason } from './handles.js';
import type { PlanNode, PlanRegion } from './plan.js';
import type { NotRunReason } from './reason.js';
import type { RunOutcomeData } from './run-outcome.js';
import { allSettled, bitsOf, deadEndOf, LIVE, observe, readSource } from './source-evaluation.js';
import {
  ATTEMPT_TRANSITIONS,
  type AttemptStatus,
  type BLOCKED,
  type CANCELLED,
  COMPLETED,
  FAILED,
  NODE_STATUSES,
  NODE_TRANSITIONS,
  type NodeStatus,
  PENDING,
  RUN_TRANSITIONS,
  RUNNING,
  type RunStatus,
  type SKIPPED,
} from './status.js';

/**
 * The steps of the state machine. Each changes the state and nothing else; the live run and the fold of a log both go through
 * them, so that what was recorded is what happened.
 */

function illegal(kind: string, from: string, to: string, at: string): never {
  throw new LockstepError('ILLEGAL_TRANSITION', `A ${kind} cannot go from ${from} to ${to} (${at}).`, { at });
}

/** Moves a run to another state. @throws LockstepError ILLEGAL_TRANSITION */
export function moveRun(state: ExecutionState, to: RunStatus): void {
  if (!RUN_TRANSITIONS[state.runStatus].includes(to)) illegal('run', state.runStatus, to, state.plan.workflow.name);
  state.runStatus = to;
}

/** A run starts. */
export function beginRun(
  state: ExecutionState,
  parameters: Readonly<Record<string, unknown>>,
  set: ExecutionState['set'],
  options: DecisiveOptions,
  now: number,
): void {
  moveRun(state, 'running');
  state.parameters = parameters;
  state.set = set;
  state.options = options;
  state.runStartedAt = now;
  state.attention = options.timeoutMs !== null || options.softTimeoutMs !== null;
}

/** A run ends. */
export function endRun(state: ExecutionState, outcome: RunOutcomeData, now: number): void {
  moveRun(state, outcome.status);
  if (outcome.status === 'completed') state.output = outcome.output;
  else if (outcome.status === 'failed') {
    state.runError = outcome.error;
    state.runErrorPart = outcome.node ?? undefined;
  }
  state.runEndedAt = now;
}

/** Moves an attempt to another state. @throws LockstepError ILLEGAL_TRANSITION */
export function moveAttempt(attempt: Attempt, to: AttemptStatus): void {
  if (!ATTEMPT_TRANSITIONS[attempt.status].includes(to)) illegal('attempt', attempt.status, to, attempt.node.id);
  attempt.status = to;
}

/** For each node state, the states that may follow it, as bits. */
const LEGAL = Uint8Array.from(NODE_STATUSES, (from) =>
  NODE_TRANSITIONS[from].reduce((bits, to) => bits | (1 << NODE_STATUSES.indexOf(to)), 0),
);

/** Moves a node to another state. @throws LockstepError ILLEGAL_TRANSITION */
export function moveNode(state: ExecutionState, index: number, to: number): void {
  const from = state.status[index] as number;
  if ((((LEGAL[from] as number) >> to) & 1) === 0) {
    illegal(
      'node',
      NODE_STATUSES[from] as NodeStatus,
      NODE_STATUSES[to] as NodeStatus,
      state.plan.nodes[index]?.id ?? '?',
    );
  }
  state.status[index] = to;
}

/** A node starts an attempt. */
export function startAttempt(state: ExecutionState, node: PlanNode, now: number): void {
  const { index } = node;
  moveNode(state, index, RUNNING);
  state.ready.delete(index);
  const number = (state.attempts[index] as number) + 1;
  state.attempts[index] = number;
  if (number === 1) {
    state.startedAt[index] = now;
    for (let region = node.region; region !== -1; region = (state.plan.regions[region] as PlanRegion).parent) {
      const entered = state.regions[region] as RegionState;
      if (!Number.isNaN(entered.enteredAt)) break;
      entered.enteredAt = now;
    }
  }
  state.running++;
}

function endAttempt(state: ExecutionState, index: number, startedAt: number, now: number): void {
  state.running--;
  state.endedAt[index] = now;
  if (state.busyMs !== undefined) state.busyMs[index] = (state.busyMs[index] as number) + (now - startedAt);
}

/** An attempt completes and with it its node. */
export function completeAttempt(
  state: ExecutionState,
  node: PlanNode,
  startedAt: number,
  output: Readonly<Record<string, unknown>>,
  now: number,
): void {
  const { index } = node;
  moveNode(state, index, COMPLETED);
  endAttempt(state, index, startedAt, now);
  state.outputs[index] = output;
  if (node.region !== -1) keep(state, node, output);
  settle(state, node, true);
}

/** Remembers live outputs inside a cycle for its exits. */
function keep(state: ExecutionState, node: PlanNode, output: Readonly<Record<string, unknown>>): void {
  const { index } = node;
  const step = ++state.step;
  state.keptOutput[index] = output;
  state.keptStep[index] = step;
  if (node.data.switch !== undefined)
    for (const port of Object.keys(output)) keepPort(state, index, port, output[port], step);
}

function keepPort(state: ExecutionState, index: number, port: string, value: unknown, step: number): void {
  let ports = state.keptPorts.get(index);
  if (ports === undefined) {
    ports = new Map();
    state.keptPorts.set(index, ports);
  }
  ports.set(port, { value, step });
}

/** An attempt fails, or is lost, and its node goes on as decided. */
export function failAttempt(
  state: ExecutionState,
  node: PlanNode,
  attempt: { readonly number: number; readonly startedAt: number },
  error: ErrorData,
  then: FailureVerdict,
  how: 'failed' | 'lost',
  now: number,
): void {
  const { index } = node;
  const counts = how === 'failed' ? state.failures : state.losses;
  counts.set(index, (counts.get(index) ?? 0) + 1);
  const failure = {
    visit: state.visit(index),
    attempt: attempt.number,
    status: how,
    error,
    retryAt: then.kind === 'retry' ? then.at : undefined,
  };
  const earlier = state.attemptFailures.get(index);
  if (earlier === undefined) state.attemptFailures.set(index, [failure]);
  else earlier.push(failure);
  if (then.kind === 'retry') {
    state.busyMs ??= new Float64Array(state.status.length);
    moveNode(state, index, PENDING);
    endAttempt(state, index, attempt.startedAt, now);
    delay(state, index, then.at);
    return;
  }
  moveNode(state, index, FAILED);
  endAttempt(state, index, attempt.startedAt, now);
  state.errors.set(index, error);
  if (then.kind === 'allow' && node.region !== -1) keepPort(state, index, '$error', error, ++state.step);
  if (then.kind === 'fail' && state.options.onError === 'fail-fast')
    stop(state, { kind: 'fail-fast', subject: node.id });
  settle(state, node, false);
}

/** The run no longer starts anything. The first reason stands. */
export function stop(state: ExecutionState, why: Stopping): void {
  state.stopping ??= why;
  state.attention = true;
}

/** A node may not start before a time (epoch milliseconds). */
export function delay(state: ExecutionState, index: number, until: number): void {
  state.ready.delete(index);
  state.delayed.set(index, until);
  state.attention = true;
}

/** A delayed node may start again. */
export function wake(state: ExecutionState, index: number): void {
  state.delayed.delete(index);
  state.ready.add(index);
}

/** A node will not run in this visit. */
export function setAside(
  state: ExecutionState,
  node: PlanNode,
  to: typeof SKIPPED | typeof BLOCKED | typeof CANCELLED,
  reason: NotRunReason,
  now: number,
  attemptStartedAt = now,
): void {
  const { index } = node;
  const running = state.status[index] === RUNNING;
  moveNode(state, index, to);
  state.ready.delete(index);
  state.delayed.delete(index);
  state.reasons.set(index, reason);
  if (running) endAttempt(state, index, attemptStartedAt, now);
  settle(state, node, false);
}

function settle(state: ExecutionState, node: PlanNode, live: boolean): void {
  const { dependents, region } = node;
  for (let each = 0; each < dependents.length; each++) notify(state, dependents[each] as number, live);
  if (region === -1) state.open--;
  else countDown(state, region);
}

function notify(state: ExecutionState, index: number, live: boolean): void {
  const { waiting } = state;
  if (!live) state.tainted[index] = 1;
  const left = (waiting[index] as number) - 1;
  waiting[index] = left;
  if (!state.plan.rechecks) {
    if (left === 0) state.ready.add(index);
    return;
  }
  const dependent = state.plan.nodes[index] as PlanNode;
  if (!dependent.recheck) {
    if (left === 0) state.ready.add(index);
  } else if (state.status[index] === PENDING && !state.delayed.has(index) && allSettled(state, dependent))
    state.ready.add(index);
}

function countDown(state: ExecutionState, region: number): void {
  const around = state.regions[region] as RegionState;
  around.remaining--;
  if (around.remaining > 0) return;
  state.dueRegions.push(region);
  state.attention = true;
}

/** The end of an iteration, as it was decided. */
export interface IterationEnd {
  readonly elapsedMs: number;
  readonly metric: number | undefined;
}

function endIteration(state: ExecutionState, region: PlanRegion, end: IterationEnd): RegionState {
  const around = state.regions[region.index] as RegionState;
  const due = state.dueRegions.indexOf(region.index);
  if (due !== -1) state.dueRegions.splice(due, 1);
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
    if (
      inner.index === region.index ||
      inner.start < region.start ||
      inner.end > region.end ||
      inner.depth <= region.depth
    )
      continue;
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
  if (how.failed && how.reason !== 'cancelled' && how.error !== undefined && state.options.onError === 'fail-fast') {
    stop(state, { kind: 'fail-fast', subject: region.id });
  }
  if (region.parent === -1) state.open--;
  else countDown(state, region.parent);
}
