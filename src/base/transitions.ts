import { type ErrorData, LockstepError } from './errors.js';
import type { AttemptKey, EventData, FailureVerdict } from './events.js';
import {
  ChildrenState,
  ExecutionState,
  type GateState,
  type KeptValue,
  type RegionState,
  type Stopping,
} from './execution-state.js';
import { INDEX, ITEM, type Plan, type PlanNode, type PlanRegion } from './plan.js';
import type { NotRunReason } from './reason.js';
import type { RunOutcomeData } from './run-outcome.js';
import { allSettled } from './source-evaluation.js';
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
  WAITING,
} from './status.js';
import type { Warning } from './warning.js';

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

/** What a run starts with, as its state holds it. */
export type RunBeginning = Pick<ExecutionState, 'parameters' | 'set' | 'options' | 'context'>;

/** A run starts. */
export function beginRun(
  state: ExecutionState,
  { parameters, set, options, context }: RunBeginning,
  now: number,
): void {
  moveRun(state, 'running');
  state.parameters = parameters;
  state.set = set;
  state.options = options;
  state.context = context;
  state.runStartedAt = now;
  state.attention = options.timeoutMs !== null || options.softTimeoutMs !== null;
}

/** A run can only wait. */
export function waitRun(state: ExecutionState, now: number): void {
  moveRun(state, 'waiting');
  state.waitingSince = now;
}

/** A run that waited goes on. */
export function resumeRun(state: ExecutionState, now: number): void {
  moveRun(state, 'running');
  state.waitedMs += now - state.waitingSince;
  state.attention = true;
}

/** What the scopes of the children begin with that an attempt opens. */
export function scopePrefix({ scope, node, visit, attempt }: AttemptKey): string {
  const entry = attempt > 1 ? `#${visit}.${attempt}` : visit > 1 ? `#${visit}` : '';
  return `${scope}${node}${entry}`;
}

/** A node as messages name it: an output may hold a message, and must not hang on how often its owners were tried, or cut off, before. */
export function nodeName(scope: string, id: string): string {
  return `${scope.replace(/#\d+(?:\.\d+)?/g, '')}${id}`;
}

/** An attempt of a map or subworkflow opens its children. */
export function openChildren(
  state: ExecutionState,
  node: PlanNode,
  attempt: { readonly visit: number; readonly number: number },
  parameters: Readonly<Record<string, unknown>>,
  items: readonly unknown[] | null,
): ChildrenState {
  const { visit, number } = attempt;
  const prefix = scopePrefix({ scope: state.scope, node: node.id, visit, attempt: number });
  const children = new ChildrenState({ prefix, visit, attempt: number, parameters, items });
  state.children ??= new Map();
  state.children.set(node.index, children);
  return children;
}

/** A child begins. When it does is no event, and nobody asks: its first node may wait for room. */
export function beginChild(
  { options, context }: ExecutionState,
  children: ChildrenState,
  plan: Plan,
  number: number,
): ExecutionState {
  const state = new ExecutionState(plan, children.scopeOf(number));
  const own = children.items === null ? {} : { [ITEM]: children.items[number], [INDEX]: number };
  beginRun(state, { parameters: { ...children.parameters, ...own }, set: undefined, options, context }, 0);
  state.attention = false;
  children.graphs[number] = state;
  return state;
}

/** A gate waits. */
export function openGate(state: ExecutionState, { index }: PlanNode, gate: GateState): void {
  moveNode(state, index, WAITING);
  state.gates ??= new Map();
  state.gates.set(index, gate);
}

/** What a gate delivers: one port, by the way it went. */
export function gateOutput(
  data: EventData['gate.approved' | 'gate.rejected' | 'gate.expired'],
  now: number,
): Readonly<Record<string, unknown>> {
  if ('answer' in data) return { approved: data.answer };
  return 'reason' in data ? { rejected: { reason: data.reason, by: data.by } } : { timedOut: { at: now } };
}

/** A gate was answered, or timed out. */
export function closeGate(
  state: ExecutionState,
  node: PlanNode,
  startedAt: number,
  output: Readonly<Record<string, unknown>>,
  now: number,
): void {
  state.gates?.delete(node.index);
  completeAttempt(state, node, startedAt, output, now);
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

/** Whether the run has a warning of this code and place. */
export function isWarned({ warned }: ExecutionState, { code, at }: Warning): boolean {
  return warned?.has(`${code} ${at}`) ?? false;
}

/** The run is warned. */
export function warn(state: ExecutionState, warning: Warning): void {
  state.warned ??= new Set();
  state.warned.add(`${warning.code} ${warning.at}`);
  state.warnings.push(warning);
}

/** Moves an attempt to another state. @throws LockstepError ILLEGAL_TRANSITION */
export function moveAttempt(attempt: { status: AttemptStatus; readonly node: PlanNode }, to: AttemptStatus): void {
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
}

function endAttempt(state: ExecutionState, index: number, startedAt: number, now: number): void {
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
  state.keptTurn[index] = (state.regions[node.region] as RegionState).iteration;
  if (node.around.length > 1) state.keptTurns.set(index, turnsOf(state, node));
  if (node.implementation.delivers === 'every') return;
  const turns = turnsOf(state, node);
  for (const port of Object.keys(output)) keepPort(state, index, port, { value: output[port], step, turns });
}

function turnsOf(state: ExecutionState, { around }: PlanNode): readonly number[] {
  const turns: number[] = [];
  for (let each = 0; each < around.length; each++)
    turns.push((state.regions[around[each] as number] as RegionState).iteration);
  return turns;
}

function keepPort(state: ExecutionState, index: number, port: string, kept: KeptValue): void {
  let ports = state.keptPorts.get(index);
  if (ports === undefined) {
    ports = new Map();
    state.keptPorts.set(index, ports);
  }
  ports.set(port, kept);
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
    startedAt: attempt.startedAt,
    endedAt: now,
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
  if (then.kind === 'allow' && node.region !== -1)
    keepPort(state, index, '$error', { value: error, step: ++state.step, turns: turnsOf(state, node) });
  if (then.kind === 'fail' && state.options.onError === 'fail-fast')
    stop(state, { kind: 'fail-fast', subject: node.id });
  settle(state, node, false);
}

/** The run no longer starts anything. The first reason stands. */
export function stop(state: ExecutionState, why: Stopping): void {
  state.stopping ??= why;
  state.attention = true;
}

/** A retry was decided somewhere in the run. */
export function countRetry(top: ExecutionState, { kind }: FailureVerdict): void {
  if (kind === 'retry') top.retries++;
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
  const started = state.status[index] === RUNNING || state.status[index] === WAITING;
  moveNode(state, index, to);
  state.ready.delete(index);
  state.delayed.delete(index);
  state.gates?.delete(index);
  state.reasons.set(index, reason);
  if (started) endAttempt(state, index, attemptStartedAt, now);
  settle(state, node, false);
}

function settle(state: ExecutionState, node: PlanNode, live: boolean): void {
  const { dependents, region } = node;
  for (let each = 0; each < dependents.length; each++) notify(state, dependents[each] as number, live);
  if (region === -1) state.open--;
  else countDown(state, region);
}

/** Tells a node that something it waits for has settled. */
export function notify(state: ExecutionState, index: number, live: boolean): void {
  const { waiting } = state;
  if (!live) state.tainted[index] = 1;
  const left = (waiting[index] as number) - 1;
  waiting[index] = left;
  if (!state.plan.rechecks) {
    if (left === 0 && state.status[index] === PENDING) state.ready.add(index); // a forked run may have been given its output
    return;
  }
  const dependent = state.plan.nodes[index] as PlanNode;
  if (!dependent.recheck) {
    if (left === 0 && state.status[index] === PENDING) state.ready.add(index);
  } else if (state.status[index] === PENDING && !state.delayed.has(index) && allSettled(state, dependent))
    state.ready.add(index);
}

/** A member of a cycle has settled. */
export function countDown(state: ExecutionState, region: number): void {
  const around = state.regions[region] as RegionState;
  around.remaining--;
  if (around.remaining > 0) return;
  state.dueRegions.push(region);
  state.attention = true;
}
