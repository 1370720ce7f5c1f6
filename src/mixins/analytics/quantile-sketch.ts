/** How far a quantile may be from the exact one, relative to it. */
export const ACCURACY = 0.01;
/** Buckets at most: they cover values whose ratio is below 6e17. */
export const MOST_BUCKETS = 2_048;
/** So many values are kept as they are: their quantiles are exact. */
export const FEW = 32;

const GAMMA = (1 + ACCURACY) / (1 - ACCURACY);
const LOG_GAMMA = Math.log(GAMMA);
/** Buckets made at a time. */
const ROOM = 32;
const NO_BUCKETS = new Float64Array(0);

/**
 * Quantiles of any number of values in bounded memory: counts by buckets that grow by 2 %, so that the middle of a bucket is within 1 %
 * of every value in it. Where the values spread over more buckets than there may be, the lowest become one: high quantiles stay
 * accurate. What it holds does not depend on the order in which values were added, or on how they were merged.
 *
 * Source: DDSketch, by C. Masson, J. E. Rim and H. K. Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with
 * Relative-Error Guarantees", PVLDB 12 (2019), with the dense store that collapses its lowest buckets.
 */
export class QuantileSketch {
  /** The values themselves, as long as they are few. */
  #few: number[] | undefined = [];
  /** Values of 0, which lie in no bucket. */
  #zeros = 0;
  #count = 0;
  #counts = NO_BUCKETS;
  /** The number of the first bucket of `#counts`. */
  #first = 0;
  /** The number of the highest bucket that holds something. */
  #highest = Number.NEGATIVE_INFINITY;

  /** How many values it holds. */
  get count(): number {
    return this.#count;
  }

  /** How many buckets it has made. */
  get buckets(): number {
    return this.#counts.length;
  }

  /** @param value finite, at least 0 */
  add(value: number): void {
    this.#count++;
    if (this.#few === undefined) this.#put(value);
    else {
      this.#few.push(value);
      if (this.#few.length > FEW) this.#spread();
    }
  }

  /** Adds everything that another one holds. */
  merge(other: QuantileSketch): void {
    if (other.#few !== undefined) {
      for (const value of other.#few) this.add(value);
      return;
    }
    this.#spread();
    this.#count += other.#count;
    this.#zeros += other.#zeros;
    for (let index = other.#counts.length - 1; index >= 0; index--) {
      const count = other.#counts[index] as number;
      if (count > 0) this.#fill(other.#first + index, count);
    }
  }

  /**
   * The smallest value that a share of the values does not exceed: that of rank ⌈share · count⌉, counted from 1. So the 99th
   * percentile of few values is the largest of them.
   *
   * @param share from 0 to 1
   * @returns within 1 %, exact of few values; `undefined` without any
   */
  quantile(share: number): number | undefined {
    if (this.#count === 0) return undefined;
    const rank = Math.max(0, Math.ceil(share * this.#count) - 1);
    if (this.#few !== undefined) return this.#few.toSorted((a, b) => a - b)[rank];
    let seen = this.#zeros;
    if (rank < seen) return 0;
    let index = -1;
    while (seen <= rank) seen += this.#counts[++index] as number;
    return (2 * GAMMA ** (this.#first + index)) / (GAMMA + 1);
  }

  /** From now on, values are counted by buckets. */
  #spread(): void {
    const few = this.#few;
    this.#few = undefined;
    for (const value of few ?? []) this.#put(value);
  }

  #put(value: number): void {
    if (value === 0) this.#zeros++;
    else this.#fill(Math.ceil(Math.log(value) / LOG_GAMMA), 1);
  }

  #fill(bucket: number, count: number): void {
    if (bucket > this.#highest) this.#raise(bucket);
    const index = bucket < this.#first ? this.#lower(bucket) : bucket - this.#first;
    this.#counts[index] = (this.#counts[index] as number) + count;
  }

  /** Makes room for a bucket above all others. */
  #raise(bucket: number): void {
    if (this.#counts.length === 0) this.#first = bucket;
    this.#highest = bucket;
    const needed = bucket - this.#first + 1;
    if (needed <= this.#counts.length) return;
    if (needed <= MOST_BUCKETS) this.#move(this.#first, Math.min(MOST_BUCKETS, needed + ROOM));
    else this.#move(bucket - MOST_BUCKETS + 1, MOST_BUCKETS);
  }

  /** Makes room for a bucket below all others, as far as there may be more; answers where what belongs into it is counted. */
  #lower(bucket: number): number {
    const floor = this.#highest - MOST_BUCKETS + 1;
    if (bucket <= floor) {
      if (this.#first > floor) this.#move(floor, MOST_BUCKETS);
      return floor - this.#first;
    }
    const first = Math.max(floor, bucket - ROOM);
    this.#move(first, Math.min(MOST_BUCKETS, this.#counts.length + this.#first - first));
    return bucket - first;
  }

  /** Lays the buckets out anew; what lies below the first one is counted in it. */
  #move(first: number, length: number): void {
    const counts = new Float64Array(length);
    for (const [index, count] of this.#counts.entries()) {
      const place = Math.max(0, this.#first + index - first);
      if (count > 0) counts[place] = (counts[place] as number) + count;
    }
    this.#counts = counts;
    this.#first = first;
  }
}
