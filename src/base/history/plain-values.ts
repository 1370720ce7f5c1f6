/** How deep a value may be for the fast way of writing it, which uses the stack of the thread. */
const DEEPEST = 100;

/** The longest array that is searched for named properties: to list those of a long array costs more than to write it. */
const LONGEST_SEARCHED = 1_000;

/** Whether an array has properties beside its items, as the result of a match has. Looked for in arrays of up to 1,000 items. */
function hasNamedProperties(array: readonly unknown[]): boolean {
  return array.length <= LONGEST_SEARCHED && Object.keys(array).length > array.length;
}

function plainArray(array: readonly unknown[], depth: number): boolean {
  for (let index = 0; index < array.length; index++) if (!plain(array[index], depth)) return false;
  return !hasNamedProperties(array);
}

function plainRecord(record: Readonly<Record<string, unknown>>, depth: number): boolean {
  for (const key of Object.keys(record)) if (key === '$' || !plain(record[key], depth)) return false;
  return Object.getOwnPropertySymbols(record).length === 0;
}

function plainObject(value: object, depth: number): boolean {
  if (depth === 0 || (value as { readonly toJSON?: unknown }).toJSON !== undefined) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return plainRecord(value as Record<string, unknown>, depth - 1);
  return prototype === Array.prototype && Array.isArray(value) && plainArray(value, depth - 1);
}

function plain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return value === 0 ? 1 / value > 0 : value - value === 0;
    case 'object':
      return value === null || plainObject(value, depth);
    default:
      return false;
  }
}

/**
 * Whether `JSON.stringify` writes a value as it is: plain objects without the key `$`, arrays, strings, finite numbers other than
 * `-0`, booleans, null. `false` as well for a value that is more than 100 levels deep, or cannot be read.
 */
export function isPlain(value: unknown): boolean {
  try {
    return plain(value, DEEPEST);
  } catch {
    return false;
  }
}
