import { LockstepError } from '../base/errors.js';
import { badOffset } from './json-syntax.js';

/** What JSON has no form for, as something it has one for. */
function replaced(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value instanceof Map) return [...value];
  if (value instanceof Set) return [...value];
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return [...(value as unknown as Iterable<unknown>)];
  return value;
}

/**
 * A value as JSON. A bigint, NaN and the infinities become texts, maps lists of pairs, sets and typed arrays lists, bytes
 * base64; what contains itself becomes `"[Circular]"` there.
 *
 * @param indent spaces for each level; 0 for one line
 */
export function jsonText(value: unknown, indent = 2): string {
  const path: unknown[] = [];
  const text: string | undefined = JSON.stringify(
    value,
    function (this: unknown, _key: string, inner: unknown) {
      while (path.length > 0 && path.at(-1) !== this) path.pop();
      const plain = replaced(inner);
      if (typeof plain !== 'object' || plain === null) return plain;
      if (path.includes(plain)) return '[Circular]';
      path.push(plain);
      return plain;
    },
    indent,
  );
  return text ?? 'null';
}

/** Reads a JSON text. @throws LockstepError INVALID_JSON, with line and column */
export function parseJson(text: string, at: string): unknown {
  const plain = text.replace(/^\uFEFF/, '');
  try {
    return JSON.parse(plain);
  } catch (cause) {
    const offset = badOffset(plain);
    const before = plain.slice(0, offset).split('\n');
    const what = offset < plain.length ? `${JSON.stringify(plain[offset])} is not expected` : 'it ends too early';
    const place = `line ${before.length}, column ${(before.at(-1) as string).length + 1}`;
    throw new LockstepError('INVALID_JSON', `${at} is no JSON: ${place}: ${what}.`, { at, cause });
  }
}
