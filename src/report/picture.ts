import type { GraphResult } from '../base/graph-result.js';
import type { NodeStatus } from '../base/status.js';
import { type PictureOptions, STATUS_LOOKS } from './node-status.js';
import { type GraphCycle, type GraphEdge, type GraphNode, graphOfPlan, type WorkflowGraph } from './workflow-graph.js';

/** A node as text pictures show it. */
export interface PictureNode extends GraphNode {
  readonly status: NodeStatus | undefined;
  /** Its name, and what became of it in a run. */
  readonly label: string;
  /** What is drawn in its place, where children are shown. */
  readonly inside: Picture | undefined;
}

/** A graph as text pictures show it, with those of its children where they are shown. */
export interface Picture {
  /** Where it lives, with a map in short: `all[]/`. Empty at the top. */
  readonly scope: string;
  readonly name: string;
  readonly nodes: readonly PictureNode[];
  readonly cycles: readonly GraphCycle[];
  readonly edges: readonly GraphEdge[];
}

/** What is to be drawn of a graph and of what became of it. */
export function pictureOf(
  graph: WorkflowGraph,
  run: GraphResult | undefined,
  options: PictureOptions,
  scope = '',
): Picture {
  const nodes = graph.nodes.map((node): PictureNode => {
    const status = run?.node(node.id).status;
    const children = run?.children(node.id) ?? [];
    const [only] = node.shape === 'subworkflow' ? children : [];
    const inner = `${scope}${node.id}${node.shape === 'map' ? '[]' : ''}/`;
    const shown = options.children === true && node.child !== undefined && node.child.nodes.length > 0;
    return {
      ...node,
      status,
      label: labelOfNode(node, status, children),
      inside: shown && node.child !== undefined ? pictureOf(graphOfPlan(node.child), only, options, inner) : undefined,
    };
  });
  return { scope, name: graph.name, nodes, cycles: graph.cycles, edges: graph.edges };
}

function labelOfNode(
  { id, shape }: GraphNode,
  status: NodeStatus | undefined,
  children: readonly { readonly status: string }[],
): string {
  const name = status === undefined ? id : `${STATUS_LOOKS[status].icon} ${id}`;
  if (shape !== 'map') return name;
  const failed = children.filter((child) => child.status === 'failed').length;
  return `${name} ×${children.length === 0 ? 'N' : children.length}${failed === 0 ? '' : `, ${failed} failed`}`;
}

/** The title of a box around children. */
export function titleOf({ label, shape, use }: PictureNode): string {
  const of = use === undefined ? '' : ` (${use})`;
  return `${shape === 'map' ? '≡' : '⊞'} ${label}${of}`;
}

/** The picture itself and every picture inside it, outside first. */
export function allPictures(picture: Picture): readonly Picture[] {
  return [picture, ...picture.nodes.flatMap(({ inside }) => (inside === undefined ? [] : allPictures(inside)))];
}

/** A node in a picture that is no box: what an edge of a box starts from or leads to. */
export interface Anchor {
  readonly picture: Picture;
  readonly id: string;
}

/** The first or the last node that stands in a node's place. */
export function anchorIn(picture: Picture, id: string, end: 'first' | 'last'): Anchor {
  const inside = picture.nodes.find((node) => node.id === id)?.inside;
  const next = end === 'first' ? inside?.nodes[0] : inside?.nodes.at(-1);
  return inside === undefined || next === undefined ? { picture, id } : anchorIn(inside, next.id, end);
}
