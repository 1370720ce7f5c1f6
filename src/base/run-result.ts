import { compileOutside } from './compile.js';
import { subjectsOf } from './cycle-regions.js';
import { didYouMean } from './did-you-mean.js';
import { type ErrorData, LockstepError } from './errors.js';
import type { Execution } from './execution.js';
import type { AttemptFailure, ExecutionState, RegionState } from './execution-state.js';
import type { CycleStopReason } from './handles.js';
import type { PlanNode, PlanRegion } from './plan.js';
import type { NotRunReason } from './reason.js';
import { type Delivered, homesOf, type Ref, referenceOf } from './ref.js';
import type { Warning } from './run-view.js';
import { bitsOf, LIVE, readSource } from './source-evaluation.js';
import { COMPLETED, NODE_STATUSES, type NodeStatus, SKIPPED } from './status.js';

/** What became of a node. */
export interface NodeReport {
  readonly id: string;
  readonly status: NodeStatus;
  /** Attempts in the last visit. */
  readonly attempts: number;
  /** Activations in the run; more than one only in a cycle. */
  readonly visits: number;
  /** Milliseconds spent in its attempts, all visits together. */
  readonly durationMs: number;
  /** Epoch milliseconds of the first attempt of the last visit; `undefined` if it never started. */
  readonly startedAt: number | undefined;
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

/** The outcome of a run that started. */
export type RunStatusOf = 'completed' | 'waiting' | 'failed' | 'cancelled';

/** A part of a workflow: its handle or its id. */
export type Part = string | { readonly id: string };

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/**
 * What a run left behind. Everything beside `status`, `runId` and `output` is worked out when first read. Printing it shows a
 * summary, never a payload.
 */
export class RunResult<Output = unknown> {
  readonly status: RunStatusOf;
  readonly runId: string;
  /** Name of the workflow. */
  readonly workflow: string;
  readonly warnings: readonly Warning[];
  readonly #execution: Execution;
  readonly #skipped: 'omit' | 'empty';
  #nodes: ReadonlyMap<string, NodeReport> | undefined;
  #results: ReadonlyMap<string, Readonly<Record<string, unknown>>> | undefined;

  /** @internal */
  constructor(execution: Execution, status: RunStatusOf, skippedInResults: 'omit' | 'empty') {
    this.status = status;
    this.runId = execution.runId;
    this.workflow = execution.plan.workflow.name;
    this.warnings = execution.warnings;
    this.#execution = execution;
    this.#skipped = skippedInResults;
  }

  get #state(): ExecutionState {
    return this.#execution.state;
  }

  /** The declared outputs. Present on a completed run only: narrow by `status`, or `unwrap()`. */
  get output(): Output {
    return this.#state.output as Output;
  }

  /** Milliseconds from start to end. */
  get durationMs(): number {
    return this.#state.runEndedAt - this.#state.runStartedAt;
  }

  /** Epoch milliseconds. */
  get startedAt(): number {
    return this.#state.runStartedAt;
  }

  /** The output of a completed run. @throws LockstepError NOT_COMPLETED */
  unwrap(): Output {
    if (this.status === 'completed') return this.output;
    throw new LockstepError('NOT_COMPLETED', `Run ${this.runId} is ${this.status}, not completed.`, { at: this.runId });
  }

  /** The value that a source had at the end; `undefined` where it was dead. @throws LockstepError FOREIGN_REF, and what reading it throws */
  value<T, C extends string>(ref: Ref<T, C>): Delivered<T, C> {
    const reference = referenceOf(ref);
    if (reference === undefined)
      throw new LockstepError('INVALID_DEFINITION', 'value() takes a reference.', { value: ref });
    const { plan } = this.#execution;
    const known = (subject: string): boolean => plan.nodeIndex.has(subject) || plan.regionIndex.has(subject);
    const [home = reference.scope] = homesOf(plan.workflow);
    if (reference.scope !== home || !subjectsOf(reference.source).every(known))
      throw new LockstepError(
        'FOREIGN_REF',
        `value() was given a reference of another workflow than "${this.workflow}".`,
      );
    const source = compileOutside(plan, reference.source);
    return (bitsOf(this.#state, source) & LIVE ? readSource(this.#state, source) : undefined) as Delivered<T, C>;
  }

  /** What became of one node. @throws LockstepError UNKNOWN_NODE */
  node(part: Part): NodeReport {
    const { plan } = this.#execution;
    const id = idOf(part);
    const index = plan.nodeIndex.get(id);
    if (index === undefined)
      throw new LockstepError(
        'UNKNOWN_NODE',
        `Run ${this.runId} has no node "${id}". ${didYouMean(id, [...plan.nodeIndex.keys()])}`,
        { at: id },
      );
    return nodeReport(this.#state, plan.nodes[index] as PlanNode);
  }

  /** What became of one cycle. @throws LockstepError UNKNOWN_NODE */
  cycle(part: Part): CycleReport {
    const { plan } = this.#execution;
    const id = idOf(part);
    const index = plan.regionIndex.get(id);
    if (index === undefined)
      throw new LockstepError(
        'UNKNOWN_NODE',
        `Run ${this.runId} has no cycle "${id}". ${didYouMean(id, [...plan.regionIndex.keys()])}`,
        { at: id },
      );
    return cycleReport(this.#state, plan.regions[index] as PlanRegion);
  }

  /** Every node, in plan order. */
  get nodes(): ReadonlyMap<string, NodeReport> {
    this.#nodes ??= new Map(this.#execution.plan.nodes.map((node) => [node.id, nodeReport(this.#state, node)]));
    return this.#nodes;
  }

  /** Every cycle, in order of declaration. */
  get cycles(): ReadonlyMap<string, CycleReport> {
    return new Map(this.#execution.plan.regions.map((region) => [region.id, cycleReport(this.#state, region)]));
  }

  /** The outputs of every node that completed, in plan order. Skipped nodes are left out, or `{}` with `skippedInResults: 'empty'`. */
  get results(): ReadonlyMap<string, Readonly<Record<string, unknown>>> {
    if (this.#results === undefined) {
      const results = new Map<string, Readonly<Record<string, unknown>>>();
      for (const { index, id } of this.#execution.plan.nodes) {
        const status = this.#state.status[index];
        if (status === COMPLETED) results.set(id, this.#state.outputs[index] as Readonly<Record<string, unknown>>);
        else if (status === SKIPPED && this.#skipped === 'empty') results.set(id, {});
      }
      this.#results = results;
    }
    return this.#results;
  }

  /** Every node that failed for good, in plan order. */
  get failures(): readonly FailureReport[] {
    const { errors, plan } = this.#state;
    if (errors.size === 0) return [];
    return [...errors]
      .sort(([a], [b]) => a - b)
      .map(([index, error]) => {
        const { id, data } = plan.nodes[index] as PlanNode;
        return { node: id, error, allowed: data.allowFailure };
      });
  }

  [INSPECT](): string {
    return `RunResult { ${this.workflow} ${this.runId} ${this.status}, ${this.#execution.plan.nodes.length} nodes, ${this.durationMs.toFixed(1)} ms }`;
  }
}

/** A run in which every node completed, was skipped, or failed as it may. */
export interface CompletedRun<Output> extends RunResult<Output> {
  readonly status: 'completed';
}

/** A run that waits for something outside: a gate. */
export interface WaitingRun<Output> extends RunResult<Output> {
  readonly status: 'waiting';
}

function idOf(part: Part): string {
  return typeof part === 'string' ? part : part.id;
}

function nodeReport(state: ExecutionState, { index, id }: PlanNode): NodeReport {
  const attempts = state.attempts[index] as number;
  const started = attempts > 0 || (state.startedAt[index] as number) > 0;
  return {
    id,
    status: NODE_STATUSES[state.status[index] as number] as NodeStatus,
    attempts,
    visits: state.visit(index),
    durationMs: state.durationOf(index),
    startedAt: started ? state.startedAt[index] : undefined,
    endedAt: started ? state.endedAt[index] : undefined,
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
