import { AttemptError } from '../../base/errors.js';

function clones(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

/** The parts of a value, each with its path. Objects show their own enumerable properties, as to the clone algorithm. */
function partsOf(value: object, path: string): readonly (readonly [string, () => unknown])[] {
  if (Array.isArray(value)) return value.map((item, index) => [`${path}[${index}]`, () => item]);
  if (value instanceof Set) return [...value].map((item, index) => [`${path}[${index}]`, () => item]);
  if (value instanceof Map)
    return [...value].flatMap(([key, item]) => [
      [`${path}.key(${String(key)})`, () => key],
      [`${path}.get(${String(key)})`, () => item],
    ]);
  return Object.keys(value).map((key) => [`${path}.${key}`, () => Reflect.get(value, key)]);
}

interface Culprit {
  readonly at: string;
  readonly value: unknown;
}

function refuses([, read]: readonly [string, () => unknown]): boolean {
  try {
    return !clones(read());
  } catch {
    return true; // a getter that throws
  }
}

/** The innermost part of a value that does not clone. */
function culpritIn(value: unknown, path: string): Culprit {
  const seen = new Set<unknown>();
  let found: Culprit = { at: path, value };
  for (let current = value; typeof current === 'object' && current !== null && !seen.has(current); ) {
    seen.add(current);
    const inner = partsOf(current, found.at).find(refuses);
    if (inner === undefined) return found;
    try {
      current = inner[1]();
    } catch {
      return { at: inner[0], value: undefined };
    }
    found = { at: inner[0], value: current };
  }
  return found;
}

/** The failure of a value that cannot cross. @param what in words, such as `Output` */
export function notCloneable(what: string, value: unknown, path: string, cause: unknown): AttemptError {
  const { at, value: part } = culpritIn(value, path);
  const kind = typeof part === 'function' || typeof part === 'symbol' ? `a ${typeof part}` : 'no plain data';
  return new AttemptError('VALUE_NOT_CLONEABLE', `${what} "${at}" is ${kind}.`, { at, cause });
}

/** A copy by the structured clone algorithm. @throws AttemptError VALUE_NOT_CLONEABLE naming the path */
export function copyOf<T>(what: string, value: T, path: string): T {
  try {
    return structuredClone(value);
  } catch (cause) {
    throw notCloneable(what, value, path, cause);
  }
}
