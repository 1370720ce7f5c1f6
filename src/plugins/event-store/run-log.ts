import { createHash, type Hash } from 'node:crypto';
import type { RunHeader, StoredEvent } from '../../base/history/event-store.js';
import { BLOCK, checksum, eventText, NO_BLOCK } from './event-text.js';

/** A block of a run that can be written: complete, or as far as it is. */
export interface Block {
  readonly number: number;
  readonly events: number;
  readonly hash: string;
}

/** How many characters of a log wait for its hash. */
const MOST_UNHASHED = 4_096;

/** What a writer keeps in memory of a run, so that appending to it reads nothing. */
export class RunLog {
  /** The key of the run in its table. */
  readonly id: number;
  /** Position in the run of the next event. */
  next: number;
  /** How much its events and blobs take, in characters. */
  bytes: number;
  /** What the list of runs shows of it, where it was written here. */
  header: RunHeader | undefined;
  #hash: Hash;
  /** What the hash has not taken in yet: one long text costs it less than many short ones. */
  #unhashed = '';

  /** @param given where the current block begins, and the hash of the block before it */
  constructor(id: number, given: { readonly from: number; readonly previous: string; readonly bytes: number }) {
    this.id = id;
    this.next = given.from;
    this.bytes = given.bytes;
    this.#hash = createHash('sha256').update(given.previous);
  }

  /** The log of a run that has no events yet. */
  static empty(id: number): RunLog {
    return new RunLog(id, { from: 0, previous: NO_BLOCK, bytes: 0 });
  }

  /** Takes an event in, and gives its checksum. */
  add(event: StoredEvent): number {
    const text = eventText(event.kind, event.v, event.key, event.data);
    this.#unhashed += this.next % BLOCK === 0 ? text : `\n${text}`;
    if (this.#unhashed.length > MOST_UNHASHED) this.#takeIn();
    this.next++;
    this.bytes += event.data.length;
    return checksum(event, text);
  }

  /** The block that the last event completed, if it did; the next one begins. */
  completed(): Block | undefined {
    if (this.next % BLOCK !== 0) return undefined;
    this.#takeIn();
    const hash = this.#hash.digest('hex');
    this.#hash = createHash('sha256').update(hash);
    return { number: this.next / BLOCK - 1, events: BLOCK, hash };
  }

  /** The block at the end of the log as far as it is; `undefined` where the last event completed one. */
  unfinished(): Block | undefined {
    const events = this.next % BLOCK;
    if (events === 0) return undefined;
    this.#takeIn();
    return { number: (this.next - events) / BLOCK, events, hash: this.#hash.copy().digest('hex') };
  }

  #takeIn(): void {
    if (this.#unhashed !== '') this.#hash.update(this.#unhashed);
    this.#unhashed = '';
  }
}
