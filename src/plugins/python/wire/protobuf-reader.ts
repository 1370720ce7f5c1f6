import { isUtf8 } from 'node:buffer';
import { unreadable } from './unreadable.js';

/** How the value of a field is written (https://protobuf.dev/programming-guides/encoding). */
export const WIRE_TYPE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** The most bytes that a number of variable length has. */
const LONGEST_VARINT = 10;

/** What stands in front of a field: its number times eight, and its wire type. */
export function tagOf(field: number, type: keyof typeof WIRE_TYPE): number {
  return field * 8 + WIRE_TYPE[type];
}

/** Reads the fields of one protobuf message, from front to back. Every method throws FRAME_UNREADABLE where the message is none. */
export class ProtobufReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  constructor(bytes: Buffer, start = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get atEnd(): boolean {
    return this.#at === this.#end;
  }

  /** The tag of the next field. */
  tag(): number {
    const tag = this.varint();
    if (tag < 8 || tag > 0xffffffff) throw unreadable('no message: a field has no possible number', this.#bytes);
    return tag;
  }

  /** A number of variable length, exact up to 2^53. */
  varint(): number {
    let value = 0;
    for (let index = 0; index < LONGEST_VARINT; index++) {
      const byte = this.#bytes[this.#advance(1)] as number;
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return value;
    }
    throw unreadable('no message: a number does not end', this.#bytes);
  }

  fixed32(): number {
    return this.#bytes.readUInt32LE(this.#advance(4));
  }

  /** @throws LockstepError for a number that is not exact in JavaScript too */
  fixed64(): number {
    const value = this.#bytes.readBigUInt64LE(this.#advance(8));
    if (value > Number.MAX_SAFE_INTEGER) throw unreadable('longer than can be counted', this.#bytes);
    return Number(value);
  }

  /** A view of the bytes of a field. */
  bytes(): Buffer {
    const length = this.varint();
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A reader of the message in a field. */
  message(): ProtobufReader {
    const length = this.varint();
    const start = this.#advance(length);
    return new ProtobufReader(this.#bytes, start, start + length);
  }

  /** The text in a field. */
  text(): string {
    const length = this.varint();
    const start = this.#advance(length);
    const text = this.#bytes.toString('utf8', start, start + length);
    // What stands for bytes that are no UTF-8 may also have been in the text.
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(start, start + length)))
      throw unreadable('no UTF-8', this.#bytes);
    return text;
  }

  /** Passes over the value of a field that is not known here. */
  skip(tag: number): void {
    switch (tag % 8) {
      case WIRE_TYPE.varint:
        this.varint();
        return;
      case WIRE_TYPE.fixed64:
        this.#advance(8);
        return;
      case WIRE_TYPE.bytes:
        this.#advance(this.varint());
        return;
      case WIRE_TYPE.fixed32:
        this.#advance(4);
        return;
      default:
        throw unreadable('no message: a field has no possible type', this.#bytes);
    }
  }

  /** Goes on by some bytes, which must be there, and says where they begin. */
  #advance(length: number): number {
    const start = this.#at;
    if (length > this.#end - start) throw unreadable('cut off', this.#bytes);
    this.#at = start + length;
    return start;
  }
}
