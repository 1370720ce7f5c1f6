import type { ErrorData } from '../base/errors.js';
import type { RunEvent } from '../base/events.js';
import type { ChildResult, GraphResult } from '../base/graph-result.js';
import type { PlanNode } from '../base/plan.js';
import type { RunResult } from '../base/run-result.js';
import type { NodeStatus } from '../base/status.js';
import { childrenScopes, RecordedGraph, scopesOf } from './recorded-graph.js';
import type { ChildPlace, RunGraph } from './run-graph.js';

/**
 * The graphs of a run, each after the one of its owner, children by number. A result remembers the children of the last attempt
 * of each map and subworkflow; events tell of the others too.
 */
export function graphsOf(run: RunResult, events: readonly RunEvent[]): readonly RunGraph[] {
  const graphs: RunGraph[] = [];
  const recorded = scopesOf(events);
  const descend = (graph: RunGraph, result: GraphResult | undefined): void => {
    graphs.push(graph);
    for (const node of graph.plan.nodes) {
      if (node.child === undefined) continue;
      const children = result?.children(node.id) ?? [];
      const known = new Set(children.map(({ scope }) => scope));
      for (const { key, size } of recorded.get(graph.scope)?.opened.get(node.id) ?? [])
        for (const [number, scope] of childrenScopes(key, size).entries()) {
          if (known.has(scope)) continue;
          const place = placeOf(graph.scope, node, key.visit, key.attempt, number);
          descend(new RecordedGraph(scope, node.child, place, recorded.get(scope)?.events ?? []), undefined);
        }
      for (const child of children) {
        const [visit = 1, attempt = 1] = entryOf(child.scope.slice(graph.scope.length + node.id.length));
        const place = placeOf(graph.scope, node, visit, attempt, child.number);
        descend(ofResult(child, child.scope, place, child.status, child.error), child);
      }
    }
  };
  descend(ofResult(run, '', undefined, run.status, undefined), run);
  return graphs;
}

/** Which visit and attempt the end of a scope names: `#2[3]/` is visit 2, `#1.2/` is attempt 2 of visit 1. */
function entryOf(end: string): readonly number[] {
  const [, numbers = ''] = /^#([\d.]+)/.exec(end) ?? [];
  return numbers === '' ? [] : numbers.split('.').map(Number);
}

function placeOf(scope: string, node: PlanNode, visit: number, attempt: number, number: number): ChildPlace {
  const owner = { scope, node: node.id };
  return { owner, visit, attempt, number: node.data.kind === 'map' ? number : undefined };
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
