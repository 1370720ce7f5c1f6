import type { Ids, Random } from '../base/ports.js';
import { unitOf } from '../base/text-hash.js';

/** Numbers in [0, 1) that depend on the seed and the key only. */
export function seededRandom(seed: number | string): Random {
  return { keyed: (key) => unitOf(`${seed}/${key}`) };
}

/** Run ids `run-1`, `run-2`, … */
export function seededIds(prefix = 'run'): Ids {
  let count = 0;
  return { runId: () => `${prefix}-${++count}` };
}
