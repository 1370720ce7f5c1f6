import { AttemptError } from '../errors.js';

/** Named lists, in the order in which they were given. */
export type NamedLists = readonly (readonly [name: string, list: unknown])[];

/** How rows are chosen: keys of every list, of at least one, or of the first. */
export type MergeHow = 'inner' | 'outer' | 'left';

function mismatch(what: string, at: string, value?: unknown): never {
  throw new AttemptError('MERGE_MISMATCH', what, { at, value });
}

function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1).toLowerCase();
}

function listOf(value: unknown, name: string, at: string): readonly unknown[] {
  return Array.isArray(value) ? value : mismatch(`${name} is not a list but of the kind ${kindOf(value)}.`, at, value);
}

/** All items of all lists, in order. */
export function concatLists(lists: unknown, at: string): unknown[] {
  const all: unknown[] = [];
  listOf(lists, 'The input', at).forEach((list, index) => {
    for (const item of listOf(list, `List ${index}`, at)) all.push(item);
  });
  return all;
}

/** One object for each position, holding the item of every list at that position. */
export function zipLists(named: NamedLists, lengths: 'equal' | 'shortest', at: string): Record<string, unknown>[] {
  const lists = named.map(([name, list]) => listOf(list, `"${name}"`, at));
  const length = lists.reduce((least, list) => Math.min(least, list.length), Number.POSITIVE_INFINITY);
  if (lengths === 'equal' && lists.some((list) => list.length !== length)) {
    const counts = named.map(([name], index) => `"${name}" has ${lists[index]?.length}`).join(', ');
    mismatch(`The lists differ in length: ${counts}.`, at);
  }
  return Array.from({ length }, (_, position) => {
    const row: Record<string, unknown> = {};
    named.forEach(([name], index) => {
      row[name] = lists[index]?.[position];
    });
    return row;
  });
}

/**
 * The own properties of all objects in one. Shallow: a property that is itself an object is not merged but replaced.
 */
export function mergeObjects(objects: unknown, conflicts: 'last' | 'error', at: string): Record<string, unknown> {
  const merged = new Map<string, unknown>();
  listOf(objects, 'The input', at).forEach((object, index) => {
    const kind = kindOf(object);
    if (kind !== 'object') mismatch(`Value ${index} is not a plain object but of the kind ${kind}.`, at, object);
    for (const [key, value] of Object.entries(object as object)) {
      if (conflicts === 'error' && merged.has(key))
        mismatch(`Object ${index} has the property "${key}", as one before it does.`, at, value);
      merged.set(key, value);
    }
  });
  return Object.fromEntries(merged);
}

const LONGEST_KEY = 64;

function keyOf(item: unknown, property: string, place: string, at: string): unknown {
  if (typeof item !== 'object' || item === null)
    mismatch(`${place} is not an object but of the kind ${kindOf(item)}.`, at, item);
  const key = Object.hasOwn(item, property) ? (item as Record<string, unknown>)[property] : undefined;
  if (key === undefined) mismatch(`${place} has no property "${property}".`, at, item);
  if ((typeof key === 'object' && key !== null) || typeof key === 'function') {
    mismatch(
      `${place} has a ${kindOf(key)} as its key "${property}"; keys are strings, numbers, booleans or null.`,
      at,
      key,
    );
  }
  return key;
}

/**
 * Joins lists of objects by the value of a property: one row `{ key, <list>: item, … }` for each key, in the order in
 * which the keys first appear, list by list. Keys are compared as `Map` does: `1` is not `'1'`, and `null` equals
 * `null`.
 *
 * @param properties list name to the property that holds its key
 */
export function joinByKey(
  named: NamedLists,
  properties: Readonly<Record<string, string>>,
  how: MergeHow,
  at: string,
): Record<string, unknown>[] {
  const rows = new Map<unknown, Record<string, unknown>>();
  for (const [name, list] of named) {
    const property = properties[name] as string;
    listOf(list, `"${name}"`, at).forEach((item, index) => {
      const key = keyOf(item, property, `Item ${index} of "${name}"`, at);
      const row = rows.get(key);
      if (row === undefined) rows.set(key, { key, [name]: item });
      else if (Object.hasOwn(row, name)) mismatch(`"${name}" has two items with the key ${shown(key)}.`, at, key);
      else row[name] = item;
    });
  }
  const all = [...rows.values()];
  const needed = how === 'outer' ? [] : how === 'left' ? named.slice(0, 1) : named;
  return all.filter((row) => needed.every(([name]) => Object.hasOwn(row, name)));
}

function shown(key: unknown): string {
  const text = typeof key === 'string' ? JSON.stringify(key) : String(key);
  return text.length > LONGEST_KEY ? `${text.slice(0, LONGEST_KEY)}…` : text;
}
