import type { WorkerSettings } from './configuration.js';
import type { Incarnation } from './incarnation.js';
import { memoryOfTree } from './process/process-table.js';
import { timerMs } from './timer-ms.js';

/** How often is looked at most how much memory a worker holds, and how long its answer may take, in milliseconds. */
const LOOK_MS = 1_000;

/** Looks when a worker is to be replaced by a fresh one: after so many calls, so long, or with so much memory. */
export class Recycling {
  readonly #limits: WorkerSettings['recycle'];
  readonly #worker: Incarnation;
  readonly #due: () => void;
  readonly #timer: NodeJS.Timeout | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** @param due told when it is to be replaced; again each time where it was not */
  constructor(limits: WorkerSettings['recycle'], worker: Incarnation, due: () => void) {
    this.#limits = limits;
    this.#worker = worker;
    this.#due = due;
    const { afterMs } = limits;
    if (afterMs !== null) this.#timer = setInterval(due, timerMs(afterMs)).unref();
  }

  /** A call has ended. Only then has a worker grown. */
  callEnded(): void {
    const { afterCalls, rssBytes } = this.#limits;
    if (afterCalls !== null && this.#worker.callsBegun >= afterCalls) this.#due();
    if (rssBytes === null || performance.now() - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = performance.now();
    void this.#look(rssBytes);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(limit: number): Promise<void> {
    // Where the system does not tell, the worker knows of its own process.
    const held = memoryOfTree(this.#worker.pid) ?? (await this.#worker.ask(LOOK_MS))?.rssBytes;
    if (held !== undefined && held >= limit) this.#due();
  }
}
