import { canonicalJson } from './canonical-json.js';
import { didYouMean } from './did-you-mean.js';
import { LockstepError } from './errors.js';
import { hashableForm } from './history/value-codec.js';
import type { Delivery, NodeImplementation, PortSpec } from './node.js';
import { type ErrorMatcher, OPERATIONAL } from './node-options.js';
import type { Hash } from './ports.js';
import { predicateIdentity } from './predicate.js';
import { withConditionSchemas, withSchemaNames } from './schema-names.js';
import { childOf, requireWorkflow, type Workflow } from './workflow.js';
import {
  type ConditionData,
  type ConnectionData,
  type CycleData,
  conditionsIn,
  type NodeData,
  type NodeIdentity,
  type WorkflowData,
} from './workflow-data.js';

/**
 * What a node runs, as it is hashed: a name and a version, or a name and the SHA-256 of the function's source.
 * `unversioned` is a warning: values that the function captures are not part of its source.
 */
export type ResolvedIdentity =
  | { readonly name: string; readonly version: string }
  | { readonly name: string; readonly digest: string; readonly unversioned: true };

/** A port, as a description holds it: what it is not is left out. */
export interface PortDescription {
  readonly name: string;
  readonly optional?: true;
  readonly variadic?: true;
  readonly unchecked?: true;
}

/** What is declared about the implementation of a node and is no part of the hash: its identity stands for it. */
export interface ImplementationDescription {
  readonly inputs: readonly PortDescription[];
  readonly outputs: readonly PortDescription[];
  readonly delivers: Delivery;
  readonly secrets?: readonly string[];
  readonly async?: true;
  /** It stands in a module that a thread can load. */
  readonly module?: true;
  /** The kind of executor that performs it. */
  readonly executor?: string;
  /** It is a gate whose answers have a schema. */
  readonly answer?: true;
}

/** A node with everything that identifies what it refers to. Capabilities that say when it is called are not part of it. */
export interface NodeDescription extends Omit<NodeData, 'use' | 'child' | (typeof OPERATIONAL)[number]> {
  readonly use: ResolvedIdentity;
  /** What its retry compares errors with, where it does. */
  readonly matchers?: { readonly retryOn: readonly object[]; readonly dontRetryOn: readonly object[] };
  readonly child?: GraphDescription;
  readonly implementation: ImplementationDescription;
}

/** A cycle with a digest of each of its tests that has no name. */
export interface CycleDescription extends CycleData {
  readonly tests?: readonly object[];
}

/** Contracts of one input, as far as they are data. */
export interface ContractDescription {
  readonly input: string;
  readonly contracts: readonly object[];
}

/** A workflow as plain data with everything that identifies what it refers to, in the order in which it was built. */
export interface GraphDescription extends Omit<WorkflowData, 'nodes' | 'cycles'> {
  readonly nodes: readonly NodeDescription[];
  readonly cycles: readonly CycleDescription[];
  readonly contracts: readonly ContractDescription[];
}

function resolve(use: NodeIdentity, implementation: NodeImplementation, hash: Hash): ResolvedIdentity {
  const { name, version } = use;
  return version === undefined
    ? { name, digest: hash.sha256(implementation.sourceText), unversioned: true }
    : { name, version };
}

/**
 * The identity of what a node runs.
 *
 * @throws LockstepError UNKNOWN_NODE
 */
export function nodeIdentity(workflow: Workflow, id: string, hash: Hash): ResolvedIdentity {
  const implementation = workflow.bindings.implementations.get(id);
  if (implementation !== undefined) return resolve(implementation.identity, implementation, hash);
  const known = [...workflow.bindings.implementations.keys()];
  throw new LockstepError('UNKNOWN_NODE', `Workflow "${workflow.name}" has no node "${id}". ${didYouMean(id, known)}`, {
    at: id,
  });
}

function digestOf(test: unknown, hash: Hash): object {
  return { digest: hash.sha256(Function.prototype.toString.call(test)), unversioned: true };
}

function matchers(list: readonly ErrorMatcher[] | undefined, hash: Hash): readonly object[] {
  return (list ?? []).map((matcher) =>
    typeof matcher === 'string' ? { code: matcher } : (predicateIdentity(matcher) ?? digestOf(matcher, hash)),
  );
}

/** What governs when a node is called, and not what it computes, may change without another identity. */
const OPERATIONAL_NAMES: ReadonlySet<string> = new Set(OPERATIONAL);

function portData({ name, optional, variadic, unchecked }: PortSpec): PortDescription {
  return {
    name,
    ...(optional ? { optional } : {}),
    ...(variadic ? { variadic } : {}),
    ...(unchecked ? { unchecked } : {}),
  };
}

function implementationData(implementation: NodeImplementation): ImplementationDescription {
  const { inputs, outputs, delivers, secrets, async, module, executor, gate } = implementation;
  return {
    inputs: inputs.map(portData),
    outputs: outputs.map(portData),
    delivers,
    ...(secrets.length > 0 ? { secrets } : {}),
    ...(async ? { async } : {}),
    ...(module === undefined ? {} : { module: true }),
    ...(executor === undefined ? {} : { executor: executor.kind }),
    ...(gate?.answer === undefined ? {} : { answer: true }),
  };
}

/** A node, and what its data cannot hold: what its retry looks at, and what its children run. */
function describeNode(workflow: Workflow, node: NodeData, hash: Hash): NodeDescription {
  const implementation = workflow.bindings.implementations.get(node.id) as NodeImplementation;
  const child = childOf(implementation);
  const { child: _, ...data } = node;
  const computing = Object.fromEntries(Object.entries(data).filter(([name]) => !OPERATIONAL_NAMES.has(name)));
  const { retryOn, dontRetryOn } = workflow.bindings.retries.get(node.id) ?? {};
  return {
    ...(computing as typeof data),
    use: resolve(implementation.identity, implementation, hash),
    ...(child === undefined ? {} : { child: graphOf(child, hash) }),
    ...(retryOn === undefined && dontRetryOn === undefined
      ? {}
      : { matchers: { retryOn: matchers(retryOn, hash), dontRetryOn: matchers(dontRetryOn, hash) } }),
    implementation: implementationData(implementation),
  };
}

/** Contracts as far as they are data: ready-made rules and JSON Schemas. */
function contractData({ bindings }: Workflow): readonly ContractDescription[] {
  return [...bindings.contracts].map(([input, contracts]) => ({
    input,
    contracts: contracts.map(({ schema, jsonSchema, policies }) => ({
      schema: schema !== undefined,
      jsonSchema: jsonSchema ?? null,
      policies: policies ?? [],
    })),
  }));
}

function withTest(workflow: Workflow, cycle: CycleData, hash: Hash): CycleDescription {
  if (cycle.until === undefined) return cycle;
  const leaves = conditionsIn(cycle.until).filter(({ kind }) => kind === 'function' || kind === 'cel');
  const tests = (workflow.bindings.tests.get(cycle.id) ?? []).filter(
    (_, index) => leaves[index]?.kind === 'function' && !('use' in (leaves[index] as ConditionData)),
  );
  return tests.length === 0 ? cycle : { ...cycle, tests: tests.map((test) => digestOf(test, hash)) };
}

function by<T>(key: (item: T) => string): (left: T, right: T) => number {
  return (left, right) => (key(left) < key(right) ? -1 : key(left) > key(right) ? 1 : 0);
}

/**
 * Connections in the order of nodes and of their inputs, which some nodes look at, though no gate; those into one input as they
 * are.
 */
function inOrderOfInputs({ nodes, connections }: GraphDescription): readonly ConnectionData[] {
  const places = new Map<string, number>();
  for (const { id, kind, implementation } of nodes) {
    const names = implementation.inputs.map(({ name }) => name);
    if (kind === 'gate') names.sort();
    for (const name of names) places.set(`${id}.${name}`, places.size);
  }
  const placed = connections.map((edge) => ({ edge, place: places.get(`${edge.to.node}.${edge.to.port}`) ?? -1 }));
  return placed.sort((left, right) => left.place - right.place).map(({ edge }) => edge);
}

/**
 * What of a description is hashed. Orders what has no order: connections into different inputs, parameters, contracts. Names of
 * schemas, which count the calls that made them, are counted in the order in which the data mentions them.
 */
export function hashedForm(graph: GraphDescription): object {
  const { nodes, parameters, cycles, outputs, contracts } = graph;
  const sorted = inOrderOfInputs(graph);
  const names = new Map<string, string>();
  const rename = (name: string): string => {
    const known = names.get(name) ?? `schema${names.size}`;
    names.set(name, known);
    return known;
  };
  const edge = ({ from, to }: ConnectionData): ConnectionData => ({ from: withSchemaNames(from, rename), to });
  return {
    ...graph,
    nodes: nodes.map(({ implementation: _, child, ...node }) =>
      child === undefined ? node : { ...node, child: hashedForm(child) },
    ),
    parameters: [...parameters].sort(by(({ name }) => name)),
    connections: sorted.map(edge),
    cycles: cycles.map((cycle) => ({
      ...cycle,
      feedback: cycle.feedback.map(edge),
      ...(cycle.until === undefined ? {} : { until: withConditionSchemas(cycle.until, rename) }),
    })),
    outputs: Object.fromEntries(
      Object.entries(outputs)
        .sort(by(([name]) => name))
        .map(([name, source]) => [name, withSchemaNames(source, rename)]),
    ),
    contracts: [...contracts].sort(by(({ input }) => input)),
  };
}

/** The canonical JSON of a value in which literals may hold what JSON cannot: that is written as the value codec tags it. */
export function canonicalData(value: unknown, at = '$'): string {
  return canonicalJson(hashableForm(value, at), at);
}

/**
 * Finds the part of a workflow that cannot be written, so that the error names a node and port rather than a position.
 */
function nameCulprit({ data }: Pick<Workflow, 'data'>, scope = ''): void {
  for (const { id, config, switch: choice, child } of data.nodes) {
    if (child !== undefined) nameCulprit({ data: child }, `${scope}${id}/`);
    for (const [port, value] of Object.entries(config)) canonicalData(value, `${scope}${id}.${port}`);
    for (const { name, test } of choice?.cases ?? []) canonicalData(test, `${scope}${id}.${name}`);
  }
  const edges = [...data.connections, ...data.cycles.flatMap((cycle) => cycle.feedback)];
  for (const { from, to } of edges) canonicalData(from, `${scope}${to.node}.${to.port}`);
  for (const { id, until } of data.cycles) if (until !== undefined) canonicalData(until, `${scope}${id}.until`);
  for (const [name, source] of Object.entries(data.outputs)) canonicalData(source, `output ${scope}${name}`);
}

/** Many nodes run the same function. */
function remembering(hash: Hash): Hash {
  const digests = new Map<string, string>();
  return {
    sha256: (text) => {
      const digest = digests.get(text) ?? hash.sha256(text);
      digests.set(text, digest);
      return digest;
    },
  };
}

/** Describes the graph of a workflow, and those of its children. */
export function describeGraph(workflow: Workflow, hash: Hash): GraphDescription {
  return graphOf(workflow, remembering(hash));
}

function graphOf(workflow: Workflow, hash: Hash): GraphDescription {
  const { data } = workflow;
  return {
    ...data,
    nodes: data.nodes.map((node) => describeNode(workflow, node, hash)),
    cycles: data.cycles.map((cycle) => withTest(workflow, cycle, hash)),
    contracts: contractData(workflow),
  };
}

/**
 * The canonical JSON of a workflow that has been described.
 *
 * @throws LockstepError UNHASHABLE_LITERAL naming the node and port of a literal that holds a function or an instance of a class
 */
export function canonicalGraph(workflow: Workflow, graph: GraphDescription): string {
  try {
    return canonicalData(hashedForm(graph));
  } catch (error) {
    nameCulprit(workflow);
    throw error;
  }
}

/**
 * A workflow as canonical JSON: its data, with the identity of every node resolved, a digest of every convergence
 * test and retry predicate, and its contracts as far as they are data. Schemas cannot be written and are not part of it. What
 * JSON cannot hold in a literal, such as a Date, is written as the value codec tags it.
 *
 * @throws LockstepError UNHASHABLE_LITERAL naming the node and port of a literal that holds a function or an instance of a class
 */
export function canonicalWorkflow(workflow: Workflow, hash: Hash): string {
  return canonicalGraph(workflow, describeGraph(workflow, hash));
}

/**
 * The identity of a workflow: the SHA-256 of its canonical JSON, as 64 lower-case hexadecimal digits. Two workflows
 * that were built by the same calls have the same hash, in any process.
 *
 * @throws LockstepError UNHASHABLE_LITERAL, ConfigurationError NOT_A_WORKFLOW
 */
export function hashWorkflow(workflow: Workflow, hash: Hash): string {
  requireWorkflow('hashOf', workflow);
  return hash.sha256(canonicalWorkflow(workflow, hash));
}
