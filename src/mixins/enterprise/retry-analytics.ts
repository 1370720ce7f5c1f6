import type { Attempt } from '../../base/attempt.js';
import type { Settlement } from '../../base/run-view.js';
import type { GivenUp } from './failure.js';

/** How retries went for one group of attempts. */
export interface RetryCounts {
  /** Attempts that settled, in whatever way. */
  readonly attempts: number;
  /** Visits that completed with their first attempt. */
  readonly firstTry: number;
  /** Visits that completed after at least one attempt had failed or was lost. */
  readonly recovered: number;
  /** Visits that failed in the end, allowed or not. */
  readonly failed: number;
  /** Attempts that failed or were lost and were tried again. */
  readonly retries: number;
  /** Milliseconds of waiting that retries asked for. */
  readonly waitedMs: number;
}

/**
 * How retries went, over all nodes that have a retry policy: of their own, of their executor or of the runtime.
 */
export interface RetryAnalytics extends RetryCounts {
  /** When the first of these attempts settled, or the counts were reset. Epoch milliseconds; `null` before. */
  readonly since: number | null;
  /** Visits that failed in the end, by why their last attempt was the last. */
  readonly givenUp: Readonly<Record<GivenUp, number>>;
  /** Failed and lost attempts by the code of their error, at most 100 codes; the rest is counted under `(other)`. */
  readonly byCode: Readonly<Record<string, { readonly failures: number; readonly retries: number }>>;
  /** By executor; nodes that have none, such as maps, by their kind. At most 1,000; the rest is counted under `(other)`. */
  readonly byExecutor: Readonly<Record<string, RetryCounts>>;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const MOST_CODES = 100;
const MOST_EXECUTORS = 1_000;
const OTHER = '(other)';

function noCounts(): Writable<RetryCounts> {
  return { attempts: 0, firstTry: 0, recovered: 0, failed: 0, retries: 0, waitedMs: 0 };
}

function noneGivenUp(): Writable<RetryAnalytics['givenUp']> {
  return { attempts: 0, 'not-retriable': 0, budget: 0, 'retry-after': 0, 'time-limit': 0, strategy: 0, lost: 0 };
}

/** The entry of a key, made where it is new; of keys beyond the most, one for all. */
function entry<V>(map: Map<string, V>, key: string, most: number, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const own = map.size < most ? key : OTHER;
  let value = map.get(own);
  if (value === undefined) {
    value = make();
    map.set(own, value);
  }
  return value;
}

/** Counts how attempts of nodes with a retry policy end. */
export class RetryBook {
  #since: number | null = null;
  #all = noCounts();
  #givenUp = noneGivenUp();
  readonly #codes = new Map<string, { failures: number; retries: number }>();
  readonly #executors = new Map<string, Writable<RetryCounts>>();

  /** Counts one attempt. */
  note(attempt: Attempt, executor: string, settlement: Settlement): void {
    const { at, error, then } = settlement;
    this.#since ??= at;
    this.#count(this.#all, attempt, settlement);
    this.#count(entry(this.#executors, executor, MOST_EXECUTORS, noCounts), attempt, settlement);
    if (error === undefined) return;
    const byCode = entry(this.#codes, error.code, MOST_CODES, () => ({ failures: 0, retries: 0 }));
    byCode.failures++;
    if (then?.kind === 'retry') byCode.retries++;
  }

  #count(counts: Writable<RetryCounts>, { number }: Attempt, { status, at, then }: Settlement): void {
    counts.attempts++;
    if (status === 'completed') {
      if (number === 1) counts.firstTry++;
      else counts.recovered++;
    }
    if (then?.kind === 'retry') {
      counts.retries++;
      counts.waitedMs += then.at - at;
    } else if (then !== undefined) counts.failed++;
  }

  /** Counts why there was no further attempt. */
  noteGivenUp(why: GivenUp): void {
    this.#givenUp[why]++;
  }

  reset(now: number): void {
    this.#since = now;
    this.#all = noCounts();
    this.#givenUp = noneGivenUp();
    this.#codes.clear();
    this.#executors.clear();
  }

  report(): RetryAnalytics {
    const copies = <V extends object>(map: ReadonlyMap<string, V>) =>
      Object.fromEntries([...map].map(([key, value]) => [key, { ...value }]));
    return {
      since: this.#since,
      ...this.#all,
      givenUp: { ...this.#givenUp },
      byCode: copies(this.#codes),
      byExecutor: copies(this.#executors),
    };
  }
}
