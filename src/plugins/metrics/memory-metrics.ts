import { didYouMean } from '../../base/did-you-mean.js';
import { ConfigurationError } from '../../base/errors.js';
import { knownFields } from '../../base/option-checks.js';
import { ALL_INSTRUMENTS, INSTRUMENTS, type Instrument, type InstrumentName } from './instruments.js';
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

/** The values of one series of a histogram. */
class Tally {
  count = 0;
  sum = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  /** How many values are in each bucket alone; the last is that without a bound. */
  readonly inBucket: number[];
  readonly #bounds: readonly number[];

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.inBucket = new Array<number>(bounds.length + 1).fill(0);
  }

  add(value: number): void {
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const at = found < 0 ? this.#bounds.length : found;
    this.inBucket[at] = (this.inBucket[at] as number) + 1;
    this.count++;
    this.sum += value;
    this.min = Math.min(this.min, value);
    this.max = Math.max(this.max, value);
  }
}

interface Series<T> {
  readonly labels: Labels;
  value: T;
}

/** Values by series: plugins that share a sink have labels of their own for the same series. */
class SeriesMap<T> {
  readonly #byText = new Map<string, Series<T>>();
  readonly #byLabels = new WeakMap<Labels, Series<T>>();

  /** The series of these labels; made where there is none. */
  of(labels: Labels, first: () => T): Series<T> {
    const found = this.#byLabels.get(labels);
    if (found !== undefined) return found;
    const text = JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
    const series = this.#byText.get(text) ?? { labels: Object.freeze({ ...labels }), value: first() };
    this.#byText.set(text, series);
    this.#byLabels.set(labels, series);
    return series;
  }

  /** Every series that has these labels. */
  with(wanted: Labels): readonly Series<T>[] {
    const names = Object.keys(wanted) as LabelName[];
    return [...this.#byText.values()].filter(({ labels }) => names.every((name) => labels[name] === wanted[name]));
  }
}

class MemorySink implements MemoryMetrics {
  readonly #bounds: readonly number[];
  readonly #numbers = new Map<string, SeriesMap<number>>();
  readonly #tallies = new Map<string, SeriesMap<Tally>>();

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    for (const { name, kind } of ALL_INSTRUMENTS) {
      if (kind === 'histogram') this.#tallies.set(name, new SeriesMap());
      else this.#numbers.set(name, new SeriesMap());
    }
  }

  add({ name }: Instrument, value: number, labels: Labels): void {
    const series = this.#numbers.get(name)?.of(labels, () => 0);
    if (series !== undefined) series.value += value;
  }

  set({ name }: Instrument, value: number, labels: Labels): void {
    const series = this.#numbers.get(name)?.of(labels, () => 0);
    if (series !== undefined) series.value = value;
  }

  record({ name }: Instrument, value: number, labels: Labels): void {
    this.#tallies
      .get(name)
      ?.of(labels, () => new Tally(this.#bounds))
      .value.add(value);
  }

  value(name: InstrumentName, labels: Labels = {}): number {
    checkQuestion(name, labels, 'value');
    return (this.#numbers.get(name)?.with(labels) ?? []).reduce((sum, { value }) => sum + value, 0);
  }

  histogram(name: InstrumentName, labels: Labels = {}): HistogramValue {
    checkQuestion(name, labels, 'histogram');
    return this.#valueOf((this.#tallies.get(name)?.with(labels) ?? []).map(({ value }) => value));
  }

  series(): readonly MetricSeries[] {
    return Object.values(INSTRUMENTS).flatMap(({ name, kind }): readonly MetricSeries[] =>
      kind === 'histogram'
        ? (this.#tallies.get(name)?.with({}) ?? []).map(({ labels, value }) => {
            return { name, kind, labels, value: this.#valueOf([value]) };
          })
        : (this.#numbers.get(name)?.with({}) ?? []).map(({ labels, value }) => ({ name, kind, labels, value })),
    );
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

/** Refuses a question that every answer would be 0 to. */
function checkQuestion(name: string, labels: Labels, asked: 'value' | 'histogram'): void {
  const ofKind = ALL_INSTRUMENTS.filter(({ kind }) => (kind === 'histogram') === (asked === 'histogram'));
  const instrument = ofKind.find((each) => each.name === name);
  if (instrument === undefined) {
    const other = ALL_INSTRUMENTS.find((each) => each.name === name);
    const is = other?.kind === 'histogram' ? 'a histogram: ask histogram()' : `a ${other?.kind}: ask value()`;
    const hint = didYouMean(
      String(name),
      ofKind.map((each) => each.name),
    );
    const what = other === undefined ? `There is no instrument "${String(name)}" here. ${hint}` : `"${name}" is ${is}.`;
    const at = `memoryMetrics.${asked}`;
    throw new ConfigurationError('INVALID_OPTION', `${at}: ${what}`, { at, value: name });
  }
  knownFields(labels, instrument.labels, `memoryMetrics.${asked} of ${name}`);
}
