interface Entry<T> {
  readonly at: number;
  /** Entries of one time leave in the order in which they came. */
  readonly order: number;
  readonly item: T;
}

const SMALL = 64;

function before<T>(left: Entry<T>, right: Entry<T>): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order);
}

/**
 * What becomes due at a time, earliest first: a binary heap. Nothing is taken out when it no longer counts; it is passed over
 * when it surfaces, and the heap is cleaned whenever it has doubled.
 */
export class WakeQueue<T> {
  readonly #counts: (item: T, at: number) => boolean;
  #heap: Entry<T>[] = [];
  #order = 0;
  #cleanAt = SMALL;

  /** @param counts whether an entry still means anything */
  constructor(counts: (item: T, at: number) => boolean) {
    this.#counts = counts;
  }

  add(at: number, item: T): void {
    if (this.#heap.length >= this.#cleanAt) this.#clean();
    this.#heap.push({ at, order: this.#order++, item });
    this.#rise(this.#heap.length - 1);
  }

  /** When the next entry is due; infinity when there is none. */
  get next(): number {
    while (this.#heap.length > 0) {
      const { item, at } = this.#heap[0] as Entry<T>;
      if (this.#counts(item, at)) return at;
      this.#pop();
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Takes the next entry that is due; `undefined` when none is. */
  take(now: number): T | undefined {
    return this.next <= now ? this.#pop() : undefined;
  }

  #clean(): void {
    this.#heap = this.#heap.filter(({ item, at }) => this.#counts(item, at));
    for (let index = (this.#heap.length >>> 1) - 1; index >= 0; index--) this.#sink(index);
    this.#cleanAt = Math.max(SMALL, this.#heap.length * 2);
  }

  #pop(): T | undefined {
    const top = this.#heap[0];
    const last = this.#heap.pop();
    if (top === undefined || last === undefined) return undefined;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink(0);
    }
    return top.item;
  }

  #rise(from: number): void {
    const heap = this.#heap;
    const entry = heap[from] as Entry<T>;
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      const above = heap[parent] as Entry<T>;
      if (!before(entry, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const entry = heap[from] as Entry<T>;
    let index = from;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Entry<T>, heap[child] as Entry<T>)) child++;
      if (!before(heap[child] as Entry<T>, entry)) break;
      heap[index] = heap[child] as Entry<T>;
      index = child;
    }
    heap[index] = entry;
  }
}
