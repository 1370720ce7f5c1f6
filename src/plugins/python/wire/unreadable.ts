import { LockstepError } from '../../../base/errors.js';
import { isRecord } from '../../../base/record.js';

/** How much of a text is kept, in characters, and of bytes. */
const KEPT = 1_024;
/** How many entries of a list are kept. */
const KEPT_ENTRIES = 16;

/**
 * The error about something that the other end of a stream sent. It keeps the beginning of that only: whoever remembers the error
 * remembers no more than that.
 *
 * @param what is wrong, as the end of a sentence: "cut off"
 * @param value what was sent
 */
export function unreadable(what: string, value: unknown, details: { readonly cause?: unknown } = {}): LockstepError {
  return new LockstepError('FRAME_UNREADABLE', `What a worker sent is ${what}.`, {
    value: beginningOf(value),
    ...details,
  });
}

/** What stands for something that may be long: its beginning, in memory of its own; of lists what stands for their entries. */
function beginningOf(value: unknown): unknown {
  // A part of a text, or of bytes, keeps the whole of it where it is not copied.
  if (typeof value === 'string')
    return value.length <= KEPT ? value : `${copyOf(value.slice(0, KEPT))}… (${value.length} characters)`;
  if (value instanceof Uint8Array) return Uint8Array.from(value.subarray(0, KEPT));
  if (Array.isArray(value))
    return value.slice(0, KEPT_ENTRIES).map((each) => (Array.isArray(each) ? '[…]' : beginningOf(each)));
  return isRecord(value) ? '{…}' : value;
}

function copyOf(text: string): string {
  return Buffer.from(text).toString();
}
