import { LockstepError } from '../../../base/errors.js';
import { decodeValue } from '../../../base/history/value-codec.js';
import type { Segment, SharedFile } from '../wire/frame.js';
import { unreadable } from '../wire/unreadable.js';
import { wireBytes } from './wire-bytes.js';

/** Reads a file that came beside a text, into memory of its own. */
export type ReadFile = (file: SharedFile) => Uint8Array<ArrayBuffer>;

/**
 * The value of a text that a worker sent, with the bytes that came beside it. Those are copied: nothing of the frame is kept alive.
 *
 * @throws LockstepError FRAME_UNREADABLE where the text is none of the value codec, or refers to bytes that did not come
 */
export function readWireValue(text: string, segments: readonly Segment[], readFile: ReadFile = refuseFile): unknown {
  try {
    return decodeValue(text, { bytes: wireBytes, segment: (place) => copyOf(segments[place], readFile) });
  } catch (cause) {
    // The cause keeps the whole text where it is an error of the codec: what that found is told by the one below.
    throw unreadable('a value that cannot be read', text, {
      cause: cause instanceof LockstepError && cause.code === 'VALUE_UNREADABLE' ? cause.cause : cause,
    });
  }
}

/**
 * The value of a text that `WireWriter` wrote, whose arrays are over the very memory of the bytes beside it.
 *
 * @param bytes each all of its memory, which nobody else has
 * @throws LockstepError VALUE_UNREADABLE
 */
export function readOwnValue(text: string, bytes: readonly Uint8Array<ArrayBuffer>[]): unknown {
  return decodeValue(text, { bytes: wireBytes, segment: (place) => bytes[place] as Uint8Array<ArrayBuffer> });
}

/** With memory of its own, which begins where numbers of any size may begin. */
function copyOf(segment: Segment | undefined, readFile: ReadFile): Uint8Array<ArrayBuffer> {
  if (segment === undefined) throw new TypeError('no such segment');
  return segment instanceof Uint8Array ? new Uint8Array(segment) : readFile(segment);
}

function refuseFile(): never {
  throw new TypeError('no files are shared');
}
