import { bytesOf, valueOfBytes } from './byte-values.js';
import type { BytesPort } from './bytes.js';

/** What a text may refer to that is not in it. */
export interface ReadingOptions {
  /** How bytes are made. Default: a Buffer comes back as a Uint8Array. */
  readonly bytes?: BytesPort;
  /** The value of a blob, by its hash. Default: a text that refers to one is refused. */
  readonly blob?: (hash: string) => unknown;
  /** The bytes that came beside the text, by their position there, in memory of their own. Default: a text that refers to some is refused. */
  readonly segment?: (place: number) => Uint8Array<ArrayBuffer>;
}

type Holder = Record<string | number, unknown>;
type Entries = readonly (readonly [key: string, value: unknown])[];

const NUMBERS: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  '-0': -0,
};

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('not what the tag says');
  return value;
}

function numberOf(text: unknown): number {
  return required(Object.hasOwn(NUMBERS, text as string) ? NUMBERS[text as string] : undefined);
}

function bigintOf(text: unknown): bigint {
  if (typeof text !== 'string' || !/^-?\d+$/.test(text)) throw new TypeError('no integer');
  return BigInt(text);
}

function dateOf(time: unknown): Date {
  if (time !== null && typeof time !== 'number') throw new TypeError('no time');
  return new Date(time ?? Number.NaN);
}

/** Without a prototype no key is special, `__proto__` neither. */
function bareOf(entries: Entries): object {
  const bare = Object.create(null) as Holder;
  for (const [key, value] of entries) bare[key] = value;
  return bare;
}

function sparseOf([length, entries]: readonly [length: number, entries: readonly (readonly [number, unknown])[]]) {
  const array: unknown[] = [];
  array.length = length;
  for (const [index, item] of entries) array[index] = item;
  return array;
}

function segmentOf(content: unknown, { bytes, segment }: ReadingOptions): object {
  const [place, tag] = listOf<unknown>(content);
  if (typeof place !== 'number' || typeof tag !== 'string') throw new TypeError('no place among segments');
  return required(valueOfBytes(tag, () => required(segment)(place), bytes));
}

function listOf<T>(value: unknown): readonly T[] {
  if (!Array.isArray(value)) throw new TypeError('no list');
  return value as readonly T[];
}

/** The value of a tagged object, whose content has been revived. @throws TypeError, RangeError, SyntaxError where it is none of ours */
function untagged({ $: tag, v }: Holder, options: ReadingOptions): unknown {
  switch (tag) {
    case 'undefined':
      return undefined;
    case 'number':
      return numberOf(v);
    case 'bigint':
      return bigintOf(v);
    case 'date':
      return dateOf(v);
    case 'map':
      return new Map(listOf<[unknown, unknown]>(v));
    case 'set':
      return new Set(listOf(v));
    case 'object':
      return Object.fromEntries(listOf<[string, unknown]>(v));
    case 'bare':
      return bareOf(listOf(v));
    case 'sparse':
      return sparseOf(v as [number, []]);
    case 'blob':
      return required(options.blob)(v as string);
    case 'segment':
      return segmentOf(v, options);
    default:
      return required(bytesOf(tag as string, v, options.bytes));
  }
}

/**
 * Puts the values of tagged objects in their place, inside a value that was just parsed. Depth is limited by memory only.
 *
 * @throws TypeError, RangeError, SyntaxError where a tagged object is none that the codec writes
 */
export function revive(parsed: unknown, options: ReadingOptions): unknown {
  const root: Holder = { value: parsed };
  const unread: Holder[] = [root];
  const places: { readonly holder: Holder; readonly key: string | number }[] = [];
  const look = (holder: Holder, key: string | number): void => {
    const value = holder[key];
    if (typeof value !== 'object' || value === null) return;
    if (Object.hasOwn(value, '$')) places.push({ holder, key });
    unread.push(value as Holder);
  };
  for (let holder = unread.pop(); holder !== undefined; holder = unread.pop()) {
    if (Array.isArray(holder)) for (let index = 0; index < holder.length; index++) look(holder, index);
    else for (const key of Object.keys(holder)) look(holder, key);
  }
  // From the last to the first: what is inside a tagged object was found after it, and is revived before it.
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    const { holder, key } = place;
    holder[key] = untagged(holder[key] as Holder, options);
  }
  return root.value;
}
