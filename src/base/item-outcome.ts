import type { ErrorData } from './errors.js';

/** The ports of a map beside those of what it runs. */
export const ITEMS = '$items';
export const FAILED = '$failed';

/** An item of a map, as its port `items` carries it. */
export type ItemOutcome<Output = Readonly<Record<string, unknown>>> =
  | { readonly status: 'completed'; readonly output: Output }
  | { readonly status: 'failed'; readonly error: ErrorData };

/** A failed item of a map, as its port `failed` carries it. */
export interface ItemFailure {
  /** Position in the list, from 0. */
  readonly index: number;
  readonly error: ErrorData;
}
