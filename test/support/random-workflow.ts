import fc from 'fast-check';
import { withoutAmbiguity } from './build-flow.js';
import type { FlowFailure, FlowNode, FlowRetry, FlowSpec, FlowWay } from './flow.js';
import { resolve } from './resolve-flow.js';

/**
 * Random workflows. What is drawn (`Raw…`) says only "the third thing before me"; `resolve` turns it into a `FlowSpec` with names,
 * which is what fast-check prints, and what `buildFlow` takes. Shrinking removes parts of what was drawn.
 */

/** What a generator may draw. */
export interface FlowFeatures {
  /** Cycles, nested up to two levels. Default true. */
  readonly cycles?: boolean;
  /** Maps, subworkflows and gates; children nested up to two levels. Default true. */
  readonly children?: boolean;
  /** Nodes take time and have limits. Default false. */
  readonly timing?: boolean;
  /** Gates. Default true. */
  readonly gates?: boolean;
  /** Retries that wait. Default true. */
  readonly delays?: boolean;
  /** The most parts at the top. Default 10. */
  readonly size?: number;
}

export type RawSource =
  | { readonly pick: 'output'; readonly of: number; readonly port: number; readonly path: 'whole' | 'n' | 'none' }
  | { readonly pick: 'cycle'; readonly of: number; readonly port: number }
  | { readonly pick: 'parameter'; readonly of: number }
  | { readonly pick: 'oneOf' | 'collect' | 'or'; readonly of: readonly RawOutput[]; readonly literal: boolean }
  | { readonly pick: 'join'; readonly of: number; readonly cases: readonly RawOutput[] }
  | { readonly pick: 'required'; readonly of: RawOutput; readonly path: 'whole' | 'n' };

export interface RawOutput {
  readonly of: number;
  readonly port: number;
}

export interface RawInput {
  readonly from: RawSource | null;
  /** A second connection, where the node is wired by strings. */
  readonly also: RawOutput | null;
  readonly optional: boolean;
  readonly config: number | null | undefined;
}

export interface RawNode {
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

export interface RawCycle {
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

/** An input of what a map runs: the item, its number, or something from outside. */
export interface RawBodyInput {
  readonly take: 'item' | 'n of item' | 'index' | 'outside';
  readonly from: RawSource;
  readonly optional: boolean;
}

export interface RawChild {
  readonly parts: readonly RawPart[];
  readonly outputs: readonly RawSource[];
}

export interface RawOwner {
  readonly inputs: readonly RawInput[];
  readonly join: FlowNode['join'];
  readonly after: readonly number[];
  readonly retry: FlowRetry | undefined;
  readonly timeoutMs: number | undefined;
  readonly totalTimeoutMs: number | undefined;
}

/** A node of its own kind: it lies on the way from the head to the tail of the cycle around it, or only may. */
export interface RawLooped extends RawOwner {
  readonly looped: boolean;
}

export interface RawMap extends RawLooped {
  readonly part: 'map';
  /** `fresh`: a node before it makes the list. `any`: it may be no list. */
  readonly list: RawOutput & { readonly pick: 'list' | 'collect' | 'fresh' | 'any' };
  readonly takes: readonly RawBodyInput[];
  /** It runs a task, or a workflow. */
  readonly body: RawNode | RawChild;
  readonly maxConcurrency: number | undefined;
  readonly onItemError: 'fail' | 'collect';
}

export interface RawSubworkflow extends RawLooped {
  readonly part: 'subworkflow';
  readonly child: RawChild;
  readonly allowed: boolean;
  readonly wired: boolean;
}

export interface RawGate extends RawLooped {
  readonly part: 'gate';
  readonly answers: readonly FlowWay[];
}

export type RawPart = RawNode | RawCycle | RawMap | RawSubworkflow | RawGate;

export interface RawFlow extends RawChild {
  readonly parameters: FlowSpec['parameters'];
  readonly set: readonly { readonly node: number; readonly port: number; readonly value: number | null }[];
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

const sometimes: fc.Arbitrary<FlowFailure> = failure.map((planned) => ({ ...planned, sometimes: true }));

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

// Between the times that nodes take, so that no attempt ends at the very moment of its limit.
const limit = fc.constantFrom(5.5, 9.5, 15.5);

function node({ timing = false, delays = true }: FlowFeatures): fc.Arbitrary<RawNode> {
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

/** How deep something lies: in how many cycles of its graph, and in how many graphs. */
interface Depth {
  readonly cycles: number;
  readonly graphs: number;
}

const TOP: Depth = { cycles: 0, graphs: 0 };

function parts(features: FlowFeatures, depth: Depth): fc.Arbitrary<readonly RawPart[]> {
  const isTop = depth.cycles === 0;
  const isChild = depth.graphs > 0 && depth.cycles === 1;
  const one: { readonly weight: number; readonly arbitrary: fc.Arbitrary<RawPart> }[] = [
    { weight: 30, arbitrary: node(features) },
  ];
  if (features.cycles !== false && depth.cycles < 2)
    one.push({ weight: 6, arbitrary: cycleOf(features, { ...depth, cycles: depth.cycles + 1 }) });
  if (features.children !== false) {
    // Few cycles go round often enough to show what a second visit does.
    const often = depth.graphs === 0 && depth.cycles > 0 ? 4 : 1;
    if (depth.graphs < 2) one.push({ weight: 3 * often, arbitrary: mapOf(features, depth) });
    if (depth.graphs < 2) one.push({ weight: 3 * often, arbitrary: subworkflowOf(features, depth) });
    if (features.gates !== false) one.push({ weight: 2 * often, arbitrary: gateOf(features) });
  }
  return fc.array(fc.oneof(...one), {
    minLength: isTop || isChild ? 1 : 0,
    maxLength: isTop ? (features.size ?? 10) : 3,
    size: 'max',
  });
}

function childOf(features: FlowFeatures, { graphs }: Depth): fc.Arbitrary<RawChild> {
  return fc.record({
    parts: parts(features, { cycles: 1, graphs: graphs + 1 }),
    outputs: fc.array(source, { maxLength: 2 }),
  });
}

function ownerOf({ timing = false, delays = true }: FlowFeatures) {
  return {
    looped: fc.boolean(),
    inputs: fc.array(input, { maxLength: 3 }),
    join: fc.constantFrom('required', 'required', 'required', 'all', 'any', 'always'),
    after: few(index, 2, 6),
    retry: rarely(retry(delays), 3),
    timeoutMs: timing ? rarely(limit, 4) : fc.constant(undefined),
    totalTimeoutMs: timing ? rarely(limit, 4) : fc.constant(undefined),
  };
}

const takes: fc.Arbitrary<RawBodyInput> = fc.record({
  take: fc.constantFrom('item', 'item', 'item', 'index', 'outside', 'n of item'),
  from: source,
  optional: fc.boolean(),
});

function mapOf(features: FlowFeatures, depth: Depth): fc.Arbitrary<RawMap> {
  const task = fc
    .tuple(node(features), few(sometimes, 1, 2))
    .map(([drawn, failures]) => ({ ...drawn, kind: 'task' as const, failures: [...failures, ...drawn.failures] }));
  return fc.record({
    part: fc.constant('map' as const),
    ...ownerOf(features),
    list: fc.record({
      of: index,
      port: fc.nat({ max: 3 }),
      pick: fc.constantFrom('list', 'list', 'list', 'fresh', 'fresh', 'collect', 'any'),
    }),
    takes: fc.array(takes, { minLength: 1, maxLength: 3 }),
    body: fc.oneof(
      { weight: 1, arbitrary: task as fc.Arbitrary<RawMap['body']> },
      { weight: 1, arbitrary: childOf(features, depth) },
    ),
    maxConcurrency: rarely(fc.constantFrom(1, 2), 2),
    onItemError: fc.constantFrom('fail', 'collect'),
  }) as fc.Arbitrary<RawMap>;
}

function subworkflowOf(features: FlowFeatures, depth: Depth): fc.Arbitrary<RawSubworkflow> {
  return fc.record({
    part: fc.constant('subworkflow' as const),
    ...ownerOf(features),
    child: childOf(features, depth),
    allowed: fc.boolean(),
    wired: fc.boolean(),
  }) as fc.Arbitrary<RawSubworkflow>;
}

function gateOf(features: FlowFeatures): fc.Arbitrary<RawGate> {
  return fc.record({
    part: fc.constant('gate' as const),
    ...ownerOf(features),
    timeoutMs: features.timing ? rarely(limit, 2) : fc.constant(undefined),
    answers: fc.array(fc.constantFrom('approve' as const, 'reject' as const, 'expire' as const), {
      minLength: 1,
      maxLength: 3,
    }),
  }) as fc.Arbitrary<RawGate>;
}

function cycleOf(features: FlowFeatures, depth: Depth): fc.Arbitrary<RawCycle> {
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
    parts: parts(features, TOP),
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
