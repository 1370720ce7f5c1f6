import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { readWireValue } from '../../src/plugins/python/values/wire-reader.js';
import { WireWriter } from '../../src/plugins/python/values/wire-writer.js';
import { FRAME_KINDS } from '../../src/plugins/python/wire/frame.js';
import { decodeBatch } from '../../src/plugins/python/wire/frame-reader.js';
import { encodeBatch } from '../../src/plugins/python/wire/frame-writer.js';

/** Where the scripts of limits are: they are not compiled, so they stay beside the sources. */
const SCRIPT = fileURLToPath(new URL('../../../benchmarks/limits/python_echo.py', import.meta.url));

/** A Python process that hands back what it is sent. */
export class EchoProcess {
  readonly path: string;
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor(folder: string, path: string, child: ChildProcess) {
    this.#folder = folder;
    this.path = path;
    this.#child = child;
  }

  static async start(python: string, kind: 'grpc' | 'aio' | 'socket'): Promise<EchoProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-echo-'));
    const path = join(folder, 's');
    const child = spawn(python, [SCRIPT, kind, path], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
    return new EchoProcess(folder, path, child);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const same = (bytes: Buffer): Buffer => bytes;

/** gRPC as its libraries come: one message in flight on one stream, or single calls. */
export class BareGrpc {
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<Buffer, Buffer>;

  constructor({ path }: EchoProcess) {
    this.#client = new Client(`unix:${path}`, credentials.createInsecure(), {
      'grpc.enable_retries': 0,
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
    });
    this.#stream = this.#client.makeBidiStreamRequest('/Echo/Stream', same, same);
    // Told when it is cancelled at the end.
    this.#stream.on('error', () => undefined);
  }

  one(message: Buffer): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#stream.once('data', resolve);
      this.#stream.write(message);
    });
  }

  single(message: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest('/Echo/Single', same, same, message, (error, answer) =>
        answer === undefined ? reject(error) : resolve(answer),
      );
    });
  }

  /** A stream of so many messages, all of which are read. */
  count(messages: number): Promise<void> {
    const stream = this.#client.makeServerStreamRequest('/Echo/Count', same, same, Buffer.from(String(messages)));
    return new Promise((resolve, reject) => {
      stream.on('data', () => undefined);
      stream.on('end', resolve);
      stream.on('error', reject);
    });
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }
}

/** A socket and the codec of workers: each call is a frame that is written at once; answers find their callers by number. */
export class FramedSocket {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (value: unknown) => void>();
  #pending: Buffer = Buffer.alloc(0);
  #calls = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => this.#read(bytes));
  }

  static async open({ path }: EchoProcess): Promise<FramedSocket> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new FramedSocket(socket);
  }

  call(value: unknown): Promise<unknown> {
    this.#calls++;
    const writer = new WireWriter();
    const text = writer.write(['echo', { value }, null, null, false, null, null], 'call');
    const frame = { call: this.#calls, kind: FRAME_KINDS.CALL, text, segments: writer.segments };
    const batch = encodeBatch([frame]);
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32LE(batch.length);
    // What is written in one turn leaves in one system call.
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork();
      process.nextTick(() => this.#socket.uncork());
    }
    this.#socket.write(length);
    this.#socket.write(batch);
    return new Promise((resolve) => this.#waiting.set(this.#calls, resolve));
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    const all = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    let at = 0;
    while (all.length - at >= 4) {
      const end = at + 4 + all.readUInt32LE(at);
      if (end > all.length) break;
      for (const { call, text } of decodeBatch(all.subarray(at + 4, end))) {
        const [value] = readWireValue(text, []) as readonly unknown[];
        this.#waiting.get(call)?.(value);
        this.#waiting.delete(call);
      }
      at = end;
    }
    this.#pending = all.subarray(at);
  }
}
