import { ConfigurationError } from './errors.js';
import { predicateIdentity } from './predicate.js';
import { type Delivered, type Ref, referenceOf, withHomes } from './ref.js';
import type { ConditionData, Source } from './workflow-data.js';

/** What a convergence test may look at beside the value: how the cycle went so far. */
export interface CycleView {
  /** The id of the cycle. */
  readonly cycle: string;
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

/** When a cycle stops. Made by `when`, `tolerance`, `plateau`, `budget`, `anyOf` and `allOf`, and by nothing else. */
export interface Condition {
  readonly data: ConditionData;
  /** The functions of its leaves, in the order in which they are written. */
  readonly tests: readonly ConditionTest[];
}

/**
 * Makes a condition.
 *
 * @param read what it was made of, so that a reference of another workflow is noticed
 */
export function conditionOf(data: ConditionData, tests: readonly ConditionTest[], read: readonly unknown[]): Condition {
  return withHomes(Object.freeze({ data: Object.freeze(data), tests: Object.freeze([...tests]) }), read);
}

/** Whether a value is a condition. */
export function isCondition(value: unknown): value is Condition {
  if (typeof value !== 'object' || value === null || !('data' in value) || !('tests' in value)) return false;
  return typeof value.data === 'object' && value.data !== null && Array.isArray(value.tests);
}

/** Several references, by name. */
export type NamedRefs = Readonly<Record<string, Ref<unknown, string>>>;

type NamedValues<N extends NamedRefs> = {
  readonly [K in keyof N]: N[K] extends Ref<infer T, infer C> ? Delivered<T, C> : never;
};

/**
 * Stops a cycle when a test of a value (or of several, by name) is true. Asked at the end of every iteration. A source that
 * is dead in an iteration is not met. A value that is a number is the cycle's metric, unless the test returns its own.
 *
 * @throws ConfigurationError INVALID_CYCLE
 */
export function when<T, C extends string>(ref: Ref<T, C>, test: (value: T, view: CycleView) => Verdict): Condition;
export function when<const N extends NamedRefs>(
  refs: N,
  test: (values: NamedValues<N>, view: CycleView) => Verdict,
): Condition;
export function when(refs: unknown, test: (value: never, view: CycleView) => Verdict): Condition {
  if (typeof test !== 'function') {
    throw new ConfigurationError('INVALID_CYCLE', 'when() needs a test function.', { at: 'when', value: test });
  }
  const use = predicateIdentity(test);
  const own = { kind: 'function' as const, ...(use === undefined ? {} : { use }) };
  const single = referenceOf(refs);
  if (single !== undefined) return conditionOf({ ...own, of: single.source }, [test as ConditionTest], [single]);
  return conditionOf(
    { ...own, named: namedSources('when', refs) },
    [test as ConditionTest],
    Object.values(refs as NamedRefs),
  );
}

/** The sources of named references. @throws ConfigurationError INVALID_CYCLE */
export function namedSources(maker: string, refs: unknown): Readonly<Record<string, Source>> {
  const sources = Object.entries(refs ?? {}).map(([name, ref]) => {
    const reference = referenceOf(ref);
    if (reference !== undefined) return [name, reference.source] as const;
    throw new ConfigurationError('INVALID_CYCLE', `${maker}() got "${name}", which is not a reference.`, {
      at: maker,
      value: ref,
    });
  });
  if (sources.length === 0)
    throw new ConfigurationError('INVALID_CYCLE', `${maker}() was called without a source.`, { at: maker });
  return Object.fromEntries(sources);
}
