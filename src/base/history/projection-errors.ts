import { LockstepError } from '../errors.js';
import { type ProjectionFailure, placeOf } from './projection.js';

/** A required projection could not apply events. The events are committed: appending them again would be wrong. */
export class ProjectionFailedError extends LockstepError {
  /** Name of the projection. */
  readonly projection: string;
  readonly runId: string;
  /** Position in the run of the event that it did not take in. */
  readonly seq: number;

  constructor(projection: string, failure: ProjectionFailure) {
    const { runId, seq, cause } = failure;
    const what = `The events are committed, but the required projection "${projection}" failed ${placeOf(failure)}.`;
    super('PROJECTION_FAILED', what, { at: projection, cause });
    this.projection = projection;
    this.runId = runId;
    this.seq = seq;
  }
}

/** A projection was asked that has not seen every event: it failed, or the store does not have them. */
export class ProjectionStaleError extends LockstepError {
  /** Name of the projection. */
  readonly projection: string;

  /** @param why the rest of the sentence that begins with its name */
  constructor(projection: string, why: string, cause?: unknown) {
    super('PROJECTION_STALE', `Projection "${projection}" ${why}.`, { at: projection, cause });
    this.projection = projection;
  }
}
