/**
 * What the value codec asks of bytes. `plainBytes` does it with ECMAScript alone; a platform may do it faster, and knows its own
 * class of bytes.
 */
export interface BytesPort {
  /** Base64 with padding (RFC 4648, section 4). */
  toBase64(bytes: Uint8Array): string;
  /** The bytes of base64 with padding, in memory of their own: the view covers its whole buffer. */
  fromBase64(text: string): Uint8Array<ArrayBuffer>;
  /** The same memory as the platform's own class: what was a Buffer comes back as one. */
  asBuffer(bytes: Uint8Array<ArrayBuffer>): Uint8Array;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

const CODES = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));

/** The six bits of a character, by its code. */
const BITS = Uint8Array.from({ length: 123 }, (_, code) => Math.max(0, ALPHABET.indexOf(String.fromCharCode(code))));

/** How many bytes are turned into one piece of text. Divisible by three, and few enough to be arguments of one call. */
const PIECE = 3_072;

/** The text of some bytes, as if zeros followed them up to a number of bytes that is divisible by three. */
function pieceOf(bytes: Uint8Array, start: number, end: number): string {
  // An array, because its items become arguments three times as fast as those of a typed array.
  const codes = new Array<number>(Math.ceil((end - start) / 3) * 4);
  for (let at = start, to = 0; at < end; at += 3, to += 4) {
    const second = at + 1 < end ? (bytes[at + 1] as number) : 0;
    const third = at + 2 < end ? (bytes[at + 2] as number) : 0;
    const bits = ((bytes[at] as number) << 16) | (second << 8) | third;
    codes[to] = CODES[bits >> 18] as number;
    codes[to + 1] = CODES[(bits >> 12) & 63] as number;
    codes[to + 2] = CODES[(bits >> 6) & 63] as number;
    codes[to + 3] = CODES[bits & 63] as number;
  }
  return String.fromCharCode(...codes);
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += PIECE)
    text += pieceOf(bytes, start, Math.min(start + PIECE, bytes.length));
  const missing = (3 - (bytes.length % 3)) % 3;
  return missing === 0 ? text : text.slice(0, -missing) + '=='.slice(-missing);
}

/** How many bytes base64 with padding stands for. */
export function base64Length(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return (text.length / 4) * 3 - padding;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(base64Length(text));
  const six = (at: number): number => BITS[text.charCodeAt(at)] as number;
  for (let at = 0, to = 0; at < text.length; at += 4, to += 3) {
    const bits = (six(at) << 18) | (six(at + 1) << 12) | (six(at + 2) << 6) | six(at + 3);
    // What would stand behind the end, where the padding is, is not written.
    bytes[to] = bits >> 16;
    bytes[to + 1] = bits >> 8;
    bytes[to + 2] = bits;
  }
  return bytes;
}

/** Bytes by ECMAScript alone. It has no Buffer: what was one comes back as a Uint8Array. */
export const plainBytes: BytesPort = { toBase64, fromBase64, asBuffer: (bytes) => bytes };
