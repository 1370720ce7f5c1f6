import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LockstepError } from '../../base/errors.js';

/** By what the folder is known in which this package is. */
const SIGN = 'python/lockstep_worker/__init__.py';

/**
 * The folder of this package: the nearest above this file that holds its Python part, wherever a bundler has put this file.
 *
 * @throws LockstepError WORKER_START_FAILED where there is none
 */
export function packageRoot(): string {
  const from = dirname(fileURLToPath(import.meta.url));
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, SIGN))) return folder;
  throw new LockstepError('WORKER_START_FAILED', `No folder above ${from} holds ${SIGN}, the Python part of Lockstep.`);
}

/** The version of this package. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
  return version;
}
