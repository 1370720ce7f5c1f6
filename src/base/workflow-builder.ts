import { checkBranches } from './branches.js';
import { compile } from './compile.js';
import type { Condition } from './condition.js';
import { checkContract } from './contract-checks.js';
import { type CycleOptions, checkCycleOptions, cycleData } from './cycle-options.js';
import { didYouMean } from './did-you-mean.js';
import { ConfigurationError, WorkflowBuildError } from './errors.js';
import type { CycleHandle, MultiSwitchHandle, NodeHandle, SwitchHandle, TryHandle } from './handles.js';
import { isName } from './names.js';
import {
  type Bound,
  implementationOf,
  type NodeDefinition,
  type NodeFunction,
  type NodeImplementation,
  type PortSchemas,
  portSpecs,
} from './node.js';
import {
  checkUseOptions,
  knownFields,
  type NodeCapabilities,
  type RetryOptions,
  retryData,
  type Subject,
  type UseOptions,
} from './node-options.js';
import { booleanCases, type CaseValue, type SwitchCase, switchImplementation } from './nodes/switch.js';
import {
  asRef,
  type Both,
  type Delivered,
  homesOf,
  type InputHandle,
  InputPort,
  type Ref,
  Reference,
  type RefScope,
  referenceOf,
  withHome,
} from './ref.js';
import { isThenable, type } from './schema.js';
import type { InferInput, InferOutput, StandardSchema } from './standard-schema.js';
import { type Contract, Workflow } from './workflow.js';
import { checkWorkflow } from './workflow-checks.js';
import { type ConnectionData, type CycleData, freezeData, type NodeData, type Source } from './workflow-data.js';

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
  readonly #tests = new Map<string, Condition['test']>();
  readonly #contracts = new Map<string, Contract[]>();
  #built = false;

  constructor(name: string, parameters: P) {
    if (!isName(name)) build('INVALID_NAME', `"${String(name)}" cannot be the name of a workflow.`, 'workflow', name);
    this.#name = name;
    this.#parameters = parameters;
    const refs: Record<string, unknown> = {};
    for (const { name: parameter } of portSpecs(parameters, name)) {
      refs[parameter] = new Reference({ kind: 'parameter', name: parameter, path: [] }, this);
    }
    this.params = refs as never;
  }

  /** @internal */
  keepSchema(schema: StandardSchema): string {
    const name = `schema${this.#schemas.size}`;
    this.#schemas.set(name, schema);
    return name;
  }

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
    return this.#addBound(id, bound, options, false);
  }

  /** Adds a node that may fail: the run goes on, dependents see a dead port, `error` offers the error as data. */
  try<const Id extends string, In, Out, C extends string>(
    id: Id,
    bound: Bound<In, Out, C>,
    options: UseOptions = {},
  ): TryHandle<Id, In, Out, C> {
    const handle = this.#addBound(id, bound, options, true);
    const error = new Reference({ kind: 'output', node: id, port: '$error', path: [] }, this);
    return {
      ...handle,
      error,
      join: (cases: Readonly<Record<string, unknown>>) => this.#join(id, ['ok', 'failed'], cases),
    } as never;
  }

  /** Adds a function as a node. It has the output port `value`, and an input port for each property of `inputs`. */
  fn<const Id extends string, const A extends FnInputs, T>(
    id: Id,
    inputs: A,
    run: (inputs: FnValues<A>) => T,
    options: UseOptions = {},
  ): NodeHandle<Id, FnValues<A>, { value: Awaited<T> }, FnWhen<A>> {
    if (typeof run !== 'function') build('INVALID_DEFINITION', `fn("${id}") was called without a function.`, id, run);
    const call = run as NodeFunction;
    const wrap = (value: unknown): unknown => ({ value });
    const implementation = implementationOf({
      name: 'lockstep.fn',
      run: (values, context) => {
        const result = call(values, context);
        return isThenable(result) ? Promise.resolve(result).then(wrap) : { value: result };
      },
      inputs: portSpecs(Object.fromEntries(Object.keys(inputs).map((port) => [port, type<unknown>()])), id),
      outputs: portSpecs({ value: type<unknown>() }, id),
      sourceText: Function.prototype.toString.call(run),
      async: Object.prototype.toString.call(run) === '[object AsyncFunction]',
    });
    return this.#addBound(id, { implementation, inputs } as never, options, false) as never;
  }

  /** Adds a node whose inputs are connected later, by `connect`; `config` holds literals. */
  node<const Id extends string, In, Out>(
    id: Id,
    definition: NodeDefinition<In, Out>,
    config: Partial<In> = {},
    options: UseOptions = {},
  ): NodeHandle<Id, In, Out, `if ${Id}`> {
    const { implementation } = definition;
    return this.#addBound(id, { implementation, inputs: config } as never, options, false) as never;
  }

  /** Connects `'node.port'` or `'node.port.path'` to `'node.port'`. */
  connect(from: string, to: string): this {
    this.#open();
    const [source, output, ...path] = from.split('.');
    const [target, input, ...rest] = to.split('.');
    if (!source || !output) build('UNKNOWN_PORT', `"${from}" does not name a node and a port.`, from);
    if (!target || !input || rest.length > 0) build('UNKNOWN_PORT', `"${to}" does not name a node and an input.`, to);
    this.#connections.push({
      from: { kind: 'output', node: source, port: output, path },
      to: { node: target, port: input },
    });
    return this;
  }

  /** Puts a contract on an input: a schema, a JSON Schema or ready-made rules that every value delivered to it must satisfy. */
  contract(input: InputHandle<never> | string, contract: Contract): this {
    this.#open();
    const key = typeof input === 'string' ? input : `${input.node}.${input.port}`;
    if (key.split('.').length !== 2) build('UNKNOWN_PORT', `"${key}" does not name a node and an input.`, key);
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
    cases: Readonly<Record<string, unknown>> = booleanCases,
    options: UseOptions & { readonly mode?: 'first' | 'all' } = {},
  ): unknown {
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
    if (options.until !== undefined) this.#tests.set(id, options.until.test);
    return { id, out: this.#outs(id, ['reason', 'iterations']) } as never;
  }

  /**
   * Checks everything and freezes the workflow.
   *
   * @throws WorkflowBuildError naming what is wrong, where, and what was probably meant
   */
  build<const O extends OutputRefs = Record<never, never>>(
    options: BuildOptions<O> = {},
  ): Workflow<ParamInputs<P>, OutputsOf<O>> {
    this.#open();
    knownFields(options, ['outputs'], 'build');
    const outputs: Record<string, Source> = {};
    for (const [name, ref] of Object.entries(options.outputs ?? {})) {
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
    return withHome(built, this);
  }

  #open(): void {
    if (this.#built) build('ALREADY_BUILT', `Workflow "${this.#name}" is built already.`, this.#name);
  }

  #claim(id: string): void {
    this.#open();
    if (!isName(id)) build('INVALID_NAME', `"${String(id)}" cannot be the id of a node.`, String(id), id);
    if (this.#nodes.has(id) || this.#cycles.has(id))
      build('DUPLICATE_ID', `Workflow "${this.#name}" has two parts with the id "${id}".`, id);
  }

  #sourceOf(ref: unknown, at: string): Source {
    const reference = referenceOf(ref);
    if (reference === undefined) return build('INVALID_DEFINITION', `The ${at} is not a reference.`, at, ref);
    if (reference.scope !== this) build('FOREIGN_REF', `The ${at} reads a reference of another workflow.`, at);
    return reference.source;
  }

  #addSwitch(
    id: string,
    on: unknown,
    cases: Readonly<Record<string, unknown>>,
    mode: 'first' | 'all' | 'partition',
    use: UseOptions,
  ): unknown {
    const implementation = switchImplementation(id, cases, mode);
    const handle = this.#addBound(id, { implementation, inputs: { value: on } } as never, use, false);
    return mode === 'first'
      ? { ...handle, join: (sources: Readonly<Record<string, unknown>>) => this.#join(id, Object.keys(cases), sources) }
      : handle;
  }

  #join(owner: string, names: readonly string[], cases: Readonly<Record<string, unknown>>): unknown {
    const given = Object.keys(cases);
    const missing = names.filter((name) => !given.includes(name));
    if (missing.length > 0)
      build(
        'JOIN_CASES',
        `The join of "${owner}" leaves out ${missing.map((name) => `"${name}"`).join(', ')}.`,
        owner,
        missing,
      );
    const unknown = given.find((name) => !names.includes(name));
    if (unknown !== undefined)
      build('JOIN_CASES', `"${owner}" has no case "${unknown}". ${didYouMean(unknown, names)}`, owner, unknown);
    const sources: Record<string, Source> = {};
    for (const name of names) sources[name] = this.#sourceOf(cases[name], `case ${owner}.${name}`);
    return asRef(new Reference({ kind: 'join', owner, cases: sources }, this));
  }

  #outs(id: string, ports: readonly string[]): Record<string, Reference> {
    const outs: Record<string, Reference> = {};
    for (const port of ports) outs[port] = new Reference({ kind: 'output', node: id, port, path: [] }, this);
    return outs;
  }

  #addBound(id: string, bound: Bound<unknown, unknown, string>, options: UseOptions, allowFailure: boolean) {
    this.#claim(id);
    const implementation = bound?.implementation;
    if (typeof bound !== 'object' || implementation === undefined) {
      build(
        'INVALID_DEFINITION',
        `add("${id}") takes a called definition, such as clean({ rows }), not the definition itself.`,
        id,
        bound,
      );
    }
    checkUseOptions(options, `node "${id}"`);
    const config: Record<string, unknown> = {};
    const connections: ConnectionData[] = [];
    for (const [port, value] of Object.entries(bound.inputs)) {
      if (value === undefined) continue;
      if (referenceOf(value) === undefined) config[port] = value;
      else connections.push({ from: this.#sourceOf(value, `input ${id}.${port}`), to: { node: id, port } });
    }
    this.#nodes.set(id, this.#nodeData(id, implementation, config, options, allowFailure));
    this.#implementations.set(id, implementation);
    for (const connection of connections) this.#connections.push(connection);
    const ins: Record<string, InputPort> = {};
    for (const { name } of implementation.inputs) ins[name] = new InputPort(id, name, this);
    return {
      id,
      in: ins,
      out: this.#outs(
        id,
        implementation.outputs.map((port) => port.name),
      ),
    };
  }

  #nodeData(
    id: string,
    implementation: NodeImplementation,
    config: Readonly<Record<string, unknown>>,
    options: UseOptions,
    allowFailure: boolean,
  ): NodeData {
    const capabilities: NodeCapabilities = { ...implementation.capabilities, ...options };
    const { retry, timeoutMs, softTimeoutMs, totalTimeoutMs } = capabilities;
    if (timeoutMs !== undefined && softTimeoutMs !== undefined && softTimeoutMs >= timeoutMs) {
      throw new ConfigurationError(
        'INVALID_OPTION',
        `node "${id}".softTimeoutMs must be less than timeoutMs (${timeoutMs}).`,
        { at: id, value: softTimeoutMs },
      );
    }
    if (retry !== undefined) this.#retries.set(id, retry);
    const after = options.after === undefined ? [] : ([options.after].flat() as Subject[]);
    return Object.freeze({
      id,
      kind: implementation.switch === undefined ? 'function' : 'switch',
      use: implementation.identity,
      config: Object.freeze(config),
      join: options.join ?? 'required',
      after: Object.freeze(after.map((subject) => (typeof subject === 'string' ? subject : subject.id))),
      allowFailure,
      ...(retry === undefined ? {} : { retry: retryData(retry) }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(softTimeoutMs === undefined ? {} : { softTimeoutMs }),
      ...(totalTimeoutMs === undefined ? {} : { totalTimeoutMs }),
      ...(implementation.switch === undefined ? {} : { switch: implementation.switch }),
    });
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
 * @throws WorkflowBuildError INVALID_NAME; ConfigurationError UNKNOWN_OPTION
 */
// biome-ignore lint/complexity/noBannedTypes: no parameters is the default
export function workflow<const P extends PortSchemas = {}>(
  name: string,
  config: WorkflowConfig<P> = {},
): WorkflowBuilder<P> {
  knownFields(config, ['params'], `workflow "${String(name)}"`);
  return new WorkflowBuilder(name, (config.params ?? {}) as P);
}
