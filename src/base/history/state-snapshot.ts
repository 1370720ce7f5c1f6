import { LockstepError } from '../errors.js';
import { hasShape, shapeOf } from '../event-data.js';
import { EventFold, type OpenAttempt } from '../event-fold.js';
import type { EventData } from '../events.js';
import type { ExecutionState } from '../execution-state.js';
import { readState, type StateData, StateWriter } from './state-data.js';

/** The version of the format of a snapshot. One of another version is not read: the events are replayed instead. */
export const SNAPSHOT_VERSION = 1;

/**
 * What the first events of a run did, as data that the value codec can write. Goes on from it and the events after it, a run
 * is the same as from all its events. Values in it are those of the run, not copies.
 */
export interface SnapshotData {
  /** See `SNAPSHOT_VERSION`. */
  readonly version: number;
  /** How many events it stands for. */
  readonly events: number;
  /** Shape of the plan, as in `run.started`. */
  readonly plan: EventData['run.started']['plan'];
  readonly state: StateData;
}

/** Takes a snapshot of what a fold has come to. The fold may go on: that does not change the snapshot. */
export function takeSnapshot({ state, length, open }: EventFold): SnapshotData {
  return {
    version: SNAPSHOT_VERSION,
    events: length,
    plan: shapeOf(state.plan),
    state: new StateWriter(open).write(state),
  };
}

/**
 * A fold that goes on where a snapshot was taken. The snapshot may be used again.
 *
 * @param state a fresh one, of the plan that the run has
 * @throws LockstepError PLAN_MISMATCH when it was taken with another plan, SNAPSHOT_UNUSABLE when it is of another version or no snapshot
 */
export function restoreSnapshot(state: ExecutionState, data: SnapshotData): EventFold {
  const { plan } = state;
  const open = new Map<ExecutionState, OpenAttempt[]>();
  try {
    if (data.version !== SNAPSHOT_VERSION) throw new TypeError(`Its version is not ${SNAPSHOT_VERSION}.`);
    if (!hasShape(plan, data.plan))
      throw new LockstepError(
        'PLAN_MISMATCH',
        `The snapshot was taken with another plan than that of "${plan.workflow.name}".`,
      );
    readState(state, data.state, open);
  } catch (cause) {
    if (cause instanceof LockstepError) throw cause;
    throw new LockstepError('SNAPSHOT_UNUSABLE', 'The snapshot cannot be used.', { cause });
  }
  return new EventFold(state, { length: data.events, open });
}

/** What has happened since the last snapshot of a run, or since its start. */
export interface SinceSnapshot {
  readonly eventsSince: number;
  /** How many bytes of events were written. */
  readonly bytesSince: number;
  readonly msSince: number;
  /** How many bytes the last snapshot had; 0 where there is none. */
  readonly lastBytes: number;
}

/**
 * A snapshot is due after so many events. A log of as many is replayed in some 50 ms; every event before it is folded once more
 * for it, which is why it is not taken more often.
 */
export const SNAPSHOT_EVENTS = 10_000;
/** It is due after so many milliseconds … */
export const SNAPSHOT_MS = 60_000;
/** … if there were so many events. */
export const SNAPSHOT_LEAST_EVENTS = 1_000;

/**
 * Whether to take a snapshot of a run: every 10,000 events, or after 60 s with 1,000, but not before as many bytes of events were
 * written as the last one had. All snapshots of a run but the last then take no more than its events do, however its state grows.
 */
export function snapshotDue({ eventsSince, bytesSince, msSince, lastBytes }: SinceSnapshot): boolean {
  if (eventsSince < SNAPSHOT_LEAST_EVENTS || bytesSince < lastBytes) return false;
  return eventsSince >= SNAPSHOT_EVENTS || msSince >= SNAPSHOT_MS;
}
