import { didYouMean } from '../did-you-mean.js';
import { errorData, LockstepError } from '../errors.js';
import type { RunEvent } from '../events.js';
import type { Log } from '../ports.js';
import type { EventStore, StoredEvent } from './event-store.js';
import {
  checkProjection,
  type Projection,
  type ProjectionFailure,
  ProjectionProgress,
  placeOf,
  type SavedProjection,
} from './projection.js';
import type { ProjectionCache } from './projection-cache.js';
import { ProjectionFailedError, ProjectionStaleError } from './projection-errors.js';

/** Makes an event of what a store holds of it. */
export type DecodeEvent = (runId: string, stored: StoredEvent) => RunEvent;

/** What a runner needs. */
export interface ProjectionRunnerParts {
  /** Where it catches up from. */
  readonly store: Pick<EventStore, 'run' | 'runs' | 'events'>;
  readonly decode: DecodeEvent;
  /** Told of projections that fail. */
  readonly log: Log;
  /** Remembers what `ofRun` found. Default: nothing is remembered. */
  readonly cache?: ProjectionCache;
}

/** How a projection is read. */
export interface ReadOptions {
  /** `allow`: also where it has not seen every event, or took one in by half. Default `refuse`. */
  readonly stale?: 'allow' | 'refuse';
}

/** A projection, or its name. With a name nothing is known of the type of its state. */
export type ProjectionName<S> = Projection<S> | string;

/** How a projection stands. */
export interface ProjectionStatus {
  readonly name: string;
  readonly version: number;
  readonly required: boolean;
  /** How many events it has seen, all runs together. */
  readonly events: number;
  /** Where it got stuck; `undefined` where it has not. */
  readonly failure: ProjectionFailure | undefined;
}

/** How many runs are listed at a time. */
const PAGE = 200;

/**
 * Keeps projections up to date with a store. Whoever writes calls `applied` after each commit; whoever only reads calls `catchUp`.
 * A required projection that fails is reported to the writer; an optional one stops where it is, and reading it says so.
 */
export class ProjectionRunner {
  readonly #parts: ProjectionRunnerParts;
  readonly #all = new Map<string, ProjectionProgress<unknown>>();

  constructor(parts: ProjectionRunnerParts) {
    this.#parts = parts;
  }

  /** How all of them stand, in the order in which they were attached. */
  get projections(): readonly ProjectionStatus[] {
    return [...this.#all.values()].map(({ projection: { name, version, required = false }, events, failure }) => ({
      name,
      version,
      required,
      events,
      failure,
    }));
  }

  /**
   * Adds a projection, or replaces the one of this name, and applies to it what the store has.
   *
   * @param saved where it goes on from; of no account where it is of another version
   * @throws ConfigurationError INVALID_OPTION; ProjectionFailedError where it is required
   */
  attach<S>(projection: Projection<S>, saved?: SavedProjection<S>): void {
    checkProjection(projection, 'projection');
    const { name } = projection;
    const progress = new ProjectionProgress<S>(projection, saved) as ProjectionProgress<unknown>;
    this.#parts.cache?.forget({ projection: name });
    this.#all.set(name, progress);
    this.#catchUp(progress);
    this.#report([progress]);
  }

  /** Takes a projection away. `false` where there is none. */
  detach(name: string): boolean {
    this.#parts.cache?.forget({ projection: name });
    return this.#all.delete(name);
  }

  /**
   * Applies events that were committed, in the order in which they were. Those that a projection has seen are passed over; where it
   * lags behind, it reads what is missing from the store.
   *
   * @throws ProjectionFailedError where a required one fails, or has failed before; the others have been served
   */
  applied(events: readonly RunEvent[]): void {
    for (const progress of this.#all.values()) {
      for (const event of events) {
        const seen = progress.seen(event.runId);
        if (event.seq < seen) continue;
        if (event.seq > seen) this.#catchUpRun(progress, event.runId, event.seq);
        if (!this.#take(progress, event)) break;
      }
    }
    this.#report(this.#all.values());
  }

  /** Applies to all of them what the store has. @throws ProjectionFailedError where a required one fails, or has failed before */
  catchUp(): void {
    for (const progress of this.#all.values()) this.#catchUp(progress);
    this.#report(this.#all.values());
  }

  /** Makes a projection anew from what the store has. @throws LockstepError PROJECTION_UNKNOWN; ProjectionFailedError where it is required */
  rebuild(name: string): void {
    this.attach(this.#named(name).projection);
  }

  /** How many events a projection has seen: of a run, or of all together. @throws LockstepError PROJECTION_UNKNOWN */
  watermark(name: string, runId?: string): number {
    const progress = this.#named(name);
    return runId === undefined ? progress.events : progress.seen(runId);
  }

  /** What a projection has made. Whoever gets it must not change it. @throws ProjectionStaleError; LockstepError PROJECTION_UNKNOWN */
  read<S>(projection: ProjectionName<S>, { stale = 'refuse' }: ReadOptions = {}): S {
    const progress = this.#named(projection);
    if (stale !== 'allow') this.#fresh(progress);
    return progress.state as S;
  }

  /**
   * Makes sure that a projection has seen at least so many events of a run, so that whoever wrote them reads them.
   *
   * @throws ProjectionStaleError where it failed, or the store does not have so many; LockstepError PROJECTION_UNKNOWN
   */
  barrier(name: string, runId: string, events: number): void {
    const progress = this.#named(name);
    if (progress.seen(runId) >= events) return;
    this.#catchUpRun(progress, runId, events);
    this.#fresh(progress);
    const seen = progress.seen(runId);
    if (seen < events)
      throw new ProjectionStaleError(name, `has seen ${seen} events of run ${runId}, and the store has no more`);
  }

  /**
   * What a projection makes of one run alone, read from the store. Whoever gets it must not change it.
   *
   * @param events only of so many. Default: all
   * @throws whatever the projection throws; LockstepError PROJECTION_UNKNOWN
   */
  ofRun<S>(projection: ProjectionName<S>, runId: string, events = Number.POSITIVE_INFINITY): S {
    const { store, cache } = this.#parts;
    const { name, version } = this.#named(projection).projection;
    const to = Math.min(events, store.run(runId)?.events ?? 0);
    const make = (): S => this.#fold(name, runId, to) as S;
    return cache === undefined ? make() : cache.get({ projection: name, version, runId, events: to }, make);
  }

  /** What a projection has come to, to be given to `attach` later. @throws ProjectionStaleError; LockstepError PROJECTION_UNKNOWN */
  save<S>(projection: ProjectionName<S>): SavedProjection<S> {
    const progress = this.#named(projection);
    this.#fresh(progress);
    const { name, version } = progress.projection;
    return { name, version, state: progress.state as S, runs: new Map(progress.runs) };
  }

  /** A run was removed from the store. What it did to projections stays until they are rebuilt. */
  forget(runId: string): void {
    this.#parts.cache?.forget({ runId });
    for (const progress of this.#all.values()) progress.forget(runId);
  }

  #named(projection: string | { readonly name: string }): ProjectionProgress<unknown> {
    const name = typeof projection === 'string' ? projection : projection.name;
    const progress = this.#all.get(name);
    if (progress !== undefined) return progress;
    const what = `There is no projection "${name}". ${didYouMean(name, [...this.#all.keys()])}`;
    throw new LockstepError('PROJECTION_UNKNOWN', what, { at: name, value: name });
  }

  #fresh({ projection: { name }, failure }: ProjectionProgress<unknown>): void {
    if (failure === undefined) return;
    throw new ProjectionStaleError(name, `failed ${placeOf(failure)}`, failure.cause);
  }

  /** Tells the writer of the first required one that has failed. */
  #report(all: Iterable<ProjectionProgress<unknown>>): void {
    for (const { projection, failure } of all) {
      if (failure !== undefined && projection.required === true)
        throw new ProjectionFailedError(projection.name, failure);
    }
  }

  #take(progress: ProjectionProgress<unknown>, event: RunEvent): boolean {
    const failed = progress.failure !== undefined;
    const taken = progress.take(event);
    if (!taken && !failed) this.#logFailure(progress);
    return taken;
  }

  #logFailure({ projection: { name, required = false }, failure }: ProjectionProgress<unknown>): void {
    const { runId, seq, cause } = failure as ProjectionFailure;
    const { name: error, code } = errorData(cause); // its message may hold what a node made
    this.#parts.log.log('error', `Projection "${name}" failed ${placeOf(failure as ProjectionFailure)}.`, {
      projection: name,
      required,
      runId,
      seq,
      error: { name: error, code },
    });
  }

  /** Everything that the store has, the oldest run first. */
  #catchUp(progress: ProjectionProgress<unknown>): void {
    const runs: { readonly runId: string; readonly events: number }[] = [];
    const seen = progress.runs;
    this.#guarded(progress, '', () => {
      const { store } = this.#parts;
      for (let page = store.runs({ limit: PAGE }); page.length > 0; ) {
        for (const { runId, events } of page) if ((seen.get(runId) ?? 0) < events) runs.push({ runId, events });
        page = store.runs({ limit: PAGE, before: page[page.length - 1]?.runId as string });
      }
    });
    for (const { runId, events } of runs.reverse()) this.#catchUpRun(progress, runId, events);
  }

  /** What the store has of a run up to a position. */
  #catchUpRun(progress: ProjectionProgress<unknown>, runId: string, to: number): void {
    if (progress.failure !== undefined) return;
    const { store, decode } = this.#parts;
    this.#guarded(progress, runId, () => {
      for (const stored of store.events(runId, { from: progress.seen(runId), to }))
        if (!this.#take(progress, decode(runId, stored))) return;
    });
  }

  /** A store that cannot be read stops a projection as well: what it has is no longer known to be all. */
  #guarded(progress: ProjectionProgress<unknown>, runId: string, read: () => void): void {
    try {
      read();
    } catch (cause) {
      progress.fail({ runId, seq: progress.seen(runId), cause });
      this.#logFailure(progress);
    }
  }

  #fold(name: string, runId: string, to: number): unknown {
    const { store, decode } = this.#parts;
    const progress = new ProjectionProgress(this.#named(name).projection);
    for (const stored of store.events(runId, { to })) {
      if (!progress.take(decode(runId, stored))) throw progress.failure?.cause;
    }
    return progress.state;
  }
}
