import { ConfigurationError } from '../../base/errors.js';
import { refuse } from '../../base/option-checks.js';
import { QuantileSketch } from './quantile-sketch.js';

/**
 * What is known of a number of measurements, in their unit. Without any, `count` and `sum` are 0 and everything else is `null`.
 */
export interface ExecutionStatistics {
  readonly count: number;
  readonly sum: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** Of these measurements as a whole, not of a larger lot that they stand for. */
  readonly standardDeviation: number | null;
  /** At least half of them are at most this. Exact up to 32 measurements, within 1 % above; so are those that follow. */
  readonly p50: number | null;
  /** At least 90 of 100 are at most this: of fewer than ten, it is the largest. */
  readonly p90: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** The largest measurement: the squares of so many as there may ever be can still be added. */
const LARGEST = 1e140;
/** What is smaller counts as 0. */
const SMALLEST = 1e-140;

const NOTHING: ExecutionStatistics = Object.freeze({
  count: 0,
  sum: 0,
  min: null,
  max: null,
  mean: null,
  standardDeviation: null,
  p50: null,
  p90: null,
  p95: null,
  p99: null,
});

/**
 * Measurements in bounded memory. The sum is compensated (A. Neumaier, 1974), mean and deviation are kept as they come (B. P.
 * Welford, 1962; merged as T. F. Chan et al., 1979), quantiles by a sketch.
 */
export class Distribution {
  #sum = 0;
  /** What was lost of the sum by rounding. */
  #lost = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;
  #mean = 0;
  /** The sum of the squared distances from the mean. */
  #squares = 0;
  readonly #sketch = new QuantileSketch();

  get count(): number {
    return this.#sketch.count;
  }

  get sum(): number {
    return this.#sum + this.#lost;
  }

  /** @param value from 0 to 1e140 */
  add(value: number): void {
    const known = value < SMALLEST ? 0 : value;
    this.#sketch.add(known);
    this.#sumUp(known);
    if (known < this.#min) this.#min = known;
    if (known > this.#max) this.#max = known;
    const distance = known - this.#mean;
    this.#mean += distance / this.#sketch.count;
    this.#squares += distance * (known - this.#mean);
  }

  /** Adds everything that another one holds. */
  merge(other: Distribution): void {
    if (other.count === 0) return;
    const total = this.count + other.count;
    const distance = other.#mean - this.#mean;
    this.#squares += other.#squares + (distance * distance * this.count * other.count) / total;
    this.#mean += (distance * other.count) / total;
    this.#sumUp(other.#sum);
    this.#sumUp(other.#lost);
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
    this.#sketch.merge(other.#sketch);
  }

  statistics(): ExecutionStatistics {
    const { count, sum } = this;
    if (count === 0) return NOTHING;
    return {
      count,
      sum,
      min: this.#min,
      max: this.#max,
      mean: sum / count,
      standardDeviation: Math.sqrt(this.#squares / count),
      p50: this.quantile(0.5),
      p90: this.quantile(0.9),
      p95: this.quantile(0.95),
      p99: this.quantile(0.99),
    };
  }

  /** 0 without measurements. */
  quantile(share: number): number {
    return Math.min(this.#max, Math.max(this.#min, this.#sketch.quantile(share) ?? 0));
  }

  #sumUp(value: number): void {
    const sum = this.#sum + value;
    this.#lost += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - sum + value : value - sum + this.#sum;
    this.#sum = sum;
  }
}

/** @throws ConfigurationError INVALID_OPTION unless it is a number from 0 to 1e140 */
export function checkMeasurement(value: unknown, at: string): number {
  if (typeof value === 'number' && value >= 0 && value <= LARGEST) return value;
  return refuse(at, `must be a number from 0 to ${LARGEST}`, value);
}

/** Statistics of any numbers. @throws ConfigurationError INVALID_OPTION */
export function statisticsOf(samples: Iterable<number>): ExecutionStatistics {
  const at = 'computeExecutionStatistics';
  if (typeof (samples as Partial<Iterable<number>> | null)?.[Symbol.iterator] !== 'function')
    throw new ConfigurationError('INVALID_OPTION', `${at} takes a list of numbers.`, { at, value: samples });
  const all = new Distribution();
  let index = 0;
  for (const value of samples) all.add(checkMeasurement(value, `${at}[${index++}]`));
  return all.statistics();
}
