import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { LockstepError } from '../../base/errors.js';
import type { BridgeSpeech } from '../../base/ports.js';
import { LiveCall } from './live-call.js';
import type { Tell } from './module-context.js';
import { type Performed, performCall } from './module-function.js';
import { CELL, decodeCall, ring, type ToCaller, type ToThread, type Workplace } from './protocol.js';
import { type Ask, ServiceLife } from './service-life.js';
import { HostLine } from './service-line.js';
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
  readonly #bell: Int32Array;
  readonly #service: ServiceLife | undefined;
  readonly #live = new Map<number, LiveCall>();
  /** Calls that were taken while a function held the thread; they begin when it yields. */
  readonly #waiting: ToThread[] = [];
  #abortsSeen: number;

  constructor({ port, cells, bell, service }: Workplace) {
    this.#port = port;
    this.#cells = cells;
    this.#bell = bell;
    if (service !== undefined) {
      const host = new HostLine(service.line, cells, bell);
      this.#service = new ServiceLife(service.reference, host, () => this.#park());
    }
    this.#abortsSeen = Atomics.load(cells, CELL.aborts);
  }

  start(): void {
    this.#port.on('message', (message: ToThread) => this.#receive(message));
    process.on('beforeExit', () => this.#stall());
    Atomics.store(this.#cells, CELL.ready, 1);
    this.#service?.begin();
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
    else if (message[0] === 'call') this.#begin(message);
    else if (message[0] === 'serve') this.#service?.begin();
    else if (message[0] === 'reply') this.#answered(message);
    else void this.#stop();
  }

  #begin(message: Extract<ToThread, readonly ['call', ...unknown[]]>): void {
    const number = message[1];
    const live = new LiveCall(decodeCall(message), () => this.#catchUp());
    this.#live.set(number, live);
    Atomics.store(this.#cells, CELL.begun, number);
    const tell: Tell = (speech, memory) => this.#say(number, live, speech, memory);
    const ask: Ask = (question, content, memory) => this.#post(['asked', number, question, content], memory);
    const performing =
      this.#service === undefined
        ? performCall(live.call, () => live.signal, tell)
        : this.#service.perform(live, tell, ask);
    performing.then(
      (performed) => this.#answer(number, live, performed),
      (error: unknown) => this.#fail(number, live, error),
    );
  }

  #answered([, number, question, answer]: Extract<ToThread, readonly ['reply', ...unknown[]]>): void {
    Atomics.add(this.#cells, CELL.replied, 1);
    this.#live.get(number)?.answered(question, answer);
  }

  #abort([, number, aborts, gone, reason]: Extract<ToThread, readonly ['abort', ...unknown[]]>): void {
    this.#abortsSeen = aborts;
    const live = this.#live.get(number);
    if (gone) {
      live?.end();
      this.#live.delete(number);
    }
    if (gone) live?.abandon(revive(reason) as Error);
    else live?.abort(revive(reason) as Error);
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

  /** Nobody wants the answers of calls in flight any more. */
  async #stop(): Promise<void> {
    const reason = new LockstepError('BRIDGE_CLOSED', 'The runtime is closing.');
    for (const live of this.#live.values()) {
      live.end();
      live.abandon(reason);
    }
    this.#live.clear();
    await this.#service?.stop();
    Atomics.store(this.#cells, CELL.stopped, 1);
    ring(this.#bell);
  }

  #say(number: number, live: LiveCall, speech: BridgeSpeech, memory?: readonly ArrayBuffer[]): void {
    if (this.#live.get(number) !== live) return;
    try {
      this.#post(['said', number, speech], memory);
    } catch (cause) {
      throw notCloneable('Speech', speech, live.call.nodeId, cause);
    }
  }

  #answer(number: number, live: LiveCall, performed: Performed): void {
    if (!this.#settle(number, live)) return;
    const { output, change, memory } = performed;
    try {
      const message = ['completed', number, output] as const;
      this.#post(change === undefined ? message : [...message, change.state], memory);
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

  #post(message: ToCaller, memory?: readonly ArrayBuffer[]): void {
    this.#port.postMessage(message, memory);
    ring(this.#bell);
  }

  /** Lets the port keep the thread alive, or the functions that it performs, or the start of its service. */
  #park(): void {
    if (this.#live.size === 0 && this.#service?.isStarting !== true) this.#port.ref();
    else this.#port.unref();
  }

  /** The event loop has nothing left: only a message can move the calls in flight on. */
  #stall(): void {
    this.#port.ref();
    Atomics.store(this.#cells, CELL.stalled, 1);
    ring(this.#bell);
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
