import { STREAM_CREDIT } from './item-cost.js';
import { unreadable } from './unreadable.js';

/** Gives the items that a tool yields to somebody as soon as they come. */
export class ItemTaker {
  readonly #take: (item: unknown) => void;
  readonly #grant: (credits: number) => void;
  /** How many items have come for which no credit was given back, and what they cost. */
  #come = 0;
  #spent = 0;

  /** @param grant told how many credits are given back: items that cost as many have been taken */
  constructor(take: (item: unknown) => void, grant: (credits: number) => void) {
    this.#take = take;
    this.#grant = grant;
  }

  /** An item has come. @throws LockstepError FRAME_UNREADABLE where it should not have; what the taker throws */
  push(item: unknown, cost: number): void {
    if (this.#come >= STREAM_CREDIT) throw unreadable('an item that it had no credit for', undefined);
    this.#come++;
    this.#spent += cost;
    this.#take(item);
    if (this.#spent < STREAM_CREDIT / 2) return;
    this.#grant(this.#spent);
    this.#come = 0;
    this.#spent = 0;
  }
}
