import type { Rows } from './ranks.js';

const SWEEPS = 12;

/** Who is above and below each item, one row away. */
export interface Neighbours {
  readonly above: readonly (readonly number[])[];
  readonly below: readonly (readonly number[])[];
}

/** The neighbours of every item. */
export function neighboursOf({ items, routes }: Rows): Neighbours {
  const above: number[][] = items.map(() => []);
  const below: number[][] = items.map(() => []);
  const seen = new Set<number>();
  for (const route of routes) {
    for (let index = 1; index < route.length; index++) {
      const [from, to] = [route[index - 1] as number, route[index] as number];
      const pair = from * items.length + to;
      if (seen.has(pair)) continue;
      seen.add(pair);
      above[to]?.push(from);
      below[from]?.push(to);
    }
  }
  return { above, below };
}

/**
 * Orders the items of each row so that few edges cross: rows are sorted by the mean position of their neighbours, down and up in
 * turns, and the best order seen is kept. Ties keep the order they have.
 *
 * Source: the barycentre method of Sugiyama, Tagawa and Toda (1981).
 */
export function orderRows(rows: number[][], { above, below }: Neighbours, size: number): number[][] {
  let order = rows.map((row) => [...row]);
  let best = order;
  let least = crossingsOf(order, below, size);
  for (let sweep = 0; sweep < SWEEPS && least > 0; sweep++) {
    order = order.map((row) => [...row]);
    const place = new Float64Array(size);
    for (const row of order) for (const [index, item] of row.entries()) place[item] = index;
    const downwards = sweep % 2 === 0;
    for (const row of downwards ? order : order.toReversed()) {
      const neighbours = downwards ? above : below;
      const centre = new Map(row.map((item) => [item, mean(neighbours[item] ?? [], place) ?? (place[item] as number)]));
      row.sort((a, b) => (centre.get(a) as number) - (centre.get(b) as number));
      for (const [index, item] of row.entries()) place[item] = index;
    }
    const crossings = crossingsOf(order, below, size);
    if (crossings < least) [best, least] = [order, crossings];
  }
  return best;
}

function mean(items: readonly number[], place: Float64Array): number | undefined {
  if (items.length === 0) return undefined;
  let sum = 0;
  for (const item of items) sum += place[item] as number;
  return sum / items.length;
}

/**
 * How many pairs of edges cross.
 *
 * Source: the accumulator tree of W. Barth, M. Jünger and P. Mutzel, "Simple and Efficient Bilayer Cross Counting" (2002).
 */
export function crossingsOf(rows: readonly (readonly number[])[], below: Neighbours['below'], size: number): number {
  const place = new Int32Array(size);
  for (const row of rows) for (const [index, item] of row.entries()) place[item] = index;
  let crossings = 0;
  for (const [index, row] of rows.entries()) {
    const width = rows[index + 1]?.length ?? 0;
    const tree = new Int32Array(width + 1);
    let seen = 0;
    for (const item of row) {
      const targets = (below[item] ?? []).map((target) => place[target] as number);
      for (const target of targets) crossings += seen - countUpTo(tree, target);
      for (const target of targets) addAt(tree, target);
      seen += targets.length;
    }
  }
  return crossings;
}

function countUpTo(tree: Int32Array, position: number): number {
  let sum = 0;
  for (let index = position + 1; index > 0; index -= index & -index) sum += tree[index] as number;
  return sum;
}

function addAt(tree: Int32Array, position: number): void {
  for (let index = position + 1; index < tree.length; index += index & -index)
    tree[index] = (tree[index] as number) + 1;
}
