import { existsSync } from 'node:fs';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { AttemptError, ConfigurationError, LockstepError } from '../../base/errors.js';
import type { Parcel } from '../../base/executor-port.js';
import type { BridgeCall, BridgeReport, BridgeTicket, ServiceReference } from '../../base/ports.js';
import { copyCall } from './call.js';
import { outgoingCall, outgoingCopy } from './parcels.js';
import {
  CELL,
  encodeCall,
  type Loss,
  type Order,
  type Role,
  type ServedReference,
  sharedCells,
  type ToCaller,
  type ToThread,
} from './protocol.js';
import { ServiceLine } from './service-line.js';
import { revive, thrownData } from './thrown.js';
import { notCloneable } from './values.js';

/** Limits of a thread's memory, in megabytes. Left out: Node's. */
export interface ThreadLimits {
  readonly maxOldGenerationSizeMb?: number;
  readonly maxYoungGenerationSizeMb?: number;
  readonly codeRangeSizeMb?: number;
  readonly stackSizeMb?: number;
}

/** Options of ThreadBridge. */
export interface ThreadBridgeOptions {
  /**
   * How long the thread may go without a turn of its event loop once a call in it was given up; then it is replaced, and
   * its other calls fail with BRIDGE_LOST. Longer than any function holds the thread that is not stuck. Milliseconds.
   * Default 1,000.
   */
  readonly graceMs?: number;
  /** Limits of the thread's memory; a call that passes them is BRIDGE_LOST. Default: Node's. */
  readonly resourceLimits?: ThreadLimits;
  /** Where `bridge-worker.js` of this package is. For applications that are bundled into one file. Default: found by itself. */
  readonly worker?: URL;
}

/** Time for both threads to start. Only a thread that cannot start at all, for a reason that nobody hears, takes that long. */
const START_MS = 30_000;
const GRACE_MS = 1_000;

interface InFlight {
  readonly call: BridgeCall;
  readonly receive: (report: BridgeReport) => void;
}

/** A thread that performs calls, as its caller sees it. */
interface Thread {
  readonly port: MessagePort;
  readonly cells: Int32Array;
  readonly startsBy: number;
  /** The number of the last call that it was sent. */
  last: number;
  /** Replies that it was sent. */
  replies: number;
}

/** The thread that watches over the other one. */
interface Watch {
  readonly worker: Worker;
  readonly lifeline: MessagePort;
}

/**
 * One thread of a SyncBridge and the calls in it, as the caller sees them: started with the first call and parked between calls. It
 * keeps no process alive. A thread that ends is replaced; calls that it had begun fail with BRIDGE_LOST, those that it had not go to its
 * successor.
 */
export class ThreadLane {
  readonly #options: ThreadBridgeOptions;
  readonly #bell: Int32Array;
  readonly #service: ServiceReference | undefined;
  readonly #calls = new Map<number, InFlight>();
  #submitted = 0;
  #aborts = 0;
  #watch: Watch | undefined;
  #thread: Thread | undefined;
  /** What its service tells beside answers; `undefined` where it has none, or its thread was never started. */
  #line: ServiceLine | undefined;
  #stopBy = 0;

  /** Starts nothing yet. @param service what performs its calls; `undefined` for the functions that they name */
  constructor(options: ThreadBridgeOptions, bell: Int32Array, service: ServiceReference | undefined) {
    this.#options = options;
    this.#bell = bell;
    this.#service = service;
  }

  /** Some call in it has not been answered. */
  get isBusy(): boolean {
    return this.#calls.size > 0;
  }

  /** Starts its thread and its service, unless they have started. */
  begin(): void {
    if (this.#thread === undefined) this.#thread = this.#startThread();
    else if (typeof this.#line?.started === 'object') {
      this.#line.startAgain();
      this.#thread.port.postMessage(['serve'] satisfies ToThread);
    }
  }

  /** Whether its service has started; `false` while that is under way. @throws why it could not */
  hasStarted(): boolean {
    this.take();
    if (this.#line?.started === 'under way' && this.isStalled) this.#line.fail(neverStarted(this.#service));
    const started = this.#line?.started;
    if (typeof started === 'object') throw started.failed;
    return started === 'started';
  }

  submit(call: BridgeCall, receive: (report: BridgeReport) => void): BridgeTicket {
    if (this.#thread !== undefined && Atomics.load(this.#thread.cells, CELL.lost) === 1) this.#take(this.#thread);
    this.#thread ??= this.#startThread();
    const number = this.#submitted + 1;
    this.#postCall(this.#thread, number, call);
    this.#submitted = number;
    this.#calls.set(number, { call, receive });
    return {
      abort: (reason) => this.#abort(number, false, reason),
      abandon: (reason) => this.#abort(number, true, reason),
    };
  }

  /** Hands out what has arrived. `true` when something was for a call that is still wanted. */
  take(): boolean {
    return this.#thread !== undefined && this.#take(this.#thread);
  }

  /** Everything that was sent has been begun and heard, and nothing moves any more. */
  get isStalled(): boolean {
    if (this.#thread === undefined) return true;
    const { cells, last, replies } = this.#thread;
    return (
      Atomics.load(cells, CELL.begun) === last &&
      Atomics.load(cells, CELL.replied) === replies &&
      Atomics.load(cells, CELL.turned) === Atomics.load(cells, CELL.aborts) &&
      Atomics.load(cells, CELL.stalled) === 1 // looked at last: whoever takes a message clears it first
    );
  }

  /** Milliseconds that the thread still has to start, where it must; infinity where it has, or nobody waits for it. */
  get leftToStart(): number {
    const isWanted = this.#calls.size > 0 || this.#line?.started === 'under way';
    if (this.#thread === undefined || !isWanted) return Number.POSITIVE_INFINITY;
    const { cells, startsBy } = this.#thread;
    return Atomics.load(cells, CELL.ready) === 1 ? Number.POSITIVE_INFINITY : startsBy - performance.now();
  }

  /** Neither thread has said a word: the threads are given up, and every call with them. */
  giveUp(): void {
    const cause = new Error(`The threads of the SyncBridge did not start within ${START_MS} ms.`);
    this.#line?.fail(cause);
    const lost = [...this.#calls.values()];
    this.#calls.clear();
    this.end();
    for (const { call, receive } of lost)
      receive({ kind: 'failed', error: bridgeLost(call, { why: 'error', exitCode: 1, thrown: thrownData(cause) }) });
  }

  /** Tells its service to stop. `false` where none was started. */
  askToStop(): boolean {
    this.#calls.clear();
    if (this.#thread === undefined || this.#service === undefined) return false;
    this.#thread.port.postMessage(['stop'] satisfies ToThread);
    this.#stopBy = performance.now() + this.#service.stopMs;
    return true;
  }

  /** Milliseconds that its service still has to stop; 0 once it has, or has ended otherwise. */
  get leftToStop(): number {
    if (this.#thread === undefined) return 0;
    const { cells } = this.#thread;
    const isOver = Atomics.load(cells, CELL.stopped) === 1 || Atomics.load(cells, CELL.lost) === 1;
    return isOver ? 0 : Math.max(0, this.#stopBy - performance.now());
  }

  /** Ends its threads, and what runs in them. */
  end(): void {
    this.#calls.clear();
    if (this.#thread !== undefined) this.#line?.close();
    this.#thread?.port.close();
    this.#watch?.lifeline.close();
    void this.#watch?.worker.terminate();
    this.#watch?.worker.unref(); // to end one keeps the process alive until it has ended
    this.#thread = undefined;
    this.#watch = undefined;
  }

  #postCall(thread: Thread, number: number, call: BridgeCall): void {
    const { sent, memory } = outgoingCall(call);
    try {
      thread.port.postMessage(encodeCall(number, sent), memory);
      thread.last = number;
    } catch (error) {
      copyCall(call); // names the part that cannot be copied
      throw error;
    }
  }

  /** Answers a question of a call, unless that is over. */
  #reply(number: number, question: number, answer: Parcel): void {
    if (this.#thread === undefined || !this.#calls.has(number)) return;
    const { sent, memory } = outgoingCopy(answer);
    this.#thread.port.postMessage(['reply', number, question, sent] satisfies ToThread, memory);
    this.#thread.replies++;
  }

  #abort(number: number, gone: boolean, reason: Error): void {
    if (!this.#calls.has(number) || this.#thread === undefined) return;
    if (gone) this.#calls.delete(number);
    this.#aborts++;
    const { port, cells } = this.#thread;
    port.postMessage(['abort', number, this.#aborts, gone, thrownData(reason)] satisfies ToThread);
    Atomics.store(cells, CELL.aborts, this.#aborts);
    if (gone) this.#order({ kind: 'watch', aborts: this.#aborts }, []);
  }

  /** Hands out what has arrived. `true` when something was for a call that is still wanted. */
  #take(thread: Thread): boolean {
    const lost = Atomics.load(thread.cells, CELL.lost) === 1; // looked at first: what it had answered counts
    let reported = false;
    for (let next = receiveMessageOnPort(thread.port); next !== undefined; next = receiveMessageOnPort(thread.port)) {
      this.#line?.listen(); // what it told before it answered is heard before
      if (this.#hand(next.message as ToCaller)) reported = true;
    }
    this.#line?.listen();
    return (lost && this.#takeLoss(thread)) || reported;
  }

  #hand(message: ToCaller): boolean {
    const number = message[1];
    const call = this.#calls.get(number);
    if (call === undefined) return false;
    if (message[0] === 'said') {
      call.receive(message[2]);
      return true;
    }
    if (message[0] === 'asked') {
      const [, , question, content] = message;
      const reply = (answer: unknown): void => this.#reply(number, question, answer as Parcel);
      call.receive({ kind: 'asked', question: content, reply });
      return true;
    }
    this.#calls.delete(number);
    if (message[0] === 'failed') call.receive({ kind: 'failed', error: revive(message[2]) });
    else
      call.receive({
        kind: 'completed',
        output: message[2],
        change: message.length === 4 ? { state: message[3] } : undefined,
      });
    return true;
  }

  /** The thread has ended: fails what it had begun, gives the rest to another one. `true` when something failed. */
  #takeLoss(thread: Thread): boolean {
    const loss = receiveMessageOnPort((this.#watch as Watch).lifeline)?.message as Loss;
    const started = Atomics.load(thread.cells, CELL.ready) === 1;
    const begun = Atomics.load(thread.cells, CELL.begun);
    if (this.#line?.started === 'under way') this.#line.fail(lostStart(this.#service, loss));
    this.#line?.close();
    thread.port.close();
    this.#thread = undefined;
    const lost = [...this.#calls].filter(([number]) => !started || number <= begun);
    for (const [number] of lost) this.#calls.delete(number);
    if (this.#calls.size > 0) {
      this.#thread = this.#startThread();
      for (const [number, { call }] of this.#calls) this.#postCall(this.#thread, number, call);
    }
    for (const [, { call, receive }] of lost) receive({ kind: 'failed', error: bridgeLost(call, loss) });
    return lost.length > 0;
  }

  #startThread(): Thread {
    const { resourceLimits = {} } = this.#options;
    const { port1, port2 } = new MessageChannel();
    const cells = sharedCells(CELL);
    Atomics.store(cells, CELL.aborts, this.#aborts);
    Atomics.store(cells, CELL.turned, this.#aborts);
    this.#watch ??= this.#startWatcher();
    const service = this.#service === undefined ? undefined : this.#serve(this.#service, cells);
    const place = { port: port2, cells, bell: this.#bell, service };
    try {
      this.#order({ kind: 'start', place, resourceLimits }, service === undefined ? [port2] : [port2, service.line]);
    } catch (cause) {
      throw notCloneable('Setting', this.#service?.settings, `${this.#service?.export}.settings`, cause);
    }
    return { port: port1, cells, startsBy: performance.now() + START_MS, last: 0, replies: 0 };
  }

  #serve({ url, export: name, settings, listen }: ServiceReference, cells: Int32Array): ServedReference {
    this.#line = new ServiceLine(cells, listen?.());
    return { reference: { url, export: name, settings }, line: this.#line.end };
  }

  #startWatcher(): Watch {
    const { graceMs = GRACE_MS } = this.#options;
    const file = workerFile(this.#options.worker);
    const { port1, port2 } = new MessageChannel();
    const role: Role = { role: 'watcher', lifeline: port2, graceMs };
    const worker = new Worker(file, { workerData: role, transferList: [port2], ...workerArguments() });
    worker.unref();
    worker.on('error', () => undefined); // found by the start that never comes: no event arrives while the caller sleeps
    return { worker, lifeline: port1 };
  }

  #order(order: Order, transfer: readonly MessagePort[]): void {
    (this.#watch as Watch).lifeline.postMessage(order, transfer);
  }
}

/** Beside this module where every module is a file; above the chunks where the package is bundled. */
const PLACES = ['./bridge-worker.js', '../bridge-worker.js'].map((place) => new URL(place, import.meta.url));

/** @throws ConfigurationError INVALID_OPTION */
function workerFile(given: URL | undefined): URL {
  const places = given === undefined ? PLACES : [given];
  const file = places.find((place) => existsSync(place));
  if (file !== undefined) return file;
  const names = places.map(({ href }) => href).join(' or ');
  throw new ConfigurationError('INVALID_OPTION', `The SyncBridge finds no ${names}.`, {
    at: 'bridge.worker',
    value: given,
  });
}

/** A worker takes over the flags of its process; Node refuses one file for a process whose program was given as text. */
function workerArguments(): { readonly execArgv?: string[] } {
  return process.execArgv.some((flag) => flag.startsWith('--input-type')) ? { execArgv: [] } : {};
}

function bridgeLost({ nodeId, module }: BridgeCall, loss: Loss): AttemptError {
  const what = `Node "${nodeId}" (${module.export} of ${module.url}) lost its thread: ${howLost(loss)}.`;
  return new AttemptError('BRIDGE_LOST', what, { at: nodeId, ...causeOf(loss) });
}

function lostStart(service: ServiceReference | undefined, loss: Loss): LockstepError {
  const what = `${service?.export} of ${service?.url} lost its thread when it started: ${howLost(loss)}.`;
  return new LockstepError('BRIDGE_LOST', what, { at: service?.export ?? '', ...causeOf(loss) });
}

function neverStarted(service: ServiceReference | undefined): LockstepError {
  const what = `${service?.export} of ${service?.url} returned a promise that nothing can settle any more.`;
  return new LockstepError('NEVER_SETTLED', what, { at: service?.export ?? '' });
}

function howLost({ why, exitCode, thrown }: Loss): string {
  return {
    error: `it failed: ${thrown?.kind === 'error' ? thrown.message : String(thrown?.value)}`,
    exit: `it ended with exit code ${exitCode}`,
    unresponsive: 'it did not stop when another call was given up',
  }[why];
}

function causeOf({ thrown }: Loss): { readonly cause?: unknown } {
  return thrown === undefined ? {} : { cause: revive(thrown) };
}
