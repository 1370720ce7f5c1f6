import { subjectsOf } from './cycle-regions.js';
import { didYouMean } from './did-you-mean.js';
import { WorkflowBuildError } from './errors.js';
import type { NodeImplementation, PortSpec } from './node.js';
import { Reference } from './ref.js';
import { ask, formatIssues } from './schema.js';
import type { WorkflowBindings } from './workflow.js';
import {
  type ConnectionData,
  type CycleData,
  describeSource,
  leavesOf,
  type NodeData,
  type Source,
  type WorkflowData,
  watchedSources,
} from './workflow-data.js';

/** The output ports of a cycle. */
export const CYCLE_PORTS = ['reason', 'iterations'] as const;

/** The port on which a node with `allowFailure` offers its error. */
export const ERROR_PORT = '$error';

class Checker {
  readonly #data: WorkflowData;
  readonly #bindings: WorkflowBindings;
  readonly #nodes: ReadonlyMap<string, NodeData>;
  readonly #cycles: ReadonlySet<string>;

  constructor(data: WorkflowData, bindings: WorkflowBindings) {
    this.#data = data;
    this.#bindings = bindings;
    this.#nodes = new Map(data.nodes.map((node) => [node.id, node]));
    this.#cycles = new Set(data.cycles.map((cycle) => cycle.id));
  }

  run(): void {
    const { nodes, connections, cycles, outputs, parameters } = this.#data;
    if (nodes.length === 0)
      throw new WorkflowBuildError('EMPTY_WORKFLOW', `Workflow "${this.#data.name}" has no node.`, {
        at: this.#data.name,
      });
    for (const { name } of parameters) {
      if (!this.#nodes.has(name) && !this.#cycles.has(name)) continue;
      throw new WorkflowBuildError(
        'PARAMETER_IS_NODE_ID',
        `"${name}" is both a parameter and a node of "${this.#data.name}".`,
        { at: name },
      );
    }
    const seen = new Set<string>();
    for (const connection of connections) this.#connection(connection, seen);
    for (const cycle of cycles) {
      this.#feedback(cycle);
      if (cycle.within !== undefined && !this.#cycles.has(cycle.within))
        this.#unknownNode(cycle.within, `cycle ${cycle.id}`, [...this.#cycles]);
      if (cycle.until === undefined) continue;
      for (const source of watchedSources(cycle.until)) this.#source(source, `until of ${cycle.id}`);
    }
    for (const [name, source] of Object.entries(outputs)) this.#source(source, `output ${name}`);
    for (const node of nodes) this.#node(node);
    for (const key of this.#bindings.contracts.keys()) {
      const [node = '', port = ''] = key.split('.');
      this.#input(node, port, `contract ${key}`);
    }
  }

  #unknownNode(id: string, at: string, known: readonly string[]): never {
    throw new WorkflowBuildError('UNKNOWN_NODE', `The ${at} names "${id}". ${didYouMean(id, known)}`, {
      at,
      value: id,
    });
  }

  #subjects(): string[] {
    return [...this.#nodes.keys(), ...this.#cycles];
  }

  #implementation(id: string): NodeImplementation {
    return this.#bindings.implementations.get(id) as NodeImplementation;
  }

  #source(source: Source, at: string): void {
    for (const leaf of leavesOf(source)) {
      if (leaf.kind === 'parameter') {
        if (this.#bindings.parameters.has(leaf.name)) continue;
        const known = [...this.#bindings.parameters.keys()];
        throw new WorkflowBuildError(
          'UNKNOWN_PARAMETER',
          `The ${at} reads parameter "${leaf.name}". ${didYouMean(leaf.name, known)}`,
          { at },
        );
      }
      if (leaf.kind === 'output') this.#output(leaf.node, leaf.port, at);
      else if (leaf.kind === 'literal') refuseHiddenRefs(leaf.value, at);
    }
    for (const subject of subjectsOf(source)) {
      if (!this.#nodes.has(subject) && !this.#cycles.has(subject)) this.#unknownNode(subject, at, this.#subjects());
    }
  }

  #output(id: string, port: string, at: string): void {
    const node = this.#nodes.get(id);
    if (node === undefined && !this.#cycles.has(id)) this.#unknownNode(id, at, this.#subjects());
    const known = node === undefined ? [...CYCLE_PORTS] : this.#implementation(id).outputs.map((spec) => spec.name);
    if (node?.allowFailure === true) known.push(ERROR_PORT);
    if (known.includes(port)) return;
    throw new WorkflowBuildError('UNKNOWN_PORT', `The ${at} reads "${id}.${port}". ${didYouMean(port, known)}`, {
      at,
      value: port,
    });
  }

  #input(id: string, port: string, at: string): PortSpec {
    if (!this.#nodes.has(id)) this.#unknownNode(id, at, [...this.#nodes.keys()]);
    const ports = this.#implementation(id).inputs;
    const spec = ports.find((candidate) => candidate.name === port);
    if (spec !== undefined) return spec;
    const known = ports.map((candidate) => candidate.name);
    throw new WorkflowBuildError(
      'UNKNOWN_PORT',
      `The ${at} names the input "${id}.${port}". ${didYouMean(port, known)}`,
      { at, value: port },
    );
  }

  #ends({ from, to }: ConnectionData): string {
    const at = `connection ${describeSource(from)} → ${to.node}.${to.port}`;
    this.#source(from, at);
    this.#input(to.node, to.port, at);
    return at;
  }

  #connection(connection: ConnectionData, seen: Set<string>): void {
    const { from, to } = connection;
    const at = this.#ends(connection);
    if (subjectsOf(from).includes(to.node))
      throw new WorkflowBuildError('SELF_CONNECTION', `The ${at} leads back to its own node.`, { at });
    if (leavesOf(from).some((leaf) => leaf.kind === 'literal')) return; // JSON may not hold it; live twice, it is AMBIGUOUS_FAN_IN
    const key = `${JSON.stringify(from)}>${to.node}.${to.port}`;
    if (seen.has(key)) throw new WorkflowBuildError('DUPLICATE_CONNECTION', `The ${at} exists twice.`, { at });
    seen.add(key);
  }

  /** One input has one feedback edge of a cycle; exclusive sources are combined before. */
  #feedback({ id, feedback }: CycleData): void {
    const fed = new Set<string>();
    for (const edge of feedback) {
      this.#ends(edge);
      const at = `${edge.to.node}.${edge.to.port}`;
      if (fed.has(at)) {
        const what = `Cycle "${id}" has two feedback edges into "${at}": combine their sources with oneOf or or.`;
        throw new WorkflowBuildError('INVALID_CYCLE', what, { at: id, value: at });
      }
      fed.add(at);
    }
  }

  #node(node: NodeData): void {
    for (const subject of node.after) {
      if (subject === node.id)
        throw new WorkflowBuildError('SELF_CONNECTION', `Node "${node.id}" waits for itself.`, { at: node.id });
      if (!this.#nodes.has(subject) && !this.#cycles.has(subject))
        this.#unknownNode(subject, `after of ${node.id}`, this.#subjects());
    }
    for (const [port, value] of Object.entries(node.config)) {
      const at = `${node.id}.${port}`;
      const spec = this.#input(node.id, port, `literal for ${at}`);
      refuseHiddenRefs(value, at);
      checkLiteral(spec, value, at);
    }
    for (const { name, test } of node.switch?.cases ?? [])
      if (test.kind === 'operator') refuseHiddenRefs(test.value, `case ${node.id}.${name}`);
  }
}

/** A literal must fit the schema of its port. A schema that cannot answer at once is left to the first attempt. */
function checkLiteral(spec: PortSpec, value: unknown, at: string): void {
  if (spec.unchecked) return;
  let issues: ReturnType<typeof ask>['issues'];
  try {
    issues = ask(spec.schema, value, at).issues;
  } catch {
    return;
  }
  if (issues !== undefined)
    throw new WorkflowBuildError('WRONG_PORT_TYPE', `The literal for "${at}" does not fit: ${formatIssues(issues)}.`, {
      at,
      value,
    });
}

/** Looks for references inside plain objects and arrays of a literal: they would never be resolved. */
function refuseHiddenRefs(literal: unknown, at: string): void {
  if (typeof literal !== 'object' || literal === null) return;
  const open: unknown[] = [literal];
  const seen = new Set<unknown>(open);
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (value instanceof Reference)
      throw new WorkflowBuildError('REF_IN_LITERAL', `The literal for "${at}" contains a reference.`, { at });
    if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) continue;
    for (const inner of Object.values(value as object)) {
      if (typeof inner !== 'object' || inner === null || seen.has(inner)) continue;
      seen.add(inner);
      open.push(inner);
    }
  }
}

/**
 * Checks everything that can be known before a run: names, ports, connections, literals and cycles.
 *
 * @throws WorkflowBuildError with the code of the first thing that is wrong
 */
export function checkWorkflow(data: WorkflowData, bindings: WorkflowBindings): void {
  new Checker(data, bindings).run();
}
