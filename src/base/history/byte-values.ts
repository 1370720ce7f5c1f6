import { type BytesPort, plainBytes } from './bytes.js';

/** Typed arrays by their tag. The numbers in their bytes are written with the least significant byte first. */
const TYPED_ARRAYS = {
  bytes: Uint8Array,
  int8: Int8Array,
  uint8clamped: Uint8ClampedArray,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const;

type ByteTag = keyof typeof TYPED_ARRAYS | 'buffer' | 'arraybuffer' | 'dataview';

const TAGS: ReadonlyMap<object, ByteTag> = new Map<object, ByteTag>([
  ...Object.entries(TYPED_ARRAYS).map(([tag, { prototype }]) => [prototype, tag as ByteTag] as const),
  [ArrayBuffer.prototype, 'arraybuffer'],
  [DataView.prototype, 'dataview'],
]);

const HOST_IS_LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Which order the numbers of this machine have; given by tests only. */
export interface ByteOrder {
  readonly littleEndian: boolean;
}

/**
 * The bytes of numbers with the order of this machine turned into that of the text, or back: the numbers of a machine that has
 * the most significant byte first are reversed, in a copy.
 *
 * @param size bytes of one number
 */
export function portable<T extends Uint8Array>(
  bytes: T,
  size: number,
  { littleEndian }: ByteOrder = { littleEndian: HOST_IS_LITTLE },
): T | Uint8Array<ArrayBuffer> {
  if (littleEndian || size === 1) return bytes;
  const turned = Uint8Array.from(bytes);
  for (let start = 0; start < turned.length; start += size) turned.subarray(start, start + size).reverse();
  return turned;
}

/** Whether a prototype is that of Node's Buffer, which this layer does not know, or of one that behaves as it does. */
function isBufferPrototype(prototype: object): boolean {
  const { constructor: owner } = prototype;
  return owner.prototype === prototype && owner.name === 'Buffer' && 'isBuffer' in owner;
}

/** The tag of a value that consists of bytes; `undefined` for any other. */
export function byteTag(value: object, prototype: object): ByteTag | undefined {
  return TAGS.get(prototype) ?? (value instanceof Uint8Array && isBufferPrototype(prototype) ? 'buffer' : undefined);
}

/**
 * The bytes that a value that has a byte tag shows: all of a buffer, and of the memory under a view only the part in it. Where this
 * machine has the order of the text, they are a view of the value's own memory.
 *
 * @throws TypeError where the memory was given away; a sentence about it is left to the caller
 */
export function shownBytes(value: object): Uint8Array {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  const { buffer, byteOffset, byteLength } = value as DataView;
  const size = 'BYTES_PER_ELEMENT' in value ? (value.BYTES_PER_ELEMENT as number) : 1;
  return portable(new Uint8Array(buffer, byteOffset, byteLength), size);
}

/** Why bytes would not come back as what they are; `undefined` where they would. @throws TypeError for what only pretends to be bytes */
export function byteProblem(value: object): string | undefined {
  if ('resizable' in value && value.resizable === true) return 'is an ArrayBuffer that can be resized';
  const memory = value instanceof ArrayBuffer ? value : (value as DataView).buffer;
  return memory instanceof ArrayBuffer ? undefined : 'is a view of shared memory';
}

const NOT_BASE64 = /[^A-Za-z0-9+/]/;

/** The bytes of a text. @throws TypeError where it is no base64 with padding */
function bytesIn(text: unknown, { fromBase64 }: BytesPort): Uint8Array<ArrayBuffer> {
  if (typeof text !== 'string' || text.length % 4 !== 0) throw new TypeError('no base64');
  const end = text.search(NOT_BASE64);
  if (end !== -1 && !['=', '=='].includes(text.slice(end))) throw new TypeError('no base64');
  return fromBase64(text);
}

/** Makes the value of a byte tag again. `undefined` for a tag of another kind. @throws TypeError, RangeError for text that is not one of its */
export function bytesOf(tag: string, text: unknown, port: BytesPort = plainBytes): object | undefined {
  return valueOfBytes(tag, () => bytesIn(text, port), port);
}

/**
 * Makes the value of a byte tag of its bytes, whose memory it then is. `undefined` for a tag of another kind.
 *
 * @param take called once, for a byte tag only. The view that it returns covers its whole memory
 * @throws RangeError for bytes that are cut off, and what `take` throws
 */
export function valueOfBytes(
  tag: string,
  take: () => Uint8Array<ArrayBuffer>,
  port: BytesPort = plainBytes,
): object | undefined {
  switch (tag as ByteTag) {
    case 'bytes':
      return take();
    case 'buffer':
      return port.asBuffer(take());
    case 'arraybuffer':
      return take().buffer;
    case 'dataview':
      return new DataView(take().buffer);
    default: {
      if (!Object.hasOwn(TYPED_ARRAYS, tag)) return undefined;
      const Class = TYPED_ARRAYS[tag as keyof typeof TYPED_ARRAYS];
      return new Class(portable(take(), Class.BYTES_PER_ELEMENT).buffer);
    }
  }
}
