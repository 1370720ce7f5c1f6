import { readFileSync } from 'node:fs';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionOptions,
  connect as connectHttp2,
  constants,
  type SecureClientSessionOptions,
} from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { timerMs } from '../timer-ms.js';
import { MessageReader, prefixed } from './grpc-messages.js';
import { GRPC, type GrpcStatus, statusIn, statusOfHttp } from './grpc-status.js';

/** Where a worker serves, and what it must be shown. */
export interface Endpoint {
  /** `unix:<path>` or `<host>:<port>`. */
  readonly address: string;
  readonly token: string;
  /** Paths of PEM files; `null` on a unix socket. */
  readonly tls: { readonly certificate: string; readonly key: string; readonly authority: string } | null;
  /** How long a message of the worker may be, in bytes. */
  readonly longestMessage: number;
}

/** What is told of a stream. */
export interface StreamListener {
  message(bytes: Buffer): void;
  /** More can be written at once. */
  drain(): void;
  /** The last one. */
  end(status: GrpcStatus): void;
}

/** A stream of messages in both directions. */
export interface GrpcStream {
  /** Sends messages as one. @returns whether more should be sent before `drain` is told */
  write(...parts: readonly Buffer[]): boolean;
  /** Says that nothing more is sent. */
  close(): void;
  /** Ends it at once. */
  cancel(): void;
}

/** How much the other side may send before it is told that it was read: a large value does not wait for this side. */
const WINDOW = 8 * 2 ** 20;
/** In MiB: what is queued counts, and no stream may be refused for it. */
const SESSION_MEMORY = 1_024;

/**
 * A connection to a worker that speaks gRPC: streams, unary calls and pings share it. gRPC is HTTP/2 with a prefix of five bytes
 * before each message and a status in the trailers, which is all that is done here; `node:http2` does the rest. Why not
 * `@grpc/grpc-js`: it keeps the process alive as long as a stream is open, and hides pings and windows.
 */
export class Connection {
  /** Kept when it is closed, whoever closed it. */
  readonly closed: Promise<void>;
  readonly #session: ClientHttp2Session;
  readonly #endpoint: Endpoint;
  /** Why it broke. */
  #broken: Error | undefined;

  private constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    this.#session = sessionTo(endpoint);
    this.#session.on('error', (error) => {
      this.#broken = error;
    });
    this.closed = new Promise((resolve) => this.#session.once('close', resolve));
  }

  /** @throws the error of the socket or of TLS; the reason of the signal */
  static open(endpoint: Endpoint, signal?: AbortSignal): Promise<Connection> {
    const connection = new Connection(endpoint);
    const session = connection.#session;
    return new Promise((resolve, reject) => {
      const giveUp = (): void => session.destroy();
      signal?.addEventListener('abort', giveUp);
      session.once('connect', () => {
        session.setLocalWindowSize(WINDOW);
        signal?.removeEventListener('abort', giveUp);
        resolve(connection);
      });
      session.once('close', () => {
        signal?.removeEventListener('abort', giveUp);
        reject(
          signal?.aborted === true ? signal.reason : (connection.#broken ?? new Error('The connection was closed.')),
        );
      });
      if (signal?.aborted) giveUp();
    });
  }

  /** Whether streams can be opened. */
  get isOpen(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  /** Lets it keep this process alive. */
  ref(): void {
    if (this.isOpen) this.#session.ref();
  }

  /** Lets it not. */
  unref(): void {
    if (this.isOpen) this.#session.unref();
  }

  /** Opens a stream. Whatever happens, `end` is told once, and nothing after it. */
  stream(method: string, listener: StreamListener): GrpcStream {
    const stream = this.#session.request({
      ':method': 'POST',
      ':path': method,
      te: 'trailers',
      'content-type': 'application/grpc',
      'user-agent': 'lockstep',
      authorization: `Bearer ${this.#endpoint.token}`,
    });
    this.#listen(stream, listener);
    return {
      write: (...parts) => (stream.writable ? stream.write(prefixed(...parts)) : false),
      close: () => stream.end(),
      cancel: () => stream.close(constants.NGHTTP2_CANCEL),
    };
  }

  /**
   * Calls a method with one message and one answer.
   *
   * @returns the answer, or the status where there is none
   */
  unary(method: string, message: Buffer, timeoutMs: number): Promise<Buffer | GrpcStatus> {
    if (!this.isOpen) return Promise.resolve({ code: GRPC.UNAVAILABLE, message: 'the connection is closed' });
    return new Promise((resolve) => {
      let answer: Buffer | undefined;
      let isLate = false;
      const end = (status: GrpcStatus): void => {
        clearTimeout(timer);
        if (isLate) resolve({ code: GRPC.DEADLINE_EXCEEDED, message: `no answer within ${timeoutMs} ms` });
        else resolve(status.code === GRPC.OK && answer !== undefined ? answer : status);
      };
      const stream = this.stream(method, {
        message: (bytes) => {
          answer = bytes;
        },
        drain: () => undefined,
        end,
      });
      const timer = setTimeout(() => {
        isLate = true;
        stream.cancel();
      }, timerMs(timeoutMs));
      stream.write(message);
      stream.close();
    });
  }

  /**
   * Asks whether the other end is there. gRPC answers without the interpreter of the worker.
   *
   * @returns how long the answer took, in milliseconds; `undefined` where it did not come in time
   */
  ping(timeoutMs: number): Promise<number | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timerMs(timeoutMs), undefined);
      timer.unref();
      const answered = (error: Error | null, duration: number): void => {
        clearTimeout(timer);
        resolve(error === null ? duration : undefined);
      };
      // Where too many have not been answered, no further one is sent: that is no answer either.
      if (this.isOpen) this.#session.ping(answered);
    });
  }

  /** Closes it, and what is open on it. Idempotent. */
  close(): Promise<void> {
    this.#session.destroy();
    return this.closed;
  }

  #listen(stream: ClientHttp2Stream, listener: StreamListener): void {
    const reader = new MessageReader(this.#endpoint.longestMessage);
    let status: GrpcStatus | undefined;
    stream.on('response', (headers) => {
      status = statusIn(headers) ?? statusOfHttp(headers[':status'], headers['content-type']);
    });
    stream.on('trailers', (headers) => {
      status = statusIn(headers) ?? status;
    });
    stream.on('data', (piece: Buffer) => {
      try {
        for (const message of reader.read(piece)) listener.message(message);
      } catch (error) {
        status = { code: GRPC.INTERNAL, message: (error as Error).message };
        stream.close(constants.NGHTTP2_CANCEL);
      }
    });
    // The status has come: gRPC ends a call with it, whatever this side had still to say.
    stream.on('end', () => stream.close());
    stream.on('drain', () => listener.drain());
    // What it was is told by 'close', which follows.
    stream.on('error', () => undefined);
    stream.on('close', () => {
      const why = this.#broken?.message ?? `the stream was closed with code ${stream.rstCode}`;
      listener.end(status ?? { code: GRPC.UNAVAILABLE, message: why });
    });
  }
}

function sessionTo({ address, tls }: Endpoint): ClientHttp2Session {
  const options: ClientSessionOptions = {
    settings: { enablePush: false, initialWindowSize: WINDOW },
    maxSessionMemory: SESSION_MEMORY,
  };
  if (tls === null) {
    const path = address.slice('unix:'.length);
    return connectHttp2('http://localhost', { ...options, createConnection: () => connectSocket(path) });
  }
  const secure: SecureClientSessionOptions = {
    ...options,
    cert: readFileSync(tls.certificate),
    key: readFileSync(tls.key),
    ca: readFileSync(tls.authority),
  };
  return connectHttp2(`https://${address}`, secure);
}
