import type { Ids, Random } from '../base/ports.js';

/** FNV-1a over UTF-16 code units, 32 bits. Source: G. Fowler, L. C. Noll, K.-P. Vo (1991). */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

/** Mixes 32 bits so that near keys give far numbers. Source: M. O'Neill's review of "hash prospector" constants (C. Wellons, 2018). */
function mix(value: number): number {
  let bits = value;
  bits = Math.imul(bits ^ (bits >>> 16), 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** Numbers in [0, 1) that depend on the seed and the key only. */
export function seededRandom(seed: number | string): Random {
  return { keyed: (key) => mix(fnv1a(`${seed}/${key}`)) / 2 ** 32 };
}

/** Run ids `run-1`, `run-2`, … */
export function seededIds(prefix = 'run'): Ids {
  let count = 0;
  return { runId: () => `${prefix}-${++count}` };
}
