import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRecord } from '../../../base/record.js';
import { type ProcessIdentity, thisProcess } from '../../process-identity.js';
import { inFolder } from '../data-folder.js';

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

/** What a host file holds. */
export interface HostRecord {
  readonly host: ProcessIdentity;
  readonly workers: readonly WorkerEntry[];
}

/** Where the hosts of a data folder have their files. */
export function hostsFolder(dataFolder: string): string {
  return join(dataFolder, 'python', 'hosts');
}

/** The file in which a process writes down which workers it has. There from `open` to `close`; what remains is swept by others. */
export class HostFile {
  /** Its name, which begins the markers of its workers. */
  readonly id = randomUUID();
  readonly #folder: string;
  readonly #host = thisProcess();
  readonly #workers = new Map<string, WorkerEntry>();

  constructor(dataFolder: string) {
    this.#folder = hostsFolder(dataFolder);
  }

  /** @throws ConfigurationError FILE_UNWRITABLE */
  open(): void {
    inFolder(this.#folder, () => this.#write());
  }

  /** Writes a worker down: before it is started, and again when its process is known. */
  keep(worker: WorkerEntry): void {
    this.#workers.set(worker.id, worker);
    this.#write();
  }

  /** Forgets a worker that has ended with all that it started. */
  forget(id: string): void {
    if (this.#workers.delete(id)) this.#write();
  }

  close(): void {
    rmSync(this.#path, { force: true });
  }

  get #path(): string {
    return join(this.#folder, `${this.id}.json`);
  }

  /** Whoever reads it sees the old one or the new one. */
  #write(): void {
    const record: HostRecord = { host: this.#host, workers: [...this.#workers.values()] };
    const beside = join(this.#folder, `${this.id}.new`);
    writeFileSync(beside, JSON.stringify(record), { mode: 0o600 });
    renameSync(beside, this.#path);
  }
}

/** Reads a host file; `undefined` where it is gone, or is none. */
export function readHostFile(path: string): HostRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isHostRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

function isHostRecord(record: unknown): record is HostRecord {
  if (!isRecord(record) || !isRecord(record.host) || !Array.isArray(record.workers)) return false;
  const { host, workers } = record;
  return (
    Number.isSafeInteger(host.pid) &&
    typeof host.machine === 'string' &&
    isStart(host.started) &&
    workers.every(
      (worker: unknown) =>
        isRecord(worker) &&
        [worker.id, worker.marker, worker.folder, worker.sharedFolder].every(
          (text) => typeof text === 'string' && text !== '',
        ) &&
        (worker.pid === null || (Number.isSafeInteger(worker.pid) && Number(worker.pid) > 1)) &&
        isStart(worker.started),
    )
  );
}

function isStart(started: unknown): boolean {
  return started === null || typeof started === 'string';
}
