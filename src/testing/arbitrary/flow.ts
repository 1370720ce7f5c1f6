import type { GateAnswer, GateAnswers, OpenGate } from '../gate-answers.js';

/** A value that nodes are given from outside. */
export type FlowValue = number | null;

/** Where an input or an output takes its value from. */
export type FlowSource =
  /** A port of a node; `path` reads the property `n` of the value, or one that no value has. */
  | { readonly kind: 'output'; readonly node: string; readonly port: string; readonly path: 'whole' | 'n' | 'none' }
  | { readonly kind: 'parameter'; readonly name: string; readonly path?: 'n' }
  | { readonly kind: 'oneOf' | 'collect'; readonly of: readonly FlowSource[] }
  /** The first that is live, or, with `literal`, in the end `LITERAL`. */
  | { readonly kind: 'or'; readonly of: readonly FlowSource[]; readonly literal: boolean }
  | { readonly kind: 'join'; readonly owner: string; readonly cases: Readonly<Record<string, FlowSource>> }
  | { readonly kind: 'required'; readonly of: FlowSource };

/** An input of a node. */
export interface FlowInput {
  /** More than one only where it is wired. */
  readonly from: readonly FlowSource[];
  /** It may be left without a value. */
  readonly optional: boolean;
  /** A literal: the value where nothing leads here, or beside a connection. */
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
  /** Throws an error, one with the code SCRIPTED, or a string; returns nothing, or a port that it does not have. */
  readonly how: 'throws' | 'code' | 'nonError' | 'nothing' | 'unknownPort';
  /** Only for some inputs: of the items of a map, some fail. */
  readonly sometimes?: true;
}

/** How a gate goes. */
export type FlowWay = 'approve' | 'reject' | 'expire';

/** A retry capability. */
export interface FlowRetry {
  /** Attempts in all. */
  readonly attempts: number;
  /** The first wait. */
  readonly delayMs: number;
  readonly backoff: 'fixed' | 'linear' | 'exponential';
  /** The share of the wait that is random. */
  readonly jitter: number;
  /** Errors with the code SCRIPTED are not retried. */
  readonly dontRetryCode: boolean;
}

/** A node. */
export interface FlowNode {
  readonly id: string;
  /** `first`, `all` and `partition` are switches. */
  readonly kind: 'task' | 'try' | 'first' | 'all' | 'partition' | 'map' | 'subworkflow' | 'gate';
  readonly inputs: Readonly<Record<string, FlowInput>>;
  readonly join: 'required' | 'all' | 'any' | 'always';
  readonly after: readonly string[];
  /** What its port `value` carries: something made of its inputs, its visit or its state. */
  readonly gives: 'number' | 'object' | 'null' | 'visit' | 'state' | 'tally' | 'list' | 'echo';
  /** Failures that are planned; the first that fits an attempt happens. */
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
  /** Of a subworkflow: its inputs are the parameters of this one, by name. */
  readonly child?: FlowSpec;
  /** A subworkflow that may fail. */
  readonly allowed?: true;
  /** Of a map. Its list is the input `$list`; its other inputs are what the body reads from outside, by name. */
  readonly map?: FlowMap;
  /** Of a gate. */
  readonly gate?: FlowGate;
}

/** What a map does. */
export interface FlowMap {
  /** A task or a subworkflow. It reads the parameters `$item` and `$index`, and inputs of the map by their name. */
  readonly body: FlowNode;
  readonly maxConcurrency?: number;
  readonly onItemError: 'fail' | 'collect';
}

/** How a gate is answered: which of the answers it gets depends on its scope and its visit. */
export interface FlowGate {
  readonly answers: readonly FlowWay[];
  readonly timeoutMs?: number;
}

/** A cycle. */
export interface FlowCycle {
  readonly id: string;
  /** What is fed back, and to which input. */
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
  /** What it is run with: declared by it, or given without, so that every input of that name takes it. */
  readonly parameters: {
    readonly how: 'none' | 'declared' | 'broadcast';
    readonly values: Readonly<Record<string, FlowValue>>;
  };
  /** Node-addressed parameters. */
  readonly set: Readonly<Record<string, Readonly<Record<string, FlowValue>>>>;
  readonly nodes: readonly FlowNode[];
  readonly cycles: readonly FlowCycle[];
  readonly outputs: Readonly<Record<string, FlowSource>>;
}

/** What `or` ends in. */
export const LITERAL = 7;

/** What an optional input of that name is given where nothing else gives it a value. */
export function defaultOf(port: string): number | undefined {
  return port === 'i2' || port === 'p2' ? 5 : undefined;
}

/** Whether a run may complete although this node failed. */
export function mayFail({ kind, allowed }: FlowNode): boolean {
  return kind === 'try' || allowed === true;
}

/** Every node of a spec, those of children included. */
export function allNodes({ nodes }: Pick<FlowSpec, 'nodes'>): readonly FlowNode[] {
  return nodes.flatMap((node) => [
    node,
    ...(node.child === undefined ? [] : allNodes(node.child)),
    ...(node.map === undefined ? [] : allNodes({ nodes: [node.map.body] })),
  ]);
}

/** A scope as it would be without retries: an attempt that is lost must not change what its children do. */
export function firstTry(scope: string): string {
  return scope.replace(/#(\d+)\.\d+/g, (_, visit: string) => (visit === '1' ? '' : `#${visit}`));
}

/** How a gate goes in a visit, and the answer that it gets when it is approved. */
export function answerOf(
  { id, gate }: FlowNode,
  scope: string,
  visit: number,
): { readonly way: FlowWay; readonly answer: FlowValue } {
  const { answers } = gate as FlowGate;
  const drawn = num([firstTry(scope), id, visit]);
  return { way: answers[drawn % answers.length] as FlowWay, answer: drawn % 5 === 0 ? null : drawn % 21 };
}

/** How every gate of a spec is answered, by its path. */
export function answersOf({ nodes }: Pick<FlowSpec, 'nodes'>, owners = ''): GateAnswers {
  const all = nodes.map((node): GateAnswers => {
    const path = `${owners}${node.id}`;
    if (node.child !== undefined) return answersOf(node.child, `${path}/`);
    if (node.map !== undefined) return answersOf({ nodes: [node.map.body] }, `${path}/`);
    return node.gate === undefined ? {} : { [path]: (open) => answerTo(node, open) };
  });
  return Object.assign({}, ...all) as GateAnswers;
}

function answerTo(node: FlowNode, { gate, visit }: OpenGate): GateAnswer {
  const { way, answer } = answerOf(node, gate.slice(0, gate.lastIndexOf('/') + 1), visit);
  if (way === 'expire') return way;
  return way === 'approve' ? { approve: answer } : { reject: 'as drawn' };
}

/** What a time is in a value: no time is the same in two runs. */
export const A_TIME = 0;

/** A value with its keys in order, without times, and of every error only the code: the rest of it is for people. */
export function essence(value: unknown): unknown {
  if (typeof value === 'number' && value > 1e12) return A_TIME;
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
function plannedFailure(
  { failures }: FlowNode,
  call: Pick<FlowCall, 'visit' | 'failures'>,
  inputs: Readonly<Record<string, unknown>>,
): FlowFailure | undefined {
  return failures.find(
    ({ visit, times, sometimes }) =>
      (visit === 0 || visit === call.visit) && call.failures < times && (sometimes !== true || num(inputs) % 2 === 0),
  );
}

/** The same work where outputs depend on nothing but the inputs, and only failures on those before. */
export function pureWork(node: FlowNode, inputs: Readonly<Record<string, unknown>>, failures: number): unknown {
  const alone = { visit: 1, state: 0, setState: () => undefined };
  const failing = plannedFailure(node, { ...alone, failures }, inputs) !== undefined;
  return failing
    ? work(node, inputs, { ...alone, failures })
    : work({ ...node, failures: [] }, inputs, { ...alone, failures: 0 });
}

/** The work of a node that is no switch: a function of its inputs and of `call`, nothing else. */
export function work(node: FlowNode, inputs: Readonly<Record<string, unknown>>, call: FlowCall): unknown {
  const { id, gives } = node;
  const mixed = num([id, inputs, call.visit, call.failures]);
  const next = call.state + 1 + (mixed % 3);
  if (gives === 'state' || gives === 'tally') call.setState(next);
  const planned = plannedFailure(node, call, inputs);
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
