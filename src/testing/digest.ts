import { nodeHash } from '../runtimes/node-ports.js';

/** Writes any value as text that changes whenever the value does. Objects that were met before are written as their number. */
class Digester {
  readonly #met = new Map<object, number>();
  readonly #parts: string[] = [];

  write(value: unknown): string {
    this.#value(value);
    return this.#parts.join('');
  }

  #value(value: unknown): void {
    if (typeof value === 'object' && value !== null) this.#object(value);
    else if (typeof value === 'function') this.#function(value);
    else if (typeof value === 'string') this.#parts.push(JSON.stringify(value));
    else this.#parts.push(Object.is(value, -0) ? '-0' : `${typeof value} ${String(value)}`, ';');
  }

  #function(value: object): void {
    this.#parts.push('function');
    this.#known(value);
  }

  /** Writes the number of an object. `true` when it was met before. */
  #known(value: object): boolean {
    const number = this.#met.get(value);
    this.#parts.push(`#${number ?? this.#met.size};`);
    if (number === undefined) this.#met.set(value, this.#met.size);
    return number !== undefined;
  }

  #object(value: object): void {
    if (this.#known(value)) return;
    this.#parts.push(Object.prototype.toString.call(value), '{');
    if (ArrayBuffer.isView(value))
      this.#parts.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64'));
    else if (value instanceof ArrayBuffer) this.#parts.push(Buffer.from(value).toString('base64'));
    else this.#members(value);
    this.#parts.push('}');
  }

  #members(value: object): void {
    if (value instanceof Date) this.#parts.push(String(value.getTime()));
    else if (value instanceof RegExp) this.#parts.push(String(value));
    else if (value instanceof Map) this.#list([...value].flat());
    else if (value instanceof Set) this.#list([...value]);
    else if (value instanceof Error) this.#list([value.name, value.message, value.cause]);
    if (Array.isArray(value)) this.#parts.push(`${value.length}:`);
    for (const key of Object.keys(value).sort()) {
      this.#parts.push(JSON.stringify(key), ':');
      this.#value(this.#read(value, key));
    }
  }

  #list(values: readonly unknown[]): void {
    for (const value of values) this.#value(value);
    this.#parts.push('|');
  }

  #read(value: object, key: string): unknown {
    try {
      return (value as Readonly<Record<string, unknown>>)[key];
    } catch {
      return 'unreadable';
    }
  }
}

/**
 * A digest of any value: equal for values that look alike, whatever the order of their keys, and different after a change
 * anywhere inside, those of Maps, Sets, Dates, errors and typed arrays included. Private fields and functions are not seen.
 */
export function digestOf(value: unknown): string {
  return nodeHash.sha256(new Digester().write(value));
}
