import { errorData } from '../../src/base/errors.js';
import { SqliteEventStore } from '../../src/plugins/event-store/index.js';
import { MIGRATIONS, migrate } from '../../src/plugins/event-store/schema.js';
import { connect } from './sqlite-connection.js';
import { firstBatch, nextBatch } from './stored-events.js';

/**
 * A program: uses a store as it is told, one line a word; it answers each word with one line. It ends when its input does.
 *
 * Usage: node store-process.js FILE
 */
const [, , file = ''] = process.argv;
const run = `run-${process.pid}`;
const writer = new SqliteEventStore({ file });
const reader = new SqliteEventStore({ file, readOnly: true });
let next = 0;

const WORDS: Readonly<Record<string, () => unknown>> = {
  open: () => writer.open(),
  append: () => {
    const batch = next === 0 ? firstBatch(run, 1) : nextBatch(run, next, next + 1);
    next += writer.append([batch], 'process').created;
    return next;
  },
  close: () => writer.close(),
  read: () => {
    reader.open();
    const { ok, events } = reader.verify();
    reader.close();
    return `${events} ${ok}`;
  },
  /** Is killed in the middle of the second step of a migration. */
  migrate: () => {
    const dying = (db: { exec(sql: string): unknown }): void => {
      db.exec('CREATE TABLE half (a)');
      process.kill(process.pid, 'SIGKILL');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    };
    migrate(connect(file), [...MIGRATIONS, dying], Date.now());
  },
};

process.stdin.setEncoding('utf8');
process.stdin.on('data', (lines: string) => {
  for (const word of lines.trim().split('\n')) console.log(answer(word));
});

function answer(word: string): string {
  try {
    return `${WORDS[word]?.() ?? 'done'}`;
  } catch (error) {
    return errorData(error).code;
  }
}
