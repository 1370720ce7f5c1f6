import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

/** The last event of a store, as it stands beside the file. */
export interface Head {
  /** Which store it belongs to. */
  readonly store: string;
  readonly position: number;
  readonly runId: string;
  readonly seq: number;
  /** The beginning of the hash of its block; see `headSum`. */
  readonly sum: number;
}

const MAGIC = 'LSHEAD01';
const SIZE = 256;
/** Length of the name of a store; it begins at 8. */
const STORE = 16;
const POSITION = 24;
const RUN_LENGTH = 44;
const RUN = 46;
/** Longer names are cut: the name is for people. */
const LONGEST_RUN = 200;
const CHECK = SIZE - 4;

/** What the head keeps of the hash of a block: its first 32 bits. */
export function headSum(hash: string): number {
  return Number.parseInt(hash.slice(0, 8), 16);
}

/** The path of the head of a store. */
export function headPath(file: string): string {
  return `${file}-head`;
}

/**
 * Writes the head, in place and without waiting for the disk: a killed process leaves it as it leaves the file, and a loss of
 * power leaves it at worst older. A head that cannot be written is not the end of a store: what is told is what is committed.
 */
export class HeadFile {
  readonly #record = Buffer.alloc(SIZE);
  /** What the check covers of it. */
  readonly #covered = this.#record.subarray(0, CHECK);
  readonly #path: string;
  #handle: number | undefined;
  #runId = '';
  #failure: string | null = null;

  constructor(file: string, store: string) {
    this.#path = headPath(file);
    this.#record.write(MAGIC, 0, 'latin1');
    this.#record.write(store, 8, STORE, 'latin1');
  }

  /** Why it could not be written the last time. */
  get failure(): string | null {
    return this.#failure;
  }

  write(position: number, runId: string, seq: number, sum: number): void {
    const record = this.#record;
    record.writeDoubleLE(position, POSITION);
    record.writeDoubleLE(seq, POSITION + 8);
    record.writeUInt32LE(sum, POSITION + 16);
    if (runId !== this.#runId) {
      record.writeUInt16LE(record.write(runId, RUN, LONGEST_RUN, 'utf8'), RUN_LENGTH);
      this.#runId = runId;
    }
    record.writeUInt32LE(crc32(this.#covered), CHECK);
    try {
      this.#handle ??= openSync(this.#path, constants.O_RDWR | constants.O_CREAT, 0o666);
      writeSync(this.#handle, record, 0, SIZE, 0);
      this.#failure = null;
    } catch (error) {
      this.#failure = (error as Error).message;
    }
  }

  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
  }
}

/** What stands beside a store; `undefined` where there is none that can be read. */
export function readHead(file: string): Head | undefined {
  let record: Buffer;
  try {
    record = readFileSync(headPath(file));
  } catch {
    return undefined;
  }
  if (record.length !== SIZE || record.toString('latin1', 0, 8) !== MAGIC) return undefined;
  if (crc32(record.subarray(0, CHECK)) !== record.readUInt32LE(CHECK)) return undefined;
  return {
    store: record.toString('latin1', 8, 8 + STORE),
    position: record.readDoubleLE(POSITION),
    seq: record.readDoubleLE(POSITION + 8),
    sum: record.readUInt32LE(POSITION + 16),
    runId: record.toString('utf8', RUN, RUN + record.readUInt16LE(RUN_LENGTH)),
  };
}
