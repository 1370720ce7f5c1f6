import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { StoredEvent } from '../../base/history/event-store.js';

/** How many events of a run share a hash. */
export const BLOCK = 64;

/** What the first block of a run follows. */
export const NO_BLOCK = '';

/** What integrity covers of an event, as one text; lengths keep key and data apart. */
export function eventText(kind: string, v: number, key: string | null, data: string): string {
  return `${kind} ${v} ${key === null ? '-' : key.length} ${data.length}\n${key ?? ''}${data}`;
}

/** The checksum of an event: its text together with its place and time. */
export function checksum({ seq, ts }: Pick<StoredEvent, 'seq' | 'ts'>, text: string): number {
  return crc32(`${seq} ${ts} ${text}`);
}

/** SHA-256, in hexadecimal digits. */
export function sha256(text: string): string {
  return hash('sha256', text);
}

/** The hash of a block: of the hash before it and the texts of its events. */
export function blockHash(previous: string, texts: readonly string[]): string {
  return sha256(previous + texts.join('\n'));
}
