import type { OpenAttempt } from '../event-fold.js';
import { type AttemptFailure, ExecutionState, type GateState, type RegionState } from '../execution-state.js';
import type { Plan, PlanNode } from '../plan.js';
import * as apply from '../transitions.js';
import type { Warning } from '../warning.js';

/*
 * The fields of a state by how they are copied. A field that is as in a state in which nothing has happened is left out: most
 * are, and a map has many children. What belongs to the run is never copied: values, reasons, errors are only ever replaced.
 */

/** Typed arrays over plan indexes or feedback slots. */
const ARRAYS = [
  'status',
  'visits',
  'attempts',
  'waiting',
  'tainted',
  'startedAt',
  'endedAt',
  'keptStep',
  'keptTurn',
  'feedbackBits',
] as const;
/** Arrays with holes. */
const LISTS = ['outputs', 'feedbackValues', 'feedbackRoots'] as const;
const MAPS = ['failures', 'losses', 'reasons', 'errors', 'nodeStates', 'delayed', 'keptTurns'] as const;
const PLAIN = [
  'runStatus',
  'runStartedAt',
  'runEndedAt',
  'waitedMs',
  'waitingSince',
  'runError',
  'runErrorPart',
  'output',
  'stopping',
  'softExpired',
  'retries',
  'attention',
  'open',
  'step',
] as const;
/** What a run is started with. A child takes its own from what its owner was given. */
const GIVEN = ['parameters', 'set', 'options', 'context'] as const;
/** Each in its own way. */
const OWN = [
  'attemptFailures',
  'busyMs',
  'children',
  'dueRegions',
  'gates',
  'keptOutput',
  'keptPorts',
  'ready',
  'regions',
  'warnings',
] as const;
/** What follows from the others. */
const DERIVED = ['plan', 'scope', 'warned'] as const;

const REGION = [
  'iteration',
  'remaining',
  'stopped',
  'failed',
  'enteredAt',
  'elapsedMs',
  'reason',
  'root',
  'error',
  'metric',
  'previous',
  'entryStep',
  'totalIterations',
] as const;

/** Every field that a snapshot knows. A test compares them with those that states have. */
export const SNAPSHOT_FIELDS = {
  state: [...ARRAYS, ...LISTS, ...MAPS, ...PLAIN, ...GIVEN, ...OWN, ...DERIVED],
  region: [...REGION, 'history'],
  children: ['prefix', 'visit', 'attempt', 'parameters', 'items', 'graphs'],
  attempt: ['node', 'visit', 'number', 'startedAt', 'status', 'limits'],
} as const;

type Fields<K extends keyof ExecutionState> = { -readonly [Name in K]?: ExecutionState[Name] };

/** A value of a port that a cycle keeps; without a value of its own, it is that of the output that is kept. */
export type KeptData =
  | { readonly step: number; readonly turns: readonly number[]; readonly same: true }
  | { readonly step: number; readonly turns: readonly number[]; readonly value: unknown };

/** A cycle: the fields that are not as before the first iteration. */
export type RegionData = { -readonly [Name in (typeof REGION)[number] | 'history']?: RegionState[Name] };

/** The children of one attempt of a map or subworkflow. */
export interface ChildrenData {
  readonly visit: number;
  readonly attempt: number;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly items: readonly unknown[] | null;
  /** By number. */
  readonly graphs: readonly StateData[];
}

/** An attempt that had not settled. */
export interface AttemptData extends Omit<OpenAttempt, 'node'> {
  /** Plan index. */
  readonly node: number;
}

/** The state of a graph and of its children as data: what is not as in a state in which nothing has happened. */
export interface StateData
  extends Fields<
    (typeof ARRAYS)[number] | (typeof MAPS)[number] | (typeof PLAIN)[number] | (typeof GIVEN)[number] | 'busyMs'
  > {
  outputs?: ReadonlyMap<number, unknown>;
  feedbackValues?: ReadonlyMap<number, unknown>;
  feedbackRoots?: ReadonlyMap<number, unknown>;
  attemptFailures?: ReadonlyMap<number, readonly AttemptFailure[]>;
  children?: ReadonlyMap<number, ChildrenData>;
  dueRegions?: readonly number[];
  gates?: ReadonlyMap<number, GateState>;
  /** Only outputs that are not those of the last visit. */
  keptOutput?: ReadonlyMap<number, unknown>;
  keptPorts?: ReadonlyMap<number, ReadonlyMap<string, KeptData>>;
  /** See `ReadySet.toWords`. */
  ready?: Int32Array;
  regions?: readonly RegionData[];
  warnings?: readonly Warning[];
  /** Attempts that had started and not settled, in order of their start. */
  inFlight?: readonly AttemptData[];
}

type Open = ReadonlyMap<ExecutionState, readonly OpenAttempt[]>;

/** Writes states as data. Knows what a state of each plan looks like in which nothing has happened. */
export class StateWriter {
  readonly #open: Open;
  readonly #fresh = new Map<Plan, ExecutionState>();

  constructor(open: Open) {
    this.#open = open;
  }

  /** The state at the top. */
  write(state: ExecutionState): StateData {
    const data = this.#graph(state);
    for (const name of GIVEN) if (state[name] !== undefined) data[name] = state[name] as never;
    return data;
  }

  #graph(state: ExecutionState): StateData {
    const fresh = this.#fresh.get(state.plan) ?? new ExecutionState(state.plan);
    this.#fresh.set(state.plan, fresh);
    const data: StateData = {};
    for (const name of ARRAYS) if (!sameNumbers(state[name], fresh[name])) data[name] = state[name].slice() as never;
    for (const name of LISTS) {
      const values = filled(state[name]);
      if (values.size > 0) data[name] = values;
    }
    for (const name of MAPS) if (state[name].size > 0) data[name] = new Map<number, never>(state[name] as never);
    for (const name of PLAIN) if (state[name] !== fresh[name]) data[name] = state[name] as never;
    const ready = state.ready.toWords();
    if (!sameNumbers(ready, fresh.ready.toWords())) data.ready = ready;
    if (state.busyMs !== undefined && (fresh.busyMs === undefined || !sameNumbers(state.busyMs, fresh.busyMs)))
      data.busyMs = state.busyMs.slice();
    if (state.attemptFailures.size > 0)
      data.attemptFailures = new Map([...state.attemptFailures].map(([index, all]) => [index, [...all]]));
    if (state.gates !== undefined) data.gates = new Map(state.gates);
    if (state.warnings.length > 0) data.warnings = [...state.warnings];
    if (state.regions.length > 0) writeCycles(data, state, fresh);
    const inFlight = this.#open.get(state) ?? [];
    if (inFlight.length > 0) data.inFlight = inFlight.map(attemptData);
    if (state.children !== undefined)
      data.children = new Map(
        [...state.children].map(([index, { visit, attempt, parameters, items, graphs }]) => [
          index,
          { visit, attempt, parameters, items, graphs: graphs.map((graph) => this.#graph(graph)) },
        ]),
      );
    return data;
  }
}

function writeCycles(data: StateData, state: ExecutionState, fresh: ExecutionState): void {
  const { dueRegions, keptOutput, keptPorts, outputs } = state;
  data.regions = state.regions.map((region, number) => regionData(region, fresh.regions[number] as RegionState));
  if (dueRegions.length > 0) data.dueRegions = [...dueRegions];
  const other = [...filled(keptOutput)].filter(([index, output]) => output !== outputs[index]);
  if (other.length > 0) data.keptOutput = new Map(other);
  if (keptPorts.size === 0) return;
  data.keptPorts = new Map(
    [...keptPorts].map(([index, ports]) => [
      index,
      new Map(
        [...ports].map(([port, { value, step, turns }]): [string, KeptData] => [
          port,
          value === portOf(keptOutput[index], port) ? { step, turns, same: true } : { step, turns, value },
        ]),
      ),
    ]),
  );
}

function regionData(region: RegionState, fresh: RegionState): RegionData {
  const data: RegionData = {};
  for (const name of REGION) if (!Object.is(region[name], fresh[name])) data[name] = region[name] as never;
  if (region.history.length > 0) data.history = [...region.history];
  return data;
}

function attemptData({ node, visit, number, startedAt, status, limits }: OpenAttempt): AttemptData {
  return {
    node: node.index,
    visit,
    number,
    startedAt,
    status,
    limits: limits === undefined ? undefined : { ...limits },
  };
}

/**
 * Puts data into a fresh state.
 *
 * @param open is given the attempts that had not settled
 * @throws TypeError where it is no data of a state of this plan
 */
export function readState(state: ExecutionState, data: StateData, open: Map<ExecutionState, OpenAttempt[]>): void {
  const { plan } = state;
  for (const name of ARRAYS) if (data[name] !== undefined) copyNumbers(data[name], state[name]);
  for (const name of LISTS) for (const [index, value] of data[name] ?? []) state[name][index] = value as never;
  for (const name of MAPS) for (const [index, value] of data[name] ?? []) state[name].set(index, value as never);
  for (const name of PLAIN) if (data[name] !== undefined) (state as Fields<typeof name>)[name] = data[name] as never;
  for (const name of GIVEN) if (data[name] !== undefined) (state as Fields<typeof name>)[name] = data[name] as never;
  if (data.ready !== undefined) state.ready.setWords(data.ready);
  if (data.busyMs !== undefined) {
    state.busyMs ??= new Float64Array(plan.nodes.length);
    copyNumbers(data.busyMs, state.busyMs);
  }
  for (const [index, failures] of data.attemptFailures ?? []) state.attemptFailures.set(index, [...failures]);
  if (data.gates !== undefined) state.gates = new Map(data.gates);
  for (const warning of data.warnings ?? []) apply.warn(state, warning);
  if (data.regions !== undefined) readCycles(state, data, data.regions);
  const inFlight = (data.inFlight ?? []).map(
    ({ node, limits, ...own }): OpenAttempt => ({
      ...own,
      node: nodeAt(plan, node),
      limits: limits === undefined ? undefined : { hard: limits.hard, soft: limits.soft },
    }),
  );
  if (inFlight.length > 0) open.set(state, inFlight);
  if (data.children !== undefined) state.children = new Map();
  for (const [index, children] of data.children ?? []) readChildren(state, nodeAt(plan, index), children, open);
}

function readCycles(state: ExecutionState, data: StateData, regions: readonly RegionData[]): void {
  if (regions.length !== state.regions.length) throw new TypeError('It has another number of cycles.');
  regions.forEach(({ history, ...own }, number) => {
    Object.assign(state.regions[number] as RegionState, own, { history: [...(history ?? [])] });
  });
  state.dueRegions.push(...(data.dueRegions ?? []));
  for (const { index, region } of state.plan.nodes)
    if (region !== -1 && index in state.outputs) state.keptOutput[index] = state.outputs[index];
  for (const [index, output] of data.keptOutput ?? []) state.keptOutput[index] = output;
  for (const [index, ports] of data.keptPorts ?? []) {
    const own = [...ports].map(
      ([port, kept]) =>
        [
          port,
          {
            value: 'same' in kept ? portOf(state.keptOutput[index], port) : kept.value,
            step: kept.step,
            turns: kept.turns,
          },
        ] as const,
    );
    state.keptPorts.set(index, new Map(own));
  }
}

function readChildren(
  state: ExecutionState,
  node: PlanNode,
  { visit, attempt, parameters, items, graphs }: ChildrenData,
  open: Map<ExecutionState, OpenAttempt[]>,
): void {
  const { child } = node;
  if (child === undefined) throw new TypeError(`Node "${node.id}" has no children.`);
  const children = apply.openChildren(state, node, { visit, number: attempt }, parameters, items);
  graphs.forEach((graph, number) => {
    readState(apply.beginChild(state, children, child, number), graph, open);
  });
}

function nodeAt({ nodes }: Plan, index: number): PlanNode {
  const node = nodes[index];
  if (node === undefined) throw new TypeError(`The plan has no node ${index}.`);
  return node;
}

function portOf(output: unknown, port: string): unknown {
  return typeof output === 'object' && output !== null && Object.hasOwn(output, port)
    ? (output as Readonly<Record<string, unknown>>)[port]
    : undefined;
}

type Numbers = Uint8Array | Int32Array | Float64Array;

function sameNumbers(left: Numbers, right: Numbers): boolean {
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}

function copyNumbers(from: Numbers, to: Numbers): void {
  if (from.length !== to.length) throw new TypeError('It has another number of nodes.');
  to.set(from);
}

function filled(list: readonly unknown[]): Map<number, unknown> {
  const map = new Map<number, unknown>();
  for (let index = 0; index < list.length; index++) if (index in list) map.set(index, list[index]);
  return map;
}
