import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteEventStore, type SqliteEventStoreOptions } from '../../src/plugins/event-store/index.js';

/** A folder of its own, and stores in it, for one test: `remove` closes and removes all of it. */
export class StoreFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'lockstep-store-'));
  readonly #stores: SqliteEventStore[] = [];

  /** The path of the file that stores are kept in where nothing else is said. */
  get file(): string {
    return join(this.path, 'runs.db');
  }

  /** A store that was not opened. */
  make(options: Partial<SqliteEventStoreOptions> = {}): SqliteEventStore {
    const store = new SqliteEventStore({ file: this.file, ...options });
    this.#stores.push(store);
    return store;
  }

  open(options: Partial<SqliteEventStoreOptions> = {}): SqliteEventStore {
    const store = this.make(options);
    store.open();
    return store;
  }

  remove(): void {
    for (const store of this.#stores) store.close();
    rmSync(this.path, { recursive: true });
  }
}
