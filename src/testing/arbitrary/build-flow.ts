import { when } from '../../base/condition.js';
import { ConfigurationError, LockstepError } from '../../base/errors.js';
import { defineNode, type NodeFunction } from '../../base/node.js';
import type { NodeContext } from '../../base/node-context.js';
import type { UseOptions } from '../../base/node-options.js';
import { otherwise } from '../../base/nodes/switch.js';
import type { Clock } from '../../base/ports.js';
import { definePredicate } from '../../base/predicate.js';
import { collect, oneOf, type Ref, required } from '../../base/ref.js';
import { type } from '../../base/schema.js';
import type { StandardSchema } from '../../base/standard-schema.js';
import type { Workflow } from '../../base/workflow.js';
import { workflow } from '../../base/workflow-builder.js';
import { seededRandom } from '../seeded.js';
import { timed } from '../timed.js';
import {
  belongs,
  defaultOf,
  type FlowCycle,
  type FlowInput,
  type FlowMap,
  type FlowNode,
  type FlowRetry,
  type FlowSource,
  type FlowSpec,
  LITERAL,
  pureWork,
  work,
} from './flow.js';

/** The form in which nodes are built. */
export interface FlowForm {
  /** Nodes that are not `inline` answer with promises. Default: all answer at once. */
  readonly async?: boolean;
  /** The same, and `timer` nodes take a time on the clock that is drawn from this seed. */
  readonly scheduler?: number;
  /** Nodes answer at once and yet take the time that the scheduler with this seed would draw. Default: none. */
  readonly pace?: number;
  /** The clock on which nodes take time. Default: none, so that a node that takes time fails. */
  readonly clock?: Clock;
  /** Outputs of nodes without state depend on their inputs alone. Default `false`. */
  readonly isPure?: boolean;
  /** Nodes without state have the capability `cache`. Default `false`. */
  readonly isCached?: boolean;
}

/** The same with the clock of whichever run it is. */
interface BuiltForm extends Omit<FlowForm, 'clock'> {
  readonly current: { readonly clock: Clock | undefined };
}

const anything: StandardSchema = {
  '~standard': {
    version: 1,
    vendor: 'flow',
    validate: (value: unknown) => (value === undefined ? { issues: [{ message: 'a value is required' }] } : { value }),
  },
};

function optionally(fallback: unknown): StandardSchema {
  return {
    '~standard': {
      version: 1,
      vendor: 'flow',
      validate: (value: unknown) => ({ value: value === undefined ? fallback : value }),
    },
  };
}

/** The state of nodes that count: one begins with a number, the other with none. */
const states: { readonly [gives in FlowNode['gives']]?: StandardSchema } = {
  state: optionally(0),
  tally: optionally(undefined),
};

type Refs = Readonly<Record<string, Ref<unknown, string>>>;
type Inputs = Readonly<Record<string, unknown>>;
type Callable = (inputs: Inputs) => unknown;
type AddsOne = (id: string, what: unknown, options: object) => Handle;

/** The builder without its types, which know what a spec does not say. */
interface AnyBuilder {
  readonly params: Refs;
  readonly add: AddsOne;
  readonly try: AddsOne;
  readonly gate: AddsOne;
  readonly switch: (id: string, on: unknown, cases: object, options: object) => Handle;
  readonly partition: AnyBuilder['switch'];
  readonly map: (
    id: string,
    list: unknown,
    body: (item: unknown, index: unknown) => unknown,
    options: object,
  ) => Handle;
  readonly cycle: (id: string, options: object) => Handle;
  readonly connect: (from: string, to: string) => unknown;
  readonly build: (options: object) => Workflow;
}

interface Handle {
  readonly id: string;
  readonly in: Readonly<Record<string, never>>;
  readonly out: Refs;
  readonly error?: Ref<unknown, string>;
  readonly items?: Ref<unknown, string>;
  readonly failed?: Ref<unknown, string>;
  join?(cases: Refs): Ref<unknown, string>;
}

function caseOf(id: string, name: string) {
  return definePredicate({ name: `${id}_${name}`, version: '1', test: (value: unknown) => belongs(name, value) });
}

function atLeast(id: string, least: number) {
  const test = (value: unknown): boolean => typeof value === 'number' && value >= least;
  return definePredicate({ name: `${id}_until`, version: '1', test });
}

/** Every predicate that the workflow of a spec names. */
export function predicatesOf({ nodes, cycles }: FlowSpec) {
  const cases = nodes.flatMap(({ id, cases: names = [] }) => names.map((name) => caseOf(id, name)));
  return [...cases, ...cycles.flatMap(({ id, until }) => (until === undefined ? [] : [atLeast(id, until.least)]))];
}

class FlowBuilder {
  readonly #spec: FlowSpec;
  readonly #form: BuiltForm;
  readonly #w: AnyBuilder;
  readonly #handles = new Map<string, Handle>();

  /** @param owner the subworkflow that it belongs to: its inputs are the parameters */
  constructor(spec: FlowSpec, form: BuiltForm, owner?: FlowNode) {
    this.#spec = spec;
    this.#form = form;
    const { how, values } = spec.parameters;
    const params = owner === undefined ? (how === 'declared' ? mapped(values, anySchema) : {}) : schemasOf(owner);
    this.#w = workflow(owner?.id ?? 'flow', { params }) as unknown as AnyBuilder;
  }

  build(): Workflow {
    const open = [...this.#spec.cycles];
    for (const node of this.#spec.nodes) {
      this.#node(node);
      for (const cycle of [...open]) {
        const parts = cycle.feedback.flatMap(({ from, node: target }) =>
          from.kind === 'output' ? [from.node, target] : [target],
        );
        if (!parts.every((id) => this.#handles.has(id))) continue;
        this.#cycle(cycle);
        open.splice(open.indexOf(cycle), 1);
      }
    }
    const outputs = Object.fromEntries(
      Object.entries(this.#spec.outputs).map(([name, source]) => [name, this.#source(source)]),
    );
    return this.#w.build({ outputs });
  }

  #source(source: FlowSource): Ref<unknown, string> {
    switch (source.kind) {
      case 'output': {
        const { node, port, path } = source;
        const handle = this.#handles.get(node) as Handle;
        const ref = portOf(handle, port) as Ref<Record<string, unknown>, string>;
        return path === 'whole' ? ref : ref.at(path);
      }
      case 'parameter':
        return at(this.#w.params[source.name], source.path);
      case 'required':
        return required(this.#source(source.of));
      case 'oneOf':
        return oneOf(...source.of.map((of) => this.#source(of)));
      case 'collect':
        return collect(...source.of.map((of) => this.#source(of)));
      case 'or': {
        const all = source.of.map((of) => this.#source(of));
        const first = all.reduce((left, right) => left.or(right));
        return source.literal ? first.or(LITERAL) : first;
      }
      case 'join': {
        const handle = this.#handles.get(source.owner) as Handle;
        const cases = Object.entries(source.cases).map(([name, of]) => [name, this.#source(of)] as const);
        return (handle.join as NonNullable<Handle['join']>)(Object.fromEntries(cases));
      }
    }
  }

  #node(node: FlowNode): void {
    const { id } = node;
    const inputs: Record<string, unknown> = {};
    for (const [port, { from, config, wired }] of Object.entries(node.inputs)) {
      if (config !== undefined) inputs[port] = config;
      if (wired === undefined && from[0] !== undefined) inputs[port] = this.#source(from[0]);
    }
    const options: UseOptions = {
      join: node.join,
      after: node.after.map((subject) => this.#handles.get(subject) as Handle),
      ...capabilitiesOf(node),
    };
    this.#handles.set(id, this.#add(node, inputs, options));
    for (const [port, { from, wired }] of Object.entries(node.inputs)) {
      if (wired === undefined) continue;
      for (const source of from) {
        if (source.kind !== 'output') continue;
        const path = source.path === 'whole' ? '' : `.${source.path}`;
        this.#w.connect(`${source.node}.${source.port}${path}`, `${id}.${port}`);
      }
    }
  }

  #add(node: FlowNode, inputs: Inputs, options: UseOptions): Handle {
    const { id, kind } = node;
    switch (kind) {
      case 'task':
        return this.#w.add(id, this.#callable(node)(inputs), options);
      case 'try':
        return this.#w.try(id, this.#callable(node)(inputs), options);
      case 'subworkflow':
        return this.#w[node.allowed ? 'try' : 'add'](id, this.#callable(node)(inputs), options);
      case 'map':
        return this.#map(node, inputs, options);
      case 'gate': {
        const { timeoutMs } = node.gate ?? {};
        const { join, after } = options;
        return this.#w.gate(id, { shows: inputs, ...(timeoutMs === undefined ? {} : { timeoutMs }) }, { join, after });
      }
      default:
        return this.#switch(node, inputs.value, options);
    }
  }

  #switch({ id, kind, cases = [], otherwise: last }: FlowNode, on: unknown, options: UseOptions): Handle {
    const tests = cases.map((name, place) => {
      const rest = place === cases.length - 1 && last === true;
      return [name, rest ? otherwise : caseOf(id, name)] as const;
    });
    if (kind === 'partition') return this.#w.partition(id, on, Object.fromEntries(tests), options);
    return this.#w.switch(id, on, Object.fromEntries(tests), { ...options, mode: kind });
  }

  #map({ id, map }: FlowNode, inputs: Inputs, options: UseOptions): Handle {
    const { body, maxConcurrency, onItemError } = map as FlowMap;
    const more = { onItemError, ...(maxConcurrency === undefined ? {} : { maxConcurrency }) };
    return this.#w.map(
      id,
      inputs.$list,
      (item, index) => {
        const outside: Inputs = { ...inputs, $item: item, $index: index };
        const bound = mapped(body.inputs, ({ from: [from], config }) =>
          from?.kind === 'parameter' ? at(outside[from.name] as Ref<unknown, string>, from.path) : config,
        );
        return this.#callable(body, capabilitiesOf(body))(bound);
      },
      { ...options, ...more },
    );
  }

  /** What `add`, `try` and the body of a map call. */
  #callable(node: FlowNode, capabilities: object = {}): Callable {
    if (node.child === undefined) return definition(node, this.#form, capabilities);
    return new FlowBuilder(node.child, this.#form, node).build() as unknown as Callable;
  }

  #cycle(cycle: FlowCycle): void {
    const { id, feedback, until, maxIterations, onMaxIterations, timeoutMs, onTimeout, keepHistory, within } = cycle;
    const edges = feedback.map(({ from, node, port }) => {
      const target = (this.#handles.get(node) as Handle).in[port];
      return this.#source(from).to(target as never);
    });
    const handle = this.#w.cycle(id, {
      feedback: edges,
      maxIterations,
      onMaxIterations,
      keepHistory,
      ...(until === undefined ? {} : { until: when(this.#source(until.of), atLeast(id, until.least)) }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(onTimeout === undefined ? {} : { onTimeout }),
      ...(within === undefined ? {} : { within }),
    });
    this.#handles.set(id, handle);
  }
}

function retryOf({ attempts, delayMs, backoff, jitter, dontRetryCode }: FlowRetry) {
  return { attempts, delayMs, backoff, jitter, ...(dontRetryCode ? { dontRetryOn: ['SCRIPTED'] } : {}) };
}

function capabilitiesOf({ retry, timeoutMs, totalTimeoutMs }: FlowNode): UseOptions {
  return {
    ...(retry === undefined ? {} : { retry: retryOf(retry) }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(totalTimeoutMs === undefined ? {} : { totalTimeoutMs }),
  };
}

function mapped<T, U>(record: Readonly<Record<string, T>>, change: (value: T, name: string) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value, name)]));
}

function at(ref: Ref<unknown, string> | undefined, path: 'n' | undefined): Ref<unknown, string> {
  const whole = ref as Ref<Record<string, unknown>, string>;
  return path === undefined ? whole : whole.at(path);
}

function portOf({ out, error, items, failed }: Handle, port: string): Ref<unknown, string> | undefined {
  if (port === '$error') return error;
  if (port === '$items') return items;
  return port === '$failed' ? failed : out[port];
}

function anySchema(): StandardSchema {
  return type<unknown>() as StandardSchema;
}

/** The schemas of the inputs of a node, or of the parameters that they are. */
function schemasOf({ inputs }: FlowNode): Readonly<Record<string, StandardSchema>> {
  return mapped(inputs, ({ optional }, port) =>
    optional ? optionally(defaultOf(port)) : port === 'i1' ? anything : anySchema(),
  );
}

function definition(node: FlowNode, form: BuiltForm, capabilities: object): Callable {
  const { id, gives } = node;
  const state = states[gives];
  const run = (values: Inputs, context: NodeContext): unknown => {
    const { visit, failures, setState } = context;
    if (form.isPure && state === undefined) return pureWork(node, values, failures);
    const known = typeof context.state === 'number' ? context.state : 0;
    return work(node, values, { visit, failures, state: known, setState });
  };
  const asynchronous = (form.async === true || form.scheduler !== undefined) && node.form !== 'inline';
  const formed = (current: BuiltForm['current']): Run =>
    (asynchronous ? later : atOnce)(node, run, { ...form, current });
  return defineNode({
    name: id,
    version: '1',
    inputs: schemasOf(node),
    outputs: { value: type<unknown>() },
    ...(state === undefined ? {} : { state }),
    ...(state === undefined && form.isCached === true ? { cache: {} } : {}),
    ...capabilities,
    async: asynchronous,
    run: timed(formed(form.current), {
      own: (clock) => formed({ clock }),
      holding: (clock) => atOnce(node, run, { ...form, current: { clock } }),
    }) as never,
  }) as unknown as Callable;
}

type Run = NodeFunction;

/** How long an attempt takes, in milliseconds: as the node says, or as the scheduler draws. */
function duration(
  { id, form, takesMs }: FlowNode,
  { scope, visit, attempt }: NodeContext,
  seed: number | undefined,
): number {
  if (takesMs !== undefined || seed === undefined || form !== 'timer') return takesMs ?? 0;
  return Math.floor(seededRandom(seed).keyed(`${scope}${id}/${visit}/${attempt}`) * 8);
}

function clockOf({ current: { clock } }: BuiltForm, { id }: FlowNode): Clock {
  if (clock !== undefined) return clock;
  const what = `Node "${id}" takes time, and no clock is given. Take the workflow from on(clock).`;
  throw new ConfigurationError('INVALID_OPTION', what, { at: id });
}

function atOnce(node: FlowNode, run: Run, form: BuiltForm): Run {
  const { scheduler, pace = scheduler } = form;
  if (node.takesMs === undefined && pace === undefined) return run;
  return (values, context) => {
    clockOf(form, node).sleepSync(duration(node, context, pace));
    return run(values, context);
  };
}

function later(node: FlowNode, run: Run, form: BuiltForm): Run {
  const { scheduler } = form;
  if (node.takesMs === undefined && (node.form === 'promise' || scheduler === undefined))
    return async (values, context) => run(values, context);
  return async (values, context) => {
    const { visit, failures, state, setState } = context;
    await new Promise<void>((resolve) => {
      clockOf(form, node).setTimer(duration(node, context, scheduler), resolve);
    });
    return run(values, { visit, failures, state, setState } as NodeContext);
  };
}

interface BuiltFlow {
  readonly workflow: Workflow;
  /** The clock that its nodes look at: that of the run for which it was asked last. */
  readonly current: { clock: Clock | undefined };
}

const known = new WeakMap<FlowSpec, Map<string, BuiltFlow>>();

/** Builds a workflow, once for each spec and form. Runs of the same one with a clock must follow each other. @throws WorkflowBuildError */
export function buildFlow(spec: FlowSpec, { clock, ...form }: FlowForm = {}): Workflow {
  const forms = known.get(spec) ?? new Map<string, BuiltFlow>();
  known.set(spec, forms);
  const key = JSON.stringify([form.async, form.scheduler, form.pace, form.isPure, form.isCached]);
  let built = forms.get(key);
  if (built === undefined) {
    const current = { clock };
    built = { workflow: new FlowBuilder(spec, { ...form, current }).build(), current };
    forms.set(key, built);
  }
  built.current.clock = clock;
  return built.workflow;
}

/** The same spec without alternatives that are always live together, which no builder accepts: the first one stays. */
export function withoutAmbiguity(spec: FlowSpec): FlowSpec {
  for (let current = spec; ; ) {
    try {
      buildFlow(current);
      return current;
    } catch (error) {
      if (!(error instanceof LockstepError) || error.code !== 'AMBIGUOUS_FAN_IN') throw error;
      current = decided(current, error.at);
    }
  }
}

function decided(spec: FlowSpec, place: string): FlowSpec {
  return { ...spec, nodes: spec.nodes.map((node) => decidedNode(node, place)) };
}

function decidedNode(node: FlowNode, place: string): FlowNode {
  const { child, map } = node;
  const inputs = mapped(node.inputs, (input, port): FlowInput => {
    if (`${node.id}.${port}` !== place) return input;
    const [first] = input.from;
    return { ...input, from: first?.kind === 'oneOf' ? first.of.slice(0, 1) : input.from.slice(0, 1) };
  });
  return {
    ...node,
    inputs,
    ...(child === undefined ? {} : { child: decided(child, place) }),
    ...(map === undefined ? {} : { map: { ...map, body: decidedNode(map.body, place) } }),
  };
}
