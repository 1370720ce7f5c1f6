import type { Attempt } from '../../base/attempt.js';
import { ExecutionState } from '../../base/execution-state.js';
import { works } from '../../base/facts.js';
import type { RunView, Settlement } from '../../base/run-view.js';
import { NODE_STATUSES, type NodeStatus, type RunStatus } from '../../base/status.js';

/** What one run did, children included. */
export interface ExecutionMetrics {
  readonly runId: string;
  readonly workflow: string;
  readonly status: RunStatus;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** Milliseconds from its start to its end, or until now while it goes on or waits. */
  readonly durationMs: number;
  /** Attempts that settled, by how. */
  readonly attempts: Readonly<Record<Settlement['status'], number>>;
  /** Attempts that failed or were lost and were tried again. */
  readonly retries: number;
  /** Attempts that took the output of an earlier one: the node was not called. */
  readonly cached: number;
  /**
   * Milliseconds in attempts of nodes with a function and of switches, those that ran beside each other added up; without attempts
   * that the cache answered, and those that were lost: as `WorkTime` of the analytics counts them.
   */
  readonly busyMs: number;
  /** Milliseconds of those in attempts that failed or were cancelled. */
  readonly wastedMs: number;
  /** Nodes of the graph at the top by their status. */
  readonly nodes: Readonly<Record<NodeStatus, number>>;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

interface Entry extends Writable<Pick<ExecutionMetrics, 'retries' | 'cached' | 'busyMs' | 'wastedMs'>> {
  readonly attempts: Writable<ExecutionMetrics['attempts']>;
  /** The run until it has ended, then what is left of it: a state holds every output. */
  of: ExecutionState | Ended;
}

interface Ended extends Pick<ExecutionMetrics, 'workflow' | 'status' | 'startedAt' | 'nodes'> {
  readonly endedAt: number;
}

/** How many runs are remembered; the one that began longest ago goes first. */
const MOST_RUNS = 1_000;

function nodesOf(top: ExecutionState): Record<NodeStatus, number> {
  const counts = Object.fromEntries(NODE_STATUSES.map((status) => [status, 0])) as Record<NodeStatus, number>;
  for (const status of top.status) counts[NODE_STATUSES[status] as NodeStatus]++;
  return counts;
}

function newEntry(of: Entry['of']): Entry {
  const attempts = { completed: 0, failed: 0, lost: 0, cancelled: 0 };
  return { of, attempts, retries: 0, cached: 0, busyMs: 0, wastedMs: 0 };
}

/** Remembers what the last runs did. */
export class ExecutionBook {
  readonly #runs = new Map<string, Entry>();
  /** The same by run, so that one that was forgotten while it went on does not come back with half of its counts. */
  readonly #entries = new WeakMap<ExecutionState, Entry>();

  /** A run begins, or goes on after it waited, or has done so before. */
  begin(run: RunView): void {
    this.#entry(run);
  }

  /** Counts one attempt of a run. */
  note(run: RunView, attempt: Attempt, { status, at, then }: Settlement): void {
    const entry = this.#entry(run);
    entry.attempts[status]++;
    if (then?.kind === 'retry') entry.retries++;
    if (attempt.cached) entry.cached++;
    if (!works(attempt.node) || attempt.cached || status === 'lost') return;
    const spent = Math.max(0, at - attempt.startedAt);
    entry.busyMs += spent;
    if (status !== 'completed') entry.wastedMs += spent;
  }

  /** A run has ended. */
  end(run: RunView): void {
    this.#entry(run).of = factsOf(run.top, run.top.runEndedAt);
  }

  #entry({ runId, top }: RunView): Entry {
    const own = this.#entries.get(top);
    if (own !== undefined) return own;
    const known = this.#runs.get(runId);
    if (known !== undefined && known.of instanceof ExecutionState && known.of.runStatus === 'waiting') {
      known.of = top; // after it waited, a run goes on with a state of its own
      this.#entries.set(top, known);
      return known;
    }
    const entry = newEntry(top);
    this.#entries.set(top, entry);
    this.#runs.delete(runId); // another run had the same id
    this.#runs.set(runId, entry);
    if (this.#runs.size > MOST_RUNS) this.#forgetOne();
    return entry;
  }

  #forgetOne(): void {
    const size = this.#runs.size;
    this.trim(size - 1);
    const [oldest] = this.#runs.keys();
    if (this.#runs.size === size) this.#runs.delete(oldest as string);
  }

  /** What one run did; `undefined` when nothing is known of it. */
  of(runId: string, now: number): ExecutionMetrics | undefined {
    const entry = this.#runs.get(runId);
    if (entry === undefined) return undefined;
    const { of, attempts, ...counts } = entry;
    const { endedAt, ...run } = of instanceof ExecutionState ? factsOf(of, now) : of;
    return {
      runId,
      ...run,
      nodes: { ...run.nodes },
      durationMs: endedAt - run.startedAt,
      attempts: { ...attempts },
      ...counts,
    };
  }

  /** How many runs it remembers. */
  get size(): number {
    return this.#runs.size;
  }

  /** Forgets runs that have ended, those first that began longest ago, until so many are left. */
  trim(most: number): void {
    for (const [runId, { of }] of this.#runs) {
      if (this.#runs.size <= most) return;
      if (!(of instanceof ExecutionState)) this.#runs.delete(runId);
    }
  }
}

function factsOf(top: ExecutionState, endedAt: number): Ended {
  const { plan, runStatus: status, runStartedAt: startedAt } = top;
  return { workflow: plan.workflow.name, status, startedAt, endedAt, nodes: nodesOf(top) };
}
