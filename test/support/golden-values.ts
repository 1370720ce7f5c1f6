import { readFileSync } from 'node:fs';

/** One example of `proto/golden/values.json`, which every implementation of the value codec is tested with. */
export interface GoldenValue {
  readonly name: string;
  readonly encoded: string;
  readonly note: string;
}

/** The examples that implementations of the value codec share. */
export const goldenTexts: readonly GoldenValue[] = JSON.parse(
  readFileSync(new URL('../../../proto/golden/values.json', import.meta.url), 'utf8'),
);

function bare(entries: Readonly<Record<string, unknown>>): object {
  return Object.assign(Object.create(null) as object, entries);
}

function sparse(length: number, items: Readonly<Record<number, unknown>>): unknown[] {
  return Object.assign(new Array<unknown>(length), items);
}

/** The value of each golden text, by its name. */
export const goldenValues: Readonly<Record<string, unknown>> = {
  null: null,
  booleans: [true, false],
  integers: [0, 1, -1, 9007199254740991, -9007199254740991, 4294967296],
  'exponents of numbers': [1e21, 123456789012345680000, 1e-7, 0.000001, 5e-324, 1.7976931348623157e308],
  'fractions of numbers': [0.1, 0.30000000000000004, -2.5, 100],
  'escapes in a string': '"\\/\b\f\n\r\t\u0000\u001f\u007f\u2028',
  'characters beyond ASCII': 'é € 😀',
  'lone surrogates': ['\ud800', '\udc00\ud800', { '\udfff': 1 }],
  'nested lists and objects': { a: [], b: {}, c: [[1], { d: null }] },
  'order of keys': { b: 1, a: 2, '': 3 },
  'integer keys': { '10': 'second', '9': 'first', a: 'third' },
  'a key __proto__': JSON.parse('{"__proto__":{"a":1},"constructor":2}'),
  undefined: undefined,
  'undefined in an object and in a list': { a: undefined, b: [undefined, null] },
  'numbers that JSON cannot hold': [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0],
  bigints: [0n, -1n, 12345678901234567890123456789n],
  dates: [new Date(0), new Date(-1), new Date(Date.UTC(2024, 1, 29, 12, 30, 15, 250)), new Date(8.64e15)],
  'an invalid date': new Date(Number.NaN),
  'a map': new Map<unknown, unknown>([
    ['b', 1],
    ['a', { c: 2 }],
    [3, null],
    [new Date(0), new Map()],
    [Number.NaN, undefined],
  ]),
  'a set': new Set<unknown>(['b', 'a', 1n, [2], new Set()]),
  'an object with the key $': { $: 'date', v: 0 },
  'the key $ at several levels': { a: [{ $: { $: 1 }, b: new Date(1) }] },
  'an object without a prototype': bare({ a: 1, b: bare({}) }),
  'an object without a prototype, with the keys $ and __proto__': Object.setPrototypeOf(
    Object.fromEntries([
      ['$', 1],
      ['__proto__', 2],
    ]),
    null,
  ),
  'an array with holes': sparse(5, { 1: 'a', 3: -0 }),
  'an array that is nothing but holes': sparse(3, {}),
  'no bytes': new Uint8Array(0),
  bytes: [
    Uint8Array.of(255),
    Uint8Array.of(0, 1),
    Uint8Array.of(251, 255, 190),
    Uint8Array.from({ length: 64 }, (_, i) => i * 4),
  ],
  'a buffer': Buffer.from('Lockstep'),
  'an ArrayBuffer': Uint8Array.of(1, 2, 3).buffer,
  'a DataView of a part': new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2),
  'a typed array of a part': Int16Array.of(1, -2, 3, -4).subarray(1, 3),
  'typed arrays of integers': [
    Int8Array.of(-128, 127),
    Uint8ClampedArray.of(0, 255),
    Int16Array.of(-32768, 258),
    Uint16Array.of(65535, 258),
    Int32Array.of(-2147483648, 16909060),
    Uint32Array.of(4294967295, 16909060),
    BigInt64Array.of(-9223372036854775808n, 1n),
    BigUint64Array.of(18446744073709551615n, 1n),
  ],
  'typed arrays of fractions': [
    Float32Array.of(1.5, -0, Number.POSITIVE_INFINITY),
    Float64Array.of(0.1, Number.MIN_VALUE, Number.NEGATIVE_INFINITY),
  ],
};
