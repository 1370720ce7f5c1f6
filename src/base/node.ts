import { didYouMean } from './did-you-mean.js';
import { ConfigurationError, textOf } from './errors.js';
import type { ExecutorReference } from './executor-port.js';
import { isName } from './names.js';
import type { NodeContext } from './node-context.js';
import { CAPABILITY_FIELDS, checkCapabilities, frozenCapabilities, type NodeCapabilities } from './node-options.js';
import { checkWord, knownFields } from './option-checks.js';
import type { ModuleReference } from './ports.js';
import { isRecord } from './record.js';
import { type Both, isBindings, type Ref } from './ref.js';
import { acceptsUndefined, isSchema, isUnchecked } from './schema.js';
import type { InferInput, InferOutput, StandardSchema } from './standard-schema.js';
import type { MapData, NodeIdentity, NodeKind, SwitchData, WorkflowData } from './workflow-data.js';

/** Named ports, each with the schema of its value. */
export type PortSchemas = Readonly<Record<string, StandardSchema>>;

type OptionalKeys<P extends PortSchemas> = { [K in keyof P]: undefined extends InferInput<P[K]> ? K : never }[keyof P];

/** What may be bound to the inputs of a node: the types its schemas accept, optional where they accept `undefined`. */
export type InputValues<P extends PortSchemas> = {
  readonly [K in Exclude<keyof P, OptionalKeys<P>>]: InferInput<P[K]>;
} & { readonly [K in OptionalKeys<P>]?: InferInput<P[K]> } extends infer V
  ? { readonly [K in keyof V]: V[K] }
  : never;

/** What a node sees: the types its schemas yield. */
export type RunInputs<P extends PortSchemas> = { readonly [K in keyof P]: InferOutput<P[K]> };

/** What a node returns: one property for each output port. Output values are checked, never replaced. */
export type OutputValues<P extends PortSchemas> = {
  [K in Exclude<keyof P, OptionalKeys<P>>]: InferInput<P[K]>;
} & { [K in OptionalKeys<P>]?: InferInput<P[K]> } extends infer V
  ? { [K in keyof V]: V[K] }
  : never;

/** The same type, for reading only: what a node returns is shared and no longer changed, so it may be read-only all the way down. */
export type Shared<T> = T extends (...args: never[]) => unknown
  ? T
  : T extends object
    ? { readonly [K in keyof T]: Shared<T[K]> }
    : T;

/** What `run` may return, or promise. */
export type RunOutput<P extends PortSchemas> = Shared<OutputValues<P>>;

/** The values that an output port can carry, by port. */
export type PortValues<P extends PortSchemas> = { readonly [K in keyof P]: InferInput<P[K]> };

/** Inputs as they are bound in a workflow: a reference or a literal each. `R` and `P` collect the branches they depend on. */
export type Bindable<In, R extends string, P extends string> = {
  readonly [K in keyof In]: Ref<In[K], undefined extends In[K] ? P : R> | In[K];
};

/** The branches on which a node depends, given those of its required (`R`) and of its optional inputs (`P`). */
export type NodeWhen<R extends string, P extends string> = [Exclude<R, 'always'>] extends [never]
  ? 'always' extends R | P
    ? 'always'
    : Both<P>
  : Exclude<R, 'always'>;

declare const boundType: unique symbol;

/** A definition with its inputs bound: what `workflow.add` takes. Binding runs nothing. */
export interface Bound<In, Out, C extends string> {
  readonly [boundType]: { readonly in: In; readonly out: Out; readonly when: C };
  readonly implementation: NodeImplementation;
  readonly inputs: Readonly<Record<string, unknown>>;
}

type BindRequired<In, Out> = <R extends string = never, P extends string = never>(
  inputs: Bindable<In, R, P>,
) => Bound<In, Out, NodeWhen<R, P>>;

type BindOptional<In, Out> = <R extends string = never, P extends string = never>(
  inputs?: Bindable<In, R, P>,
) => Bound<In, Out, NodeWhen<R, P>>;

type BindNothing<In, Out> = (inputs?: Readonly<Record<string, never>>) => Bound<In, Out, 'always'>;

/** A node definition. Call it with references or literals to bind its inputs, then `add` the result to a workflow. */
export type NodeDefinition<In, Out> = ([keyof In] extends [never]
  ? BindNothing<In, Out>
  : // biome-ignore lint/complexity/noBannedTypes: `{}` is the test for "no required key"
    {} extends In
    ? BindOptional<In, Out>
    : BindRequired<In, Out>) & {
  readonly implementation: NodeImplementation;
};

/** A port as the kernel sees it. */
export interface PortSpec {
  readonly name: string;
  readonly schema: StandardSchema;
  /** `type<T>()`: the schema is never asked. */
  readonly unchecked: boolean;
  /** The schema accepts `undefined`. */
  readonly optional: boolean;
  /** Takes several connections and delivers the live ones as an array. */
  readonly variadic: boolean;
}

/** What a node returns from `run`, before anything is known of it. */
export type NodeFunction = (inputs: Readonly<Record<string, unknown>>, context: NodeContext) => unknown;

/** A node as the kernel runs it: its function, and everything that was declared about it. */
export interface NodeImplementation {
  readonly identity: NodeIdentity;
  readonly inputs: readonly PortSpec[];
  readonly outputs: readonly PortSpec[];
  readonly run: NodeFunction;
  /** Text that identifies an unversioned implementation: the source of its functions. */
  readonly sourceText: string;
  readonly async: boolean;
  readonly secrets: readonly string[];
  readonly state: StandardSchema | undefined;
  readonly frozenInputs: boolean;
  readonly capabilities: NodeCapabilities;
  /** Where the function stands, if a thread can load it: LocalRuntime then performs the node through its SyncBridge. */
  readonly module?: ModuleReference;
  /** Who performs it instead of `run`, which is not called then. */
  readonly executor?: ExecutorReference;
  readonly kind: NodeKind;
  /** Which of its output ports are live once it completed: every one, exactly one, or some. */
  readonly delivers: Delivery;
  /** What a switch adds to the data of its node. */
  readonly switch?: SwitchData;
  /** What a map adds to the data of its node. */
  readonly map?: MapData;
  /** The graph of the children of a map or subworkflow. The machine owns them: `run` is never called. */
  readonly child?: ChildWorkflow;
  /** What a gate accepts. The machine waits for it: `run` is never called. */
  readonly gate?: GateSpec;
}

/** A workflow as the node that runs it refers to it: always a `Workflow`, see `childOf`. */
export interface ChildWorkflow {
  readonly name: string;
  readonly data: WorkflowData;
  readonly bindings: { readonly parameters: ReadonlyMap<string, PortSpec> };
}

/** Which output ports of a node are live once it completed. */
export type Delivery = 'every' | 'one' | 'some';

/** What a gate waits for. */
export interface GateSpec {
  /** Schema of the answer; `undefined`: any value, `null` where none is given. */
  readonly answer: StandardSchema | undefined;
  /** Milliseconds after which it times out; `undefined`: never. */
  readonly timeoutMs: number | undefined;
}

/** Whether LocalRuntime lets a thread perform it. */
export function isRemote({ module, executor }: NodeImplementation): boolean {
  return module !== undefined || executor !== undefined;
}

/** What a node definition says. */
export interface NodeConfig<
  I extends PortSchemas,
  O extends PortSchemas,
  S extends StandardSchema,
  R extends RunOutput<O> = RunOutput<O>,
  N extends string = string,
> extends NodeCapabilities {
  /** The name under which the node is known and hashed. */
  readonly name: string;
  /** Part of the node's identity. Without it, identity is a digest of the function's source, which does not see captured values. */
  readonly version?: string;
  /** Input ports. Default: none. */
  readonly inputs?: I;
  /** Output ports. */
  readonly outputs: O;
  /** `'frozen'`: plain objects and arrays among the inputs are deep-frozen before the node sees them. Default: shared as they are. */
  readonly inputMode?: 'shared' | 'frozen';
  /** Names of the secrets that `context.secret` may read. Default: none. */
  readonly secrets?: readonly N[];
  /** Schema of the node's own state in a run. It starts as what the schema makes of `undefined`, which it must accept. */
  readonly state?: S;
  /** Declares that `run` returns a promise. Known by itself for `async` functions. */
  readonly async?: boolean;
  /** Does the work. Called once for every attempt. */
  readonly run: (inputs: RunInputs<I>, context: NodeContext<InferOutput<S>, N>) => R | Promise<R>;
}

/** What a definition may say. */
export const NODE_FIELDS: readonly string[] = [
  ...['name', 'version', 'inputs', 'outputs', 'inputMode', 'secrets', 'state', 'async', 'run'],
  ...CAPABILITY_FIELDS,
];

const VARIADIC = Symbol('lockstep.variadic');

/** An input that takes several connections and gets the live ones as an array, in the order of declaration. `schema` describes the array. */
export function variadic<S extends StandardSchema<readonly unknown[], unknown>>(schema: S): S {
  if (!isSchema(schema)) invalid('variadic() takes a Standard Schema.', 'variadic', schema);
  const wrapped = Object.create(schema) as S;
  Object.defineProperty(wrapped, VARIADIC, { value: true });
  return wrapped;
}

function invalid(what: string, at: string, value?: unknown): never {
  throw new ConfigurationError('INVALID_DEFINITION', what, { at, value });
}

/** Checks and describes ports. `node` is used in messages. */
export function portSpecs(ports: PortSchemas, node: string): readonly PortSpec[] {
  return Object.entries(ports).map(([name, schema]) => {
    const at = `${node}.${name}`;
    if (!isName(name))
      throw new ConfigurationError('INVALID_NAME', `Port "${name}" of node "${node}" cannot be a name.`, {
        at,
        value: name,
      });
    if (!isSchema(schema)) {
      invalid(
        `Port "${at}" has no Standard Schema. Use a schema library such as zod, or type<T>() for a port without a check.`,
        at,
        schema,
      );
    }
    return Object.freeze({
      name,
      schema,
      unchecked: isUnchecked(schema),
      optional: acceptsUndefined(schema),
      variadic: VARIADIC in schema,
    });
  });
}

function isAsyncFunction(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object AsyncFunction]';
}

/** Makes a callable definition of an implementation. */
export function definitionOf<In, Out>(implementation: NodeImplementation): NodeDefinition<In, Out> {
  const known = implementation.inputs.map((port) => port.name);
  const bind = (inputs: Readonly<Record<string, unknown>> = {}): unknown => {
    if (!isBindings(inputs)) {
      const { name } = implementation.identity;
      invalid(`Node "${name}" takes its inputs as an object of references and literals.`, name, inputs);
    }
    for (const name of Object.keys(inputs)) {
      if (known.includes(name)) continue;
      const at = `${implementation.identity.name}.${name}`;
      throw new ConfigurationError(
        'UNKNOWN_PORT',
        `Node "${implementation.identity.name}" has no input "${name}". ${didYouMean(name, known)}`,
        { at, value: name },
      );
    }
    return Object.freeze({ implementation, inputs: Object.freeze({ ...inputs }) });
  };
  return Object.assign(bind, { implementation }) as unknown as NodeDefinition<In, Out>;
}

/** Whether a value is a definition with its inputs bound, and not the definition itself. */
export function isBound(value: unknown): value is Bound<unknown, unknown, string> {
  if (!isRecord(value)) return false;
  const { implementation, inputs } = value;
  return isRecord(implementation) && typeof implementation.run === 'function' && isBindings(inputs);
}

/** Makes an implementation of a plain function: the common part of `defineNode`, `workflow.fn` and the built-in nodes. */
export function implementationOf(parts: {
  readonly name: string;
  readonly run: NodeFunction;
  readonly inputs: readonly PortSpec[];
  readonly outputs: readonly PortSpec[];
  readonly version?: string | undefined;
  readonly sourceText?: string;
  readonly async?: boolean | undefined;
  readonly secrets?: readonly string[] | undefined;
  readonly state?: StandardSchema | undefined;
  readonly frozenInputs?: boolean;
  readonly capabilities?: NodeCapabilities;
  readonly kind?: NodeKind;
  readonly delivers?: Delivery;
  readonly switch?: SwitchData;
  readonly map?: MapData;
  readonly child?: ChildWorkflow;
  readonly gate?: GateSpec;
}): NodeImplementation {
  const { name, version, run } = parts;
  return Object.freeze({
    identity: version === undefined ? { name, unversioned: true as const } : { name, version },
    inputs: parts.inputs,
    outputs: parts.outputs,
    run,
    sourceText: parts.sourceText ?? Function.prototype.toString.call(run),
    async: parts.async ?? isAsyncFunction(run),
    secrets: parts.secrets ?? [],
    state: parts.state,
    frozenInputs: parts.frozenInputs ?? false,
    capabilities: parts.capabilities ?? {},
    kind: parts.kind ?? 'function',
    delivers: parts.delivers ?? 'every',
    ...(parts.switch === undefined ? {} : { switch: parts.switch }),
    ...(parts.map === undefined ? {} : { map: parts.map }),
    ...(parts.child === undefined ? {} : { child: parts.child }),
    ...(parts.gate === undefined ? {} : { gate: parts.gate }),
  });
}

/** The first visit sees what the schema makes of `undefined`: one that refuses it would show a state of the wrong type. */
function checkState(state: StandardSchema | undefined, name: string): void {
  if (state === undefined) return;
  if (!isSchema(state)) invalid(`The state of node "${name}" has no Standard Schema.`, name, state);
  if (acceptsUndefined(state)) return;
  invalid(
    `The state of node "${name}" has no value to start with: give its schema a default, or make it optional.`,
    name,
    state,
  );
}

/**
 * Defines a node: typed ports and a function. Each port takes any Standard Schema; `type<T>()` is a port without a check.
 *
 * Called once, at module load. A schema is asked once whether it accepts `undefined`; that makes its port optional.
 *
 * @throws ConfigurationError INVALID_DEFINITION, INVALID_NAME, INVALID_OPTION or UNKNOWN_OPTION, naming the field
 */
export function defineNode<
  // biome-ignore lint/complexity/noBannedTypes: no ports is the default
  const I extends PortSchemas = {},
  const O extends PortSchemas = PortSchemas,
  S extends StandardSchema = StandardSchema<undefined>,
  const R extends RunOutput<O> = RunOutput<O>,
  N extends string = never,
>(config: NodeConfig<I, O, S, R, N>): NodeDefinition<InputValues<I>, PortValues<O>> {
  if (!isRecord(config)) invalid('defineNode() takes an object.', 'defineNode', config);
  const { name } = config;
  if (!isName(name))
    throw new ConfigurationError('INVALID_NAME', `"${textOf(name)}" cannot be the name of a node.`, {
      at: 'defineNode',
      value: name,
    });
  knownFields(config, NODE_FIELDS, `node "${name}"`);
  if (typeof config.run !== 'function') invalid(`Node "${name}" has no run function.`, name, config.run);
  if (!isRecord(config.outputs)) invalid(`Node "${name}" declares no outputs.`, name, config.outputs);
  if (config.inputs !== undefined && !isRecord(config.inputs))
    invalid(`The inputs of node "${name}" are not an object of schemas.`, name, config.inputs);
  checkState(config.state, name);
  if (config.version !== undefined && (typeof config.version !== 'string' || config.version === '')) {
    invalid(`The version of node "${name}" must be a non-empty string.`, name, config.version);
  }
  const { secrets = [] } = config;
  if (!Array.isArray(secrets) || secrets.some((secret) => typeof secret !== 'string'))
    invalid(`The secrets of node "${name}" are not a list of names.`, name, secrets);
  if (config.async !== undefined && typeof config.async !== 'boolean')
    invalid(`The async of node "${name}" must be true or false.`, name, config.async);
  checkWord(config.inputMode, ['shared', 'frozen'], `node "${name}".inputMode`);
  checkCapabilities(config, `node "${name}"`);
  return definitionOf(
    implementationOf({
      name,
      version: config.version,
      run: config.run as unknown as NodeFunction,
      inputs: portSpecs(config.inputs ?? {}, name),
      outputs: portSpecs(config.outputs, name),
      async: config.async === true ? true : undefined,
      secrets: config.secrets,
      state: config.state,
      frozenInputs: config.inputMode === 'frozen',
      capabilities: frozenCapabilities(config),
    }),
  );
}
