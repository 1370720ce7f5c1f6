import { ignorePromise } from './ignore-promise.js';

/** Reads a property of anything, without ever throwing. */
function read(from: unknown, name: string): unknown {
  try {
    return typeof from === 'object' && from !== null ? (from as Readonly<Record<string, unknown>>)[name] : undefined;
  } catch {
    return undefined;
  }
}

function header(headers: unknown): unknown {
  const get = read(headers, 'get');
  if (typeof get !== 'function') return read(headers, 'retry-after') ?? read(headers, 'Retry-After');
  try {
    const value: unknown = get.call(headers, 'retry-after') ?? undefined;
    if (typeof value === 'object') ignorePromise(value);
    return value;
  } catch {
    return undefined;
  }
}

/** A date of HTTP with its zone, or of ISO 8601: `Date.parse` takes any text that ends in a number for a date as well. */
const DATE = /^(?:[A-Z][a-z]+, .* GMT|\d{4}-\d{2}-\d{2}T.*)$/;

/** Seconds, or a date. Source: RFC 9110, section 10.2.3. */
function fromField(value: unknown, now: number): number | undefined {
  const seconds =
    typeof value === 'number'
      ? value
      : typeof value === 'string' && /^\s*\d+\s*$/.test(value)
        ? Number(value)
        : Number.NaN;
  if (Number.isFinite(seconds) && seconds >= 0) return seconds * 1_000;
  const date = typeof value === 'string' && DATE.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/**
 * How long an error asks to wait, in milliseconds; `undefined` where it does not. Looked for, in this order: `retryAfterMs`
 * (milliseconds), `retryAfter` (seconds, or a date), and the header `retry-after` of `headers` and `response.headers`.
 */
export function retryAfterOf(error: unknown, now: number): number | undefined {
  const ms = read(error, 'retryAfterMs');
  if (typeof ms === 'number' && Number.isFinite(ms) && ms >= 0) return ms;
  const named = fromField(read(error, 'retryAfter'), now);
  if (named !== undefined) return named;
  return (
    fromField(header(read(error, 'headers')), now) ?? fromField(header(read(read(error, 'response'), 'headers')), now)
  );
}
