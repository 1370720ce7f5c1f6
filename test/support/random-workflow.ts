import fc from 'fast-check';
import {
  type FlowCycle,
  type FlowFailure,
  type FlowNode,
  type FlowRetry,
  type FlowSource,
  type FlowSpec,
  withoutAmbiguity,
} from './flow.js';

/**
 * Random workflows. What is drawn (`Raw…`) says only "the third thing before me"; `resolve` turns it into a `FlowSpec` with names,
 * which is what fast-check prints, and what `buildFlow` takes. Shrinking removes parts of what was drawn.
 */

/** What a generator may draw. */
export interface FlowFeatures {
  /** Cycles, nested up to two levels. Default true. */
  readonly cycles?: boolean;
  /** Nodes take time and have limits. Default false. */
  readonly timing?: boolean;
  /** Retries that wait. Default true. */
  readonly delays?: boolean;
  /** The most parts at the top. Default 13. */
  readonly size?: number;
}

type RawSource =
  | { readonly pick: 'output'; readonly of: number; readonly port: number; readonly path: 'whole' | 'n' | 'none' }
  | { readonly pick: 'cycle'; readonly of: number; readonly port: number }
  | { readonly pick: 'parameter'; readonly of: number }
  | { readonly pick: 'oneOf' | 'collect' | 'or'; readonly of: readonly RawOutput[]; readonly literal: boolean }
  | { readonly pick: 'join'; readonly of: number; readonly cases: readonly RawOutput[] }
  | { readonly pick: 'required'; readonly of: RawOutput; readonly path: 'whole' | 'n' };

interface RawOutput {
  readonly of: number;
  readonly port: number;
}

interface RawInput {
  readonly from: RawSource | null;
  /** A second connection, where the node is wired by strings. */
  readonly also: RawOutput | null;
  readonly optional: boolean;
  readonly config: number | null | undefined;
}

interface RawNode {
  readonly part: 'node';
  readonly kind: FlowNode['kind'];
  readonly inputs: readonly RawInput[];
  readonly join: FlowNode['join'];
  readonly after: readonly number[];
  readonly gives: FlowNode['gives'];
  readonly failures: readonly FlowFailure[];
  readonly retry: FlowRetry | undefined;
  readonly form: FlowNode['form'];
  readonly wired: boolean;
  readonly takesMs: number;
  readonly timeoutMs: number | undefined;
  readonly totalTimeoutMs: number | undefined;
}

interface RawCycle {
  readonly part: 'cycle';
  readonly body: readonly RawPart[];
  readonly entry: RawSource;
  readonly tail: readonly RawOutput[];
  readonly tailJoin: FlowNode['join'];
  readonly exit: 'tail' | 'again' | 'while';
  readonly until: number | undefined;
  readonly maxIterations: number;
  readonly onMaxIterations: 'accept' | 'fail';
  readonly timeoutMs: number | undefined;
  /** What is fed back beside the end of the loop. */
  readonly extra: 'head' | 'tail' | undefined;
  readonly keepHistory: number;
  readonly headFails: readonly FlowFailure[];
}

type RawPart = RawNode | RawCycle;

interface RawFlow {
  readonly parts: readonly RawPart[];
  readonly parameters: FlowSpec['parameters'];
  readonly set: readonly { readonly node: number; readonly port: number; readonly value: number | null }[];
  readonly outputs: readonly RawSource[];
}

// ── What is drawn. ──

const index = fc.nat({ max: 30 });
const output: fc.Arbitrary<RawOutput> = fc.record({ of: index, port: fc.nat({ max: 3 }) });

const source: fc.Arbitrary<RawSource> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      pick: fc.constant('output' as const),
      of: index,
      port: fc.nat({ max: 3 }),
      path: fc.oneof(
        { weight: 14, arbitrary: fc.constant('whole' as const) },
        { weight: 2, arbitrary: fc.constant('n' as const) },
        { weight: 1, arbitrary: fc.constant('none' as const) },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ pick: fc.constant('cycle' as const), of: index, port: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ pick: fc.constant('parameter' as const), of: fc.nat({ max: 2 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      pick: fc.constantFrom('oneOf' as const, 'collect' as const, 'or' as const),
      of: fc.array(output, { minLength: 1, maxLength: 3 }),
      literal: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      pick: fc.constant('join' as const),
      of: index,
      cases: fc.array(output, { minLength: 3, maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      pick: fc.constant('required' as const),
      of: output,
      path: fc.constantFrom('whole' as const, 'n' as const),
    }),
  },
);

const number = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant(null));

const input: fc.Arbitrary<RawInput> = fc.record({
  from: fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 9, arbitrary: source }),
  also: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: output }),
  optional: fc.boolean(),
  config: rarely(number, 3),
});

const failure: fc.Arbitrary<FlowFailure> = fc.record({
  visit: fc.constantFrom(0, 1, 1, 2, 3),
  times: fc.constantFrom(1, 1, 2, 99),
  how: fc.constantFrom('throws', 'throws', 'code', 'nonError', 'nothing', 'unknownPort'),
});

function retry(delays: boolean): fc.Arbitrary<FlowRetry> {
  return fc.record({
    attempts: fc.integer({ min: 1, max: 3 }),
    delayMs: delays ? fc.constantFrom(0, 0, 1, 7) : fc.constant(0),
    backoff: fc.constantFrom('fixed', 'linear', 'exponential'),
    jitter: fc.constantFrom(0, 0.5),
    dontRetryCode: fc.boolean(),
  });
}

/** A value in one of `of` cases, `undefined` in the others. */
function rarely<T>(arbitrary: fc.Arbitrary<T>, of: number): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: of - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
}

/** Mostly nothing, sometimes a few. */
function few<T>(arbitrary: fc.Arbitrary<T>, maxLength: number, of: number): fc.Arbitrary<readonly T[]> {
  return fc.oneof(
    { weight: of - 1, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(arbitrary, { minLength: 1, maxLength }) },
  );
}

function node({ timing = false, delays = true }: FlowFeatures): fc.Arbitrary<RawNode> {
  // Between the times that nodes take, so that no attempt ends at the very moment of its limit.
  const limit = fc.constantFrom(5.5, 9.5, 15.5);
  return fc.record({
    part: fc.constant('node' as const),
    kind: fc.constantFrom('task', 'task', 'task', 'try', 'first', 'all', 'partition'),
    inputs: fc.array(input, { minLength: 0, maxLength: 3 }),
    join: fc.constantFrom('required', 'required', 'required', 'all', 'any', 'always'),
    after: few(index, 2, 6),
    gives: fc.constantFrom('number', 'number', 'object', 'null', 'visit', 'state', 'tally', 'list', 'echo'),
    failures: few(failure, 2, 9),
    retry: rarely(retry(delays), 3),
    form: fc.constantFrom('inline', 'promise', 'timer', 'timer'),
    wired: fc.boolean(),
    takesMs: timing ? fc.constantFrom(0, 0, 1, 4, 10) : fc.constant(0),
    timeoutMs: timing ? rarely(limit, 3) : fc.constant(undefined),
    totalTimeoutMs: timing ? rarely(limit, 3) : fc.constant(undefined),
  }) as fc.Arbitrary<RawNode>;
}

function parts(features: FlowFeatures, depth: number): fc.Arbitrary<readonly RawPart[]> {
  const maxLength = depth === 0 ? (features.size ?? 13) : 3;
  const one = node(features);
  if (features.cycles === false || depth === 2)
    return fc.array(one, { minLength: depth === 0 ? 1 : 0, maxLength, size: 'max' });
  const cycle = cycleOf(features, depth + 1);
  return fc.array(fc.oneof({ weight: 5, arbitrary: one as fc.Arbitrary<RawPart> }, { weight: 1, arbitrary: cycle }), {
    minLength: depth === 0 ? 1 : 0,
    maxLength,
    size: 'max',
  });
}

function cycleOf(features: FlowFeatures, depth: number): fc.Arbitrary<RawCycle> {
  return fc.record({
    part: fc.constant('cycle' as const),
    body: parts(features, depth),
    entry: source,
    tail: fc.array(output, { maxLength: 2 }),
    tailJoin: fc.constantFrom('required', 'required', 'any', 'always', 'all'),
    exit: fc.constantFrom('tail', 'tail', 'again', 'while'),
    until: rarely(fc.integer({ min: 1, max: 4 }), 2),
    maxIterations: fc.integer({ min: 1, max: 4 }),
    onMaxIterations: fc.constantFrom('accept', 'accept', 'accept', 'accept', 'accept', 'fail'),
    timeoutMs: features.timing ? rarely(fc.constantFrom(10, 25), 3) : fc.constant(undefined),
    extra: rarely(fc.constantFrom('head' as const, 'tail' as const), 3),
    keepHistory: fc.constantFrom(100, 2, 0),
    headFails: few(failure, 1, 8),
  }) as fc.Arbitrary<RawCycle>;
}

const values = fc.record({ p0: number, p1: number });

/** Workflows, as plain specs. */
export function flows(features: FlowFeatures = {}): fc.Arbitrary<FlowSpec> {
  const raw: fc.Arbitrary<RawFlow> = fc.record({
    parts: parts(features, 0),
    parameters: fc.oneof(
      { weight: 2, arbitrary: fc.constant({ how: 'none' as const, values: {} }) },
      { weight: 1, arbitrary: values.map((given) => ({ how: 'declared' as const, values: given })) },
      { weight: 1, arbitrary: number.map((i0) => ({ how: 'broadcast' as const, values: { i0 } })) },
    ),
    set: few(fc.record({ node: index, port: fc.nat({ max: 2 }), value: number }), 2, 4),
    outputs: fc.array(source, { maxLength: 3 }),
  });
  return raw.map((drawn) => withoutAmbiguity(resolve(drawn)));
}

// ── From what was drawn to a spec with names. ──

/** Something that a later part can read. */
interface Visible {
  readonly id: string;
  readonly ports: readonly string[];
  /** Cases to join, where it is a switch that takes one of them, or a node that may fail. */
  readonly cases: readonly string[] | undefined;
}

class Resolver {
  readonly nodes: FlowNode[] = [];
  readonly cycles: FlowCycle[] = [];
  readonly #flow: RawFlow;
  /** Heads of the cycles whose bodies are being resolved. */
  readonly #openHeads = new Set<string>();
  /** Cycles whose enclosing cycle is known. */
  readonly #enclosed = new Set<string>();
  #count = 0;

  constructor(flow: RawFlow) {
    this.#flow = flow;
  }

  resolve(): FlowSpec {
    const { parts: all, parameters, set, outputs } = this.#flow;
    const visible = this.#parts(all, []);
    const named: Record<string, FlowSource> = {};
    outputs.forEach((raw, position) => {
      const from = this.#source(raw, visible);
      if (from !== undefined) named[`o${position}`] = from;
    });
    const addressed: Record<string, Record<string, number | null>> = {};
    for (const { node: of, port, value } of set) {
      const target = this.nodes[of % this.nodes.length] as FlowNode;
      const name = Object.keys(target.inputs)[port % 3];
      if (name === undefined) continue;
      addressed[target.id] ??= {};
      (addressed[target.id] as Record<string, number | null>)[name] = value;
    }
    return { parameters, set: addressed, nodes: this.nodes, cycles: this.cycles, outputs: named };
  }

  #parts(raw: readonly RawPart[], visible: readonly Visible[]): readonly Visible[] {
    let seen = visible;
    for (const part of raw) seen = part.part === 'node' ? [...seen, this.#node(part, seen)] : this.#cycle(part, seen);
    return seen;
  }

  #output(raw: RawOutput, visible: readonly Visible[]): FlowSource | undefined {
    const nodes = visible.filter(({ ports }) => ports[0] !== 'reason');
    if (nodes.length === 0) return undefined;
    // Counted from the end: what is near is read more often, and shrinking moves nothing.
    const owner = nodes[nodes.length - 1 - (raw.of % nodes.length)] as Visible;
    return {
      kind: 'output',
      node: owner.id,
      port: owner.ports[raw.port % owner.ports.length] as string,
      path: 'whole',
    };
  }

  #source(raw: RawSource, visible: readonly Visible[]): FlowSource | undefined {
    switch (raw.pick) {
      case 'output': {
        const from = this.#output(raw, visible);
        return from?.kind === 'output' ? { ...from, path: raw.path } : from;
      }
      case 'cycle': {
        const ended = visible.filter(({ ports }) => ports[0] === 'reason');
        const owner = ended[raw.of % Math.max(1, ended.length)];
        return owner === undefined
          ? this.#output(raw, visible)
          : { kind: 'output', node: owner.id, port: owner.ports[raw.port % 2] as string, path: 'whole' };
      }
      case 'parameter':
        if (this.#flow.parameters.how !== 'declared') return this.#output({ of: raw.of, port: 0 }, visible);
        return { kind: 'parameter', name: `p${raw.of % 2}` };
      case 'required': {
        const of = this.#output(raw.of, visible);
        return of?.kind === 'output' ? { kind: 'required', of: { ...of, path: raw.path } } : undefined;
      }
      case 'join':
        return this.#join(raw, visible);
      default: {
        const of = this.#several(raw.of, visible);
        if (of.length === 0) return undefined;
        if (raw.pick === 'or') return { kind: 'or', of, literal: raw.literal };
        return { kind: raw.pick, of };
      }
    }
  }

  #several(raw: readonly RawOutput[], visible: readonly Visible[]): FlowSource[] {
    const all = raw.flatMap((one) => this.#output(one, visible) ?? []);
    return all.filter(
      (one, position) => all.findIndex((other) => JSON.stringify(other) === JSON.stringify(one)) === position,
    );
  }

  #join(raw: Extract<RawSource, { pick: 'join' }>, visible: readonly Visible[]): FlowSource | undefined {
    const owners = visible.filter(({ cases }) => cases !== undefined);
    const owner = owners[owners.length - 1 - (raw.of % Math.max(1, owners.length))];
    if (owner === undefined) return this.#output(raw.cases[0] as RawOutput, visible);
    const own: Record<string, FlowSource> = {};
    (owner.cases as readonly string[]).forEach((name, position) => {
      const port = name === 'ok' ? 'value' : name === 'failed' ? '$error' : name;
      const pick = raw.cases[position % raw.cases.length] as RawOutput;
      const other = pick.port === 0 ? undefined : this.#output(pick, visible);
      own[name] = other ?? { kind: 'output', node: owner.id, port, path: 'whole' };
    });
    return { kind: 'join', owner: owner.id, cases: own };
  }

  #name(prefix: string): string {
    return `${prefix}${this.#count++}`;
  }

  #node(raw: RawNode, visible: readonly Visible[]): Visible {
    const listless = raw.kind === 'partition' && (raw.inputs[0]?.from ?? null) === null;
    const kind = listless ? 'all' : raw.kind;
    const isSwitch = kind === 'first' || kind === 'all' || kind === 'partition';
    const id = this.#name(isSwitch ? 's' : kind === 'try' ? 't' : 'n');
    const loose = raw.join === 'any' || raw.join === 'always';
    const inputs: Record<string, FlowNode['inputs'][string]> = {};
    const wanted = isSwitch
      ? [
          raw.inputs[0] ??
            ({
              from: { pick: 'output', of: 0, port: 0, path: 'whole' },
              also: null,
              optional: false,
              config: 0,
            } as const),
        ]
      : raw.inputs;
    wanted.forEach((one, position) => {
      const drawn = one.from === null ? undefined : this.#source(one.from, visible);
      const first =
        kind === 'partition' && drawn?.kind === 'output' ? ({ kind: 'collect', of: [drawn] } as const) : drawn;
      const also = one.also === null || isSwitch ? undefined : this.#output(one.also, visible);
      const from = [first, also].filter((each) => each !== undefined && each.kind === 'output');
      const wired = raw.wired && !isSwitch && from.length > 0 && first?.kind === 'output';
      const sources = wired
        ? JSON.stringify(from[0]) === JSON.stringify(from[1])
          ? from.slice(0, 1)
          : from
        : first === undefined
          ? []
          : [first];
      const config = one.config === undefined && sources.length === 0 ? position : one.config;
      inputs[isSwitch ? 'value' : `i${position}`] = {
        from: sources as FlowSource[],
        optional: !isSwitch && (one.optional || loose),
        ...(config !== undefined && (wired || sources.length === 0) ? { config } : {}),
        ...(wired ? { wired: true as const } : {}),
      };
    });
    const cases =
      kind === 'partition' || kind === 'all' || kind === 'first'
        ? ['a', 'b', 'c'].slice(0, raw.gives === 'null' ? 2 : 3)
        : undefined;
    this.nodes.push({
      id,
      kind,
      inputs,
      join: isSwitch && loose ? 'required' : raw.join,
      after: [...new Set(raw.after.flatMap((of) => visible[of % Math.max(1, visible.length)]?.id ?? []))],
      gives: raw.gives,
      failures: isSwitch ? [] : raw.failures,
      form: isSwitch ? 'inline' : raw.form,
      ...(cases === undefined ? {} : { cases, otherwise: raw.gives !== 'visit' && raw.gives !== 'state' }),
      ...(raw.retry === undefined ? {} : { retry: raw.retry }),
      ...(raw.takesMs === 0 ? {} : { takesMs: raw.takesMs }),
      ...(raw.timeoutMs === undefined ? {} : { timeoutMs: raw.timeoutMs }),
      ...(raw.totalTimeoutMs === undefined ? {} : { totalTimeoutMs: raw.totalTimeoutMs }),
    });
    const ports = cases ?? (kind === 'try' ? ['value', '$error'] : ['value']);
    return { id, ports, cases: kind === 'try' ? ['ok', 'failed'] : kind === 'first' ? cases : undefined };
  }

  /**
   * A cycle has a head, which takes the feedback, and a tail, which reads the head, the body and the tails of inner cycles. An
   * inner head reads the head around it. So every inner cycle lies on the path from the head to the tail around it.
   */
  #cycle(raw: RawCycle, visible: readonly Visible[]): readonly Visible[] {
    const id = this.#name('c');
    const head = `${id}_head`;
    const around = visible.findLast((one) => one.id.endsWith('_head') && this.#openHeads.has(one.id));
    const entry = this.#source(raw.entry, visible);
    this.#plain(
      head,
      {
        fed: {
          from: entry === undefined ? [] : [entry],
          optional: raw.extra !== undefined,
          ...(entry === undefined ? { config: 1 } : {}),
        },
        ...(around === undefined ? {} : { up: { from: [whole(around.id, 'value')], optional: false } }),
        more: { from: [], optional: true },
      },
      { failures: raw.headFails, gives: raw.until === undefined ? 'number' : 'visit' },
    );
    let seen: readonly Visible[] = [...visible, { id: head, ports: ['value'], cases: undefined }];
    let path = whole(head, 'value');
    if (raw.exit === 'while') {
      const gate = `${id}_while`;
      this.#switch(gate, path);
      path = whole(gate, 'a');
      seen = [...seen, { id: gate, ports: ['a', 'b'], cases: ['a', 'b'] }];
    }
    this.#openHeads.add(head);
    const before = this.cycles.length;
    seen = this.#parts(raw.body, seen);
    this.#openHeads.delete(head);
    const inner = this.cycles.slice(before).filter((cycle) => !this.#enclosed.has(cycle.id));
    return this.#close(raw, id, path, seen, inner);
  }

  #close(
    raw: RawCycle,
    id: string,
    path: FlowSource,
    visible: readonly Visible[],
    inner: readonly FlowCycle[],
  ): readonly Visible[] {
    const tail = `${id}_tail`;
    const loose = raw.tailJoin === 'any' || raw.tailJoin === 'always';
    const inputs: Record<string, FlowNode['inputs'][string]> = { t: { from: [path], optional: loose } };
    inner.forEach((cycle, position) => {
      inputs[`u${position}`] = { from: [whole(`${cycle.id}_tail`, 'value')], optional: true };
    });
    raw.tail.forEach((one, position) => {
      const from = this.#output(one, visible);
      if (from !== undefined) inputs[`i${position}`] = { from: [from], optional: loose || position > 0 };
    });
    this.#plain(tail, inputs, { join: raw.tailJoin });
    let seen: readonly Visible[] = [...visible, { id: tail, ports: ['value'], cases: undefined }];
    let back = whole(tail, 'value');
    if (raw.exit === 'again') {
      const again = `${id}_again`;
      this.#switch(again, back);
      back = whole(again, 'a');
      seen = [...seen, { id: again, ports: ['a', 'b'], cases: ['a', 'b'] }];
    }
    const feedback: FlowCycle['feedback'][number][] = [{ from: back, node: `${id}_head`, port: 'fed' }];
    if (raw.extra)
      feedback.push({
        from: whole(raw.extra === 'head' ? `${id}_head` : tail, 'value'),
        node: `${id}_head`,
        port: 'more',
      });
    for (const cycle of inner) {
      this.#enclosed.add(cycle.id);
      // Nothing leads from its last node to the tail around it: it must say where it belongs.
      if (this.nodes.some((node) => node.id === `${cycle.id}_again`))
        this.cycles[this.cycles.indexOf(cycle)] = { ...cycle, within: id };
    }
    this.cycles.push({
      id,
      feedback,
      ...(raw.until === undefined ? {} : { until: { of: whole(`${id}_head`, 'value'), least: raw.until } }),
      maxIterations: raw.maxIterations,
      onMaxIterations: raw.onMaxIterations,
      ...(raw.timeoutMs === undefined ? {} : { timeoutMs: raw.timeoutMs, onTimeout: raw.onMaxIterations }),
      keepHistory: raw.keepHistory,
    });
    return [...seen, { id, ports: ['reason', 'iterations'], cases: undefined }];
  }

  #plain(id: string, inputs: FlowNode['inputs'], more: Partial<FlowNode>): void {
    this.nodes.push({
      id,
      kind: 'task',
      inputs,
      join: 'required',
      after: [],
      gives: 'number',
      failures: [],
      form: 'timer',
      ...more,
    });
  }

  #switch(id: string, from: FlowSource): void {
    this.nodes.push({
      id,
      kind: 'first',
      inputs: { value: { from: [from], optional: false } },
      join: 'required',
      after: [],
      gives: 'number',
      failures: [],
      form: 'inline',
      cases: ['a', 'b'],
      otherwise: true,
    });
  }
}

function whole(node: string, port: string): FlowSource {
  return { kind: 'output', node, port, path: 'whole' };
}

function resolve(raw: RawFlow): FlowSpec {
  return new Resolver(raw).resolve();
}
