import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SqliteDatabase } from '../../src/plugins/event-store/sqlite-api.js';
import type { RegisteredHost, WorkerEntry, WorkerHost, WorkerRegistry } from '../../src/plugins/python/index.js';
import { connect } from './sqlite-connection.js';

/** A registry of this process only, which takes its time for every answer. */
export class MemoryRegistry implements WorkerRegistry {
  readonly #hosts = new Map<string, RegisteredHost>();

  async register({ id, process }: WorkerHost): Promise<void> {
    await nextTurn();
    if (!this.#hosts.has(id)) this.#hosts.set(id, { id, process, workers: [], claimedBy: null });
  }

  async keep(host: string, worker: WorkerEntry): Promise<void> {
    await nextTurn();
    this.#change(host, (workers) => [...workers.filter(({ id }) => id !== worker.id), worker]);
  }

  async forget(host: string, worker: string): Promise<void> {
    await nextTurn();
    this.#change(host, (workers) => workers.filter(({ id }) => id !== worker));
  }

  async hosts(): Promise<readonly RegisteredHost[]> {
    await nextTurn();
    return [...this.#hosts.values()];
  }

  async claim(host: string, by: string, was: string | null): Promise<boolean> {
    await nextTurn();
    const known = this.#hosts.get(host);
    if (known === undefined || known.claimedBy !== was) return false;
    this.#hosts.set(host, { ...known, claimedBy: by });
    return true;
  }

  async remove(host: string, claimedBy: string | null): Promise<void> {
    await nextTurn();
    if (this.#hosts.get(host)?.claimedBy === claimedBy) this.#hosts.delete(host);
  }

  #change(host: string, change: (workers: readonly WorkerEntry[]) => readonly WorkerEntry[]): void {
    const known = this.#hosts.get(host);
    if (known !== undefined) this.#hosts.set(host, { ...known, workers: change(known.workers) });
  }
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS hosts (id TEXT PRIMARY KEY, process TEXT NOT NULL, claimed_by TEXT);
  CREATE TABLE IF NOT EXISTS workers (
    host TEXT NOT NULL REFERENCES hosts (id) ON DELETE CASCADE, id TEXT NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (host, id)
  );`;

/** A registry in a database, which several processes may have open. */
export class SqliteRegistry implements WorkerRegistry, Disposable {
  readonly #db: SqliteDatabase;

  constructor(file: string) {
    this.#db = connect(file);
    this.#db.exec('PRAGMA foreign_keys = ON');
    this.#db.exec(TABLES);
  }

  register({ id, process }: WorkerHost): void {
    this.#run('INSERT OR IGNORE INTO hosts (id, process) VALUES (?, ?)', id, JSON.stringify(process));
  }

  keep(host: string, worker: WorkerEntry): void {
    this.#run('INSERT OR REPLACE INTO workers VALUES (?, ?, ?)', host, worker.id, JSON.stringify(worker));
  }

  forget(host: string, worker: string): void {
    this.#run('DELETE FROM workers WHERE host = ? AND id = ?', host, worker);
  }

  hosts(): readonly RegisteredHost[] {
    const rows = this.#db
      .prepare(
        `SELECT hosts.id, process, claimed_by, json_group_array(json(entry)) FILTER (WHERE entry IS NOT NULL) AS workers
         FROM hosts LEFT JOIN workers ON workers.host = hosts.id GROUP BY hosts.id`,
      )
      .all() as readonly Readonly<Record<'id' | 'process' | 'claimed_by' | 'workers', string>>[];
    return rows.map(({ id, process, claimed_by: claimedBy, workers }) => ({
      id,
      process: JSON.parse(process) as WorkerHost['process'],
      claimedBy,
      workers: JSON.parse(workers) as WorkerEntry[],
    }));
  }

  claim(host: string, by: string, was: string | null): boolean {
    return this.#run('UPDATE hosts SET claimed_by = ? WHERE id = ? AND claimed_by IS ?', by, host, was) === 1;
  }

  remove(host: string, claimedBy: string | null): void {
    this.#run('DELETE FROM hosts WHERE id = ? AND claimed_by IS ?', host, claimedBy);
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #run(sql: string, ...values: readonly (string | null)[]): number {
    return Number(this.#db.prepare(sql).run(...values).changes);
  }
}
