import { openSync, writeSync } from 'node:fs';
import { encodeValue } from '../../src/base/history/value-codec.js';
import { HeadFile } from '../../src/plugins/event-store/head-file.js';
import { SqliteEventStore } from '../../src/plugins/event-store/index.js';
import { type CrashJob, workOn } from './crash-run.js';

/** Where a process kills itself: before a commit, when SQLite has made it and the head is not written yet, or after it. */
export type CrashMoment = 'before' | 'within' | 'after';

/** What this program is told. */
export interface CrashOrder extends CrashJob {
  /** Gets a line for each call of a function, before it is made. */
  readonly calls: string;
  /** Gets a line for each event that was heard. */
  readonly told: string;
  /** Where it kills itself. Default: nowhere. */
  readonly kill?: { readonly commit: number; readonly when: CrashMoment };
}

/**
 * A program: works on a run as it is told, and kills itself where it is told. Prints `ready` when it opens the store, `begun` when it
 * hears the first event, and how many commits there were.
 *
 * Usage: node crash-process.js ORDER, as JSON
 */
const order = JSON.parse(process.argv[2] ?? '') as CrashOrder;
const calls = openSync(order.calls, 'a');
const told = openSync(order.told, 'a');
const { kill } = order;
let commits = 0;

function die(when: CrashMoment): void {
  if (kill?.when !== when || kill.commit !== commits) return;
  process.kill(process.pid, 'SIGKILL');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

const { append } = SqliteEventStore.prototype;
SqliteEventStore.prototype.append = function dying(...given) {
  die('before');
  const receipt = append.apply(this, given);
  die('after');
  commits++;
  return receipt;
};
const { write } = HeadFile.prototype;
HeadFile.prototype.write = function dying(...given) {
  die('within');
  write.apply(this, given);
};

let begun = false;

writeSync(1, 'ready\n');
await workOn(order, {
  called: (attempt) => writeSync(calls, `${attempt}\n`),
  heard: (event) => {
    if (!begun) writeSync(1, 'begun\n');
    begun = true;
    writeSync(told, `${encodeValue(event, 'event')}\n`);
  },
});
writeSync(1, `${commits}\n`);
