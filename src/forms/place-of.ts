import type { LockstepError } from '../base/errors.js';
import type { Cursor } from './cursor.js';
import type { DocumentPath } from './document-error.js';

/** How the checks of `build()` name places, and where these are in a document. `$1` to `$4` are what the pattern found. */
const PLACES: readonly (readonly [RegExp, readonly (readonly string[])[]])[] = [
  [
    /→ ([\w-]+)\.([\w$-]+)$/,
    [
      ['nodes', '$1', 'inputs', '$2'],
      ['cycles', '*', 'feedback', '$1.$2'],
      ['nodes', '$1', 'config', '$2'],
      ['nodes', '$1', 'shows', '$2'],
      ['nodes', '$1', 'switch'],
      ['nodes', '$1', 'over'],
      ['nodes', '$1'],
    ],
  ],
  [
    /^(?:node|cycle|map|gate) "([\w-]+)"\.(\w+)(?:\.(\w+))?(?:\.(\w+))?$/,
    [
      ['nodes', '$1', '$2', '$3', '$4'],
      ['nodes', '$1', '$2', '$3'],
      ['nodes', '$1', '$2'],
      ['cycles', '$1', '$2'],
    ],
  ],
  [/^output (.+)$/, [['outputs', '$1']]],
  [/^until of (.+)$/, [['cycles', '$1', 'until']]],
  [/^after of (.+)$/, [['nodes', '$1', 'after']]],
  [
    /^cycle (.+)$/,
    [
      ['cycles', '$1', 'within'],
      ['cycles', '$1'],
    ],
  ],
  [/^contract (.+)$/, [['contracts', '$1']]],
  [/^case ([\w-]+)\.([\w-]+)$/, [['nodes', '$1', 'cases', '$2']]],
  [
    /^literal for ([\w-]+)\.([\w$-]+)$/,
    [
      ['nodes', '$1', 'config', '$2'],
      ['nodes', '$1'],
    ],
  ],
  [
    /^([\w-]+)\.([\w$-]+)$/,
    [
      ['nodes', '$1', 'cases', '$2'],
      ['nodes', '$1', 'inputs', '$2'],
      ['nodes', '$1', 'config', '$2'],
      ['nodes', '$1'],
    ],
  ],
  [
    /^([\w-]+)(?:, .*)?$/,
    [
      ['nodes', '$1'],
      ['cycles', '$1'],
      ['params', '$1'],
    ],
  ],
];

/** Follows keys as far as they lead; `*` is the first key behind which the rest leads somewhere. */
function follow(cursor: Cursor, keys: readonly string[]): Cursor | undefined {
  const [key, ...rest] = keys;
  if (key === undefined) return cursor;
  if (!cursor.isObject) return undefined;
  if (key !== '*') {
    const next = cursor.get(key);
    return next === undefined ? undefined : follow(next, rest);
  }
  for (const [, inner] of cursor.entries()) {
    const found = follow(inner, rest);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The place in a document that an error of `build()` is about: the nearest that the document has. */
export function placeOf({ at }: LockstepError, document: Cursor): DocumentPath {
  for (const [pattern, places] of PLACES) {
    const found = pattern.exec(at);
    if (found === null) continue;
    for (const place of places) {
      const keys = place.map((key) =>
        key
          .replace('$1', found[1] ?? '')
          .replace('$2', found[2] ?? '')
          .replace('$3', found[3] ?? '')
          .replace('$4', found[4] ?? ''),
      );
      const cursor = follow(document, keys);
      if (cursor !== undefined) return cursor.path;
    }
  }
  return [];
}
