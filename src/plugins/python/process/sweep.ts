import { lstatSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isDead, startOf, thisProcess } from '../../process-identity.js';
import { signalGroup } from './guard.js';
import { hostsFolder, readHostFile, type WorkerEntry } from './host-file.js';
import { hasMarker, markedProcesses } from './process-table.js';

/** With what the name of a worker's folder begins. */
export const WORKER_FOLDER = 'lockstep-worker-';

/** What a sweep did. */
export interface SweepReport {
  /** How many hosts had ended without having cleared up. */
  readonly hosts: number;
  /** The processes that were killed. */
  readonly killed: readonly number[];
}

/** How long is waited for processes to be gone that were killed. */
const GONE_MS = 2_000;

/**
 * Ends what is left of the workers of hosts that were killed, and removes their folders. A process is killed only if it carries
 * the marker of such a worker: a number in a file may be that of another process today. The guards have mostly done this long
 * before; this is for when they were killed too.
 *
 * @param self the id of this host, whose own file is there already: by it, others see who sweeps
 */
export async function sweep(dataFolder: string, self: string): Promise<SweepReport> {
  const folder = hostsFolder(dataFolder);
  const workers: WorkerEntry[] = [];
  let hosts = 0;
  for (const name of readdirSync(folder)) {
    const claimed = claim(folder, name, self);
    if (claimed === undefined) continue;
    const found = readHostFile(claimed)?.workers ?? [];
    for (const worker of found) workers.push(worker);
    hosts++;
  }
  const killed = await Promise.all(workers.map(endWorker));
  for (const name of readdirSync(folder))
    if (name.endsWith(claimedBy(self))) rmSync(join(folder, name), { force: true });
  return { hosts, killed: killed.flat() };
}

function claimedBy(host: string): string {
  return `.json.claimed-by-${host}`;
}

/**
 * Takes the file of a host that has ended, so that of several who sweep only one does. A claim of one that has ended itself is
 * taken over.
 *
 * @returns its path now; `undefined` where it is not to be swept
 */
function claim(folder: string, name: string, self: string): string | undefined {
  const [, host, claimant] = /^([\w-]+)\.json(?:\.claimed-by-([\w-]+))?$/.exec(name) ?? [];
  if (host === undefined || host === self || claimant === self) return undefined;
  if (claimant === undefined ? !hasEnded(join(folder, name)) : isThere(folder, claimant)) return undefined;
  const claimed = join(folder, `${host}${claimedBy(self)}`);
  try {
    renameSync(join(folder, name), claimed);
    return claimed;
  } catch {
    // Another one was faster.
    return undefined;
  }
}

/** Whether the host of a file has ended. Of hosts on other machines, or in other containers, that cannot be seen. */
function hasEnded(path: string): boolean {
  const record = readHostFile(path);
  return record !== undefined && record.host.machine === thisProcess().machine && isDead(record.host);
}

/** Whether one that has claimed a file is there to finish: its own file goes only when it ends. */
function isThere(folder: string, host: string): boolean {
  const path = join(folder, `${host}.json`);
  return readHostFile(path) !== undefined && !hasEnded(path);
}

/** Kills what is left of a worker, and answers which processes that were. */
async function endWorker({ pid, started, marker, folder, sharedFolder }: WorkerEntry): Promise<readonly number[]> {
  const killed: number[] = [];
  // Its group holds also those that have cleared their variables. It is its group only if the leader is still the worker.
  if (pid !== null && started !== null && startOf(pid) === started && hasMarker(pid, marker)) {
    killed.push(pid);
    signalGroup(pid, 'SIGKILL');
  }
  killed.push(...(await endMarked(marker)));
  for (const each of [folder, sharedFolder]) removeWorkerFolder(each);
  return [...new Set(killed)];
}

/** Kills every process that has the marker of a worker, wherever it has gone, and answers which those were. */
export async function endMarked(marker: string): Promise<readonly number[]> {
  const killed = new Set<number>();
  // Again, until none is left: one that is seen may start another before it is killed.
  for (const end = performance.now() + GONE_MS; performance.now() < end; await pause(10)) {
    const left = markedProcesses(marker).filter((each) => !isDead(each));
    if (left.length === 0) break;
    for (const each of left) {
      killed.add(each.pid);
      kill(each.pid);
    }
  }
  return [...killed];
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** Removes the folder of a worker, and nothing that only pretends to be one. */
export function removeWorkerFolder(folder: string): void {
  if (!basename(folder).startsWith(WORKER_FOLDER)) return;
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true && stat.uid === process.getuid?.()) rmSync(folder, { recursive: true, force: true });
}
