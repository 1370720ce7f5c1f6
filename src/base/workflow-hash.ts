import { canonicalJson } from './canonical-json.js';
import { didYouMean } from './did-you-mean.js';
import { LockstepError } from './errors.js';
import type { NodeImplementation } from './node.js';
import type { ErrorMatcher } from './node-options.js';
import type { Hash } from './ports.js';
import type { Workflow } from './workflow.js';
import type { CycleData, NodeData, NodeIdentity } from './workflow-data.js';

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

function matchers(list: readonly ErrorMatcher[] | undefined, hash: Hash): readonly object[] {
  return (list ?? []).map((matcher) =>
    typeof matcher === 'string'
      ? { code: matcher }
      : { digest: hash.sha256(Function.prototype.toString.call(matcher)), unversioned: true },
  );
}

/** What a node's retry looks at, which its data cannot hold. */
function withMatchers(workflow: Workflow, node: NodeData, hash: Hash): object {
  const use = nodeIdentity(workflow, node.id, hash);
  const retry = workflow.bindings.retries.get(node.id);
  if (retry?.retryOn === undefined && retry?.dontRetryOn === undefined) return { ...node, use };
  const { retryOn, dontRetryOn } = retry;
  return { ...node, use, matchers: { retryOn: matchers(retryOn, hash), dontRetryOn: matchers(dontRetryOn, hash) } };
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
  const test = workflow.bindings.tests.get(cycle.id);
  if (test === undefined) return cycle;
  const digest = hash.sha256(Function.prototype.toString.call(test));
  return { ...cycle, test: { digest, unversioned: true } };
}

/**
 * Finds the part of a workflow that cannot be written, so that the error names a node and port rather than a position.
 */
function nameCulprit({ data }: Workflow): void {
  for (const { id, config, switch: choice } of data.nodes) {
    for (const [port, value] of Object.entries(config)) canonicalJson(value, `${id}.${port}`);
    for (const { name, test } of choice?.cases ?? []) canonicalJson(test, `${id}.${name}`);
  }
  const edges = [...data.connections, ...data.cycles.flatMap((cycle) => cycle.feedback)];
  for (const { from, to } of edges) canonicalJson(from, `${to.node}.${to.port}`);
  for (const { id, until } of data.cycles) if (until !== undefined) canonicalJson(until, `${id}.until`);
  for (const [name, source] of Object.entries(data.outputs)) canonicalJson(source, `output ${name}`);
}

/**
 * A workflow as canonical JSON: its data, with the identity of every node resolved, a digest of every convergence
 * test and retry predicate, and its contracts as far as they are data. Schemas cannot be written and are not part of it.
 *
 * @throws LockstepError UNHASHABLE_LITERAL naming the node and port of a literal that JSON cannot hold
 */
export function canonicalWorkflow(workflow: Workflow, hash: Hash): string {
  const { data } = workflow;
  const nodes = data.nodes.map((node) => withMatchers(workflow, node, hash));
  const cycles = data.cycles.map((cycle) => withTest(workflow, cycle, hash));
  try {
    return canonicalJson({ ...data, nodes, cycles, contracts: contractData(workflow) });
  } catch (error) {
    nameCulprit(workflow);
    throw error;
  }
}

/**
 * The identity of a workflow: the SHA-256 of its canonical JSON, as 64 lower-case hexadecimal digits. Two workflows
 * that were built by the same calls have the same hash, in any process.
 *
 * @throws LockstepError UNHASHABLE_LITERAL
 */
export function hashWorkflow(workflow: Workflow, hash: Hash): string {
  return hash.sha256(canonicalWorkflow(workflow, hash));
}
