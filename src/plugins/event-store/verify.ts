import type { IntegrityProblem, IntegrityReport } from '../../base/history/event-store.js';
import { blockHash, chainStart, firstBad, sha256 } from './event-block.js';
import { eventAt, headOf, missingAtTail } from './head-check.js';
import { headSum } from './head-file.js';
import { hasEnded } from './retention.js';
import type { BlockRow, ReadStatements, RunKey } from './statements.js';
import { sqliteCode } from './store-errors.js';

/** How many blocks are read at once. */
const PAGE = 64;

/** Compares what is stored with what was written: of one run, or of all and of the file. */
export function verifyStore(read: ReadStatements, file: string, runId: string | undefined): IntegrityReport {
  const verifier = new Verifier(read, file);
  if (runId === undefined) verifier.store();
  else verifier.one(runId);
  return verifier.report();
}

class Verifier {
  readonly #read: ReadStatements;
  readonly #file: string;
  readonly #problems: IntegrityProblem[] = [];
  #runs = 0;
  #events = 0;

  constructor(read: ReadStatements, file: string) {
    this.#read = read;
    this.#file = file;
  }

  report(): IntegrityReport {
    const problems = this.#problems;
    return { ok: problems.length === 0, runs: this.#runs, events: this.#events, problems };
  }

  store(): void {
    this.#guarded(null, () => {
      let after = 0;
      for (let page = this.#read.runKeys.all(after); page.length > 0; page = this.#read.runKeys.all(after)) {
        for (const run of page) this.#run(run);
        after = page.at(-1)?.id ?? after;
      }
      const stray = (this.#read.counts.get()?.events ?? 0) - this.#events;
      if (stray > 0 && this.#problems.length === 0)
        this.#add('file', null, null, 0, `${stray} events belong to no run.`);
    });
    this.#guarded(null, () => this.#tail());
  }

  one(runId: string): void {
    this.#guarded(runId, () => {
      const row = this.#read.run.get(runId);
      if (row !== undefined) this.#run(row);
      if (headOf(this.#read, this.#file)?.runId === runId) this.#tail();
    });
  }

  #run(run: RunKey): void {
    this.#runs++;
    this.#guarded(run.run_id, () => {
      if (this.#log(run)) this.#blobs(run);
    });
  }

  /** The blocks of a run, up to the first bad one; the events of others are only counted. */
  #log(run: RunKey): boolean {
    const log = new LogCheck(run);
    let next = 0;
    let isGood = true;
    for (;;) {
      const page = this.#read.blocks.all({ run: run.id, from: next, limit: PAGE });
      for (const row of page) {
        if (isGood) isGood = this.#keep(run, log.block(row));
        this.#events += row[1];
        next = row[0] + row[1];
      }
      if (page.length < PAGE) break;
    }
    return isGood && this.#keep(run, log.end());
  }

  #keep({ run_id }: RunKey, found: Found | undefined): boolean {
    if (found === undefined) return true;
    this.#add(found.kind, run_id, found.seq, found.missing ?? 0, found.what);
    return false;
  }

  #blobs({ id, run_id }: RunKey): void {
    let after = '';
    for (;;) {
      const page = this.#read.blobUses.all(id, after);
      for (const { hash, seq, text } of page) {
        after = hash;
        if (text !== null && sha256(text) === hash) continue;
        const what = text === null ? `Blob ${hash} is missing.` : `Blob ${hash} is not what was written.`;
        this.#add('blob', run_id, seq, text === null ? 1 : 0, what);
        return;
      }
      if (page.length === 0) return;
    }
  }

  /** Compares the end of the file with its head. */
  #tail(): void {
    const head = headOf(this.#read, this.#file);
    if (head === undefined) return;
    const { runId, seq, sum, position } = head;
    const missing = missingAtTail(this.#read, this.#file);
    if (missing > 0) {
      const what = `The last ${missing} events of the store are missing; the very last was event ${seq} of run ${runId}.`;
      this.#add('tail', null, null, missing, what);
      return;
    }
    const event = eventAt(this.#read, runId, seq);
    // There is none where it was removed with its run.
    if (event?.position === position && headSum(event.hash) !== sum)
      this.#add('event', runId, seq, 0, `Event ${seq} is not the one that the head of the store tells of.`);
  }

  /** What SQLite itself cannot read is a finding, not a failure. */
  #guarded(runId: string | null, look: () => void): void {
    try {
      look();
    } catch (error) {
      if (!/^SQLITE_(CORRUPT|NOTADB|IOERR)/.test(sqliteCode(error))) throw error;
      this.#add('file', runId, null, 0, `SQLite cannot read it: ${(error as Error).message}.`);
    }
  }

  #add(kind: IntegrityProblem['kind'], runId: string | null, seq: number | null, missing: number, what: string): void {
    this.#problems.push({ kind, runId, seq, missing, what });
  }
}

/** What is wrong with a log, and from where. */
interface Found {
  readonly kind: IntegrityProblem['kind'];
  readonly seq: number;
  readonly missing?: number;
  readonly what: string;
}

/** Goes through the blocks of one run. */
class LogCheck {
  readonly #run: RunKey;
  #next = 0;
  #hash: string;

  constructor(run: RunKey) {
    this.#run = run;
    this.#hash = chainStart(run.run_id);
  }

  block([seq, events, text, hash]: BlockRow): Found | undefined {
    const expected = this.#next;
    if (seq !== expected) {
      const missing = seq - expected;
      return { kind: 'gap', seq: expected, missing, what: `${missing} events are missing before event ${seq}.` };
    }
    this.#next = seq + events;
    if (blockHash(this.#hash, { seq, text }) !== hash) return changed(seq, this.#next, text);
    this.#hash = hash;
    const { sealed_events, sealed_hash } = this.#run;
    return this.#next === sealed_events && sealed_hash !== hash ? mismatch(seq, this.#next) : undefined;
  }

  /** After the last block. */
  end(): Found | undefined {
    const { sealed_events } = this.#run;
    const missing = sealed_events - this.#next;
    if (missing > 0) {
      const what = `${missing} events are missing at its end.`;
      return { kind: 'tail', seq: this.#next, missing, what };
    }
    return missing < 0 && hasEnded(this.#run) ? mismatch(sealed_events, this.#next) : undefined;
  }
}

function changed(first: number, next: number, text: string): Found {
  const bad = firstBad({ seq: first, text });
  if (bad === undefined) return mismatch(first, next);
  return { kind: 'event', seq: bad, what: `Event ${bad} is not what was written.` };
}

function mismatch(first: number, next: number): Found {
  const which = next - first === 1 ? `Event ${first} is` : `Events ${first} to ${next - 1} are`;
  return { kind: 'block', seq: first, what: `${which} not what was written: the hash of the block differs.` };
}
