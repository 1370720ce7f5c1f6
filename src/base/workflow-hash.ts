import { canonicalJson } from './canonical-json.js';
import { didYouMean } from './did-you-mean.js';
import { LockstepError } from './errors.js';
import type { NodeImplementation } from './node.js';
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
} from './workflow-data.js';

/**
 * What a node runs, as it is hashed: a name and a version, or a name and the SHA-256 of the function's source.
 * `unversioned` is a warning: values that the function captures are not part of its source.
 */
export type ResolvedIdentity =
  | { readonly name: string; readonly version: string }
  | { readonly name: string; readonly digest: string; readonly unversioned: true };

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

/** What a node's retry looks at, and what its children run, which its data cannot hold. */
function withMatchers(workflow: Workflow, node: NodeData, hash: Hash): object {
  const use = nodeIdentity(workflow, node.id, hash);
  const child = childOf(workflow.bindings.implementations.get(node.id) as NodeImplementation);
  const computing = Object.fromEntries(Object.entries(node).filter(([name]) => !OPERATIONAL_NAMES.has(name)));
  const own = child === undefined ? { ...computing, use } : { ...computing, use, child: dataOf(child, hash) };
  const retry = workflow.bindings.retries.get(node.id);
  if (retry?.retryOn === undefined && retry?.dontRetryOn === undefined) return own;
  const { retryOn, dontRetryOn } = retry;
  return { ...own, matchers: { retryOn: matchers(retryOn, hash), dontRetryOn: matchers(dontRetryOn, hash) } };
}

/** Contracts as far as they are data: ready-made rules and JSON Schemas. */
function contractData({ bindings }: Workflow): readonly object[] {
  return [...bindings.contracts].map(([input, contracts]) => ({
    input,
    contracts: contracts.map(({ schema, jsonSchema, policies }) => ({
      schema: schema !== undefined,
      jsonSchema: jsonSchema ?? null,
      policies: policies ?? [],
    })),
  }));
}

function withTest(workflow: Workflow, cycle: CycleData, hash: Hash): object {
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
function inOrderOfInputs(
  connections: readonly ConnectionData[],
  { data, bindings }: Workflow,
): readonly ConnectionData[] {
  const places = new Map<string, number>();
  for (const { id, kind } of data.nodes) {
    const names = (bindings.implementations.get(id)?.inputs ?? []).map(({ name }) => name);
    if (kind === 'gate') names.sort();
    for (const name of names) places.set(`${id}.${name}`, places.size);
  }
  const place = ({ to }: ConnectionData): number => places.get(`${to.node}.${to.port}`) ?? -1;
  return [...connections].sort((left, right) => place(left) - place(right));
}

/**
 * Orders what has no order: connections into different inputs, parameters, contracts. Names of schemas, which count the calls
 * that made them, are counted in the order in which the data mentions them.
 */
function inOneOrder(form: object, workflow: Workflow): object {
  const { connections, parameters, cycles, outputs } = workflow.data;
  const sorted = inOrderOfInputs(connections, workflow);
  const names = new Map<string, string>();
  const rename = (name: string): string => {
    const known = names.get(name) ?? `schema${names.size}`;
    names.set(name, known);
    return known;
  };
  const edge = ({ from, to }: ConnectionData): ConnectionData => ({ from: withSchemaNames(from, rename), to });
  const written = form as {
    readonly cycles: readonly CycleData[];
    readonly contracts: readonly { readonly input: string }[];
  };
  return {
    ...form,
    parameters: [...parameters].sort(by(({ name }) => name)),
    connections: sorted.map(edge),
    cycles: cycles.map((cycle, index) => ({
      ...written.cycles[index],
      feedback: cycle.feedback.map(edge),
      ...(cycle.until === undefined ? {} : { until: withConditionSchemas(cycle.until, rename) }),
    })),
    outputs: Object.fromEntries(
      Object.entries(outputs)
        .sort(by(([name]) => name))
        .map(([name, source]) => [name, withSchemaNames(source, rename)]),
    ),
    contracts: [...written.contracts].sort(by(({ input }) => input)),
  };
}

/**
 * Finds the part of a workflow that cannot be written, so that the error names a node and port rather than a position.
 */
function nameCulprit({ data }: Pick<Workflow, 'data'>, scope = ''): void {
  for (const { id, config, switch: choice, child } of data.nodes) {
    if (child !== undefined) nameCulprit({ data: child }, `${scope}${id}/`);
    for (const [port, value] of Object.entries(config)) canonicalJson(value, `${scope}${id}.${port}`);
    for (const { name, test } of choice?.cases ?? []) canonicalJson(test, `${scope}${id}.${name}`);
  }
  const edges = [...data.connections, ...data.cycles.flatMap((cycle) => cycle.feedback)];
  for (const { from, to } of edges) canonicalJson(from, `${scope}${to.node}.${to.port}`);
  for (const { id, until } of data.cycles) if (until !== undefined) canonicalJson(until, `${scope}${id}.until`);
  for (const [name, source] of Object.entries(data.outputs)) canonicalJson(source, `output ${scope}${name}`);
}

/** The data of a workflow with everything that identifies what it refers to. */
function dataOf(workflow: Workflow, hash: Hash): object {
  const { data } = workflow;
  const nodes = data.nodes.map((node) => withMatchers(workflow, node, hash));
  const cycles = data.cycles.map((cycle) => withTest(workflow, cycle, hash));
  return inOneOrder({ ...data, nodes, cycles, contracts: contractData(workflow) }, workflow);
}

/**
 * A workflow as canonical JSON: its data, with the identity of every node resolved, a digest of every convergence
 * test and retry predicate, and its contracts as far as they are data. Schemas cannot be written and are not part of it.
 *
 * @throws LockstepError UNHASHABLE_LITERAL naming the node and port of a literal that JSON cannot hold
 */
export function canonicalWorkflow(workflow: Workflow, hash: Hash): string {
  try {
    return canonicalJson(dataOf(workflow, hash));
  } catch (error) {
    nameCulprit(workflow);
    throw error;
  }
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
