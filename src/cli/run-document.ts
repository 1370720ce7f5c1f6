import type { ChildResult, GraphResult, NodeReport } from '../base/graph-result.js';
import { describeReason } from '../base/reason.js';
import type { RunResult } from '../base/run-result.js';
import type { Explained } from './explain.js';

/** How many items of a map, or children of a subworkflow, ended how. */
export type ChildCounts = Readonly<Record<string, number>>;

/** A node, as the JSON of a run holds it. */
export interface NodeDocument {
  readonly id: string;
  readonly status: string;
  readonly visits: number;
  readonly attempts: number;
  readonly durationMs: number;
  /** Why it did not run. */
  readonly reason: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** Of a map or subworkflow. */
  readonly children: ChildCounts | null;
}

/** What `lockstep run --json` prints. Every field is always there. */
export interface RunDocument {
  readonly runId: string;
  readonly workflow: string;
  readonly status: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** `null` unless it completed. */
  readonly output: unknown;
  readonly nodes: readonly NodeDocument[];
  readonly cycles: readonly {
    readonly id: string;
    readonly iterations: number;
    readonly reason: string | null;
    readonly metric: number | null;
  }[];
  /** Those that wait for an answer, with what they show. */
  readonly gates: readonly {
    readonly gate: string;
    readonly shows: Readonly<Record<string, unknown>>;
    readonly openedAt: number;
    readonly expiresAt: number | null;
  }[];
  readonly warnings: readonly { readonly code: string; readonly message: string; readonly at: string }[];
  readonly error: Explained | null;
  /** How it was kept; `null` where it was not, or was only read. */
  readonly receipt: {
    readonly store: string;
    readonly durability: string;
    readonly commits: number;
    readonly events: number;
  } | null;
}

function countsOf(children: readonly ChildResult[]): ChildCounts | null {
  if (children.length === 0) return null;
  const counts: Record<string, number> = {};
  for (const { status } of children) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

function nodeDocument(graph: GraphResult, node: NodeReport): NodeDocument {
  const { id, status, visits, attempts, durationMs, reason, error } = node;
  return {
    id,
    status,
    visits,
    attempts,
    durationMs,
    reason: reason === undefined ? null : describeReason(reason),
    error: error === undefined ? null : { code: error.code, message: error.message },
    children: countsOf(graph.children(id)),
  };
}

/**
 * A run as plain data for programs.
 *
 * @param error why it failed or was cancelled
 * @param store the file that it is recorded in
 */
export function runDocument(run: RunResult, error: Explained | null, store: string | undefined): RunDocument {
  const { receipt } = run;
  return {
    runId: run.runId,
    workflow: run.workflow,
    status: run.status,
    startedAt: run.startedAt,
    durationMs: run.durationMs,
    output: run.status === 'completed' ? run.output : null,
    nodes: [...run.nodes.values()].map((node) => nodeDocument(run, node)),
    cycles: [...run.cycles.values()].map(({ id, iterations, reason, metric }) => {
      return { id, iterations, reason: reason ?? null, metric: metric ?? null };
    }),
    gates: run.gates.map(({ gate, shows, openedAt, expiresAt }) => {
      return { gate, shows, openedAt, expiresAt: expiresAt ?? null };
    }),
    warnings: run.warnings.map(({ code, message, at }) => ({ code, message, at })),
    error,
    receipt: receipt === undefined || store === undefined ? null : { store, ...receipt },
  };
}
