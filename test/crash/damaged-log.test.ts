import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { SqliteEventStore } from '../../src/plugins/event-store/index.js';
import { diskCommits, diskEvent } from '../support/disk-events.js';
import { quickFolder } from '../support/disk-trial.js';

/** What the log of SQLite is made of: sqlite.org/fileformat2.html#walformat. */
const WAL_HEADER = 32;
const FRAME_HEADER = 24;
const FRAME = FRAME_HEADER + 4_096;

describe('A log of SQLite that is damaged', function () {
  this.timeout(60_000);
  const folder = quickFolder();
  const file = join(folder, 'runs.db');
  const whole = new Map<string, number>();
  let total = 0;
  let wal: Buffer;
  let frames = 0;
  let damaged = 0;

  before(() => {
    const store = new SqliteEventStore({ file });
    store.open();
    for (const commit of [...diskCommits('process')].slice(0, 10)) {
      if (commit === undefined) continue;
      total = store.append(commit.batches, commit.durability).position;
      for (const { runId, events } of commit.batches) whole.set(runId, (events.at(-1)?.seq ?? 0) + 1);
    }
    mkdirSync(join(folder, 'copy'));
    for (const end of ['', '-wal', '-head']) copyFileSync(`${file}${end}`, join(folder, `copy/runs.db${end}`));
    store.close();
    wal = readFileSync(join(folder, 'copy/runs.db-wal'));
    frames = (wal.length - WAL_HEADER) / FRAME;
  });
  after(() => {
    rmSync(folder, { recursive: true });
    console.log(`      ${frames} frames, ${total} events, ${damaged} damaged logs`);
  });

  /** Opens the store with another log: its events are the first of those that were written, and it says how many are missing. */
  function open(log: Buffer): number {
    damaged++;
    const own = join(folder, 'damaged');
    rmSync(own, { recursive: true, force: true });
    mkdirSync(own);
    for (const end of ['', '-head']) copyFileSync(join(folder, `copy/runs.db${end}`), join(own, `runs.db${end}`));
    writeFileSync(join(own, 'runs.db-wal'), log);
    const store = new SqliteEventStore({ file: join(own, 'runs.db') });
    store.open();
    try {
      let found = 0;
      for (const runId of whole.keys())
        for (const [seq, event] of [...store.events(runId)].entries()) {
          expect(event).to.deep.equal(diskEvent(runId, seq));
          found++;
        }
      const { problems, events } = store.verify();
      expect(events).to.equal(found);
      const missing = total - found;
      expect(problems.map((each) => [each.kind, each.missing])).to.deep.equal(missing === 0 ? [] : [['tail', missing]]);
      expect(store.health().details.missingEvents).to.equal(missing);
      return found;
    } finally {
      store.close();
    }
  }

  function flipped(at: number): Buffer {
    const log = Buffer.from(wal);
    log[at] = (log[at] ?? 0) ^ 0x10;
    return log;
  }

  it('is read to its end where nothing is wrong', () => {
    expect(frames).to.be.greaterThan(20);
    expect(open(wal)).to.equal(total);
  });

  it('is read up to the commit before a flipped bit, wherever that is', () => {
    let last = 0;
    for (let frame = 0; frame < frames; frame++) {
      const at = WAL_HEADER + frame * FRAME;
      const found = [at + 3, at + 9, at + 17, at + FRAME_HEADER, at + FRAME_HEADER + 2_000, at + FRAME - 1].map(
        (byte) => open(flipped(byte)),
      );
      expect(new Set(found).size, `frame ${frame}`).to.equal(1);
      expect(found[0]).to.be.within(last, total - 1);
      last = found[0] as number;
    }
    expect(last).to.be.greaterThan(0);
  });

  it('is read up to the last commit that is whole where it was torn', () => {
    let last = 0;
    for (let frame = 0; frame < frames; frame++) {
      const at = WAL_HEADER + frame * FRAME;
      const found = [at, at + 512, at + FRAME - 1].map((length) => open(wal.subarray(0, length)));
      expect(new Set(found).size, `frame ${frame}`).to.equal(1);
      expect(found[0]).to.be.within(last, total - 1);
      last = found[0] as number;
    }
  });

  it('counts as empty where its header is damaged', () => {
    for (const byte of [0, 9, 17, 25]) expect(open(flipped(byte))).to.equal(0);
  });
});
