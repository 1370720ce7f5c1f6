import { LockstepError } from './errors.js';
import { pathStep, shortPath } from './value-path.js';

/** An object or array that is being written. `keys` is absent for arrays. */
interface Frame {
  readonly value: object;
  readonly keys: readonly string[] | undefined;
  readonly length: number;
  /** Position of the next property or item. */
  next: number;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function step(frame: Frame): string {
  const index = frame.next - 1;
  return pathStep(frame.keys?.[index] ?? index);
}

class Writer {
  readonly #root: string;
  readonly #open: Frame[] = [];
  readonly #ancestors = new Set<object>();
  #text = '';

  constructor(root: string) {
    this.#root = root;
  }

  write(value: unknown): string {
    this.#value(value);
    for (let frame = this.#open.at(-1); frame !== undefined; frame = this.#open.at(-1)) {
      if (frame.next === frame.length) this.#close(frame);
      else this.#member(frame);
    }
    return this.#text;
  }

  #member(frame: Frame): void {
    const index = frame.next++;
    if (index > 0) this.#text += ',';
    const key = frame.keys?.[index];
    if (key === undefined) {
      this.#value((frame.value as readonly unknown[])[index]);
    } else {
      this.#text += `${this.#string(key)}:`;
      this.#value((frame.value as Readonly<Record<string, unknown>>)[key]);
    }
  }

  #close(frame: Frame): void {
    this.#text += frame.keys === undefined ? ']' : '}';
    this.#ancestors.delete(frame.value);
    this.#open.pop();
  }

  #value(value: unknown): void {
    switch (typeof value) {
      case 'string':
        this.#text += this.#string(value);
        return;
      case 'number':
        if (!Number.isFinite(value)) this.refuse(`is ${value}`, value);
        this.#text += String(value);
        return;
      case 'boolean':
        this.#text += String(value);
        return;
      case 'object':
        if (value === null) this.#text += 'null';
        else this.#enter(value);
        return;
      default:
        this.refuse(value === undefined ? 'is undefined' : `is a ${typeof value}`, value);
    }
  }

  #enter(value: object): void {
    if (this.#ancestors.has(value)) this.refuse('contains itself', value);
    const prototype: unknown = Object.getPrototypeOf(value);
    const array = Array.isArray(value) && prototype === Array.prototype;
    if (!array && prototype !== Object.prototype && prototype !== null)
      this.refuse(`is ${Object.prototype.toString.call(value)}, not a plain object`, value);
    if (Object.getOwnPropertySymbols(value).length > 0) this.refuse('has a symbol as a key', value);
    const keys = Object.keys(value);
    const length = array ? value.length : keys.length;
    if (array && keys.length > length) this.refuse('is an array with named properties', value);
    this.#ancestors.add(value);
    this.#open.push({ value, keys: array ? undefined : keys.sort(), length, next: 0 });
    this.#text += array ? '[' : '{';
  }

  #string(text: string): string {
    if (LONE_SURROGATE.test(text)) this.refuse('has half of a surrogate pair in a string or key', text);
    return JSON.stringify(text);
  }

  /** Refuses the value that is being written, naming its path. */
  refuse(why: string, value: unknown, details: { readonly cause?: unknown } = {}): never {
    const at = this.#root + this.#open.map(step).join('');
    throw new LockstepError('UNHASHABLE_LITERAL', `The value at ${shortPath(at)} ${why}.`, { at, value, ...details });
  }
}

/** How deep the quick way goes, which uses the stack of the thread. */
const DEEPEST = 100;

/** What JSON.stringify writes of a text with half of a surrogate pair. A text that looks like it only takes the careful way. */
const ESCAPED_SURROGATE = /\\ud[89a-f]/;

function sortedArray(array: readonly unknown[], depth: number): readonly unknown[] | undefined {
  if (Object.keys(array).length !== array.length) return undefined;
  const copy: unknown[] = [];
  for (let index = 0; index < array.length; index++) {
    const item = sorted(array[index], depth);
    if (item === undefined) return undefined;
    copy.push(item);
  }
  return copy;
}

function sortedRecord(record: Readonly<Record<string, unknown>>, depth: number): object | undefined {
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(record).sort()) {
    const first = key.charCodeAt(0);
    // an object lists such keys in an order of its own, and takes `__proto__` for its prototype
    if ((first >= 48 && first <= 57) || key === '__proto__') return undefined;
    const item = sorted(record[key], depth);
    if (item === undefined) return undefined;
    copy[key] = item;
  }
  return copy;
}

/** A copy of plain data with its keys in order; `undefined` for what the careful way has to look at. */
function sorted(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : undefined;
    case 'object': {
      if (value === null) return value;
      const prototype: unknown = Object.getPrototypeOf(value);
      if (depth === 0 || 'toJSON' in value || Object.getOwnPropertySymbols(value).length > 0) return undefined;
      if (prototype === Array.prototype) return sortedArray(value as readonly unknown[], depth - 1);
      return prototype === Object.prototype ? sortedRecord(value as Record<string, unknown>, depth - 1) : undefined;
    }
    default:
      return undefined;
  }
}

/** The canonical JSON of what most values are; `undefined` where it takes the careful way, or is refused. */
function quickJson(value: unknown): string | undefined {
  try {
    const copy = sorted(value, DEEPEST);
    const text = copy === undefined ? undefined : JSON.stringify(copy);
    return text === undefined || ESCAPED_SURROGATE.test(text) ? undefined : text;
  } catch {
    return undefined; // the careful way says where
  }
}

/**
 * A value as canonical JSON (RFC 8785, JCS): keys sorted by UTF-16 code units, numbers and strings as ECMAScript writes
 * them, no space. Equal values give equal text, whatever the order of their keys; `-0` is written as `0`. Depth is
 * limited by memory only.
 *
 * Refuses what JSON would change or drop: `undefined` (also as a property), functions, symbols, bigints, `NaN` and
 * infinities, instances of classes (`Date` and `Map` among them), holes in arrays, cycles and lone surrogates.
 *
 * @param root what the value is called in errors; the path inside it follows, as in `$.a[0]`
 * @throws LockstepError UNHASHABLE_LITERAL with the path in `at`
 */
export function canonicalJson(value: unknown, root = '$'): string {
  const quick = quickJson(value);
  if (quick !== undefined) return quick;
  const writer = new Writer(root);
  try {
    return writer.write(value);
  } catch (cause) {
    if (cause instanceof LockstepError) throw cause;
    return writer.refuse('cannot be read', value, { cause });
  }
}
