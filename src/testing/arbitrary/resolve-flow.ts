import type { FlowCycle, FlowInput, FlowNode, FlowSource, FlowSpec } from './flow.js';
import type {
  RawChild,
  RawCycle,
  RawFlow,
  RawGate,
  RawInput,
  RawLooped,
  RawMap,
  RawNode,
  RawOutput,
  RawOwner,
  RawPart,
  RawSource,
  RawSubworkflow,
} from './raw-flow.js';
import { areExclusive, distinct, isLoose, takenOf, type Visible, whole } from './visible.js';

/** Names are given once for a workflow and all that it contains. */
class Names {
  #count = 0;

  next(prefix: string): string {
    return `${prefix}${this.#count++}`;
  }
}

/** Long after everything else: where time is not at stake, a gate times out when nobody answers it, and at no other time. */
export const GATE_TIMEOUT = 1_000_000;

type Inputs = Record<string, FlowInput>;

class Resolver {
  readonly nodes: FlowNode[] = [];
  readonly cycles: FlowCycle[] = [];
  readonly #names: Names;
  /** Parameters that sources can read. */
  readonly #parameters: readonly string[];
  /** Nothing may fail: what could be missing has something in its place, and what could conflict is left out. */
  readonly #safe: boolean;
  /** Heads of the cycles whose bodies are being resolved. */
  readonly #openHeads = new Set<string>();
  /** Cycles whose enclosing cycle is known. */
  readonly #enclosed = new Set<string>();

  constructor(names: Names, parameters: readonly string[], safe: boolean) {
    this.#names = names;
    this.#parameters = parameters;
    this.#safe = safe;
  }

  resolve({ parts, outputs }: RawChild): FlowSpec {
    const visible = this.#parts(parts, []);
    const named: Record<string, FlowSource> = {};
    outputs.forEach((raw, position) => {
      const from = this.#source(raw, visible);
      if (from !== undefined) named[`o${position}`] = from;
    });
    return {
      parameters: { how: 'declared', values: {} },
      set: {},
      nodes: this.nodes,
      cycles: this.cycles,
      outputs: named,
    };
  }

  #parts(raw: readonly RawPart[], visible: readonly Visible[]): readonly Visible[] {
    let seen = visible;
    for (const part of raw) seen = this.#part(part, seen);
    return seen;
  }

  #part(raw: RawPart, visible: readonly Visible[]): readonly Visible[] {
    switch (raw.part) {
      case 'node':
        return [...visible, this.#node(raw, visible)];
      case 'cycle':
        return this.#cycle(raw, visible);
      case 'map':
        return this.#map(raw, visible);
      case 'subworkflow':
        return [...visible, this.#subworkflow(raw, visible)];
      case 'gate':
        return [...visible, this.#gate(raw, visible)];
    }
  }

  #output(raw: RawOutput, visible: readonly Visible[]): FlowSource | undefined {
    const nodes = visible.filter(({ ports }) => ports.length > 0 && ports[0] !== 'reason');
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
        return from?.kind === 'output' ? { ...from, path: raw.path } : this.#parameter(raw.of);
      }
      case 'cycle': {
        const ended = visible.filter(({ ports }) => ports[0] === 'reason');
        const owner = ended[raw.of % Math.max(1, ended.length)];
        return owner === undefined
          ? this.#output(raw, visible)
          : { kind: 'output', node: owner.id, port: owner.ports[raw.port % 2] as string, path: 'whole' };
      }
      case 'parameter':
        return this.#parameter(raw.of) ?? this.#output({ of: raw.of, port: 0 }, visible);
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
        if (raw.pick === 'oneOf' && this.#safe && !areExclusive(of, visible)) return { kind: 'or', of, literal: false };
        return { kind: raw.pick, of };
      }
    }
  }

  #parameter(of: number): FlowSource | undefined {
    const name = this.#parameters[of % Math.max(1, this.#parameters.length)];
    if (name === undefined) return undefined;
    return this.#safe ? { kind: 'or', of: [{ kind: 'parameter', name }], literal: true } : { kind: 'parameter', name };
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
      const port = name === 'ok' ? (owner.ports[0] as string) : name === 'failed' ? '$error' : name;
      const pick = raw.cases[position % raw.cases.length] as RawOutput;
      const other = pick.port === 0 ? undefined : this.#output(pick, visible);
      own[name] = other ?? { kind: 'output', node: owner.id, port, path: 'whole' };
    });
    return { kind: 'join', owner: owner.id, cases: own };
  }

  #node(raw: RawNode, visible: readonly Visible[]): Visible {
    const listless = raw.kind === 'partition' && this.#isListless(raw, visible);
    const kind = listless ? 'all' : raw.kind;
    const isSwitch = kind === 'first' || kind === 'all' || kind === 'partition';
    const id = this.#names.next(isSwitch ? 's' : kind === 'try' ? 't' : 'n');
    const { join } = raw;
    const cases = isSwitch ? ['a', 'b', 'c'].slice(0, raw.gives === 'null' ? 2 : 3) : undefined;
    this.nodes.push({
      id,
      kind,
      ...this.#rest(raw, visible),
      inputs: isSwitch ? this.#switched(raw, kind, visible) : this.#inputs(raw, 'i', visible),
      join: isSwitch && isLoose(join) ? 'required' : join,
      failures: isSwitch ? [] : raw.failures,
      ...workOf(raw, isSwitch ? 'inline' : raw.form),
      ...(cases === undefined
        ? {}
        : { cases, otherwise: this.#safe || (raw.gives !== 'visit' && raw.gives !== 'state') }),
    });
    const ports = cases ?? (kind === 'try' ? ['value', '$error'] : ['value']);
    const lists = kind === 'partition' ? ports : raw.gives === 'list' && !isSwitch ? ['value'] : [];
    return { id, ports, lists, cases: kind === 'try' ? ['ok', 'failed'] : kind === 'first' ? cases : undefined };
  }

  #switched({ inputs: [raw] }: RawNode, kind: FlowNode['kind'], visible: readonly Visible[]): Inputs {
    const drawn = raw === undefined ? this.#output({ of: 0, port: 0 }, visible) : this.#read(raw, visible);
    const listed = kind === 'partition' && drawn !== undefined && (this.#safe || drawn.kind === 'output');
    const from = listed && drawn.kind !== 'collect' ? ({ kind: 'collect', of: [drawn] } as const) : drawn;
    const config = raw?.config ?? 0;
    return {
      value: { from: from === undefined ? [] : [from], optional: false, ...(from === undefined ? { config } : {}) },
    };
  }

  #isListless({ inputs: [raw] }: RawNode, visible: readonly Visible[]): boolean {
    if (!this.#safe) return (raw?.from ?? null) === null;
    return raw === undefined || this.#read(raw, visible) === undefined;
  }

  #read(raw: RawInput, visible: readonly Visible[]): FlowSource | undefined {
    return raw.from === null ? undefined : this.#source(raw.from, visible);
  }

  /** @param prefix of the names of the ports */
  #inputs(raw: RawOwner & { readonly wired?: boolean }, prefix: string, visible: readonly Visible[]): Inputs {
    const inputs: Inputs = {};
    raw.inputs.forEach((one, position) => {
      const first = this.#read(one, visible);
      const also = one.also === null || this.#safe ? undefined : this.#output(one.also, visible);
      const optional = one.optional || isLoose(raw.join);
      const config = one.config === undefined ? {} : { config: one.config };
      inputs[`${prefix}${position}`] =
        raw.wired && first?.kind === 'output'
          ? { from: distinct([first, ...(also === undefined ? [] : [also])]), optional, ...config, wired: true }
          : first === undefined
            ? { from: [], optional, config: one.config ?? position }
            : { from: [first], optional };
    });
    return inputs;
  }

  /** The head of the cycle around a part that is to lie on its way. */
  #around({ looped }: Pick<RawLooped, 'looped'>, visible: readonly Visible[]): string | undefined {
    return looped ? visible.findLast(({ id }) => this.#openHeads.has(id))?.id : undefined;
  }

  #rest(
    { after, join, retry, timeoutMs, totalTimeoutMs, looped = false }: RawOwner & Partial<RawLooped>,
    visible: readonly Visible[],
  ) {
    const head = [this.#around({ looped }, visible) ?? []].flat();
    return {
      join,
      after: [...new Set([...after.flatMap((of) => visible[of % Math.max(1, visible.length)]?.id ?? []), ...head])],
      gives: 'number' as const,
      failures: [],
      form: 'inline' as const,
      ...limits({ retry, timeoutMs, totalTimeoutMs }),
    };
  }

  #gate(raw: RawGate, visible: readonly Visible[]): Visible {
    const id = this.#names.next('g');
    const timeoutMs = raw.timeoutMs ?? (raw.answers.includes('expire') ? GATE_TIMEOUT : undefined);
    const drawn = this.#inputs(raw, 'i', visible);
    const inputs = Object.fromEntries(
      Object.entries(drawn).map(([port, input]) => [port, { ...input, optional: true }]),
    );
    this.nodes.push({
      id,
      kind: 'gate',
      ...this.#rest({ ...raw, retry: undefined, timeoutMs: undefined, totalTimeoutMs: undefined }, visible),
      inputs,
      gate: { answers: raw.answers, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
    });
    const ports = timeoutMs === undefined ? ['approved', 'rejected'] : ['approved', 'rejected', 'timedOut'];
    return { id, ports, cases: ports, looped: this.#around(raw, visible) };
  }

  #subworkflow(raw: RawSubworkflow, visible: readonly Visible[]): Visible {
    const id = this.#names.next('w');
    const inputs = this.#inputs(raw, 'p', visible);
    const child = new Resolver(this.#names, Object.keys(inputs), this.#safe).resolve(raw.child);
    this.nodes.push({
      id,
      kind: 'subworkflow',
      ...this.#rest(raw, visible),
      inputs,
      child,
      ...(raw.allowed ? { allowed: true } : {}),
    });
    const ports = Object.keys(child.outputs);
    const looped = this.#around(raw, visible);
    return raw.allowed ? { id, ports: [...ports, '$error'], looped, cases: ['ok', 'failed'] } : { id, ports, looped };
  }

  #map(raw: RawMap, visible: readonly Visible[]): readonly Visible[] {
    const { list, seen } = this.#list(raw, visible);
    const id = this.#names.next('m');
    const isTask = 'part' in raw.body;
    const inputs: Inputs = { $list: { from: [list], optional: false } };
    const own: Inputs = {};
    raw.takes.forEach((one, position) => {
      const port = `${isTask ? 'i' : 'p'}${position}`;
      const { optional } = one;
      const outside = one.take === 'outside' ? this.#source(one.from, seen) : undefined;
      if (outside !== undefined) inputs[port] = { from: [outside], optional };
      own[port] = { from: [outside === undefined ? takenOf(one) : { kind: 'parameter', name: port }], optional };
    });
    const body = this.#body(raw.body, own);
    const { maxConcurrency, onItemError } = raw;
    this.nodes.push({
      id,
      kind: 'map',
      ...this.#rest(raw, seen),
      join: isLoose(raw.join) ? 'required' : raw.join,
      inputs,
      map: { body, onItemError, ...(maxConcurrency === undefined ? {} : { maxConcurrency }) },
    });
    const ports = [...(body.child === undefined ? ['value'] : Object.keys(body.child.outputs)), '$items', '$failed'];
    return [...seen, { id, ports, lists: ports, looped: this.#around(raw, visible) }];
  }

  #body(raw: RawMap['body'], inputs: Inputs): FlowNode {
    const plain = { inputs, join: 'required', after: [] } as const;
    if ('part' in raw) {
      const { failures } = raw;
      return { id: this.#names.next('n'), kind: 'task', ...plain, failures, ...workOf(raw, raw.form), ...limits(raw) };
    }
    const id = this.#names.next('w');
    const child = new Resolver(this.#names, Object.keys(inputs), this.#safe).resolve(raw);
    return { id, kind: 'subworkflow', ...plain, failures: [], gives: 'number', form: 'inline', child };
  }

  /** What a map goes over, and what can be seen then: a node may have been put before it. */
  #list({ list: { pick, of, port } }: RawMap, visible: readonly Visible[]) {
    if (pick === 'any' || pick === 'collect') {
      const from = this.#output({ of, port }, visible);
      const list = from === undefined || pick === 'any' ? from : ({ kind: 'collect', of: [from] } as const);
      if (list !== undefined) return { list, seen: visible };
    }
    const owners = visible.filter(({ lists = [] }) => lists.length > 0);
    const owner = owners[owners.length - 1 - (of % Math.max(1, owners.length))];
    if (owner?.lists !== undefined && pick !== 'fresh')
      return { list: whole(owner.id, owner.lists[port % owner.lists.length] as string), seen: visible };
    const id = this.#names.next('n');
    this.#plain(id, { i0: { from: [], optional: false, config: of } }, { gives: 'list' });
    return { list: whole(id, 'value'), seen: [...visible, { id, ports: ['value'], lists: ['value'] }] };
  }

  /**
   * A cycle has a head, which takes the feedback, and a tail, which reads the head, the body and the tails of inner cycles. An
   * inner head reads the head around it. So every inner cycle lies on the path from the head to the tail around it.
   */
  #cycle(raw: RawCycle, visible: readonly Visible[]): readonly Visible[] {
    const id = this.#names.next('c');
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
    let seen: readonly Visible[] = [...visible, { id: head, ports: ['value'] }];
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
    visible
      .filter(({ looped, ports }) => looped === `${id}_head` && ports.length > 0)
      .forEach(({ id: owner, ports }, position) => {
        inputs[`v${position}`] = { from: [whole(owner, ports[0] as string)], optional: true };
      });
    inner.forEach((cycle, position) => {
      inputs[`u${position}`] = { from: [whole(`${cycle.id}_tail`, 'value')], optional: true };
    });
    raw.tail.forEach((one, position) => {
      const from = this.#output(one, visible);
      if (from !== undefined) inputs[`i${position}`] = { from: [from], optional: loose || position > 0 };
    });
    this.#plain(tail, inputs, { join: raw.tailJoin });
    let seen: readonly Visible[] = [...visible, { id: tail, ports: ['value'] }];
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
    return [...seen, { id, ports: ['reason', 'iterations'] }];
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

function workOf({ gives, takesMs }: RawNode, form: FlowNode['form']) {
  return { gives, form, ...(takesMs === 0 ? {} : { takesMs }) };
}

function limits({ retry, timeoutMs, totalTimeoutMs }: Pick<RawOwner, 'retry' | 'timeoutMs' | 'totalTimeoutMs'>) {
  return {
    ...(retry === undefined ? {} : { retry }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(totalTimeoutMs === undefined ? {} : { totalTimeoutMs }),
  };
}

/** Gives names to what was drawn. @param failures whether anything may fail */
export function resolveFlow(
  { parameters, set, ...raw }: RawFlow,
  { failures }: { readonly failures: boolean },
): FlowSpec {
  const names = parameters.how === 'declared' ? Object.keys(parameters.values) : [];
  const spec = new Resolver(new Names(), names, !failures).resolve(raw);
  const addressed: Record<string, Record<string, number | null>> = {};
  for (const { node, port, value } of set) {
    const target = spec.nodes[node % Math.max(1, spec.nodes.length)];
    const name = target === undefined ? undefined : Object.keys(target.inputs)[port % 3];
    if (target === undefined || name === undefined) continue;
    if (!failures && (target.kind === 'map' || target.kind === 'partition')) continue; // they take lists
    addressed[target.id] = { ...addressed[target.id], [name]: value };
  }
  return { ...spec, parameters, set: addressed };
}
