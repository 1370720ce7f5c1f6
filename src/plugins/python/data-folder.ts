import { mkdirSync } from 'node:fs';
import { ConfigurationError } from '../../base/errors.js';

/**
 * Makes a folder, with those above it, and does what has to be done in it.
 *
 * @throws ConfigurationError FILE_UNWRITABLE
 */
export function inFolder<T>(folder: string, write: () => T): T {
  try {
    mkdirSync(folder, { recursive: true });
    return write();
  } catch (cause) {
    const { message } = cause as Error;
    throw new ConfigurationError('FILE_UNWRITABLE', `${folder} cannot be written: ${message}.`, { at: folder, cause });
  }
}
