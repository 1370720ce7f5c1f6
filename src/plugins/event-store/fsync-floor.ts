import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

/** What waiting for the disk costs. */
export interface FsyncFloor {
  /** Half of the waits were shorter, in milliseconds. */
  readonly medianMs: number;
  readonly samples: number;
}

const SAMPLES = 21;
const PAGE = Buffer.alloc(4_096, 1);

/**
 * Measures how long a folder's disk takes to keep 4 KiB: what a commit that survives the loss of power cannot be faster than.
 * Blocks for as long as that takes, and leaves nothing behind.
 *
 * @throws Error what the file system says
 */
export function fsyncFloor(folder: string): FsyncFloor {
  const own = mkdtempSync(join(folder, '.lockstep-fsync-'));
  try {
    const file = openSync(join(own, 'sample'), 'w');
    try {
      const took = Array.from({ length: SAMPLES }, () => sample(file)).sort((a, b) => a - b);
      return { medianMs: took[(SAMPLES - 1) / 2] ?? 0, samples: SAMPLES };
    } finally {
      closeSync(file);
    }
  } finally {
    rmSync(own, { recursive: true });
  }
}

function sample(file: number): number {
  const before = performance.now();
  writeSync(file, PAGE);
  fsyncSync(file);
  return performance.now() - before;
}
