function serializeObject(value: object, path: ReadonlySet<object>): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  const inner = new Set(path).add(value);
  if (Array.isArray(value)) return value.map((item) => serialize(item, inner));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return `[${value.constructor.name}]`;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, serialize(item, inner)]));
}

function serialize(value: unknown, path: ReadonlySet<object>): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object') return `[${typeof value}]`;
  if (path.has(value)) return '[circular]';
  try {
    return serializeObject(value, path);
  } catch {
    return '[unreadable]';
  }
}

/** The caller's context as plain JSON data, for logs and remote workers. Never throws: what cannot be read is `[unreadable]`. */
export function serializeContext(context: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return serialize(context, new Set()) as Readonly<Record<string, unknown>>;
}
