import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { BridgeSpeech } from '../../base/ports.js';
import { LiveCall } from './live-call.js';
import { type Performed, performCall } from './module-function.js';
import { CELL, decodeCall, type ToCaller, type ToThread, wake } from './protocol.js';
import { revive, thrownData } from './thrown.js';
import { copyOf, notCloneable } from './values.js';

/**
 * The thread's side of a SyncBridge: performs calls as they come, each as soon as the one before it yields, and answers.
 * It is kept alive by its port while it is parked, and by what its functions wait for while it works: that is how it knows that
 * nothing is left that could ever answer.
 */
export class CallServer {
  readonly #port: MessagePort;
  readonly #cells: Int32Array;
  readonly #live = new Map<number, LiveCall>();
  /** Calls that were taken while a function held the thread; they begin when it yields. */
  readonly #waiting: ToThread[] = [];
  #abortsSeen: number;

  constructor(port: MessagePort, cells: Int32Array) {
    this.#port = port;
    this.#cells = cells;
    this.#abortsSeen = Atomics.load(cells, CELL.aborts);
  }

  start(): void {
    this.#port.on('message', (message: ToThread) => this.#receive(message));
    process.on('beforeExit', () => this.#stall());
    Atomics.store(this.#cells, CELL.ready, 1);
  }

  #receive(message: ToThread): void {
    Atomics.store(this.#cells, CELL.stalled, 0);
    for (let waiting = this.#waiting.shift(); waiting !== undefined; waiting = this.#waiting.shift())
      this.#handle(waiting);
    this.#handle(message);
    this.#park();
  }

  #handle(message: ToThread): void {
    if (message[0] === 'abort') this.#abort(message);
    else this.#begin(message);
  }

  #begin(message: Extract<ToThread, readonly ['call', ...unknown[]]>): void {
    const number = message[1];
    const live = new LiveCall(decodeCall(message), () => this.#catchUp());
    this.#live.set(number, live);
    Atomics.store(this.#cells, CELL.begun, number);
    const tell = (speech: BridgeSpeech): void => this.#say(number, live, speech);
    performCall(live.call, () => live.signal, tell).then(
      (performed) => this.#answer(number, live, performed),
      (error: unknown) => this.#fail(number, live, error),
    );
  }

  #abort([, number, aborts, gone, reason]: Extract<ToThread, readonly ['abort', ...unknown[]]>): void {
    this.#abortsSeen = aborts;
    const live = this.#live.get(number);
    if (gone) {
      live?.end();
      this.#live.delete(number);
    }
    live?.abort(revive(reason) as Error);
    setImmediate(() => Atomics.store(this.#cells, CELL.turned, aborts));
  }

  /** Takes messages out of turn when there is an abort among them. */
  #catchUp(): void {
    if (Atomics.load(this.#cells, CELL.aborts) === this.#abortsSeen) return;
    for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port)) {
      const message = next.message as ToThread;
      if (message[0] === 'abort') this.#abort(message);
      else this.#waiting.push(message);
    }
    if (this.#waiting.length > 0) setImmediate(() => this.#beginWaiting());
  }

  #beginWaiting(): void {
    const message = this.#waiting.shift();
    if (message === undefined) return;
    this.#receive(message);
    if (this.#waiting.length > 0) setImmediate(() => this.#beginWaiting());
  }

  #say(number: number, live: LiveCall, speech: BridgeSpeech): void {
    if (this.#live.get(number) !== live) return;
    try {
      this.#post(['said', number, speech]);
    } catch (cause) {
      throw notCloneable('Speech', speech, live.call.nodeId, cause);
    }
  }

  #answer(number: number, live: LiveCall, performed: Performed): void {
    if (!this.#settle(number, live)) return;
    const { output, change } = performed;
    try {
      this.#post(change === undefined ? ['completed', number, output] : ['completed', number, output, change.state]);
    } catch (error) {
      this.#post(['failed', number, thrownData(cloneFailure(live, performed, error))]);
    }
  }

  #fail(number: number, live: LiveCall, error: unknown): void {
    if (!this.#settle(number, live)) return;
    this.#post(['failed', number, thrownData(error)]);
  }

  /** Takes a call out. `false` when nobody wants its answer any more. */
  #settle(number: number, live: LiveCall): boolean {
    if (this.#live.get(number) !== live) return false;
    live.end();
    this.#live.delete(number);
    this.#park();
    return true;
  }

  #post(message: ToCaller): void {
    this.#port.postMessage(message);
    wake(this.#cells);
  }

  /** Lets the port keep the thread alive, or the functions that it performs. */
  #park(): void {
    if (this.#live.size === 0) this.#port.ref();
    else this.#port.unref();
  }

  /** The event loop has nothing left: only a message can move the calls in flight on. */
  #stall(): void {
    this.#port.ref();
    Atomics.store(this.#cells, CELL.stalled, 1);
    wake(this.#cells);
  }
}

/** Why an answer could not be posted. */
function cloneFailure({ call }: LiveCall, { output, change }: Performed, cause: unknown): unknown {
  try {
    copyOf('Output', output, call.nodeId);
    copyOf('State', change?.state, `${call.nodeId}.state`);
    return cause;
  } catch (error) {
    return error;
  }
}
