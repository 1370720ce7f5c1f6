import type { EventKind, RunEvent } from '../events.js';
import { checkCount, checkFlag, refuse } from '../option-checks.js';
import { isRecord } from '../record.js';

/**
 * A fold over the events of runs. Events of one run come in order, each once; those of different runs in any order, so what it
 * makes must not depend on which run came first. It may change its state in place.
 */
export interface Projection<S> {
  /** Unique among the projections of a runner. */
  readonly name: string;
  /** A whole number. Another one whenever it makes something else of the same events: what was made before is then made anew. */
  readonly version: number;
  /** An append that it could not apply does not count as healthy: its writer is told. Default `false`. */
  readonly required?: boolean;
  /** The kinds that it is given. Default: all. */
  readonly kinds?: readonly EventKind[];
  /** The state before any event. Called again for each rebuild. */
  init(): S;
  /** Takes in one event. Returns the new state, or nothing where it changed the one that it was given. */
  apply(state: S, event: RunEvent): S | undefined;
}

/**
 * Refuses what is no projection.
 *
 * @param at what it is called in errors
 * @throws ConfigurationError INVALID_OPTION
 */
export function checkProjection(projection: unknown, at: string): asserts projection is Projection<unknown> {
  if (!isRecord(projection)) refuse(at, 'must be an object', projection);
  const { name, version, required, kinds, init, apply } = projection;
  if (typeof name !== 'string' || name === '') refuse(`${at}.name`, 'must be a text that is not empty', name);
  if (version === undefined) refuse(`${at}.version`, 'must be a whole number of at least 0', version);
  checkCount(version as number, 0, `${at}.version`);
  checkFlag(required as boolean | undefined, `${at}.required`);
  if (kinds !== undefined && !Array.isArray(kinds)) refuse(`${at}.kinds`, 'must be an array', kinds);
  if (typeof init !== 'function') refuse(`${at}.init`, 'must be a function', init);
  if (typeof apply !== 'function') refuse(`${at}.apply`, 'must be a function', apply);
}

/** What a projection has come to, so that it can go on from there in another process. */
export interface SavedProjection<S> {
  readonly name: string;
  readonly version: number;
  readonly state: S;
  /** How many events of each run were applied. */
  readonly runs: ReadonlyMap<string, number>;
}

/** Where a projection got stuck. */
export interface ProjectionFailure {
  /** Empty where the store could not even list its runs. */
  readonly runId: string;
  /** Position in the run of the event that it did not take in. */
  readonly seq: number;
  readonly cause: unknown;
}

/** Where a projection got stuck, in words. */
export function placeOf({ runId, seq }: ProjectionFailure): string {
  return runId === '' ? 'when the runs of the store were listed' : `at event ${seq} of run ${runId}`;
}

/**
 * A projection that is being kept up to date. Once it has failed it takes in nothing more, because it may have changed its
 * state by half.
 */
export class ProjectionProgress<S> {
  readonly projection: Projection<S>;
  readonly #kinds: ReadonlySet<EventKind> | undefined;
  readonly #runs: Map<string, number>;
  #state: S;
  #events = 0;
  #failure: ProjectionFailure | undefined;

  constructor(projection: Projection<S>, saved?: SavedProjection<S>) {
    const { name, version, kinds } = projection;
    const usable = saved?.name === name && saved.version === version ? saved : undefined;
    this.projection = projection;
    this.#kinds = kinds === undefined ? undefined : new Set(kinds);
    this.#state = usable === undefined ? projection.init() : usable.state;
    this.#runs = new Map(usable?.runs);
    for (const events of this.#runs.values()) this.#events += events;
  }

  get state(): S {
    return this.#state;
  }

  get failure(): ProjectionFailure | undefined {
    return this.#failure;
  }

  /** How many events it has seen, all runs together. */
  get events(): number {
    return this.#events;
  }

  /** How many events of each run it has seen. */
  get runs(): ReadonlyMap<string, number> {
    return this.#runs;
  }

  /** How many events of a run it has seen. */
  seen(runId: string): number {
    return this.#runs.get(runId) ?? 0;
  }

  /** Takes in the next event of a run. `false` where it cannot. */
  take(event: RunEvent): boolean {
    const { runId, seq, kind } = event;
    if (this.#failure !== undefined) return false;
    try {
      if (seq !== this.seen(runId)) throw new TypeError(`Its position should be ${this.seen(runId)}.`);
      if (this.#kinds?.has(kind) !== false) this.#state = this.projection.apply(this.#state, event) ?? this.#state;
    } catch (cause) {
      return this.fail({ runId, seq, cause });
    }
    this.#runs.set(runId, seq + 1);
    this.#events++;
    return true;
  }

  /** It can take in nothing more. The first reason stands. */
  fail(failure: ProjectionFailure): false {
    this.#failure ??= failure;
    return false;
  }

  /** A run is gone; what it did to the state stays. */
  forget(runId: string): void {
    this.#events -= this.seen(runId);
    this.#runs.delete(runId);
  }
}
