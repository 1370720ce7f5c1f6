import type { MessagePort, ResourceLimits } from 'node:worker_threads';
import type { Parcel } from '../../base/executor-port.js';
import type { BridgeCall, BridgeSpeech, ServiceReference } from '../../base/ports.js';
import type { Thrown } from './thrown.js';

/** The cells of the memory that caller and thread share. Every thread has its own. */
export const CELL = {
  /** 1 once the thread listens. */
  ready: 0,
  /** The number of the last call that the thread has begun. */
  begun: 1,
  /** Aborts that the caller has sent. */
  aborts: 2,
  /** Aborts after which the thread's event loop has turned. */
  turned: 3,
  /** 1 while nothing in the thread could go on by itself. */
  stalled: 4,
  /** 1 once the thread has ended. */
  lost: 5,
  /** 1 once its service has stopped, as it was told. */
  stopped: 6,
  /** How much its service has told that belongs to no call, and that the caller has not heard. */
  unheard: 7,
  /** Replies to questions that the thread has taken. */
  replied: 8,
} as const;

/** The cells of the bell at which the caller sleeps: one for all threads of a bridge. */
export const BELL = {
  /** Counted up after everything that the caller may be asleep for. */
  wakes: 0,
  /** 1 while the caller is asleep: to wake one that is not costs as much as a small call. */
  asleep: 1,
} as const;

/** Memory for the cells of a thread, or of a bell. */
export function sharedCells(of: typeof CELL | typeof BELL): Int32Array {
  return new Int32Array(new SharedArrayBuffer(Object.keys(of).length * Int32Array.BYTES_PER_ELEMENT));
}

/** Rings a bell: counts it up and wakes the caller. */
export function ring(bell: Int32Array): void {
  Atomics.add(bell, BELL.wakes, 1);
  if (Atomics.load(bell, BELL.asleep) === 1) Atomics.notify(bell, BELL.wakes);
}

/** What a thread is given to work with. */
export interface Workplace {
  readonly port: MessagePort;
  readonly cells: Int32Array;
  readonly bell: Int32Array;
  /** What performs its calls. `undefined`: the functions that they name. */
  readonly service: ServedReference | undefined;
}

/** A service, and the line on which it tells what belongs to no call. */
export interface ServedReference {
  readonly reference: Pick<ServiceReference, 'url' | 'export' | 'settings'>;
  readonly line: MessagePort;
}

/** A call on the wire: a list, because names of properties would be written and read with every call. */
type CallWire = readonly [
  kind: 'call',
  number: number,
  url: string,
  name: string,
  inputs: BridgeCall['inputs'],
  runId: string,
  nodeId: string,
  scope: string,
  attempt: number,
  failures: number,
  visit: number,
  iterations: readonly number[] | 0,
  maxIterations: number | undefined,
  deadline: number | undefined,
  timeLeftMs: number | undefined,
  idempotencyKey: string,
  state: unknown,
  context: BridgeCall['context'],
  secrets: BridgeCall['secrets'] | 0,
];

/** What the caller sends to the thread. */
export type ToThread =
  | CallWire
  | readonly [kind: 'abort', number: number, aborts: number, gone: boolean, reason: Thrown]
  | readonly [kind: 'serve']
  | readonly [kind: 'reply', number: number, question: number, answer: Parcel]
  | readonly [kind: 'stop'];

/** What the thread sends to the caller. */
export type ToCaller =
  | readonly [kind: 'completed', number: number, output: unknown]
  | readonly [kind: 'completed', number: number, output: unknown, state: unknown]
  | readonly [kind: 'failed', number: number, thrown: Thrown]
  | readonly [kind: 'said', number: number, speech: BridgeSpeech]
  | readonly [kind: 'asked', number: number, question: number, content: Parcel];

/** What the caller orders of the thread that watches over the one that works. */
export type Order =
  | { readonly kind: 'start'; readonly place: Workplace; readonly resourceLimits: ResourceLimits }
  /** End the thread unless its event loop turns after so many aborts. */
  | { readonly kind: 'watch'; readonly aborts: number };

/** How a thread ended. */
export interface Loss {
  readonly why: 'error' | 'exit' | 'unresponsive';
  readonly exitCode: number;
  readonly thrown: Thrown | undefined;
}

/** What a worker is started with. */
export type Role =
  | { readonly role: 'watcher'; readonly lifeline: MessagePort; readonly graceMs: number }
  | { readonly role: 'thread'; readonly place: Workplace };

/** Writes a call. */
export function encodeCall(number: number, call: BridgeCall): CallWire {
  const { module, iterations, secrets } = call;
  return [
    'call',
    number,
    module.url,
    module.export,
    call.inputs,
    call.runId,
    call.nodeId,
    call.scope,
    call.attempt,
    call.failures,
    call.visit,
    iterations.length === 0 ? 0 : iterations,
    call.maxIterations,
    call.deadline,
    call.timeLeftMs,
    call.idempotencyKey,
    call.state,
    call.context,
    Object.keys(secrets).length === 0 ? 0 : secrets,
  ];
}

/** Reads a call. */
export function decodeCall(wire: CallWire): BridgeCall {
  const [, , url, name, inputs, runId, nodeId, scope, attempt, failures, visit, iterations, ...rest] = wire;
  const [maxIterations, deadline, timeLeftMs, idempotencyKey, state, context, secrets] = rest;
  return {
    module: { url, export: name },
    inputs,
    runId,
    nodeId,
    scope,
    attempt,
    failures,
    visit,
    iterations: iterations === 0 ? [] : iterations,
    maxIterations,
    deadline,
    timeLeftMs,
    idempotencyKey,
    state,
    context,
    secrets: secrets === 0 ? {} : secrets,
  };
}
