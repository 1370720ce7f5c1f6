import type { Clock } from '../base/ports.js';
import { onAbort } from './drive.js';

/** What a promise brought: boxed, because it may have brought `undefined`. */
export interface Brought<T> {
  readonly value: T;
}

/** What a run waits for before its first node: as long as neither its signal is aborted nor its time is up. */
export class Waiting {
  /** The call of the run, from which its time limit counts. Epoch milliseconds. */
  readonly since: number;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly #timeoutMs: number | null;

  constructor(clock: Clock, signal: AbortSignal | undefined, timeoutMs: number | null) {
    this.since = clock.now();
    this.#clock = clock;
    this.#signal = signal;
    this.#timeoutMs = timeoutMs;
  }

  /** What a promise brings, or its rejection; `undefined` where the run must end before. What comes later is ignored. */
  for<T>(promise: Promise<T>): Promise<Brought<T> | undefined> {
    return new Promise((resolve, reject) => {
      const cleanups: (() => void)[] = [];
      const end = (): void => {
        for (const cleanup of cleanups) cleanup();
      };
      const giveUp = (): void => {
        end();
        resolve(undefined);
      };
      promise.then(
        (value) => {
          end();
          resolve({ value });
        },
        (error: unknown) => {
          end();
          reject(error);
        },
      );
      const signal = this.#signal;
      if (signal?.aborted === true) return giveUp();
      if (signal !== undefined) cleanups.push(onAbort(signal, giveUp));
      if (this.#timeoutMs !== null) cleanups.push(this.#atTime(this.since + this.#timeoutMs, giveUp));
    });
  }

  /** Calls back at a time and not before: a timer may be early. */
  #atTime(time: number, callback: () => void): () => void {
    let cancel = (): void => undefined;
    const arm = (): void => {
      const left = time - this.#clock.now();
      if (left > 0) cancel = this.#clock.setTimer(left, arm);
      else callback();
    };
    arm();
    return () => cancel();
  }
}
