import { statSync } from 'node:fs';
import { LockstepError } from '../../base/errors.js';
import {
  type CommitReceipt,
  DURABILITIES,
  type Durability,
  type EventBatch,
  type EventRange,
  type EventStore,
  type IntegrityReport,
  type PruneReport,
  type Retention,
  type RunQuery,
  type RunRecord,
  type StoredEvent,
  type StoredSnapshot,
  type StoredWorkflow,
  type StoreHealth,
} from '../../base/history/event-store.js';
import { checkWord } from '../../base/option-checks.js';
import { blockHash, chainStart, eventsOf } from './event-block.js';
import { missingAtTail } from './head-check.js';
import { holderName } from './lease.js';
import { sqliteVersion } from './load-sqlite.js';
import { checkRetention } from './retention.js';
import { versionOf } from './schema.js';
import type { SqliteDatabase } from './sqlite-api.js';
import { checkSqliteOptions, type SqliteEventStoreOptions, type SqliteSettings } from './sqlite-options.js';
import { SqliteWriter } from './sqlite-writer.js';
import { type ReadStatements, type RunRow, readStatements } from './statements.js';
import { runUnknown, storeClosed, storeError } from './store-errors.js';
import { openStoreFile } from './store-file.js';
import { verifyStore } from './verify.js';

/** How many blocks are read at once: nothing else can be done on a connection while a statement is under way. */
const PAGE = 64;
const RUNS = 50;

interface Connection {
  readonly db: SqliteDatabase;
  readonly read: ReadStatements;
  /** Prepared with the first write. */
  writer: SqliteWriter | undefined;
}

/**
 * Keeps runs in one file of SQLite, by better-sqlite3. Append-only, written ahead, with one writer at a time; any number of
 * processes may read beside it. Loads better-sqlite3 when it is opened.
 */
export class SqliteEventStore implements EventStore {
  readonly #settings: SqliteSettings;
  #connection: Connection | undefined;

  /** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
  constructor(options: SqliteEventStoreOptions) {
    this.#settings = checkSqliteOptions(options);
  }

  open(): void {
    if (this.#connection !== undefined) return;
    const db = openStoreFile(this.#settings);
    try {
      this.#connection = { db, read: readStatements(db), writer: undefined };
    } catch (error) {
      db.close();
      throw storeError(error, this.#settings.file);
    }
  }

  append(batches: readonly EventBatch[], durability: Durability): CommitReceipt {
    checkWord(durability, DURABILITIES, 'append: the durability');
    return this.#writer.append(batches, durability);
  }

  run(runId: string): RunRecord | undefined {
    return this.#reading((read) => {
      const row = read.run.get(runId);
      return row === undefined ? undefined : recordOf(row);
    });
  }

  runs(query: RunQuery = {}): readonly RunRecord[] {
    return this.#reading((read) => {
      const { workflow = null, status = null, before, limit = RUNS } = query;
      const row = before === undefined ? undefined : read.run.get(before);
      if (before !== undefined && row === undefined) throw runUnknown(before);
      const last = { id: row?.id ?? null, startedAt: row?.started_at ?? null };
      return read.runs.all({ workflow, status, ...last, limit }).map(recordOf);
    });
  }

  *events(runId: string, range: EventRange = {}): IterableIterator<StoredEvent> {
    const { from = 0, to = Number.MAX_SAFE_INTEGER } = range;
    const run = this.#reading((read) => read.runId.get(runId));
    if (run === undefined) return;
    let { next, previous } = this.#reading((read) => startOf(read, { run, runId, from }));
    for (;;) {
      const page = this.#reading((read) => read.blocks.all({ run, from: next, limit: PAGE }));
      for (const [seq, events, text, hash] of page) {
        if (next >= to) return;
        if (seq !== next || blockHash(previous, { seq, text }) !== hash) throw damaged(runId, next);
        for (const event of eventsOf({ seq, text })) {
          if (event.seq >= to) return;
          if (event.seq >= from) yield event;
        }
        next = seq + events;
        previous = hash;
      }
      if (page.length < PAGE) return;
    }
  }

  blob(hash: string): string | undefined {
    return this.#reading((read) => read.blob.get(hash));
  }

  workflow(hash: string): StoredWorkflow | undefined {
    return this.#reading((read) => read.workflow.get(hash));
  }

  saveSnapshot(runId: string, snapshot: StoredSnapshot): void {
    this.#writer.saveSnapshot(runId, snapshot);
  }

  snapshots(runId: string, events: number = Number.MAX_SAFE_INTEGER): readonly StoredSnapshot[] {
    return this.#reading((read) => {
      const id = read.runId.get(runId);
      return id === undefined ? [] : read.snapshots.all(id, events);
    });
  }

  verify(runId?: string): IntegrityReport {
    return this.#reading((read) => verifyStore(read, this.#settings.file, runId));
  }

  remove(runId: string): boolean {
    return this.#writer.remove(runId);
  }

  prune(retention: Retention): PruneReport {
    checkRetention(retention, 'prune');
    return this.#writer.prune(retention);
  }

  health(): StoreHealth {
    const { file: location, readOnly, walBytes: limit } = this.#settings;
    const bytes = sizeOf(location);
    const connection = this.#connection;
    if (connection === undefined) return { status: 'closed', location, runs: 0, events: 0, bytes, details: {} };
    return this.#reading((read) => {
      const { runs = 0, events = 0 } = read.counts.get() ?? {};
      const walBytes = sizeOf(`${location}-wal`);
      const details = {
        walBytes,
        // A reader that does not end keeps the log from being carried over.
        walIsHeldUp: walBytes > 2 * limit,
        holder: holderName(read.lease.get()),
        holdsLease: connection.writer?.holdsLease ?? false,
        schema: versionOf(connection.db),
        sqlite: sqliteVersion(connection.db),
        missingEvents: missingAtTail(read, location),
        lostEvents: Number(read.meta.get('lost')),
        headFailure: connection.writer?.headFailure ?? null,
        poison: connection.writer?.poison?.code ?? null,
      };
      const writing = connection.writer?.poison === undefined ? 'open' : 'poisoned';
      return { status: readOnly ? 'read-only' : writing, location, runs, events, bytes: bytes + walBytes, details };
    });
  }

  close(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.writer?.close();
    connection?.db.close();
  }

  get #writer(): SqliteWriter {
    const { file, readOnly } = this.#settings;
    if (this.#connection === undefined) throw storeClosed();
    if (readOnly) throw new LockstepError('STORE_READ_ONLY', `${file} is open for reading only.`, { at: file });
    const { db, read } = this.#connection;
    this.#connection.writer ??= new SqliteWriter(db, read, this.#settings);
    return this.#connection.writer;
  }

  #reading<T>(look: (read: ReadStatements) => T): T {
    if (this.#connection === undefined) throw storeClosed();
    try {
      return look(this.#connection.read);
    } catch (error) {
      throw storeError(error, this.#settings.file);
    }
  }
}

function recordOf(row: RunRow): RunRecord {
  return {
    runId: row.run_id,
    workflow: row.workflow,
    workflowHash: row.workflow_hash,
    status: row.status,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    errorCode: row.error_code,
    wakeAt: row.wake_at,
    forkedFrom: row.forked_run === null ? null : { runId: row.forked_run, events: row.forked_events ?? 0 },
    events: row.events,
    updatedAt: row.updated_at ?? row.started_at,
  };
}

/** Where reading begins, so that an event is among what is read: its block, and the hash before it. @throws LockstepError STORE_DAMAGED */
function startOf(
  read: ReadStatements,
  { run, runId, from }: { readonly run: number; readonly runId: string; readonly from: number },
) {
  const first = from === 0 ? undefined : read.blockAt.get({ run, seq: from });
  const next = first === undefined || first.seq + first.events <= from ? from : first.seq;
  if (next === 0) return { next, previous: chainStart(runId) };
  const before = read.blockAt.get({ run, seq: next - 1 });
  if (before !== undefined && before.seq + before.events === next) return { next, previous: before.hash };
  if (read.blocks.all({ run, from: next, limit: 1 }).length > 0) throw damaged(runId, Math.min(next, from));
  return { next, previous: '' };
}

function damaged(runId: string, seq: number): LockstepError {
  return new LockstepError('STORE_DAMAGED', `Event ${seq} of run ${runId} is not what was written, or is missing.`, {
    at: runId,
    value: seq,
  });
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
