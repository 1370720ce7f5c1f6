import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The bare limit of passing bytes by memory that is shared: a file in it, written at once, read at once. */
export class SharedFolder {
  readonly #folder = mkdtempSync('/dev/shm/lockstep-bench-');
  readonly #file = join(this.#folder, 'bytes');

  write(bytes: Uint8Array): void {
    writeFileSync(this.#file, bytes);
    rmSync(this.#file);
  }

  writeAndRead(bytes: Uint8Array): Uint8Array {
    writeFileSync(this.#file, bytes);
    const read = readFileSync(this.#file);
    rmSync(this.#file);
    return read;
  }

  close(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
