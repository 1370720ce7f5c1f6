import { isRecord } from '../../../base/record.js';
import { isDead, type ProcessIdentity, thisProcess } from '../../process-identity.js';
import type { RegisteredHost, WorkerEntry } from './worker-registry.js';

/** Whether something that a registry gave back is a host: what is killed is found by it. */
export function isRegisteredHost(host: unknown): host is RegisteredHost {
  return (
    isRecord(host) &&
    isText(host.id) &&
    isProcess(host.process) &&
    areEntries(host.workers) &&
    (host.claimedBy === null || isText(host.claimedBy))
  );
}

export function isProcess(process: unknown): process is ProcessIdentity {
  return (
    isRecord(process) &&
    Number.isSafeInteger(process.pid) &&
    typeof process.machine === 'string' &&
    isStart(process.started)
  );
}

export function areEntries(workers: unknown): workers is readonly WorkerEntry[] {
  return (
    Array.isArray(workers) &&
    workers.every(
      (worker: unknown) =>
        isRecord(worker) &&
        [worker.id, worker.marker, worker.folder, worker.sharedFolder].every(isText) &&
        (worker.pid === null || (Number.isSafeInteger(worker.pid) && Number(worker.pid) > 1)) &&
        isStart(worker.started),
    )
  );
}

/** Whether a host has ended. Of those on other machines, or in other containers, that cannot be seen. */
export function hasEnded({ process }: Pick<RegisteredHost, 'process'>): boolean {
  return process.machine === thisProcess().machine && isDead(process);
}

function isText(text: unknown): text is string {
  return typeof text === 'string' && text !== '';
}

function isStart(started: unknown): boolean {
  return started === null || typeof started === 'string';
}
