import { errorData } from '../errors.js';
import { EventFold } from '../event-fold.js';
import type { RunEvent } from '../events.js';
import { ExecutionState } from '../execution-state.js';
import type { Plan } from '../plan.js';
import type { Hash, Log } from '../ports.js';
import type { BytesPort } from './bytes.js';
import type { EventRange, EventStore, StoredSnapshot } from './event-store.js';
import { restoreSnapshot, SNAPSHOT_VERSION, type SnapshotData, takeSnapshot } from './state-snapshot.js';
import { decodeValue, encodeValue } from './value-codec.js';

/** What snapshots are made with. */
export interface SnapshotParts {
  readonly hash: Hash;
  readonly bytes: BytesPort;
  readonly log: Log;
}

/** A run of which a snapshot is taken or looked for. */
export interface SnapshotRun {
  readonly runId: string;
  readonly plan: Plan;
  readonly workflowHash: string;
}

/** A snapshot that was found, with the length of its text. */
export interface FoundSnapshot {
  readonly data: SnapshotData;
  readonly size: number;
}

/** The snapshots of the runs of a store. They only save time: whatever is wrong with one, an older one, or the whole log, serves as well. */
export class Snapshots {
  readonly #store: EventStore;
  readonly #parts: SnapshotParts;
  readonly #events: (runId: string, range: EventRange) => Iterable<RunEvent>;

  constructor(
    store: EventStore,
    parts: SnapshotParts,
    events: (runId: string, range: EventRange) => Iterable<RunEvent>,
  ) {
    this.#store = store;
    this.#parts = parts;
    this.#events = events;
  }

  /** The newest snapshot of a run that can be used. */
  latest(run: SnapshotRun): FoundSnapshot | undefined {
    for (const stored of this.#store.snapshots(run.runId)) {
      const data = this.#read(run, stored);
      if (data !== undefined) return { data, size: stored.state.length };
    }
    return undefined;
  }

  /** Reads one back, to see that it can be used. */
  #read({ runId, plan, workflowHash }: SnapshotRun, stored: StoredSnapshot): SnapshotData | undefined {
    const { hash, bytes, log } = this.#parts;
    if (stored.workflowHash !== workflowHash || stored.v !== SNAPSHOT_VERSION) return undefined;
    try {
      if (hash.sha256(stored.state) !== stored.checksum) throw new TypeError('Its checksum is another.');
      const data = decodeValue(stored.state, { bytes }) as SnapshotData;
      restoreSnapshot(new ExecutionState(plan), data);
      return data;
    } catch (error) {
      const { name, code, message } = errorData(error);
      const fields = { runId, events: stored.events, error: { name, code, message } };
      log.log('warn', 'A snapshot cannot be used; the run is read from an older one, or from its log.', fields);
      return undefined;
    }
  }

  /** Takes a snapshot of what is committed of a run. Returns the length of its text; `undefined` where none could be taken. */
  take(run: SnapshotRun, now: number): number | undefined {
    const { hash, bytes, log } = this.#parts;
    const { runId, plan, workflowHash } = run;
    try {
      const fold = this.#fold(run);
      const state = encodeValue(takeSnapshot(fold), `the state of run ${runId}`, bytes);
      const checksum = hash.sha256(state);
      const { length: events } = fold;
      this.#store.saveSnapshot(runId, { events, takenAt: now, workflowHash, v: SNAPSHOT_VERSION, state, checksum });
      return state.length;
    } catch (error) {
      const { name, code, message } = errorData(error);
      const fields = { runId, workflow: plan.workflow.name, error: { name, code, message } };
      log.log('warn', 'A snapshot could not be taken; the run goes on.', fields);
      return undefined;
    }
  }

  #fold(run: SnapshotRun): EventFold {
    const before = this.latest(run);
    const state = new ExecutionState(run.plan);
    const fold = before === undefined ? new EventFold(state) : restoreSnapshot(state, before.data);
    for (const event of this.#events(run.runId, { from: fold.length })) fold.apply(event);
    return fold;
  }
}
