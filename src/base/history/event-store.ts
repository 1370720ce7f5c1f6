import type { EventKind } from '../events.js';
import type { RunStatus } from '../status.js';

/**
 * What committed events survive. `memory`: nothing is waited for; they are written with the next commit that asks for more, at the
 * latest when the run waits or ends. `process`: a killed process. `power`: the loss of power as well.
 */
export type Durability = 'memory' | 'process' | 'power';

/** From the weakest to the strongest. */
export const DURABILITIES: readonly Durability[] = ['memory', 'process', 'power'];

/** An event as a store holds it: its data is text, written by the value codec. */
export interface StoredEvent {
  /** Position in the log of its run, from 0. */
  readonly seq: number;
  /** Epoch milliseconds. */
  readonly ts: number;
  readonly kind: EventKind;
  /** Version of the event format. */
  readonly v: number;
  /** Idempotency key: unique in the run. */
  readonly key: string | null;
  /** The event's data as the value codec writes it. Large values in it are references to blobs. */
  readonly data: string;
}

/** A large value, kept once, under the hash of its text. */
export interface StoredBlob {
  /** SHA-256 of `text`, 64 lower-case hexadecimal digits. */
  readonly hash: string;
  readonly text: string;
}

/** What a list of runs shows of one: a projection of its log, written in the transaction of the events that change it. */
export interface RunHeader {
  /** Name of the workflow. */
  readonly workflow: string;
  /** Hash of the workflow; see `StoredWorkflow`. */
  readonly workflowHash: string;
  readonly status: RunStatus;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** Epoch milliseconds; `null` while it has not ended. */
  readonly endedAt: number | null;
  /** Code of the error it failed with. */
  readonly errorCode: string | null;
  /** Epoch milliseconds at which a run that waits has something to do although nobody answers. */
  readonly wakeAt: number | null;
  /** The run that this one was forked from, and the number of its events that were taken over. */
  readonly forkedFrom: { readonly runId: string; readonly events: number } | null;
}

/** A run as a store knows it. */
export interface RunRecord extends RunHeader {
  readonly runId: string;
  /** How many events it has. */
  readonly events: number;
  /** `ts` of the last of them. */
  readonly updatedAt: number;
}

/** What is recorded of a workflow, once for each hash: enough to show and to replay its runs without its code. */
export interface StoredWorkflow {
  /** Hash of the workflow. */
  readonly hash: string;
  readonly name: string;
  /** Its description as JSON; see `describeWorkflow`. */
  readonly description: string;
}

/** Events of one run that are appended together. */
export interface EventBatch {
  readonly runId: string;
  /** In order, the first one following the last that the store has. At least one. */
  readonly events: readonly StoredEvent[];
  /** Blobs that the events refer to; the store may know them already. */
  readonly blobs: readonly StoredBlob[];
  /** What the list of runs shows from now on; given with the first events of a run and whenever it changes. */
  readonly header?: RunHeader;
  /** Given with the first events of a run. */
  readonly workflow?: StoredWorkflow;
}

/** What a commit did, read back from the store. */
export interface CommitReceipt {
  /** What the committed events survive: what was asked for, or more. `memory` for a store that keeps nothing on disk. */
  readonly durability: Durability;
  /** How many events were added. Events whose key the run has already are not added again. */
  readonly created: number;
  /** Position of the last event of the store, all runs together, from 1. */
  readonly position: number;
}

/** Which runs a list shows. Newest first. */
export interface RunQuery {
  readonly workflow?: string;
  readonly status?: RunStatus;
  /** Only runs that started before this run did: the next page. */
  readonly before?: string;
  /** Default 50. */
  readonly limit?: number;
}

/** Which events are read. */
export interface EventRange {
  /** The first position. Default 0. */
  readonly from?: number;
  /** The position after the last. Default: to the end. */
  readonly to?: number;
}

/** A saved state of a run. It only saves time: without it, or where it is damaged, the events are replayed from the start. */
export interface StoredSnapshot {
  /** How many events it covers. */
  readonly events: number;
  /** Epoch milliseconds. */
  readonly takenAt: number;
  /** Hash of the workflow. */
  readonly workflowHash: string;
  /** Version of the format of `state`. */
  readonly v: number;
  readonly state: string;
  /** SHA-256 of `state`. */
  readonly checksum: string;
}

/** Something that `verify` found wrong. */
export interface IntegrityProblem {
  /**
   * `block`: events that were committed together are not what was written; `event`: one is not; `gap`: events are missing before
   * others; `tail`: the last ones are; `blob`: a large value is not what was written, or is missing; `file`: SQLite cannot read it.
   */
  readonly kind: 'event' | 'gap' | 'tail' | 'blob' | 'block' | 'file';
  /** `null` where it concerns the store as a whole. */
  readonly runId: string | null;
  /** Position in the run of the first bad event, of a block of its first event; `null` where it is not known. */
  readonly seq: number | null;
  /** How many events are missing. */
  readonly missing: number;
  /** One sentence. */
  readonly what: string;
}

/** What `verify` found. */
export interface IntegrityReport {
  readonly ok: boolean;
  readonly runs: number;
  readonly events: number;
  readonly problems: readonly IntegrityProblem[];
}

/** Which runs are removed. Runs that have not ended are kept whatever this says. Every limit counts by itself. */
export interface Retention {
  /** How many ended runs are kept, the newest. */
  readonly keep?: number;
  /** How much ended runs may take, in bytes; the oldest go first. */
  readonly bytes?: number;
  /** How long an ended run is kept, in milliseconds. */
  readonly ageMs?: number;
}

/** What was removed. */
export interface PruneReport {
  readonly runs: number;
  readonly events: number;
  readonly blobs: number;
}

/** How a store is. */
export interface StoreHealth {
  /** `poisoned`: something failed; nothing more is written until it is opened anew. */
  readonly status: 'open' | 'read-only' | 'closed' | 'poisoned';
  /** What a person would call it: the path of its file. */
  readonly location: string;
  readonly runs: number;
  readonly events: number;
  readonly bytes: number;
  /** What only this kind of store has: size of its WAL, holder of its lease, versions. */
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

/**
 * Where the events of runs are kept: the truth of which every table is a projection. All methods are synchronous. One writer at a
 * time; whoever only reads never blocks it.
 *
 * After a failure of `append` the store is poisoned: it refuses every further write with STORE_POISONED, because what reached the
 * disk is not known. Close it and open it anew. What is refused before anything is written leaves it as it was: SEQ_CONFLICT,
 * STORE_LOCKED, CLOCK_ROLLED_BACK, a bad argument.
 */
export interface EventStore {
  /** Makes it ready. Idempotent. @throws LockstepError with the codes of the store */
  open(): void;
  /**
   * Adds events of one or several runs, all or none, and returns once they are as durable as was asked.
   *
   * @throws LockstepError SEQ_CONFLICT where a batch does not follow what the store has, STORE_FAILED, STORE_FULL, STORE_READ_ONLY, STORE_LOCKED, CLOCK_ROLLED_BACK, LEASE_LOST, DURABILITY_REFUSED, STORE_POISONED, STORE_CLOSED
   */
  append(batches: readonly EventBatch[], durability: Durability): CommitReceipt;
  /** A run; `undefined` where there is none. */
  run(runId: string): RunRecord | undefined;
  runs(query?: RunQuery): readonly RunRecord[];
  /**
   * Events of a run, in order; none for a run that does not exist. Reads as it is asked: a long log is never in memory as a whole.
   *
   * @throws LockstepError STORE_DAMAGED at the first event that is missing before others, or stands in a block that is not what was written
   */
  events(runId: string, range?: EventRange): IterableIterator<StoredEvent>;
  blob(hash: string): string | undefined;
  workflow(hash: string): StoredWorkflow | undefined;
  /** Keeps the 10 newest of a run. */
  saveSnapshot(runId: string, snapshot: StoredSnapshot): void;
  /** The snapshots of a run that cover at most so many events, those that cover most first. */
  snapshots(runId: string, events?: number): readonly StoredSnapshot[];
  /** Looks whether what is stored is what was written: of one run, or of all. */
  verify(runId?: string): IntegrityReport;
  /** Removes a run that has ended. `false` where there is none. @throws LockstepError RUN_NOT_ENDED */
  remove(runId: string): boolean;
  /** Removes runs that have ended. */
  prune(retention: Retention): PruneReport;
  health(): StoreHealth;
  /** Gives back whatever it holds. Idempotent. */
  close(): void;
}
