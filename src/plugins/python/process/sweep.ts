import { lstatSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isDead, startOf } from '../../process-identity.js';
import { hasEnded } from '../registry/registered-host.js';
import type { Registration } from '../registry/registration.js';
import type { RegisteredHost, WorkerEntry } from '../registry/worker-registry.js';
import { signalGroup } from './guard.js';
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
 * the marker of such a worker: a number in a registry may be that of another process today. The guards have mostly done this long
 * before; this is for when they were killed too.
 *
 * @param self this host, which is registered already: by it, others see who sweeps
 * @throws as the registry
 */
export async function sweep(self: Registration): Promise<SweepReport> {
  const hosts = await self.hosts();
  const claimed: RegisteredHost[] = [];
  for (const host of hosts) if ((await isLeft(host, hosts, self)) && (await isOurs(host, self))) claimed.push(host);
  const killed = await Promise.all(claimed.flatMap(({ workers }) => workers.map(endWorker)));
  for (const { id } of claimed) await self.removeClaimed(id);
  return { hosts: claimed.length, killed: killed.flat() };
}

/** Whether a host has ended, and nobody is there that ends what is left of it. */
async function isLeft(host: RegisteredHost, hosts: readonly RegisteredHost[], self: Registration): Promise<boolean> {
  if (host.id === self.id || !hasEnded(host)) return false;
  if (host.claimedBy === null || host.claimedBy === self.id) return true;
  // Whoever claims is written down before. Looked at again: the list may have been read while that was done.
  return !isThere(host.claimedBy, hosts) && !isThere(host.claimedBy, await self.hosts());
}

/** Whether one that has claimed a host is there to finish: it is forgotten only when it ends. */
function isThere(claimant: string, hosts: readonly RegisteredHost[]): boolean {
  return hosts.some((host) => host.id === claimant && host.claimedBy === null && !hasEnded(host));
}

/** Takes a host, so that of several who sweep only one does. */
async function isOurs(host: RegisteredHost, self: Registration): Promise<boolean> {
  return host.claimedBy === self.id || (await self.claim(host));
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
