import { refuse } from '../../base/option-checks.js';
import { type Token, token } from '../token.js';
import { DURATION_BUCKETS, type Instrument } from './instruments.js';
import type { Labels } from './labels.js';

/**
 * Where measurements go: the port that a backend implements. Which method is called follows from the kind of the instrument.
 * A plugin gives the labels of one series always as the same frozen object, and as many series as its `maxSeries` allows.
 * What a method throws is logged and touches no run.
 */
export interface MetricsSink {
  /** Adds to a `counter`, or to a `gauge`; only there `value` may be negative. */
  add(instrument: Instrument, value: number, labels: Labels): void;
  /** Sets a `state`: 1 or 0. */
  set(instrument: Instrument, value: number, labels: Labels): void;
  /** Adds a value to a `histogram`, in the unit of the instrument. */
  record(instrument: Instrument, value: number, labels: Labels): void;
}

/** The sink that the metrics plugin of a runtime was given. */
export const METRICS: Token<MetricsSink> = token<MetricsSink>('METRICS');

/** The bounds of buckets, checked: finite, ascending, at least one. Default: `DURATION_BUCKETS`. */
export function checkBuckets(given: readonly number[] | undefined, at: string): readonly number[] {
  if (given === undefined) return DURATION_BUCKETS;
  const ascends =
    Array.isArray(given) &&
    given.length > 0 &&
    given.every((bound, index) => Number.isFinite(bound) && (index === 0 || bound > (given[index - 1] as number)));
  if (!ascends) refuse(at, 'must be a list of finite numbers in ascending order, at least one', given);
  return Object.freeze([...given]);
}
