import {
  A_TIME,
  answerOf,
  belongs,
  defaultOf,
  type FlowCycle,
  type FlowMap,
  type FlowNode,
  type FlowSource,
  type FlowSpec,
  LITERAL,
  mayFail,
  work,
} from '../../src/testing/arbitrary/flow.js';

/**
 * A second interpreter of workflows, written from section 5 of the design and without a line of the kernel: no plan, no events,
 * no readiness, no bits. It does what may be done, in any order, until nothing is left; a cycle is a loop around that.
 */

/** What a node came to, in its last visit. */
export interface Fate {
  readonly status: 'completed' | 'failed' | 'skipped' | 'blocked';
  /** Of a node that completed. */
  readonly output?: Readonly<Record<string, unknown>>;
  /** Of a node that failed. */
  readonly code?: string;
  /** Of a map that failed: the item whose failure it reports. */
  readonly item?: number;
  readonly attempts: number;
  readonly visits: number;
  /** What the last attempt of a map or subworkflow ran. */
  readonly children?: readonly ChildFate[];
}

/** What became of an item of a map, or of a subworkflow. */
export type ChildFate = Pick<Prediction, 'status' | 'nodes' | 'cycles'>;

/** What a cycle came to, in its last entry. */
export interface Ending {
  /** `dead`: all of its feedback was, whatever the cause. */
  readonly reason: 'failed' | 'dead' | 'converged' | 'max_iterations';
  readonly failed: boolean;
  readonly iterations: number;
  readonly history: readonly number[];
}

/** What a run came to. */
export interface Prediction {
  readonly status: 'completed' | 'failed';
  readonly output: Readonly<Record<string, unknown>> | undefined;
  readonly nodes: Readonly<Record<string, Fate>>;
  readonly cycles: Readonly<Record<string, Ending>>;
}

class Fails extends Error {
  readonly code: string;
  readonly item: number | undefined;

  constructor(code: string, item?: number) {
    super(code);
    this.code = code;
    this.item = item;
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

/** A cycle that is running: which iteration, what is fed back, and what was live in it since it was entered. */
interface Turn {
  iteration: number;
  /** A node of it has started. */
  entered: boolean;
  fed: ReadonlyMap<string, Seen>;
  /** The last live output of each node, and of each of its ports. */
  readonly outputs: Map<string, Readonly<Record<string, unknown>>>;
  readonly ports: Map<string, { readonly value: unknown; readonly iteration: number }>;
}

type OutputOf = Extract<FlowSource, { kind: 'output' }>;

const dead: Seen = { is: 'dead', value: () => undefined };
const blocked: Seen = { is: 'blocked', value: () => undefined };
const FINAL = new Set([
  'INPUT_MISSING',
  'INPUT_CONFLICT',
  'OUTPUT_MISSING',
  'NOT_A_LIST',
  'NODE_RETURNED_NOTHING',
  'OUTPUT_UNKNOWN',
]);

function live(value: () => unknown): Seen {
  return { is: 'live', value };
}

/** Ids that a source reads. */
function reads(source: FlowSource): readonly string[] {
  switch (source.kind) {
    case 'output':
      return [source.node];
    case 'parameter':
      return [];
    case 'required':
      return reads(source.of);
    case 'join':
      return [source.owner, ...Object.values(source.cases).flatMap(reads)];
    default:
      return source.of.flatMap(reads);
  }
}

/** The bodies of the cycles: what lies on a path from a feedback target to a feedback source. */
function bodiesOf({ nodes, cycles }: FlowSpec): ReadonlyMap<string, ReadonlySet<string>> {
  const ends = (id: string): readonly string[] =>
    cycles.find((cycle) => cycle.id === id)?.feedback.flatMap(({ from }) => reads(from)) ?? [id];
  const before = new Map(
    nodes.map(({ id, inputs, after }) => [
      id,
      [...Object.values(inputs).flatMap(({ from }) => from.flatMap(reads)), ...after].flatMap(ends),
    ]),
  );
  const closure = (targets: readonly string[], sources: readonly string[]): Set<string> => {
    const reached = new Set(targets);
    for (const { id } of nodes) if (before.get(id)?.some((one) => reached.has(one))) reached.add(id);
    const body = new Set(sources);
    for (const { id } of nodes.toReversed())
      if (body.has(id)) for (const one of before.get(id) ?? []) if (reached.has(one)) body.add(one);
    return body;
  };
  const bodies = new Map<string, Set<string>>();
  // Inner cycles stand before those around them.
  for (const { id, feedback } of cycles) {
    const inner = cycles
      .filter(({ within }) => within === id)
      .flatMap((cycle) => [...(bodies.get(cycle.id) as Set<string>)]);
    const body = closure(
      feedback.map(({ node }) => node),
      feedback.flatMap(({ from }) => reads(from)),
    );
    const all = [...body, ...inner];
    bodies.set(id, inner.length === 0 ? body : closure(all, all));
  }
  return bodies;
}

class Reference {
  readonly #spec: FlowSpec;
  readonly #scope: string;
  readonly #parameters: Readonly<Record<string, unknown>>;
  readonly #nodes: ReadonlyMap<string, FlowNode>;
  readonly #bodies: ReadonlyMap<string, ReadonlySet<string>>;
  /** Cycles around a node or cycle, innermost first. */
  readonly #around = new Map<string, readonly string[]>();
  readonly #fates = new Map<string, Fate>();
  readonly #endings = new Map<string, Ending>();
  readonly #turns = new Map<string, Turn>();
  readonly #visits = new Map<string, number>();
  readonly #states = new Map<string, number>();
  /** What the attempt that is being made has opened. */
  #children: readonly Prediction[] | undefined;

  constructor(spec: FlowSpec, scope: string, parameters: Readonly<Record<string, unknown>>) {
    this.#spec = spec;
    this.#scope = scope;
    this.#parameters = parameters;
    this.#nodes = new Map(spec.nodes.map((node) => [node.id, node]));
    this.#bodies = bodiesOf(spec);
    const size = (id: string): number => this.#bodies.get(id)?.size ?? 0;
    const bySize = [...this.#bodies.keys()].sort((a, b) => size(a) - size(b));
    for (const id of this.#nodes.keys())
      this.#around.set(
        id,
        bySize.filter((cycle) => this.#bodies.get(cycle)?.has(id)),
      );
    for (const { id, feedback } of spec.cycles) {
      const [edge] = feedback;
      this.#around.set(
        id,
        (this.#around.get(edge?.node ?? '') ?? []).filter(
          (cycle) => cycle !== id && size(cycle) >= size(id) && this.#encloses(cycle, id),
        ),
      );
    }
  }

  #encloses(outer: string, inner: string): boolean {
    return [...(this.#bodies.get(inner) ?? [])].every((id) => this.#bodies.get(outer)?.has(id));
  }

  predict(): Prediction {
    this.#settleLevel(undefined);
    const nodes = Object.fromEntries(this.#fates);
    const cycles = Object.fromEntries(this.#endings);
    const failed: Prediction = { status: 'failed', output: undefined, nodes, cycles };
    const broken = this.#spec.nodes.some((node) => this.#fates.get(node.id)?.status === 'failed' && !mayFail(node));
    if (broken || [...this.#endings.values()].some((ending) => ending.failed)) return failed;
    const output: Record<string, unknown> = {};
    try {
      for (const [name, source] of Object.entries(this.#spec.outputs)) {
        const seen = this.#see(source, []);
        const value = seen.is === 'live' ? seen.value() : undefined;
        if (value !== undefined) output[name] = value;
      }
    } catch (error) {
      if (error instanceof Fails) return failed;
      throw error;
    }
    return { status: 'completed', output, nodes, cycles };
  }

  // ── What happens in which order. ──

  /** Settles the nodes and cycles directly inside a cycle, or at the top. */
  #settleLevel(cycle: string | undefined): void {
    const isHere = (id: string): boolean => this.#around.get(id)?.[0] === cycle;
    const nodes = this.#spec.nodes.filter(({ id }) => isHere(id));
    const cycles = this.#spec.cycles.filter(({ id }) => isHere(id));
    for (let open = nodes.length + cycles.length; open > 0; ) {
      const before = open;
      for (const node of nodes) {
        if (this.#fates.has(node.id) || !this.#waitsFor(node).every((id) => this.#hasSettled(id, node.id))) continue;
        this.#fates.set(node.id, this.#fate(node));
        open--;
      }
      for (const inner of cycles) {
        if (this.#endings.has(inner.id) || !this.#entries(inner.id).every((id) => this.#hasSettled(id, inner.id)))
          continue;
        this.#endings.set(inner.id, this.#runCycle(inner));
        open--;
      }
      if (open === before) throw new Error(`Nothing can go on in ${cycle ?? 'the workflow'}.`);
    }
  }

  #waitsFor({ id, inputs, after }: FlowNode): readonly string[] {
    const sources = Object.entries(inputs).flatMap(([port, { from }]) =>
      this.#feedback(id, port) === undefined ? from.flatMap(reads) : [],
    );
    return [...sources, ...after];
  }

  /** What the nodes of a cycle read from outside. */
  #entries(cycle: string): readonly string[] {
    const body = this.#bodies.get(cycle) as ReadonlySet<string>;
    return [...body]
      .flatMap((id) => this.#waitsFor(this.#nodes.get(id) as FlowNode))
      .filter((id) => !body.has(id) && !this.#around.get(id)?.includes(cycle) && id !== cycle);
  }

  /** Whether something has settled for a reader: a node inside a cycle that the reader is not in has when that cycle has ended. */
  #hasSettled(id: string, reader: string): boolean {
    const left = this.#left(id, this.#around.get(reader) ?? []);
    return left === undefined ? this.#fates.has(id) || this.#endings.has(id) : this.#endings.has(left);
  }

  /** The outermost cycle around something that does not contain the reader. */
  #left(id: string, reader: readonly string[]): string | undefined {
    return this.#around.get(id)?.findLast((cycle) => !reader.includes(cycle));
  }

  #runCycle(cycle: FlowCycle): Ending {
    const { id, keepHistory } = cycle;
    const body = [...(this.#bodies.get(id) as ReadonlySet<string>)];
    const turn: Turn = { iteration: 0, entered: false, fed: new Map(), outputs: new Map(), ports: new Map() };
    this.#turns.set(id, turn);
    if ((this.#around.get(id)?.length ?? 0) > 0) for (const node of body) this.#states.delete(node);
    const history: number[] = [];
    for (;;) {
      this.#settleLevel(id);
      const { reason, failed, metric } = this.#decide(cycle, turn);
      if (metric !== undefined) history.push(metric);
      const kept = keepHistory === 0 ? [] : history.slice(-keepHistory);
      if (reason !== undefined)
        return { reason, failed, iterations: turn.entered ? turn.iteration + 1 : 0, history: kept };
      turn.fed = new Map(
        cycle.feedback.map(({ from, node, port }) => {
          const seen = this.#see(from, [id, ...(this.#around.get(id) ?? [])]);
          const value = seen.is === 'live' ? seen.value() : undefined;
          return [`${node}.${port}`, seen.is === 'live' ? live(() => value) : seen];
        }),
      );
      turn.iteration++;
      for (const node of body) {
        this.#fates.delete(node);
        this.#visits.set(node, this.#visit(node) + 1);
      }
      for (const inner of this.#spec.cycles) {
        if (!this.#around.get(inner.id)?.includes(id)) continue;
        this.#endings.delete(inner.id);
        this.#turns.delete(inner.id);
      }
    }
  }

  #decide(
    { id, feedback, until, maxIterations, onMaxIterations }: FlowCycle,
    turn: Turn,
  ): { reason?: Ending['reason']; failed: boolean; metric?: number } {
    const here = [id, ...(this.#around.get(id) ?? [])];
    const broken = [...(this.#bodies.get(id) as ReadonlySet<string>)].some((node) => {
      const { status } = this.#fates.get(node) as Fate;
      return status === 'blocked' || (status === 'failed' && !mayFail(this.#nodes.get(node) as FlowNode));
    });
    const innerFailed = this.#spec.cycles.some(
      (inner) => this.#around.get(inner.id)?.includes(id) && this.#endings.get(inner.id)?.failed,
    );
    if (broken || innerFailed) return { reason: 'failed', failed: true };
    if (feedback.every(({ from }) => this.#see(from, here).is !== 'live')) return { reason: 'dead', failed: false };
    const seen = until === undefined ? dead : this.#see(until.of, here);
    const value = seen.is === 'live' ? seen.value() : undefined;
    const metric = typeof value === 'number' ? { metric: value } : {};
    if (typeof value === 'number' && value >= (until?.least ?? 0))
      return { reason: 'converged', failed: false, ...metric };
    if (turn.iteration + 1 >= maxIterations)
      return { reason: 'max_iterations', failed: onMaxIterations === 'fail', ...metric };
    return { failed: false, ...metric };
  }

  #visit(node: string): number {
    return this.#visits.get(node) ?? 1;
  }

  // ── What a source is. ──

  #see(source: FlowSource, reader: readonly string[]): Seen {
    switch (source.kind) {
      case 'output':
        return this.#seeOutput(source, reader);
      case 'parameter':
        return this.#seeParameter(source);
      case 'required': {
        const of = this.#see(source.of, reader);
        return of.is === 'blocked' ? of : live(() => missing(of.value()));
      }
      case 'or': {
        const all = this.#seeRivals(source.of, reader);
        if (source.literal) all.push(live(() => LITERAL));
        const lives = all.filter(({ is }) => is === 'live');
        if (lives.length > 0) return live(() => lives.map((one) => one.value()).find((value) => value !== undefined));
        return all.some(({ is }) => is === 'blocked') ? blocked : dead;
      }
      case 'join':
        return this.#seeJoin(source, reader);
      case 'oneOf':
        return several('oneOf', this.#seeRivals(source.of, reader));
      default:
        return several(
          source.kind,
          source.of.map((of) => this.#see(of, reader)),
        );
    }
  }

  /** A parameter that was not given is dead; one whose path leads nowhere, too. */
  #seeParameter({ name, path }: Extract<FlowSource, { kind: 'parameter' }>): Seen {
    const value = read(this.#parameters[name], path ?? 'whole');
    return value === undefined ? dead : live(() => value);
  }

  /** Sees alternatives. Of those that leave one cycle, older iterations than the last in which one was live count as dead. */
  #seeRivals(sources: readonly FlowSource[], reader: readonly string[]): Seen[] {
    const seen = sources.map((of) => this.#see(of, reader));
    const exits = sources.map((of, place) => {
      const left = of.kind === 'output' ? this.#left(of.node, reader) : undefined;
      if (of.kind !== 'output' || left === undefined || seen[place]?.is !== 'live') return undefined;
      const kept = this.#turns.get(left)?.ports.get(`${of.node}.${of.port}`);
      return kept === undefined ? undefined : { left, iteration: kept.iteration };
    });
    return seen.map((one, place) => {
      const exit = exits[place];
      const older = exits.some((rival) => exit && rival?.left === exit.left && rival.iteration > exit.iteration);
      return older ? dead : one;
    });
  }

  #seeOutput({ node, port, path }: OutputOf, reader: readonly string[]): Seen {
    const ended = this.#spec.cycles.some(({ id }) => id === node);
    const left = this.#left(node, reader) ?? (ended ? node : undefined);
    if (left !== undefined) return this.#seeExit(left, node, port, path);
    const fate = this.#fates.get(node) as Fate;
    if (this.#isStuck(node)) return blocked;
    if (fate.status === 'failed' && port === '$error') return live(() => read({ code: fate.code }, path));
    if (fate.status !== 'completed' || !Object.hasOwn(fate.output ?? {}, port)) return dead;
    return live(() => read(fate.output?.[port], path));
  }

  /** An output of a cycle that has ended: the value of the last iteration in which it was live. */
  #seeExit(left: string, node: string, port: string, path: OutputOf['path']): Seen {
    if (this.#endings.get(left)?.failed) return blocked;
    if (this.#endings.has(node)) return live(() => read(this.#endings.get(node)?.iterations, path));
    const { ports } = this.#turns.get(left) as Turn;
    const key = `${node}.${port}`;
    return ports.has(key) ? live(() => read(ports.get(key)?.value, path)) : dead;
  }

  #seeJoin({ owner, cases }: Extract<FlowSource, { kind: 'join' }>, reader: readonly string[]): Seen {
    const left = this.#left(owner, reader);
    if (left === undefined ? this.#isStuck(owner) : this.#endings.get(left)?.failed) return blocked;
    const fate = this.#fates.get(owner);
    const output =
      left === undefined
        ? fate?.status === 'failed'
          ? { $error: fate.code }
          : fate?.output
        : this.#turns.get(left)?.outputs.get(owner);
    if (output === undefined) return dead;
    const [port = ''] = Object.keys(output);
    const way = mayFail(this.#nodes.get(owner) as FlowNode) ? (port === '$error' ? 'failed' : 'ok') : port;
    return this.#see(cases[way] as FlowSource, reader);
  }

  #isStuck(node: string): boolean {
    const fate = this.#fates.get(node);
    return fate?.status === 'blocked' || (fate?.status === 'failed' && !mayFail(this.#nodes.get(node) as FlowNode));
  }

  // ── What a node does. ──

  /** The feedback into an input, once the cycle is past its first iteration. */
  #feedback(node: string, port: string): Seen | undefined {
    for (const cycle of this.#around.get(node) ?? []) {
      const seen = this.#turns.get(cycle)?.fed.get(`${node}.${port}`);
      if (seen !== undefined) return seen;
    }
    return undefined;
  }

  /** The connection of an input, if it has one. A parameter is none. */
  #connection(node: string, port: string): Seen | undefined {
    const fed = this.#feedback(node, port);
    if (fed !== undefined) return fed;
    const from = this.#nodes.get(node)?.inputs[port]?.from ?? [];
    const [first] = from;
    if (first === undefined || first.kind === 'parameter') return undefined;
    const reader = this.#around.get(node) ?? [];
    return from.length === 1 ? this.#see(first, reader) : several('oneOf', this.#seeRivals(from, reader));
  }

  #decision(node: FlowNode): 'run' | 'skipped' | 'blocked' {
    const inputs = Object.entries(node.inputs).flatMap(([port, { optional }]) => {
      const seen = this.#connection(node.id, port);
      return seen === undefined ? [] : [{ seen, optional }];
    });
    if (node.join === 'always') return 'run';
    const some = inputs.some(({ seen }) => seen.is === 'live');
    const stuck = inputs.some(({ seen }) => seen.is === 'blocked' || seen.tainted === true);
    if (node.join === 'any') return some || inputs.length === 0 ? 'run' : stuck ? 'blocked' : 'skipped';
    if (stuck || this.#stuckBefore(node)) return 'blocked';
    if (inputs.length === 0) return 'run';
    if (node.join === 'all')
      return inputs.some(({ seen }) => seen.is === 'dead' || seen.partly === true) ? 'skipped' : 'run';
    return !some || inputs.some(({ seen, optional }) => seen.is === 'dead' && !optional) ? 'skipped' : 'run';
  }

  #stuckBefore({ id: node, after }: FlowNode): boolean {
    return after.some((id) => {
      const left = this.#left(id, this.#around.get(node) ?? []) ?? (this.#nodes.has(id) ? undefined : id);
      return left === undefined ? this.#isStuck(id) : this.#endings.get(left)?.failed === true;
    });
  }

  #fate(node: FlowNode): Fate {
    const decision = this.#decision(node);
    const visits = this.#visit(node.id);
    if (decision !== 'run') return { status: decision, attempts: 0, visits };
    for (const cycle of this.#around.get(node.id) ?? []) (this.#turns.get(cycle) as Turn).entered = true;
    for (let failures = 0; ; ) {
      let code: string;
      let item: number | undefined;
      this.#children = undefined;
      try {
        const output = this.#attempt(node, failures);
        this.#keep(node.id, output);
        return { status: 'completed', output, attempts: failures + 1, visits, ...this.#opened() };
      } catch (error) {
        item = error instanceof Fails ? error.item : undefined;
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
      if (mayFail(node)) this.#keep(node.id, { $error: { code } });
      const more = item === undefined ? {} : { item };
      return { status: 'failed', code, ...more, attempts: failures, visits, ...this.#opened() };
    }
  }

  #opened(): Pick<Fate, 'children'> {
    if (this.#children === undefined || this.#children.length === 0) return {};
    return { children: this.#children.map(({ status, nodes, cycles }) => ({ status, nodes, cycles })) };
  }

  /** Remembers what was live for the readers outside of every cycle around the node. */
  #keep(node: string, output: Readonly<Record<string, unknown>>): void {
    for (const cycle of this.#around.get(node) ?? []) {
      const { outputs, ports, iteration } = this.#turns.get(cycle) as Turn;
      outputs.set(node, output);
      for (const [port, value] of Object.entries(output)) ports.set(`${node}.${port}`, { value, iteration });
    }
  }

  #attempt(node: FlowNode, failures: number): Readonly<Record<string, unknown>> {
    const { id } = node;
    const inputs: Record<string, unknown> = {};
    for (const [port, { optional }] of Object.entries(node.inputs)) {
      const value = this.#input(node, port);
      if (value === undefined && !optional) fail('INPUT_MISSING');
      if (value !== undefined) inputs[port] = value;
    }
    for (const [port, { optional }] of Object.entries(node.inputs)) {
      const fallback = optional ? defaultOf(port) : undefined;
      if (inputs[port] === undefined && fallback !== undefined && hasDefaults(node)) inputs[port] = fallback;
    }
    if (node.cases !== undefined) return choose(node, inputs.value);
    if (node.map !== undefined) return this.#map(node, node.map, inputs, failures + 1);
    if (node.child !== undefined) return this.#subworkflow(node, node.child, inputs, failures + 1);
    if (node.gate !== undefined) return this.#gate(node);
    let next: number | undefined;
    const setState = (state: number): void => {
      next = state;
    };
    const returned = work(node, inputs, {
      visit: this.#visit(id),
      failures,
      state: this.#states.get(id) ?? 0,
      setState,
    });
    if (typeof returned !== 'object' || returned === null) return fail('NODE_RETURNED_NOTHING');
    if (Object.keys(returned).some((port) => port !== 'value')) return fail('OUTPUT_UNKNOWN');
    if (next !== undefined) this.#states.set(id, next);
    return returned as Readonly<Record<string, unknown>>;
  }

  /** Where the children of an attempt live. */
  #prefix(node: string, attempt: number): string {
    const visit = this.#visit(node);
    return `${this.#scope}${node}${attempt > 1 ? `#${visit}.${attempt}` : visit > 1 ? `#${visit}` : ''}`;
  }

  #subworkflow({ id }: FlowNode, child: FlowSpec, inputs: Readonly<Record<string, unknown>>, attempt: number) {
    const ended = new Reference(child, `${this.#prefix(id, attempt)}/`, inputs).predict();
    this.#children = [ended];
    return ended.output ?? fail('CHILD_FAILED');
  }

  #map(
    { id }: FlowNode,
    { body, onItemError }: FlowMap,
    { $list: list, ...outside }: Readonly<Record<string, unknown>>,
    attempt: number,
  ): Readonly<Record<string, unknown>> {
    if (!Array.isArray(list)) return fail('NOT_A_LIST');
    const ports = body.child === undefined ? ['value'] : Object.keys(body.child.outputs);
    const graph = graphOf(body, ports);
    const ended = list.map((item: unknown, index) =>
      new Reference(graph, `${this.#prefix(id, attempt)}[${index}]/`, {
        ...outside,
        $item: item,
        $index: index,
      }).predict(),
    );
    this.#children = ended;
    const first = ended.findIndex(({ status }) => status === 'failed');
    if (onItemError === 'fail' && first !== -1) return fail('CHILD_FAILED', first);
    const outputs = ended.flatMap(({ output }) => (output === undefined ? [] : [output]));
    const items = ended.map(({ output, nodes }) =>
      output === undefined
        ? { status: 'failed', error: { code: nodes[body.id]?.code } }
        : { status: 'completed', output },
    );
    return {
      ...Object.fromEntries(
        ports.map((port) => [port, outputs.flatMap((output) => (Object.hasOwn(output, port) ? [output[port]] : []))]),
      ),
      $items: items,
      $failed: items.flatMap(({ error }, index) => (error === undefined ? [] : [{ index, error }])),
    };
  }

  #gate(node: FlowNode): Readonly<Record<string, unknown>> {
    const { way, answer } = answerOf(node, this.#scope, this.#visit(node.id));
    if (way === 'approve') return { approved: answer };
    return way === 'reject' ? { rejected: { reason: null, by: null } } : { timedOut: { at: A_TIME } };
  }

  /** The value of an input, strongest source first. */
  #input({ id, kind, inputs }: FlowNode, port: string): unknown {
    const { from, config } = inputs[port] as FlowNode['inputs'][string];
    const { set, parameters } = this.#spec;
    const fed = this.#feedback(id, port);
    const back = fed?.is === 'live' ? fed.value() : undefined;
    if (back !== undefined) return back;
    const addressed = set[id];
    if (addressed !== undefined && Object.hasOwn(addressed, port)) return addressed[port];
    const seen = fed ?? this.#connection(id, port);
    const connected = seen?.is === 'live' ? seen.value() : undefined;
    if (connected !== undefined) return connected;
    if (from[0]?.kind === 'parameter') return read(this.#parameters[from[0].name], from[0].path ?? 'whole');
    const reached = parameters.how === 'broadcast' && (kind === 'task' || kind === 'try' || kind === 'subworkflow');
    if (reached && this.#parameters[port] !== undefined) return this.#parameters[port];
    return config;
  }
}

function several(kind: 'oneOf' | 'collect', all: readonly Seen[]): Seen {
  const lives = all.filter(({ is }) => is === 'live');
  const tainted = all.some(({ is }) => is === 'blocked');
  if (lives.length === 0) return tainted ? blocked : dead;
  if (kind === 'oneOf')
    return { is: 'live', tainted, value: () => (lives.length > 1 ? fail('INPUT_CONFLICT') : lives[0]?.value()) };
  const partly = all.some(({ is }) => is === 'dead');
  return {
    is: 'live',
    partly,
    tainted,
    value: () => lives.map((one) => one.value()).filter((value) => value !== undefined),
  };
}

/** What a map does with an item: a workflow of one node. */
function graphOf(body: FlowNode, ports: readonly string[]): FlowSpec {
  const outputs = ports.map((port) => [port, { kind: 'output', node: body.id, port, path: 'whole' }] as const);
  return {
    parameters: { how: 'declared', values: {} },
    set: {},
    nodes: [body],
    cycles: [],
    outputs: Object.fromEntries(outputs),
  };
}

/** What a map takes for its body and what a gate shows goes through no schema. */
function hasDefaults({ kind }: FlowNode): boolean {
  return kind !== 'map' && kind !== 'gate';
}

function fail(code: string, item?: number): never {
  throw new Fails(code, item);
}

/** Refuses a value that is not there; `null` is one. */
function missing(value: unknown): unknown {
  return value === undefined ? fail('OUTPUT_MISSING') : value;
}

function read(value: unknown, path: OutputOf['path']): unknown {
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

/** Says what becomes of every node and cycle of a workflow, and of the run. The one port that it does not know is a cycle's `reason`. */
export function predict(spec: FlowSpec): Prediction {
  return new Reference(spec, '', spec.parameters.values).predict();
}
