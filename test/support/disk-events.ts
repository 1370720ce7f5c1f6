import type { Durability, EventBatch, StoredEvent } from '../../src/base/history/event-store.js';
import { blob, header, nextBatch, storedEvent } from './stored-events.js';

/** How commits are made: all at one level, process and power in turn, or with `synchronous = OFF`, which no store does by itself. */
export const DISK_MODES = ['power', 'process', 'mixed', 'off'] as const;

/** One of them. */
export type DiskMode = (typeof DISK_MODES)[number];

/** What the program that writes is told. */
export interface DiskOrder {
  /** Path of the store. */
  readonly file: string;
  /** Gets a line for each receipt, in the folder of the store, so that it is written down in order: run, events, durability. */
  readonly receipts: string;
  readonly mode: DiskMode;
}

/** The smallest log there is: it is carried over every few commits. */
export const WAL_BYTES = 65_536;

const COMMITS = 24;
const TEXT = 'abcdefgh'.repeat(400);

/** An event as it is written; its data tells its run and place, so that one in the place of another is found. */
export function diskEvent(runId: string, seq: number): StoredEvent {
  return storedEvent(seq, {
    data: `{"run":"${runId}","seq":${seq},"text":"${TEXT.slice(0, (seq * 811) % TEXT.length)}"}`,
  });
}

function batch(runId: string, from: number, to: number): EventBatch {
  const events = Array.from({ length: to - from }, (_, index) => diskEvent(runId, from + index));
  const more = from === 0 ? { header: header() } : {};
  const blobs = from % 4 === 0 ? [blob(`${runId} ${from} ${TEXT}`)] : [];
  return nextBatch(runId, from, to, { events, blobs, ...more });
}

/** What is committed, in order: two runs, one or both of them in a commit. `undefined`: the store is closed and opened again. */
export function* diskCommits(mode: DiskMode): Generator<{ batches: EventBatch[]; durability: Durability } | undefined> {
  const next = { a: 0, b: 0 };
  for (let commit = 0; commit < COMMITS; commit++) {
    if (commit === COMMITS / 2) yield undefined;
    const both = commit % 5 === 0;
    const runs = both ? (['a', 'b'] as const) : [commit % 2 === 0 ? ('a' as const) : ('b' as const)];
    const batches = runs.map((runId) => {
      const from = next[runId];
      next[runId] += 1 + (commit % 3);
      return batch(runId, from, next[runId]);
    });
    const stronger = mode === 'power' || mode === 'off' || (mode === 'mixed' && commit % 3 === 2);
    yield { batches, durability: stronger ? 'power' : 'process' };
  }
}
