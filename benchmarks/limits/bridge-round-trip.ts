import {
  isMainThread,
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
  workerData,
} from 'node:worker_threads';

interface Line {
  readonly port: MessagePort;
  /** One cell, which the thread counts up with every answer. */
  readonly answers: Int32Array;
}

/** A parked thread that hands back whatever it is sent, and a caller that sleeps until it has. */
export class BareRoundTrip {
  readonly #line: Line;
  readonly #thread: Worker;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    const answers = new Int32Array(new SharedArrayBuffer(4));
    this.#line = { port: port1, answers };
    const theirs: Line = { port: port2, answers };
    this.#thread = new Worker(new URL(import.meta.url), { workerData: theirs, transferList: [port2] });
  }

  /** Sends one payload and waits for it to come back. */
  one(payload: unknown): unknown {
    return this.together(payload, 1)[0];
  }

  /** Sends a payload so many times, then waits for all of them. */
  together(payload: unknown, count: number): readonly unknown[] {
    const { port, answers } = this.#line;
    const received: unknown[] = [];
    for (let sent = 0; sent < count; sent++) port.postMessage(payload);
    while (received.length < count) {
      const seen = Atomics.load(answers, 0);
      const before = received.length;
      for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
        received.push(next.message);
      if (received.length === before) Atomics.wait(answers, 0, seen);
    }
    return received;
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }
}

function serve({ port, answers }: Line): void {
  port.on('message', (payload: unknown) => {
    port.postMessage(payload);
    Atomics.add(answers, 0, 1);
    Atomics.notify(answers, 0);
  });
}

if (!isMainThread) serve(workerData as Line);
