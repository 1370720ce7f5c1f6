import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { LockstepError } from '../../../base/errors.js';
import { startOf } from '../../process-identity.js';
import { timerMs } from '../timer-ms.js';
import { guarded, LIFELINE, signalGroup } from './guard.js';
import { type OutputLine, OutputTail, readLines } from './output-lines.js';
import { type ReadyMessage, waitForReadyFile } from './ready-file.js';
import { classifyExit, countMemoryKills, type ExitFacts, exitText, type WorkerExit } from './worker-exit.js';

/** What a worker process is started with. */
export interface WorkerLaunch {
  readonly id: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Where it writes that it is ready. */
  readonly readyFile: string;
  readonly startTimeoutMs: number;
  readonly gracefulShutdownTimeoutMs: number;
  /** Told of every line that it writes. */
  readonly onLine: (line: OutputLine) => void;
}

/** What a worker process does. `ended` is told when its group has ended and its output has been read. */
export type WorkerState =
  | { readonly is: 'starting' }
  | { readonly is: 'ready'; readonly message: ReadyMessage }
  | { readonly is: 'stopping' }
  | { readonly is: 'ended'; readonly exit: WorkerExit };

/** How long the output of a process that has ended may stay open: one that it started may have left the group, and hold it. */
const OUTPUT_GRACE_MS = 1_000;

/**
 * A worker process, from its start to its end. It leads a process group, which ends with it: what it leaves behind is killed. If
 * this process ends first, the guard ends the group.
 */
export class WorkerProcess {
  readonly id: string;
  /** How it ended; kept once all that was in its group has ended too. */
  readonly ended: Promise<WorkerExit>;
  readonly #launch: WorkerLaunch;
  readonly #child: ChildProcess;
  readonly #tail = new OutputTail();
  readonly #killsBefore = countMemoryKills();
  /** Aborted when it is no use to wait any longer until it is ready. */
  readonly #notReady = new AbortController();
  #state: WorkerState = { is: 'starting' };
  #asked: ExitFacts['asked'] = 'not';
  #stopped: Promise<WorkerExit> | undefined;

  /** Starts the process. What cannot be started has ended at once. */
  constructor(launch: WorkerLaunch) {
    this.#launch = launch;
    this.id = launch.id;
    const { file, args } = guarded(launch.program, launch.args);
    this.#child = spawn(file, args, {
      cwd: launch.cwd,
      env: launch.env,
      detached: true,
      // The first is a lifeline as well, to the worker itself: it reads an end of file when this process ends.
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    // A worker that ends while nothing is written to it breaks these pipes; how it ended is told elsewhere.
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stdio[LIFELINE]?.on('error', () => undefined);
    this.ended = this.#follow();
  }

  /** Its process, which leads its group; `null` where it could not be started. */
  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** When that started, as in `ProcessIdentity`. To be asked before it can have ended. */
  get started(): string | null {
    return this.pid === null ? null : startOf(this.pid);
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** The last lines that it wrote. */
  get lastLines(): readonly OutputLine[] {
    return this.#tail.lines;
  }

  /**
   * Waits until it is ready. One that is not, is killed.
   *
   * @returns what it wrote into its ready file
   * @throws LockstepError WORKER_START_FAILED, with the last lines that it wrote as its value; the reason of the signal
   */
  async ready(signal?: AbortSignal): Promise<ReadyMessage> {
    const { startTimeoutMs, readyFile } = this.#launch;
    const giveUp = (): void => this.#notReady.abort(signal?.reason);
    const late = (): void => this.#notReady.abort(this.#failure(`was not ready within ${startTimeoutMs} ms`));
    const timer = setTimeout(late, timerMs(startTimeoutMs));
    signal?.addEventListener('abort', giveUp);
    if (signal?.aborted) giveUp();
    try {
      const message = await waitForReadyFile(readyFile, this.#notReady.signal);
      // It may have ended right after.
      this.#notReady.signal.throwIfAborted();
      this.#state = { is: 'ready', message };
      return message;
    } catch (error) {
      await this.kill();
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
    }
  }

  /** Lets it keep this process alive, as it does from the start. */
  ref(): void {
    this.#child.ref();
    for (const stream of this.#child.stdio) (stream as Socket | null)?.ref();
  }

  /** Lets it not: what happens to it is then told only while something else keeps this process alive. */
  unref(): void {
    this.#child.unref();
    for (const stream of this.#child.stdio) (stream as Socket | null)?.unref();
  }

  /** Asks it to end, and all in its group; kills them if it takes too long. Idempotent. */
  stop(): Promise<WorkerExit> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Kills it, and all in its group. */
  async kill(): Promise<WorkerExit> {
    if (this.#isGoing()) {
      this.#asked = 'forced';
      this.#signal('SIGKILL');
    }
    return this.ended;
  }

  async #stop(): Promise<WorkerExit> {
    if (!this.#isGoing()) return this.ended;
    this.#state = { is: 'stopping' };
    this.#asked = 'to stop';
    this.#notReady.abort(this.#failure('was stopped before it was ready'));
    this.#signal('SIGTERM');
    const force = setTimeout(() => void this.kill(), timerMs(this.#launch.gracefulShutdownTimeoutMs));
    try {
      return await this.ended;
    } finally {
      clearTimeout(force);
    }
  }

  /** Until its exit has been seen, its number belongs to it. */
  #isGoing(): boolean {
    return this.pid !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.pid !== null) signalGroup(this.pid, signal);
  }

  /** Reads its output and waits for its end. */
  async #follow(): Promise<WorkerExit> {
    const { stdout, stderr } = this.#child;
    for (const [source, stream] of [
      [stdout, 'stdout'],
      [stderr, 'stderr'],
    ] as const)
      if (source !== null)
        readLines(source, stream, (line) => {
          this.#tail.add(line);
          this.#launch.onLine(line);
        });
    const { code, signal, error } = await this.#exit();
    const exit = classifyExit({
      code,
      signal,
      asked: this.#asked,
      memoryKills: [this.#killsBefore, signal === 'SIGKILL' ? countMemoryKills() : undefined],
    });
    const what =
      error === undefined ? `${exitText(exit)} before it was ready` : `could not be started: ${error.message}`;
    this.#notReady.abort(this.#failure(what, error));
    this.#state = { is: 'ended', exit };
    return exit;
  }

  /** Waits until the process has ended and its output has been read. */
  #exit(): Promise<{ code: number | null; signal: NodeJS.Signals | null; error?: Error }> {
    const child = this.#child;
    return new Promise((resolve) => {
      let late: NodeJS.Timeout | undefined;
      child.on('error', (error) => {
        if (child.pid === undefined) resolve({ code: null, signal: null, error });
      });
      child.on('exit', () => {
        // The watcher of the guard keeps the number of the group from being given to another one, until this ends it too.
        this.#signal('SIGKILL');
        late = setTimeout(() => {
          for (const stream of child.stdio) (stream as Readable | null)?.destroy();
        }, OUTPUT_GRACE_MS);
      });
      child.on('close', (code, signal) => {
        clearTimeout(late);
        if (child.pid !== undefined) resolve({ code, signal });
      });
    });
  }

  #failure(what: string, cause?: Error): LockstepError {
    const lines = this.lastLines;
    const last = lines.findLast(({ stream, text }) => stream === 'stderr' && text.trim() !== '') ?? lines.at(-1);
    const said = last === undefined ? '' : ` Its last line: ${last.text.trim().slice(0, 300)}`;
    return new LockstepError('WORKER_START_FAILED', `${this.#launch.program} ${what}.${said}`, {
      at: this.id,
      value: lines,
      ...(cause !== undefined && { cause }),
    });
  }
}
