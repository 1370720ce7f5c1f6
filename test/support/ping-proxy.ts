import { renameSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';

/** Of a frame of HTTP/2: length, kind, flags, stream (RFC 9113, section 4.1). */
const HEADER_BYTES = 9;
const PING = 6;
const ACK = 1;

/**
 * Stands between a worker and whoever connects to its socket from now on. All frames of the worker pass but some answers to pings:
 * those are lost. What has connected before stays connected.
 */
export class PingProxy implements Disposable {
  /** How many answers to pings have come from the worker, and which of them, from 1 on, were lost. */
  answers = 0;
  readonly lost: number[] = [];
  readonly #server = createServer((host) => this.#join(host));
  readonly #sockets = new Set<Socket>();
  readonly #worker: string;
  readonly #loses: (answer: number) => boolean;

  /**
   * @param folder of the worker: where its socket is
   * @param loses whether an answer, the first is 1, is lost
   */
  constructor(folder: string, loses: (answer: number) => boolean = () => false) {
    const path = join(folder, 's');
    this.#worker = join(folder, 'worker');
    renameSync(path, this.#worker);
    this.#server.listen(path).unref();
    this.#loses = loses;
  }

  [Symbol.dispose](): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(host: Socket): void {
    const worker = connect(this.#worker);
    for (const [socket, other] of [
      [host, worker],
      [worker, host],
    ] as const) {
      this.#sockets.add(socket);
      // Where one end goes, the other one goes too; why is of no interest.
      socket.on('error', () => undefined);
      socket.on('close', () => other.destroy());
    }
    host.on('data', (bytes) => worker.write(bytes));
    let rest = Buffer.alloc(0);
    worker.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      for (let length = frameLength(rest); length <= rest.length; length = frameLength(rest)) {
        const frame = rest.subarray(0, length);
        rest = rest.subarray(length);
        if (!this.#isLost(frame)) host.write(frame);
      }
    });
  }

  #isLost(frame: Buffer): boolean {
    const isAnswer = frame[3] === PING && ((frame[4] ?? 0) & ACK) !== 0;
    if (!isAnswer) return false;
    this.answers++;
    if (!this.#loses(this.answers)) return false;
    this.lost.push(this.answers);
    return true;
  }
}

/** How long the frame is with which bytes begin; more than they are where that cannot be said yet. */
function frameLength(bytes: Buffer): number {
  return bytes.length < HEADER_BYTES ? HEADER_BYTES : HEADER_BYTES + bytes.readUIntBE(0, 3);
}
