import { randomUUID } from 'node:crypto';
import { accessSync, constants, mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { LockstepError } from '../../../base/errors.js';
import { checkProcessOptions } from '../check-options.js';
import type { WorkerProcessOptions, WorkerProcessSettings } from '../configuration.js';
import { HostFile } from './host-file.js';
import type { OutputLine } from './output-lines.js';
import { endMarked, removeWorkerFolder, type SweepReport, sweep, WORKER_FOLDER } from './sweep.js';
import { WorkerProcess } from './worker-process.js';
import { workerVariables } from './worker-variables.js';

/** What a worker is given a place for: its own folder, which nobody else can read, and its names. */
export interface WorkerPlace {
  readonly id: string;
  /** Its folder, 0700, in the folder for temporary files. Removed when it has ended. */
  readonly folder: string;
  /** A folder like it, in memory where the system has a place for that: for values that are too long for a stream. */
  readonly sharedFolder: string;
  /** Where it must write a JSON object when it is ready, as a whole: written beside and renamed. */
  readonly readyFile: string;
  /** What LOCKSTEP_WORKER says in it. */
  readonly marker: string;
}

/** Which program a worker is. */
export interface WorkerProgram {
  readonly program: string;
  readonly args: (place: WorkerPlace) => readonly string[];
  /** Told of every line that it writes to stdout or stderr. */
  readonly onLine?: (line: OutputLine) => void;
}

/**
 * The worker processes of this process. `open` ends first what is left of hosts that were killed; `close` stops every worker and
 * all that they started. Should this process be killed, the guard of each worker ends it, within seconds and without Python's help;
 * should that be killed too, the next host that opens on the same data folder does.
 */
export class ProcessManager implements AsyncDisposable {
  readonly #settings: WorkerProcessSettings;
  readonly #dataFolder: string;
  readonly #host: HostFile;
  readonly #workers = new Map<string, WorkerProcess>();
  /** Kept for each worker until it has been cleared away. */
  readonly #clearing = new Set<Promise<void>>();
  #opened: Promise<SweepReport> | undefined;
  #closed: Promise<void> | undefined;

  /** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
  constructor(options: WorkerProcessOptions = {}) {
    this.#settings = checkProcessOptions(options);
    this.#dataFolder = resolve(this.#settings.dataFolder);
    this.#host = new HostFile(this.#dataFolder);
  }

  /**
   * Writes down that this host is there, and ends what is left of hosts that are not. Idempotent; where it failed, it is tried again.
   *
   * @throws ConfigurationError FILE_UNWRITABLE
   */
  open(): Promise<SweepReport> {
    this.#opened ??= this.#open().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  /**
   * Starts a worker and waits until it is ready. What does not become ready is gone, with all that it started, when this is rejected.
   *
   * @throws LockstepError WORKER_START_FAILED, WORKER_STOPPED, FILE_UNWRITABLE; the reason of the signal
   */
  async start(worker: WorkerProgram, signal?: AbortSignal): Promise<WorkerProcess> {
    signal?.throwIfAborted();
    this.#refuseClosed();
    await this.open();
    this.#refuseClosed();
    const started = this.#spawn(worker);
    await started.ready(signal);
    return started;
  }

  /** The workers that have not ended. */
  get workers(): readonly WorkerProcess[] {
    return [...this.#workers.values()];
  }

  /** Stops every worker. Idempotent; none can be started afterwards. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #open(): Promise<SweepReport> {
    this.#host.open();
    return sweep(this.#dataFolder, this.#host.id);
  }

  async #close(): Promise<void> {
    // Whoever opened it has been told why that failed.
    await this.#opened?.catch(() => undefined);
    if (this.#opened === undefined) return;
    await Promise.all(this.workers.map((worker) => worker.stop()));
    await Promise.all(this.#clearing);
    this.#host.close();
  }

  #refuseClosed(): void {
    if (this.#closed !== undefined)
      throw new LockstepError('WORKER_STOPPED', 'The workers of this host have been stopped.');
  }

  /** Writes the worker down before it is started: whatever happens between, it can be found by its marker. */
  #spawn({ program, args, onLine = () => undefined }: WorkerProgram): WorkerProcess {
    const id = randomUUID();
    const folder = mkdtempSync(join(temporaryFolder(), WORKER_FOLDER));
    const sharedFolder = makeSharedFolder();
    const place = { id, folder, sharedFolder, readyFile: join(folder, 'ready.json'), marker: `${this.#host.id}/${id}` };
    const entry = { id, marker: place.marker, folder, sharedFolder, pid: null, started: null };
    this.#host.keep(entry);
    const { env, startTimeoutMs, gracefulShutdownTimeoutMs } = this.#settings;
    let worker: WorkerProcess;
    try {
      worker = new WorkerProcess({
        id,
        program,
        args: args(place),
        cwd: process.cwd(),
        env: workerVariables(process.env, env, place.marker),
        readyFile: place.readyFile,
        startTimeoutMs,
        gracefulShutdownTimeoutMs,
        onLine,
      });
    } catch (error) {
      // An argument or a variable that no program can be given.
      this.#host.forget(id);
      removeWorkerFolder(folder);
      removeWorkerFolder(sharedFolder);
      throw error;
    }
    this.#host.keep({ ...entry, pid: worker.pid, started: worker.started });
    this.#workers.set(id, worker);
    const cleared = this.#clear(worker, place).finally(() => this.#clearing.delete(cleared));
    this.#clearing.add(cleared);
    return worker;
  }

  async #clear(worker: WorkerProcess, { marker, folder, sharedFolder }: WorkerPlace): Promise<void> {
    await worker.ended;
    this.#workers.delete(worker.id);
    // What it started may have left its group.
    await endMarked(marker);
    for (const each of [folder, sharedFolder]) removeWorkerFolder(each);
    this.#host.forget(worker.id);
  }
}

/** How long the path of a folder for temporary files may be, so that a socket below it has one of at most 104 bytes: macOS has no longer ones. */
const LONGEST_FOLDER = 72;

/** The folder for temporary files; where its path is too long for sockets, the one that every system has. */
function temporaryFolder(): string {
  const folder = realpathSync(tmpdir());
  return Buffer.byteLength(folder) <= LONGEST_FOLDER ? folder : realpathSync('/tmp');
}

/** A folder in memory, or, where there is no room for one, among the temporary files. */
function makeSharedFolder(): string {
  try {
    return mkdtempSync(join(memoryFolder(), WORKER_FOLDER));
  } catch {
    return mkdtempSync(join(temporaryFolder(), WORKER_FOLDER));
  }
}

/** The folder of files that are memory, where the system has one (Linux) that can be written. */
function memoryFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    return temporaryFolder();
  }
}
