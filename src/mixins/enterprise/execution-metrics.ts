import type { Attempt } from '../../base/attempt.js';
import type { RunView, Settlement } from '../../base/run-view.js';
import { NODE_STATUSES, type NodeStatus, type RunStatus } from '../../base/status.js';

/** What one run did, children included. */
export interface ExecutionMetrics {
  readonly runId: string;
  readonly workflow: string;
  readonly status: RunStatus;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** Milliseconds from its start to its end, or until now while it goes on. */
  readonly durationMs: number;
  /** Attempts that settled, by how. */
  readonly attempts: Readonly<Record<Settlement['status'], number>>;
  /** Attempts that failed or were lost and were tried again. */
  readonly retries: number;
  /** Attempts that took the output of an earlier one: the node was not called. */
  readonly cached: number;
  /** Milliseconds in attempts of nodes that have an executor, those that ran beside each other added up. */
  readonly busyMs: number;
  /** Milliseconds of those in attempts that failed, were lost or were cancelled. */
  readonly wastedMs: number;
  /** Nodes of the graph at the top by their status, once the run has ended or waits; until then all are 0. */
  readonly nodes: Readonly<Record<NodeStatus, number>>;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

interface Entry extends Writable<Omit<ExecutionMetrics, 'attempts' | 'nodes' | 'durationMs'>> {
  readonly attempts: Writable<ExecutionMetrics['attempts']>;
  nodes: ExecutionMetrics['nodes'];
  endedAt: number | undefined;
}

/** How many runs are remembered; the one that began longest ago goes first. */
const MOST_RUNS = 1_000;

function noNodes(): Record<NodeStatus, number> {
  return Object.fromEntries(NODE_STATUSES.map((status) => [status, 0])) as Record<NodeStatus, number>;
}

function nodesOf({ top }: RunView): Record<NodeStatus, number> {
  const counts = noNodes();
  for (const status of top.status) counts[NODE_STATUSES[status] as NodeStatus]++;
  return counts;
}

/** Remembers what the last runs did. */
export class ExecutionBook {
  readonly #runs = new Map<string, Entry>();

  /** Counts one attempt of a run. */
  note(run: RunView, attempt: Attempt, executor: string | undefined, { status, at, then }: Settlement): void {
    const entry = this.#entry(run);
    entry.attempts[status]++;
    if (then?.kind === 'retry') entry.retries++;
    if (attempt.cached) entry.cached++;
    if (executor === undefined) return;
    const spent = at - attempt.startedAt;
    entry.busyMs += spent;
    if (status !== 'completed') entry.wastedMs += spent;
  }

  /** A run has ended. */
  end(run: RunView): void {
    const entry = this.#entry(run);
    entry.status = run.top.runStatus;
    entry.endedAt = run.top.runEndedAt;
    entry.nodes = nodesOf(run);
  }

  #entry(run: RunView): Entry {
    const known = this.#runs.get(run.runId);
    if (known !== undefined) return known;
    const entry: Entry = {
      runId: run.runId,
      workflow: run.top.plan.workflow.name,
      status: 'running',
      startedAt: run.top.runStartedAt,
      endedAt: undefined,
      attempts: { completed: 0, failed: 0, lost: 0, cancelled: 0 },
      retries: 0,
      cached: 0,
      busyMs: 0,
      wastedMs: 0,
      nodes: noNodes(),
    };
    if (this.#runs.size >= MOST_RUNS) this.trim(MOST_RUNS - 1);
    this.#runs.set(run.runId, entry);
    return entry;
  }

  /** What one run did; `undefined` when nothing is known of it. */
  of(runId: string, now: number): ExecutionMetrics | undefined {
    const entry = this.#runs.get(runId);
    if (entry === undefined) return undefined;
    const { endedAt, attempts, nodes, ...rest } = entry;
    return { ...rest, attempts: { ...attempts }, nodes: { ...nodes }, durationMs: (endedAt ?? now) - entry.startedAt };
  }

  /** How many runs it remembers. */
  get size(): number {
    return this.#runs.size;
  }

  /** Forgets the runs that began longest ago. */
  trim(most: number): void {
    for (const runId of this.#runs.keys()) {
      if (this.#runs.size <= most) return;
      this.#runs.delete(runId);
    }
  }
}
