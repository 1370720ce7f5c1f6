/** What the numbers of a row count. */
export type Unit = 'ns' | 'B';

/** One line of the table: a bare limit, ours beside it, and what may be spent. */
export interface Row {
  /** What was measured, within its scenario. */
  readonly what: string;
  readonly size: number;
  readonly unit: Unit;
  /** Of the bare limit, per node (or iteration, run, import); `undefined` where there is nothing to compare with. */
  readonly limit: number | undefined;
  readonly ours: number;
  /** Ours over the limit: the least of all rounds over the least of all rounds. */
  readonly ratio: number | undefined;
  /** The same of the medians: how it looks amid other work. */
  readonly medianRatio: number | undefined;
  readonly budget: Budget | undefined;
  /** Another variant, shown beside. */
  readonly note?: string;
}

/** The most that a row may show. */
export type Budget =
  | { readonly kind: 'ratio'; readonly most: number }
  | { readonly kind: 'absolute'; readonly most: number };

/** How much time a measurement may take. */
export interface Effort {
  /** Rounds in which the limit and ours are timed in turn; at least 7. */
  readonly rounds: number;
  /** How long one sample of one side takes at least, in milliseconds: short runs are repeated within it. */
  readonly sampleMs: number;
}

/** Something worth measuring. One file and, for each of its sizes, one process. */
export interface Scenario {
  /** One line for the table's heading. */
  readonly title: string;
  readonly sizes: readonly number[];
  /** The sizes that CI measures. */
  readonly ciSizes: readonly number[];
  measure(size: number, effort: Effort): Promise<readonly Row[]>;
}

/** Measurements for people. */
export const FULL: Effort = { rounds: 15, sampleMs: 40 };

/** Measurements for CI. */
export const SHORT: Effort = { rounds: 9, sampleMs: 20 };
