import type { Log } from './ports.js';

/**
 * What a node is given beside its inputs: where it stands in the run, and how to talk back.
 *
 * `State` is what the schema of its state yields; `Secret` is the names of the secrets it declares.
 */
export interface NodeContext<State = unknown, Secret extends string = string> {
  readonly runId: string;
  readonly nodeId: string;
  /** Where in the run the node lives: empty at the top, `all[3]/` in a map, `short/` in a subworkflow. */
  readonly scope: string;
  /** 1 for the first attempt of this visit. */
  readonly attempt: number;
  /** Failed attempts of this visit so far. */
  readonly failures: number;
  /** 1 for the first activation of this node in the run; a node in a cycle has one for each iteration. */
  readonly visit: number;
  /** Iteration of the innermost cycle around the node, from 0; 0 outside any cycle. */
  readonly iteration: number;
  /** Iterations of all cycles around the node, outermost first; empty outside any cycle. */
  readonly iterations: readonly number[];
  /** `maxIterations` of the innermost cycle, where it has one. */
  readonly maxIterations: number | undefined;
  /** Aborted when the run is cancelled, a sibling failed fast or a time limit passed. Made when first read. */
  readonly signal: AbortSignal;
  /** Epoch milliseconds at which this attempt is ended at the latest: by its own limit, that of a map or subworkflow around it, or the run's. */
  readonly deadline: number | undefined;
  /** The same for all attempts of one visit: give it to services that must not act twice. */
  readonly idempotencyKey: string;
  /** The node's own state in this run, as its last completed visit left it. Read-only. */
  readonly state: State;
  /** What the caller passed as `context`: tenant, user and the like. */
  readonly context: Readonly<Record<string, unknown>>;
  readonly log: Log;
  /** Replaces the state once the attempt completes; an attempt that fails leaves it as it was. @throws AttemptError STATE_UNDECLARED */
  setState(next: State): void;
  /** Tells listeners how far the attempt is. Not recorded. */
  progress(current: number, total?: number, message?: string): void;
  /** Streams a piece of data (a token, a row) to listeners. Not recorded. */
  emit(data: unknown): void;
  /** The value of a secret that the node declares. @throws AttemptError SECRET_UNDECLARED */
  secret(name: Secret): string;
}
