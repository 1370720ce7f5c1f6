import { STREAM_CREDIT } from './item-cost.js';
import { unreadable } from './unreadable.js';

/** An item that has come. */
interface Come {
  readonly value: unknown;
  /** In credits. */
  readonly cost: number;
}

interface Waiter {
  readonly resolve: (result: IteratorResult<unknown, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const DONE = { done: true, value: undefined } as const;

/** What is told of a queue of items. */
export interface ItemQueueOwner {
  /** So many credits are given back: items that cost as many have been taken. */
  grant(credits: number): void;
  /** Nobody takes items any more, and not all have come. */
  abandon(): void;
}

/** The items that a tool yields, until they are taken. The tool waits once items that cost STREAM_CREDIT have not been taken. */
export class ItemQueue implements AsyncIterableIterator<unknown, undefined> {
  readonly #owner: ItemQueueOwner;
  readonly #items: Come[] = [];
  readonly #waiters: Waiter[] = [];
  /** How many items have come for which no credit was given back. Threads of a tool may send in another order than they pay. */
  #come = 0;
  /** How many of them have been taken, and what they cost. */
  #taken = 0;
  #spent = 0;
  #end: { readonly error?: unknown } | undefined;

  constructor(owner: ItemQueueOwner) {
    this.#owner = owner;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** An item has come. @throws LockstepError FRAME_UNREADABLE where it should not have */
  push(value: unknown, cost: number): void {
    if (this.#end !== undefined) return;
    if (this.#come >= STREAM_CREDIT) throw unreadable('an item that it had no credit for', undefined);
    this.#come++;
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      this.#items.push({ value, cost });
      return;
    }
    waiter.resolve({ done: false, value });
    this.#take(cost);
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
    const item = this.#items.shift();
    if (item !== undefined) {
      this.#take(item.cost);
      return Promise.resolve({ done: false, value: item.value });
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

  #take(cost: number): void {
    this.#taken++;
    this.#spent += cost;
    if (this.#spent < STREAM_CREDIT / 2 || this.#end !== undefined) return;
    this.#come -= this.#taken;
    this.#owner.grant(this.#spent);
    this.#taken = 0;
    this.#spent = 0;
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
