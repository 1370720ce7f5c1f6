import { type Condition, conditionOf, isCondition } from './condition.js';
import { ConfigurationError } from './errors.js';
import { knownFields } from './option-checks.js';
import { type Ref, type Reference, referenceOf } from './ref.js';
import type { Direction } from './workflow-data.js';

/** Options of `tolerance`. */
export interface ToleranceOptions {
  /** The difference is compared with `epsilon` times the larger of the two values (without their signs). Default `false`. */
  readonly relative?: boolean;
}

/** Options of `plateau`. */
export interface PlateauOptions {
  /** How many iterations in a row bring no improvement. A whole number, at least 1. */
  readonly patience: number;
  /** An improvement is a difference of more than this, at least 0. Default 0. */
  readonly epsilon?: number;
  /** Which way the value gets better. Default `min`. */
  readonly mode?: Direction;
}

/** Options of `budget`: one of them, or both. */
export interface BudgetOptions {
  /** How many iterations may be spent. A whole number, at least 1. */
  readonly iterations?: number;
  /** How long may be spent, in milliseconds, measured at the end of each iteration. */
  readonly elapsedMs?: number;
}

function refuse(maker: string, what: string, value: unknown): never {
  throw new ConfigurationError('INVALID_CYCLE', `${maker}() ${what}.`, { at: maker, value });
}

function numberRef(maker: string, ref: unknown): Reference {
  return referenceOf(ref) ?? refuse(maker, 'takes a reference to a number', ref);
}

function epsilonOf(maker: string, epsilon: unknown): number {
  if (typeof epsilon === 'number' && Number.isFinite(epsilon) && epsilon >= 0) return epsilon;
  return refuse(maker, 'needs an epsilon that is a finite number of at least 0', epsilon);
}

function countOf(maker: string, name: string, count: unknown): number {
  if (Number.isSafeInteger(count) && (count as number) >= 1) return count as number;
  return refuse(maker, `needs ${name} as a whole number of at least 1`, count);
}

/**
 * Stops a cycle when a value has come to rest: it differs from that of the iteration before by at most `epsilon`. Not met in the
 * first iteration, nor where the value is missing, infinite or NaN in this iteration or the one before. Its value is the metric
 * of the cycle. A value that is no number fails the cycle with CONDITION_VALUE.
 *
 * @throws ConfigurationError INVALID_CYCLE, UNKNOWN_OPTION
 */
export function tolerance<C extends string>(
  ref: Ref<number, C>,
  epsilon: number,
  options: ToleranceOptions = {},
): Condition {
  knownFields(options, ['relative'], 'tolerance');
  const { relative = false } = options;
  if (typeof relative !== 'boolean') refuse('tolerance', 'needs relative as true or false', relative);
  const reference = numberRef('tolerance', ref);
  const data = { kind: 'tolerance' as const, of: reference.source, epsilon: epsilonOf('tolerance', epsilon), relative };
  return conditionOf(data, [], [reference]);
}

/**
 * Stops a cycle when a value no longer gets better: none of the last `patience` values is better, by more than `epsilon`, than
 * the best one before them, as far back as the cycle's `keepHistory` reaches. Iterations in which the value is missing, infinite or NaN are not counted, and it is not met in them. Its
 * value is the metric of the cycle, and all plateaus of a cycle look at the same one. A value that is no number fails the cycle
 * with CONDITION_VALUE.
 *
 * @throws ConfigurationError INVALID_CYCLE, UNKNOWN_OPTION
 */
export function plateau<C extends string>(ref: Ref<number, C>, options: PlateauOptions): Condition {
  knownFields(options, ['patience', 'epsilon', 'mode'], 'plateau');
  const { epsilon = 0, mode = 'min' } = options;
  if (mode !== 'min' && mode !== 'max') refuse('plateau', 'needs the mode "min" or "max"', mode);
  const reference = numberRef('plateau', ref);
  const patience = countOf('plateau', 'patience', options.patience);
  const data = {
    kind: 'plateau' as const,
    of: reference.source,
    epsilon: epsilonOf('plateau', epsilon),
    patience,
    mode,
  };
  return conditionOf(data, [], [reference]);
}

/**
 * Met when so many iterations or milliseconds have been spent; with both, when either is. Counts as converged: within `allOf` it
 * is the least that a cycle spends, within `anyOf` the most that counts as success. The caps of the cycle stay what they are.
 *
 * @throws ConfigurationError INVALID_CYCLE, UNKNOWN_OPTION
 */
export function budget(options: BudgetOptions): Condition {
  knownFields(options, ['iterations', 'elapsedMs'], 'budget');
  const { iterations, elapsedMs } = options;
  if (iterations === undefined && elapsedMs === undefined) refuse('budget', 'needs iterations or elapsedMs', options);
  if (elapsedMs !== undefined && !(Number.isFinite(elapsedMs) && elapsedMs > 0))
    refuse('budget', 'needs elapsedMs as a finite number of milliseconds > 0', elapsedMs);
  const data = {
    kind: 'budget' as const,
    ...(iterations === undefined ? {} : { iterations: countOf('budget', 'iterations', iterations) }),
    ...(elapsedMs === undefined ? {} : { elapsedMs }),
  };
  return conditionOf(data, [], []);
}

function combine(kind: 'anyOf' | 'allOf', conditions: readonly Condition[]): Condition {
  if (conditions.length === 0) refuse(kind, 'was called without a condition', conditions);
  for (const condition of conditions) if (!isCondition(condition)) refuse(kind, 'combines conditions', condition);
  const data = { kind, parts: Object.freeze(conditions.map((condition) => condition.data)) };
  return conditionOf(
    data,
    conditions.flatMap((condition) => condition.tests),
    conditions,
  );
}

/**
 * Met when at least one of several conditions is. Every one of them is asked in every iteration. The metric of the cycle is that
 * of its plateau, if there is one, and otherwise that of the first condition that measures anything.
 *
 * @throws ConfigurationError INVALID_CYCLE
 */
export function anyOf(...conditions: readonly Condition[]): Condition {
  return combine('anyOf', conditions);
}

/**
 * Met when all of several conditions are. One whose source is dead is not. Every one of them is asked in every iteration; the
 * metric is found as for `anyOf`.
 *
 * @throws ConfigurationError INVALID_CYCLE
 */
export function allOf(...conditions: readonly Condition[]): Condition {
  return combine('allOf', conditions);
}
