import {
  type CommitReceipt,
  DURABILITIES,
  type Durability,
  type EventBatch,
  type EventRange,
  type EventStore,
  type IntegrityProblem,
  type IntegrityReport,
  type PruneReport,
  type Retention,
  type RunHeader,
  type RunQuery,
  type RunRecord,
  type StoredEvent,
  type StoredSnapshot,
  type StoredWorkflow,
  type StoreHealth,
} from '../../base/history/event-store.js';
import { checkWord, refuse } from '../../base/option-checks.js';
import { sha256 } from './event-block.js';
import { beyond, checkRetention, hasEnded } from './retention.js';
import { runNotEnded, runUnknown, seqConflict, storeClosed } from './store-errors.js';

interface MemoryRun {
  readonly runId: string;
  header: RunHeader;
  readonly events: StoredEvent[];
  readonly keys: Set<string>;
  /** Hashes of the blobs that its events refer to, each with the event that did first. */
  readonly blobs: Map<string, number>;
  /** Hashes of the workflows that it was one of. */
  readonly workflows: Set<string>;
  snapshots: StoredSnapshot[];
  bytes: number;
}

/** A batch that was looked at: what of it is new. */
interface Accepted {
  readonly batch: EventBatch;
  readonly events: readonly StoredEvent[];
}

const SNAPSHOTS = 10;
const RUNS = 50;

/**
 * Keeps runs in memory, for as long as the object is kept: for tests, and for runs that are to wait or be looked at without
 * outliving their process. Everything it promises but durability is what other stores promise.
 */
export class MemoryEventStore implements EventStore {
  readonly #runs = new Map<string, MemoryRun>();
  readonly #blobs = new Map<string, string>();
  readonly #workflows = new Map<string, StoredWorkflow>();
  #position = 0;
  #isOpen = false;

  open(): void {
    this.#isOpen = true;
  }

  append(batches: readonly EventBatch[], durability: Durability): CommitReceipt {
    this.#checkOpen();
    checkWord(durability, DURABILITIES, 'append: the durability');
    const accepted = this.#accept(batches);
    let created = 0;
    for (const { batch, events } of accepted) {
      const run = this.#runOf(batch);
      for (const event of events) this.#add(run, event);
      this.#addBlobs(run, batch);
      if (batch.workflow !== undefined) {
        this.#workflows.set(batch.workflow.hash, Object.freeze({ ...batch.workflow }));
        run.workflows.add(batch.workflow.hash);
      }
      if (batch.header !== undefined) run.header = Object.freeze({ ...batch.header });
      created += events.length;
    }
    return { durability: 'memory', created, position: this.#position };
  }

  run(runId: string): RunRecord | undefined {
    const run = this.#opened().get(runId);
    return run === undefined ? undefined : recordOf(run);
  }

  runs(query: RunQuery = {}): readonly RunRecord[] {
    const { workflow, status, before, limit = RUNS } = query;
    // Of runs that started at the same time, the one that was added last is the newer one.
    const sorted = [...this.#opened().values()].reverse().sort((a, b) => b.header.startedAt - a.header.startedAt);
    const after = before === undefined ? 0 : sorted.findIndex(({ runId }) => runId === before) + 1;
    if (before !== undefined && after === 0) throw runUnknown(before);
    return sorted
      .slice(after)
      .filter(({ header }) => workflow === undefined || header.workflow === workflow)
      .filter(({ header }) => status === undefined || header.status === status)
      .slice(0, limit)
      .map(recordOf);
  }

  *events(runId: string, range: EventRange = {}): IterableIterator<StoredEvent> {
    const { from = 0, to = Number.POSITIVE_INFINITY } = range;
    const events = this.#opened().get(runId)?.events ?? [];
    for (let seq = from; seq < Math.min(to, events.length); seq++) yield events[seq] as StoredEvent;
  }

  blob(hash: string): string | undefined {
    this.#checkOpen();
    return this.#blobs.get(hash);
  }

  workflow(hash: string): StoredWorkflow | undefined {
    this.#checkOpen();
    return this.#workflows.get(hash);
  }

  saveSnapshot(runId: string, snapshot: StoredSnapshot): void {
    const run = this.#opened().get(runId);
    if (run === undefined) throw runUnknown(runId);
    run.snapshots = [Object.freeze({ ...snapshot }), ...run.snapshots].slice(0, SNAPSHOTS);
  }

  snapshots(runId: string, events: number = Number.POSITIVE_INFINITY): readonly StoredSnapshot[] {
    const snapshots = this.#opened().get(runId)?.snapshots ?? [];
    return snapshots.filter((snapshot) => snapshot.events <= events).sort((a, b) => b.events - a.events);
  }

  verify(runId?: string): IntegrityReport {
    const runs = [...this.#opened().values()].filter((run) => runId === undefined || run.runId === runId);
    const problems = runs.flatMap((run) => this.#problems(run));
    const events = runs.reduce((sum, run) => sum + run.events.length, 0);
    return { ok: problems.length === 0, runs: runs.length, events, problems };
  }

  remove(runId: string): boolean {
    const run = this.#opened().get(runId);
    if (run === undefined) return false;
    if (!hasEnded(run.header)) throw runNotEnded(runId, run.header.status);
    this.#drop([run]);
    return true;
  }

  prune(retention: Retention): PruneReport {
    checkRetention(retention, 'prune');
    const ended = [...this.#opened().values()]
      .filter(({ header }) => hasEnded(header))
      .map((run) => ({ run, endedAt: run.header.endedAt ?? run.header.startedAt, bytes: run.bytes }))
      .reverse()
      .sort((a, b) => b.endedAt - a.endedAt);
    return this.#drop(beyond(ended, retention, Date.now()).map(({ run }) => run));
  }

  health(): StoreHealth {
    const runs = [...this.#runs.values()];
    return {
      status: this.#isOpen ? 'open' : 'closed',
      location: 'memory',
      runs: runs.length,
      events: runs.reduce((sum, { events }) => sum + events.length, 0),
      bytes: runs.reduce((sum, { bytes }) => sum + bytes, 0),
      details: {},
    };
  }

  close(): void {
    this.#isOpen = false;
  }

  #opened(): ReadonlyMap<string, MemoryRun> {
    this.#checkOpen();
    return this.#runs;
  }

  #checkOpen(): void {
    if (!this.#isOpen) throw storeClosed();
  }

  /** Looks at every batch before anything is changed: all are added, or none. */
  #accept(batches: readonly EventBatch[]): readonly Accepted[] {
    const drafts = new Map<string, { next: number; readonly keys: Set<string> }>();
    return batches.map((batch) => {
      const { runId, header } = batch;
      const run = this.#runs.get(runId);
      if (run === undefined && !drafts.has(runId) && header === undefined)
        refuse(`append: the first batch of run ${runId}`, 'must have a header', undefined);
      const draft = drafts.get(runId) ?? { next: run?.events.length ?? 0, keys: new Set<string>() };
      drafts.set(runId, draft);
      const events = batch.events.filter(({ seq, key }) => {
        if (key !== null && (run?.keys.has(key) === true || draft.keys.has(key))) return false;
        if (seq !== draft.next) throw seqConflict(runId, draft.next, seq);
        draft.next++;
        if (key !== null) draft.keys.add(key);
        return true;
      });
      return { batch, events };
    });
  }

  #runOf({ runId, header }: EventBatch): MemoryRun {
    const known = this.#runs.get(runId);
    if (known !== undefined) return known;
    const own = { keys: new Set<string>(), blobs: new Map<string, number>(), workflows: new Set<string>() };
    const run: MemoryRun = { runId, header: header as RunHeader, events: [], ...own, snapshots: [], bytes: 0 };
    this.#runs.set(runId, run);
    return run;
  }

  #add(run: MemoryRun, event: StoredEvent): void {
    run.events.push(Object.freeze({ ...event }));
    if (event.key !== null) run.keys.add(event.key);
    run.bytes += event.data.length;
    this.#position++;
  }

  #addBlobs(run: MemoryRun, { blobs, events }: EventBatch): void {
    for (const { hash, text } of blobs) {
      if (!this.#blobs.has(hash)) this.#blobs.set(hash, text);
      if (run.blobs.has(hash)) continue;
      run.blobs.set(hash, (events.find(({ data }) => data.includes(hash)) ?? events[0])?.seq ?? 0);
      run.bytes += text.length;
    }
  }

  #problems({ runId, blobs }: MemoryRun): readonly IntegrityProblem[] {
    const bad = [...blobs].find(([hash]) => sha256(this.#blobs.get(hash) ?? '') !== hash);
    if (bad === undefined) return [];
    return [{ kind: 'blob', runId, seq: bad[1], missing: 0, what: `Blob ${bad[0]} is not what was written.` }];
  }

  #drop(doomed: readonly MemoryRun[]): PruneReport {
    for (const { runId } of doomed) this.#runs.delete(runId);
    const kept = [...this.#runs.values()];
    const before = this.#blobs.size;
    const used = new Set(kept.flatMap(({ blobs }) => [...blobs.keys()]));
    for (const hash of this.#blobs.keys()) if (!used.has(hash)) this.#blobs.delete(hash);
    const workflows = new Set(kept.flatMap((run) => [...run.workflows]));
    for (const hash of this.#workflows.keys()) if (!workflows.has(hash)) this.#workflows.delete(hash);
    const events = doomed.reduce((sum, run) => sum + run.events.length, 0);
    return { runs: doomed.length, events, blobs: before - this.#blobs.size };
  }
}

function recordOf({ runId, header, events }: MemoryRun): RunRecord {
  return { ...header, runId, events: events.length, updatedAt: events.at(-1)?.ts ?? header.startedAt };
}
