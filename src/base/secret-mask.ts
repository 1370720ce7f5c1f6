import type { ErrorData } from './errors.js';
import type { RunEvent } from './events.js';

/** What stands where a secret was. */
export const MASK = '[secret]';

/** What stands where a value could not be read. */
const UNREADABLE = '[unreadable]';

/** The values to look for, by name. */
export type Secrets = ReadonlyMap<string, string>;

/** How a secret looks in a text: as it is, and as it stands in JSON, such as the body of a request that an error quotes. */
export function formsOf(secret: string): readonly string[] {
  if (secret === '') return [];
  const inJson = JSON.stringify(secret).slice(1, -1);
  return inJson === secret ? [secret] : [secret, inJson];
}

/** Where secrets begin and end in a text, in order, those that overlap as one. */
function placesOf(text: string, secrets: Secrets): [start: number, end: number][] {
  const found: [number, number][] = [];
  for (const form of [...secrets.values()].flatMap(formsOf))
    for (let at = text.indexOf(form); at !== -1; at = text.indexOf(form, at + 1)) found.push([at, at + form.length]);
  found.sort(([a], [b]) => a - b);
  const merged: [number, number][] = [];
  for (const [start, end] of found) {
    const last = merged.at(-1);
    if (last !== undefined && start < last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

function maskPart(text: string, secrets: Secrets): string {
  let masked = '';
  let rest = 0;
  for (const [start, end] of placesOf(text, secrets)) {
    masked += text.slice(rest, start) + MASK;
    rest = end;
  }
  return masked + text.slice(rest);
}

/** Replaces every secret in a text. Of secrets that overlap no rest is left; masking twice changes nothing. */
export function maskText(text: string, secrets: Secrets): string {
  if (secrets.size === 0) return text;
  return text
    .split(MASK)
    .map((part) => maskPart(part, secrets))
    .join(MASK);
}

/** Replaces secrets in a recorded error, its causes included. */
export function maskError(error: ErrorData, secrets: Secrets): ErrorData {
  if (secrets.size === 0) return error;
  const { name, code, message, cause } = error;
  const masked = { name: maskText(name, secrets), code: maskText(code, secrets), message: maskText(message, secrets) };
  return cause === undefined ? masked : { ...masked, cause: maskError(cause, secrets) };
}

/** What an object shows of itself: its items, its entries, what `toJSON` gives, or its own properties. */
function partsOf(value: object): readonly unknown[] {
  if (ArrayBuffer.isView(value)) return [];
  if (value instanceof String) return [String(value)];
  if (Array.isArray(value) || value instanceof Set) return [...value];
  if (value instanceof Map) return [...value].flat();
  if (value instanceof Error) return Object.getOwnPropertyNames(value).map((name) => Reflect.get(value, name));
  if ('toJSON' in value && typeof value.toJSON === 'function') return [value.toJSON()];
  return Object.entries(value).flat();
}

function holdsSecret(value: unknown, secrets: Secrets): boolean {
  const seen = new Set<unknown>();
  const open = [value];
  while (open.length > 0) {
    const current = open.pop();
    if (typeof current === 'string' && placesOf(current, secrets).length > 0) return true;
    if (typeof current !== 'object' || current === null || seen.has(current)) continue;
    seen.add(current);
    for (const part of partsOf(current)) open.push(part);
  }
  return false;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

class Masker {
  readonly #secrets: Secrets;
  readonly #copies = new Map<object, unknown>();

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  mask(value: unknown): unknown {
    if (typeof value === 'string') return maskText(value, this.#secrets);
    if (typeof value !== 'object' || value === null) return value;
    const known = this.#copies.get(value);
    if (known !== undefined) return known;
    if (!Array.isArray(value) && !isPlain(value) && !holdsSecret(value, this.#secrets)) return value;
    return this.#copy(value);
  }

  #keep<T extends object>(value: object, copy: T): T {
    this.#copies.set(value, copy);
    return copy;
  }

  #copy(value: object): unknown {
    if (Array.isArray(value)) {
      const copy = this.#keep<unknown[]>(value, []);
      for (const item of value) copy.push(this.mask(item));
      return copy;
    }
    if (value instanceof Set) {
      const copy = this.#keep(value, new Set());
      for (const item of value) copy.add(this.mask(item));
      return copy;
    }
    if (value instanceof Map) {
      const copy = this.#keep(value, new Map());
      for (const [key, item] of value) copy.set(this.mask(key), this.mask(item));
      return copy;
    }
    if (value instanceof Error)
      return this.#properties(value, Object.getOwnPropertyNames(value), Object.create(Object.getPrototypeOf(value)));
    if (value instanceof String) return this.mask(String(value));
    if ('toJSON' in value && typeof value.toJSON === 'function') return this.mask(value.toJSON());
    return this.#properties(value, Object.keys(value), {});
  }

  #properties(value: object, names: readonly string[], into: object): object {
    const copy = this.#keep(value, into);
    for (const name of names) {
      const enumerable = Object.prototype.propertyIsEnumerable.call(value, name);
      const masked = this.mask(Reflect.get(value, name));
      Object.defineProperty(copy, maskText(name, this.#secrets), {
        value: masked,
        enumerable,
        writable: true,
        configurable: true,
      });
    }
    return copy;
  }
}

/**
 * Replaces secrets in texts, in arrays, Maps, Sets, errors and objects, names of properties included. What holds no secret is
 * returned as it is; an instance that holds one becomes what it shows as JSON. Bytes are not looked at. Never throws: what
 * cannot be read is not shown.
 */
export function maskValue(value: unknown, secrets: Secrets): unknown {
  try {
    return holdsSecret(value, secrets) ? new Masker(secrets).mask(value) : value;
  } catch {
    return UNREADABLE;
  }
}

function maskEach(record: Readonly<Record<string, unknown>>, secrets: Secrets): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, maskValue(value, secrets)]));
}

/** Replaces secrets in what an event carries. What it is about, such as ids and names of ports, stays: a log is folded by them. */
export function maskEvent(event: RunEvent, secrets: Secrets): RunEvent {
  const { data } = event;
  const masked: Record<string, unknown> = { ...data };
  if ('parameters' in data) masked.parameters = maskEach(data.parameters, secrets);
  if ('context' in data) masked.context = maskEach(data.context, secrets);
  if ('set' in data) masked.set = data.set.map((each) => ({ ...each, value: maskValue(each.value, secrets) }));
  if ('output' in data) masked.output = maskEach(data.output, secrets);
  for (const name of ['items', 'shows', 'answer', 'by'] as const)
    if (name in data) masked[name] = maskValue(Reflect.get(data, name), secrets);
  if ('reason' in data && typeof data.reason === 'string') masked.reason = maskText(data.reason, secrets);
  if ('state' in data) masked.state = maskValue(data.state, secrets);
  if ('error' in data && data.error !== null) masked.error = maskError(data.error, secrets);
  return { ...event, data: masked } as unknown as RunEvent;
}
