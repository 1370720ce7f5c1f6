import { canonicalJson } from '../../base/canonical-json.js';
import type { Hash } from '../../base/ports.js';
import { templateNames } from '../../base/templates.js';
import type { ConditionData, ConnectionData, NodeData, Source, WorkflowData } from '../../base/workflow-data.js';

/**
 * The structure of a workflow as SHA-256 over canonical JSON: ids and kinds of nodes in their order, joins, `after`, what may fail,
 * cases of switches, connections with their ports and paths, cycles with what they feed back and look at, declared
 * parameters and outputs, and the same of children. Not part of it: names, versions and functions of implementations, literals,
 * texts around the parameters of a template, limits, retries and other capabilities, schemas, contracts.
 */
export function planKey(data: WorkflowData, hash: Hash): string {
  return hash.sha256(canonicalJson(workflowShape(data)));
}

function workflowShape({ parameters, nodes, connections, cycles, outputs }: WorkflowData): object {
  return {
    parameters: parameters.map(({ name, optional }) => ({ name, optional })).sort((a, b) => (a.name < b.name ? -1 : 1)),
    nodes: nodes.map(nodeShape),
    connections: connectionsShape(connections),
    cycles: cycles.map(({ id, feedback, until, within }) => ({
      id,
      feedback: connectionsShape(feedback),
      until: until === undefined ? null : conditionShape(until),
      within: within ?? null,
    })),
    outputs: sourcesShape(outputs),
  };
}

function nodeShape({ id, kind, join, after, allowFailure, switch: choice, child }: NodeData): object {
  return {
    id,
    kind,
    join,
    after,
    allowFailure,
    cases: choice === undefined ? null : { mode: choice.mode, names: choice.cases.map(({ name }) => name) },
    child: child === undefined ? null : workflowShape(child),
  };
}

/** Into different inputs, connections have no order. */
function connectionsShape(connections: readonly ConnectionData[]): readonly object[] {
  return connections
    .map(({ from, to }) => ({ to: `${to.node}.${to.port}`, from: sourceShape(from) }))
    .sort((a, b) => (a.to < b.to ? -1 : a.to > b.to ? 1 : 0));
}

function sourcesShape(sources: Readonly<Record<string, Source>>): object {
  return Object.fromEntries(Object.entries(sources).map(([name, source]) => [name, sourceShape(source)]));
}

function sourceShape(source: Source): object {
  const { kind } = source;
  switch (kind) {
    case 'output':
      return { kind, node: source.node, port: source.port, path: source.path };
    case 'parameter':
      return { kind, name: source.name, path: source.path };
    case 'literal':
      return { kind };
    case 'template':
      return { kind, names: templateNames(source.value).map(({ name, path }) => ({ name, path })) };
    case 'path':
      return { kind, of: sourceShape(source.of), path: source.path };
    case 'required':
      return { kind, of: sourceShape(source.of) };
    case 'oneOf':
    case 'collect':
    case 'firstOf':
      return { kind, of: source.of.map(sourceShape) };
    case 'join':
      return { kind, owner: source.owner, cases: sourcesShape(source.cases) };
  }
}

/** What a condition is and looks at; not how much is enough. */
function conditionShape(condition: ConditionData): object {
  const { kind } = condition;
  if ('parts' in condition) return { kind, parts: condition.parts.map(conditionShape) };
  if ('named' in condition) return { kind, named: sourcesShape(condition.named) };
  return 'of' in condition ? { kind, of: sourceShape(condition.of) } : { kind };
}
