import { ConfigurationError } from '../../../base/errors.js';

/** The typed arrays that an array of several dimensions can be made of. */
export type NumberArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** The names of numpy for what typed arrays hold. */
const DTYPES: Readonly<Record<string, string>> = {
  Int8Array: 'int8',
  Uint8Array: 'uint8',
  Int16Array: 'int16',
  Uint16Array: 'uint16',
  Int32Array: 'int32',
  Uint32Array: 'uint32',
  BigInt64Array: 'int64',
  BigUint64Array: 'uint64',
  Float32Array: 'float32',
  Float64Array: 'float64',
};

/** An array of several dimensions, as plain data: it can be stored, copied and hashed. Python reads it as `numpy.ndarray`. */
export interface NdArray<A extends NumberArray = NumberArray> {
  readonly kind: 'ndarray';
  /** As numpy calls it: `float64`; `bool` for one byte an item. */
  readonly dtype: string;
  /** The lengths of its dimensions; empty for a single number. */
  readonly shape: readonly number[];
  /** Its items: the last index moves fastest. */
  readonly data: A;
}

/**
 * An array of several dimensions over a typed array, which is not copied.
 *
 * @throws ConfigurationError INVALID_OPTION where the shape is not one of so many items
 */
export function ndarray<A extends NumberArray>(data: A, shape: readonly number[]): NdArray<A> {
  const dtype = DTYPES[(Object.getPrototypeOf(data) as { constructor: { name: string } }).constructor.name];
  if (dtype === undefined) refuseArray('data', 'must be a typed array that numpy has', data);
  if (!shape.every((length) => Number.isSafeInteger(length) && length >= 0))
    refuseArray('shape', 'must be a list of lengths', shape);
  const items = shape.reduce((product, length) => product * length, 1);
  if (items !== data.length) refuseArray('shape', `stands for ${items} items, and the array has ${data.length}`, shape);
  return Object.freeze({ kind: 'ndarray', dtype, shape: Object.freeze([...shape]), data });
}

function refuseArray(at: string, what: string, value: unknown): never {
  throw new ConfigurationError('INVALID_OPTION', `ndarray: ${at} ${what}.`, { at: `ndarray.${at}`, value });
}
