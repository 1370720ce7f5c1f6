import { LockstepError } from '../../../base/errors.js';
import { isRecord } from '../../../base/record.js';
import { timerMs } from '../timer-ms.js';
import { NOTHING_BESIDE, type ValueGate } from '../values/value-gate.js';
import { type AskingCall, callAround } from './asked.js';
import { BatchWriter } from './batch-writer.js';
import { attemptList, type CallRequest } from './call-request.js';
import { CallTable } from './call-table.js';
import type { Connection, GrpcStream } from './connection.js';
import { FRAME_KINDS, type Frame } from './frame.js';
import { decodeBatch } from './frame-reader.js';
import { GRPC, type GrpcStatus } from './grpc-status.js';
import { STREAM_CREDIT } from './item-cost.js';
import { type CallOwner, LiveCall } from './live-call.js';
import type { References } from './references.js';
import { type Said, saidOf } from './said.js';
import { unreadable } from './unreadable.js';

/** The version of python/BRIDGE.md that is spoken here. */
export const PROTOCOL = 1;

const CONNECT = '/lockstep.worker.v1.Worker/Connect';

/** What a worker is at the moment, as it says itself. */
export interface WorkerLoad {
  /** Calls that run. */
  readonly running: number;
  /** Calls that wait until one of those has ended. */
  readonly waiting: number;
  /** Calls that run although nobody waits for them any more. */
  readonly held: number;
  readonly threads: number;
  /** Memory that its process holds. */
  readonly rssBytes: number;
}

/** What a conversation is held with. */
export interface ConversationParts {
  readonly connection: Connection;
  readonly gate: ValueGate;
  readonly references: References;
  /** Who is calling. */
  readonly host: { readonly name: string; readonly version: string };
  /** Told of what the worker says outside of calls. */
  readonly onSaid: (said: Said) => void;
  /** Told when somebody gave a call up that was sent: its place is not free yet. */
  readonly onGivenUp: (call: LiveCall) => void;
  /** Told when a call has ended. */
  readonly onEnded: () => void;
  /** Told when nothing more can be said or heard, and why. The calls that are left are to be lost with `lose`. */
  readonly onBroken: (error: LockstepError) => void;
}

/** Why a call ends without an answer. `isUnsent`: its worker has been told nothing of it. */
export type ErrorOfCall = (call: LiveCall, isUnsent: boolean) => unknown;

/** The one stream to a worker, and the calls on it. */
export class Conversation {
  readonly #parts: ConversationParts;
  readonly #stream: GrpcStream;
  readonly #writer: BatchWriter;
  readonly #calls = new CallTable<LiveCall>();
  readonly #owner: CallOwner;
  readonly #pings = new Map<number, (load: WorkerLoad) => void>();
  #welcomed: ((worker: Readonly<Record<string, unknown>>) => void) | undefined;
  #refused: ((error: unknown) => void) | undefined;
  /** The commands of tools that may be called again, as the worker has said. */
  readonly #idempotent = new Set<string>();
  #lastPing = 0;
  #broken: LockstepError | undefined;
  /** When something last came, as `performance.now()` says it. */
  heardAt = performance.now();

  constructor(parts: ConversationParts) {
    this.#parts = parts;
    this.#stream = parts.connection.stream(CONNECT, {
      message: (bytes) => this.#receive(bytes),
      drain: () => this.#writer.drained(),
      end: (status) => this.#ended(status),
    });
    this.#writer = new BatchWriter((...frames) => this.#stream.write(...frames));
    const { gate, references } = parts;
    this.#owner = {
      gate,
      send: (frame) => this.#writer.add(frame),
      // Where it is the only call, nothing else is said in this turn.
      reply: (frame) => this.#writer.add(frame, this.#calls.size === 1),
      steer: (frame) => this.#writer.addFirst(frame),
      withdraw: (call) => this.#withdraw(call),
      settled: () => references.release(),
      ended: (call) => {
        this.#calls.delete(call.id);
        parts.onEnded();
      },
    };
  }

  /** How many calls wait for their last frame. */
  get size(): number {
    return this.#calls.size;
  }

  /** How many calls there have been. */
  get begun(): number {
    return this.#calls.begun;
  }

  /**
   * Says who is calling, and waits for the answer: what the worker is.
   *
   * @throws LockstepError TOKEN_REFUSED, PROTOCOL_MISMATCH, FRAME_UNREADABLE, WORKER_LOST
   */
  greet(): Promise<Readonly<Record<string, unknown>>> {
    return new Promise((resolve, reject) => {
      this.#welcomed = resolve;
      this.#refused = reject;
      if (this.#broken !== undefined) reject(this.#broken);
      this.#writer.add(this.#own(FRAME_KINDS.HELLO, JSON.stringify([PROTOCOL, this.#parts.host])), true);
    });
  }

  /**
   * Has something performed.
   *
   * @throws AttemptError PAYLOAD_TOO_LARGE; LockstepError VALUE_NOT_ENCODABLE, and why it broke
   */
  call(request: CallRequest): LiveCall {
    if (this.#broken !== undefined) throw this.#broken;
    const { command, args, at, items, input, traceparent, attempt } = request;
    const leftMs = request.leftMs ?? request.timeoutMs;
    const values = this.#parts.gate.writer();
    const written = values.write(args, at);
    const described = attempt === null ? 'null' : values.write(attemptList(attempt), 'attempt');
    const left = leftMs === undefined ? 'null' : Math.max(0, Math.ceil(leftMs));
    const text = `[${JSON.stringify(command)},${written},${left},${items === undefined ? 'null' : STREAM_CREDIT},${input !== undefined},${JSON.stringify(traceparent)},${described}]`;
    const { segments, files } = values.beside();
    const isIdle = this.#calls.size === 0;
    const call = new LiveCall(this.#calls.nextId(), request, this.#owner);
    this.#calls.add(call.id, call);
    call.keep(files);
    this.#parts.references.hold();
    const around = this.#around();
    if (around !== undefined)
      this.#writer.add({ ...this.#own(FRAME_KINDS.WITHIN, `[${around.id}]`), call: call.id }, isIdle);
    this.#writer.add({ call: call.id, kind: FRAME_KINDS.CALL, text, segments }, isIdle);
    return call;
  }

  /** Asks how it is going, of the interpreter of the worker. @returns `undefined` where no answer comes in time */
  ask(timeoutMs: number): Promise<WorkerLoad | undefined> {
    if (this.#broken !== undefined) return Promise.resolve(undefined);
    const number = ++this.#lastPing;
    const answer = new Promise<WorkerLoad | undefined>((resolve) => {
      const timer = setTimeout(() => {
        this.#pings.delete(number);
        resolve(undefined);
      }, timerMs(timeoutMs));
      timer.unref();
      this.#pings.set(number, (load) => {
        clearTimeout(timer);
        resolve(load);
      });
    });
    this.#writer.addFirst(this.#own(FRAME_KINDS.PING, `[${number}]`));
    return answer;
  }

  /** How many calls somebody waits for. */
  get awaited(): number {
    return this.#calls.values.filter((call) => !call.isSettled).length;
  }

  /** Whether the worker has said that a tool may be called again where nobody knows if a call of it took effect. */
  isIdempotent(command: string): boolean {
    return this.#idempotent.has(command);
  }

  /** Waits for no call any more. */
  giveUpAll(reason: string, error: ErrorOfCall): void {
    for (const call of this.#calls.values) {
      if (this.#writer.withdraw(call.id)) call.lose(error(call, true), true);
      else call.giveUp(reason, error(call, false));
    }
  }

  /** The worker has ended: its calls are lost. */
  lose(error: ErrorOfCall): void {
    for (const call of this.#calls.values) {
      const isUnsent = this.#writer.withdraw(call.id);
      call.lose(error(call, isUnsent), isUnsent);
    }
  }

  /** The innermost call of this stream within which calls are made now. */
  #around(): AskingCall | undefined {
    for (let call = callAround(); call !== undefined; call = call.within)
      if (this.#calls.get(call.id) === call) return call;
    return undefined;
  }

  #own(kind: number, text: string): Frame {
    return { call: 0, kind, text, segments: NOTHING_BESIDE.segments };
  }

  #withdraw(call: LiveCall): boolean {
    if (this.#writer.withdraw(call.id)) return true;
    this.#parts.onGivenUp(call);
    return false;
  }

  #receive(bytes: Buffer): void {
    this.heardAt = performance.now();
    try {
      for (const frame of decodeBatch(bytes)) this.#dispatch(frame);
    } catch (error) {
      this.#break(
        error instanceof LockstepError
          ? error
          : unreadable('nothing that can be dealt with', undefined, { cause: error }),
      );
      this.#stream.cancel();
    }
  }

  #dispatch(frame: Frame): void {
    if (frame.call !== 0) {
      const call = this.#calls.get(frame.call);
      if (call === undefined) this.#parts.gate.discard(frame.segments);
      else call.take(frame);
      return;
    }
    switch (frame.kind) {
      case FRAME_KINDS.WELCOME:
        this.#welcome(this.#list(frame));
        return;
      case FRAME_KINDS.PONG: {
        const [number, load] = this.#list(frame);
        this.#pings.get(number as number)?.(load as WorkerLoad);
        this.#pings.delete(number as number);
        return;
      }
      case FRAME_KINDS.SAID: {
        const list = this.#list(frame);
        const [kind, command, isIdempotent] = list;
        if (kind === 'tool' && isIdempotent === true) this.#idempotent.add(command as string);
        const said = saidOf(list);
        if (said !== undefined) this.#parts.onSaid(said);
        return;
      }
      case FRAME_KINDS.FAILURE:
        throw unreadable('a refusal of what is about no call', this.#list(frame));
      default:
        return;
    }
  }

  #welcome([protocol, worker]: readonly unknown[]): void {
    if (protocol === PROTOCOL && isRecord(worker)) this.#welcomed?.(worker);
    else this.#refused?.(mismatch(`It speaks version ${String(protocol)}, and ${PROTOCOL} is spoken here.`));
  }

  #list(frame: Frame): readonly unknown[] {
    return this.#parts.gate.readList(frame.text, frame.segments);
  }

  #ended({ code, message }: GrpcStatus): void {
    this.#break(
      code === GRPC.UNAUTHENTICATED
        ? new LockstepError('TOKEN_REFUSED', `The worker refused the call: ${message}.`)
        : new LockstepError('WORKER_LOST', `The stream to the worker ended with status ${code}: ${message}.`),
    );
  }

  #break(error: LockstepError): void {
    if (this.#broken !== undefined) return;
    this.#broken = error;
    this.#refused?.(error);
    this.#parts.onBroken(error);
  }
}

/** The error about a worker that is not the one that was started. */
export function mismatch(what: string): LockstepError {
  return new LockstepError('PROTOCOL_MISMATCH', `The worker is not the one that was started. ${what}`);
}
