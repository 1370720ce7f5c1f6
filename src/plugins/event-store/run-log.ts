import type { RunHeader } from '../../base/history/event-store.js';
import { blockHash, type EventBlock } from './event-block.js';

/** What a writer keeps in memory of a run, so that appending to it reads nothing. */
export class RunLog {
  /** The key of the run in its table. */
  readonly id: number;
  /** Position in the run of the next event. */
  next: number;
  /** How much the data of its events and its blobs take, in characters. */
  bytes: number;
  /** The hash of its last block. */
  hash: string;
  /** What the list of runs shows of it, where it was written here. */
  header: RunHeader | undefined;

  constructor(id: number, given: { readonly next: number; readonly bytes: number; readonly hash: string }) {
    this.id = id;
    this.next = given.next;
    this.bytes = given.bytes;
    this.hash = given.hash;
  }

  /** Takes a block in that follows, and gives its hash. */
  add(block: EventBlock): string {
    this.hash = blockHash(this.hash, block);
    this.next = block.seq + block.events;
    this.bytes += block.bytes;
    return this.hash;
  }
}
