import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AsyncLocalRuntime, type Durability, defineNode, LocalRuntime, type, workflow } from '../src/index.js';
import { SqliteEventStore } from '../src/plugins/event-store/index.js';
import { type BareLog, openBareLog } from './limits/bare-log.js';

/** A folder of the disk, a bare log in it, and a store of ours beside. */
export interface Bench {
  readonly bare: BareLog;
  readonly store: SqliteEventStore;
  /** Path of the file of `store`. */
  readonly file: string;
  /** Path of the file of `bare`. */
  readonly bareFile: string;
  readonly local: LocalRuntime;
  readonly async: AsyncLocalRuntime;
}

/** Lets something be measured in a folder of its own, which is removed afterwards. */
export async function onDisk<T>(durability: Durability, measure: (bench: Bench) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'));
  const [file, bareFile] = [join(folder, 'ours.db'), join(folder, 'bare.db')];
  const synchronous = durability === 'power' ? 'FULL' : 'NORMAL';
  const bare = openBareLog({ file: bareFile, synchronous });
  const store = new SqliteEventStore({ file });
  store.open();
  const local = new LocalRuntime({ store, durability });
  const async = new AsyncLocalRuntime({ store, durability });
  try {
    if (durability !== 'memory') fillLogs(bare, store);
    return await measure({ bare, store, file, bareFile, local, async });
  } finally {
    local.close();
    await async.close();
    store.close();
    bare.close();
    rmSync(folder, { recursive: true });
  }
}

/** How much is written ahead before it is carried over, and a little more. */
const FILLING = 20 * 2 ** 20;

/**
 * Writes as much to both sides as is written ahead: from then on their logs are written over. While a log grows, the file system
 * has to keep its size as well, and a commit that waits for the disk takes up to three times as long, whoever makes it.
 */
function fillLogs(bare: BareLog, store: SqliteEventStore): void {
  const text = 'x'.repeat(FILLING);
  bare.fill(text);
  const w = workflow('filling');
  const fill = defineNode({ name: 'fill', outputs: { text: type<string>() }, run: () => ({ text }) });
  w.add('fill', fill());
  const runtime = new LocalRuntime({ store, durability: 'memory' });
  runtime.execute(w.build());
  runtime.close();
}

/**
 * Texts for the bare log, one a commit: as long as what a run of ours records between its commits, on average.
 *
 * @param parts into how many the record of the run is cut
 */
export function textsLike(store: SqliteEventStore, runId: string, parts: number): readonly string[] {
  let length = 0;
  for (const { kind, data } of store.events(runId)) length += kind.length + data.length;
  return Array.from({ length: parts }, (_, index) => String(index % 10).repeat(Math.ceil(length / parts)));
}
