import type { Retention, RunHeader } from '../../base/history/event-store.js';
import { checkCount, checkDuration, knownFields } from '../../base/option-checks.js';

/** What a decision on keeping a run looks at. */
export interface EndedRun {
  readonly endedAt: number;
  readonly bytes: number;
}

/** Refuses what is no retention. @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkRetention(retention: Retention, at: string): void {
  knownFields(retention, ['keep', 'bytes', 'ageMs'], at);
  checkCount(retention.keep, 0, `${at}.keep`);
  checkCount(retention.bytes, 0, `${at}.bytes`);
  checkDuration(retention.ageMs, `${at}.ageMs`);
}

/** Whether a run has ended: only then it may be removed. */
export function hasEnded({ status }: Pick<RunHeader, 'status'>): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** Of ended runs, the newest first, those that are beyond a limit. */
export function beyond<R extends EndedRun>(ended: readonly R[], retention: Retention, now: number): readonly R[] {
  const {
    keep = Number.POSITIVE_INFINITY,
    bytes = Number.POSITIVE_INFINITY,
    ageMs = Number.POSITIVE_INFINITY,
  } = retention;
  let taken = 0;
  const first = ended.findIndex((run, index) => {
    taken += run.bytes;
    return index >= keep || taken > bytes || now - run.endedAt > ageMs;
  });
  return first === -1 ? [] : ended.slice(first);
}
