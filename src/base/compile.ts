import type { ConditionTest } from './condition.js';
import { type Structure, structureOf, subjectsOf } from './cycle-regions.js';
import { executorsOf } from './executor.js';
import { isRemote, type NodeImplementation } from './node.js';
import {
  ChoiceSource,
  CycleOutputSource,
  type FeedbackSlot,
  JoinSource,
  LiteralSource,
  OutputSource,
  ParameterSource,
  PathSource,
  type Plan,
  PlanCondition,
  PlanInput,
  PlanNode,
  PlanRegion,
  type PlanSource,
  RequiredSource,
  regionSubject,
  type SubjectIndex,
  TemplateSource,
  Wire,
} from './plan.js';
import type { StandardSchema } from './standard-schema.js';
import { childOf, type Workflow } from './workflow.js';
import { ERROR_PORT } from './workflow-checks.js';
import {
  type ConditionData,
  type ConnectionData,
  describeSource,
  type NodeData,
  type Source,
} from './workflow-data.js';

/** Compiles sources of one workflow, for readers at different places in it. */
export class SourceCompiler {
  readonly #workflow: Workflow;
  readonly #nodeIndex: ReadonlyMap<string, number>;
  readonly #regionIndex: ReadonlyMap<string, number>;
  readonly #regionOf: Int32Array;
  readonly #parents: readonly number[];

  /**
   * @param regionOf innermost region by plan index
   * @param parents enclosing region by region
   */
  constructor(
    workflow: Workflow,
    nodeIndex: ReadonlyMap<string, number>,
    regionIndex: ReadonlyMap<string, number>,
    regionOf: Int32Array,
    parents: readonly number[],
  ) {
    this.#workflow = workflow;
    this.#nodeIndex = nodeIndex;
    this.#regionIndex = regionIndex;
    this.#regionOf = regionOf;
    this.#parents = parents;
  }

  /** @param reader innermost region of whoever reads; -1 outside any cycle */
  compile(source: Source, reader: number): PlanSource {
    switch (source.kind) {
      case 'output': {
        const region = this.#regionIndex.get(source.node);
        if (region === undefined)
          return this.#output(source.node, source.port, source.path, this.#schema(source.schema), reader);
        const ended = new CycleOutputSource(
          region,
          source.port as 'reason' | 'iterations',
          this.#leaves(region, reader),
        );
        return source.path.length === 0 && source.schema === undefined
          ? ended
          : new PathSource(ended, source.path, this.#schema(source.schema));
      }
      case 'parameter':
        return new ParameterSource(source.name, source.path, this.#schema(source.schema));
      case 'literal':
        return new LiteralSource(source.value);
      case 'template':
        return new TemplateSource(source.value);
      case 'path':
        return new PathSource(this.compile(source.of, reader), source.path, this.#schema(source.schema));
      case 'oneOf':
      case 'firstOf':
      case 'collect':
        return new ChoiceSource(
          source.kind,
          flat(source).map((inner) => this.compile(inner, reader)),
        );
      case 'required':
        return new RequiredSource(this.compile(source.of, reader), describeSource(source.of));
      case 'join': {
        const cases = Object.entries(source.cases).map(([name, inner]) => [name, this.compile(inner, reader)] as const);
        return new JoinSource(this.#output(source.owner, '', [], undefined, reader), new Map(cases));
      }
    }
  }

  /** The subject that a reader waits for when it reads something of a node or cycle. */
  subject(id: string, reader: number): SubjectIndex {
    const region = this.#regionIndex.get(id);
    if (region !== undefined) return regionSubject(this.#leaves(region, reader));
    const node = this.#nodeIndex.get(id) as number;
    const left = this.#leaves(this.#regionOf[node] as number, reader);
    return left === -1 ? node : regionSubject(left);
  }

  /** A region and those around it, innermost first. */
  around(region: number): readonly number[] {
    const around: number[] = [];
    for (let current = region; current !== -1; current = this.#parents[current] as number) around.push(current);
    return around;
  }

  #schema(name: string | undefined): StandardSchema | undefined {
    return name === undefined ? undefined : this.#workflow.bindings.schemas.get(name);
  }

  #output(
    id: string,
    port: string,
    path: readonly string[],
    schema: StandardSchema | undefined,
    reader: number,
  ): OutputSource {
    const node = this.#nodeIndex.get(id) as number;
    const implementation = this.#workflow.bindings.implementations.get(id) as NodeImplementation;
    const region = this.#regionOf[node] as number;
    const left = this.#leaves(region, reader);
    const selective = implementation.delivers !== 'every';
    const level = left === -1 ? -1 : this.around(region).indexOf(left);
    return new OutputSource(node, port, path, schema, left, selective, port === ERROR_PORT, level);
  }

  /** The outermost region at or around `region` that does not contain `reader`; -1 when every one does. */
  #leaves(region: number, reader: number): number {
    let left = -1;
    for (let current = region; current !== -1; current = this.#parents[current] as number) {
      if (!this.#contains(current, reader)) left = current;
    }
    return left;
  }

  #contains(region: number, inner: number): boolean {
    for (let current = inner; current !== -1; current = this.#parents[current] as number)
      if (current === region) return true;
    return false;
  }
}

/** The members of a choice; `a.or(b).or(c)` is one choice of three. */
function flat(choice: Extract<Source, { kind: 'oneOf' | 'firstOf' | 'collect' }>): readonly Source[] {
  if (choice.kind !== 'firstOf') return choice.of;
  const members: Source[] = [];
  const open: Source[] = [choice];
  for (let current = open.pop(); current !== undefined; current = open.pop()) {
    if (current.kind === 'firstOf') open.push(...current.of.toReversed());
    else members.push(current);
  }
  return members;
}

/** Whether a source may be decided before everything below it has settled. */
function chooses(source: PlanSource): boolean {
  switch (source.kind) {
    case 'join':
      return true;
    case 'choice':
      return source.mode === 'firstOf' || source.of.some(chooses);
    case 'path':
    case 'required':
      return chooses(source.of);
    default:
      return false;
  }
}

/** Whether a source can be dead, or in conflict, although no node below it failed or was skipped. */
function selects(source: PlanSource): boolean {
  return source.kind === 'output'
    ? source.selective || source.error || source.leaves !== -1
    : source.kind !== 'literal' && source.kind !== 'parameter' && source.kind !== 'template';
}

/** The inputs of a node as wires; `undefined` when one of them is anything else. */
function wiresOf(inputs: readonly PlanInput[], fed: (port: string) => boolean): readonly Wire[] | undefined {
  const wires: Wire[] = [];
  for (const { port, connection } of inputs) {
    if (
      connection?.kind !== 'output' ||
      connection.path.length > 0 ||
      connection.schema !== undefined ||
      selects(connection) ||
      fed(port.name)
    )
      return undefined;
    wires.push(new Wire(port.name, connection.node, connection.port));
  }
  return wires;
}

/** The parameter among the connections of an input, where it is the only one: it ranks below the others. */
function onlyParameter(connections: readonly ConnectionData[]): ConnectionData | undefined {
  let found: ConnectionData | undefined;
  for (const connection of connections) {
    if (connection.from.kind !== 'parameter') continue;
    if (found !== undefined) return undefined;
    found = connection;
  }
  return found;
}

class Compiler {
  readonly #workflow: Workflow;
  readonly #structure: Structure;
  readonly #nodeIndex = new Map<string, number>();
  readonly #sources: SourceCompiler;
  readonly #regionOf: Int32Array;
  readonly #incoming: ConnectionData[][];
  readonly #fed: Set<string> = new Set();

  constructor(workflow: Workflow) {
    const { data } = workflow;
    const structure = structureOf(data);
    const { order, innermost, bodies } = structure;
    this.#workflow = workflow;
    this.#structure = structure;
    this.#regionOf = new Int32Array(order.length);
    order.forEach((number, index) => {
      this.#nodeIndex.set((data.nodes[number] as NodeData).id, index);
      this.#regionOf[index] = innermost[number] as number;
    });
    const parents = bodies.map((body) => body.parent);
    this.#sources = new SourceCompiler(workflow, this.#nodeIndex, structure.cycleNumbers, this.#regionOf, parents);
    this.#incoming = Array.from({ length: order.length }, () => []);
    for (const connection of data.connections) {
      (this.#incoming[this.#nodeIndex.get(connection.to.node) as number] as ConnectionData[]).push(connection);
    }
    for (const cycle of data.cycles) for (const { to } of cycle.feedback) this.#fed.add(`${to.node}.${to.port}`);
  }

  compile(): Plan {
    const { data } = this.#workflow;
    const nodes = this.#structure.order.map((number, index) => this.#node(data.nodes[number] as NodeData, index));
    const regions = this.#regions(nodes);
    this.#linkDependents(nodes, regions);
    return Object.freeze({
      workflow: this.#workflow,
      nodes,
      regions,
      nodeIndex: this.#nodeIndex,
      regionIndex: this.#structure.cycleNumbers,
      feedbackSlots: regions.reduce((sum, region) => sum + region.feedback.length, 0),
      waiting: Int32Array.from(nodes, (node) => node.dependencies.length),
      roots: nodes.filter((node) => node.dependencies.length === 0).map((node) => node.index),
      topMembers:
        nodes.filter((node) => node.region === -1).length + regions.filter((region) => region.parent === -1).length,
      outputs: new Map(Object.entries(data.outputs).map(([name, source]) => [name, this.#sources.compile(source, -1)])),
      asyncNodes: nodes.flatMap(({ id, implementation, child }) => {
        if (child !== undefined) return child.asyncNodes.map((inner) => `${id}/${inner}`);
        return implementation.async && !isRemote(implementation) ? [id] : [];
      }),
      hasRemote: nodes.some(({ implementation, child }) => isRemote(implementation) || child?.hasRemote),
      executors: executorsOf(nodes),
      secrets: [
        ...new Set(
          nodes.flatMap(({ implementation, child }) => (child === undefined ? implementation : child).secrets),
        ),
      ],
      broadcasts: data.parameters.length === 0,
      rechecks: nodes.some((node) => node.recheck),
      limited: data.nodes.some(
        (node) => node.timeoutMs !== undefined || node.softTimeoutMs !== undefined || node.totalTimeoutMs !== undefined,
      ),
      waits: nodes.some(({ implementation, child }) => implementation.gate !== undefined || child?.waits === true),
    });
  }

  #node(data: NodeData, index: number): PlanNode {
    const { bindings } = this.#workflow;
    const implementation = bindings.implementations.get(data.id) as NodeImplementation;
    const child = childOf(implementation);
    const region = this.#regionOf[index] as number;
    const incoming = this.#incoming[index] as ConnectionData[];
    const inputs = implementation.inputs.map((port) => this.#input(data, port.name, implementation, incoming, region));
    const dependencies = new Set<SubjectIndex>();
    const later = new Set<SubjectIndex>();
    for (const { from, to } of incoming) {
      const fed = this.#fed.has(`${to.node}.${to.port}`);
      for (const id of from.kind === 'output' ? [from.node] : subjectsOf(from)) {
        const subject = this.#sources.subject(id, region);
        dependencies.add(subject);
        if (!fed) later.add(subject);
      }
    }
    const after = [...new Set(data.after.map((id) => this.#sources.subject(id, region)))];
    for (const subject of after) {
      dependencies.add(subject);
      later.add(subject);
    }
    const connections = inputs.flatMap((input) => input.connection ?? []);
    const contracts = implementation.inputs.some((port) => bindings.contracts.has(`${data.id}.${port.name}`));
    const unchecked =
      implementation.inputs.every((port) => port.unchecked) && !contracts && !implementation.frozenInputs;
    return new PlanNode(
      index,
      data.id,
      data,
      implementation,
      bindings.retries.get(data.id),
      region,
      this.#sources.around(region),
      inputs,
      [...dependencies],
      [...later],
      after,
      connections.some(chooses) || this.#uneven(dependencies, later, region),
      connections.some(selects),
      unchecked ? wiresOf(inputs, (port) => this.#fed.size > 0 && this.#fed.has(`${data.id}.${port}`)) : undefined,
      !unchecked,
      implementation.outputs.some((port) => !port.unchecked),
      child === undefined ? undefined : compile(child),
      implementation.executor,
    );
  }

  #input(
    data: NodeData,
    name: string,
    implementation: NodeImplementation,
    incoming: readonly ConnectionData[],
    region: number,
  ): PlanInput {
    const port = implementation.inputs.find(
      (candidate) => candidate.name === name,
    ) as NodeImplementation['inputs'][number];
    const here = incoming.length === 0 ? incoming : incoming.filter(({ to }) => to.port === name);
    const configured = Object.hasOwn(data.config, name);
    const bound = here.length === 1 || !port.variadic ? onlyParameter(here) : undefined;
    const parameter = bound === undefined ? undefined : (this.#sources.compile(bound.from, region) as ParameterSource);
    const connected = bound === undefined ? here : here.filter((edge) => edge !== bound);
    const connection = this.#connection(
      connected.map(({ from }) => from),
      port.variadic,
      region,
    );
    const named = data.kind === 'function' || data.kind === 'subworkflow'; // the others have ports that no user names
    const from = connected.map((edge) => describeSource(edge.from)).join(', ');
    return new PlanInput(port, configured, data.config[name], parameter, named, connection, from);
  }

  #connection(sources: readonly Source[], variadic: boolean, region: number): PlanSource | undefined {
    const [first] = sources;
    if (first === undefined) return undefined;
    if (variadic && !(sources.length === 1 && first.kind === 'collect')) {
      return new ChoiceSource(
        'collect',
        sources.map((source) => this.#sources.compile(source, region)),
      );
    }
    if (sources.length === 1) return this.#sources.compile(first, region);
    return new ChoiceSource(
      'oneOf',
      sources.map((source) => this.#sources.compile(source, region)),
    );
  }

  #regions(nodes: readonly PlanNode[]): PlanRegion[] {
    const { bodies } = this.#structure;
    const childrenOf: number[][] = bodies.map(() => []);
    for (const [number, { parent }] of bodies.entries()) childrenOf[parent]?.push(number);
    let slot = 0;
    return bodies.map(({ cycle, nodes: body, parent }, index) => {
      const indexes = [...body].map(
        (number) => this.#nodeIndex.get((this.#workflow.data.nodes[number] as NodeData).id) as number,
      );
      const start = indexes.reduce((least, each) => Math.min(least, each), nodes.length);
      const children = childrenOf[index] as number[];
      const direct = indexes.filter((each) => this.#regionOf[each] === index).length;
      let depth = 0;
      for (let outer = parent; outer !== -1; outer = bodies[outer]?.parent ?? -1) depth++;
      const feedback = cycle.feedback.map(({ from, to }): FeedbackSlot => {
        const node = this.#nodeIndex.get(to.node) as number;
        const target = nodes[node] as PlanNode;
        const input = target.inputs.findIndex((candidate) => candidate.port.name === to.port);
        const fed = target.inputs[input] as PlanInput;
        fed.feedback = [...fed.feedback, { slot, region: index }];
        return {
          slot: slot++,
          source: this.#sources.compile(from, index),
          node,
          input,
          text: `${describeSource(from)} → ${to.node}.${to.port}`,
        };
      });
      const tests = [...(this.#workflow.bindings.tests.get(cycle.id) ?? [])];
      const until = cycle.until === undefined ? undefined : this.#condition(cycle.until, index, tests);
      return new PlanRegion(
        index,
        cycle.id,
        cycle,
        parent,
        depth,
        start,
        start + indexes.length,
        children,
        direct + children.length,
        feedback,
        until,
      );
    });
  }

  /** @param tests the functions of its leaves; those that it needs are taken from the front */
  #condition(data: ConditionData, region: number, tests: ConditionTest[]): PlanCondition {
    const compile = (source: Source): PlanSource => this.#sources.compile(source, region);
    const parts = 'parts' in data ? data.parts.map((part) => this.#condition(part, region, tests)) : [];
    const named = 'named' in data ? Object.entries(data.named) : undefined;
    const watched =
      named === undefined
        ? 'of' in data
          ? compile(data.of)
          : undefined
        : new Map(named.map(([name, source]) => [name, compile(source)]));
    const test = data.kind === 'function' || data.kind === 'cel' ? tests.shift() : undefined;
    return new PlanCondition(data, watched, test, parts);
  }

  /** Whether an input with feedback has, as its other source, something that settles again in every iteration. */
  #uneven(dependencies: ReadonlySet<SubjectIndex>, later: ReadonlySet<SubjectIndex>, region: number): boolean {
    for (const subject of dependencies) {
      if (later.has(subject)) continue;
      const around =
        subject >= 0 ? (this.#regionOf[subject] as number) : (this.#structure.bodies[~subject]?.parent ?? -1);
      if (around !== -1 && region !== -1) return true;
    }
    return false;
  }

  #linkDependents(nodes: readonly PlanNode[], regions: readonly PlanRegion[]): void {
    const ofNodes: number[][] = nodes.map(() => []);
    const ofRegions: number[][] = regions.map(() => []);
    for (const node of nodes) {
      for (const subject of node.dependencies) {
        if (subject >= 0) (ofNodes[subject] as number[]).push(node.index);
        else (ofRegions[~subject] as number[]).push(node.index);
      }
    }
    for (const node of nodes) {
      node.dependents = ofNodes[node.index] as number[];
      for (const input of node.inputs) {
        if (input.feedback.length < 2) continue;
        const depth = ({ region }: { readonly region: number }): number => (regions[region] as PlanRegion).depth;
        input.feedback = [...input.feedback].sort((a, b) => depth(b) - depth(a));
      }
    }
    for (const region of regions) region.dependents = ofRegions[region.index] as number[];
  }
}

const plans = new WeakMap<Workflow, Plan>();

/** Compiles a workflow, once: the plan is cached by the frozen Workflow object. */
export function compile(workflow: Workflow): Plan {
  let plan = plans.get(workflow);
  if (plan === undefined) {
    plan = new Compiler(workflow).compile();
    plans.set(workflow, plan);
  }
  return plan;
}

const outside = new WeakMap<Plan, SourceCompiler>();

/** Compiles a source for a reader outside the graph: an output of the run, or whoever inspects a result. */
export function compileOutside(plan: Plan, source: Source): PlanSource {
  let compiler = outside.get(plan);
  if (compiler === undefined) {
    const regionOf = Int32Array.from(plan.nodes, (node) => node.region);
    const parents = plan.regions.map((region) => region.parent);
    compiler = new SourceCompiler(plan.workflow, plan.nodeIndex, plan.regionIndex, regionOf, parents);
    outside.set(plan, compiler);
  }
  return compiler.compile(source, -1);
}
