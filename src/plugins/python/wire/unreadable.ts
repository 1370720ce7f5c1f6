import { LockstepError } from '../../../base/errors.js';

/**
 * The error about something that the other end of a stream sent.
 *
 * @param what is wrong, as the end of a sentence: "cut off"
 * @param value what was sent
 */
export function unreadable(what: string, value: unknown, details: { readonly cause?: unknown } = {}): LockstepError {
  return new LockstepError('FRAME_UNREADABLE', `What a worker sent is ${what}.`, { value, ...details });
}
