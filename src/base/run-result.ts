import { compileOutside } from './compile.js';
import { subjectsOf } from './cycle-regions.js';
import { ConfigurationError, LockstepError } from './errors.js';
import type { Execution } from './execution.js';
import type { ExecutionState } from './execution-state.js';
import { GraphResult } from './graph-result.js';
import type { RunReceipt } from './history/run-journal.js';
import { type Delivered, homesOf, type Ref, referenceOf } from './ref.js';
import { bitsOf, LIVE, readSource } from './source-evaluation.js';
import { type GateReport, openGates } from './waiting-runs.js';
import type { Warning } from './warning.js';

/** The outcome of a run that started. */
export type RunStatusOf = 'completed' | 'waiting' | 'failed' | 'cancelled';

/** A status that a result can have: `running` only where a log was replayed that goes no further. */
export type ReplayStatus = RunStatusOf | 'running';

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/**
 * What a run left behind. Everything beside `status`, `runId` and `output` is worked out when first read. Printing it shows a
 * summary, never a payload.
 */
export class RunResult<Output = unknown> extends GraphResult {
  readonly status: ReplayStatus;
  readonly runId: string;
  /** Name of the workflow. */
  readonly workflow: string;
  readonly warnings: readonly Warning[];
  /** What was really done now to keep the run; `undefined` where no store is bound, and for a run that was over before. */
  readonly receipt: RunReceipt | undefined;
  readonly #execution: Execution;

  /** @internal */
  constructor(execution: Execution, status: ReplayStatus, skippedInResults: 'omit' | 'empty', receipt?: RunReceipt) {
    super(execution.state, skippedInResults);
    this.status = status;
    this.runId = execution.runId;
    this.workflow = execution.plan.workflow.name;
    this.warnings = execution.state.warnings;
    this.receipt = receipt;
    this.#execution = execution;
  }

  /** The declared outputs. Present on a completed run only: narrow by `status`, or `unwrap()`. */
  get output(): Output {
    return this.state.output as Output;
  }

  /** Milliseconds from start to end, until the run could only wait, or until the last that is known of it. */
  get durationMs(): number {
    const { runStartedAt, runEndedAt, waitingSince } = this.state;
    if (this.status === 'running') return lastKnown(this.state) - runStartedAt;
    return (this.status === 'waiting' ? waitingSince : runEndedAt) - runStartedAt;
  }

  /** Epoch milliseconds. */
  get startedAt(): number {
    return this.state.runStartedAt;
  }

  /** The gates of a waiting run that nobody had answered when it returned. */
  get gates(): readonly GateReport[] {
    return this.status === 'waiting' ? openGates(this.#execution) : [];
  }

  /** Epoch milliseconds at which a waiting run has something to do although nobody answers: a gate, or a node around one, times out. */
  get wakeAt(): number | undefined {
    return this.status === 'waiting' ? this.#execution.wakeAt() : undefined;
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
    return (bitsOf(this.state, source) & LIVE ? readSource(this.state, source) : undefined) as Delivered<T, C>;
  }

  [INSPECT](): string {
    return `RunResult { ${this.workflow} ${this.runId} ${this.status}, ${this.#execution.plan.nodes.length} nodes, ${this.durationMs.toFixed(1)} ms }`;
  }
}

/** When something happened last at the top of a run. */
function lastKnown({ runStartedAt, startedAt, endedAt }: ExecutionState): number {
  let last = runStartedAt;
  for (const times of [startedAt, endedAt]) for (const at of times) last = Math.max(last, at);
  return last;
}

/** A run in which every node completed, was skipped, or failed as it may. */
export interface CompletedRun<Output> extends RunResult<Output> {
  readonly status: 'completed';
}

/** A run that waits for something outside: a gate. */
export interface WaitingRun extends RunResult<undefined> {
  readonly status: 'waiting';
  /** @throws LockstepError NOT_COMPLETED */
  unwrap(): never;
}

/** @throws ConfigurationError NOT_A_RUN */
export function requireRun(caller: string, run: unknown): void {
  if (run instanceof RunResult) return;
  throw new ConfigurationError('NOT_A_RUN', `${caller}() was given something that is not the result of a run.`, {
    value: run,
  });
}
