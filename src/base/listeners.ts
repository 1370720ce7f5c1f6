import { EventEmitter } from 'eventemitter3';
import { didYouMean } from './did-you-mean.js';
import { ConfigurationError, errorData } from './errors.js';
import type { RuntimeNotifications } from './notifications.js';
import type { Log } from './ports.js';

type Name = keyof RuntimeNotifications;

const NAMES: readonly Name[] = ['event', 'progress', 'data', 'warning', 'started', 'ended', 'attempt', 'breaker'];

/** Those who listen to a runtime. What they throw is logged and touches nothing. */
export class Listeners {
  readonly #emitter = new EventEmitter<RuntimeNotifications>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Adds a listener. Returns the function that takes it away. @throws ConfigurationError UNKNOWN_OPTION, INVALID_OPTION */
  add<N extends Name>(name: N, listener: RuntimeNotifications[N]): () => void {
    if (!NAMES.includes(name)) {
      const what = `A runtime tells nothing of the name "${String(name)}". ${didYouMean(String(name), NAMES)}`;
      throw new ConfigurationError('UNKNOWN_OPTION', what, { at: 'on', value: name });
    }
    if (typeof listener !== 'function') {
      throw new ConfigurationError('INVALID_OPTION', `The listener of "${name}" is not a function.`, {
        at: name,
        value: listener,
      });
    }
    this.#emitter.on(name, listener as never);
    return () => this.#emitter.off(name, listener as never);
  }

  /** Whether anybody listens. */
  has(name: Name): boolean {
    return this.#emitter.listenerCount(name) > 0;
  }

  /** Tells everybody who listens. */
  tell<N extends Name>(name: N, payload: Parameters<RuntimeNotifications[N]>[0]): void {
    for (const listener of this.#emitter.listeners(name)) {
      this.shielded(`listener of "${name}"`, () => (listener as (payload: unknown) => void)(payload));
    }
  }

  /** Calls foreign code that must not touch the run. */
  shielded(what: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      const { name, code, message } = errorData(error);
      this.#log.log('error', `The ${what} threw; the run goes on.`, { error: { name, code, message } });
    }
  }

  /** Forgets everybody. */
  clear(): void {
    this.#emitter.removeAllListeners();
  }
}
