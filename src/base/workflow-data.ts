import type { BreakerOptions, CacheOptions, LimitOptions, ValidationLevel } from './capability-options.js';
import type { Durability } from './history/event-store.js';
import { templateNames } from './templates.js';

/**
 * A workflow as plain data: what is hashed, stored and compared. Functions and schemas stand beside it, as bindings.
 */

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Where a value comes from: an expression over outputs, parameters and literals. It never computes, it only selects. */
export type Source =
  | {
      readonly kind: 'output';
      readonly node: string;
      readonly port: string;
      readonly path: readonly string[];
      readonly schema?: string;
    }
  | { readonly kind: 'parameter'; readonly name: string; readonly path: readonly string[]; readonly schema?: string }
  | { readonly kind: 'literal'; readonly value: unknown }
  /** A value in whose texts `${name}` stands for a parameter. */
  | { readonly kind: 'template'; readonly value: unknown }
  /** A path read from the value of another expression. */
  | { readonly kind: 'path'; readonly of: Source; readonly path: readonly string[]; readonly schema?: string }
  /** One of several sources of which at most one may be live. */
  | { readonly kind: 'oneOf'; readonly of: readonly Source[] }
  /** All live ones, as an array, in this order. */
  | { readonly kind: 'collect'; readonly of: readonly Source[] }
  /** The first live one, in this order. */
  | { readonly kind: 'firstOf'; readonly of: readonly Source[] }
  /** The same source; that it is dead is the failure OUTPUT_MISSING. */
  | { readonly kind: 'required'; readonly of: Source }
  /** The source of the case that the owner took. */
  | { readonly kind: 'join'; readonly owner: string; readonly cases: Readonly<Record<string, Source>> };

/** How a node treats sources that are not live. See the table "Skipped or blocked" in ARCHITECTURE.md. */
export type JoinRule = 'required' | 'all' | 'any' | 'always';

/** How waiting times between attempts grow: one of the three ways that are built in, or a strategy registered with the runtime. */
export type Backoff = 'fixed' | 'linear' | 'exponential' | { readonly strategy: string };

/** The retry capability as data. Predicates stand in the bindings. */
export interface RetryData {
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly delayMs: number;
  readonly maxDelayMs: number;
  readonly jitter: number;
  readonly maxLost: number;
}

/** Which implementation a node uses. `unversioned`: it is identified by a digest of its source. */
export interface NodeIdentity {
  readonly name: string;
  readonly version?: string;
  readonly unversioned?: true;
}

/**
 * A case of a switch, as data. A function stands in the bindings; one that `definePredicate` named is identified by `use`, any
 * other by a digest of its source.
 */
export type CaseTest =
  | { readonly kind: 'function'; readonly use?: NodeIdentity }
  /** An expression in the Common Expression Language over `value`. Its compiled form stands in the bindings. */
  | { readonly kind: 'cel'; readonly text: string }
  | { readonly kind: 'operator'; readonly op: string; readonly value: unknown; readonly path: readonly string[] }
  | { readonly kind: 'otherwise' };

/** How a switch chooses: the first case that matches, every case that matches, or each item of a list on its own. */
export type SwitchMode = 'first' | 'all' | 'partition';

/** What only a switch has. */
export interface SwitchData {
  readonly mode: SwitchMode;
  readonly cases: readonly { readonly name: string; readonly test: CaseTest }[];
}

/** What only a map has. */
export interface MapData {
  /** The most items in progress at once; `null`: no limit of its own. */
  readonly maxConcurrency: number | null;
  /** What a failed item means: the map fails once all items have settled, or the failure is data. */
  readonly onItemError: 'fail' | 'collect';
}

/** What only a gate has. */
export interface GateData {
  /** Milliseconds after which it times out; `null`: never. */
  readonly timeoutMs: number | null;
}

/** What a node is. */
export type NodeKind = 'function' | 'switch' | 'map' | 'subworkflow' | 'gate';

/** One node of a workflow, as data. */
export interface NodeData {
  readonly id: string;
  readonly kind: NodeKind;
  readonly use: NodeIdentity;
  /** Input port to literal: the node's configuration. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly join: JoinRule;
  /** Subjects (nodes, switches, cycles) that must have settled first, without taking data from them. */
  readonly after: readonly string[];
  readonly allowFailure: boolean;
  readonly retry?: RetryData;
  readonly timeoutMs?: number;
  readonly softTimeoutMs?: number;
  readonly totalTimeoutMs?: number;
  readonly limit?: LimitOptions;
  readonly breaker?: BreakerOptions;
  readonly cache?: CacheOptions;
  readonly validation?: ValidationLevel;
  readonly metrics?: boolean;
  readonly durability?: Durability;
  readonly switch?: SwitchData;
  readonly map?: MapData;
  readonly gate?: GateData;
  /** The workflow that a map runs for each item, or that a subworkflow runs. */
  readonly child?: WorkflowData;
}

/** A connection from a source to an input port. */
export interface ConnectionData {
  readonly from: Source;
  readonly to: { readonly node: string; readonly port: string };
}

/** Which way a measured value gets better. */
export type Direction = 'min' | 'max';

/**
 * When a cycle stops, as data: a tree of conditions. The functions of its leaves (`function`, `cel`) stand in the bindings, in
 * the order in which they are written.
 */
export type ConditionData =
  /** A test of one value. */
  | { readonly kind: 'function'; readonly of: Source; readonly use?: NodeIdentity }
  /** A test of several values, by name. */
  | {
      readonly kind: 'function';
      readonly named: Readonly<Record<string, Source>>;
      readonly use?: NodeIdentity;
    }
  /** An expression in the Common Expression Language over named values. */
  | { readonly kind: 'cel'; readonly text: string; readonly named: Readonly<Record<string, Source>> }
  | ToleranceData
  | PlateauData
  | BudgetData
  | {
      readonly kind: 'anyOf' | 'allOf';
      readonly parts: readonly ConditionData[];
    };

/** A value that has come to rest. */
export interface ToleranceData {
  readonly kind: 'tolerance';
  readonly of: Source;
  readonly epsilon: number;
  readonly relative: boolean;
}

/** A value that no longer gets better. */
export interface PlateauData {
  readonly kind: 'plateau';
  readonly of: Source;
  readonly epsilon: number;
  readonly patience: number;
  readonly mode: Direction;
}

/** What a cycle may spend. */
export interface BudgetData {
  readonly kind: 'budget';
  readonly iterations?: number;
  readonly elapsedMs?: number;
}

/** A cycle, as data. */
export interface CycleData {
  readonly id: string;
  readonly feedback: readonly ConnectionData[];
  /** When it stops. Functions stand in the bindings. */
  readonly until?: ConditionData;
  readonly maxIterations?: number;
  readonly timeoutMs?: number;
  readonly onMaxIterations: 'accept' | 'fail';
  readonly onTimeout: 'accept' | 'fail';
  /** The enclosing cycle, where the connections alone do not say so. */
  readonly within?: string;
  /** How many iterations the history keeps. */
  readonly keepHistory: number;
}

/** A workflow, as data. */
export interface WorkflowData {
  readonly format: 1;
  readonly name: string;
  readonly parameters: readonly { readonly name: string; readonly optional: boolean }[];
  readonly nodes: readonly NodeData[];
  readonly connections: readonly ConnectionData[];
  readonly cycles: readonly CycleData[];
  readonly outputs: Readonly<Record<string, Source>>;
}

function freezeSource(source: Source): void {
  Object.freeze(source);
  if ('path' in source) Object.freeze(source.path);
  if (source.kind === 'join') for (const inner of Object.values(Object.freeze(source.cases))) freezeSource(inner);
  else if (source.kind === 'path' || source.kind === 'required') freezeSource(source.of);
  else if ('of' in source) for (const inner of Object.freeze(source.of)) freezeSource(inner);
}

function freezeConnections(connections: readonly ConnectionData[]): void {
  for (const connection of Object.freeze(connections)) {
    Object.freeze(connection);
    Object.freeze(connection.to);
    freezeSource(connection.from);
  }
}

function freezeSwitch({ cases }: SwitchData): void {
  for (const each of Object.freeze(cases)) {
    Object.freeze(each);
    if ('path' in Object.freeze(each.test)) Object.freeze((each.test as { readonly path: object }).path);
    if ('use' in each.test) Object.freeze(each.test.use);
  }
}

function freezeCycle({ feedback, until }: CycleData): void {
  freezeConnections(feedback);
  if (until === undefined) return;
  for (const condition of conditionsIn(until)) {
    Object.freeze(condition);
    if ('named' in condition) Object.freeze(condition.named);
    if ('parts' in condition) Object.freeze(condition.parts);
    if ('use' in condition) Object.freeze(condition.use);
  }
  for (const source of watchedSources(until)) freezeSource(source);
}

/** Freezes a workflow's data all the way down, except literals: those belong to whoever passed them. */
export function freezeData(data: WorkflowData): WorkflowData {
  for (const node of Object.freeze(data.nodes)) {
    Object.freeze(node.use);
    Object.freeze(node.retry);
    Object.freeze(node.map);
    Object.freeze(node.gate);
    if (node.child !== undefined) freezeData(node.child);
    if (node.switch !== undefined) freezeSwitch(Object.freeze(node.switch));
  }
  freezeConnections(data.connections);
  for (const cycle of Object.freeze(data.cycles)) freezeCycle(cycle);
  for (const parameter of Object.freeze(data.parameters)) Object.freeze(parameter);
  for (const source of Object.values(Object.freeze(data.outputs))) freezeSource(source);
  return Object.freeze(data);
}

/** A condition and everything in it, in the order in which they are written. */
export function conditionsIn(condition: ConditionData): readonly ConditionData[] {
  return 'parts' in condition ? [condition, ...condition.parts.flatMap(conditionsIn)] : [condition];
}

/** What a condition looks at, in the order in which it is written. */
export function watchedSources(condition: ConditionData): readonly Source[] {
  return conditionsIn(condition).flatMap((each) =>
    'of' in each ? [each.of] : 'named' in each ? Object.values(each.named) : [],
  );
}

/** Every output and parameter that an expression may read, in the order in which they are written. */
export function leavesOf(source: Source, into: Source[] = []): Source[] {
  const open: Source[] = [source];
  for (let current = open.pop(); current !== undefined; current = open.pop()) {
    switch (current.kind) {
      case 'output':
      case 'parameter':
      case 'literal':
        into.push(current);
        break;
      case 'template':
        for (const named of templateNames(current.value)) into.push({ kind: 'parameter', ...named });
        break;
      case 'path':
      case 'required':
        open.push(current.of);
        break;
      case 'oneOf':
      case 'collect':
      case 'firstOf':
        for (let index = current.of.length - 1; index >= 0; index--) open.push(current.of[index] as Source);
        break;
      case 'join': {
        const cases = Object.values(current.cases);
        for (let index = cases.length - 1; index >= 0; index--) open.push(cases[index] as Source);
        break;
      }
    }
  }
  return into;
}

/** An expression in words, for messages: `oneOf(full.stats, rough.value)`. */
export function describeSource(source: Source): string {
  const tail = 'path' in source && source.path.length > 0 ? `.${source.path.join('.')}` : '';
  switch (source.kind) {
    case 'output':
      return `${source.node}.${source.port}${tail}`;
    case 'parameter':
      return `parameter ${source.name}${tail}`;
    case 'literal':
      return 'a literal';
    case 'template':
      return 'a template';
    case 'path':
      return `${describeSource(source.of)}${tail}`;
    case 'required':
      return `required(${describeSource(source.of)})`;
    case 'oneOf':
    case 'collect':
    case 'firstOf':
      return `${source.kind}(${source.of.map(describeSource).join(', ')})`;
    case 'join':
      return `${source.owner}.join(${Object.keys(source.cases).join(', ')})`;
  }
}
