import { withConditionSchemas, withSchemaNames } from '../schema-names.js';
import type { ConnectionData } from '../workflow-data.js';
import {
  type CycleDescription,
  canonicalData,
  type GraphDescription,
  hashedForm,
  type NodeDescription,
} from '../workflow-hash.js';
import type { WorkflowDescription } from './workflow-description.js';

/** What became of a part of a workflow. */
export interface PartChange {
  /** Id of the node or cycle, name of the parameter. */
  readonly id: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** What of it, in a few words each: `its function`, `input rows`, `its child clean`. Empty where it was added or removed. */
  readonly what: readonly string[];
}

/** What differs between two workflows, as far as it is hashed. */
export interface WorkflowChanges {
  /** Nodes at the top. What changed in the workflow that one of them runs is a change of that node. */
  readonly nodes: readonly PartChange[];
  readonly cycles: readonly PartChange[];
  readonly parameters: readonly PartChange[];
  /** Whether the outputs of the workflow are others. */
  readonly outputs: boolean;
  /** Whether it has another name. */
  readonly name: boolean;
  /** The hashes differ and nothing of the above does: its parts were added in another order. */
  readonly order: boolean;
}

/** Names of schemas count the calls that made them: which one it is, nobody can tell. */
const anySchema = (): string => 'schema';

function edgeData({ from, to }: ConnectionData): ConnectionData {
  return { from: withSchemaNames(from, anySchema), to };
}

function isSame(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  return left !== undefined && right !== undefined && canonicalData(left) === canonicalData(right);
}

/** A node with everything that is told of its inputs. */
interface NodeParts {
  readonly node: NodeDescription;
  readonly connections: Map<string, ConnectionData[]>;
  readonly contracts: Map<string, unknown>;
}

function partsOf({ nodes, connections, contracts }: GraphDescription): ReadonlyMap<string, NodeParts> {
  const parts = new Map<string, NodeParts>();
  for (const node of nodes) parts.set(node.id, { node, connections: new Map(), contracts: new Map() });
  for (const edge of connections) {
    const into = parts.get(edge.to.node)?.connections;
    const before = into?.get(edge.to.port);
    if (before === undefined) into?.set(edge.to.port, [edgeData(edge)]);
    else before.push(edgeData(edge));
  }
  for (const { input, contracts: own } of contracts) {
    const [node = '', port = ''] = input.split('.');
    parts.get(node)?.contracts.set(port, own);
  }
  return parts;
}

/** What the fields of a node are called, where that is not its function. Those that are missing here are compared on their own. */
const FIELDS: Readonly<Partial<Record<keyof NodeDescription, string>>> = {
  kind: 'its kind',
  use: 'its function',
  switch: 'its cases',
  map: 'how it goes over its list',
  gate: 'its time limit',
  join: 'its join',
  after: 'what it waits for',
  allowFailure: 'whether it may fail',
  retry: 'its retry',
  matchers: 'its retry',
  timeoutMs: 'its time limits',
  softTimeoutMs: 'its time limits',
  totalTimeoutMs: 'its time limits',
};

function inputChanges(left: NodeParts, right: NodeParts): readonly string[] {
  const of = ({ node, connections }: NodeParts) => [...Object.keys(node.config), ...connections.keys()];
  const ports = new Set([...of(left), ...of(right)]);
  const changed = [...ports].filter(
    (port) =>
      !isSame(left.node.config[port], right.node.config[port]) ||
      !isSame(left.connections.get(port), right.connections.get(port)),
  );
  const governed = new Set([...left.contracts.keys(), ...right.contracts.keys()]);
  const contracts = [...governed].filter((port) => !isSame(left.contracts.get(port), right.contracts.get(port)));
  return [...changed.map((port) => `input ${port}`), ...contracts.map((port) => `the contracts of ${port}`)];
}

const CHILD = 'its child ';

/** What changed in the workflow that a node runs, by the names of its parts: `its child clean`, further down `its child sub/clean`. */
function childChanges(left: GraphDescription | undefined, right: GraphDescription | undefined): readonly string[] {
  if (left === undefined || right === undefined) return left === right ? [] : ['its child'];
  if (isSame(hashedForm(left), hashedForm(right))) return [];
  const { nodes, cycles, parameters, outputs } = graphChanges(left, right);
  const inner = (word: string, list: readonly PartChange[]): readonly string[] =>
    list.flatMap(({ id, what }) => {
      const below = what.filter((each) => each.startsWith(CHILD));
      const deeper = below.map((each) => `${word} ${id}/${each.slice(CHILD.length)}`);
      return deeper.length > 0 && deeper.length === what.length ? deeper : [`${word} ${id}`, ...deeper];
    });
  const all = [
    ...inner('its child', nodes),
    ...inner('the cycle of its child', cycles),
    ...inner('the parameter of its child', parameters),
    ...(outputs ? ['the outputs of its child'] : []),
  ];
  return all.length > 0 ? all : ['its child'];
}

function nodeChanges(left: NodeParts, right: NodeParts): readonly string[] {
  const what = (Object.keys(FIELDS) as (keyof NodeDescription)[])
    .filter((name) => !isSame(left.node[name], right.node[name]))
    .map((name) => (name === 'use' && right.node.kind === 'switch' ? FIELDS.switch : FIELDS[name]) as string);
  return [...new Set([...what, ...inputChanges(left, right), ...childChanges(left.node.child, right.node.child)])];
}

function cycleChanges(left: CycleDescription, right: CycleDescription): readonly string[] {
  const until = ({ until: condition }: CycleDescription) =>
    condition === undefined ? undefined : withConditionSchemas(condition, anySchema);
  const rest = ({ feedback: _, until: __, tests: ___, ...limits }: CycleDescription) => limits;
  return [
    ...(isSame(left.feedback.map(edgeData), right.feedback.map(edgeData)) ? [] : ['its feedback']),
    ...(isSame(until(left), until(right)) && isSame(left.tests, right.tests) ? [] : ['its condition']),
    ...(isSame(rest(left), rest(right)) ? [] : ['its limits']),
  ];
}

/** Parts that were removed, then those that were added or changed, each in its own order. */
function compare<T>(
  left: ReadonlyMap<string, T>,
  right: ReadonlyMap<string, T>,
  changesOf: (left: T, right: T) => readonly string[],
): readonly PartChange[] {
  const changes: PartChange[] = [];
  for (const id of left.keys()) if (!right.has(id)) changes.push({ id, change: 'removed', what: [] });
  for (const [id, part] of right) {
    const before = left.get(id);
    if (before === undefined) {
      changes.push({ id, change: 'added', what: [] });
      continue;
    }
    const what = changesOf(before, part);
    if (what.length > 0) changes.push({ id, change: 'changed', what });
  }
  return changes;
}

function outputsOf({ outputs }: GraphDescription): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, source]) => [name, withSchemaNames(source, anySchema)]),
  );
}

function graphChanges(left: GraphDescription, right: GraphDescription): Omit<WorkflowChanges, 'order'> {
  const byId = <T extends { readonly id: string }>(list: readonly T[]) => new Map(list.map((part) => [part.id, part]));
  const byName = ({ parameters }: GraphDescription) => new Map(parameters.map((part) => [part.name, part]));
  return {
    nodes: compare(partsOf(left), partsOf(right), nodeChanges),
    cycles: compare(byId(left.cycles), byId(right.cycles), cycleChanges),
    parameters: compare(byName(left), byName(right), (before, after) =>
      before.optional === after.optional ? [] : ['whether it is optional'],
    ),
    outputs: !isSame(outputsOf(left), outputsOf(right)),
    name: left.name !== right.name,
  };
}

/**
 * What differs between the workflow that a run was recorded with and the one that is to continue it. Capabilities that only say
 * when a node is called, and the ports that a definition declares beside its identity, are not hashed and do not count.
 */
export function changesBetween(recorded: WorkflowDescription, current: WorkflowDescription): WorkflowChanges {
  const changes = graphChanges(recorded.graph, current.graph);
  const { nodes, cycles, parameters, outputs, name } = changes;
  const found = nodes.length + cycles.length + parameters.length > 0 || outputs || name;
  return { ...changes, order: !found && recorded.hash !== current.hash };
}
