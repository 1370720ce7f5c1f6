import { type Head, readHead } from './head-file.js';
import type { ReadStatements } from './statements.js';

/** The head of a store; `undefined` where there is none, or one that belongs to another file. */
export function headOf(read: ReadStatements, file: string): Head | undefined {
  const head = readHead(file);
  return head?.store === read.meta.get('store') ? head : undefined;
}

/** How many events the head tells of that the file does not have. */
export function missingAtTail(read: ReadStatements, file: string): number {
  const head = headOf(read, file);
  // The last position takes a look at every run: only where the event is not where it should be.
  if (head === undefined || read.eventAt.get(head.runId, head.seq)?.position === head.position) return 0;
  return Math.max(0, head.position - (read.lastPosition.get() ?? 0));
}
