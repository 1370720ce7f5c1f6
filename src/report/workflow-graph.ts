import { LIST } from '../base/built-in.js';
import { compile } from '../base/compile.js';
import type { Plan } from '../base/plan.js';
import type { Workflow } from '../base/workflow.js';
import type { ConnectionData, NodeData, Source } from '../base/workflow-data.js';

/** How a node is drawn. */
export type NodeShape = 'function' | 'switch' | 'try' | 'map' | 'subworkflow' | 'gate';

/** A node, as pictures show it. */
export interface GraphNode {
  readonly id: string;
  readonly shape: NodeShape;
  /** The implementation, where its name says more than the shape. */
  readonly use: string | undefined;
  /** The innermost cycle around it. */
  readonly cycle: string | undefined;
  readonly join: NodeData['join'];
  /** It fails without failing the run. */
  readonly mayFail: boolean;
  /** The graph of its children, where it is a map or subworkflow. */
  readonly child: Plan | undefined;
}

/** A cycle, as pictures show it: a box around its body. */
export interface GraphCycle {
  readonly id: string;
  readonly parent: string | undefined;
  readonly maxIterations: number | undefined;
}

/**
 * Why an edge is there: it carries data; it closes a cycle; it only makes its target wait; or it decides which of the other
 * edges into the same input counts.
 */
export type EdgeKind = 'data' | 'feedback' | 'after' | 'choice';

/** One value on its way along an edge. */
export interface EdgePorts {
  readonly from: string;
  readonly to: string;
  /** The expression around it, in words, where it is one of several sources: `one of`, `join route: few`. */
  readonly via: string | undefined;
}

/** Everything that leads from one part to another, of one kind. `from` may be a cycle: how it ended is an output too. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: EdgeKind;
  readonly ports: readonly EdgePorts[];
}

/** A workflow as nodes, boxes and edges: what every picture of it is drawn from. In plan order. */
export interface WorkflowGraph {
  readonly name: string;
  readonly nodes: readonly GraphNode[];
  readonly cycles: readonly GraphCycle[];
  readonly edges: readonly GraphEdge[];
}

/** Reads what is to be drawn from a workflow. */
export function graphOf(workflow: Workflow): WorkflowGraph {
  return graphOfPlan(compile(workflow));
}

/** The same for a workflow that is compiled already. */
export function graphOfPlan({ workflow, nodes, regions }: Plan): WorkflowGraph {
  const { data } = workflow;
  const edges = new EdgeList();
  for (const connection of data.connections) edges.connect(connection, 'data');
  for (const { feedback } of data.cycles) for (const connection of feedback) edges.connect(connection, 'feedback');
  for (const { id, after } of data.nodes) for (const subject of after) edges.add(subject, id, 'after');
  return {
    name: data.name,
    nodes: nodes.map(({ id, data: node, region, child }) => ({
      id,
      shape: shapeOf(node),
      use: useOf(node, child),
      cycle: regions[region]?.id,
      join: node.join,
      mayFail: node.allowFailure,
      child,
    })),
    cycles: regions.map(({ id, parent, data: cycle }) => ({
      id,
      parent: regions[parent]?.id,
      maxIterations: cycle.maxIterations,
    })),
    edges: edges.all,
  };
}

/** Without a default on purpose: a new kind of node has to say how it is drawn before this compiles. */
function shapeOf({ kind, allowFailure }: NodeData): NodeShape {
  switch (kind) {
    case 'function':
      return allowFailure ? 'try' : 'function';
    case 'switch':
    case 'map':
    case 'subworkflow':
    case 'gate':
      return kind;
  }
}

/** What a subworkflow runs is the name of that workflow: its implementation is the same for all. */
function useOf({ id, kind, use }: NodeData, child: Plan | undefined): string | undefined {
  const name = kind === 'subworkflow' ? child?.workflow.name : use.name;
  return name === id || name?.startsWith('lockstep.') ? undefined : name;
}

/** Collects edges, one for each pair of parts and kind, in the order in which they first appear. */
class EdgeList {
  readonly #edges = new Map<string, { from: string; to: string; kind: EdgeKind; ports: EdgePorts[] }>();

  get all(): readonly GraphEdge[] {
    return [...this.#edges.values()];
  }

  add(from: string, to: string, kind: EdgeKind, ports?: EdgePorts): void {
    const key = JSON.stringify([from, to, kind]);
    const edge = this.#edges.get(key) ?? { from, to, kind, ports: [] };
    this.#edges.set(key, edge);
    if (ports !== undefined) edge.ports.push(ports);
  }

  connect({ from, to }: ConnectionData, kind: EdgeKind): void {
    this.#walk(from, to, kind, undefined);
  }

  #walk(source: Source, to: ConnectionData['to'], kind: EdgeKind, via: string | undefined): void {
    switch (source.kind) {
      case 'output': {
        const from = [source.port, ...source.path].join('.');
        this.add(source.node, to.node, kind, { from, to: to.port, via });
        return;
      }
      case 'parameter':
      case 'literal':
      case 'template':
        return;
      case 'path':
      case 'required':
        this.#walk(source.of, to, kind, via);
        return;
      case 'oneOf':
      case 'collect':
      case 'firstOf':
        for (const [index, inner] of source.of.entries())
          this.#walk(inner, to, kind, choiceInWords(source.kind, index, via));
        return;
      case 'join':
        this.add(source.owner, to.node, 'choice', { from: 'join', to: to.port, via });
        for (const [name, inner] of Object.entries(source.cases))
          this.#walk(inner, to, kind, `join ${source.owner}: ${name}`);
    }
  }
}

function choiceInWords(kind: 'oneOf' | 'collect' | 'firstOf', index: number, outer: string | undefined): string {
  const words = { oneOf: 'one of', collect: 'collect', firstOf: `choice ${index + 1}` }[kind];
  return outer === undefined ? words : `${outer}, ${words}`;
}

const MOST_LABELS = 3;

/** What stands on an edge: the ports where their names say something, and how they are combined. Empty where nothing helps. */
export function labelOf({ kind, ports }: GraphEdge): string {
  if (kind === 'after') return 'after';
  if (kind === 'choice') return `chooses ${[...new Set(ports.map(({ to }) => to))].join(', ')}`;
  const texts = [...new Set(ports.map(portsInWords))].filter((text) => text !== '');
  const more = texts.length > MOST_LABELS ? [`+${texts.length - MOST_LABELS}`] : [];
  return [...texts.slice(0, MOST_LABELS), ...more].join(', ');
}

function portsInWords({ from, to, via }: EdgePorts): string {
  // `value` is what a function without named outputs delivers, and `$list` what a map goes over: they say nothing.
  const target = to === 'value' || to === LIST ? '' : to;
  const source = from.replace(/^\$(?=items|failed)/, '');
  const names = from === 'value' ? target : from === to || target === '' ? source : `${source} → ${target}`;
  return via === undefined ? names : `${names} (${via})`.trim();
}
