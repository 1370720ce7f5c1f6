import type { Parcel } from '../../src/base/executor-port.js';
import { decodeValue, writeValue } from '../../src/base/history/value-codec.js';
import { nodeBytes } from '../../src/runtimes/node-bytes.js';

/** What is shorter stays in the text of its value. */
const ASIDE_FROM_BYTES = 256;

/** A value as it crosses: its text, and the bytes beside that. */
export function parcelOf(value: unknown, at: string): Parcel & { readonly data: string } {
  const all: Uint8Array[] = [];
  const aside = (bytes: Uint8Array): number | undefined =>
    bytes.length < ASIDE_FROM_BYTES ? undefined : all.push(bytes) - 1;
  return { data: writeValue(value, { at, bytes: nodeBytes, purpose: 'store', aside }), bytes: all };
}

/** The value of a text and of bytes that came in memory of their own. */
export function valueIn(text: string, bytes: Parcel['bytes']): unknown {
  return decodeValue(text, { bytes: nodeBytes, segment: (place) => bytes[place] as Uint8Array<ArrayBuffer> });
}
