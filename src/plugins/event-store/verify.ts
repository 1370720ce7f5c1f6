import type { IntegrityProblem, IntegrityReport } from '../../base/history/event-store.js';
import { BLOCK, blockHash, checksum, eventText, NO_BLOCK, sha256 } from './event-text.js';
import { headOf, missingAtTail } from './head-check.js';
import { hasEnded } from './retention.js';
import type { EventRow, ReadStatements, RunRow } from './statements.js';
import { sqliteCode } from './store-errors.js';

/** How many events are read at once. */
const PAGE = 512;

type RunKey = Pick<RunRow, 'id' | 'run_id' | 'status'>;

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

  /** The events of a run, up to the first bad one; the others are only counted. */
  #log(run: RunKey): boolean {
    const log = new LogCheck(this.#read, run);
    let next = 0;
    let isGood = true;
    for (;;) {
      const page = this.#read.events.all({ run: run.id, from: next, to: Number.MAX_SAFE_INTEGER, limit: PAGE });
      for (const row of page) {
        if (isGood) isGood = this.#keep(run, log.event(row));
        this.#events++;
      }
      if (page.length < PAGE) break;
      next = (page.at(-1)?.[0] ?? next) + 1;
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
    const event = this.#read.eventAt.get(runId, seq);
    // There is none where it was removed with its run.
    if (event?.position === position && event.sum !== sum)
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

/** Goes through the events of one run. */
class LogCheck {
  readonly #read: ReadStatements;
  readonly #run: RunKey;
  #next = 0;
  #previous = NO_BLOCK;
  #texts: string[] = [];
  /** What is recorded of the block that the next event belongs to; read when its first event is. */
  #block: { readonly events: number; readonly hash: string } | undefined;

  constructor(read: ReadStatements, run: RunKey) {
    this.#read = read;
    this.#run = run;
  }

  event(row: EventRow): Found | undefined {
    const [seq, ts, kind, v, key, data, sum] = row;
    const expected = this.#next;
    if (seq !== expected) {
      const missing = seq - expected;
      return { kind: 'gap', seq: expected, missing, what: `${missing} events are missing before event ${seq}.` };
    }
    const text = eventText(kind, v, key, data);
    if (checksum({ seq, ts }, text) !== sum)
      return { kind: 'event', seq, what: `Event ${seq} is not what was written.` };
    if (seq % BLOCK === 0) this.#block = this.#read.block.get(this.#run.id, seq / BLOCK);
    this.#texts.push(text);
    this.#next++;
    return this.#covered() ? this.#compare() : undefined;
  }

  /** After the last event. */
  end(): Found | undefined {
    const events = this.#texts.length;
    // Until a run has ended, the last of its events may be covered by their checksums alone.
    const mustBeCovered = events > 0 && hasEnded(this.#run);
    const covered = events === 0 ? this.#read.block.get(this.#run.id, this.#next / BLOCK)?.events : this.#block?.events;
    const missing = (covered ?? 0) - events;
    if (missing > 0) {
      const what = `${missing} events are missing at its end.`;
      return { kind: 'tail', seq: this.#next, missing, what };
    }
    return mustBeCovered && covered !== events ? this.#mismatch() : undefined;
  }

  /** Whether the events seen of this block are those that a hash is to cover. */
  #covered(): boolean {
    return this.#texts.length === BLOCK || this.#texts.length === this.#block?.events;
  }

  #compare(): Found | undefined {
    const hash = blockHash(this.#previous, this.#texts);
    if (hash !== this.#block?.hash) return this.#mismatch();
    if (this.#texts.length < BLOCK) return undefined;
    this.#previous = hash;
    this.#texts = [];
    this.#block = undefined;
    return undefined;
  }

  #mismatch(): Found {
    const first = this.#next - this.#texts.length;
    return {
      kind: 'block',
      seq: first,
      what: `Events ${first} to ${this.#next - 1} are not those that were written: the hash of their block differs.`,
    };
  }
}
