import { readFileSync } from 'node:fs';
import type { Random } from '../../src/base/ports.js';

/** Something that was done to a file; see disk-shim.c. */
interface DiskRecord {
  readonly kind: string;
  /** In the folder; empty for the folder itself. */
  readonly name: string;
  readonly offset: number;
  readonly data: Buffer;
}

/** A file from when it was made until it was unlinked: what is sure to be on the disk, and what was done since. */
interface Life {
  /** Number of the record that made it. */
  readonly born: number;
  /** `undefined`: it is not there. */
  content: Buffer | undefined;
  pending: DiskRecord[];
}

/** Which of what was not synced reached the disk. `some`: any of it. `torn`: all, and of the last write to each file some sectors. */
export type Loss = 'none' | 'all' | 'some' | 'torn';

const HEAD = 24;
const SECTOR = 512;

/** The records that the shim made. */
export function readRecords(log: string): readonly DiskRecord[] {
  const bytes = readFileSync(log);
  const records: DiskRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const nameLength = bytes.readUInt8(at + 1);
    const dataAt = at + HEAD + nameLength;
    const hasData = bytes.readBigUInt64LE(at + 16);
    const end = dataAt + Number(hasData);
    records.push({
      kind: String.fromCharCode(bytes.readUInt8(at)),
      name: bytes.toString('utf8', at + HEAD, dataAt),
      offset: Number(bytes.readBigUInt64LE(at + 8)),
      data: bytes.subarray(dataAt, end),
    });
    at = end;
  }
  return records;
}

/**
 * A disk on which records are made one by one, and which can lose its power at any time. What it takes for granted: data is on the
 * disk once its own file is synced; that files were made or unlinked, and in this order, once any file of the folder is, as file
 * systems with a journal have it (SQLite syncs the folder as well when it makes a file). Sectors are written whole or not at all.
 */
export class RecordedDisk {
  readonly #files = new Map<string, Life[]>();
  #made = 0;
  #synced = 0;

  /** Makes the next record. */
  make(record: DiskRecord): void {
    this.#made++;
    const { kind, name } = record;
    if (kind === 'S') return this.#sync(name);
    if (kind === 'R') throw new Error(`${name} was renamed: this disk cannot do that.`);
    const lives = this.#livesOf(name);
    const life = lives.at(-1) as Life;
    if (kind === 'U') lives.push({ born: this.#made, content: undefined, pending: [] });
    else if (kind !== 'O') life.pending.push(record);
    else if (life.content === undefined && life.pending.length === 0)
      lives.push({ born: this.#made, content: Buffer.alloc(0), pending: [] });
    else if (record.offset === 1) life.pending.push({ ...record, kind: 'T', offset: 0 });
  }

  #livesOf(name: string): Life[] {
    const lives = this.#files.get(name) ?? [{ born: 0, content: undefined, pending: [] }];
    this.#files.set(name, lives);
    return lives;
  }

  #sync(synced: string): void {
    this.#synced = this.#made;
    for (const [name, lives] of this.#files) {
      lives.splice(0, lives.length - 1);
      const [life] = lives as [Life];
      if (name !== synced || life.content === undefined) continue;
      life.content = applied(life.content, life.pending);
      life.pending = [];
    }
  }

  /** What is on the disk after the power was lost now, by the names of the files. */
  after(loss: Loss, random: Random, seed: string): ReadonlyMap<string, Buffer> {
    const found = new Map<string, Buffer>();
    const chance = (what: string): number => random.keyed(`${seed} ${this.#made} ${what}`);
    const last =
      loss === 'none'
        ? this.#synced
        : loss === 'some'
          ? this.#synced + Math.floor(chance('made') * (this.#made - this.#synced + 1))
          : this.#made;
    for (const [name, lives] of this.#files) {
      const life = lives.findLast(({ born }) => born <= last) as Life;
      if (life.content === undefined) continue;
      const { pending } = life;
      const kept =
        loss === 'none'
          ? []
          : loss === 'some'
            ? pending.filter((_, index) => chance(`${name} ${index}`) < 0.5)
            : loss === 'torn'
              ? torn(pending, chance(name))
              : pending;
      found.set(name, applied(life.content, kept));
    }
    return found;
  }
}

/** The last write by half. */
function torn(pending: readonly DiskRecord[], chance: number): readonly DiskRecord[] {
  const last = pending.at(-1);
  if (last?.kind !== 'W') return pending;
  const sectors = Math.ceil(last.data.length / SECTOR);
  const data = last.data.subarray(0, Math.floor(chance * sectors) * SECTOR);
  return [...pending.slice(0, -1), { ...last, data }];
}

function applied(content: Buffer, records: readonly DiskRecord[]): Buffer {
  let now = Buffer.from(content);
  for (const { kind, offset, data } of records) {
    const size = kind === 'T' ? offset : Math.max(now.length, data.length === 0 ? 0 : offset + data.length);
    if (size !== now.length) now = Buffer.concat([now.subarray(0, size), Buffer.alloc(Math.max(0, size - now.length))]);
    data.copy(now, offset);
  }
  return now;
}
