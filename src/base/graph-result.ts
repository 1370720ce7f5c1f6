import type { CycleStopReason } from './cycle-stop-reason.js';
import { didYouMean } from './did-you-mean.js';
import { type ErrorData, LockstepError, textOf } from './errors.js';
import { type AttemptFailure, type ChildrenState, ExecutionState, type RegionState } from './execution-state.js';
import type { Plan, PlanNode, PlanRegion } from './plan.js';
import type { NotRunReason } from './reason.js';
import { runOutcome } from './run-outcome.js';
import { CANCELLED, COMPLETED, NODE_STATUSES, type NodeStatus, SKIPPED } from './status.js';

/** What became of a node. */
export interface NodeReport {
  readonly id: string;
  readonly status: NodeStatus;
  /** Attempts in the last visit. */
  readonly attempts: number;
  /** Activations in the run; more than one only in a cycle. */
  readonly visits: number;
  /** Milliseconds spent in its attempts that have ended, all visits together. */
  readonly durationMs: number;
  /** Epoch milliseconds of the first attempt of the last visit; `undefined` if it never started. */
  readonly startedAt: number | undefined;
  /** Epoch milliseconds; `undefined` if it never started, or has not ended: a gate that waits, a map around one. */
  readonly endedAt: number | undefined;
  /** Why it did not run, in its last visit. */
  readonly reason: NotRunReason | undefined;
  /** Why it failed, in its last visit. */
  readonly error: ErrorData | undefined;
  /** Every attempt that failed or was lost, in order. */
  readonly failures: readonly AttemptFailure[];
}

/** What became of a cycle. */
export interface CycleReport {
  readonly id: string;
  /** Iterations of its last entry. */
  readonly iterations: number;
  /** Iterations of all entries together; differs for an inner cycle. */
  readonly totalIterations: number;
  readonly reason: CycleStopReason | undefined;
  readonly failed: boolean;
  /** What caused the reason: a switch port, a node. */
  readonly root: string | undefined;
  readonly error: ErrorData | undefined;
  /** The last value of the convergence metric. */
  readonly metric: number | undefined;
  /** Metrics of the last iterations, oldest first. */
  readonly history: readonly number[];
  readonly elapsedMs: number;
}

/** A node that failed. */
export interface FailureReport {
  readonly node: string;
  readonly error: ErrorData;
  /** The node may fail: the run went on. */
  readonly allowed: boolean;
}

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** A part of a workflow: its handle or its id. */
export type Part = string | { readonly id: string };

/** The id of a part; of anything else, a text that is the id of none. */
export function idOf(part: Part): string {
  return typeof part === 'string' ? part : textOf((part as Partial<typeof part> | null | undefined)?.id);
}

/** What a graph left behind: that of a run, or that of a child. Everything is worked out when first read. */
export abstract class GraphResult {
  readonly #state: ExecutionState;
  readonly #skipped: 'omit' | 'empty';
  #nodes: ReadonlyMap<string, NodeReport> | undefined;
  #results: ReadonlyMap<string, Readonly<Record<string, unknown>>> | undefined;

  protected constructor(state: ExecutionState, skippedInResults: 'omit' | 'empty') {
    this.#state = state;
    this.#skipped = skippedInResults;
  }

  protected get state(): ExecutionState {
    return this.#state;
  }

  /** The workflow that ran, as compiled: for reports and pictures of a run. Frozen in all that matters, never a copy. */
  get plan(): Plan {
    return this.#state.plan;
  }

  /** What became of one node. @throws LockstepError UNKNOWN_NODE */
  node(part: Part): NodeReport {
    return nodeReport(this.state, this.#nodeOf(part));
  }

  #nodeOf(part: Part): PlanNode {
    const { plan } = this.state;
    const id = idOf(part);
    const index = plan.nodeIndex.get(id);
    if (index !== undefined) return plan.nodes[index] as PlanNode;
    throw unknownPart(plan, 'node', id);
  }

  /** What became of one cycle. @throws LockstepError UNKNOWN_NODE */
  cycle(part: Part): CycleReport {
    const { plan } = this.state;
    const id = idOf(part);
    const index = plan.regionIndex.get(id);
    if (index !== undefined) return cycleReport(this.state, plan.regions[index] as PlanRegion);
    throw unknownPart(plan, 'cycle', id);
  }

  /**
   * The children of the last attempt of a map, by item, or of a subworkflow, which has one; empty for any other node.
   *
   * @throws LockstepError UNKNOWN_NODE
   */
  children(part: Part): readonly ChildResult[] {
    const node = this.#nodeOf(part);
    const children = this.state.children?.get(node.index);
    if (children === undefined || !this.#isLast(node.index, children)) return [];
    const stopped = whyNotBegun(this.state, node);
    return Array.from(
      { length: children.size },
      (_, number) => new ChildResult(children, number, node.child as Plan, stopped, this.#skipped),
    );
  }

  /** A later attempt, or visit, may have opened none. */
  #isLast(index: number, { visit, attempt }: ChildrenState): boolean {
    return visit === this.state.visit(index) && attempt === this.state.attempts[index];
  }

  /** Every node, in plan order. */
  get nodes(): ReadonlyMap<string, NodeReport> {
    this.#nodes ??= new Map(this.state.plan.nodes.map((node) => [node.id, nodeReport(this.state, node)]));
    return this.#nodes;
  }

  /** Every cycle, in order of declaration. */
  get cycles(): ReadonlyMap<string, CycleReport> {
    return new Map(this.state.plan.regions.map((region) => [region.id, cycleReport(this.state, region)]));
  }

  /** The outputs of every node that completed, in plan order. Skipped nodes are left out, or `{}` with `skippedInResults: 'empty'`. */
  get results(): ReadonlyMap<string, Readonly<Record<string, unknown>>> {
    if (this.#results === undefined) {
      const results = new Map<string, Readonly<Record<string, unknown>>>();
      for (const { index, id } of this.state.plan.nodes) {
        const status = this.state.status[index];
        if (status === COMPLETED) results.set(id, this.state.outputs[index] as Readonly<Record<string, unknown>>);
        else if (status === SKIPPED && this.#skipped === 'empty') results.set(id, {});
      }
      this.#results = results;
    }
    return this.#results;
  }

  /** Every node that failed for good, in plan order. */
  get failures(): readonly FailureReport[] {
    const { errors, plan } = this.state;
    if (errors.size === 0) return [];
    return [...errors]
      .sort(([a], [b]) => a - b)
      .map(([index, error]) => {
        const { id, data } = plan.nodes[index] as PlanNode;
        return { node: id, error, allowed: data.allowFailure };
      });
  }
}

/** What became of a child: `cancelled` also for one that never began. */
export type ChildStatus = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled';

/** What became of one item of a map, or of a subworkflow. */
export class ChildResult extends GraphResult {
  /** Where it lives: `all[3]/`, `sub/`. */
  readonly scope: string;
  /** Position in the list of a map, from 0. */
  readonly number: number;
  readonly status: ChildStatus;
  /** Why it failed. */
  readonly error: ErrorData | undefined;

  /**
   * @internal
   * @param stopped why a child that has not begun never will; `undefined` while its owner goes on
   */
  constructor(
    children: ChildrenState,
    number: number,
    plan: Plan,
    stopped: NotRunReason | undefined,
    skippedInResults: 'omit' | 'empty',
  ) {
    const begun = children.graphs[number];
    const state = begun ?? notBegun(plan, children.scopeOf(number), stopped);
    super(state, skippedInResults);
    this.scope = state.scope;
    this.number = number;
    const outcome = begun !== undefined && isOver(begun) ? runOutcome(begun) : undefined;
    this.error = outcome?.status === 'failed' ? outcome.error : undefined;
    if (outcome === undefined)
      this.status = stopped !== undefined ? 'cancelled' : begun === undefined ? 'pending' : 'running';
    else
      this.status =
        outcome.status === 'completed' && begun !== undefined && isCut(begun) ? 'cancelled' : outcome.status;
  }

  [INSPECT](): string {
    return `ChildResult { ${this.scope} ${this.status}, ${this.state.plan.nodes.length} nodes }`;
  }
}

/** Why the children of a map or subworkflow that has settled did not begin, where some did not. */
function whyNotBegun({ status, reasons, scope }: ExecutionState, { index, id }: PlanNode): NotRunReason | undefined {
  if ((status[index] as number) < COMPLETED) return undefined;
  const root = { subject: `${scope}${id}`, port: null, code: 'owner_stopped' as const };
  return reasons.get(index) ?? { code: 'owner_stopped', input: null, source: null, root };
}

/** A child that has not begun: its nodes and cycles are pending, or were cancelled with their owner. */
function notBegun(plan: Plan, scope: string, stopped: NotRunReason | undefined): ExecutionState {
  const state = new ExecutionState(plan, scope);
  if (stopped === undefined) return state;
  state.status.fill(CANCELLED);
  for (const { index } of plan.nodes) state.reasons.set(index, stopped);
  for (const region of state.regions) {
    region.reason = 'cancelled';
    region.failed = true;
  }
  return state;
}

/** Whether something in it was cancelled: a node, or a cycle between two iterations. */
function isCut({ status, regions }: ExecutionState): boolean {
  return status.includes(CANCELLED) || regions.some(({ reason }) => reason === 'cancelled');
}

function isOver({ open, dueRegions }: ExecutionState): boolean {
  return open === 0 && dueRegions.length === 0;
}

function unknownPart(plan: Plan, kind: 'node' | 'cycle', id: string): LockstepError {
  const known = [...(kind === 'node' ? plan.nodeIndex : plan.regionIndex).keys()];
  const what = `Workflow "${plan.workflow.name}" has no ${kind} "${id}". ${didYouMean(id, known)}`;
  return new LockstepError('UNKNOWN_NODE', what, { at: id, value: id });
}

function goesOn(status: NodeStatus): boolean {
  return status === 'running' || status === 'waiting';
}

function nodeReport(state: ExecutionState, { index, id }: PlanNode): NodeReport {
  const attempts = state.attempts[index] as number;
  const started = attempts > 0 || (state.startedAt[index] as number) > 0;
  const status = NODE_STATUSES[state.status[index] as number] as NodeStatus;
  return {
    id,
    status,
    attempts,
    visits: state.visit(index),
    durationMs: state.durationOf(index),
    startedAt: started ? state.startedAt[index] : undefined,
    endedAt: started && !goesOn(status) ? state.endedAt[index] : undefined,
    reason: state.reasons.get(index),
    error: state.errors.get(index),
    failures: [...(state.attemptFailures.get(index) ?? [])],
  };
}

function cycleReport(state: ExecutionState, { index, id }: PlanRegion): CycleReport {
  const region = state.regions[index] as RegionState;
  return {
    id,
    iterations: region.iterations,
    totalIterations: region.totalIterations,
    reason: region.reason,
    failed: region.failed,
    root: region.root,
    error: region.error,
    metric: region.metric,
    history: [...region.history],
    elapsedMs: region.elapsedMs,
  };
}
