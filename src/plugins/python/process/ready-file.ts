import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { isRecord } from '../../../base/record.js';

/** What a worker says when it is ready: a JSON object of its own kind. */
export type ReadyMessage = Readonly<Record<string, unknown>>;

/** How often the file is looked for where the system tells of no changes, as on some network file systems. */
const LOOK_MS = 100;

/**
 * Waits until a worker has written its ready file. A file that is no JSON object, or not yet, is looked at again.
 *
 * @throws the reason of the signal
 */
export function waitForReadyFile(file: string, signal: AbortSignal): Promise<ReadyMessage> {
  return new Promise((resolve, reject) => {
    let watcher: FSWatcher | undefined;
    const end = (): void => {
      watcher?.close();
      clearInterval(looking);
      signal.removeEventListener('abort', give);
    };
    const give = (): void => {
      end();
      reject(signal.reason);
    };
    const look = (): void => {
      const message = readMessage(file);
      if (message === undefined) return;
      end();
      resolve(message);
    };
    const looking = setInterval(look, LOOK_MS);
    if (signal.aborted) return give();
    signal.addEventListener('abort', give);
    try {
      watcher = watch(dirname(file), look);
      watcher.on('error', () => watcher?.close());
    } catch {
      // No watches are left: the interval looks.
    }
    look();
  });
}

function readMessage(file: string): ReadyMessage | undefined {
  try {
    const message: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isRecord(message) ? message : undefined;
  } catch {
    return undefined;
  }
}
