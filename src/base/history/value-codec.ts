import { LockstepError } from '../errors.js';
import { type BytesPort, plainBytes } from './bytes.js';
import { isPlain } from './plain-values.js';
import { type ReadingOptions, revive } from './value-reader.js';
import { refusalCode, ValueWriter, type WritingOptions } from './value-writer.js';

/** The version of the text that the value codec writes. `proto/golden/README.md` is its norm. */
export const VALUE_CODEC_VERSION = 1;

/**
 * A value as text: JSON in which what JSON cannot hold is a tagged object, `{"$":"date","v":0}`. Equal values whose keys have the
 * same order give equal text. Values that are shared are written as often as they occur, of a view of memory only what it shows.
 * An accessor is read; that an object is frozen, and properties that are not enumerable, are not written.
 *
 * A value that answers otherwise each time it is read is written as one of its answers says.
 *
 * @param at what the value is called in errors; the path inside it follows, as in `output.rows[3].when`
 * @throws LockstepError VALUE_NOT_STORABLE with the path, for what could not come back: functions, symbols, instances of other
 * classes, values that contain themselves or cannot be read
 */
export function encodeValue(value: unknown, at: string, bytes: BytesPort = plainBytes): string {
  return writeValue(value, { at, bytes, purpose: 'store' });
}

/**
 * A value as text, as `encodeValue` writes it, for any purpose and with bytes beside the text where the options ask for that.
 *
 * @throws LockstepError with the code of the purpose and the path of what cannot be written
 */
export function writeValue(value: unknown, options: WritingOptions): string {
  return isPlain(value) ? plainText(value, options) : new ValueWriter(options).write(value);
}

function plainText(value: unknown, { at, purpose }: WritingOptions): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new LockstepError(refusalCode(purpose), `The value at ${at} cannot be written as one text.`, { at, cause });
  }
}

/**
 * The value of a text that `encodeValue` wrote. Nothing in it is shared with another, and no key in it sets a prototype.
 *
 * @throws LockstepError VALUE_UNREADABLE where the text is none of its
 */
export function decodeValue(text: string, options: ReadingOptions = {}): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return text.includes('"$":') ? revive(parsed, options) : parsed;
  } catch (cause) {
    if (cause instanceof LockstepError) throw cause;
    throw new LockstepError('VALUE_UNREADABLE', 'A stored value cannot be read.', { value: text, cause });
  }
}

/**
 * A value as it is hashed: itself where it is plain JSON data, otherwise what the text of it holds, tagged objects included.
 *
 * @param at what the value is called in errors
 * @throws LockstepError UNHASHABLE_LITERAL with the path of what the value codec does not write
 */
export function hashableForm(value: unknown, at: string): unknown {
  if (isPlain(value)) return value;
  return JSON.parse(new ValueWriter({ at, bytes: plainBytes, purpose: 'hash' }).write(value));
}
