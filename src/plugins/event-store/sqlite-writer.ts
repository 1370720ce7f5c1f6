import { LockstepError } from '../../base/errors.js';
import type {
  CommitReceipt,
  Durability,
  EventBatch,
  PruneReport,
  Retention,
  RunHeader,
  StoredSnapshot,
  StoredWorkflow,
} from '../../base/history/event-store.js';
import { refuse } from '../../base/option-checks.js';
import { EventRows } from './event-rows.js';
import { BLOCK, NO_BLOCK } from './event-text.js';
import { missingAtTail } from './head-check.js';
import { HeadFile } from './head-file.js';
import { HEARTBEAT_MS, Lease } from './lease.js';
import { beyond, hasEnded } from './retention.js';
import { type Block, RunLog } from './run-log.js';
import type { SqliteDatabase } from './sqlite-api.js';
import type { SqliteSettings } from './sqlite-options.js';
import { type ReadStatements, type WriteStatements, writeStatements } from './statements.js';
import { isHarmless, runNotEnded, runUnknown, seqConflict, storeError } from './store-errors.js';

/** What `PRAGMA synchronous` is called for each level: NORMAL survives a killed process, FULL the loss of power. */
const SYNCHRONOUS = { process: 1, power: 2 } as const;
type Level = keyof typeof SYNCHRONOUS;

/** How many ended runs are let by before the limits of `keep` are looked at again. */
const PRUNE_EVERY = 50;
const SNAPSHOTS = 10;
/** Of how many runs, and how many workflows, is kept in memory what the store has of them; of others it is read again. */
const MOST_LOGS = 10_000;

/** The writing side of a store: the lease, the transactions, and what is kept in memory between them. */
export class SqliteWriter {
  readonly #db: SqliteDatabase;
  readonly #read: ReadStatements;
  readonly #write: WriteStatements;
  readonly #settings: SqliteSettings;
  readonly #lease: Lease;
  readonly #head: HeadFile;
  readonly #rows: EventRows;
  readonly #logs = new Map<string, RunLog>();
  /** Hashes of workflows that the store has. */
  readonly #workflows = new Set<string>();
  /** Of the last event of the store; `undefined` while somebody else may be writing. */
  #position: number | undefined;
  #level: Level | undefined;
  readonly #proved = new Set<Level>();
  #heartbeat: NodeJS.Timeout | undefined;
  #endedSincePruning = PRUNE_EVERY;
  #poison: LockstepError | undefined;

  constructor(db: SqliteDatabase, read: ReadStatements, settings: SqliteSettings) {
    this.#db = db;
    this.#read = read;
    this.#write = writeStatements(db);
    this.#rows = new EventRows(db);
    this.#settings = settings;
    this.#lease = new Lease({ ...this.#write, lease: read.lease });
    this.#head = new HeadFile(settings.file, String(read.meta.get('store')));
  }

  /** Why nothing more is written. */
  get poison(): LockstepError | undefined {
    return this.#poison;
  }

  get holdsLease(): boolean {
    return this.#lease.isHeld;
  }

  get headFailure(): string | null {
    return this.#head.failure;
  }

  append(batches: readonly EventBatch[], durability: Durability): CommitReceipt {
    const level = durability === 'power' ? 'power' : 'process';
    let [created, ended] = [0, 0];
    let last: { readonly runId: string; readonly seq: number; readonly sum: number } | undefined;
    this.#transact(level, () => {
      for (const batch of batches) {
        const log = this.#logOf(batch);
        for (const event of batch.events) {
          if (event.key !== null && this.#hasKey(log, event.key)) continue;
          if (event.seq !== log.next) throw seqConflict(batch.runId, log.next, event.seq);
          last = { runId: batch.runId, seq: event.seq, sum: this.#addEvent(log, event) };
          created++;
        }
        this.#rows.insert();
        this.#addBlobs(log, batch);
        if (batch.workflow !== undefined) this.#addWorkflow(log, batch.workflow);
        if (batch.header === undefined) continue;
        this.#changeRun(log, batch.header);
        if (hasEnded(batch.header)) ended++;
        if (hasEnded(batch.header) || batch.header.status === 'waiting') this.#logs.delete(batch.runId);
      }
    });
    const position = this.#lastPosition();
    if (last !== undefined) this.#head.write(position, last.runId, last.seq, last.sum);
    this.#keepLimits(ended);
    return { durability: level, created, position };
  }

  saveSnapshot(runId: string, snapshot: StoredSnapshot): void {
    this.#transact('process', () => {
      const id = this.#read.runId.get(runId);
      if (id === undefined) throw runUnknown(runId);
      const { events, takenAt, workflowHash, v, state, checksum } = snapshot;
      this.#write.snapshot.run(id, events, takenAt, workflowHash, v, state, checksum);
      this.#write.oldSnapshots.run({ run: id, keep: SNAPSHOTS });
    });
  }

  /** Removes a run; `false` where there is none. @throws LockstepError RUN_NOT_ENDED */
  remove(runId: string): boolean {
    let removed: PruneReport | undefined;
    this.#transact('process', () => {
      removed = this.#drop(runId);
      this.#dropWorkflows();
    });
    return removed !== undefined;
  }

  /** Removes the runs that are beyond a limit, each in a transaction of its own. */
  prune(retention: Retention): PruneReport {
    this.#checkPoison();
    const total = { runs: 0, events: 0, blobs: 0 };
    for (const { run_id } of beyond(this.#read.ended.all(), retention, this.#settings.clock.now())) {
      this.#transact('process', () => {
        const removed = this.#drop(run_id);
        total.runs += removed?.runs ?? 0;
        total.events += removed?.events ?? 0;
        total.blobs += removed?.blobs ?? 0;
      });
    }
    if (total.runs > 0) this.#transact('process', () => this.#dropWorkflows());
    return total;
  }

  #drop(runId: string): PruneReport | undefined {
    const row = this.#read.run.get(runId);
    if (row === undefined) return undefined;
    if (!hasEnded(row)) throw runNotEnded(runId, row.status);
    // The last position is not given again: the head would tell of an event that is another one.
    this.#write.setMeta.run(this.#lastPosition(), 'position');
    const events = this.#write.dropEvents.run({ run: row.id }).changes;
    const blobs = this.#write.dropBlobs.run({ run: row.id }).changes;
    for (const name of ['dropBlobUses', 'dropWorkflowUses', 'dropBlocks', 'dropSnapshots', 'dropRun'] as const)
      this.#write[name].run(row.id);
    this.#logs.delete(runId);
    return { runs: 1, events, blobs };
  }

  /** Gives the lease back. Never throws: whoever comes next finds the lease of an ended process, or lets it expire. */
  close(): void {
    clearInterval(this.#heartbeat);
    try {
      this.#lease.release();
    } catch {
      this.#rollBack();
    }
    this.#head.close();
  }

  /** One transaction, under the lease. What fails poisons the store, unless it is known to have changed nothing. */
  #transact(level: Level, work: () => void): void {
    this.#checkPoison();
    const isFirst = !this.#lease.isHeld;
    try {
      this.#setLevel(level);
      this.#write.begin.run();
      this.#lease.hold(this.#settings.clock.now());
      if (isFirst) this.#takeOver();
      work();
      this.#write.commit.run();
      this.#lease.committed();
      if (!this.#proved.has(level)) this.#prove(level);
    } catch (cause) {
      throw this.#failed(cause);
    }
    if (isFirst) this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS).unref();
  }

  #checkPoison(): void {
    if (this.#poison === undefined) return;
    throw new LockstepError('STORE_POISONED', `${this.#settings.file} failed before.`, { cause: this.#poison });
  }

  #failed(cause: unknown): LockstepError {
    this.#rollBack();
    this.#rows.clear();
    this.#logs.clear();
    this.#workflows.clear();
    this.#position = undefined;
    const error = storeError(cause, this.#settings.file);
    if (!isHarmless(error)) {
      this.#poison = error;
      clearInterval(this.#heartbeat);
    }
    return error;
  }

  #rollBack(): void {
    try {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
    } catch {
      // Closing the connection rolls it back.
    }
  }

  #beat(): void {
    try {
      this.#transact('process', () => undefined);
    } catch {
      // The store is poisoned and tells whoever writes next.
    }
  }

  /** What happens once, in the transaction that takes the lease: the file stands still from here on. */
  #takeOver(): void {
    const missing = missingAtTail(this.#read, this.#settings.file);
    if (missing === 0) return;
    // The positions of what is gone are not given again, so that it is counted once.
    this.#write.setMeta.run(this.#lastPosition() + missing, 'position');
    this.#write.setMeta.run(Number(this.#read.meta.get('lost')) + missing, 'lost');
    this.#position = undefined;
  }

  #setLevel(level: Level): void {
    if (this.#level === level) return;
    this.#db.exec(`PRAGMA synchronous = ${SYNCHRONOUS[level]}`);
    this.#level = level;
  }

  /** SQLite takes some levels and uses others: what counts is what holds after a commit. */
  #prove(level: Level): void {
    const found = this.#db.pragma('synchronous', { simple: true });
    if (found !== SYNCHRONOUS[level]) {
      throw new LockstepError(
        'DURABILITY_REFUSED',
        `SQLite commits with synchronous = ${found}, not ${SYNCHRONOUS[level]}.`,
        {
          at: level,
          value: found,
        },
      );
    }
    this.#proved.add(level);
  }

  #lastPosition(): number {
    this.#position ??= this.#read.lastPosition.get() ?? 0;
    return this.#position;
  }

  #addEvent(log: RunLog, event: EventBatch['events'][number]): number {
    const position = this.#lastPosition() + 1;
    const sum = log.add(event);
    this.#rows.add(log.id, event, position, sum);
    this.#position = position;
    const block = log.completed();
    if (block !== undefined) this.#addBlock(log, block);
    return sum;
  }

  #hasKey(log: RunLog, key: string): boolean {
    this.#rows.insert(); // it may be one of them
    return this.#write.hasKey.get(log.id, key) !== undefined;
  }

  #addBlock(log: RunLog, { number, events, hash }: Block): void {
    this.#write.block.run(log.id, number, events, hash);
  }

  #addBlobs(log: RunLog, { blobs, events }: EventBatch): void {
    for (const { hash, text } of blobs) {
      const user = events.find(({ data }) => data.includes(hash)) ?? events[0];
      this.#write.blob.run(hash, text);
      if (this.#write.blobUse.run(log.id, hash, user?.seq ?? 0).changes > 0) log.bytes += text.length;
    }
  }

  #addWorkflow({ id }: RunLog, { hash, name, description }: StoredWorkflow): void {
    if (this.#workflows.has(hash)) return;
    if (this.#workflows.size >= MOST_LOGS) this.#workflows.clear();
    this.#write.workflow.run(hash, name, description);
    this.#workflows.add(hash);
    this.#write.workflowUse.run(id, hash);
  }

  /** Removes the workflows that no run is one of any more. */
  #dropWorkflows(): void {
    this.#write.dropWorkflows.run();
    this.#workflows.clear();
  }

  #logOf({ runId, header }: EventBatch): RunLog {
    const known = this.#logs.get(runId);
    if (known !== undefined) return known;
    const id = this.#read.runId.get(runId);
    const log = id === undefined ? this.#addRun(runId, header) : this.#loadLog(id);
    if (this.#logs.size >= MOST_LOGS) this.#logs.clear();
    this.#logs.set(runId, log);
    return log;
  }

  #addRun(runId: string, header: RunHeader | undefined): RunLog {
    if (header === undefined) return refuse(`append: the first batch of run ${runId}`, 'must have a header', undefined);
    const log = RunLog.empty(Number(this.#write.addRun.get(runId, ...headerValues(header))));
    log.header = header;
    return log;
  }

  /** Reads what a log is made of: the size of the run, and the events of its last block. */
  #loadLog(id: number): RunLog {
    const length = this.#write.lengthOf.get({ run: id }) ?? 0;
    const from = length - (length % BLOCK);
    const previous = from === 0 ? NO_BLOCK : (this.#read.block.get(id, from / BLOCK - 1)?.hash ?? NO_BLOCK);
    const log = new RunLog(id, { from, previous, bytes: 0 });
    for (const [seq, ts, kind, v, key, data] of this.#read.events.all({ run: id, from, to: length, limit: BLOCK }))
      log.add({ seq, ts, kind, v, key, data });
    log.bytes = this.#write.bytesOf.get({ run: id }) ?? 0;
    return log;
  }

  #changeRun(log: RunLog, header: RunHeader): void {
    const { status, endedAt, errorCode, wakeAt } = header;
    if (log.header !== undefined && isSameRun(log.header, header))
      this.#write.moveRun.run(status, endedAt, errorCode, wakeAt, log.bytes, log.id);
    else this.#write.changeRun.run(...headerValues(header), log.bytes, log.id);
    log.header = header;
    const block = log.unfinished();
    if (block !== undefined && (hasEnded(header) || header.status === 'waiting')) this.#addBlock(log, block);
  }

  #keepLimits(ended: number): void {
    this.#endedSincePruning += ended;
    if (this.#endedSincePruning < PRUNE_EVERY || Object.keys(this.#settings.keep).length === 0) return;
    this.#endedSincePruning = 0;
    try {
      this.prune(this.#settings.keep);
    } catch {
      // What was appended is committed; the store is poisoned and tells whoever writes next.
    }
  }
}

/** Whether nothing changed that indexes hold: SQLite would write them anew. */
function isSameRun(before: RunHeader, after: RunHeader): boolean {
  return (
    before.workflow === after.workflow &&
    before.workflowHash === after.workflowHash &&
    before.startedAt === after.startedAt &&
    before.forkedFrom === after.forkedFrom
  );
}

function headerValues(header: RunHeader) {
  const { workflow, workflowHash, status, startedAt, endedAt, errorCode, wakeAt, forkedFrom } = header;
  const forked = [forkedFrom?.runId ?? null, forkedFrom?.events ?? null] as const;
  return [workflow, workflowHash, status, startedAt, endedAt, errorCode, wakeAt, ...forked] as const;
}
