import type { Plan } from '../base/plan.js';
import type { Rect } from './layout/geometry.js';
import { type Layout, layoutOf } from './layout/layout.js';
import type { PlanData } from './page-data.js';
import { type GraphEdge, type GraphNode, graphOfPlan, labelOf, type NodeShape } from './workflow-graph.js';

const NODE_HEIGHT = 46;
const LONGEST_NAME = 30;

/** Widths of characters as most fonts have them, a little generous: the sizes are those of page.css. */
const NAME_CHARACTER = 8.4;
const META_CHARACTER = 6.7;

/** Wide enough for both lines of its box. Longer names are cut by the page. */
function nodeWidth({ id, shape }: GraphNode, longestMeta: number): number {
  const text = Math.max(NAME_CHARACTER * Math.min([...id].length, LONGEST_NAME), META_CHARACTER * longestMeta);
  return Math.max(120, text + EXTRA[shape]);
}

/** What a box needs beside its text: its sign, and the room that its shape takes. */
const EXTRA: Readonly<Record<NodeShape, number>> = {
  function: 50,
  try: 50,
  switch: 66,
  gate: 66,
  map: 58,
  subworkflow: 62,
};

/**
 * How a plan is drawn, for all scopes in which it ran.
 *
 * @param longestMeta the most characters of the second line of a node
 */
export function planData(plan: Plan, longestMeta: (id: string) => number): PlanData {
  const graph = graphOfPlan(plan);
  const byId = new Map(graph.nodes.map((node) => [node.id, node]));
  const layout = layoutOf(graph, (id) => ({
    width: nodeWidth(byId.get(id) as GraphNode, longestMeta(id)),
    height: NODE_HEIGHT,
  }));
  const cycle = (id: string): number => plan.regionIndex.get(id) as number;
  return {
    name: graph.name,
    nodes: graph.nodes.map((node, index) => ({
      id: node.id,
      shape: node.shape,
      use: node.use ?? null,
      cycle: node.cycle === undefined ? null : cycle(node.cycle),
      mayFail: node.mayFail,
      collects: plan.nodes[index]?.data.map?.onItemError === 'collect',
      rect: rounded(layout.nodes.get(node.id) as Rect),
    })),
    cycles: graph.cycles.map(({ id, parent, maxIterations }) => ({
      id,
      parent: parent === undefined ? null : cycle(parent),
      maxIterations: maxIterations ?? null,
      rect: rounded(layout.cycles.get(id) as Rect),
    })),
    edges: graph.edges.map((edge, index) => {
      const { path, caption } = layout.edges[index] as Layout['edges'][number];
      const source = byId.get(edge.from);
      return {
        from: source === undefined ? ~cycle(edge.from) : (plan.nodeIndex.get(edge.from) as number),
        to: plan.nodeIndex.get(edge.to) as number,
        kind: edge.kind,
        label: labelOf(edge),
        path,
        captionAt: { x: Math.round(caption.x), y: Math.round(caption.y) },
        caption: edge.kind === 'data' ? captionOf(source, edge) : '',
      };
    }),
    width: layout.width,
    height: layout.height,
  };
}

function rounded({ x, y, width, height }: Rect): Rect {
  return { x: Math.round(x), y: Math.round(y), width: Math.round(width), height: Math.round(height) };
}

const GATE_WORDS: Readonly<Record<string, string>> = { timedOut: 'timed out' };

/** Which way an edge is: its case where it comes from a switch or a gate, or that it carries the error of a node that may fail. */
function captionOf(source: GraphNode | undefined, { ports }: GraphEdge): string {
  const names = [...new Set(ports.map(({ from }) => from.split('.')[0] as string))];
  if (source?.shape === 'switch') return names.join(', ');
  if (source?.shape === 'gate') return names.map((name) => GATE_WORDS[name] ?? name).join(', ');
  return source?.mayFail === true && names.includes('$error') ? 'error' : '';
}
