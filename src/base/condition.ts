import { ConfigurationError } from './errors.js';
import { type Delivered, type Ref, referenceOf, withHomes } from './ref.js';
import type { CycleData } from './workflow-data.js';

/** What a convergence test may look at beside the value: how the cycle went so far. */
export interface CycleView {
  /** The iteration that has just ended, from 0. */
  readonly iteration: number;
  /** The value that this test was given at the end of the previous iteration; `undefined` at the first. */
  readonly previous: unknown;
  /** The metrics of past iterations, oldest first, as many as `keepHistory` allows. */
  readonly history: readonly number[];
  /** Milliseconds since the cycle was entered. */
  readonly elapsedMs: number;
}

/** What a test answers: whether the cycle has converged, or that together with the number that measures it. */
export type Verdict = boolean | { readonly met: boolean; readonly metric?: number };

/** A test, as the kernel calls it. */
export type ConditionTest = (value: unknown, view: CycleView) => Verdict;

/** When a cycle stops. Made by `when`. */
export interface Condition {
  readonly of: NonNullable<CycleData['until']>;
  readonly test: ConditionTest;
}

type Named = Readonly<Record<string, Ref<unknown, string>>>;
type NamedValues<N extends Named> = {
  readonly [K in keyof N]: N[K] extends Ref<infer T, infer C> ? Delivered<T, C> : never;
};

/**
 * Stops a cycle when a test of a value (or of several, by name) is true. Asked at the end of every iteration. A source that
 * is dead in an iteration is not met. A value that is a number is the cycle's metric, unless the test returns its own.
 */
export function when<T, C extends string>(ref: Ref<T, C>, test: (value: T, view: CycleView) => Verdict): Condition;
export function when<const N extends Named>(
  refs: N,
  test: (values: NamedValues<N>, view: CycleView) => Verdict,
): Condition;
export function when(refs: unknown, test: (value: never, view: CycleView) => Verdict): Condition {
  if (typeof test !== 'function') {
    throw new ConfigurationError('INVALID_CYCLE', 'when() needs a test function.', { at: 'when', value: test });
  }
  const single = referenceOf(refs);
  const of = single === undefined ? { named: namedSources(refs) } : { of: single.source };
  const read = single === undefined ? Object.values(refs as Named) : [single];
  return withHomes(Object.freeze({ of, test: test as ConditionTest }), read);
}

function namedSources(refs: unknown) {
  const sources = Object.entries(refs ?? {}).map(([name, ref]) => {
    const reference = referenceOf(ref);
    if (reference !== undefined) return [name, reference.source] as const;
    throw new ConfigurationError('INVALID_CYCLE', `when() got "${name}", which is not a reference.`, {
      at: 'when',
      value: ref,
    });
  });
  if (sources.length === 0)
    throw new ConfigurationError('INVALID_CYCLE', 'when() was called without a source.', { at: 'when' });
  return Object.fromEntries(sources);
}
