import type { ProcessIdentity } from '../../process-identity.js';

/** A host: what starts workers. Every `PythonWorker`, and every worker of `pythonWorkers()`, is one of its own. */
export interface WorkerHost {
  /** Its name, which no other host has. Letters, digits and hyphens. */
  readonly id: string;
  /** The process that it is in: what is no more when it could not clear up. */
  readonly process: ProcessIdentity;
}

/** A worker as its host has written it down, so that it can be found when the host is no more. */
export interface WorkerEntry {
  readonly id: string;
  /** What the variable LOCKSTEP_WORKER says in it and in all that it has started. */
  readonly marker: string;
  /** Its folder: ready file and socket. */
  readonly folder: string;
  /** Its folder for long values. */
  readonly sharedFolder: string;
  /** Its process, which leads its group; `null` until it has been started. */
  readonly pid: number | null;
  /** When that started, as in `ProcessIdentity`. */
  readonly started: string | null;
}

/** A host as a registry holds it. */
export interface RegisteredHost extends WorkerHost {
  readonly workers: readonly WorkerEntry[];
  /** The id of the host that ends what is left of it; `null` as long as none does. */
  readonly claimedBy: string | null;
}

/** What a function of a registry answers: at once, or later. */
export type RegistryAnswer<T> = T | Promise<T>;

/**
 * Where hosts write down which workers they have, so that what is left of a host that was killed is found and ended by the next
 * one. It only remembers: which hosts have ended, and what of their workers is to be killed, hosts find out by themselves. What it
 * is given and what it gives back is plain data that JSON can hold.
 *
 * A worker is written down before it is started, and again when its process is known. What a registry throws, or what takes it longer
 * than a worker may take to start, refuses the start (WORKER_REGISTRY_FAILED): what nobody could find must not run. For one host,
 * one thing is asked at a time, the next when the last has been answered; several hosts ask side by side. Who made a registry
 * closes what it has opened, after all workers that use it.
 */
export interface WorkerRegistry {
  /** Writes a host down, without workers, before it starts any. One that is written down already stays as it is. */
  register(host: WorkerHost): RegistryAnswer<void>;
  /** Writes a worker of a host down, in the place of what is there of the same id. Must have been kept safe when it answers. */
  keep(host: string, worker: WorkerEntry): RegistryAnswer<void>;
  /** Forgets a worker of a host, which has ended with all that it had started. One that is not there is forgotten already. */
  forget(host: string, worker: string): RegistryAnswer<void>;
  /** All hosts that are written down, with their workers: also those that live, on whatever machine they are. */
  hosts(): RegistryAnswer<readonly RegisteredHost[]>;
  /**
   * Lets a host end what is left of another one: changes `claimedBy`, in one step, if it still is what it was read to be. Of
   * several that ask at the same time, one is told yes.
   *
   * @param by the id of the host that claims it
   * @param was what `claimedBy` was: `null`, or a host that has ended itself
   * @returns whether it may
   */
  claim(host: string, by: string, was: string | null): RegistryAnswer<boolean>;
  /** Forgets a host with all its workers, if it is claimed by whom is named; `null`: by nobody. Called by itself when it has cleared up, or by the one that has ended what was left of it. */
  remove(host: string, claimedBy: string | null): RegistryAnswer<void>;
}

/** What a registry must be able to do. */
export const REGISTRY_FUNCTIONS = [
  'register',
  'keep',
  'forget',
  'hosts',
  'claim',
  'remove',
] as const satisfies readonly (keyof WorkerRegistry)[];
