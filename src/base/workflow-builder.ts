import { checkBranches } from './branches.js';
import { compile } from './compile.js';
import type { Condition } from './condition.js';
import { connectionOf, inputOf } from './connection-text.js';
import { checkContract } from './contract-checks.js';
import { type CycleOptions, checkCycleOptions, cycleData } from './cycle-options.js';
import { didYouMean } from './did-you-mean.js';
import { ConfigurationError, textOf, WorkflowBuildError } from './errors.js';
import { INLINE_NAME } from './executor.js';
import type {
  CycleHandle,
  GateHandle,
  MapHandle,
  MultiSwitchHandle,
  NodeHandle,
  SubworkflowHandle,
  SwitchHandle,
  TriedSubworkflowHandle,
  TryHandle,
} from './handles.js';
import { FAILED, ITEMS } from './item-outcome.js';
import { checkJoin } from './joins.js';
import { knownNames } from './known-names.js';
import { isName } from './names.js';
import {
  type Bound,
  implementationOf,
  isBound,
  type NodeDefinition,
  type NodeFunction,
  type NodeImplementation,
  type PortSchemas,
  portSpecs,
} from './node.js';
import { capabilitiesOf, nodeData } from './node-data.js';
import { checkUseOptions, type RetryOptions, USE_FIELDS, type UseOptions } from './node-options.js';
import { checkGate, type GateOptions, gateOf, waysOf } from './nodes/gate.js';
import { type MapOptions, prepareMap } from './nodes/map.js';
import type { BoundWorkflow } from './nodes/subworkflow.js';
import { booleanCases, type CaseValue, type SwitchCase, switchImplementation } from './nodes/switch.js';
import { knownFields } from './option-checks.js';
import {
  asRef,
  type Both,
  type Delivered,
  homesOf,
  type InputHandle,
  InputPort,
  isBindings,
  type Ref,
  Reference,
  type RefScope,
  referenceOf,
  withHome,
} from './ref.js';
import { isThenable, type } from './schema.js';
import type { InferInput, InferOutput, StandardSchema } from './standard-schema.js';
import { type BuiltWorkflow, type Contract, Workflow } from './workflow.js';
import { checkWorkflow } from './workflow-checks.js';
import {
  type ConnectionData,
  type CycleData,
  freezeData,
  type JoinRule,
  type NodeData,
  type Source,
  type SwitchMode,
} from './workflow-data.js';

type ParamInputs<P extends PortSchemas> = {
  readonly [K in keyof P as undefined extends InferInput<P[K]> ? never : K]: InferInput<P[K]>;
} & { readonly [K in keyof P as undefined extends InferInput<P[K]> ? K : never]?: InferInput<P[K]> };

type FnInputs = Readonly<Record<string, unknown>>;
type FnValues<A> = { readonly [K in keyof A]: A[K] extends Ref<infer T, string> ? T : A[K] };
type FnWhen<A> = Both<{ [K in keyof A]: A[K] extends Ref<unknown, infer C> ? C : 'always' }[keyof A] | 'always'>;
type OutputRefs = Readonly<Record<string, Ref<unknown, string>>>;
type OutputsOf<O extends OutputRefs> = {
  readonly [K in keyof O]: O[K] extends Ref<infer T, infer C> ? Delivered<T, C> : never;
};

/** What `build` takes beside the graph. */
export interface BuildOptions<O extends OutputRefs> {
  /** Names and sources of the run's output. Default: none. */
  readonly outputs?: O;
}

function build(
  code: ConstructorParameters<typeof WorkflowBuildError>[0],
  what: string,
  at: string,
  value?: unknown,
): never {
  throw new WorkflowBuildError(code, what, { at, value });
}

/** Builds a workflow: add nodes, connect them through their handles, then `build()`. */
export class WorkflowBuilder<P extends PortSchemas> implements RefScope {
  /** The declared parameters, as references. */
  readonly params: { readonly [K in keyof P]: Ref<InferOutput<P[K]>> };
  readonly #name: string;
  readonly #parameters: PortSchemas;
  readonly #nodes = new Map<string, NodeData>();
  readonly #implementations = new Map<string, NodeImplementation>();
  readonly #retries = new Map<string, RetryOptions>();
  readonly #schemas = new Map<string, StandardSchema>();
  readonly #connections: ConnectionData[] = [];
  readonly #cycles = new Map<string, CycleData>();
  readonly #tests = new Map<string, Condition['tests']>();
  readonly #contracts = new Map<string, Contract[]>();
  #built = false;

  constructor(name: string, parameters: P) {
    if (!isName(name)) build('INVALID_NAME', `"${textOf(name)}" cannot be the name of a workflow.`, 'workflow', name);
    this.#name = name;
    this.#parameters = parameters;
    const refs: Record<string, unknown> = {};
    for (const { name: parameter } of portSpecs(parameters, name)) {
      refs[parameter] = new Reference({ kind: 'parameter', name: parameter, path: [] }, this);
    }
    this.params = knownNames(refs, (parameter, known) =>
      build(
        'UNKNOWN_PARAMETER',
        `Workflow "${name}" has no parameter "${parameter}". ${didYouMean(parameter, known)}`,
        parameter,
        parameter,
      ),
    ) as never;
  }

  /** @internal */
  keepSchema(schema: StandardSchema): string {
    const name = `schema${this.#schemas.size}`;
    this.#schemas.set(name, schema);
    return name;
  }

  /** Adds a workflow as a node: `add('short', other({ path }))`. It runs in the same run and log, in the scope `short/`. */
  add<const Id extends string, In, Out, C extends string, const J extends JoinRule = 'required'>(
    id: Id,
    bound: BoundWorkflow<In, Out, C>,
    options?: UseOptions & { readonly join?: J },
  ): SubworkflowHandle<Id, In, Out, J extends 'always' ? 'always' : C>;
  /** Adds a node. Options given here replace those of its definition, one capability at a time. */
  add<const Id extends string, In, Out, C extends string>(
    id: Id,
    bound: Bound<In, Out, C>,
    options?: UseOptions & { readonly join?: 'required' | 'all' | 'any' },
  ): NodeHandle<Id, In, Out, C>;
  add<const Id extends string, In, Out, C extends string>(
    id: Id,
    bound: Bound<In, Out, C>,
    options: UseOptions & { readonly join: 'always' },
  ): NodeHandle<Id, In, Out, 'always'>;
  add(id: string, bound: Bound<unknown, unknown, string>, options: UseOptions = {}): unknown {
    return this.#addBound(id, bound, options, 'add');
  }

  /** Adds a node that may fail: the run goes on, dependents see a dead port, `error` offers the error as data. */
  try<const Id extends string, In, Out, C extends string>(
    id: Id,
    bound: BoundWorkflow<In, Out, C>,
    options?: UseOptions,
  ): TriedSubworkflowHandle<Id, In, Out, C>;
  try<const Id extends string, In, Out, C extends string>(
    id: Id,
    bound: Bound<In, Out, C>,
    options?: UseOptions,
  ): TryHandle<Id, In, Out, C>;
  try(id: string, bound: Bound<unknown, unknown, string>, options: UseOptions = {}): unknown {
    const handle = this.#addBound(id, bound, options, 'try');
    const error = new Reference({ kind: 'output', node: id, port: '$error', path: [] }, this);
    return {
      ...handle,
      error,
      join: (cases: unknown) => this.#join(id, ['ok', 'failed'], cases),
    };
  }

  /**
   * Runs a node, or a workflow, for each item of a list: `map('all', rows.out.list, (row, i) => clean({ row, i }))`. The body is
   * called once, while building. It may also read outputs of this workflow.
   */
  map<const Id extends string, T, C extends string, In, Out, D extends string>(
    id: Id,
    list: Ref<readonly T[], C>,
    body: (item: Ref<T>, index: Ref<number>) => Bound<In, Out, D>,
    options: MapOptions = {},
  ): MapHandle<Id, Out, Both<C | D>> {
    this.#claim(id);
    const { implementation, inputs, use } = prepareMap(id, list, body, options);
    const { out } = this.#addBound(id, { implementation, inputs } as never, use, 'add');
    const port = (name: string): unknown => new Reference({ kind: 'output', node: id, port: name, path: [] }, this);
    return { id, out, items: port(ITEMS), failed: port(FAILED) } as never;
  }

  /**
   * Adds a node that waits for an answer from outside: somebody approves, rejects, or nobody does in time. A run in which only
   * gates are open returns with the status `waiting`.
   */
  gate<
    const Id extends string,
    const S extends FnInputs = Record<never, never>,
    A extends StandardSchema = StandardSchema<unknown>,
    const G extends GateOptions<S, A> = GateOptions<S, A>,
  >(
    id: Id,
    options: G & GateOptions<S, A> = {} as G,
    use: Pick<UseOptions, 'after' | 'join'> = {},
  ): GateHandle<Id, InferOutput<A>, G extends { readonly timeoutMs: number } ? true : false, FnWhen<S>> {
    this.#claim(id);
    checkGate(id, options);
    knownFields(use, ['after', 'join'], `gate "${id}"`);
    const { shows = {}, timeoutMs } = options;
    const handle = this.#addBound(id, { implementation: gateOf(options), inputs: shows } as never, use, 'add');
    return { ...handle, join: (cases: unknown) => this.#join(id, waysOf(timeoutMs), cases) } as never;
  }

  /** Adds a function as a node. It has the output port `value`, and an input port for each property of `inputs`. */
  fn<const Id extends string, const A extends FnInputs, T>(
    id: Id,
    inputs: A,
    run: (inputs: FnValues<A>) => T,
    options: UseOptions = {},
  ): NodeHandle<Id, FnValues<A>, { value: Awaited<T> }, FnWhen<A>> {
    this.#claim(id);
    if (typeof run !== 'function') build('INVALID_DEFINITION', `fn("${id}") was called without a function.`, id, run);
    this.#named(inputs, `fn("${id}") takes its inputs`, id);
    const call = run as NodeFunction;
    const wrap = (value: unknown): unknown => ({ value });
    const implementation = implementationOf({
      name: INLINE_NAME,
      run: (values, context) => {
        const result = call(values, context);
        return isThenable(result) ? Promise.resolve(result).then(wrap) : { value: result };
      },
      inputs: portSpecs(Object.fromEntries(Object.keys(inputs).map((port) => [port, type<unknown>()])), id),
      outputs: portSpecs({ value: type<unknown>() }, id),
      sourceText: Function.prototype.toString.call(run),
      async: Object.prototype.toString.call(run) === '[object AsyncFunction]',
    });
    return this.#addBound(id, { implementation, inputs } as never, options, 'add') as never;
  }

  /** Adds a node whose inputs are connected later, by `connect`; `config` holds literals. */
  node<const Id extends string, In, Out>(
    id: Id,
    definition: NodeDefinition<In, Out>,
    config: Partial<In> = {},
    options: UseOptions = {},
  ): NodeHandle<Id, In, Out, `if ${Id}`> {
    this.#claim(id);
    if (typeof definition !== 'function' || definition.implementation === undefined)
      build('INVALID_DEFINITION', `node("${id}") takes a definition made by defineNode().`, id, definition);
    this.#named(config, `node("${id}") takes its configuration`, id);
    const { implementation } = definition;
    return this.#addBound(id, { implementation, inputs: config } as never, options, 'add') as never;
  }

  /** Connects `'node.port'`, `'node.port.path'` or a reference to `'node.port'`. */
  connect(from: string | Ref<unknown, string>, to: string): this {
    this.#open();
    this.#connections.push(
      typeof from === 'string' || referenceOf(from) === undefined
        ? connectionOf(from, to)
        : { from: this.#sourceOf(from, `source of "${textOf(to)}"`), to: inputOf(to) },
    );
    return this;
  }

  /** Puts a contract on an input: a schema, a JSON Schema or ready-made rules that every value delivered to it must satisfy. */
  contract(input: InputHandle<never> | string, contract: Contract): this {
    this.#open();
    const handle: unknown = input;
    if (handle instanceof InputPort && handle.scope !== this)
      build('FOREIGN_REF', `The contract of "${handle.node}.${handle.port}" is for another workflow.`, 'contract');
    const { node, port } = handle instanceof InputPort ? handle : inputOf(handle);
    const key = `${node}.${port}`;
    checkContract(key, contract);
    const list = this.#contracts.get(key);
    if (list === undefined) this.#contracts.set(key, [contract]);
    else list.push(contract);
    return this;
  }

  /** Adds a switch on a boolean, with the cases `true` and `false`. */
  switch<const Id extends string, C extends string>(
    id: Id,
    on: Ref<boolean, C>,
  ): SwitchHandle<Id, { true: true; false: false }, C>;
  /** Adds a switch. Cases are tried in order and the first that matches is taken; without `otherwise`, no match fails the attempt. */
  switch<const Id extends string, T, C extends string, K extends Readonly<Record<string, SwitchCase<T>>>>(
    id: Id,
    on: Ref<T, C>,
    cases: K,
    options?: UseOptions & { readonly mode?: 'first' },
  ): SwitchHandle<Id, { [N in keyof K]: CaseValue<K[N], T> }, C>;
  /** Adds a switch that takes every case that matches. */
  switch<const Id extends string, T, C extends string, K extends Readonly<Record<string, SwitchCase<T>>>>(
    id: Id,
    on: Ref<T, C>,
    cases: K,
    options: UseOptions & { readonly mode: 'all' },
  ): MultiSwitchHandle<Id, { [N in keyof K]: CaseValue<K[N], T> }>;
  switch(
    id: string,
    on: unknown,
    cases: unknown = booleanCases,
    options: UseOptions & { readonly mode?: 'first' | 'all' } = {},
  ): unknown {
    knownFields(options, [...USE_FIELDS, 'mode'], `node "${textOf(id)}"`);
    const { mode = 'first', ...use } = options;
    return this.#addSwitch(id, on, cases, mode, use);
  }

  /** Adds a switch over a list: each item goes to its first case; a case without items is dead. */
  partition<const Id extends string, T, C extends string, K extends Readonly<Record<string, SwitchCase<T>>>>(
    id: Id,
    on: Ref<readonly T[], C>,
    cases: K,
    options: UseOptions = {},
  ): MultiSwitchHandle<Id, { [N in keyof K]: CaseValue<K[N], T>[] }> {
    return this.#addSwitch(id, on, cases, 'partition', options) as never;
  }

  /** Declares a cycle: which outputs are fed back to which inputs, and when it stops. */
  cycle<const Id extends string>(id: Id, options: CycleOptions): CycleHandle<Id> {
    this.#claim(id);
    checkCycleOptions(id, options);
    for (const made of [...options.feedback, ...(options.until === undefined ? [] : [options.until])]) {
      if (homesOf(made).every((home) => home === this)) continue;
      build('FOREIGN_REF', `Cycle "${id}" reads a reference of another workflow.`, id);
    }
    this.#cycles.set(id, cycleData(id, options));
    if (options.until !== undefined) this.#tests.set(id, options.until.tests);
    return { id, out: this.#outs(id, ['reason', 'iterations']) } as never;
  }

  /**
   * Checks everything and freezes the workflow.
   *
   * @throws WorkflowBuildError naming what is wrong, where, and what was probably meant
   */
  build<const O extends OutputRefs = Record<never, never>>(
    options: BuildOptions<O> = {},
  ): BuiltWorkflow<ParamInputs<P>, OutputsOf<O>> {
    this.#open();
    knownFields(options, ['outputs'], 'build');
    const outputs: Record<string, Source> = {};
    const { outputs: named = {} } = options;
    this.#named(named, 'build() takes its outputs', 'outputs');
    for (const [name, ref] of Object.entries(named)) {
      if (!isName(name)) build('INVALID_NAME', `Output "${name}" cannot be a name.`, name, name);
      outputs[name] = this.#sourceOf(ref, `output ${name}`);
    }
    const specs = portSpecs(this.#parameters, this.#name);
    const data = {
      format: 1 as const,
      name: this.#name,
      parameters: specs.map(({ name, optional }) => ({ name, optional })),
      nodes: [...this.#nodes.values()],
      connections: [...this.#connections],
      cycles: [...this.#cycles.values()],
      outputs,
    };
    const bindings = {
      implementations: this.#implementations,
      retries: this.#retries,
      parameters: new Map(specs.map((spec) => [spec.name, spec])),
      schemas: this.#schemas,
      tests: this.#tests,
      contracts: this.#contracts,
    };
    checkWorkflow(data, bindings);
    const built = new Workflow<ParamInputs<P>, OutputsOf<O>>(freezeData(data), Object.freeze(bindings));
    checkBranches(compile(built));
    this.#built = true;
    return withHome(built, this) as BuiltWorkflow<ParamInputs<P>, OutputsOf<O>>;
  }

  #open(): void {
    if (this.#built) build('ALREADY_BUILT', `Workflow "${this.#name}" is built already.`, this.#name);
  }

  #claim(id: string): void {
    this.#open();
    if (!isName(id)) build('INVALID_NAME', `"${textOf(id)}" cannot be the id of a node.`, textOf(id), id);
    if (this.#nodes.has(id) || this.#cycles.has(id))
      build('DUPLICATE_ID', `Workflow "${this.#name}" has two parts with the id "${id}".`, id);
  }

  #named(value: unknown, what: string, at: string): void {
    if (!isBindings(value)) build('INVALID_DEFINITION', `${what} as an object, by name.`, at, value);
  }

  #sourceOf(ref: unknown, at: string): Source {
    const reference = referenceOf(ref);
    if (reference === undefined) return build('INVALID_DEFINITION', `The ${at} is not a reference.`, at, ref);
    if (reference.scope !== this) build('FOREIGN_REF', `The ${at} reads a reference of another workflow.`, at);
    return reference.source;
  }

  #addSwitch(id: string, on: unknown, cases: unknown, mode: SwitchMode, use: UseOptions): unknown {
    this.#claim(id);
    const implementation = switchImplementation(id, cases, mode);
    const names = implementation.outputs.map((port) => port.name);
    const handle = this.#addBound(id, { implementation, inputs: { value: on } } as never, use, 'add');
    return mode === 'first' ? { ...handle, join: (sources: unknown) => this.#join(id, names, sources) } : handle;
  }

  #join(owner: string, names: readonly string[], cases: unknown): unknown {
    checkJoin(owner, names, cases);
    const sources: Record<string, Source> = {};
    for (const name of names) sources[name] = this.#sourceOf(cases[name], `case ${owner}.${name}`);
    const parts = names.map((name) => cases[name] as Reference);
    return asRef(new Reference({ kind: 'join', owner, cases: sources }, this, parts));
  }

  #outs(id: string, ports: readonly string[]): Record<string, Reference> {
    const outs: Record<string, Reference> = {};
    for (const port of ports) outs[port] = new Reference({ kind: 'output', node: id, port, path: [] }, this);
    return this.#ports(outs, id, 'output');
  }

  #ports<T extends object>(ports: T, id: string, kind: 'input' | 'output'): T {
    return knownNames(ports, (name, known) =>
      build('UNKNOWN_PORT', `"${id}" has no ${kind} "${name}". ${didYouMean(name, known)}`, `${id}.${name}`, name),
    );
  }

  #addBound(id: string, bound: Bound<unknown, unknown, string>, options: UseOptions, by: 'add' | 'try') {
    this.#claim(id);
    if (!isBound(bound)) {
      build(
        'INVALID_DEFINITION',
        `${by}("${id}") takes a called definition, such as clean({ rows }), not the definition itself.`,
        id,
        bound,
      );
    }
    const { implementation } = bound;
    checkUseOptions(options, `node "${id}"`);
    const config: Record<string, unknown> = {};
    const connections: ConnectionData[] = [];
    for (const [port, value] of Object.entries(bound.inputs)) {
      if (value === undefined) continue;
      if (referenceOf(value) === undefined) config[port] = value;
      else connections.push({ from: this.#sourceOf(value, `input ${id}.${port}`), to: { node: id, port } });
    }
    const capabilities = capabilitiesOf(id, implementation, options);
    const failure = by === 'try' ? 'is allowed' : 'fails the run';
    this.#nodes.set(id, nodeData(id, implementation, config, options, capabilities, failure));
    if (capabilities.retry !== undefined) this.#retries.set(id, capabilities.retry);
    this.#implementations.set(id, implementation);
    for (const connection of connections) this.#connections.push(connection);
    const ins: Record<string, InputPort> = {};
    for (const { name } of implementation.inputs) ins[name] = new InputPort(id, name, this);
    return {
      id,
      in: this.#ports(ins, id, 'input'),
      out: this.#outs(
        id,
        implementation.outputs.map((port) => port.name),
      ),
    };
  }
}

/** What a workflow declares before its first node. */
export interface WorkflowConfig<P extends PortSchemas> {
  /** Parameters, each with its schema. `execute` checks names, types and missing ones. Default: none. */
  readonly params?: P;
}

/**
 * Starts a workflow.
 *
 * @throws WorkflowBuildError INVALID_NAME; ConfigurationError INVALID_DEFINITION, INVALID_OPTION, UNKNOWN_OPTION
 */
// biome-ignore lint/complexity/noBannedTypes: no parameters is the default
export function workflow<const P extends PortSchemas = {}>(
  name: string,
  config: WorkflowConfig<P> = {},
): WorkflowBuilder<P> {
  const at = `workflow "${textOf(name)}"`;
  knownFields(config, ['params'], at);
  const { params = {} as P } = config;
  if (!isBindings(params))
    throw new ConfigurationError('INVALID_DEFINITION', `The params of ${at} are not an object of schemas.`, {
      at,
      value: params,
    });
  return new WorkflowBuilder(name, params);
}
