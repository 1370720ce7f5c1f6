import type { ErrorData } from './errors.js';

/** What stands where a secret was. */
export const MASK = '[secret]';

/** Replaces every secret value in a text. Longer secrets first, so that one inside another leaves no rest. */
export function maskText(text: string, secrets: ReadonlyMap<string, string>): string {
  let masked = text;
  const values = [...secrets.values()].filter((value) => value !== '').sort((a, b) => b.length - a.length);
  for (const value of values) masked = masked.replaceAll(value, MASK);
  return masked;
}

/** Replaces secrets in a recorded error, its causes included. */
export function maskError(error: ErrorData, secrets: ReadonlyMap<string, string>): ErrorData {
  if (secrets.size === 0) return error;
  const masked = { ...error, message: maskText(error.message, secrets) };
  return error.cause === undefined ? masked : { ...masked, cause: maskError(error.cause, secrets) };
}

/** Replaces secrets in plain objects, arrays and strings, keys included. Other values are returned as they are. */
export function maskValue(
  value: unknown,
  secrets: ReadonlyMap<string, string>,
  seen = new Map<object, unknown>(),
): unknown {
  if (typeof value === 'string') return maskText(value, secrets);
  if (typeof value !== 'object' || value === null) return value;
  const known = seen.get(value);
  if (known !== undefined) return known;
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    seen.set(value, copy);
    for (const item of value) copy.push(maskValue(item, secrets, seen));
    return copy;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  const copy: Record<string, unknown> = {};
  seen.set(value, copy);
  for (const [key, inner] of Object.entries(value)) copy[maskText(key, secrets)] = maskValue(inner, secrets, seen);
  return copy;
}
