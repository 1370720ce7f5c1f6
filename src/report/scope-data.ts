import type { CycleReport, NodeReport } from '../base/graph-result.js';
import { describeReason } from '../base/reason.js';
import type { RunGraph } from '../base/run-graph.js';
import type { ChildData, CycleState, NodeState, ScopeData } from './page-data.js';
import type { GraphEdge, WorkflowGraph } from './workflow-graph.js';

/** What is said of the scope of a child beside what its graph says. */
export interface ScopeContext {
  readonly plan: number;
  readonly child: ChildData | null;
  /** Epoch milliseconds. */
  readonly runStartedAt: number;
  /** Pairs of nodes that follow each other on the critical path, as `from to`. */
  readonly steps: ReadonlySet<string>;
}

/** What became of a graph, for the page. */
export function scopeData(graph: RunGraph, drawn: WorkflowGraph, context: ScopeContext): ScopeData {
  const { runStartedAt, steps, plan, child } = context;
  return {
    scope: graph.scope,
    plan,
    child,
    status: graph.status,
    error: graph.error ?? null,
    nodes: drawn.nodes.map(({ id }) => nodeState(graph.node(id), runStartedAt)),
    cycles: drawn.cycles.map(({ id }) => cycleState(graph.cycle(id))),
    taken: drawn.edges.map((edge) => (isTaken(graph, edge) ? '1' : '0')).join(''),
    critical: drawn.edges.flatMap(({ from, to, kind }, index) =>
      kind !== 'choice' && steps.has(`${from} ${to}`) ? [index] : [],
    ),
  };
}

/** Only what differs from a node that was never touched: a run may have a hundred thousand of them. */
function nodeState(report: NodeReport, runStartedAt: number): Partial<NodeState> {
  const { status, attempts, visits, durationMs, startedAt, endedAt, reason, error } = report;
  const since = (time: number): number => rounded(time - runStartedAt);
  return {
    ...(status === 'completed' ? {} : { status }),
    ...(attempts === 1 ? {} : { attempts }),
    ...(startedAt === undefined ? {} : { visits, durationMs: rounded(durationMs), startedAt: since(startedAt) }),
    ...(endedAt === undefined || status === 'running' || status === 'waiting' ? {} : { endedAt: since(endedAt) }),
    ...(reason === undefined ? {} : { reason: { text: describeReason(reason), root: reason.root.subject } }),
    ...(error === undefined ? {} : { error }),
  };
}

/** Whole microseconds: what lies below is noise, and as long as a number gets. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function cycleState(report: CycleReport): CycleState {
  const { iterations, totalIterations, reason, failed, root, error, history, elapsedMs } = report;
  const ended = { reason: reason ?? null, failed, root: root ?? null, error: error ?? null };
  return { iterations, totalIterations, ...ended, history, elapsedMs };
}

/** Whether anything went along an edge, as far as the end of the run shows. */
function isTaken(graph: RunGraph, { from, to, kind, ports }: GraphEdge): boolean {
  const target = graph.node(to);
  if (target.startedAt === undefined) return false;
  if (graph.plan.regionIndex.has(from)) return graph.cycle(from).reason !== undefined;
  if (kind === 'feedback') return target.visits > 1;
  return isLive(graph, graph.node(from), kind === 'data' ? ports.map((port) => port.from) : []);
}

/** Which ports a node delivered says which branches were taken: only their names are looked at. */
function isLive(graph: RunGraph, { id, status }: NodeReport, ports: readonly string[]): boolean {
  const errors = ports.filter((port) => port.split('.')[0] === '$error').length;
  if (status === 'failed') return ports.length === 0 || errors > 0;
  if (status !== 'completed') return false;
  if (ports.length === 0) return true;
  if (errors === ports.length) return false;
  const delivered = graph.delivered(id);
  return ports.some((port) => delivered.includes(port.split('.')[0] as string));
}
