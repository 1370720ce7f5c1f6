import type { StoredSnapshot, StoredWorkflow } from '../../base/history/event-store.js';
import type { RunStatus } from '../../base/status.js';
import type { SqliteDatabase } from './sqlite-api.js';

/** A row of `runs`, with what its events tell. */
export interface RunRow {
  readonly id: number;
  readonly run_id: string;
  readonly workflow: string;
  readonly workflow_hash: string;
  readonly status: RunStatus;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly error_code: string | null;
  readonly wake_at: number | null;
  readonly forked_run: string | null;
  readonly forked_events: number | null;
  readonly sealed_events: number;
  readonly sealed_hash: string;
  readonly events: number;
  readonly updated_at: number | null;
}

/** What a run is checked by. */
export type RunKey = Pick<RunRow, 'id' | 'run_id' | 'status' | 'sealed_events' | 'sealed_hash'>;

/** A row of `blocks`: seq, events, text, hash. As an array, because it is read by the hundred thousand. */
export type BlockRow = readonly [number, number, string, string];

/** A row of `lease`; `owner` is `null` while nobody holds it. */
export interface LeaseRow {
  readonly owner: string | null;
  readonly pid: number;
  readonly started: string | null;
  readonly host: string;
  readonly machine: string;
  readonly fence: number;
  readonly acquired: number;
  readonly heartbeat: number;
  readonly expires: number;
}

/** The blocks of a run, whose key is the given term. */
const blocksOf = (run: string): string => `blocks WHERE id BETWEEN ${run} << 32 AND (${run} << 32) | 4294967295`;

const RUN_COLUMNS = `r.*, coalesce((SELECT seq + events FROM ${blocksOf('r.id')} ORDER BY id DESC LIMIT 1), 0) AS events,
  (SELECT ts FROM ${blocksOf('r.id')} ORDER BY id DESC LIMIT 1) AS updated_at`;

/** The statements that only read. */
export type ReadStatements = ReturnType<typeof readStatements>;

/** Prepares them. */
export function readStatements(db: SqliteDatabase) {
  return {
    run: db.prepare<RunRow>(`SELECT ${RUN_COLUMNS} FROM runs r WHERE run_id = ?`),
    runId: db.prepare<number>('SELECT id FROM runs WHERE run_id = ?').pluck(),
    runs: db.prepare<RunRow>(
      `SELECT ${RUN_COLUMNS} FROM runs r
       WHERE (@workflow IS NULL OR workflow = @workflow) AND (@status IS NULL OR status = @status)
         AND (@id IS NULL OR (started_at, id) < (@startedAt, @id))
       ORDER BY started_at DESC, id DESC LIMIT @limit`,
    ),
    runKeys: db.prepare<RunKey>(
      'SELECT id, run_id, status, sealed_events, sealed_hash FROM runs WHERE id > ? ORDER BY id LIMIT 1000',
    ),
    ended: db.prepare<{ readonly run_id: string; readonly endedAt: number; readonly bytes: number }>(
      `SELECT run_id, coalesce(ended_at, started_at) AS endedAt, bytes FROM runs
       WHERE status IN ('completed', 'failed', 'cancelled') ORDER BY endedAt DESC, id DESC`,
    ),
    blocks: db
      .prepare<BlockRow>(
        `SELECT seq, events, text, hash FROM blocks
         WHERE id >= (@run << 32) | min(@from, 4294967295) AND id <= (@run << 32) | 4294967295 ORDER BY id LIMIT @limit`,
      )
      .raw(),
    /** The last block that begins at a position or before it. */
    blockAt: db.prepare<{
      readonly seq: number;
      readonly events: number;
      readonly position: number;
      readonly hash: string;
    }>(
      `SELECT seq, events, position, hash FROM blocks
       WHERE id >= @run << 32 AND id <= (@run << 32) | min(@seq, 4294967295) ORDER BY id DESC LIMIT 1`,
    ),
    lastPosition: db
      .prepare<number>(
        `SELECT max(value, coalesce((SELECT max((SELECT position FROM ${blocksOf('r.id')} ORDER BY id DESC LIMIT 1)) FROM runs r), 0))
         FROM meta WHERE key = 'position'`,
      )
      .pluck(),
    meta: db.prepare<string | number>('SELECT value FROM meta WHERE key = ?').pluck(),
    blob: db.prepare<string>('SELECT text FROM blobs WHERE hash = ?').pluck(),
    blobUses: db.prepare<{ readonly hash: string; readonly seq: number; readonly text: string | null }>(
      'SELECT u.hash, u.seq, b.text FROM blob_uses u LEFT JOIN blobs b ON b.hash = u.hash WHERE run = ? AND u.hash > ? ORDER BY u.hash LIMIT 16',
    ),
    workflow: db.prepare<StoredWorkflow>('SELECT hash, name, description FROM workflows WHERE hash = ?'),
    snapshots: db.prepare<StoredSnapshot>(
      `SELECT events, taken_at AS takenAt, workflow_hash AS workflowHash, v, state, checksum FROM snapshots
       WHERE run = ? AND events <= ? ORDER BY events DESC, id DESC`,
    ),
    lease: db.prepare<LeaseRow>('SELECT * FROM lease'),
    counts: db.prepare<{ readonly runs: number; readonly events: number }>(
      'SELECT (SELECT count(*) FROM runs) AS runs, (SELECT coalesce(sum(events), 0) FROM blocks) AS events',
    ),
  };
}

/** The statements that write. */
export type WriteStatements = ReturnType<typeof writeStatements>;

/** Prepares them. */
export function writeStatements(db: SqliteDatabase) {
  return {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    key: db.prepare('INSERT OR IGNORE INTO event_keys (run, key) VALUES (?, ?)'),
    addRun: db
      .prepare<number>(
        `INSERT INTO runs (run_id, workflow, workflow_hash, status, started_at, ended_at, error_code, wake_at, forked_run, forked_events)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
      )
      .pluck(),
    changeRun: db.prepare(
      `UPDATE runs SET workflow = ?, workflow_hash = ?, status = ?, started_at = ?, ended_at = ?, error_code = ?, wake_at = ?,
         forked_run = ?, forked_events = ?, bytes = ?, sealed_events = ?, sealed_hash = ? WHERE id = ?`,
    ),
    moveRun: db.prepare(
      `UPDATE runs SET status = ?, ended_at = ?, error_code = ?, wake_at = ?, bytes = ?, sealed_events = ?, sealed_hash = ?
       WHERE id = ?`,
    ),
    bytesOf: db
      .prepare<number>(
        `SELECT coalesce((SELECT sum(length(text) - instr(text, char(10))) FROM ${blocksOf('@run')}), 0)
           + coalesce((SELECT sum(length(text)) FROM blob_uses u JOIN blobs b ON b.hash = u.hash WHERE run = @run), 0)`,
      )
      .pluck(),
    block: db.prepare(
      'INSERT INTO blocks (id, position, events, ts, text, hash) VALUES ((? << 32) | ?, ?, ?, ?, ?, ?)',
    ),
    eventsOf: db.prepare<number>(`SELECT coalesce(sum(events), 0) FROM ${blocksOf('@run')}`).pluck(),
    blob: db.prepare('INSERT OR IGNORE INTO blobs (hash, text) VALUES (?, ?)'),
    blobUse: db.prepare('INSERT OR IGNORE INTO blob_uses (run, hash, seq) VALUES (?, ?, ?)'),
    workflow: db.prepare('INSERT OR IGNORE INTO workflows (hash, name, description) VALUES (?, ?, ?)'),
    formerWorkflow: db.prepare('INSERT OR IGNORE INTO former_workflows (run, hash) VALUES (?, ?)'),
    keepFormer: db.prepare(
      'INSERT OR IGNORE INTO former_workflows (run, hash) SELECT id, workflow_hash FROM runs WHERE id = ? AND workflow_hash <> ?',
    ),
    snapshot: db.prepare(
      'INSERT INTO snapshots (run, events, taken_at, workflow_hash, v, state, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    oldSnapshots: db.prepare(
      'DELETE FROM snapshots WHERE run = @run AND id NOT IN (SELECT id FROM snapshots WHERE run = @run ORDER BY id DESC LIMIT @keep)',
    ),
    setMeta: db.prepare('UPDATE meta SET value = ? WHERE key = ?'),
    fence: db.prepare<number>('SELECT fence FROM lease').pluck(),
    takeLease: db.prepare(
      `UPDATE lease SET owner = ?, pid = ?, started = ?, host = ?, machine = ?, fence = ?, acquired = ?, heartbeat = ?, expires = ?`,
    ),
    renewLease: db.prepare('UPDATE lease SET heartbeat = ?, expires = ?'),
    giveLease: db.prepare('UPDATE lease SET owner = NULL WHERE owner = ? AND fence = ?'),
    dropBlocks: db.prepare(`DELETE FROM ${blocksOf('@run')}`),
    dropKeys: db.prepare('DELETE FROM event_keys WHERE run = ?'),
    dropSnapshots: db.prepare('DELETE FROM snapshots WHERE run = ?'),
    dropBlobs: db.prepare(
      `DELETE FROM blobs WHERE hash IN (SELECT hash FROM blob_uses WHERE run = @run)
         AND NOT EXISTS (SELECT 1 FROM blob_uses u WHERE u.hash = blobs.hash AND u.run <> @run)`,
    ),
    dropBlobUses: db.prepare('DELETE FROM blob_uses WHERE run = ?'),
    dropFormer: db.prepare('DELETE FROM former_workflows WHERE run = ?'),
    // A run that went on with a changed workflow was one of several.
    dropWorkflows: db.prepare(
      'DELETE FROM workflows WHERE hash NOT IN (SELECT workflow_hash FROM runs UNION SELECT hash FROM former_workflows)',
    ),
    dropRun: db.prepare('DELETE FROM runs WHERE id = ?'),
  };
}
