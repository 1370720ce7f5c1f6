import type { Neighbours } from './order.js';
import type { Item, Rows } from './ranks.js';

/** Space between two items of a row: an edge may pass closer to a node than another node stands. */
const SPACE = 26;
const PASS_SPACE = 14;
/** First each row follows one side, then both: the second straightens what the first has brought together. */
const ROUNDS = 24;
const ONE_SIDED = 8;

/** Where along an item an edge meets it, as seen from the middle of the item. */
export type Attachment = (item: number, neighbour: number) => number;

/**
 * Gives every item the `x` of its middle: as close as can be to the mean of its neighbours, in the order of its row and without
 * touching the next one. Each row is solved exactly, rows are visited up and down in turns.
 *
 * Source: least squares under order constraints by pooling adjacent violators, M. Ayer et al., "An Empirical Distribution
 * Function for Sampling with Incomplete Information" (1955).
 */
export function placeItems(
  rows: readonly (readonly number[])[],
  items: Rows['items'],
  { above, below }: Neighbours,
  attachment: Attachment,
): Float64Array {
  const x = new Float64Array(items.length);
  for (const row of rows) {
    let at = 0;
    for (const [index, item] of row.entries()) {
      at += index === 0 ? 0 : distanceOf(items[row[index - 1] as number] as Item, items[item] as Item);
      x[item] = at;
    }
    for (const item of row) x[item] = (x[item] as number) - at / 2;
  }
  for (let round = 0; round < ROUNDS; round++) {
    const both = round >= ONE_SIDED;
    for (const row of round % 2 === 0 ? rows : rows.toReversed()) {
      const wanted = row.map((item) => {
        const near = both
          ? [...(above[item] ?? []), ...(below[item] ?? [])]
          : ((round % 2 === 0 ? above : below)[item] ?? []);
        const places = near.map((other) => (x[other] as number) + attachment(other, item) - attachment(item, other));
        return places.length === 0
          ? (x[item] as number)
          : places.reduce((sum, place) => sum + place, 0) / places.length;
      });
      const weights = row.map((item) => (items[item]?.role === 'body' ? 1 : 4));
      for (const [index, place] of spread(row, items, wanted, weights).entries()) x[row[index] as number] = place;
    }
  }
  return x;
}

function distanceOf(left: Item, right: Item): number {
  const space = left.role === 'body' && right.role === 'body' ? SPACE : PASS_SPACE;
  return left.width / 2 + right.width / 2 + space;
}

/** The places closest to the wanted ones that keep order and distance. */
function spread(
  row: readonly number[],
  items: readonly Item[],
  wanted: readonly number[],
  weights: readonly number[],
): number[] {
  let offset = 0;
  const offsets = row.map((item, index) => {
    if (index > 0) offset += distanceOf(items[row[index - 1] as number] as Item, items[item] as Item);
    return offset;
  });
  const pools: { value: number; weight: number; count: number }[] = [];
  for (const [index, place] of wanted.entries()) {
    let pool = { value: place - (offsets[index] as number), weight: weights[index] as number, count: 1 };
    for (let before = pools.at(-1); before !== undefined && before.value >= pool.value; before = pools.at(-1)) {
      pools.pop();
      const weight = before.weight + pool.weight;
      const value = (before.value * before.weight + pool.value * pool.weight) / weight;
      pool = { value, weight, count: before.count + pool.count };
    }
    pools.push(pool);
  }
  return pools
    .flatMap(({ value, count }) => new Array<number>(count).fill(value))
    .map((value, index) => value + (offsets[index] as number));
}
