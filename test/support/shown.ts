/**
 * A value as chai can compare it to the last bit: classes and prototypes named, holes, order of keys and of entries kept, the sign of
 * zero and invalid dates told apart, typed arrays with what they show.
 */
export function shown(value: unknown): unknown {
  if (typeof value === 'number') return `number ${Object.is(value, -0) ? '-0' : value}`;
  if (typeof value === 'bigint') return `bigint ${value}`;
  if (typeof value !== 'object' || value === null) return value === undefined ? 'undefined' : JSON.stringify(value);
  const name: unknown = Object.getPrototypeOf(value)?.constructor.name;
  if (value instanceof Date) return [name, String(value.getTime())];
  if (value instanceof Map) return [name, [...value].map((entry) => entry.map(shown))];
  if (value instanceof Set) return [name, [...value].map(shown)];
  if (value instanceof ArrayBuffer) return [name, [...new Uint8Array(value)]];
  if (ArrayBuffer.isView(value))
    return [name, [...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)].join(' ')];
  const entries = Object.entries(value).map(([key, item]) => [key, shown(item)]);
  return Array.isArray(value) ? [name, value.length, entries] : [name, entries];
}
