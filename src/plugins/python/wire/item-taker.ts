import { STREAM_CREDIT } from './item-queue.js';
import { unreadable } from './unreadable.js';

/** Gives the items that a tool yields to somebody as soon as they come. */
export class ItemTaker {
  readonly #take: (item: unknown) => void;
  readonly #grant: (count: number) => void;
  #credit = STREAM_CREDIT;

  /** @param grant told that `count` more items may come: as many have been taken */
  constructor(take: (item: unknown) => void, grant: (count: number) => void) {
    this.#take = take;
    this.#grant = grant;
  }

  /** An item has come. @throws LockstepError FRAME_UNREADABLE where it should not have; what the taker throws */
  push(item: unknown): void {
    if (this.#credit === 0) throw unreadable('an item that it had no credit for', undefined);
    this.#credit--;
    this.#take(item);
    if (this.#credit > STREAM_CREDIT / 2) return;
    this.#grant(STREAM_CREDIT - this.#credit);
    this.#credit = STREAM_CREDIT;
  }
}
