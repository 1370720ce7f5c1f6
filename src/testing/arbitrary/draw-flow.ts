import type { Arbitrary, FastCheck } from './fast-check.js';
import type { FlowFailure, FlowNode, FlowRetry } from './flow.js';
import type {
  RawBodyInput,
  RawChild,
  RawCycle,
  RawFlow,
  RawGate,
  RawInput,
  RawMap,
  RawNode,
  RawOutput,
  RawPart,
  RawSource,
  RawSubworkflow,
} from './raw-flow.js';

/** What may occur in the workflows that are drawn. */
export interface FlowFeatures {
  /** The most parts at the top, 1 or more; each of them may hold up to 3 more, and so on. Default 10. */
  readonly size: number;
  /** Switches and partitions. Default true. */
  readonly switches: boolean;
  /** Cycles, nested up to two levels. Default true. */
  readonly cycles: boolean;
  /** Maps and subworkflows, nested up to two levels. Default true. */
  readonly children: boolean;
  /** Gates. Default true. */
  readonly gates: boolean;
  /** Nodes that throw, return what they must not, or are given what they cannot take. Default true. */
  readonly failures: boolean;
  /** Nodes that are tried again. Default true. */
  readonly retries: boolean;
  /** Retries that wait, by milliseconds on the clock. Default true. */
  readonly delays: boolean;
  /** Nodes take time on the clock and have time limits, which fail them. Default false. */
  readonly durations: boolean;
}

/** How deep something lies: in how many cycles of its graph, and in how many graphs. */
interface Depth {
  readonly cycles: number;
  readonly graphs: number;
}

const TOP: Depth = { cycles: 0, graphs: 0 };

/** Nodes of these kinds are no switches. */
const PLAIN_KINDS: readonly FlowNode['kind'][] = ['task', 'task', 'task', 'try'];

/** What draws the parts of workflows with somebody's fast-check. */
export class FlowDraws {
  readonly #fc: FastCheck;
  readonly #features: FlowFeatures;
  readonly #index: Arbitrary<number>;
  readonly #output: Arbitrary<RawOutput>;
  readonly #number: Arbitrary<number | null>;
  readonly #source: Arbitrary<RawSource>;
  readonly #input: Arbitrary<RawInput>;
  readonly #failure: Arbitrary<FlowFailure>;
  /** Between the times that nodes take, so that no attempt ends at the very moment of its limit. */
  readonly #limit: Arbitrary<number>;

  constructor(module: FastCheck, features: FlowFeatures) {
    this.#fc = module;
    this.#features = features;
    this.#index = module.nat({ max: 30 });
    this.#output = module.record({ of: this.#index, port: module.nat({ max: 3 }) });
    this.#number = module.oneof(module.integer({ min: 0, max: 20 }), module.constant(null));
    this.#source = this.#sources();
    this.#input = module.record({
      from: this.#weighted<RawSource | null>([1, module.constant(null)], [9, this.#source]),
      also: this.#weighted<RawOutput | null>([3, module.constant(null)], [1, this.#output]),
      optional: module.boolean(),
      config: this.#rarely(this.#number, 3),
    });
    this.#failure = module.record({
      visit: module.constantFrom(0, 1, 1, 2, 3),
      times: module.constantFrom(1, 1, 2, 99),
      how: module.constantFrom('throws', 'throws', 'code', 'nonError', 'nothing', 'unknownPort'),
    });
    this.#limit = module.constantFrom(5.5, 9.5, 15.5);
  }

  /** A whole workflow. */
  flow(): Arbitrary<RawFlow> {
    const { record, constant, array, nat } = this.#fc;
    const values = record({ p0: this.#number, p1: this.#number });
    return record({
      parts: this.#parts(TOP),
      parameters: this.#weighted<RawFlow['parameters']>(
        [2, constant({ how: 'none', values: {} })],
        [1, values.map((given) => ({ how: 'declared', values: given }))],
        [1, this.#number.map((i0) => ({ how: 'broadcast', values: { i0 } }))],
      ),
      set: this.#few(record({ node: this.#index, port: nat({ max: 2 }), value: this.#number }), 2, 4),
      outputs: array(this.#source, { maxLength: 3 }),
    });
  }

  /** One of several cases, the simplest first: whatever was drawn shrinks to that. */
  #weighted<T>(...cases: readonly (readonly [weight: number, arbitrary: Arbitrary<T>])[]): Arbitrary<T> {
    const weighted = cases.map(([weight, arbitrary]) => ({ weight, arbitrary }));
    return this.#fc.oneof({ withCrossShrink: true }, ...weighted);
  }

  /** A value in one of `of` cases, `undefined` in the others. */
  #rarely<T>(arbitrary: Arbitrary<T>, of: number): Arbitrary<T | undefined> {
    return this.#weighted<T | undefined>([of - 1, this.#fc.constant(undefined)], [1, arbitrary]);
  }

  /** Mostly nothing, sometimes a few. */
  #few<T>(arbitrary: Arbitrary<T>, maxLength: number, of: number): Arbitrary<readonly T[]> {
    return this.#weighted<readonly T[]>(
      [of - 1, this.#fc.constant([])],
      [1, this.#fc.array(arbitrary, { minLength: 1, maxLength })],
    );
  }

  #failures<T>(failures: Arbitrary<readonly T[]>): Arbitrary<readonly T[]> {
    return this.#features.failures ? failures : this.#fc.constant([]);
  }

  #sources(): Arbitrary<RawSource> {
    const { record, constant, constantFrom, nat, array, boolean } = this.#fc;
    const { failures } = this.#features;
    const path = failures
      ? this.#weighted<'whole' | 'n' | 'none'>([14, constant('whole')], [2, constant('n')], [1, constant('none')])
      : constant('whole' as const);
    const output = record({ pick: constant('output' as const), of: this.#index, port: nat({ max: 3 }), path });
    const cycle = record({ pick: constant('cycle' as const), of: this.#index, port: nat({ max: 1 }) });
    const parameter = record({ pick: constant('parameter' as const), of: nat({ max: 2 }) });
    const several = record({
      pick: constantFrom('oneOf' as const, 'collect' as const, 'or' as const),
      of: array(this.#output, { minLength: 1, maxLength: 3 }),
      literal: boolean(),
    });
    const join = record({
      pick: constant('join' as const),
      of: this.#index,
      cases: array(this.#output, { minLength: 3, maxLength: 3 }),
    });
    const required = record({
      pick: constant('required' as const),
      of: this.#output,
      path: constantFrom('whole' as const, 'n' as const),
    });
    const unsure: readonly (readonly [number, Arbitrary<RawSource>])[] = failures ? [[1, required]] : [];
    return this.#weighted<RawSource>([10, output], [1, cycle], [1, parameter], [4, several], [3, join], ...unsure);
  }

  #parts(depth: Depth): Arbitrary<readonly RawPart[]> {
    const { size, cycles, children, gates } = this.#features;
    const isTop = depth.cycles === 0;
    const isChild = depth.graphs > 0 && depth.cycles === 1;
    const one: (readonly [number, Arbitrary<RawPart>])[] = [[30, this.#node()]];
    if (cycles && depth.cycles < 2) one.push([6, this.#cycle({ ...depth, cycles: depth.cycles + 1 })]);
    // Few cycles go round often enough to show what a second visit does.
    const often = depth.graphs === 0 && depth.cycles > 0 ? 4 : 1;
    if (children && depth.graphs < 2) one.push([3 * often, this.#map(depth)], [3 * often, this.#subworkflow(depth)]);
    if (gates) one.push([2 * often, this.#gate()]);
    const all = this.#fc.array(this.#weighted(...one), { maxLength: isTop ? size : 3, size: 'max' });
    // A minimal length would keep the shrinker from taking away what stands last.
    return isTop || isChild ? all.filter((drawn) => drawn.length > 0) : all;
  }

  #node(): Arbitrary<RawNode> {
    const { record, constant, constantFrom, array, boolean } = this.#fc;
    const { switches, durations } = this.#features;
    return record({
      part: constant('node' as const),
      kind: constantFrom(...PLAIN_KINDS, ...(switches ? (['first', 'all', 'partition'] as const) : [])),
      inputs: array(this.#input, { minLength: 0, maxLength: 3 }),
      join: constantFrom('required', 'required', 'required', 'all', 'any', 'always'),
      after: this.#few(this.#index, 2, 6),
      gives: constantFrom('number', 'number', 'object', 'null', 'visit', 'state', 'tally', 'list', 'echo'),
      failures: this.#failures(this.#few(this.#failure, 2, 9)),
      retry: this.#retry(3),
      form: constantFrom('inline', 'promise', 'timer', 'timer'),
      wired: boolean(),
      takesMs: durations ? constantFrom(0, 0, 1, 4, 10) : constant(0),
      ...this.#limits(3),
    }) as Arbitrary<RawNode>;
  }

  #retry(of: number): Arbitrary<FlowRetry | undefined> {
    const { record, constant, constantFrom, integer, boolean } = this.#fc;
    const { retries, delays } = this.#features;
    if (!retries) return constant(undefined);
    const retry: Arbitrary<FlowRetry> = record({
      attempts: integer({ min: 1, max: 3 }),
      delayMs: delays ? constantFrom(0, 0, 1, 7) : constant(0),
      backoff: constantFrom('fixed', 'linear', 'exponential'),
      jitter: constantFrom(0, 0.5),
      dontRetryCode: boolean(),
    });
    return this.#rarely(retry, of);
  }

  #limits(of: number) {
    const { constant } = this.#fc;
    const limit = this.#features.durations ? this.#rarely(this.#limit, of) : constant(undefined);
    return { timeoutMs: limit, totalTimeoutMs: limit };
  }

  #child({ graphs }: Depth): Arbitrary<RawChild> {
    return this.#fc.record({
      parts: this.#parts({ cycles: 1, graphs: graphs + 1 }),
      outputs: this.#fc.array(this.#source, { maxLength: 2 }),
    });
  }

  #owner() {
    const { constantFrom, array, boolean } = this.#fc;
    return {
      looped: boolean(),
      inputs: array(this.#input, { maxLength: 3 }),
      join: constantFrom('required', 'required', 'required', 'all', 'any', 'always'),
      after: this.#few(this.#index, 2, 6),
      retry: this.#retry(3),
      ...this.#limits(4),
    };
  }

  #map(depth: Depth): Arbitrary<RawMap> {
    const { record, constant, constantFrom, array, tuple, nat, boolean } = this.#fc;
    const { failures } = this.#features;
    const sometimes = this.#failure.map((planned): FlowFailure => ({ ...planned, sometimes: true }));
    const task = tuple(this.#node(), this.#failures(this.#few(sometimes, 1, 2))).map(
      ([drawn, more]): RawNode => ({ ...drawn, kind: 'task', failures: [...more, ...drawn.failures] }),
    );
    const taken: Arbitrary<RawBodyInput> = record({
      take: constantFrom('item', 'item', 'item', 'index', 'outside', 'n of item'),
      from: this.#source,
      optional: failures ? boolean() : constant(true),
    });
    return record({
      part: constant('map' as const),
      ...this.#owner(),
      list: record({
        of: this.#index,
        port: nat({ max: 3 }),
        pick: constantFrom('list', 'list', 'list', 'fresh', 'fresh', 'collect', failures ? 'any' : 'collect'),
      }),
      takes: array(taken, { minLength: 1, maxLength: 3 }),
      body: this.#weighted<RawMap['body']>([1, task], [1, this.#child(depth)]),
      maxConcurrency: this.#rarely(constantFrom(1, 2), 2),
      onItemError: constantFrom('fail', 'collect'),
    }) as Arbitrary<RawMap>;
  }

  #subworkflow(depth: Depth): Arbitrary<RawSubworkflow> {
    const { record, constant, boolean } = this.#fc;
    return record({
      part: constant('subworkflow' as const),
      ...this.#owner(),
      child: this.#child(depth),
      allowed: boolean(),
      wired: boolean(),
    }) as Arbitrary<RawSubworkflow>;
  }

  #gate(): Arbitrary<RawGate> {
    const { record, constant, constantFrom, array } = this.#fc;
    return record({
      part: constant('gate' as const),
      ...this.#owner(),
      timeoutMs: this.#features.durations ? this.#rarely(this.#limit, 2) : constant(undefined),
      answers: array(constantFrom('approve' as const, 'reject' as const, 'expire' as const), {
        minLength: 1,
        maxLength: 3,
      }),
    }) as Arbitrary<RawGate>;
  }

  #cycle(depth: Depth): Arbitrary<RawCycle> {
    const { record, constant, constantFrom, array, integer } = this.#fc;
    const { switches, durations, failures } = this.#features;
    return record({
      part: constant('cycle' as const),
      body: this.#parts(depth),
      entry: this.#source,
      tail: array(this.#output, { maxLength: 2 }),
      tailJoin: constantFrom('required', 'required', 'any', 'always', 'all'),
      exit: constantFrom('tail', 'tail', switches ? 'again' : 'tail', switches ? 'while' : 'tail'),
      until: this.#rarely(integer({ min: 1, max: 4 }), 2),
      maxIterations: integer({ min: 1, max: 4 }),
      onMaxIterations: constantFrom('accept', 'accept', 'accept', 'accept', 'accept', failures ? 'fail' : 'accept'),
      timeoutMs: durations ? this.#rarely(constantFrom(10, 25), 3) : constant(undefined),
      extra: this.#rarely(constantFrom('head' as const, 'tail' as const), 3),
      keepHistory: constantFrom(100, 2, 0),
      headFails: this.#failures(this.#few(this.#failure, 1, 8)),
    }) as Arbitrary<RawCycle>;
  }
}
