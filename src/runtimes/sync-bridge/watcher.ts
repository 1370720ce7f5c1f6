import { type MessagePort, Worker } from 'node:worker_threads';
import { CELL, type Loss, type Order, type Role, ring } from './protocol.js';
import { thrownData } from './thrown.js';

/**
 * Starts the thread that performs calls, and says how it ended. The caller cannot do that: events of a thread arrive in the
 * event loop of whoever started it, and the caller sleeps. The watcher runs no code of a user, so it always hears.
 */
export class Watcher {
  readonly #lifeline: MessagePort;
  readonly #graceMs: number;
  readonly #file: URL;
  #thread: Worker | undefined;
  #cells: Int32Array = new Int32Array(0);
  #unresponsive = false;

  constructor(lifeline: MessagePort, graceMs: number, file: URL) {
    this.#lifeline = lifeline;
    this.#graceMs = graceMs;
    this.#file = file;
  }

  start(): void {
    this.#lifeline.on('message', (order: Order) => {
      if (order.kind === 'start') this.#startThread(order);
      else this.#watch(order.aborts);
    });
  }

  #startThread({ place, resourceLimits }: Extract<Order, { kind: 'start' }>): void {
    const { port, cells, bell, service } = place;
    const role: Role = { role: 'thread', place };
    const transferList = service === undefined ? [port] : [port, service.line];
    const thread = new Worker(this.#file, { workerData: role, transferList, resourceLimits });
    let error: unknown;
    this.#thread = thread;
    this.#cells = cells;
    this.#unresponsive = false;
    thread.on('error', (thrown) => {
      error = thrown;
    });
    thread.on('exit', (exitCode) => {
      const why = this.#unresponsive ? 'unresponsive' : error === undefined ? 'exit' : 'error';
      const loss: Loss = { why, exitCode, thrown: error === undefined ? undefined : thrownData(error) };
      this.#lifeline.postMessage(loss);
      Atomics.store(cells, CELL.lost, 1);
      ring(bell);
    });
  }

  #watch(aborts: number): void {
    const cells = this.#cells;
    setTimeout(() => {
      if (cells !== this.#cells || Atomics.load(cells, CELL.turned) >= aborts) return;
      if (Atomics.load(cells, CELL.ready) === 0) return this.#watch(aborts); // it is still starting
      this.#unresponsive = true;
      void this.#thread?.terminate();
    }, this.#graceMs);
  }
}
