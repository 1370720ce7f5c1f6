import type { Plan } from '../base/plan.js';
import type { RunGraph } from '../base/run-graph.js';
import type { AttemptSpan } from './attempts.js';
import type { Placed, Slice } from './trace-slices.js';
import { graphOfPlan, type WorkflowGraph } from './workflow-graph.js';

type PlacedAttempt = Placed & { readonly slice: Slice & { readonly span: AttemptSpan } };

/** From the last attempt of whatever a visit waited for to its first attempt. Arrows stay in their graph. */
export function arrowsBetween(
  graphs: readonly RunGraph[],
  placed: readonly PlacedAttempt[],
): readonly { readonly source: Placed; readonly target: Placed }[] {
  const waitedFor = new Map<Plan, ReturnType<typeof waitedForIn>>();
  const plans = new Map(graphs.map(({ scope, plan }) => [scope, plan]));
  const done = new Map<string, PlacedAttempt>();
  const arrows: { source: Placed; target: Placed }[] = [];
  for (const target of placed) {
    const { scope, node, attempt, status } = target.slice.span;
    const plan = plans.get(scope) as Plan;
    const known = waitedFor.get(plan) ?? waitedForIn(plan);
    waitedFor.set(plan, known);
    if (attempt === 1) {
      const before = (known.predecessors.get(node) ?? []).flatMap((source) => done.get(keyOf(scope, source)) ?? []);
      const ended = before.filter(({ end }) => end <= target.start);
      for (const source of known.fedBack.has(node) ? lastOnes(ended) : ended) arrows.push({ source, target });
    }
    if (status === 'completed') done.set(keyOf(scope, node), target);
  }
  return arrows;
}

function waitedForIn(plan: Plan) {
  const graph = graphOfPlan(plan);
  const predecessors = new Map([...predecessorsOf(graph)].map(([node, before]) => [node, [...new Set(before)]]));
  return { predecessors, fedBack: new Set(graph.edges.flatMap(({ kind, to }) => (kind === 'feedback' ? [to] : []))) };
}

function keyOf(scope: string, node: string): string {
  return JSON.stringify([scope, node]);
}

/** Where a cycle feeds back, what is older than the last turn is not read again. */
function lastOnes(sources: readonly PlacedAttempt[]): readonly PlacedAttempt[] {
  const last = Math.max(...sources.map(({ end }) => end));
  return sources.filter(({ end }) => end === last);
}

/**
 * What each node depends on, as it is drawn. An edge from a cycle comes from every node of its body: the cycle ends with
 * the one that ends last.
 */
function predecessorsOf({ nodes, cycles, edges }: WorkflowGraph): ReadonlyMap<string, readonly string[]> {
  const parents = new Map(cycles.map(({ id, parent }) => [id, parent]));
  const isInside = (cycle: string | undefined, outer: string): boolean =>
    cycle !== undefined && (cycle === outer || isInside(parents.get(cycle), outer));
  const predecessors = new Map<string, string[]>(nodes.map(({ id }) => [id, []]));
  for (const { from, to } of edges) {
    const sources = parents.has(from) ? nodes.filter(({ cycle }) => isInside(cycle, from)).map(({ id }) => id) : [from];
    predecessors.get(to)?.push(...sources);
  }
  return predecessors;
}
