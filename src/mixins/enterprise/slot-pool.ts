/** Somebody who waits for a slot of a pool. */
export interface SlotWaiter {
  /** Who it belongs to: slots go round between owners. */
  readonly owner: string;
  /** Higher ones first. */
  readonly priority: number;
  /** Called when the slot is its own. */
  granted(): void;
}

/** Those who wait with one priority: owners in the order in which they are served next, each with its waiters in order. */
type Lanes = Map<string, SlotWaiter[]>;

/**
 * A number of slots. Whoever finds none waits: higher priorities first, then owners in turn, then first come, first served. A
 * slot that is given back goes to the next one who waits, at once: nobody who asks later can take it away.
 */
export class SlotPool {
  readonly size: number;
  #held = 0;
  #waiting = 0;
  /** Priorities, highest first. */
  readonly #lanes: { readonly priority: number; readonly owners: Lanes }[] = [];

  constructor(size: number) {
    this.size = size;
  }

  get held(): number {
    return this.#held;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Takes a slot. `false` when none is free. */
  take(): boolean {
    if (this.#held >= this.size) return false;
    this.#held++;
    return true;
  }

  /** Waits for a slot. */
  queue(waiter: SlotWaiter): void {
    const { owners } = this.#laneOf(waiter.priority);
    const waiters = owners.get(waiter.owner);
    if (waiters === undefined) owners.set(waiter.owner, [waiter]);
    else waiters.push(waiter);
    this.#waiting++;
  }

  #laneOf(priority: number) {
    const index = this.#lanes.findIndex((lane) => lane.priority <= priority);
    const found = this.#lanes[index];
    if (found?.priority === priority) return found;
    const lane = { priority, owners: new Map<string, SlotWaiter[]>() };
    this.#lanes.splice(index === -1 ? this.#lanes.length : index, 0, lane);
    return lane;
  }

  /** No longer waits. `false` for one that did not. */
  leave(waiter: SlotWaiter): boolean {
    const lane = this.#lanes.find(({ priority }) => priority === waiter.priority);
    const waiters = lane?.owners.get(waiter.owner);
    const index = waiters?.indexOf(waiter) ?? -1;
    if (lane === undefined || waiters === undefined || index === -1) return false;
    waiters.splice(index, 1);
    if (waiters.length === 0) lane.owners.delete(waiter.owner);
    if (lane.owners.size === 0) this.#lanes.splice(this.#lanes.indexOf(lane), 1);
    this.#waiting--;
    return true;
  }

  /** Gives a slot back. */
  release(): void {
    this.#held--;
    const next = this.#next();
    if (next === undefined) return;
    this.#held++;
    next.granted();
  }

  #next(): SlotWaiter | undefined {
    const [lane] = this.#lanes;
    const first = lane?.owners.entries().next().value;
    if (lane === undefined || first === undefined) return undefined;
    const [owner, waiters] = first;
    const next = waiters.shift();
    lane.owners.delete(owner);
    if (waiters.length > 0) lane.owners.set(owner, waiters); // to the end: others come first
    if (lane.owners.size === 0) this.#lanes.shift();
    this.#waiting--;
    return next;
  }
}
