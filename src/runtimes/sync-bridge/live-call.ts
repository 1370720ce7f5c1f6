import { AttemptError } from '../../base/errors.js';
import type { Parcel } from '../../base/executor-port.js';
import type { BridgeCall } from '../../base/ports.js';

/** setTimeout counts in 32 bits. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Who waits for what the caller answers. */
interface Asker {
  readonly resolve: (answer: Parcel) => void;
  readonly reject: (error: Error) => void;
}

/** A call that a thread is performing, and its signal, which is made when it is first read. */
export class LiveCall {
  readonly call: BridgeCall;
  readonly #catchUp: () => void;
  readonly #expiresAt: number;
  #timer: NodeJS.Timeout | undefined;
  #controller: AbortController | undefined;
  #reason: Error | undefined;
  #gone: AbortController | undefined;
  #goneReason: Error | undefined;
  /** What the caller was asked for, and has not answered. */
  readonly #questions = new Map<number, Asker>();
  #asked = 0;
  #isOver = false;

  /** @param catchUp takes messages that have not been taken: a function that holds the thread would never hear of an abort */
  constructor(call: BridgeCall, catchUp: () => void) {
    const { timeLeftMs = Number.POSITIVE_INFINITY } = call;
    this.call = call;
    this.#catchUp = catchUp;
    this.#expiresAt = timeLeftMs === Number.POSITIVE_INFINITY ? timeLeftMs : performance.now() + timeLeftMs;
    if (timeLeftMs <= LONGEST_TIMER) this.#arm(timeLeftMs);
  }

  /** A timer may be early: a node that ends as soon as it is aborted must not end within its limit. */
  #arm(ms: number): void {
    this.#timer = setTimeout(() => {
      const left = this.#expiresAt - performance.now();
      if (left > 0) this.#arm(left);
      else this.#expire();
    }, ms);
    this.#timer.unref(); // whether the thread has anything left to do is for the node's own resources to say
  }

  /** Milliseconds until it expires; `undefined` where it does not. */
  get timeLeftMs(): number | undefined {
    const left = this.#expiresAt - performance.now();
    return left === Number.POSITIVE_INFINITY ? undefined : Math.max(0, left);
  }

  /** Read anew, it also tells a function that never yields. */
  get signal(): AbortSignal {
    this.#catchUp();
    if (performance.now() >= this.#expiresAt) this.#expire();
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }

  /** As `signal`, but only aborted once nobody wants the answer. */
  get gone(): AbortSignal {
    this.#gone ??= new AbortController();
    if (this.#goneReason !== undefined) this.#gone.abort(this.#goneReason);
    return this.#gone.signal;
  }

  /** Aborts both signals. */
  abandon(reason: Error): void {
    this.abort(reason);
    this.#goneReason ??= reason;
    this.#gone?.abort(this.#goneReason);
  }

  /** Asks the caller for something. Rejected once the call has ended. @param send posts the question under its number */
  ask(send: (question: number) => void): Promise<Parcel> {
    if (this.#isOver) return Promise.reject(this.#overError());
    return new Promise((resolve, reject) => {
      const question = ++this.#asked;
      this.#questions.set(question, { resolve, reject });
      send(question);
    });
  }

  /** The caller has answered a question. */
  answered(question: number, answer: Parcel): void {
    this.#questions.get(question)?.resolve(answer);
    this.#questions.delete(question);
  }

  /** The call has been answered, or is of no interest any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#isOver = true;
    if (this.#questions.size === 0) return;
    const over = this.#overError();
    for (const { reject } of this.#questions.values()) reject(over);
    this.#questions.clear();
  }

  #overError(): AttemptError {
    const { nodeId } = this.call;
    return new AttemptError('CALL_CANCELLED', `The call of "${nodeId}" is over.`, { at: nodeId });
  }

  #expire(): void {
    const { nodeId } = this.call;
    this.abandon(new AttemptError('ATTEMPT_TIMEOUT', `Node "${nodeId}" ran past its deadline.`, { at: nodeId }));
  }
}
