import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkerSettings } from './configuration.js';
import type { WorkerPlace } from './process/process-manager.js';
import { PROTOCOL } from './wire/conversation.js';

/**
 * Writes what a worker is told when it is started, into its folder, for this user only: python/BRIDGE.md has the norm.
 *
 * @param token 256 bits, as hexadecimal digits
 * @returns the path of the file
 */
export function writeSettings(settings: WorkerSettings, place: WorkerPlace, token: string): string {
  const { transport, listener, tls, paths, preload, maxConcurrentCalls, maxValueBytes } = settings;
  const path = join(place.folder, 'settings.json');
  const told = {
    protocol: PROTOCOL,
    worker: place.id,
    token,
    address: transport === 'unix' ? `unix:${join(place.folder, 's')}` : `${listener.host}:${listener.port}`,
    readyFile: place.readyFile,
    tls: transport === 'unix' ? null : tls,
    paths,
    preload,
    maxConcurrentCalls,
    maxValueBytes,
    sharedFolder: place.sharedFolder,
    sharedFromBytes: settings.sharedMemoryFromBytes,
  };
  writeFileSync(path, JSON.stringify(told), { mode: 0o600, flag: 'wx' });
  return path;
}
