import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isRecord } from '../../../base/record.js';
import type { ProcessIdentity } from '../../process-identity.js';
import { inFolder } from '../data-folder.js';
import { areEntries, isProcess } from './registered-host.js';
import type { RegisteredHost, WorkerEntry, WorkerHost, WorkerRegistry } from './worker-registry.js';

/** What a host file holds. */
export interface HostRecord {
  readonly host: ProcessIdentity;
  readonly workers: readonly WorkerEntry[];
}

/** Where the hosts of a data folder have their files. */
export function hostsFolder(dataFolder: string): string {
  return join(dataFolder, 'python', 'hosts');
}

/** `HOST.json`, or, where another host ends what is left of it, `HOST.json.claimed-by-OTHER`. */
const NAME = /^([\w-]+)\.json(?:\.claimed-by-([\w-]+))?$/;

/**
 * The registry that is used where none is injected: a file for each host, `python/hosts/HOST.json` below a folder. A file is
 * written beside and renamed, so that whoever reads it sees the old one or the new one; a claim is a new name, which only one of
 * several can give it.
 *
 * @param dataFolder all hosts of one machine that have the same folder find what is left of each other
 */
export function fileRegistry(dataFolder: string): WorkerRegistry {
  return new FileRegistry(resolve(dataFolder));
}

class FileRegistry implements WorkerRegistry {
  readonly #folder: string;
  /** Those that were written down here: what they have is known, whatever has become of their files. */
  readonly #own = new Map<string, { readonly process: ProcessIdentity; readonly workers: Map<string, WorkerEntry> }>();

  constructor(dataFolder: string) {
    this.#folder = hostsFolder(dataFolder);
  }

  /** @throws ConfigurationError FILE_UNWRITABLE */
  register({ id, process }: WorkerHost): void {
    if (!this.#own.has(id)) this.#own.set(id, { process, workers: new Map() });
    inFolder(this.#folder, () => this.#write(id));
  }

  keep(host: string, worker: WorkerEntry): void {
    this.#own.get(host)?.workers.set(worker.id, worker);
    this.#write(host);
  }

  forget(host: string, worker: string): void {
    if (this.#own.get(host)?.workers.delete(worker)) this.#write(host);
  }

  hosts(): readonly RegisteredHost[] {
    return this.#names().flatMap((name) => {
      const [, id, claimedBy = null] = NAME.exec(name) ?? [];
      const record = id === undefined ? undefined : readHostFile(join(this.#folder, name));
      return id === undefined || record === undefined
        ? []
        : [{ id, process: record.host, workers: record.workers, claimedBy }];
    });
  }

  #names(): readonly string[] {
    return existsSync(this.#folder) ? readdirSync(this.#folder) : [];
  }

  claim(host: string, by: string, was: string | null): boolean {
    try {
      renameSync(this.#path(host, was), this.#path(host, by));
      return true;
    } catch (error) {
      // Another one was faster.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }

  remove(host: string, claimedBy: string | null): void {
    if (claimedBy === null) this.#own.delete(host);
    rmSync(this.#path(host, claimedBy), { force: true });
  }

  #path(host: string, claimedBy: string | null): string {
    return join(this.#folder, `${host}.json${claimedBy === null ? '' : `.claimed-by-${claimedBy}`}`);
  }

  #write(host: string): void {
    const own = this.#own.get(host);
    if (own === undefined) throw new Error(`The host ${host} has not been registered here.`);
    const record: HostRecord = { host: own.process, workers: [...own.workers.values()] };
    const beside = join(this.#folder, `${host}.new`);
    writeFileSync(beside, JSON.stringify(record), { mode: 0o600 });
    renameSync(beside, this.#path(host, null));
  }
}

/** Reads a host file; `undefined` where it is gone, or is none. */
export function readHostFile(path: string): HostRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isRecord(record) && isProcess(record.host) && areEntries(record.workers)
      ? (record as unknown as HostRecord)
      : undefined;
  } catch {
    return undefined;
  }
}
