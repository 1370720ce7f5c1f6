import type { WorkerSettings } from './configuration.js';
import type { Incarnation } from './incarnation.js';
import { timerMs } from './timer-ms.js';
import { Connection } from './wire/connection.js';

/** What is told of heartbeats. */
export interface HeartbeatListener {
  /** `missed` answers in a row have not come. */
  onMissed(missed: number): void;
  /** As many as may be missing. */
  onDead(missed: number): void;
}

/**
 * Asks a worker in intervals whether it lives: a ping of HTTP/2 on a connection of its own, which gRPC answers without the
 * interpreter. So one that is busy, or holds its interpreter's lock, lives; one that is stopped or hangs in the system does not.
 */
export class HeartbeatMonitor {
  readonly #settings: WorkerSettings['heartbeat'];
  readonly #worker: Incarnation;
  readonly #listener: HeartbeatListener;
  #connection: Connection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #missed = 0;
  #isStopped = false;

  constructor(settings: WorkerSettings['heartbeat'], worker: Incarnation, listener: HeartbeatListener) {
    this.#settings = settings;
    this.#worker = worker;
    this.#listener = listener;
    this.#plan();
  }

  /** How many answers in a row have not come. */
  get missed(): number {
    return this.#missed;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#connection?.close();
  }

  #plan(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => void this.#beat(), timerMs(this.#settings.pingIntervalMs)).unref();
  }

  async #beat(): Promise<void> {
    const asked = performance.now();
    const hasAnswered = await this.#ask();
    if (this.#isStopped) return;
    const { timeoutMs, maxMissedHeartbeats } = this.#settings;
    // Where this process itself stood still, nothing was missed by the worker.
    const isOurs = performance.now() - asked > 2 * timeoutMs;
    if (hasAnswered || this.#worker.heardAt >= asked) this.#missed = 0;
    else if (!isOurs) {
      this.#missed++;
      this.#listener.onMissed(this.#missed);
      if (this.#missed >= maxMissedHeartbeats) this.#listener.onDead(this.#missed);
    }
    this.#plan();
  }

  /**
   * Whether it answers in time. Where it does not, the next ping gets a connection of its own: on this one, answers are told apart by
   * their order only, and every further one would be taken for that to the ping before it.
   */
  async #ask(): Promise<boolean> {
    const { timeoutMs } = this.#settings;
    try {
      if (this.#connection?.isOpen !== true) await this.#open(timeoutMs);
      if ((await this.#connection?.ping(timeoutMs)) !== undefined) return true;
    } catch {
      // It could not be opened.
    }
    await this.#connection?.close();
    return false;
  }

  async #open(timeoutMs: number): Promise<void> {
    const limit = new AbortController();
    const late = setTimeout(() => limit.abort(), timerMs(timeoutMs)).unref();
    try {
      this.#connection = await Connection.open(this.#worker.endpoint, limit.signal);
      this.#connection.unref();
      if (this.#isStopped) await this.#connection.close();
    } finally {
      clearTimeout(late);
    }
  }
}
