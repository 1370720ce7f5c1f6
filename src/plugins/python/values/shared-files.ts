import { closeSync, fstatSync, openSync, readSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { SharedFile } from '../wire/frame.js';
import { unreadable } from '../wire/unreadable.js';

/** Errors of a file system that has no room: the bytes then travel in the frame. */
const FULL: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EMFILE', 'ENFILE']);

/** The most bytes of one call of the system: on Linux nothing longer is taken at once. */
const LONGEST_PIECE = 2 ** 30;

/** The files by which long values pass between this process and a worker: in memory, where the system has a place for that. */
export class SharedFiles {
  readonly #folder: string;
  #count = 0;

  /** @param folder a folder that only this user can enter */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes bytes to a new file; `undefined` where the folder has no room. */
  write(bytes: Uint8Array): SharedFile | undefined {
    const path = join(this.#folder, `host-${++this.#count}`);
    try {
      const file = openSync(path, 'wx', 0o600);
      try {
        for (let at = 0; at < bytes.length; )
          at += writeSync(file, bytes, at, Math.min(LONGEST_PIECE, bytes.length - at));
      } finally {
        closeSync(file);
      }
      return { path, size: bytes.length };
    } catch (error) {
      rmSync(path, { force: true });
      if (FULL.has((error as NodeJS.ErrnoException).code)) return undefined;
      throw error;
    }
  }

  /**
   * Reads a file of the worker into memory of its own, and removes it.
   *
   * @throws LockstepError FRAME_UNREADABLE where it is not in the folder, not as long as was said, or not there
   */
  read({ path, size }: SharedFile): Uint8Array<ArrayBuffer> {
    if (!this.#holds(path)) throw unreadable('a file outside of the folder', path);
    try {
      const file = openSync(path, 'r');
      try {
        unlinkSync(path);
        if (fstatSync(file).size !== size) throw unreadable('a file of another size than was said', path);
        const bytes = new Uint8Array(new ArrayBuffer(size));
        for (let at = 0; at < size; ) {
          const read = readSync(file, bytes, at, Math.min(LONGEST_PIECE, size - at), at);
          if (read === 0) throw unreadable('a file that ends too early', path);
          at += read;
        }
        return bytes;
      } finally {
        closeSync(file);
      }
    } catch (cause) {
      throw (cause as NodeJS.ErrnoException).syscall === undefined
        ? cause
        : unreadable('a file that cannot be read', path, { cause });
    }
  }

  /** Removes a file of the worker that is not read. */
  discard({ path }: SharedFile): void {
    if (this.#holds(path)) rmSync(path, { force: true });
  }

  /** Removes what was sent and not fetched. */
  remove(files: readonly SharedFile[]): void {
    for (const { path } of files) rmSync(path, { force: true });
  }

  #holds(path: string): boolean {
    return dirname(path) === this.#folder && basename(path) !== '..';
  }
}
