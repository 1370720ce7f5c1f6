import { belongs, defaultOf, type FlowNode, type FlowSource, type FlowSpec, LITERAL, work } from './flow.js';

/**
 * A second interpreter of workflows without cycles, written from section 5 of the design and without a line of the kernel: no
 * plan, no events, no readiness. It walks the nodes in order, each after everything that it reads.
 */

/** What a node came to. */
export interface Fate {
  readonly status: 'completed' | 'failed' | 'skipped' | 'blocked';
  /** Of a node that completed. */
  readonly output?: Readonly<Record<string, unknown>>;
  /** Of a node that failed. */
  readonly code?: string;
  readonly attempts: number;
}

/** What a run came to. */
export interface Prediction {
  readonly status: 'completed' | 'failed';
  readonly output: Readonly<Record<string, unknown>> | undefined;
  readonly nodes: Readonly<Record<string, Fate>>;
  /** The failed node that the run reports. */
  readonly primary: string | undefined;
}

class Fails extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** A source after everything before it has settled. `partly` says that a part of a list is dead. */
interface Seen {
  readonly is: 'live' | 'dead' | 'blocked';
  readonly partly?: boolean;
  /** It is live, and yet something in it is blocked. */
  readonly tainted?: boolean;
  value(): unknown;
}

const dead: Seen = { is: 'dead', value: () => undefined };
const blocked: Seen = { is: 'blocked', value: () => undefined };
const FINAL = new Set(['INPUT_MISSING', 'INPUT_CONFLICT', 'INPUT_INVALID', 'OUTPUT_MISSING']);

class Reference {
  readonly #spec: FlowSpec;
  readonly #fates: Record<string, Fate> = {};
  readonly #nodes: ReadonlyMap<string, FlowNode>;

  constructor(spec: FlowSpec) {
    this.#spec = spec;
    this.#nodes = new Map(spec.nodes.map((node) => [node.id, node]));
  }

  predict(): Prediction {
    for (const node of this.#spec.nodes) this.#fates[node.id] = this.#fate(node);
    const primary = this.#spec.nodes.find(({ id, kind }) => this.#fates[id]?.status === 'failed' && kind !== 'try')?.id;
    const failed: Prediction = { status: 'failed', output: undefined, nodes: this.#fates, primary };
    if (primary !== undefined) return failed;
    const output: Record<string, unknown> = {};
    try {
      for (const [name, source] of Object.entries(this.#spec.outputs)) {
        const seen = this.#see(source);
        const value = seen.is === 'live' ? seen.value() : undefined;
        if (value !== undefined) output[name] = value;
      }
    } catch (error) {
      if (error instanceof Fails) return failed;
      throw error;
    }
    return { status: 'completed', output, nodes: this.#fates, primary };
  }

  #see(source: FlowSource): Seen {
    switch (source.kind) {
      case 'output':
        return this.#seeOutput(source);
      case 'parameter':
        return { is: 'live', value: () => this.#spec.parameters.values[source.name] };
      case 'required': {
        const of = this.#see(source.of);
        return of.is === 'blocked' ? of : { is: 'live', value: () => missing(of.value()) };
      }
      case 'or': {
        const all = source.of.map((of) => this.#see(of));
        const live = all.find(({ is }) => is === 'live');
        if (live !== undefined) return { is: 'live', value: () => live.value() };
        if (source.literal) return { is: 'live', value: () => LITERAL };
        return all.some(({ is }) => is === 'blocked') ? blocked : dead;
      }
      case 'join':
        return this.#seeJoin(source);
      default:
        return this.#seeSeveral(source);
    }
  }

  #seeOutput({ node, port, path }: Extract<FlowSource, { kind: 'output' }>): Seen {
    const fate = this.#fates[node] as Fate;
    const allowed = this.#nodes.get(node)?.kind === 'try';
    if (fate.status === 'blocked' || (fate.status === 'failed' && !allowed)) return blocked;
    if (fate.status === 'failed' && port === '$error')
      return { is: 'live', value: () => read({ code: fate.code }, path) };
    if (fate.status !== 'completed' || !Object.hasOwn(fate.output ?? {}, port)) return dead;
    return { is: 'live', value: () => read(fate.output?.[port], path) };
  }

  #seeJoin({ owner, cases }: Extract<FlowSource, { kind: 'join' }>): Seen {
    const fate = this.#fates[owner] as Fate;
    const isTry = this.#nodes.get(owner)?.kind === 'try';
    if (fate.status === 'blocked' || (fate.status === 'failed' && !isTry)) return blocked;
    if (fate.status === 'skipped') return dead;
    const taken = isTry
      ? fate.status === 'completed'
        ? 'ok'
        : 'failed'
      : (Object.keys(fate.output ?? {})[0] as string);
    return this.#see(cases[taken] as FlowSource);
  }

  #seeSeveral({ kind, of }: { readonly kind: 'oneOf' | 'collect'; readonly of: readonly FlowSource[] }): Seen {
    const all = of.map((one) => this.#see(one));
    const live = all.filter(({ is }) => is === 'live');
    const tainted = all.some(({ is }) => is === 'blocked');
    if (live.length === 0) return tainted ? blocked : dead;
    const partly = kind === 'collect' && all.some(({ is }) => is === 'dead');
    if (kind === 'collect') {
      return {
        is: 'live',
        partly,
        tainted,
        value: () => live.map((one) => one.value()).filter((value) => value !== undefined),
      };
    }
    return { is: 'live', tainted, value: () => (live.length > 1 ? fail('INPUT_CONFLICT') : live[0]?.value()) };
  }

  /** The connection of an input, if it has one. A parameter is none. */
  #connection(from: readonly FlowSource[]): Seen | undefined {
    const [first] = from;
    if (first === undefined || first.kind === 'parameter') return undefined;
    return from.length === 1 ? this.#see(first) : this.#seeSeveral({ kind: 'oneOf', of: from });
  }

  #decision(node: FlowNode): 'run' | 'skipped' | 'blocked' {
    const inputs = Object.values(node.inputs).flatMap(({ from, optional }) => {
      const seen = this.#connection(from);
      return seen === undefined ? [] : [{ seen, optional }];
    });
    const live = inputs.some(({ seen }) => seen.is === 'live');
    const stuck = inputs.some(({ seen }) => seen.is === 'blocked' || seen.tainted === true);
    if (node.join === 'always' || inputs.length === 0)
      return node.join === 'always' || node.join === 'any' || !this.#stuckBefore(node) ? 'run' : 'blocked';
    if (node.join === 'any') return live ? 'run' : stuck ? 'blocked' : 'skipped';
    if (stuck || this.#stuckBefore(node)) return 'blocked';
    if (node.join === 'all')
      return inputs.some(({ seen }) => seen.is === 'dead' || seen.partly === true) ? 'skipped' : 'run';
    return !live || inputs.some(({ seen, optional }) => seen.is === 'dead' && !optional) ? 'skipped' : 'run';
  }

  #stuckBefore({ after }: FlowNode): boolean {
    return after.some((id) => {
      const { status } = this.#fates[id] as Fate;
      return status === 'blocked' || (status === 'failed' && this.#nodes.get(id)?.kind !== 'try');
    });
  }

  #fate(node: FlowNode): Fate {
    const decision = this.#decision(node);
    if (decision !== 'run') return { status: decision, attempts: 0 };
    for (let failures = 0; ; ) {
      let code: string;
      try {
        return { status: 'completed', output: this.#attempt(node, failures), attempts: failures + 1 };
      } catch (error) {
        code =
          error instanceof Fails
            ? error.code
            : error instanceof Error && 'code' in error
              ? String(error.code)
              : 'NODE_THREW';
      }
      failures++;
      const { attempts = 1, dontRetryCode = false } = node.retry ?? {};
      if (failures < attempts && !FINAL.has(code) && !(dontRetryCode && code === 'SCRIPTED')) continue;
      return { status: 'failed', code, attempts: failures };
    }
  }

  #attempt(node: FlowNode, failures: number): Readonly<Record<string, unknown>> {
    const inputs: Record<string, unknown> = {};
    for (const [port, { optional }] of Object.entries(node.inputs)) {
      const value = this.#input(node, port);
      if (value === undefined && !optional) fail('INPUT_MISSING');
      if (value !== undefined) inputs[port] = value;
    }
    for (const [port, { optional }] of Object.entries(node.inputs)) {
      const fallback = optional ? defaultOf(port) : undefined;
      if (inputs[port] === undefined && fallback !== undefined) inputs[port] = fallback;
    }
    if (node.cases !== undefined) return choose(node, inputs['value']);
    const returned = work(node, inputs, { visit: 1, failures, state: 0, setState: () => undefined });
    if (typeof returned !== 'object' || returned === null) return fail('NODE_RETURNED_NOTHING');
    if (Object.keys(returned).some((port) => port !== 'value')) return fail('OUTPUT_UNKNOWN');
    return returned as Readonly<Record<string, unknown>>;
  }

  /** The value of an input, strongest source first. */
  #input(node: FlowNode, port: string): unknown {
    const { from, config } = node.inputs[port] as FlowNode['inputs'][string];
    const { set, parameters } = this.#spec;
    const addressed = set[node.id];
    if (addressed !== undefined && Object.hasOwn(addressed, port)) return addressed[port];
    const seen = this.#connection(from);
    const connected = seen?.is === 'live' ? seen.value() : undefined;
    if (connected !== undefined) return connected;
    if (from[0]?.kind === 'parameter') return parameters.values[from[0].name];
    if (parameters.how === 'broadcast' && parameters.values[port] !== undefined) return parameters.values[port];
    return config;
  }
}

function fail(code: string): never {
  throw new Fails(code);
}

/** Refuses a value that is not there; `null` is one. */
function missing(value: unknown): unknown {
  return value === undefined ? fail('OUTPUT_MISSING') : value;
}

function read(value: unknown, path: 'whole' | 'n' | 'none'): unknown {
  if (path === 'whole') return value;
  return typeof value === 'object' && value !== null && Object.hasOwn(value, path)
    ? (value as Record<string, unknown>)[path]
    : undefined;
}

function choose({ kind, cases = [], otherwise }: FlowNode, value: unknown): Readonly<Record<string, unknown>> {
  const tested = otherwise === true ? cases.slice(0, -1) : cases;
  const matching = (item: unknown): readonly string[] => {
    const found = tested.filter((name) => belongs(name, item));
    if (found.length > 0) return kind === 'all' ? found : found.slice(0, 1);
    return otherwise === true ? cases.slice(-1) : fail('NO_CASE_MATCHED');
  };
  if (kind !== 'partition') return Object.fromEntries(matching(value).map((name) => [name, value]));
  if (!Array.isArray(value)) return fail('OPERATOR_TYPE');
  const lists: Record<string, unknown[]> = {};
  for (const item of value) for (const name of matching(item)) lists[name] = [...(lists[name] ?? []), item];
  return lists;
}

/** Says what becomes of every node of a workflow without cycles, and of the run. */
export function predict(spec: FlowSpec): Prediction {
  return new Reference(spec).predict();
}
