import { readdirSync, readFileSync } from 'node:fs';
import { startOf } from '../../process-identity.js';
import { MARKER_VARIABLE } from './worker-variables.js';

/** A process that has the marker of a worker. */
export interface MarkedProcess {
  readonly pid: number;
  readonly started: string;
}

/**
 * The processes of this user that have the marker of a worker: it, what it started, and the watcher of its guard, also those that
 * have left its group. Linux only: elsewhere the variables of another process cannot be seen, and nothing is found.
 */
export function markedProcesses(marker: string): readonly MarkedProcess[] {
  return processIds().flatMap((pid) => {
    if (pid === process.pid || !hasMarker(pid, marker)) return [];
    const started = startOf(pid);
    return started === null ? [] : [{ pid, started }];
  });
}

/** Whether a process has the marker of a worker. */
export function hasMarker(pid: number, marker: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`${MARKER_VARIABLE}=${marker}`);
  } catch {
    return false;
  }
}

function processIds(): readonly number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}
