import type { ErrorData } from './errors.js';
import type { ChildResult, GraphResult } from './graph-result.js';
import type { PlanNode } from './plan.js';
import type { ChildPlace, RunGraph } from './run-graph.js';
import type { RunResult } from './run-result.js';
import type { NodeStatus } from './status.js';

/** A node that has children. */
type OwnerNode = PlanNode & { readonly child: NonNullable<PlanNode['child']> };

/** The graphs that one of a result's nodes had opened and that the result does not remember; `known` are the scopes that it does. */
type Forgotten = (graph: RunGraph, node: OwnerNode, known: ReadonlySet<string>) => readonly RunGraph[];

/**
 * The graphs of a run, each after the one of its owner, children by number. A result remembers the children of the last attempt
 * of each map and subworkflow.
 *
 * @param forgotten what else is known. Default: nothing
 */
export function graphsOfResult(run: RunResult, forgotten: Forgotten = () => []): readonly RunGraph[] {
  const graphs: RunGraph[] = [];
  const descend = (graph: RunGraph, result: GraphResult | undefined): void => {
    graphs.push(graph);
    for (const node of graph.plan.nodes) {
      if (!hasChildren(node)) continue;
      const children = result?.children(node.id) ?? [];
      const known = new Set(children.map(({ scope }) => scope));
      for (const other of forgotten(graph, node, known)) descend(other, undefined);
      for (const child of children) {
        const [visit = 1, attempt = 1] = entryOf(child.scope.slice(graph.scope.length + node.id.length));
        const place = placeOf(graph.scope, node, { visit, attempt, number: child.number });
        descend(ofResult(child, child.scope, place, child.status, child.error), child);
      }
    }
  };
  descend(ofResult(run, '', undefined, run.status, undefined), run);
  return graphs;
}

function hasChildren(node: PlanNode): node is OwnerNode {
  return node.child !== undefined;
}

/** Which visit and attempt the end of a scope names: `#2[3]/` is visit 2, `#1.2/` is attempt 2 of visit 1. */
function entryOf(end: string): readonly number[] {
  const [, numbers = ''] = /^#([\d.]+)/.exec(end) ?? [];
  return numbers === '' ? [] : numbers.split('.').map(Number);
}

/** Whose child a graph is: that of an attempt of a map, by its number, or of a subworkflow, which has one. */
export function placeOf(
  scope: string,
  node: PlanNode,
  { visit, attempt, number }: { readonly visit: number; readonly attempt: number; readonly number: number },
): ChildPlace {
  return { owner: { scope, node: node.id }, visit, attempt, number: node.data.kind === 'map' ? number : undefined };
}

function ofResult(
  result: RunResult | ChildResult,
  scope: string,
  place: ChildPlace | undefined,
  status: NodeStatus,
  error: ErrorData | undefined,
): RunGraph {
  return {
    scope,
    plan: result.plan,
    place,
    status,
    error,
    node: (id) => result.node(id),
    cycle: (id) => result.cycle(id),
    delivered: (id) => Object.keys(result.results.get(id) ?? {}),
  };
}
