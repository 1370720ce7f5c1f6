import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { nearestName } from '../../base/did-you-mean.js';
import { LockstepError } from '../../base/errors.js';

function neighbour(file: string): string {
  let names: string[] = [];
  try {
    names = readdirSync(dirname(resolve(file)));
  } catch {
    return '';
  }
  const nearest = nearestName(basename(file), names);
  return nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
}

function unreadable(file: string, cause: unknown): LockstepError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const what =
    code === 'ENOENT' || code === 'ENOTDIR'
      ? `There is no file ${file}.${neighbour(file)}`
      : code === 'EISDIR'
        ? `${file} is a folder.`
        : `${file} cannot be read: ${message}.`;
  return new LockstepError('FILE_UNREADABLE', what, { at: file, cause });
}

/** The text of a file. @throws LockstepError FILE_UNREADABLE */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

/** @throws LockstepError FILE_UNREADABLE where there is no such file */
export function requireFile(file: string): void {
  try {
    if (statSync(file).isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

function unwritable(file: string, cause: unknown): LockstepError {
  const what = `${file} cannot be written: ${(cause as Error).message}.`;
  return new LockstepError('FILE_UNWRITABLE', what, { at: file, cause });
}

/**
 * Makes the folder of a file, where only that one is missing: a path that is further off is a slip. Not by `recursive`, which never
 * comes back for a path below /proc on Node 20.
 *
 * @throws LockstepError FILE_UNWRITABLE
 */
export function requireFolder(file: string): void {
  const folder = dirname(resolve(file));
  try {
    if (existsSync(folder)) return;
    if (!existsSync(dirname(folder))) throw new Error(`there is no folder ${dirname(folder)}`);
    mkdirSync(folder);
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

/**
 * Makes sure that a file can be written once there is something to write, so that no run is made in vain. Leaves no file behind.
 *
 * @throws LockstepError FILE_UNWRITABLE
 */
export function requireWritable(file: string): void {
  requireFolder(file);
  try {
    const isNew = !existsSync(file);
    closeSync(openSync(file, 'a'));
    if (isNew) rmSync(file);
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

/** Writes a file; its folder is made. @throws LockstepError FILE_UNWRITABLE */
export function writeText(file: string, text: string): void {
  requireFolder(file);
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw unwritable(file, cause);
  }
}
