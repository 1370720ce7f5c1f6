/** Where two values differ first. */
export interface Difference {
  /** Such as `nodes.clean.status`; empty for the values as a whole. */
  readonly path: string;
  readonly left: unknown;
  readonly right: unknown;
}

type Pair = readonly [left: unknown, right: unknown, path: string];

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function hasMembers(value: object): boolean {
  return Array.isArray(value) || Object.prototype.toString.call(value) === '[object Object]';
}

/** The members of two objects, side by side; `undefined` where they cannot be compared member by member. */
function members(left: object, right: object, path: string): Pair[] | undefined {
  if (left instanceof Map && right instanceof Map)
    return members(Object.fromEntries(left), Object.fromEntries(right), path);
  if (left instanceof Set && right instanceof Set) return members([...left], [...right], path);
  if (ArrayBuffer.isView(left) && ArrayBuffer.isView(right)) return members([...bytes(left)], [...bytes(right)], path);
  if (left instanceof Date && right instanceof Date) return [[left.getTime(), right.getTime(), path]];
  if (Array.isArray(left) !== Array.isArray(right) || !hasMembers(left) || !hasMembers(right)) return undefined;
  const [a, b] = [left as Readonly<Record<string, unknown>>, right as Readonly<Record<string, unknown>>];
  const read = (object: Readonly<Record<string, unknown>>, key: string): unknown =>
    Object.hasOwn(object, key) ? object[key] : MISSING;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].map((key) => [
    read(a, key),
    read(b, key),
    path === '' ? key : `${path}.${key}`,
  ]);
}

/** Stands for a property that is not there, which is not the same as `undefined`. */
const MISSING = Symbol('missing');

function bytes(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** Compares two values member by member, in order, and returns the first place where they differ. Cyclic values are fine. */
export function firstDifference(left: unknown, right: unknown): Difference | undefined {
  const open: Pair[] = [[left, right, '']];
  const seen = new Map<object, Set<object>>();
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const [a, b, path] = pair;
    if (Object.is(a, b)) continue;
    if (!isObject(a) || !isObject(b)) return { path, left: a, right: b };
    const met = seen.get(a) ?? new Set<object>();
    if (met.has(b)) continue;
    seen.set(a, met.add(b));
    const inner = members(a, b, path);
    if (inner === undefined) return { path, left: a, right: b };
    for (let index = inner.length - 1; index >= 0; index--) open.push(inner[index] as Pair);
  }
  return undefined;
}
