import { didYouMean } from '../base/did-you-mean.js';
import type { ErrorCode } from '../base/error-catalog.js';
import { DocumentError, type DocumentPath } from './document-error.js';

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** A value in a document and the place where it stands. Every way of reading it refuses what does not fit, naming the place. */
export class Cursor {
  readonly value: unknown;
  readonly path: DocumentPath;

  constructor(value: unknown, path: DocumentPath = []) {
    this.value = value;
    this.path = path;
  }

  fail(what: string): never {
    throw new DocumentError('INVALID_DOCUMENT', what, this.path, { value: this.value });
  }

  #expected(what: string): never {
    return this.fail(`expected ${what}, found ${kindOf(this.value)}.`);
  }

  get isObject(): boolean {
    return typeof this.value === 'object' && this.value !== null && !Array.isArray(this.value);
  }

  object(): Readonly<Record<string, unknown>> {
    if (!this.isObject) return this.#expected('an object');
    if (Object.hasOwn(this.value as object, '__proto__')) return this.fail('"__proto__" cannot be a key.');
    return this.value as Record<string, unknown>;
  }

  /** An object that has no other keys than these. */
  fields(known: readonly string[]): this {
    for (const key of Object.keys(this.object())) {
      if (known.includes(key)) continue;
      this.failAtKey('UNKNOWN_KEY', key, `there is no key "${key}". ${didYouMean(key, known)}`);
    }
    return this;
  }

  /** Refuses a key that stands here. */
  failAtKey(code: ErrorCode, key: string, what: string): never {
    throw new DocumentError(code, what, [...this.path, key], { value: key, points: 'key' });
  }

  has(key: string): boolean {
    return this.isObject && Object.hasOwn(this.value as object, key) && this.object()[key] !== undefined;
  }

  /** What stands under a key; `undefined` where nothing does. */
  get(key: string): Cursor | undefined {
    return this.has(key) ? this.at(key) : undefined;
  }

  /** What must stand under a key. */
  need(key: string): Cursor {
    return this.get(key) ?? this.fail(`"${key}" is missing.`);
  }

  at(key: string): Cursor {
    return new Cursor(this.object()[key], [...this.path, key]);
  }

  /** Keys and what stands under them. */
  entries(): readonly (readonly [string, Cursor])[] {
    return Object.keys(this.object()).map((key) => [key, this.at(key)] as const);
  }

  items(): readonly Cursor[] {
    if (!Array.isArray(this.value)) return this.#expected('a list');
    return this.value.map((item: unknown, index) => new Cursor(item, [...this.path, index]));
  }

  /** The items of a list, or the one thing that stands alone. */
  some(): readonly Cursor[] {
    return Array.isArray(this.value) ? this.items() : [this];
  }

  text(): string {
    return typeof this.value === 'string' ? this.value : this.#expected('a text');
  }

  word<W extends string>(words: readonly W[]): W {
    const text = this.text();
    if (words.includes(text as W)) return text as W;
    return this.fail(`"${text}" is not known here. ${didYouMean(text, words)}`);
  }

  number(): number {
    return typeof this.value === 'number' ? this.value : this.#expected('a number');
  }

  flag(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.#expected('true or false');
  }
}
