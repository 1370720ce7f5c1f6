import { LockstepError } from '../../base/errors.js';
import type {
  CommitReceipt,
  Durability,
  EventBatch,
  PruneReport,
  Retention,
  RunHeader,
  StoredEvent,
  StoredSnapshot,
  StoredWorkflow,
} from '../../base/history/event-store.js';
import { refuse } from '../../base/option-checks.js';
import { blocksOf, chainStart, type EventBlock } from './event-block.js';
import { missingAtTail } from './head-check.js';
import { HeadFile, headSum } from './head-file.js';
import { HEARTBEAT_MS, Lease } from './lease.js';
import { beyond, hasEnded } from './retention.js';
import { RunLog } from './run-log.js';
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
    let last: { readonly runId: string; readonly log: RunLog } | undefined;
    this.#transact(level, () => {
      for (const batch of batches) {
        const log = this.#logOf(batch);
        const events = this.#newEvents(log, batch);
        for (const block of blocksOf(events)) this.#addBlock(log, block);
        if (events.length > 0) last = { runId: batch.runId, log };
        created += events.length;
        this.#addBlobs(log, batch);
        if (batch.workflow !== undefined) this.#addWorkflow(batch.workflow);
        if (batch.workflow !== undefined && batch.workflow.hash !== batch.header?.workflowHash)
          this.#write.formerWorkflow.run(log.id, batch.workflow.hash);
        if (batch.header === undefined) continue;
        this.#changeRun(log, batch.header);
        if (hasEnded(batch.header)) ended++;
        if (hasEnded(batch.header) || batch.header.status === 'waiting') this.#logs.delete(batch.runId);
      }
    });
    const position = this.#lastPosition();
    if (last !== undefined) this.#head.write(position, last.runId, last.log.next - 1, headSum(last.log.hash));
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
    const events = this.#write.eventsOf.get({ run: row.id }) ?? 0;
    this.#write.dropBlocks.run({ run: row.id });
    const blobs = this.#write.dropBlobs.run({ run: row.id }).changes;
    for (const name of ['dropBlobUses', 'dropFormer', 'dropKeys', 'dropSnapshots', 'dropRun'] as const)
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

  /** The events of a batch that the run does not have yet. @throws LockstepError SEQ_CONFLICT */
  #newEvents(log: RunLog, { runId, events }: EventBatch): readonly StoredEvent[] {
    let next = log.next;
    const added: StoredEvent[] = [];
    for (const event of events) {
      if (event.key !== null && this.#write.key.run(log.id, event.key).changes === 0) continue;
      if (event.seq !== next) throw seqConflict(runId, next, event.seq);
      added.push(event);
      next++;
    }
    return added;
  }

  #addBlock(log: RunLog, block: EventBlock): void {
    const position = this.#lastPosition() + block.events;
    const hash = log.add(block);
    this.#write.block.run(log.id, block.seq, position, block.events, block.ts, block.text, hash);
    this.#position = position;
  }

  #addBlobs(log: RunLog, { blobs, events }: EventBatch): void {
    for (const { hash, text } of blobs) {
      const user = events.find(({ data }) => data.includes(hash)) ?? events[0];
      this.#write.blob.run(hash, text);
      if (this.#write.blobUse.run(log.id, hash, user?.seq ?? 0).changes > 0) log.bytes += text.length;
    }
  }

  #addWorkflow({ hash, name, description }: StoredWorkflow): void {
    if (this.#workflows.has(hash)) return;
    if (this.#workflows.size >= MOST_LOGS) this.#workflows.clear();
    this.#write.workflow.run(hash, name, description);
    this.#workflows.add(hash);
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
    const log = id === undefined ? this.#addRun(runId, header) : this.#loadLog(runId, id);
    if (this.#logs.size >= MOST_LOGS) this.#logs.clear();
    this.#logs.set(runId, log);
    return log;
  }

  #addRun(runId: string, header: RunHeader | undefined): RunLog {
    if (header === undefined) return refuse(`append: the first batch of run ${runId}`, 'must have a header', undefined);
    const id = Number(this.#write.addRun.get(runId, ...headerValues(header)));
    const log = new RunLog(id, { next: 0, bytes: 0, hash: chainStart(runId) });
    log.header = header;
    return log;
  }

  #loadLog(runId: string, id: number): RunLog {
    const last = this.#read.blockAt.get({ run: id, seq: Number.MAX_SAFE_INTEGER });
    const bytes = this.#write.bytesOf.get({ run: id }) ?? 0;
    if (last === undefined) return new RunLog(id, { next: 0, bytes, hash: chainStart(runId) });
    return new RunLog(id, { next: last.seq + last.events, bytes, hash: last.hash });
  }

  #changeRun(log: RunLog, header: RunHeader): void {
    const { status, endedAt, errorCode, wakeAt } = header;
    if (log.header !== undefined && isSameRun(log.header, header))
      this.#write.moveRun.run(status, endedAt, errorCode, wakeAt, log.bytes, log.next, log.hash, log.id);
    else {
      this.#write.keepFormer.run(log.id, header.workflowHash);
      this.#write.changeRun.run(...headerValues(header), log.bytes, log.next, log.hash, log.id);
    }
    log.header = header;
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
