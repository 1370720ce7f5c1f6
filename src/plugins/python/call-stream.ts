import type { LiveCall } from './wire/live-call.js';

/** The items of a call, to be taken one after the other, and what it returns in the end. A loop that is left early cancels the call. */
export interface CallStream extends AsyncIterableIterator<unknown, undefined> {
  /** What the tool returns. Rejected like the call. It does not come before all items have been taken: take them first. */
  readonly result: Promise<unknown>;
  /** Takes no more items: the call is cancelled. What a loop does that is left. */
  return(): Promise<IteratorResult<unknown, undefined>>;
}

/** The stream of a call that may still have to be sent. */
export class OpeningStream implements CallStream {
  readonly result: Promise<unknown>;
  readonly #opened: Promise<LiveCall>;
  readonly #abandon: () => void;

  /**
   * @param opened kept when the call was sent
   * @param abandon gives the call up, also while it waits to be sent
   */
  constructor(opened: Promise<LiveCall>, abandon: () => void) {
    this.#opened = opened;
    this.#abandon = abandon;
    this.result = this.#result();
    // Whoever takes the items is told by them, and may never ask for the result.
    this.result.catch(() => undefined);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    const { items } = await this.#opened;
    return items === undefined ? { done: true, value: undefined } : items.next();
  }

  async return(): Promise<IteratorResult<unknown, undefined>> {
    this.#abandon();
    const call = await this.#opened.catch(() => undefined);
    await call?.items?.return();
    return { done: true, value: undefined };
  }

  async #result(): Promise<unknown> {
    const { outcome } = await this.#opened;
    return (await outcome).value;
  }
}
