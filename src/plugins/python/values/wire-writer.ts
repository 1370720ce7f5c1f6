import { writeValue } from '../../../base/history/value-codec.js';
import { wireBytes } from './wire-bytes.js';

/** From how many bytes on they travel beside the text: base64 of fewer costs less than a segment. */
export const SEGMENT_FROM_BYTES = 256;

/** Writes the values of one frame: texts, and the bytes beside them. */
export class WireWriter {
  readonly #segments: Uint8Array[] = [];

  /** What the texts refer to. Each is a view of the memory of a value: the frame is to be sent before the value changes. */
  get segments(): readonly Uint8Array[] {
    return this.#segments;
  }

  /**
   * The text of a value.
   *
   * @param at what the value is called in errors; the path inside it follows
   * @throws LockstepError VALUE_NOT_ENCODABLE with the path of what cannot be passed
   */
  write(value: unknown, at: string): string {
    return writeValue(value, { at, bytes: wireBytes, purpose: 'wire', aside: (bytes) => this.#aside(bytes) });
  }

  #aside(bytes: Uint8Array): number | undefined {
    return bytes.length < SEGMENT_FROM_BYTES ? undefined : this.#segments.push(bytes) - 1;
  }
}
