import { Cursor } from './cursor.js';
import { formatDuration, parseDuration } from './duration.js';

/** What a text form calls a duration, which the data form writes as a number of milliseconds under the same name with `Ms`. */
const LIMITS = ['timeout', 'softTimeout', 'totalTimeout'];
const WAITS = ['delay', 'maxDelay'];
const SPENT = ['elapsed'];
const QUEUED = ['maxQueue'];
const PERIOD = ['per'];
const OPEN = ['open'];
const KEPT = ['ttl'];

type Convert = (cursor: Cursor, names: readonly string[]) => Readonly<Record<string, unknown>>;
type Plain = Readonly<Record<string, unknown>>;

function mapped(cursor: Cursor | undefined, convert: (inner: Cursor) => unknown): Plain | undefined {
  if (cursor === undefined || !cursor.isObject) return undefined;
  return Object.fromEntries(cursor.entries().map(([key, inner]) => [key, convert(inner)]));
}

function replaced(cursor: Cursor, record: Plain, changes: Readonly<Record<string, unknown>>): Plain {
  const present = Object.entries(changes).filter(([key, value]) => cursor.has(key) && value !== undefined);
  return { ...record, ...Object.fromEntries(present) };
}

/** Converts the durations of a condition, however deep. */
function condition(cursor: Cursor | undefined, convert: Convert): unknown {
  if (cursor === undefined || !cursor.isObject) return cursor?.value;
  const parts = (key: string): unknown => {
    const list = cursor.get(key);
    return Array.isArray(list?.value) ? list.items().map((part) => condition(part, convert)) : undefined;
  };
  const budget = cursor.get('budget');
  return replaced(cursor, cursor.object(), {
    budget: budget?.isObject ? convert(budget, SPENT) : undefined,
    anyOf: parts('anyOf'),
    allOf: parts('allOf'),
  });
}

function node(cursor: Cursor, convert: Convert): unknown {
  if (!cursor.isObject) return cursor.value;
  const inner = (key: string, names: readonly string[], from: Cursor = cursor): Plain | undefined => {
    const found = from.get(key);
    return found?.isObject ? convert(found, names) : undefined;
  };
  const limit = inner('limit', QUEUED);
  const rate = limit === undefined ? undefined : inner('rate', PERIOD, cursor.at('limit'));
  return replaced(cursor, convert(cursor, LIMITS), {
    retry: inner('retry', WAITS),
    limit: limit === undefined ? undefined : replaced(cursor.at('limit'), limit, { rate }),
    breaker: inner('breaker', OPEN),
    cache: inner('cache', KEPT),
  });
}

function cycle(cursor: Cursor, convert: Convert): unknown {
  if (!cursor.isObject) return cursor.value;
  return replaced(cursor, convert(cursor, ['timeout']), { until: condition(cursor.get('until'), convert) });
}

function everywhere(document: Cursor, convert: Convert): unknown {
  if (!document.isObject) return document.value;
  return replaced(document, document.object(), {
    workflows: mapped(document.get('workflows'), (inner) => everywhere(inner, convert)),
    nodes: mapped(document.get('nodes'), (inner) => node(inner, convert)),
    cycles: mapped(document.get('cycles'), (inner) => cycle(inner, convert)),
  });
}

/** A document in which durations are texts such as `timeout: 10s`, with numbers of milliseconds in their place. */
export function withMilliseconds(value: unknown): unknown {
  return everywhere(new Cursor(value), (cursor, names) =>
    Object.fromEntries(
      cursor.entries().map(([key, inner]) => {
        if (!names.includes(key)) return [key, inner.value];
        if (cursor.has(`${key}Ms`)) inner.fail(`there is "${key}Ms" too: use one of the two.`);
        const ms = typeof inner.value === 'string' ? parseDuration(inner.value) : undefined;
        if (ms === undefined)
          return inner.fail('a duration is a number with a unit: "500ms", "10s", "1m 30s", "2h" or "1d".');
        return [`${key}Ms`, ms];
      }),
    ),
  );
}

/** The same the other way round. Numbers that no text gives back stay. */
export function withDurations(value: unknown): unknown {
  return everywhere(new Cursor(value), (cursor, names) =>
    Object.fromEntries(
      cursor.entries().map(([key, { value: ms }]) => {
        const name = key.slice(0, -2);
        const text =
          key.endsWith('Ms') && names.includes(name) && typeof ms === 'number' ? formatDuration(ms) : undefined;
        return text === undefined ? [key, ms] : [name, text];
      }),
    ),
  );
}
