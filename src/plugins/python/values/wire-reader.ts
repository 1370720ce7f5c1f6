import { LockstepError } from '../../../base/errors.js';
import { decodeValue } from '../../../base/history/value-codec.js';
import { wireBytes } from './wire-bytes.js';

/**
 * The value of a text that a worker sent, with the bytes that came beside it. Those are copied: nothing of the frame is kept alive.
 *
 * @throws LockstepError FRAME_UNREADABLE where the text is none of the value codec, or refers to bytes that did not come
 */
export function readWireValue(text: string, segments: readonly Uint8Array[]): unknown {
  try {
    return decodeValue(text, { bytes: wireBytes, segment: (place) => copyOf(segments[place]) });
  } catch (cause) {
    throw new LockstepError('FRAME_UNREADABLE', 'A worker sent a value that cannot be read.', { value: text, cause });
  }
}

/** With memory of its own, which begins where numbers of any size may begin. */
function copyOf(segment: Uint8Array | undefined): Uint8Array<ArrayBuffer> {
  if (segment === undefined) throw new TypeError('no such segment');
  return new Uint8Array(segment);
}
