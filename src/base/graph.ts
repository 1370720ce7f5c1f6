/** A directed graph over the numbers 0 … size - 1, with the few algorithms that plans need. None of them recurses. */
export class Graph {
  readonly size: number;
  readonly #successors: number[][];
  readonly #predecessors: number[][];

  constructor(size: number) {
    this.size = size;
    this.#successors = Array.from({ length: size }, () => []);
    this.#predecessors = Array.from({ length: size }, () => []);
  }

  /** Adds an edge. The same edge may be added twice; the algorithms do not mind. */
  add(from: number, to: number): void {
    (this.#successors[from] as number[]).push(to);
    (this.#predecessors[to] as number[]).push(from);
  }

  successors(of: number): readonly number[] {
    return this.#successors[of] as number[];
  }

  predecessors(of: number): readonly number[] {
    return this.#predecessors[of] as number[];
  }

  /**
   * All nodes, each after its predecessors, ties by lowest number; shorter than `size` when the graph has a cycle.
   *
   * Source: A. B. Kahn, "Topological sorting of large networks" (1962), with a heap instead of a queue.
   */
  topologicalOrder(): number[] {
    const open = new Int32Array(this.size);
    const heap = new MinHeap();
    for (let node = 0; node < this.size; node++) {
      open[node] = this.predecessors(node).length;
      if (open[node] === 0) heap.push(node);
    }
    const order: number[] = [];
    for (let node = heap.pop(); node !== undefined; node = heap.pop()) {
      order.push(node);
      for (const next of this.successors(node)) {
        open[next] = (open[next] as number) - 1;
        if (open[next] === 0) heap.push(next);
      }
    }
    return order;
  }

  /** A cycle, as the nodes along it, given that `order` (from `topologicalOrder`) left some nodes out. */
  findCycle(order: readonly number[]): number[] {
    const placed = new Uint8Array(this.size);
    for (const node of order) placed[node] = 1;
    let node = placed.indexOf(0);
    const seen = new Map<number, number>();
    const path: number[] = [];
    while (!seen.has(node)) {
      seen.set(node, path.length);
      path.push(node);
      node = this.predecessors(node).find((before) => placed[before] === 0) as number;
    }
    return path.slice(seen.get(node)).reverse();
  }

  /** Marks everything reached from `from` along edges in the given direction, the start included, as far as `within` allows. */
  reach(from: Iterable<number>, direction: 'forward' | 'backward', within: (node: number) => boolean): Set<number> {
    const found = new Set<number>();
    const open: number[] = [];
    for (const node of from) {
      if (!within(node) || found.has(node)) continue;
      found.add(node);
      open.push(node);
    }
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      for (const next of direction === 'forward' ? this.successors(node) : this.predecessors(node)) {
        if (found.has(next) || !within(next)) continue;
        found.add(next);
        open.push(next);
      }
    }
    return found;
  }
}

/** A binary heap of numbers, least first. */
class MinHeap {
  readonly #items: number[] = [];

  push(item: number): void {
    const items = this.#items;
    let index = items.length;
    items.push(item);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if ((items[parent] as number) <= item) break;
      items[index] = items[parent] as number;
      index = parent;
    }
    items[index] = item;
  }

  pop(): number | undefined {
    const items = this.#items;
    const least = items[0];
    const last = items.pop();
    if (least === undefined || last === undefined || items.length === 0) return least;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && (items[child + 1] as number) < (items[child] as number)) child++;
      if ((items[child] as number) >= last) break;
      items[index] = items[child] as number;
      index = child;
    }
    items[index] = last;
    return least;
  }
}
