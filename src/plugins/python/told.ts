import type { Log, LogLevel, ServiceListener } from '../../base/ports.js';
import type { WorkerChange, WorkerMeter } from '../worker-meter.js';
import type { PoolListener } from './worker-pool.js';

/** What the thread of a LocalRuntime's workers tells beside the answers to calls. */
export type Told =
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'changed'; readonly change: WorkerChange };

/** Takes what workers tell, or the thread that keeps them, to the log and the meter of their runtime. */
export class WorkerNews implements PoolListener, ServiceListener {
  readonly #workers: string;
  readonly #log: () => Log;
  readonly #meter: () => WorkerMeter | undefined;
  /** The processes that started and have not ended. */
  #active = 0;

  constructor(workers: string, log: () => Log, meter: () => WorkerMeter | undefined) {
    this.#workers = workers;
    this.#log = log;
    this.#meter = meter;
  }

  get log(): Log {
    return this.#log();
  }

  changed(change: WorkerChange): void {
    if (change.kind === 'started') this.#active++;
    if (change.kind === 'ended') this.#active--;
    this.#meter()?.changed(this.#workers, change);
  }

  /** Takes what a thread tells: `Told`. */
  hear(given: unknown): void {
    const told = given as Told;
    if (told.kind === 'log') this.log.log(told.level, told.message, told.fields);
    else this.changed(told.change);
  }

  /** A thread that was lost has said nothing of its workers, which end with it. */
  end(): void {
    this.#meter()?.forget(this.#workers, this.#active);
    this.#active = 0;
  }
}
