import { LockstepError } from '../errors.js';
import { shortPath } from '../value-path.js';
import { byteProblem, byteTag, shownBytes } from './byte-values.js';
import type { BytesPort } from './bytes.js';
import { isPlain } from './plain-values.js';
import { ArrayFrame, EntriesFrame, type Frame, MapFrame, quoted, RecordFrame, SetFrame } from './value-frames.js';

/** What a value is written for, and what an error about one that cannot be written is called. */
const REFUSALS = {
  store: 'VALUE_NOT_STORABLE',
  hash: 'UNHASHABLE_LITERAL',
  wire: 'VALUE_NOT_ENCODABLE',
} as const;

export type Purpose = keyof typeof REFUSALS;

/** The code of the error about a value that cannot be written. */
export function refusalCode(purpose: Purpose): (typeof REFUSALS)[Purpose] {
  return REFUSALS[purpose];
}

/** How a value is written, and what for. */
export interface WritingOptions {
  /** What the value is called in errors; the path inside it follows. */
  readonly at: string;
  readonly bytes: BytesPort;
  /**
   * `hash`: what a literal is hashed by. As in canonical JSON the order of keys, the sign of zero and whether an object has a
   * prototype are no part of it, and the error is called UNHASHABLE_LITERAL. `wire`: for another process, VALUE_NOT_ENCODABLE.
   */
  readonly purpose: Purpose;
  /**
   * Takes bytes that are to travel beside the text, and answers with their position there; `undefined` leaves them in the text.
   * Default: all are left. The bytes are a view of the value's own memory.
   */
  readonly aside?: (bytes: Uint8Array) => number | undefined;
}

function tagged(tag: string, content: string): string {
  return `{"$":"${tag}","v":${content}}`;
}

function numberText(value: number, purpose: Purpose): string {
  if (Object.is(value, -0)) return purpose === 'hash' ? '0' : tagged('number', '"-0"');
  return Number.isFinite(value) ? String(value) : tagged('number', `"${value}"`);
}

/** What a message calls an object that is no plain data. */
function kindOf(prototype: object): string {
  const { constructor: owner } = prototype as { readonly constructor?: unknown };
  const name: unknown = typeof owner === 'function' ? owner.name : undefined;
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'an instance of a class';
}

/** Writes one value, with a stack of its own: depth is limited by memory only. */
export class ValueWriter {
  readonly #options: WritingOptions;
  readonly #open: Frame[] = [];
  readonly #ancestors = new Set<object>();
  #text = '';

  constructor(options: WritingOptions) {
    this.#options = options;
  }

  /** The text of a value. @throws LockstepError with the code of the purpose and the path of what cannot be written */
  write(value: unknown): string {
    try {
      this.#value(value);
      for (let frame = this.#open.at(-1); frame !== undefined; frame = this.#open.at(-1)) {
        if (frame.next === frame.size) this.#close(frame);
        else this.#member(frame);
      }
      return this.#text;
    } catch (cause) {
      if (cause instanceof LockstepError) throw cause;
      const isTooLong = cause instanceof RangeError && /string length/i.test(cause.message);
      return this.#refuse(isTooLong ? 'cannot be written as one text' : 'cannot be read', value, { cause });
    }
  }

  #member(frame: Frame): void {
    const index = frame.next++;
    if (index > 0) this.#text += `${frame.after(index - 1)},`;
    this.#text += frame.before(index);
    this.#value(frame.member(index));
  }

  #close(frame: Frame): void {
    this.#text += frame.size === 0 ? frame.close : frame.after(frame.size - 1) + frame.close;
    this.#ancestors.delete(frame.value);
    this.#open.pop();
  }

  #value(value: unknown): void {
    switch (typeof value) {
      case 'string':
        this.#text += quoted(value);
        return;
      case 'number':
        this.#text += numberText(value, this.#options.purpose);
        return;
      case 'boolean':
        this.#text += String(value);
        return;
      case 'undefined':
        this.#text += '{"$":"undefined"}';
        return;
      case 'bigint':
        this.#text += tagged('bigint', `"${value}"`);
        return;
      case 'object':
        if (value === null) this.#text += 'null';
        else this.#object(value);
        return;
      default:
        this.#refuse(`is a ${typeof value}`, value);
    }
  }

  #object(value: object): void {
    if (this.#ancestors.has(value)) this.#refuse('contains itself', value);
    if (isPlain(value)) this.#text += JSON.stringify(value);
    else if (!this.#leaf(value, Object.getPrototypeOf(value))) this.#enter(this.#frameOf(value));
  }

  #enter(frame: Frame): void {
    this.#ancestors.add(frame.value);
    this.#open.push(frame);
    this.#text += frame.open;
  }

  /** Writes an object that holds no others. `false`: it is none of those. */
  #leaf(value: object, prototype: object | null): boolean {
    if (prototype === null) return false;
    if (prototype === Date.prototype) {
      this.#refuseOwnProperties(value);
      const time = Date.prototype.getTime.call(value);
      this.#text += tagged('date', Number.isNaN(time) ? 'null' : String(time));
      return true;
    }
    const tag = byteTag(value, prototype);
    if (tag === undefined) return false;
    const problem = byteProblem(value);
    if (problem !== undefined) this.#refuse(problem, value);
    const bytes = shownBytes(value);
    const place = this.#options.aside?.(bytes);
    this.#text +=
      place === undefined
        ? tagged(tag, `"${this.#options.bytes.toBase64(bytes)}"`)
        : tagged('segment', `[${place},"${tag}"]`);
    return true;
  }

  #frameOf(value: object): Frame {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Map.prototype || prototype === Set.prototype) {
      this.#refuseOwnProperties(value);
      return prototype === Map.prototype
        ? new MapFrame(value as Map<unknown, unknown>)
        : new SetFrame(value as Set<unknown>);
    }
    const array = prototype === Array.prototype && Array.isArray(value);
    if (!array && prototype !== Object.prototype && prototype !== null)
      this.#refuse(`is ${kindOf(prototype as object)}`, value);
    if (Object.getOwnPropertySymbols(value).length > 0) this.#refuse('has a symbol as a key', value);
    return array ? this.#arrayFrame(value) : recordFrame(value, prototype, this.#options.purpose);
  }

  #arrayFrame(array: readonly unknown[]): Frame {
    const keys = Object.keys(array);
    const indexes = keys.filter((key) => String(Number(key) >>> 0) === key && Number(key) < array.length);
    if (indexes.length < keys.length) this.#refuse('is an array with named properties', array);
    if (keys.length === array.length) return new ArrayFrame(array);
    return new EntriesFrame(array, indexes.map(Number), `{"$":"sparse","v":[${array.length},[`, ']]}');
  }

  #refuseOwnProperties(value: object): void {
    if (Reflect.ownKeys(value).length > 0) this.#refuse('has properties of its own, which would be lost', value);
  }

  #refuse(why: string, value: unknown, details: { readonly cause?: unknown } = {}): never {
    const at = this.#options.at + this.#open.map((frame) => frame.step(frame.next - 1)).join('');
    throw new LockstepError(refusalCode(this.#options.purpose), `The value at ${shortPath(at)} ${why}.`, {
      at,
      value,
      ...details,
    });
  }
}

function recordFrame(value: object, prototype: unknown, purpose: Purpose): Frame {
  const keys = purpose === 'hash' ? Object.keys(value).sort() : Object.keys(value);
  if (prototype === null && purpose !== 'hash') return new EntriesFrame(value, keys, '{"$":"bare","v":[', ']}');
  if (keys.includes('$')) return new EntriesFrame(value, keys, '{"$":"object","v":[', ']}');
  return new RecordFrame(value, keys);
}
