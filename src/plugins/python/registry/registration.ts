import { randomUUID } from 'node:crypto';
import { LockstepError } from '../../../base/errors.js';
import { thisProcess } from '../../process-identity.js';
import { timerMs } from '../timer-ms.js';
import { isRegisteredHost } from './registered-host.js';
import type { RegisteredHost, RegistryAnswer, WorkerEntry, WorkerHost, WorkerRegistry } from './worker-registry.js';

/**
 * A host in a registry, from `register` to `remove`. Asks one thing at a time, whatever the registry is made of, and waits no longer
 * than it may. What goes wrong is WORKER_REGISTRY_FAILED, or what the registry itself throws of ours.
 */
export class Registration {
  /** The id of the host, which begins the markers of its workers. */
  readonly id = randomUUID();
  readonly #registry: WorkerRegistry;
  readonly #limitMs: number;
  /** Kept when the last thing that was asked has been answered. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param limitMs how long each answer may take */
  constructor(registry: WorkerRegistry, limitMs: number) {
    this.#registry = registry;
    this.#limitMs = limitMs;
  }

  register(): Promise<void> {
    const host: WorkerHost = { id: this.id, process: thisProcess() };
    return this.#ask('write down this host', () => this.#registry.register(host));
  }

  keep(worker: WorkerEntry): Promise<void> {
    return this.#ask(`write down the worker ${worker.id}`, () => this.#registry.keep(this.id, worker));
  }

  forget(worker: string): Promise<void> {
    return this.#ask(`forget the worker ${worker}`, () => this.#registry.forget(this.id, worker));
  }

  async hosts(): Promise<readonly RegisteredHost[]> {
    const hosts: unknown = await this.#ask('say which hosts there are', () => this.#registry.hosts());
    if (!Array.isArray(hosts)) throw failed('did not answer with a list when it was asked for hosts', hosts);
    const strange = hosts.findIndex((host) => !isRegisteredHost(host));
    if (strange >= 0) throw failed(`gave back a host, number ${strange + 1}, that is none`, hosts[strange]);
    return hosts as readonly RegisteredHost[];
  }

  claim(host: RegisteredHost): Promise<boolean> {
    const { id, claimedBy } = host;
    return this.#ask(`let this host claim the host ${id}`, () => this.#registry.claim(id, this.id, claimedBy));
  }

  /** Forgets a host that was claimed. */
  removeClaimed(host: string): Promise<void> {
    return this.#ask(`forget the host ${host}`, () => this.#registry.remove(host, this.id));
  }

  /** Forgets this host. */
  remove(): Promise<void> {
    return this.#ask('forget this host', () => this.#registry.remove(this.id, null));
  }

  #ask<T>(what: string, ask: () => RegistryAnswer<T>): Promise<T> {
    const answer = this.#last.then(() => this.#inTime(what, ask));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /** @throws LockstepError WORKER_REGISTRY_FAILED; what the registry throws of ours */
  async #inTime<T>(what: string, ask: () => RegistryAnswer<T>): Promise<T> {
    let late: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      const giveUp = (): void => reject(failed(`did not ${what} within ${this.#limitMs} ms`));
      late = setTimeout(giveUp, timerMs(this.#limitMs));
    });
    try {
      return await Promise.race([(async () => ask())(), limit]);
    } catch (error) {
      if (error instanceof LockstepError) throw error;
      throw failed(`could not ${what}: ${error instanceof Error ? error.message : String(error)}`, undefined, error);
    } finally {
      clearTimeout(late);
    }
  }
}

function failed(how: string, value?: unknown, cause?: unknown): LockstepError {
  return new LockstepError('WORKER_REGISTRY_FAILED', `The registry of workers ${how}.`, {
    ...(value !== undefined && { value }),
    ...(cause !== undefined && { cause }),
  });
}
