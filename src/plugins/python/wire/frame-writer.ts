import type { Frame, Segment } from './frame.js';
import { tagOf } from './protobuf-reader.js';

const FRAME = tagOf(1, 'bytes');
const CALL = tagOf(1, 'fixed32');
const KIND = tagOf(2, 'varint');
const TEXT = tagOf(3, 'bytes');
const SEGMENT = tagOf(4, 'bytes');
const DATA = tagOf(1, 'bytes');
const FILE = tagOf(2, 'bytes');
const PATH = tagOf(1, 'bytes');
const SIZE = tagOf(2, 'fixed64');

/** Bytes of a tag: no field of ours has a number above 15. */
const TAG = 1;
const FIXED32 = TAG + 4;
const FIXED64 = TAG + 8;

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/** The bytes of a field whose value has a length in front. */
function fieldSize(length: number): number {
  return TAG + varintSize(length) + length;
}

function fileSize({ path }: { readonly path: string }): number {
  return fieldSize(Buffer.byteLength(path)) + FIXED64;
}

function segmentSize(segment: Segment): number {
  return fieldSize(segment instanceof Uint8Array ? segment.length : fileSize(segment));
}

function frameSize({ kind, text, segments }: Frame): number {
  let size = FIXED32 + TAG + varintSize(kind) + fieldSize(Buffer.byteLength(text));
  for (const segment of segments) size += fieldSize(segmentSize(segment));
  return size;
}

/** Writes fields into memory of the right size, from front to back. */
class FieldWriter {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  frame(frame: Frame): void {
    this.#head(FRAME, frameSize(frame));
    this.#at = this.#bytes.writeUInt8(CALL, this.#at);
    this.#at = this.#bytes.writeUInt32LE(frame.call, this.#at);
    this.#head(KIND, frame.kind);
    this.#text(TEXT, frame.text);
    for (const segment of frame.segments) this.#segment(segment);
  }

  #segment(segment: Segment): void {
    this.#head(SEGMENT, segmentSize(segment));
    if (segment instanceof Uint8Array) {
      this.#head(DATA, segment.length);
      this.#bytes.set(segment, this.#at);
      this.#at += segment.length;
      return;
    }
    this.#head(FILE, fileSize(segment));
    this.#text(PATH, segment.path);
    this.#at = this.#bytes.writeUInt8(SIZE, this.#at);
    this.#at = this.#bytes.writeBigUInt64LE(BigInt(segment.size), this.#at);
  }

  #text(tag: number, text: string): void {
    this.#head(tag, Buffer.byteLength(text));
    this.#at += this.#bytes.write(text, this.#at);
  }

  /** A tag and a number of variable length: a value, or the length of what follows. */
  #head(tag: number, value: number): void {
    this.#at = this.#bytes.writeUInt8(tag, this.#at);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes[this.#at++] = (rest % 0x80) + 0x80;
    this.#bytes[this.#at++] = rest;
  }
}

/**
 * Frames as one protobuf message `Batch`. Every field of a frame is written, in the order of its number, zero and empty ones too: a
 * reader can rely on it to be fast, and reads any other order as well.
 *
 * @throws RangeError for a call that is no 32-bit number
 */
export function encodeBatch(frames: readonly Frame[]): Buffer {
  let size = 0;
  for (const frame of frames) size += fieldSize(frameSize(frame));
  const bytes = Buffer.allocUnsafe(size);
  const writer = new FieldWriter(bytes);
  for (const frame of frames) writer.frame(frame);
  return bytes;
}
