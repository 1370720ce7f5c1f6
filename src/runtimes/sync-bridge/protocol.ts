import type { MessagePort, ResourceLimits } from 'node:worker_threads';
import type { BridgeCall, BridgeSpeech } from '../../base/ports.js';
import type { Thrown } from './thrown.js';

/** The cells of the memory that caller and thread share. Every thread has its own. */
export const CELL = {
  /** Counted up after everything that the caller may be asleep for. */
  wakes: 0,
  /** 1 once the thread listens. */
  ready: 1,
  /** The number of the last call that the thread has begun. */
  begun: 2,
  /** Aborts that the caller has sent. */
  aborts: 3,
  /** Aborts after which the thread's event loop has turned. */
  turned: 4,
  /** 1 while nothing in the thread could go on by itself. */
  stalled: 5,
  /** 1 once the thread has ended. */
  lost: 6,
  /** 1 while the caller is asleep: to wake one that is not costs as much as a small call. */
  asleep: 7,
} as const;

/** How many cells there are. */
export const CELLS = 8;

/** Counts a cell up and wakes the caller. */
export function wake(cells: Int32Array): void {
  Atomics.add(cells, CELL.wakes, 1);
  if (Atomics.load(cells, CELL.asleep) === 1) Atomics.notify(cells, CELL.wakes);
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
  | readonly [kind: 'abort', number: number, aborts: number, gone: boolean, reason: Thrown];

/** What the thread sends to the caller. */
export type ToCaller =
  | readonly [kind: 'completed', number: number, output: unknown]
  | readonly [kind: 'completed', number: number, output: unknown, state: unknown]
  | readonly [kind: 'failed', number: number, thrown: Thrown]
  | readonly [kind: 'said', number: number, speech: BridgeSpeech];

/** What the caller orders of the thread that watches over the one that works. */
export type Order =
  | {
      readonly kind: 'start';
      readonly port: MessagePort;
      readonly cells: Int32Array;
      readonly resourceLimits: ResourceLimits;
    }
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
  | { readonly role: 'thread'; readonly port: MessagePort; readonly cells: Int32Array };

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
