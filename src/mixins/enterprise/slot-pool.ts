import { Line } from './line.js';

/** Somebody who waits for a slot of a pool. */
export interface SlotWaiter {
  /** Who it belongs to: slots go round between owners. */
  readonly owner: object;
  /** Higher ones first. A finite number. */
  readonly priority: number;
  /** Called when the slot is its own. */
  granted(): void;
}

/** Owners in the order in which they are served, each with its waiters in order. */
type Lanes = Map<object, Line<SlotWaiter>>;

/** Those who wait with one priority. */
interface Level {
  readonly priority: number;
  /** Owners that have not been served in this round. */
  current: Lanes;
  /** Owners that have, and wait again. */
  next: Lanes;
}

/**
 * A number of slots. Whoever finds none waits: higher priorities first, then owners in turn, then first come, first served. A
 * slot that is given back goes to the next one who waits, at once: nobody who asks later can take it away. In a round, every
 * owner that waits is served once; one that holds a slot already has had its turn.
 */
export class SlotPool {
  readonly size: number;
  #held = 0;
  #waiting = 0;
  /** Highest priority first. */
  readonly #levels: Level[] = [];
  #round = 0;
  /** The round in which an owner was served last. */
  readonly #served = new WeakMap<object, number>();

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
  take(owner: object): boolean {
    if (this.#held >= this.size) return false;
    this.#held++;
    this.#served.set(owner, this.#round);
    return true;
  }

  /** Waits for a slot. */
  queue(waiter: SlotWaiter): void {
    const { owner } = waiter;
    const level = this.#levelOf(waiter.priority);
    const hadItsTurn = level.next.has(owner) || this.#served.get(owner) === this.#round;
    const lanes = hadItsTurn && !level.current.has(owner) ? level.next : level.current;
    const waiters = lanes.get(owner) ?? new Line<SlotWaiter>();
    waiters.push(waiter);
    lanes.set(owner, waiters);
    this.#waiting++;
  }

  #levelOf(priority: number): Level {
    const index = this.#levels.findIndex((level) => level.priority <= priority);
    const found = this.#levels[index];
    if (found?.priority === priority) return found;
    const level: Level = { priority, current: new Map(), next: new Map() };
    this.#levels.splice(index === -1 ? this.#levels.length : index, 0, level);
    return level;
  }

  /** No longer waits. Nothing happens to one that did not. */
  leave(waiter: SlotWaiter): void {
    const level = this.#levels.find(({ priority }) => priority === waiter.priority);
    if (level === undefined) return;
    for (const lanes of [level.current, level.next]) {
      const waiters = lanes.get(waiter.owner);
      if (waiters?.remove(waiter) !== true) continue;
      if (waiters.length === 0) lanes.delete(waiter.owner);
      this.#waiting--;
    }
    this.#drop(level);
  }

  #drop(level: Level): void {
    if (level.current.size + level.next.size === 0) this.#levels.splice(this.#levels.indexOf(level), 1);
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
    const [level] = this.#levels;
    if (level === undefined) return undefined;
    if (level.current.size === 0) {
      level.current = level.next;
      level.next = new Map();
      this.#round++;
    }
    const [owner, waiters] = level.current.entries().next().value as [object, Line<SlotWaiter>];
    const next = waiters.shift();
    level.current.delete(owner);
    if (waiters.length > 0) level.next.set(owner, waiters);
    this.#served.set(owner, this.#round);
    this.#drop(level);
    this.#waiting--;
    return next;
  }
}
