import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { parentOf, startOf } from '../../process-identity.js';
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

/**
 * The memory that a process and all that it has started hold, in bytes: what several of them share counts for each. `undefined` where the
 * system does not tell, or the process has ended. Linux only.
 */
export function memoryOfTree(root: number): number | undefined {
  const own = memoryOf(root);
  if (own === undefined) return undefined;
  const children = new Map<number, number[]>();
  for (const pid of processIds()) {
    const parent = parentOf(pid) ?? 0;
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  let bytes = own;
  const below = [root];
  for (const pid of below)
    for (const child of children.get(pid) ?? []) {
      bytes += memoryOf(child) ?? 0;
      below.push(child);
    }
  return bytes;
}

/** What a process holds of the memory of the machine, in bytes. */
function memoryOf(pid: number): number | undefined {
  try {
    const [, kibibytes] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1_024;
  } catch {
    return undefined;
  }
}

/**
 * Whether a process that can be seen has loaded something below one of some folders, or names it when it is started. Linux only:
 * elsewhere what others have loaded cannot be seen, and only command lines count.
 */
export function areInUse(folders: readonly string[]): boolean {
  const isNamedIn = (text: string): boolean => folders.some((folder) => text.includes(`${folder}/`));
  if (!existsSync('/proc/self/maps')) return isNamedIn(execFileSync('ps', ['-A', '-o', 'args='], { encoding: 'utf8' }));
  return processIds().some((pid) => ['cmdline', 'maps'].some((file) => isNamedIn(textOf(`/proc/${pid}/${file}`))));
}

/** The text of a file; empty where it is gone, or of another user. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
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
