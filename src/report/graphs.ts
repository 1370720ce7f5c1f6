import type { RunEvent } from '../base/events.js';
import { graphsOfResult, placeOf } from '../base/result-graphs.js';
import type { RunGraph } from '../base/run-graph.js';
import type { RunResult } from '../base/run-result.js';
import { childrenScopes, RecordedGraph, scopesOf } from './recorded-graph.js';

/**
 * The graphs of a run, each after the one of its owner, children by number. A result remembers the children of the last attempt
 * of each map and subworkflow; events tell of the others too.
 */
export function graphsOf(run: RunResult, events: readonly RunEvent[]): readonly RunGraph[] {
  const recorded = scopesOf(events);
  return graphsOfResult(run, (graph, node, known) =>
    (recorded.get(graph.scope)?.opened.get(node.id) ?? []).flatMap(({ key, size }) =>
      [...childrenScopes(key, size).entries()].flatMap(([number, scope]) => {
        if (known.has(scope)) return [];
        const place = placeOf(graph.scope, node, { visit: key.visit, attempt: key.attempt, number });
        return [new RecordedGraph(scope, node.child, place, recorded.get(scope)?.events ?? [])];
      }),
    ),
  );
}
