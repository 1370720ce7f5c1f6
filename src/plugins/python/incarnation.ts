import { randomBytes } from 'node:crypto';
import type { Client } from '@grpc/grpc-js';
import { type ErrorDetails, LockstepError } from '../../base/errors.js';
import { isRecord } from '../../base/record.js';
import type { WorkerEnd } from '../worker-meter.js';
import type { WorkerAdapter } from './adapter.js';
import type { WorkerSettings } from './configuration.js';
import type { OutputLine } from './process/output-lines.js';
import type { ProcessManager } from './process/process-manager.js';
import { exitText, type WorkerExit } from './process/worker-exit.js';
import type { WorkerProcess } from './process/worker-process.js';
import { writeSettings } from './settings-file.js';
import { timerMs } from './timer-ms.js';
import { SharedFiles } from './values/shared-files.js';
import { ValueGate } from './values/value-gate.js';
import type { CallRequest } from './wire/call-request.js';
import { openChannel } from './wire/channel.js';
import { Connection, type Endpoint } from './wire/connection.js';
import { Conversation, mismatch, PROTOCOL, type WorkerLoad } from './wire/conversation.js';
import { checkHealth, type ServingStatus } from './wire/health-client.js';
import type { LiveCall } from './wire/live-call.js';
import type { References } from './wire/references.js';
import type { Said } from './wire/said.js';

/** What an incarnation is made with. */
export interface IncarnationParts {
  /** The how many-th life of its worker it is. */
  readonly number: number;
  readonly manager: ProcessManager;
  readonly adapter: WorkerAdapter;
  readonly settings: WorkerSettings;
  readonly references: References;
  /** The version of this package. */
  readonly version: string;
  readonly onLine: (line: OutputLine) => void;
  readonly onSaid: (said: Said) => void;
  /** Told when it takes no calls any more, although nobody asked for that. */
  readonly onCondemned: (reason: LockstepError) => void;
  /** Told when a call has ended. */
  readonly onEnded: () => void;
}

/** What a worker says of itself when it is greeted. */
export interface Welcome {
  readonly id: string;
  readonly pid: number;
  /** The version of the worker. */
  readonly version: string;
  readonly language: string;
  readonly languageVersion: string;
  readonly executable: string;
  readonly packages: Readonly<Record<string, string>>;
}

/** What is beside values in a message of the worker, at most: the frames that travel with the last one. */
const ROOM_IN_MESSAGE = 2 ** 22;
/** How long a process whose stream has broken may take to end by itself: how it ended is then told. */
const BROKEN_GRACE_MS = 1_000;

/** One life of a worker: a process, the connection to it and the calls on that. It is never started again; another one is made. */
export class Incarnation {
  /** The id of this life: what happened in another one, this worker does not know. */
  readonly id: string;
  /** When it became ready, as `performance.now()` says it. */
  readonly readyAt = performance.now();
  /** What it had been asked for and had not answered when it ended, in that order. */
  readonly lostCommands: string[] = [];
  /** How its process ended; kept when all its calls have been told. */
  readonly ended: Promise<WorkerExit>;
  readonly #parts: IncarnationParts;
  readonly #process: WorkerProcess;
  readonly #endpoint: Endpoint;
  readonly #connection: Connection;
  readonly #conversation: Conversation;
  #welcome: Welcome | undefined;
  #channel: Client | undefined;
  /** Why it takes no calls; `undefined` while it does. */
  #refuses: LockstepError | undefined;
  /** Why it was ended, where nobody asked for that and its process did not end by itself. */
  #cause: LockstepError | undefined;
  /** Told when nobody waits for a call any more. */
  #drained: (() => void) | undefined;
  #isRetired = false;
  #stopped: Promise<WorkerExit> | undefined;

  private constructor(parts: IncarnationParts, { process, endpoint, connection, sharedFolder }: Made) {
    this.#parts = parts;
    this.#process = process;
    this.#endpoint = endpoint;
    this.#connection = connection;
    this.id = process.id;
    const { references, settings, version } = parts;
    const { maxValueBytes, sharedMemoryFromBytes: sharedFromBytes } = settings;
    this.#conversation = new Conversation({
      connection,
      gate: new ValueGate({ maxValueBytes, sharedFromBytes }, new SharedFiles(sharedFolder)),
      references,
      host: { name: 'lockstep', version },
      onSaid: parts.onSaid,
      onGivenUp: (call) => this.#givenUp(call),
      onEnded: () => this.#callEnded(),
      onBroken: (error) => this.#broken(error),
    });
    this.ended = this.#follow();
  }

  /**
   * Starts a worker and greets it.
   *
   * @throws LockstepError WORKER_START_FAILED, PROTOCOL_MISMATCH, TOKEN_REFUSED; what the adapter throws; the reason of the signal
   */
  static async start(parts: IncarnationParts, signal?: AbortSignal): Promise<Incarnation> {
    const { adapter, manager, settings } = parts;
    const token = randomBytes(32).toString('hex');
    const { executablePath, scriptPath, scriptArgs } = adapter;
    const program = typeof executablePath === 'string' ? executablePath : await executablePath();
    let sharedFolder = '';
    const process = await manager.start(
      {
        program,
        args: (place) => {
          sharedFolder = place.sharedFolder;
          return [scriptPath, ...scriptArgs, writeSettings(settings, place, token)];
        },
        onLine: parts.onLine,
      },
      signal,
    );
    try {
      const { tls, transport, maxValueBytes } = settings;
      const endpoint: Endpoint = {
        address: addressIn(process),
        token,
        tls: transport === 'unix' ? null : tls,
        longestMessage: 2 * maxValueBytes + ROOM_IN_MESSAGE,
      };
      const connection = await Connection.open(endpoint, signal);
      const incarnation = new Incarnation(parts, { process, endpoint, connection, sharedFolder });
      await incarnation.#greet(signal);
      return incarnation;
    } catch (error) {
      await process.kill();
      throw error;
    }
  }

  /** The how many-th life of its worker it is. */
  get number(): number {
    return this.#parts.number;
  }

  /** What it said of itself. */
  get welcome(): Welcome {
    return this.#welcome as Welcome;
  }

  get endpoint(): Endpoint {
    return this.#endpoint;
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  /** Whether it takes calls. */
  get isServing(): boolean {
    return this.#refuses === undefined;
  }

  /** Why it takes no calls; `undefined` while it does. */
  get loss(): LockstepError | undefined {
    return this.#cause ?? this.#refuses;
  }

  /** How many calls wait for their last frame. */
  get calls(): number {
    return this.#conversation.size;
  }

  /** How many calls it has had. */
  get callsBegun(): number {
    return this.#conversation.begun;
  }

  /** When something last came from it, as `performance.now()` says it. */
  get heardAt(): number {
    return this.#conversation.heardAt;
  }

  /** The last lines that it wrote. */
  get lastLines(): readonly OutputLine[] {
    return this.#process.lastLines;
  }

  /**
   * Has something performed.
   *
   * @throws AttemptError PAYLOAD_TOO_LARGE; LockstepError VALUE_NOT_ENCODABLE, and why it takes no calls
   */
  call(request: CallRequest): LiveCall {
    if (this.#refuses !== undefined) throw this.#refuses;
    return this.#conversation.call(request);
  }

  /** Asks the interpreter of the worker how it is going. @returns `undefined` where no answer comes in time */
  ask(timeoutMs: number): Promise<WorkerLoad | undefined> {
    return this.#conversation.ask(timeoutMs);
  }

  /** Asks the standard health service of gRPC. */
  health(timeoutMs: number): Promise<ServingStatus> {
    return checkHealth(this.#connection, timeoutMs);
  }

  /** A client of `@grpc/grpc-js` for other services of the worker; always the same one. It ends with the worker. */
  channel(): Client {
    this.#channel ??= openChannel(this.#endpoint);
    return this.#channel;
  }

  /**
   * Takes no further calls, and ends as soon as those that it has are over, or when `withinMs` is.
   *
   * @param reason what callers are told that come too late
   */
  async retire(reason: LockstepError, withinMs?: number): Promise<WorkerExit> {
    this.#refuses ??= reason;
    this.#isRetired = true;
    const late = withinMs === undefined ? undefined : setTimeout(() => this.#drained?.(), timerMs(withinMs)).unref();
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
      this.#lookDrained();
    });
    clearTimeout(late);
    return this.stop();
  }

  /**
   * Takes no further calls and is replaced: it does not live any more, or does not do what it is asked. One that takes none already
   * can only be killed.
   */
  condemn(reason: LockstepError, how: 'retire' | 'kill'): void {
    const isServing = this.isServing;
    if (!isServing && how === 'retire') return;
    this.#refuses ??= reason;
    this.#cause ??= reason;
    if (isServing) this.#parts.onCondemned(reason);
    const { gracefulShutdownTimeoutMs } = this.#parts.settings.processes;
    // Both settle when the process has ended, which `ended` tells.
    void (how === 'kill' ? this.#process.kill() : this.retire(reason, gracefulShutdownTimeoutMs));
  }

  /** Ends it: its calls are given up, and its process is asked to end, and killed where it takes too long. Idempotent. */
  stop(signal?: AbortSignal): Promise<WorkerExit> {
    this.#refuses ??= new LockstepError('WORKER_STOPPED', 'The worker has been stopped.');
    this.#stopped ??= this.#stop();
    const kill = (): void => void this.#process.kill();
    if (signal?.aborted) kill();
    signal?.addEventListener('abort', kill, { once: true });
    return this.#stopped.finally(() => signal?.removeEventListener('abort', kill));
  }

  async #stop(): Promise<WorkerExit> {
    const cause = this.#cause;
    this.#conversation.giveUpAll('the worker is stopped', (call, isUnsent) => {
      const { command } = call.request;
      if (cause !== undefined && !isUnsent) this.lostCommands.push(command);
      const what = `The worker was stopped before ${command} was answered.`;
      return cause === undefined
        ? new LockstepError('WORKER_STOPPED', what, { at: command })
        : this.#lossOf(call, isUnsent, what, { cause });
    });
    return this.#parts.references.during(this.#process.stop().then(() => this.ended));
  }

  /** How its end is counted. */
  endOf({ how }: WorkerExit): WorkerEnd {
    if (how === 'out of memory') return 'out_of_memory';
    if (how !== 'stopped') return how;
    if (this.#cause !== undefined) return 'condemned';
    return this.#isRetired ? 'recycled' : 'stopped';
  }

  /** Waits until it has said what it is. */
  async #greet(signal: AbortSignal | undefined): Promise<void> {
    const { startTimeoutMs } = this.#parts.settings.processes;
    let isLate = false;
    const giveUp = (): void => void this.#process.kill();
    const late = setTimeout(() => {
      isLate = true;
      giveUp();
    }, timerMs(startTimeoutMs));
    signal?.addEventListener('abort', giveUp);
    try {
      const worker = (await this.#conversation.greet()) as unknown as Welcome;
      if (worker.id !== this.id) throw mismatch(`It calls itself ${String(worker.id)}, and not ${this.id}.`);
      this.#welcome = worker;
    } catch (error) {
      signal?.throwIfAborted();
      if (!isLate) throw error;
      const what = `The worker did not answer within ${startTimeoutMs} ms when it was greeted.`;
      throw new LockstepError('WORKER_START_FAILED', what, { at: this.id, value: this.lastLines, cause: error });
    } finally {
      clearTimeout(late);
      signal?.removeEventListener('abort', giveUp);
    }
    const { references } = this.#parts;
    references.add(this.#process);
    references.add(this.#connection);
  }

  #givenUp(call: LiveCall): void {
    const { stopGraceMs } = this.#parts.settings;
    const look = (): void => {
      if (call.hasEnded) return;
      const { command } = call.request;
      const what = `${command} was cancelled and has not stopped for ${stopGraceMs} ms: its worker is replaced.`;
      this.condemn(new LockstepError('WORKER_LOST', what, { at: command }), 'retire');
    };
    setTimeout(look, timerMs(stopGraceMs)).unref();
  }

  #callEnded(): void {
    this.#lookDrained();
    this.#parts.onEnded();
  }

  /** Nothing more can be said or heard. The process has ended, or will: how is what callers are told. */
  #broken(error: LockstepError): void {
    this.#refuses ??= error;
    const isBad = error.code !== 'WORKER_LOST';
    if (isBad) this.#cause ??= error;
    const kill = setTimeout(() => void this.#process.kill(), isBad ? 0 : BROKEN_GRACE_MS);
    void this.#process.ended.then(() => clearTimeout(kill));
  }

  /** What a call fails with whose worker has ended. That of a node says whether making it again may do twice what it does. */
  #lossOf({ request }: LiveCall, isUnsent: boolean, what: string, details: ErrorDetails): LockstepError {
    const { command, attempt } = request;
    const isHarmless = isUnsent || attempt === null || this.#conversation.isIdempotent(command);
    return new LockstepError(isHarmless ? 'WORKER_LOST' : 'EFFECT_UNKNOWN', what, { at: command, ...details });
  }

  #lookDrained(): void {
    if (this.#drained !== undefined && this.#conversation.awaited === 0) this.#drained();
  }

  async #follow(): Promise<WorkerExit> {
    const exit = await this.#process.ended;
    this.#refuses ??= new LockstepError('WORKER_LOST', `The worker ${exitText(exit)}.`, { value: this.lastLines });
    this.#drained?.();
    this.#conversation.lose((call, isUnsent) => {
      if (!isUnsent) this.lostCommands.push(call.request.command);
      const value = { exit, lines: this.lastLines };
      const cause = this.#cause;
      const what = `The worker ${exitText(exit)} before ${call.request.command} was answered.`;
      return this.#lossOf(call, isUnsent, what, { value, ...(cause !== undefined && { cause }) });
    });
    this.#channel?.close();
    await this.#connection.close();
    for (const handle of [this.#process, this.#connection]) this.#parts.references.delete(handle);
    return exit;
  }
}

interface Made {
  readonly process: WorkerProcess;
  readonly endpoint: Endpoint;
  readonly connection: Connection;
  readonly sharedFolder: string;
}

/**
 * Where a worker that is ready serves.
 *
 * @throws LockstepError WORKER_START_FAILED where it says that it cannot, PROTOCOL_MISMATCH
 */
function addressIn({ id, state, lastLines }: WorkerProcess): string {
  const { protocol, address, error } = state.is === 'ready' ? state.message : {};
  if (isRecord(error))
    throw new LockstepError('WORKER_START_FAILED', `The worker cannot serve: ${String(error.message)}`, {
      at: id,
      value: lastLines,
      cause: error,
    });
  if (protocol !== PROTOCOL) throw mismatch(`It speaks version ${String(protocol)}, and ${PROTOCOL} is spoken here.`);
  if (typeof address !== 'string') throw mismatch('It does not say where it serves.');
  return address;
}
