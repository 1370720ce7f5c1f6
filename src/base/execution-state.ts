import type { CycleStopReason } from './cycle-stop-reason.js';
import type { ErrorData } from './errors.js';
import type { DecisiveOptions } from './events.js';
import type { Plan, SubjectIndex } from './plan.js';
import { ReadySet } from './ready-set.js';
import type { NotRunReason, ReasonRoot } from './reason.js';
import { COMPLETED, type RunStatus } from './status.js';
import type { Warning } from './warning.js';

/** The last live value of a port inside a cycle, and when it was delivered. */
export interface KeptValue {
  readonly value: unknown;
  readonly step: number;
  /** The iteration of each region around the node, innermost first. */
  readonly turns: readonly number[];
}

/** A cycle in a run. */
export class RegionState {
  /** From 0. */
  iteration = 0;
  /** Nodes and inner cycles that have not settled in this iteration. */
  remaining: number;
  stopped = false;
  failed = false;
  /** Epoch milliseconds at which the first attempt of this entry started; `NaN` before. */
  enteredAt = Number.NaN;
  elapsedMs = 0;
  reason: CycleStopReason | undefined;
  root: string | undefined;
  error: ErrorData | undefined;
  metric: number | undefined;
  /** Metrics of past iterations of this entry, oldest first, bounded. */
  history: number[] = [];
  /** What the test was given last time. */
  previous: unknown = undefined;
  /** The step of the run at which this entry began: older kept values do not count. */
  entryStep = 0;
  /** Iterations over all entries, for reports. */
  totalIterations = 0;

  constructor(members: number) {
    this.remaining = members;
  }

  /** Iterations of this entry, the current one included; 0 while no member has started. */
  get iterations(): number {
    return Number.isNaN(this.enteredAt) ? 0 : this.iteration + 1;
  }
}

/** One failed or lost attempt, as a report shows it. */
export interface AttemptFailure {
  readonly visit: number;
  readonly attempt: number;
  readonly status: 'failed' | 'lost';
  readonly error: ErrorData;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** Epoch milliseconds. */
  readonly endedAt: number;
  /** When the next attempt may start, where there is one. Epoch milliseconds. */
  readonly retryAt: number | undefined;
}

/** The children of one attempt of a map or subworkflow. */
export class ChildrenState {
  /** Their scopes without the number and the slash: child 3 of `all` lives in `all[3]/`. */
  readonly prefix: string;
  readonly visit: number;
  readonly attempt: number;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The list of a map; `null` for a subworkflow, which has one child. */
  readonly items: readonly unknown[] | null;
  /** By number. They begin in this order; those that have not begun are missing. */
  readonly graphs: ExecutionState[] = [];

  constructor(parts: Pick<ChildrenState, 'prefix' | 'visit' | 'attempt' | 'parameters' | 'items'>) {
    this.prefix = parts.prefix;
    this.visit = parts.visit;
    this.attempt = parts.attempt;
    this.parameters = parts.parameters;
    this.items = parts.items;
  }

  /** How many there are to be. */
  get size(): number {
    return this.items === null ? 1 : this.items.length;
  }

  /** Where a child lives. */
  scopeOf(number: number): string {
    return this.items === null ? `${this.prefix}/` : `${this.prefix}[${number}]/`;
  }
}

/** A gate that waits. */
export interface GateState {
  readonly visit: number;
  /** Position of the event that opened it: the order in which gates opened. */
  readonly seq: number;
  readonly shows: Readonly<Record<string, unknown>>;
  /** Epoch milliseconds. */
  readonly openedAt: number;
  /** Epoch milliseconds; `undefined` when it waits for ever. */
  readonly expiresAt: number | undefined;
}

/** Why a run no longer starts anything. */
export type Stopping =
  | { readonly kind: 'cancel'; readonly reason: string }
  /** `subject` is the node or cycle that failed. */
  | { readonly kind: 'fail-fast'; readonly subject: string }
  | { readonly kind: 'timeout' };

const NOTHING: readonly never[] = [];

/**
 * Everything a run consists of, as arrays over plan indexes. It holds no rule: `Execution` changes it, by the same code
 * whether an event was just decided or is read from a log.
 */
export class ExecutionState {
  readonly plan: Plan;
  /** Where in the run this graph lives; empty at the top. */
  readonly scope: string;
  /** See `status.ts`. */
  readonly status: Uint8Array;
  /** Visits before the current one; empty without cycles, where every node has one visit. */
  readonly visits: Int32Array;
  /** Attempts started in this visit. */
  readonly attempts: Int32Array;
  /** Failed attempts of this visit; its entries exist only where there are any. */
  readonly failures = new Map<number, number>();
  readonly losses = new Map<number, number>();
  /** Subjects that a node still waits for. */
  readonly waiting: Int32Array;
  /** Something it waited for is not live. */
  readonly tainted: Uint8Array;
  readonly outputs: unknown[];
  readonly startedAt: Float64Array;
  readonly endedAt: Float64Array;
  /** Milliseconds spent in attempts, all visits together; exists once some node has had more than one attempt. */
  busyMs: Float64Array | undefined;
  readonly reasons = new Map<number, NotRunReason>();
  readonly errors = new Map<number, ErrorData>();
  /** Attempts that failed or were lost, by node, in order. */
  readonly attemptFailures = new Map<number, AttemptFailure[]>();
  readonly nodeStates = new Map<number, unknown>();
  /** Children of the last attempt of each map and subworkflow; exists once there are any. */
  children: Map<number, ChildrenState> | undefined;
  /** Gates that wait; exists once there are any. */
  gates: Map<number, GateState> | undefined;
  readonly ready: ReadySet;
  /** Retries that wait: node to the time at which it may start again. */
  readonly delayed = new Map<number, number>();
  readonly regions: RegionState[];
  /** Cycles whose iteration has ended and is not decided. */
  readonly dueRegions: number[] = [];
  readonly keptOutput: unknown[];
  readonly keptStep: Int32Array;
  /** For each node of a cycle, the iteration of the innermost cycle around it when it completed last. */
  readonly keptTurn: Int32Array;
  /** For each node of a nested cycle, the same for the cycles further out, innermost first. */
  readonly keptTurns = new Map<number, readonly number[]>();
  readonly keptPorts = new Map<number, Map<string, KeptValue>>();
  readonly feedbackBits: Uint8Array;
  readonly feedbackValues: unknown[];
  readonly feedbackRoots: (ReasonRoot | undefined)[];
  parameters: Readonly<Record<string, unknown>> = {};
  /** Node-addressed parameters: node to port to value. */
  set: ReadonlyMap<number, ReadonlyMap<string, unknown>> | undefined;
  context: Readonly<Record<string, unknown>> = {};
  options: DecisiveOptions = {
    onError: 'continue',
    maxConcurrency: null,
    timeoutMs: null,
    softTimeoutMs: null,
    retryBudget: null,
  };
  runStatus: RunStatus = 'pending';
  runStartedAt = 0;
  runEndedAt = 0;
  /** Milliseconds in which the run only waited: they do not count against its limits. */
  waitedMs = 0;
  waitingSince = 0;
  runError: ErrorData | undefined;
  /** The node or cycle whose failure `runError` is. */
  runErrorPart: string | undefined;
  output: Readonly<Record<string, unknown>> | undefined;
  stopping: Stopping | undefined;
  softExpired = false;
  /** Retries that were decided in the whole run; counted at the top. */
  retries = 0;
  readonly warnings: Warning[] = [];
  /** Code and place of each warning; exists once there is one. */
  warned: Set<string> | undefined;
  /** Something other than starting ready nodes may have to be done: a limit, a wait, the end of an iteration, a stop. */
  attention = false;
  /** Nodes and cycles at the top that have not settled. */
  open: number;
  step = 0;

  constructor(plan: Plan, scope = '') {
    const size = plan.nodes.length;
    this.plan = plan;
    this.scope = scope;
    this.status = new Uint8Array(size);
    this.attempts = new Int32Array(size);
    this.waiting = plan.waiting.slice();
    this.tainted = new Uint8Array(size);
    this.outputs = new Array<unknown>(size);
    this.startedAt = new Float64Array(size);
    this.endedAt = new Float64Array(size);
    this.ready = new ReadySet(size);
    for (const root of plan.roots) this.ready.add(root);
    const cyclic = plan.regions.length > 0;
    this.visits = cyclic ? new Int32Array(size) : EMPTY_STEPS;
    this.busyMs = cyclic ? new Float64Array(size) : undefined;
    this.regions = cyclic
      ? plan.regions.map((region) => new RegionState(region.members))
      : (NOTHING as unknown as RegionState[]);
    this.keptOutput = cyclic ? new Array<unknown>(size) : (NOTHING as unknown as unknown[]);
    this.keptTurn = cyclic ? new Int32Array(size) : EMPTY_STEPS;
    this.keptStep = cyclic ? new Int32Array(size) : EMPTY_STEPS;
    this.feedbackBits = cyclic ? new Uint8Array(plan.feedbackSlots) : EMPTY_BITS;
    this.feedbackValues = cyclic ? new Array<unknown>(plan.feedbackSlots) : (NOTHING as unknown as unknown[]);
    this.feedbackRoots = cyclic
      ? new Array<ReasonRoot | undefined>(plan.feedbackSlots)
      : (NOTHING as unknown as undefined[]);
    this.open = plan.topMembers;
  }

  /** Whether a node or cycle has settled (in its current iteration). */
  settled(subject: SubjectIndex): boolean {
    return subject >= 0
      ? (this.status[subject] as number) >= COMPLETED
      : (this.regions[~subject] as RegionState).stopped;
  }

  /** Milliseconds that a node spent in attempts that have ended, all visits together. */
  durationOf(node: number): number {
    const busy = this.busyMs?.[node] ?? 0;
    return busy > 0 ? busy : Math.max(0, (this.endedAt[node] as number) - (this.startedAt[node] as number));
  }

  /** The current visit of a node, from 1. */
  visit(node: number): number {
    return this.visits.length === 0 ? 1 : (this.visits[node] as number) + 1;
  }
}

const EMPTY_STEPS = new Int32Array(0);
const EMPTY_BITS = new Uint8Array(0);
