import { unreadable } from './unreadable.js';

/** How many items of a stream may be under way: the credit that the other side is given at first. */
export const STREAM_CREDIT = 64;

interface Waiter {
  readonly resolve: (result: IteratorResult<unknown, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const DONE = { done: true, value: undefined } as const;

/** What is told of a queue of items. */
export interface ItemQueueOwner {
  /** `count` more items may come: as many have been taken. */
  grant(count: number): void;
  /** Nobody takes items any more, and not all have come. */
  abandon(): void;
}

/** The items that a tool yields, until they are taken. The tool waits once STREAM_CREDIT items have not been taken. */
export class ItemQueue implements AsyncIterableIterator<unknown, undefined> {
  readonly #owner: ItemQueueOwner;
  readonly #items: unknown[] = [];
  readonly #waiters: Waiter[] = [];
  /** How many items may still come. */
  #credit = STREAM_CREDIT;
  /** How many have been taken for which no credit was given again. */
  #taken = 0;
  #end: { readonly error?: unknown } | undefined;

  constructor(owner: ItemQueueOwner) {
    this.#owner = owner;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** An item has come. @throws LockstepError FRAME_UNREADABLE where it should not have */
  push(value: unknown): void {
    if (this.#end !== undefined) return;
    if (this.#credit === 0) throw unreadable('an item that it had no credit for', undefined);
    this.#credit--;
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      this.#items.push(value);
      return;
    }
    waiter.resolve({ done: false, value });
    this.#take();
  }

  /** No further item comes. */
  end(): void {
    this.#finish({});
  }

  /** No further item comes: those that have come are taken first. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#items.length > 0) {
      const value = this.#items.shift();
      this.#take();
      return Promise.resolve({ done: false, value });
    }
    const end = this.#end;
    if (end === undefined) return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
    // An error is told once, as by a generator that throws.
    this.#end = {};
    return 'error' in end ? Promise.reject(end.error) : Promise.resolve(DONE);
  }

  /** Takes no more items: what a loop does that is left early. */
  return(): Promise<IteratorResult<unknown, undefined>> {
    this.#items.length = 0;
    if (this.#end === undefined) {
      this.#finish({});
      this.#owner.abandon();
    }
    this.#end = {};
    return Promise.resolve(DONE);
  }

  #take(): void {
    this.#taken++;
    if (this.#taken < STREAM_CREDIT / 2 || this.#end !== undefined) return;
    this.#credit += this.#taken;
    this.#owner.grant(this.#taken);
    this.#taken = 0;
  }

  #finish(end: { readonly error?: unknown }): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    const [first, ...others] = this.#waiters.splice(0);
    if (first === undefined) return;
    this.#end = {};
    if ('error' in end) first.reject(end.error);
    else first.resolve(DONE);
    for (const waiter of others) waiter.resolve(DONE);
  }
}
