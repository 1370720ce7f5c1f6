import { randomUUID } from 'node:crypto';
import { accessSync, constants, mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LockstepError } from '../../../base/errors.js';
import type { WorkerProcessSettings } from '../configuration.js';
import { fileRegistry } from '../registry/file-registry.js';
import { Registration } from '../registry/registration.js';
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
 * should that be killed too, the next host that opens with the same registry does.
 */
export class ProcessManager implements AsyncDisposable {
  readonly #settings: WorkerProcessSettings;
  readonly #host: Registration;
  readonly #workers = new Map<string, WorkerProcess>();
  /** Kept for each worker that is being written down and started. */
  readonly #starting = new Set<Promise<unknown>>();
  /** Kept for each worker until it has been cleared away. */
  readonly #clearing = new Set<Promise<void>>();
  #opened: Promise<SweepReport> | undefined;
  #closed: Promise<void> | undefined;

  constructor(settings: WorkerProcessSettings) {
    this.#settings = settings;
    const { registry, dataFolder, startTimeoutMs } = settings;
    this.#host = new Registration(registry ?? fileRegistry(dataFolder), startTimeoutMs);
  }

  /**
   * Writes down that this host is there, and ends what is left of hosts that are not. Idempotent; where it failed, it is tried again.
   *
   * @throws ConfigurationError FILE_UNWRITABLE; LockstepError WORKER_REGISTRY_FAILED
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
   * @throws LockstepError WORKER_START_FAILED, WORKER_STOPPED, FILE_UNWRITABLE, WORKER_REGISTRY_FAILED; the reason of the signal
   */
  async start(worker: WorkerProgram, signal?: AbortSignal): Promise<WorkerProcess> {
    signal?.throwIfAborted();
    this.#refuseClosed();
    await this.open();
    this.#refuseClosed();
    const starting = this.#spawn(worker, signal).finally(() => this.#starting.delete(starting));
    this.#starting.add(starting);
    const started = await starting;
    await started.ready(signal);
    return started;
  }

  /** The workers that have not ended. */
  get workers(): readonly WorkerProcess[] {
    return [...this.#workers.values()];
  }

  /**
   * Stops every worker. Idempotent; none can be started afterwards.
   *
   * @throws LockstepError WORKER_REGISTRY_FAILED where this host cannot be forgotten, once all workers have ended
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #open(): Promise<SweepReport> {
    try {
      await this.#host.register();
      return await sweep(this.#host);
    } catch (error) {
      // What cannot be forgotten either is swept when this process has ended.
      await this.#host.remove().catch(() => undefined);
      throw error;
    }
  }

  async #close(): Promise<void> {
    // Whoever opened it has been told why that failed.
    await this.#opened?.catch(() => undefined);
    if (this.#opened === undefined) return;
    await Promise.all(this.workers.map((worker) => worker.stop()));
    // What is still being written down is not started any more. Whoever asked for it is told.
    await Promise.allSettled(this.#starting);
    await Promise.all(this.#clearing);
    await this.#host.remove();
  }

  #refuseClosed(): void {
    if (this.#closed !== undefined)
      throw new LockstepError('WORKER_STOPPED', 'The workers of this host have been stopped.');
  }

  /**
   * Writes the worker down before it is started: whatever happens between, it can be found by its marker. One that cannot be written
   * down, or not with its process, is none.
   */
  async #spawn(
    { program, args, onLine = () => undefined }: WorkerProgram,
    signal?: AbortSignal,
  ): Promise<WorkerProcess> {
    const id = randomUUID();
    const folder = mkdtempSync(join(temporaryFolder(), WORKER_FOLDER));
    const sharedFolder = makeSharedFolder();
    const place = { id, folder, sharedFolder, readyFile: join(folder, 'ready.json'), marker: `${this.#host.id}/${id}` };
    const entry = { id, marker: place.marker, folder, sharedFolder, pid: null, started: null };
    const { env, startTimeoutMs, gracefulShutdownTimeoutMs } = this.#settings;
    let worker: WorkerProcess;
    try {
      await this.#host.keep(entry);
      signal?.throwIfAborted();
      this.#refuseClosed();
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
      // It was not written down, or is not wanted any more, or an argument or a variable is what no program can be given.
      await this.#forget(place);
      throw error;
    }
    const { pid, started } = worker;
    this.#workers.set(id, worker);
    const cleared = this.#clear(worker, place).finally(() => this.#clearing.delete(cleared));
    this.#clearing.add(cleared);
    try {
      await this.#host.keep({ ...entry, pid, started });
    } catch (error) {
      await worker.kill();
      await cleared;
      throw error;
    }
    return worker;
  }

  async #clear(worker: WorkerProcess, place: WorkerPlace): Promise<void> {
    await worker.ended;
    this.#workers.delete(worker.id);
    // What it started may have left its group.
    await endMarked(place.marker);
    await this.#forget(place);
  }

  /** Clears away what was kept for a worker that has ended, or was never started. */
  async #forget({ id, folder, sharedFolder }: WorkerPlace): Promise<void> {
    for (const each of [folder, sharedFolder]) removeWorkerFolder(each);
    // An entry that stays stands for nothing that lives, and goes with this host.
    await this.#host.forget(id).catch(() => undefined);
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
