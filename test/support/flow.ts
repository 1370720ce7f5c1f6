import { when } from '../../src/base/condition.js';
import { LockstepError } from '../../src/base/errors.js';
import { defineNode } from '../../src/base/node.js';
import type { NodeContext } from '../../src/base/node-context.js';
import type { UseOptions } from '../../src/base/node-options.js';
import { otherwise } from '../../src/base/nodes/switch.js';
import { collect, oneOf, type Ref, required } from '../../src/base/ref.js';
import { type } from '../../src/base/schema.js';
import type { StandardSchema } from '../../src/base/standard-schema.js';
import type { Workflow } from '../../src/base/workflow.js';
import { type WorkflowBuilder, workflow } from '../../src/base/workflow-builder.js';
import { seededRandom, VirtualClock } from '../../src/testing/index.js';

/** A value that nodes are given from outside. */
export type FlowValue = number | null;

/** Where an input or an output takes its value from. */
export type FlowSource =
  /** A port of a node; `path` reads the property `n` of the value, or one that no value has. */
  | { readonly kind: 'output'; readonly node: string; readonly port: string; readonly path: 'whole' | 'n' | 'none' }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'oneOf' | 'collect'; readonly of: readonly FlowSource[] }
  /** The first that is live, or, with `literal`, in the end `LITERAL`. */
  | { readonly kind: 'or'; readonly of: readonly FlowSource[]; readonly literal: boolean }
  | { readonly kind: 'join'; readonly owner: string; readonly cases: Readonly<Record<string, FlowSource>> }
  | { readonly kind: 'required'; readonly of: FlowSource };

/** An input of a node. */
export interface FlowInput {
  /** More than one only where it is wired. */
  readonly from: readonly FlowSource[];
  readonly optional: boolean;
  readonly config?: FlowValue;
  /** Connected by strings, so that a literal may stand beside the connection. */
  readonly wired?: true;
}

/** A failure of a node, as planned. */
export interface FlowFailure {
  /** The visit in which it happens; 0 for every one. */
  readonly visit: number;
  /** How many attempts of the visit fail. */
  readonly times: number;
  readonly how: 'throws' | 'code' | 'nonError' | 'nothing' | 'unknownPort';
}

/** A retry capability. */
export interface FlowRetry {
  readonly attempts: number;
  readonly delayMs: number;
  readonly backoff: 'fixed' | 'linear' | 'exponential';
  readonly jitter: number;
  /** Errors with the code SCRIPTED are not retried. */
  readonly dontRetryCode: boolean;
}

/** A node. */
export interface FlowNode {
  readonly id: string;
  readonly kind: 'task' | 'try' | 'first' | 'all' | 'partition';
  readonly inputs: Readonly<Record<string, FlowInput>>;
  readonly join: 'required' | 'all' | 'any' | 'always';
  readonly after: readonly string[];
  readonly gives: 'number' | 'object' | 'null' | 'visit' | 'state' | 'tally' | 'list' | 'echo';
  readonly failures: readonly FlowFailure[];
  /** How it answers in the asynchronous form: at once, with a promise, or after a time drawn from the seed. */
  readonly form: 'inline' | 'promise' | 'timer';
  /** Of a switch. */
  readonly cases?: readonly string[];
  /** The last case is taken where no other matches. */
  readonly otherwise?: boolean;
  readonly retry?: FlowRetry;
  readonly takesMs?: number;
  readonly timeoutMs?: number;
  readonly totalTimeoutMs?: number;
}

/** A cycle. */
export interface FlowCycle {
  readonly id: string;
  readonly feedback: readonly { readonly from: FlowSource; readonly node: string; readonly port: string }[];
  /** Stops when the value is a number of at least `least`. */
  readonly until?: { readonly of: FlowSource; readonly least: number };
  readonly maxIterations: number;
  readonly onMaxIterations: 'accept' | 'fail';
  readonly timeoutMs?: number;
  readonly onTimeout?: 'accept' | 'fail';
  readonly keepHistory: number;
  /** The cycle around it, where the connections alone do not say so. */
  readonly within?: string;
}

/** A workflow and what it is run with, as plain data. Every source reads only what stands before it. */
export interface FlowSpec {
  readonly parameters: {
    readonly how: 'none' | 'declared' | 'broadcast';
    readonly values: Readonly<Record<string, FlowValue>>;
  };
  readonly set: Readonly<Record<string, Readonly<Record<string, FlowValue>>>>;
  readonly nodes: readonly FlowNode[];
  readonly cycles: readonly FlowCycle[];
  readonly outputs: Readonly<Record<string, FlowSource>>;
}

/** What `or` ends in. */
export const LITERAL = 7;

/** What an optional input of that name is given where nothing else gives it a value. */
export function defaultOf(port: string): number | undefined {
  return port === 'i2' ? 5 : undefined;
}

/** A value with its keys in order and of every error only the code: the rest of it is for people. */
export function essence(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(essence);
  if (typeof value !== 'object' || value === null) return value;
  if ('code' in value && 'message' in value) return { code: value.code };
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, inner]) => [name, essence(inner)]));
}

/** A number from any value, the same for values that look alike. */
export function num(value: unknown): number {
  const text = JSON.stringify(essence(value)) ?? 'nothing';
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return hash % 8191;
}

/** What the work of a node depends on beside its inputs. It does not depend on the number of the attempt: attempts can be lost. */
export interface FlowCall {
  readonly visit: number;
  readonly failures: number;
  readonly state: number;
  setState(next: number): void;
}

/** Whether a value belongs into a case of a switch. */
export function belongs(name: string, value: unknown): boolean {
  const key = typeof value === 'number' ? value : num(value);
  return name === 'a' ? key % 2 === 0 : name === 'b' ? key % 3 === 0 : key % 5 === 0;
}

/** The failure that is planned for an attempt. */
export function plannedFailure(
  { failures }: FlowNode,
  call: Pick<FlowCall, 'visit' | 'failures'>,
): FlowFailure | undefined {
  return failures.find(({ visit, times }) => (visit === 0 || visit === call.visit) && call.failures < times);
}

/** The work of a node that is no switch: a function of its inputs and of `call`, nothing else. */
export function work(node: FlowNode, inputs: Readonly<Record<string, unknown>>, call: FlowCall): unknown {
  const { id, gives } = node;
  const mixed = num([id, inputs, call.visit, call.failures]);
  const next = call.state + 1 + (mixed % 3);
  if (gives === 'state' || gives === 'tally') call.setState(next);
  const planned = plannedFailure(node, call);
  if (planned?.how === 'throws') throw new Error(`${id} fails as planned`);
  if (planned?.how === 'code') throw Object.assign(new Error(`${id} fails as planned`), { code: 'SCRIPTED' });
  if (planned?.how === 'nonError') throw `${id} fails as planned`;
  if (planned?.how === 'nothing') return undefined;
  if (planned?.how === 'unknownPort') return { value: mixed, wrong: 1 };
  switch (gives) {
    case 'number':
      return { value: mixed % 21 };
    case 'object':
      return { value: { n: mixed % 21, of: id } };
    case 'null':
      return { value: null };
    case 'visit':
      return { value: call.visit };
    case 'state':
    case 'tally':
      return { value: next };
    case 'list':
      return { value: Array.from({ length: mixed % 4 }, (_, at) => (mixed + at) % 13) };
    case 'echo':
      return { value: Object.values(inputs)[0] ?? null };
  }
}

// ── From a spec to a workflow. ──

/** The form in which nodes are built. */
export interface FlowForm {
  readonly clock: VirtualClock;
  /** Nodes answer as their `form` says, in an order drawn from this seed; without it, all answer at once. */
  readonly scheduler?: number;
  /** Nodes answer at once and yet take the time that the scheduler with this seed would draw. Default: none. */
  readonly pace?: number;
}

/** The same with the clock of whichever run it is. */
interface BuiltForm {
  readonly current: CurrentClock;
  readonly scheduler: number | undefined;
  readonly pace: number | undefined;
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

const counter = optionally(0);

type Refs = Readonly<Record<string, Ref<unknown, string>>>;
type AnyBuilder = WorkflowBuilder<Readonly<Record<string, StandardSchema>>>;

interface Handle {
  readonly id: string;
  readonly in: Readonly<Record<string, never>>;
  readonly out: Refs;
  readonly error?: Ref<unknown, string>;
  join?(cases: Refs): Ref<unknown, string>;
}

class FlowBuilder {
  readonly #spec: FlowSpec;
  readonly #form: BuiltForm;
  readonly #w: AnyBuilder;
  readonly #handles = new Map<string, Handle>();

  constructor(spec: FlowSpec, form: BuiltForm) {
    this.#spec = spec;
    this.#form = form;
    const { how, values } = spec.parameters;
    const params =
      how === 'declared'
        ? Object.fromEntries(Object.keys(values).map((name) => [name, type<unknown>() as StandardSchema]))
        : {};
    this.#w = workflow('flow', { params }) as unknown as AnyBuilder;
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
        const ref = (port === '$error' ? handle.error : handle.out[port]) as Ref<Record<string, unknown>, string>;
        return path === 'whole' ? ref : ref.at(path);
      }
      case 'parameter':
        return this.#w.params[source.name] as Ref<unknown>;
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
    const { id, retry } = node;
    const inputs: Record<string, unknown> = {};
    for (const [port, { from, config, wired }] of Object.entries(node.inputs)) {
      if (config !== undefined) inputs[port] = config;
      if (wired === undefined && from[0] !== undefined) inputs[port] = this.#source(from[0]);
    }
    const options: UseOptions = {
      join: node.join,
      after: node.after.map((subject) => this.#handles.get(subject) as Handle),
      ...(retry === undefined ? {} : { retry: { ...retryOf(retry) } }),
      ...(node.timeoutMs === undefined ? {} : { timeoutMs: node.timeoutMs }),
      ...(node.totalTimeoutMs === undefined ? {} : { totalTimeoutMs: node.totalTimeoutMs }),
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

  #add(node: FlowNode, inputs: Readonly<Record<string, unknown>>, options: UseOptions): Handle {
    const { id, kind } = node;
    if (kind === 'task' || kind === 'try') {
      const bound = definition(node, this.#form)(inputs) as never;
      return (kind === 'task'
        ? this.#w.add(id, bound, options as never)
        : this.#w.try(id, bound, options)) as unknown as Handle;
    }
    const tests = (node.cases ?? []).map((name, at, all) => {
      const last = at === all.length - 1 && node.otherwise === true;
      return [name, last ? otherwise : (value: unknown) => belongs(name, value)] as const;
    });
    const cases = Object.fromEntries(tests);
    const on = inputs.value as never;
    if (kind === 'partition') return this.#w.partition(id, on, cases, options) as unknown as Handle;
    return this.#w.switch(id, on, cases, { ...options, mode: kind as 'first' }) as unknown as Handle;
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
      ...(until === undefined
        ? {}
        : { until: when(this.#source(until.of), (value) => typeof value === 'number' && value >= until.least) }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(onTimeout === undefined ? {} : { onTimeout }),
      ...(within === undefined ? {} : { within }),
    });
    this.#handles.set(id, handle as unknown as Handle);
  }
}

function retryOf({ attempts, delayMs, backoff, jitter, dontRetryCode }: FlowRetry) {
  return { attempts, delayMs, backoff, jitter, ...(dontRetryCode ? { dontRetryOn: ['SCRIPTED'] } : {}) };
}

function definition(node: FlowNode, form: BuiltForm): (inputs: Readonly<Record<string, unknown>>) => unknown {
  const { id, gives, inputs } = node;
  const ports = Object.entries(inputs).map(([port, { optional }]) => {
    const schema = optional
      ? optionally(defaultOf(port))
      : port === 'i1'
        ? anything
        : (type<unknown>() as StandardSchema);
    return [port, schema] as const;
  });
  const run = (values: Readonly<Record<string, unknown>>, context: NodeContext): unknown => {
    const { visit, failures } = context;
    const state = typeof context.state === 'number' ? context.state : 0;
    return work(node, values, { visit, failures, state, setState: context.setState });
  };
  const asynchronous = form.scheduler !== undefined && node.form !== 'inline';
  return defineNode({
    name: id,
    version: '1',
    inputs: Object.fromEntries(ports),
    outputs: { value: type<unknown>() },
    ...(gives === 'state' ? { state: counter } : {}),
    async: asynchronous,
    run: (asynchronous ? later(node, run, form) : atOnce(node, run, form)) as never,
  }) as unknown as (inputs: Readonly<Record<string, unknown>>) => unknown;
}

type Run = (values: Readonly<Record<string, unknown>>, context: NodeContext) => unknown;

/** How long an attempt takes, in milliseconds: as the node says, or as the scheduler draws. */
function duration({ id, form, takesMs }: FlowNode, { visit, attempt }: NodeContext, seed: number | undefined): number {
  if (takesMs !== undefined || seed === undefined || form !== 'timer') return takesMs ?? 0;
  return Math.floor(seededRandom(seed).keyed(`${id}/${visit}/${attempt}`) * 8);
}

function atOnce(node: FlowNode, run: Run, { current, scheduler, pace = scheduler }: BuiltForm): Run {
  if (node.takesMs === undefined && pace === undefined) return run;
  return (values, context) => {
    current.clock.sleepSync(duration(node, context, pace));
    return run(values, context);
  };
}

function later(node: FlowNode, run: Run, { current, scheduler }: BuiltForm): Run {
  if (node.form === 'promise' && node.takesMs === undefined) return async (values, context) => run(values, context);
  return async (values, context) => {
    const { visit, failures, state, setState } = context;
    await new Promise<void>((resolve) => {
      current.clock.setTimer(duration(node, context, scheduler), resolve);
    });
    return run(values, { visit, failures, state, setState } as NodeContext);
  };
}

/** The clock that the nodes of a built workflow look at: that of the run for which it was asked last. */
class CurrentClock {
  clock = new VirtualClock();
}

const known = new WeakMap<FlowSpec, Map<string, { readonly workflow: Workflow; readonly current: CurrentClock }>>();

/** Builds a workflow, once for each spec and seeds. Runs of the same one must follow each other. @throws WorkflowBuildError */
export function buildFlow(spec: FlowSpec, { clock, scheduler, pace }: FlowForm): Workflow {
  const forms = known.get(spec) ?? new Map<string, { readonly workflow: Workflow; readonly current: CurrentClock }>();
  known.set(spec, forms);
  const key = `${scheduler}/${pace}`;
  let built = forms.get(key);
  if (built === undefined) {
    const current = new CurrentClock();
    built = { workflow: new FlowBuilder(spec, { current, scheduler, pace }).build(), current };
    forms.set(key, built);
  }
  built.current.clock = clock;
  return built.workflow;
}

/** The same spec without alternatives that are always live together, which no builder accepts: the first one stays. */
export function withoutAmbiguity(spec: FlowSpec): FlowSpec {
  for (let current = spec; ; ) {
    try {
      buildFlow(current, { clock: new VirtualClock() });
      return current;
    } catch (error) {
      if (!(error instanceof LockstepError) || error.code !== 'AMBIGUOUS_FAN_IN') throw error;
      current = decided(current, error.at);
    }
  }
}

function decided(spec: FlowSpec, at: string): FlowSpec {
  const nodes = spec.nodes.map((node) => {
    const inputs = Object.entries(node.inputs).map(([port, input]): readonly [string, FlowInput] => {
      if (`${node.id}.${port}` !== at) return [port, input];
      const [first] = input.from;
      return [port, { ...input, from: first?.kind === 'oneOf' ? first.of.slice(0, 1) : input.from.slice(0, 1) }];
    });
    return { ...node, inputs: Object.fromEntries(inputs) };
  });
  return { ...spec, nodes };
}
