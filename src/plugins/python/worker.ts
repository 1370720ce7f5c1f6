import { defaultMaxListeners, getMaxListeners, setMaxListeners } from 'node:events';
import type { Client } from '@grpc/grpc-js';
import { checkDuration, knownFields, refuse } from '../../base/option-checks.js';
import { type CallStream, OpeningStream } from './call-stream.js';
import { checkWorkerOptions } from './check-options.js';
import { PYTHON_DEFAULTS, type WorkerOptions } from './configuration.js';
import { detectHardware, type Hardware } from './environment/hardware.js';
import { HostTools } from './host-tools.js';
import type { CallRequest } from './wire/call-request.js';
import type { WorkerLoad } from './wire/conversation.js';
import type { ServingStatus } from './wire/health-client.js';
import { abandoned, type LiveCall } from './wire/live-call.js';
import { type WorkerEvents, type WorkerIncident, WorkerKeeper } from './worker-keeper.js';
import type { PythonWorkerState } from './worker-state.js';

/** How one call is made. */
export interface CallOptions {
  /** Gives the call up: the tool is asked to stop, the call is rejected with the reason at once, and what it still answers is delivered to nobody. */
  readonly signal?: AbortSignal;
  /** How long the answer may take, in milliseconds. Default: what the adapter says of the command, otherwise for ever. */
  readonly timeoutMs?: number;
  /** The span that the call belongs to, as W3C Trace Context writes it. */
  readonly traceparent?: string;
}

/** How a call is made of which items are taken. */
export interface StreamOptions extends CallOptions {
  /** What the tool is fed with. An item is taken only when the tool wants one. */
  readonly input?: AsyncIterable<unknown>;
}

/** One of several calls. */
export interface BatchCall {
  readonly command: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

/** Told of each item. The next one waits until what it answers has been settled. */
export type OnChunk = (chunk: unknown) => void | Promise<void>;

/** How a worker is. */
export interface WorkerHealth {
  readonly state: PythonWorkerState;
  /** What the standard health service says; UNKNOWN where it says nothing in time. */
  readonly status: ServingStatus;
  /** Whether Python answers: a tool that holds the interpreter's lock keeps it from that, and is not dead for it. */
  readonly responsive: boolean;
  /** What the worker says of itself; `null` where it does not answer. */
  readonly load: WorkerLoad | null;
  /** How many calls have not had their last frame. */
  readonly calls: number;
  /** How many answers to heartbeats have not come, in a row. */
  readonly missedHeartbeats: number;
}

/** What a worker is. */
export interface WorkerInfo {
  readonly sessionId: string;
  /** The how many-th process it is. */
  readonly incarnation: number;
  readonly pid: number;
  /** What was started. */
  readonly adapter: {
    readonly executable: string;
    readonly scriptPath: string;
    readonly scriptArgs: readonly string[];
  };
  /** What it has to compute with. */
  readonly hardware: Hardware;
  /** Its processes that ended although nobody had asked for it: the last twenty, oldest first. */
  readonly incidents: readonly WorkerIncident[];
  /** What the worker says of itself: python/BRIDGE.md, built-in command `info`. */
  readonly worker: Readonly<Record<string, unknown>>;
}

/**
 * A process that performs Python tools, for programs that need no workflow. It is kept there: a process that ends is replaced, and
 * calls wait for that; a call that was lost with it is rejected with WORKER_LOST, and not made again. While nothing is asked of it
 * it keeps this process from nothing, not even from ending; when this process ends, it ends too.
 */
export class PythonWorker implements AsyncDisposable {
  readonly #keeper: WorkerKeeper;
  readonly #tools: HostTools;

  /** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION, TLS_REQUIRED */
  constructor(options: WorkerOptions = {}) {
    this.#keeper = new WorkerKeeper(checkWorkerOptions(options));
    this.#tools = new HostTools(options.hostTools ?? PYTHON_DEFAULTS.hostTools);
  }

  /** Makes a worker and starts it. @throws as the constructor and `start()` */
  static async start(options: WorkerOptions = {}): Promise<PythonWorker> {
    const worker = new PythonWorker(options);
    try {
      await worker.start();
      return worker;
    } catch (error) {
      // Why it could not be started, and not what that has left behind.
      await worker.stop().catch(() => undefined);
      throw error;
    }
  }

  /** What it does. */
  get state(): PythonWorkerState {
    return this.#keeper.state;
  }

  /**
   * Starts it, and waits until it takes calls. Idempotent; where it failed, and after `stop()`, it is started again.
   *
   * @throws LockstepError WORKER_START_FAILED, PROTOCOL_MISMATCH, TOKEN_REFUSED; ConfigurationError PYTHON_NOT_FOUND, PYTHON_UNUSABLE,
   * FILE_UNWRITABLE; WORKER_REGISTRY_FAILED; the reason of the signal
   */
  start(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.#keeper.start(options.signal);
  }

  /**
   * Ends it: calls are rejected with WORKER_STOPPED. Idempotent.
   *
   * @param options with a signal, by which the process is killed at once
   * @throws LockstepError WORKER_REGISTRY_FAILED where the registry does not forget it, once it has ended
   */
  stop(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.#keeper.stop(options.signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Listens. @returns what takes the listener away */
  on<N extends keyof WorkerEvents>(name: N, listener: WorkerEvents[N]): () => void {
    return this.#keeper.on(name, listener);
  }

  /**
   * Calls a tool.
   *
   * @param command `module:function`, or one of the worker's own: `ping`, `echo`
   * @param args by name
   * @returns what the tool returns
   * @throws PythonError for what it raised; AttemptError for why it was not performed, CALL_TIMEOUT; LockstepError WORKER_LOST,
   * WORKER_NOT_READY, WORKER_STOPPED, VALUE_NOT_ENCODABLE; the reason of the signal
   */
  async execute(
    command: string,
    args: Readonly<Record<string, unknown>> = {},
    options: CallOptions = {},
  ): Promise<unknown> {
    knownFields(options, CALL_FIELDS, 'call');
    const call = await this.#call(this.#request(command, args, options), options.signal);
    return (await call.outcome).value;
  }

  /**
   * Makes several calls, which travel together and are performed side by side.
   *
   * @returns how each of them ended, in their order
   */
  executeBatch(
    calls: readonly BatchCall[],
    options: CallOptions = {},
  ): Promise<readonly PromiseSettledResult<unknown>[]> {
    return Promise.allSettled(calls.map(({ command, args }) => this.execute(command, args, options)));
  }

  /** Calls a tool that yields. What is returned gives its items, and then, as `result`, what it returns. */
  executeStream(command: string, args?: Readonly<Record<string, unknown>>, options?: StreamOptions): CallStream;
  /** Calls a tool that yields, has something called with each item, and answers with what the tool returns. */
  executeStream(
    command: string,
    args: Readonly<Record<string, unknown>> | undefined,
    onChunk: OnChunk,
    options?: StreamOptions,
  ): Promise<unknown>;
  executeStream(
    command: string,
    args: Readonly<Record<string, unknown>> = {},
    third: OnChunk | StreamOptions = {},
    fourth: StreamOptions = {},
  ): CallStream | Promise<unknown> {
    if (typeof third !== 'function') return this.#stream(command, args, third);
    return eachOf(() => this.#stream(command, args, fourth), third);
  }

  /** How it is. Does not wait for calls, nor for a worker that does not answer. Never rejected. */
  async getHealth(): Promise<WorkerHealth> {
    const { state, missedHeartbeats, settings, serving: worker } = this.#keeper;
    if (worker === undefined)
      return { state, status: 'NOT_SERVING', responsive: false, load: null, calls: 0, missedHeartbeats };
    const { healthTimeoutMs } = settings;
    const [status, load] = await this.#keeper.during(
      Promise.all([worker.health(healthTimeoutMs), worker.ask(healthTimeoutMs)]),
    );
    const { calls } = worker;
    return { state, status, responsive: load !== undefined, load: load ?? null, calls, missedHeartbeats };
  }

  /** What it is. @throws as `execute()` */
  async getInfo(options: CallOptions = {}): Promise<WorkerInfo> {
    knownFields(options, CALL_FIELDS, 'call');
    const call = await this.#call(this.#request('info', {}, options), options.signal);
    const [{ value }, hardware] = await Promise.all([call.outcome, detectHardware(process.env, options.signal)]);
    const { welcome, id, number } = this.#keeper.current;
    const { scriptPath, scriptArgs } = this.#keeper.adapter;
    return {
      sessionId: id,
      incarnation: number,
      pid: welcome.pid,
      adapter: { executable: welcome.executable, scriptPath, scriptArgs },
      hardware,
      incidents: this.#keeper.incidents,
      worker: value as Readonly<Record<string, unknown>>,
    };
  }

  /**
   * A client of `@grpc/grpc-js` for services of the worker beside its own. It ends with the process of the worker: ask anew.
   *
   * @throws LockstepError WORKER_NOT_READY, WORKER_STOPPED
   */
  getChannel(): Client {
    return this.#keeper.current.channel();
  }

  /**
   * The id of the process of the worker: what a tool has kept in it is there as long as this stays the same.
   *
   * @throws LockstepError WORKER_NOT_READY, WORKER_STOPPED
   */
  getSessionId(): string {
    return this.#keeper.current.id;
  }

  #request(command: string, args: Readonly<Record<string, unknown>>, options: StreamOptions): CallRequest {
    const { timeoutMs, traceparent, input } = options;
    checkDuration(timeoutMs, 'call.timeoutMs');
    if (typeof command !== 'string' || command === '') refuse('command', 'must be a text that is not empty', command);
    if (typeof args !== 'object' || args === null || Array.isArray(args))
      refuse('arguments', 'must be an object: they are given by name', args);
    return {
      command,
      args,
      at: 'arguments',
      timeoutMs: timeoutMs ?? this.#keeper.adapter.commandTimeout?.(command, args),
      items: undefined,
      input,
      traceparent: traceparent ?? null,
      attempt: null,
      onSaid: (said) => this.#keeper.tell('said', said),
      answer: (asked, signal) => this.#tools.answer(asked, undefined, signal),
    };
  }

  /** Makes a call that a signal gives up. */
  async #call(request: CallRequest, signal: AbortSignal | undefined): Promise<LiveCall> {
    signal?.throwIfAborted();
    if (signal !== undefined) shared(signal);
    const call = await this.#keeper.call(request, signal);
    if (signal !== undefined) giveUpWith(call, signal);
    return call;
  }

  #stream(command: string, args: Readonly<Record<string, unknown>>, options: StreamOptions): CallStream {
    knownFields(options, [...CALL_FIELDS, 'input'], 'call');
    const abort = new AbortController();
    const { signal } = options;
    const follow = (): void => abort.abort(signal?.reason);
    const forget = (): void => signal?.removeEventListener('abort', follow);
    if (signal !== undefined) shared(signal);
    if (signal?.aborted) follow();
    signal?.addEventListener('abort', follow);
    const request = { ...this.#request(command, args, options), items: 'queue' as const };
    const opened = this.#call(request, abort.signal);
    opened.then(({ outcome }) => outcome).then(forget, forget);
    return new OpeningStream(opened, () => abort.abort(abandoned(command)));
  }
}

const CALL_FIELDS = ['signal', 'timeoutMs', 'traceparent'] as const satisfies readonly (keyof CallOptions)[];

/** Any number of calls may share a signal. Node warns of what listens to one more than ten times, unless it is told how many may. */
const MOST_CALLS_OF_SIGNAL = 1_000_000;

/** Lets many calls listen to a signal, unless its owner has said how many may. */
function shared(signal: AbortSignal): void {
  if (getMaxListeners(signal) === defaultMaxListeners) setMaxListeners(MOST_CALLS_OF_SIGNAL, signal);
}

/** Gives a call up when a signal says so. */
function giveUpWith(call: LiveCall, signal: AbortSignal): void {
  const giveUp = (): void => call.giveUp('its caller cancelled it', signal.reason);
  const forget = (): void => signal.removeEventListener('abort', giveUp);
  if (signal.aborted) giveUp();
  else signal.addEventListener('abort', giveUp, { once: true });
  call.outcome.then(forget, forget);
}

/** Takes all items of a stream. @returns its result */
async function eachOf(open: () => CallStream, onChunk: OnChunk): Promise<unknown> {
  const stream = open();
  for await (const chunk of stream) await onChunk(chunk);
  return stream.result;
}
