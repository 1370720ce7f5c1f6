import { FRAME_KINDS, type Frame } from './frame.js';
import { encodeBatch } from './frame-writer.js';

/** How much of frames is put into one message, in bytes. A longer frame travels alone. */
const LARGEST_BATCH = 2 ** 20;

/** Sends messages, each of several parts, and answers whether more should be sent now. */
export type SendMessage = (...parts: readonly Buffer[]) => boolean;

interface Queued {
  readonly call: number;
  /** Whether the call begins with it. */
  readonly begins: boolean;
  /** A batch with this one frame. Batches behind each other are the batch of their frames: that is how protobuf is. */
  readonly bytes: Buffer;
}

/**
 * Sends frames. All that is said in one turn of the event loop travels in one message: a message costs far more than what it
 * carries. Where nothing is under way the turn is not waited for. Where the stream is full, what follows waits here.
 */
export class BatchWriter {
  readonly #send: SendMessage;
  #first: Queued[] = [];
  #queue: Queued[] = [];
  #isPlanned = false;
  #isFull = false;

  constructor(send: SendMessage) {
    this.#send = send;
  }

  /**
   * Puts a frame behind those that wait. What it holds is copied at once.
   *
   * @param idle whether nothing else is under way: then it is sent as soon as what runs now has ended
   */
  add(frame: Frame, idle = false): void {
    this.#queue.push(queued(frame));
    this.#plan(idle);
  }

  /** Puts a frame before those that wait, unless its call waits itself: it steers, and must not wait for what is large. */
  addFirst(frame: Frame): void {
    const isAhead = !this.#queue.some(({ call, begins }) => begins && call === frame.call);
    (isAhead ? this.#first : this.#queue).push(queued(frame));
    this.#plan(true);
  }

  /**
   * Takes back the frames of a call that still wait.
   *
   * @returns whether the first of them, which begins the call, was among them
   */
  withdraw(call: number): boolean {
    const isOwn = (each: Queued): boolean => each.call === call;
    const isUnsent = this.#queue.some((each) => isOwn(each) && each.begins);
    this.#queue = this.#queue.filter((each) => !isOwn(each));
    return isUnsent;
  }

  /** The stream can take more. */
  drained(): void {
    this.#isFull = false;
    this.#flush();
  }

  #plan(soon: boolean): void {
    if (this.#isPlanned || this.#isFull) return;
    this.#isPlanned = true;
    const flush = (): void => {
      this.#isPlanned = false;
      this.#flush();
    };
    if (soon) process.nextTick(flush);
    else setImmediate(flush);
  }

  #flush(): void {
    if (this.#first.length > 0) {
      this.#queue.unshift(...this.#first);
      this.#first = [];
    }
    let at = 0;
    while (at < this.#queue.length && !this.#isFull) {
      const parts: Buffer[] = [];
      for (let size = 0; at < this.#queue.length; at++) {
        const { bytes } = this.#queue[at] as Queued;
        size += bytes.length;
        if (size > LARGEST_BATCH && parts.length > 0) break;
        parts.push(bytes);
      }
      this.#isFull = !this.#send(...parts);
    }
    this.#queue.splice(0, at);
  }
}

function queued(frame: Frame): Queued {
  return { call: frame.call, begins: frame.kind === FRAME_KINDS.CALL, bytes: encodeBatch([frame]) };
}
