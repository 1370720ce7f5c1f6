import { didYouMean } from '../../base/did-you-mean.js';
import { knownFields, refuse } from '../../base/option-checks.js';
import { ALL_INSTRUMENTS, type Instrument, type InstrumentName } from './instruments.js';
import type { LabelName, Labels } from './labels.js';
import { checkBuckets, type MetricsSink } from './sink.js';

/** What `memoryMetrics()` is told. */
export interface MemoryMetricsOptions {
  /** Upper bounds of the buckets of histograms, in seconds, ascending. Default: `DURATION_BUCKETS`. */
  readonly buckets?: readonly number[];
}

/** A histogram as it is now. Values are in seconds. */
export interface HistogramValue {
  readonly count: number;
  readonly sum: number;
  /** `Infinity` while the count is 0. */
  readonly min: number;
  /** `-Infinity` while the count is 0. */
  readonly max: number;
  /** How many values were at most `le`, for each bound; the last bound is `Infinity`. */
  readonly buckets: readonly { readonly le: number; readonly count: number }[];
}

/** One series as it is now. */
export type MetricSeries = { readonly name: InstrumentName; readonly labels: Labels } & (
  | { readonly kind: 'counter' | 'gauge' | 'state'; readonly value: number }
  | { readonly kind: 'histogram'; readonly value: HistogramValue }
);

/** Measurements in the memory of this process, to be read at once: for tests, and for programs that show their own numbers. */
export interface MemoryMetrics extends MetricsSink {
  /**
   * The sum over all series of a counter, gauge or state that have these labels; 0 where there is none.
   *
   * @param labels those that a series must have; others are summed over. Default: none
   * @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION
   */
  value(name: InstrumentName, labels?: Labels): number;
  /** All series of a histogram that have these labels, as one. @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
  histogram(name: InstrumentName, labels?: Labels): HistogramValue;
  /** Every series, by instrument in the order of `INSTRUMENTS`, and in each in the order in which they came up. */
  series(): readonly MetricSeries[];
}

/** Makes a sink that keeps measurements in memory. @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function memoryMetrics(options: MemoryMetricsOptions = {}): MemoryMetrics {
  knownFields(options, ['buckets'], 'memoryMetrics');
  return new MemorySink(checkBuckets(options.buckets, 'memoryMetrics.buckets'));
}

class Tally {
  count = 0;
  sum = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  /** How many values are in each bucket alone; the last is that without a bound. */
  readonly inBucket: number[];

  constructor(buckets: number) {
    this.inBucket = new Array<number>(buckets + 1).fill(0);
  }
}

class MemorySink implements MemoryMetrics {
  readonly #bounds: readonly number[];
  readonly #numbers = new Map<string, Map<Labels, number>>();
  readonly #tallies = new Map<string, Map<Labels, Tally>>();

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  add({ name }: Instrument, value: number, labels: Labels): void {
    const series = seriesOf(this.#numbers, name);
    series.set(labels, (series.get(labels) ?? 0) + value);
  }

  set({ name }: Instrument, value: number, labels: Labels): void {
    seriesOf(this.#numbers, name).set(labels, value);
  }

  record({ name }: Instrument, value: number, labels: Labels): void {
    const series = seriesOf(this.#tallies, name);
    const tally = series.get(labels) ?? new Tally(this.#bounds.length);
    series.set(labels, tally);
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const at = found < 0 ? this.#bounds.length : found;
    tally.inBucket[at] = (tally.inBucket[at] as number) + 1;
    tally.count++;
    tally.sum += value;
    tally.min = Math.min(tally.min, value);
    tally.max = Math.max(tally.max, value);
  }

  value(name: InstrumentName, labels: Labels = {}): number {
    checkQuestion(name, labels, 'value');
    return matching(this.#numbers, name, labels).reduce((sum, value) => sum + value, 0);
  }

  histogram(name: InstrumentName, labels: Labels = {}): HistogramValue {
    checkQuestion(name, labels, 'histogram');
    return this.#valueOf(matching(this.#tallies, name, labels));
  }

  series(): readonly MetricSeries[] {
    return ALL_INSTRUMENTS.flatMap((instrument): readonly MetricSeries[] => {
      const name = instrument.name as InstrumentName;
      const { kind } = instrument;
      if (kind === 'histogram')
        return [...(this.#tallies.get(name) ?? [])].map(([labels, tally]) => {
          return { name, kind, labels, value: this.#valueOf([tally]) };
        });
      return [...(this.#numbers.get(name) ?? [])].map(([labels, value]) => ({ name, kind, labels, value }));
    });
  }

  #valueOf(tallies: readonly Tally[]): HistogramValue {
    const bounds = [...this.#bounds, Number.POSITIVE_INFINITY];
    const total = (of: (tally: Tally) => number) => tallies.reduce((sum, tally) => sum + of(tally), 0);
    let below = 0;
    return {
      count: total(({ count }) => count),
      sum: total(({ sum }) => sum),
      min: Math.min(...tallies.map(({ min }) => min)),
      max: Math.max(...tallies.map(({ max }) => max)),
      buckets: bounds.map((le, at) => {
        below += total(({ inBucket }) => inBucket[at] as number);
        return { le, count: below };
      }),
    };
  }
}

function seriesOf<T>(all: Map<string, Map<Labels, T>>, name: string): Map<Labels, T> {
  const found = all.get(name);
  if (found !== undefined) return found;
  const made = new Map<Labels, T>();
  all.set(name, made);
  return made;
}

function matching<T>(all: ReadonlyMap<string, ReadonlyMap<Labels, T>>, name: string, wanted: Labels): readonly T[] {
  const names = Object.keys(wanted) as LabelName[];
  return [...(all.get(name) ?? [])].flatMap(([labels, value]) =>
    names.every((label) => labels[label] === wanted[label]) ? [value] : [],
  );
}

/** Refuses a question that every answer would be 0 to. */
function checkQuestion(name: string, labels: Labels, asked: 'value' | 'histogram'): void {
  const ofKind = ALL_INSTRUMENTS.filter(({ kind }) => (kind === 'histogram') === (asked === 'histogram'));
  const instrument = ofKind.find((each) => each.name === name);
  if (instrument === undefined) {
    const known = ofKind.map((each) => each.name);
    refuse(`memoryMetrics.${asked}`, `knows no instrument "${String(name)}". ${didYouMean(String(name), known)}`, name);
  }
  knownFields(labels, instrument.labels, `memoryMetrics.${asked} of ${name}`);
}
