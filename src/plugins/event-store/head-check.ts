import { type Head, readHead } from './head-file.js';
import type { ReadStatements } from './statements.js';

/** The head of a store; `undefined` where there is none, or one that belongs to another file. */
export function headOf(read: ReadStatements, file: string): Head | undefined {
  const head = readHead(file);
  return head?.store === read.meta.get('store') ? head : undefined;
}

/** The place in the store of an event, and the hash of its block; `undefined` where there is none. */
export function eventAt(read: ReadStatements, runId: string, seq: number) {
  const run = read.runId.get(runId);
  const block = run === undefined ? undefined : read.blockAt.get({ run, seq });
  if (block === undefined || block.seq + block.events <= seq) return undefined;
  return { position: block.position - (block.seq + block.events - 1 - seq), hash: block.hash };
}

/** How many events the head tells of that the file does not have. */
export function missingAtTail(read: ReadStatements, file: string): number {
  const head = headOf(read, file);
  // The last position takes a look at every run: only where the event is not where it should be.
  if (head === undefined || eventAt(read, head.runId, head.seq)?.position === head.position) return 0;
  return Math.max(0, head.position - (read.lastPosition.get() ?? 0));
}
