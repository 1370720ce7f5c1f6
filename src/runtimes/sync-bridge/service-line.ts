import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { ServiceHost } from '../../base/executor-port.js';
import type { ServiceListener } from '../../base/ports.js';
import { CELL, ring } from './protocol.js';
import { revive, type Thrown, thrownData } from './thrown.js';
import { notCloneable } from './values.js';

/** What a service tells its host that belongs to no call. */
export type FromService =
  | readonly [kind: 'told', data: unknown]
  | readonly [kind: 'started']
  | readonly [kind: 'not started', why: Thrown];

/** How the start of a service went. */
export type ServiceStarted = 'under way' | 'started' | { readonly failed: unknown };

/**
 * The host's end of the line on which a service tells what belongs to no call. It is heard whenever the event loop of the host
 * turns, and whenever the host waits for the thread; it keeps no process alive.
 */
export class ServiceLine {
  /** The end of the service, which crosses to its thread. */
  readonly end: MessagePort;
  readonly #port: MessagePort;
  readonly #cells: Int32Array;
  readonly #listener: ServiceListener | undefined;
  #started: ServiceStarted = 'under way';

  constructor(cells: Int32Array, listener: ServiceListener | undefined) {
    const { port1, port2 } = new MessageChannel();
    this.end = port2;
    this.#port = port1;
    this.#cells = cells;
    this.#listener = listener;
    port1.on('message', (message: FromService) => this.#take(message));
    port1.unref();
  }

  /** How its start went, as far as that was heard. */
  get started(): ServiceStarted {
    return this.#started;
  }

  /** Its start came to nothing, and it cannot say so itself. */
  fail(why: Error): void {
    this.#started = { failed: why };
  }

  /** It is being started again. */
  startAgain(): void {
    this.#started = 'under way';
  }

  /** Hears everything that was told so far. */
  listen(): void {
    for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port))
      this.#take(next.message as FromService);
  }

  /** Hears the rest: its thread has ended, or is being ended. Called once. */
  close(): void {
    this.listen();
    this.#port.close();
    this.#listener?.end();
  }

  #take(message: FromService): void {
    switch (message[0]) {
      case 'told':
        Atomics.sub(this.#cells, CELL.unheard, 1);
        return this.#listener?.hear(message[1]);
      case 'started':
        this.#started = 'started';
        return;
      case 'not started':
        this.#started = { failed: revive(message[1]) };
    }
  }
}

/** The service's end of that line. */
export class HostLine implements ServiceHost {
  readonly #port: MessagePort;
  readonly #cells: Int32Array;
  readonly #bell: Int32Array;

  constructor(port: MessagePort, cells: Int32Array, bell: Int32Array) {
    this.#port = port;
    this.#cells = cells;
    this.#bell = bell;
  }

  get unheard(): number {
    return Atomics.load(this.#cells, CELL.unheard);
  }

  tell(data: unknown): void {
    Atomics.add(this.#cells, CELL.unheard, 1);
    try {
      this.#post(['told', data]);
    } catch (cause) {
      Atomics.sub(this.#cells, CELL.unheard, 1);
      throw notCloneable('Data', data, 'told', cause);
    }
  }

  /** Says how the start of the service went. */
  started(): void {
    this.#post(['started']);
  }

  notStarted(why: unknown): void {
    this.#post(['not started', thrownData(why)]);
  }

  #post(message: FromService): void {
    this.#port.postMessage(message);
    ring(this.#bell);
  }
}
