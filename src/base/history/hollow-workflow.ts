import { LockstepError } from '../errors.js';
import { implementationOf, type NodeImplementation, type PortSpec } from '../node.js';
import { type } from '../schema.js';
import type { StandardSchema } from '../standard-schema.js';
import { Workflow } from '../workflow.js';
import { type CycleData, conditionsIn, freezeData, type NodeData, type NodeIdentity } from '../workflow-data.js';
import type {
  CycleDescription,
  GraphDescription,
  NodeDescription,
  PortDescription,
  ResolvedIdentity,
} from '../workflow-hash.js';
import { DESCRIPTION_VERSION, type WorkflowDescription } from './workflow-description.js';

/** A function, or the check of a schema, that only the code of a workflow has. */
function missing(what: string, workflow: string): () => never {
  return () => {
    throw new LockstepError(
      'HOLLOW_WORKFLOW',
      `The ${what} of workflow "${workflow}" is not there, only its description.`,
      {
        at: what,
      },
    );
  };
}

function schemaOf(what: string, workflow: string): StandardSchema {
  return { '~standard': { version: 1, vendor: 'lockstep', validate: missing(what, workflow) } };
}

function portOf(port: PortDescription, what: string, workflow: string): PortSpec {
  const { name, optional, variadic, unchecked } = port;
  return Object.freeze({
    name,
    schema: unchecked ? type<unknown>() : schemaOf(what, workflow),
    unchecked: unchecked ?? false,
    optional: optional ?? false,
    variadic: variadic ?? false,
  });
}

function identityOf({ name, ...rest }: ResolvedIdentity): NodeIdentity {
  return 'version' in rest ? { name, version: rest.version } : { name, unversioned: true };
}

function hollowImplementation(node: NodeDescription, workflow: string): NodeImplementation {
  const { id, kind, use, gate, child, implementation } = node;
  const { inputs, outputs, delivers, secrets, answer } = implementation;
  const ports = (list: readonly PortDescription[]): readonly PortSpec[] =>
    list.map((port) => portOf(port, `schema of ${id}.${port.name}`, workflow));
  return implementationOf({
    ...identityOf(use),
    kind,
    delivers,
    run: missing(`function of node "${id}"`, workflow),
    inputs: ports(inputs),
    outputs: ports(outputs),
    secrets,
    sourceText: '',
    async: false, // it throws at once, in both runtimes
    ...(node.switch === undefined ? {} : { switch: node.switch }),
    ...(node.map === undefined ? {} : { map: node.map }),
    ...(child === undefined ? {} : { child: hollowGraph(child) }),
    ...(gate === undefined
      ? {}
      : {
          gate: {
            answer: answer ? schemaOf(`schema of the answers of ${id}`, workflow) : undefined,
            timeoutMs: gate.timeoutMs ?? undefined,
          },
        }),
  });
}

function nodeData(node: NodeDescription, { child }: NodeImplementation): NodeData {
  const { implementation: _, matchers: __, child: ___, ...data } = node;
  return { ...data, use: identityOf(node.use), ...(child === undefined ? {} : { child: child.data }) };
}

function cycleData({ tests: _, ...cycle }: CycleDescription): CycleData {
  return cycle;
}

function hollowGraph({ contracts: _, ...graph }: GraphDescription): Workflow {
  const { name, parameters } = graph;
  const implementations = new Map(graph.nodes.map((node) => [node.id, hollowImplementation(node, name)]));
  const nodes = graph.nodes.map((node) => nodeData(node, implementations.get(node.id) as NodeImplementation));
  const tests = graph.cycles.map(({ id, until }) => {
    const leaves = until === undefined ? [] : conditionsIn(until);
    const called = leaves.filter(({ kind }) => kind === 'function' || kind === 'cel');
    return [id, called.map(() => missing(`condition of cycle "${id}"`, name))] as const;
  });
  return new Workflow(freezeData({ ...graph, nodes, cycles: graph.cycles.map(cycleData) }), {
    implementations,
    retries: new Map(),
    parameters: new Map(
      parameters.map(({ name: parameter, optional }) => {
        const port = optional ? { name: parameter, optional } : { name: parameter };
        return [parameter, portOf(port, `schema of parameter ${parameter}`, name)];
      }),
    ),
    schemas: new Map(), // those of untyped paths are only asked by a run that goes on
    tests: new Map(tests),
    contracts: new Map(),
  });
}

/**
 * A workflow made of a description alone. It can be shown, compiled and replayed: the fold of a history gives the same state as
 * with the workflow that was described. It cannot be run: every function and schema of it throws HOLLOW_WORKFLOW.
 *
 * What the description holds becomes part of the workflow and is frozen, literals excepted.
 *
 * @throws LockstepError DESCRIPTION_VERSION when the description has a format that this version does not know
 */
export function hollowWorkflow({ v, graph }: WorkflowDescription): Workflow {
  if (v === DESCRIPTION_VERSION) return hollowGraph(graph);
  throw new LockstepError(
    'DESCRIPTION_VERSION',
    `The description of a workflow has format ${v}, not ${DESCRIPTION_VERSION}.`,
    {
      value: v,
    },
  );
}
