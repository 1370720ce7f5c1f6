import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { errorData } from '../../src/base/errors.js';
import type { IntegrityReport } from '../../src/base/history/event-store.js';
import { readHead } from '../../src/plugins/event-store/head-file.js';
import { SqliteEventStore } from '../../src/plugins/event-store/index.js';
import { seededRandom } from '../../src/testing/seeded.js';
import { bundleProgram } from './crash-bundle.js';
import { type DiskMode, type DiskOrder, diskEvent, WAL_BYTES } from './disk-events.js';
import { type Loss, RecordedDisk, readRecords } from './recorded-disk.js';
import { connect } from './sqlite-connection.js';

const SHIM = fileURLToPath(new URL('../../../test/support/disk-shim.c', import.meta.url));
const MAIN = 'runs.db';
const RECEIPTS = 'receipts';

/** What a store was found to be on a disk that had lost its power. */
export interface Found {
  /** Where: number of the record, and what was lost. */
  readonly at: string;
  /** Code of the error with which it could not be opened or read. */
  readonly refused: string | undefined;
  readonly report: IntegrityReport | undefined;
  /** What SQLite finds itself: `ok`. */
  readonly sqlite: string | undefined;
  /** Events that a receipt had told of and that are not there, or are not what was written. */
  readonly lost: number;
  /** How many events the file has. */
  readonly events: number;
  /** How many more the head tells of; 0 where there is no head, or an older one. */
  readonly ahead: number;
}

/** What a run of the program left. */
export interface DiskTrial {
  readonly syncs: number;
  readonly receipts: number;
  readonly found: readonly Found[];
}

/** Compiles the shim. `undefined` where there is no compiler. */
export function compileShim(folder: string): string | undefined {
  const shim = join(folder, 'disk-shim.so');
  const { error, status, stderr } = spawnSync('gcc', ['-shared', '-fPIC', '-O1', '-o', shim, SHIM, '-ldl'], {
    encoding: 'utf8',
  });
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
  expect(stderr, 'gcc').to.equal('');
  expect(status, 'gcc').to.equal(0);
  return shim;
}

/** A folder in memory where there is one: what is simulated need not wait for a disk. */
export function quickFolder(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'lockstep-disk-'));
}

/** Runs the program under the shim, and loses the power before each sync, after each receipt, and at the end, in several ways. */
export function loseThePower(
  mode: DiskMode,
  { shim, folder, random: times, seed }: { shim: string; folder: string; random: number; seed: string },
): DiskTrial {
  const records = recordsOf(mode, shim, folder);
  const random = seededRandom(seed);
  const ways: readonly (readonly [Loss, string])[] = [
    ['none', ''],
    ['all', ''],
    ['torn', ''],
    ...Array.from({ length: times }, (_, index) => ['some', `${index}`] as const),
  ];
  const disk = new RecordedDisk();
  const told = new Map<string, number>();
  const found: Found[] = [];
  let [syncs, receipts] = [0, 0];
  const look = (number: number): void => {
    for (const [loss, way] of ways) {
      const files = disk.after(loss, random, way);
      found.push(lookAt(join(folder, 'rebuilt'), files, told, `${mode}, record ${number}, ${loss} ${way}`));
    }
  };
  records.forEach((record, number) => {
    const isReceipt = record.name === RECEIPTS;
    if (record.kind === 'S') {
      syncs++;
      look(number);
    }
    if (!isReceipt) disk.make(record);
    else if (record.kind === 'W') {
      receipts++;
      takeReceipts(`${record.data}`, mode, told);
      look(number);
    }
  });
  look(records.length);
  expectComplete(disk.after('all', random, ''), join(folder, mode));
  return { syncs, receipts, found };
}

function recordsOf(mode: DiskMode, shim: string, folder: string) {
  const own = join(folder, mode);
  const log = join(folder, `${mode}.log`);
  mkdirSync(own);
  const order: DiskOrder = { file: join(own, MAIN), receipts: join(own, RECEIPTS), mode };
  const { NODE_V8_COVERAGE: _, ...env } = process.env;
  const { status, signal } = spawnSync(process.execPath, [bundleProgram('disk-process'), JSON.stringify(order)], {
    env: { ...env, LD_PRELOAD: shim, DISK_SHIM_FOLDER: own, DISK_SHIM_LOG: log },
    stdio: 'inherit',
  });
  expect([status, signal]).to.deep.equal([0, null]);
  return readRecords(log);
}

/** What was written down makes the files that the program left: nothing was missed. */
function expectComplete(files: ReadonlyMap<string, Buffer>, folder: string): void {
  const left = readdirSync(folder).filter((name) => name !== RECEIPTS);
  expect([...files.keys()].sort()).to.deep.equal(left.sort());
  for (const [name, content] of files) expect(content.equals(readFileSync(join(folder, name))), name).to.equal(true);
}

/** Where power is what is promised for some commits only, the others promise nothing here. */
function takeReceipts(lines: string, mode: DiskMode, told: Map<string, number>): void {
  for (const line of lines.trim().split('\n')) {
    const [runId = '', events, durability] = line.split(' ');
    if (mode !== 'mixed' || durability === 'power') told.set(runId, Number(events));
  }
}

/** Opens what is left as any process would that finds it. */
function lookAt(
  folder: string,
  files: ReadonlyMap<string, Buffer>,
  told: ReadonlyMap<string, number>,
  at: string,
): Found {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  for (const [name, content] of files) if (!name.endsWith('-shm')) writeFileSync(join(folder, name), content);
  const file = join(folder, MAIN);
  const promised = [...told.values()].reduce((sum, events) => sum + events, 0);
  const store = new SqliteEventStore({ file, walBytes: WAL_BYTES });
  try {
    store.open();
    const report = store.verify();
    const lost = [...told].reduce((sum, [runId, events]) => sum + events - soundEvents(store, runId, events), 0);
    const ahead = Math.max(0, (readHead(file)?.position ?? 0) - report.events);
    store.close();
    const db = connect(file);
    const sqlite = String(db.pragma('integrity_check', { simple: true }));
    db.close();
    return { at, refused: undefined, report, sqlite, lost, events: report.events, ahead };
  } catch (error) {
    const refused = `${errorData(error).code}: ${(error as Error).message}`;
    return { at, refused, report: undefined, sqlite: undefined, lost: promised, events: 0, ahead: 0 };
  } finally {
    store.close();
  }
}

/** How many of the first events of a run are what was written. */
function soundEvents(store: SqliteEventStore, runId: string, most: number): number {
  let seq = 0;
  for (const event of store.events(runId, { to: most })) {
    expect(event).to.deep.equal(diskEvent(runId, seq));
    seq++;
  }
  return seq;
}
