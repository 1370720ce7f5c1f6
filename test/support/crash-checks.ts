import { expect } from 'chai';
import { type EventKind, type RunEvent, subjectOf, timeless } from '../../src/base/events.js';
import { type Projection, ProjectionProgress } from '../../src/base/history/projection.js';
import { ProjectionRunner } from '../../src/base/history/projection-runner.js';
import { readStoredEvent } from '../../src/base/history/stored-event.js';
import { decodeValue, encodeValue } from '../../src/base/history/value-codec.js';
import type { RunResult } from '../../src/base/run-result.js';
import { SqliteEventStore } from '../../src/plugins/event-store/index.js';
import { MemoryLog } from '../../src/testing/memory-log.js';
import { attemptText } from './crash-flows.js';
import { RUN } from './crash-run.js';

/** The log of the run as it stands in a file, which must be sound; empty where the run is not in it. */
export function logIn(file: string): readonly RunEvent[] {
  const store = new SqliteEventStore({ file, readOnly: true });
  store.open();
  try {
    expect(store.verify().problems).to.deep.equal([]);
    return [...store.events(RUN)].map((stored) => readStoredEvent(stored, RUN, (hash) => store.blob(hash)));
  } finally {
    store.close();
  }
}

/** What a run came to, without what a crash may change: times, and attempts that were made again. */
export function resultView(result: RunResult): object {
  const { status, output, workflow, results, nodes, cycles } = result;
  const reports = [...nodes.values()].map(({ id, status: own, reason, visits, error }) => [
    id,
    { status: own, reason, visits, error: error?.code },
  ]);
  return {
    status,
    output,
    workflow,
    results: Object.fromEntries(results),
    nodes: Object.fromEntries(reports),
    cycles: Object.fromEntries([...cycles].map(([id, { elapsedMs: _, ...cycle }]) => [id, cycle])),
  };
}

const DECIDED: readonly EventKind[] = ['node.skipped', 'node.blocked', 'attempt.completed', 'attempt.failed'];

/** What was decided last of each visit of each node, children included, and of each iteration: attempts are not numbered in it. */
export function decisionsIn(log: readonly RunEvent[]): Readonly<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const event of log) {
    const { attempt: _, scope, ...data } = timeless(event.data);
    const isOfCycle = event.kind === 'cycle.iterated' || event.kind === 'cycle.stopped';
    if (!DECIDED.includes(event.kind) && !isOfCycle) continue;
    // The scope of children names the attempt that opened them, where it is not the first.
    const place = `${scope}`.replace(/#(\d+)\.\d+/g, (_all, visit) => (visit === '1' ? '' : `#${visit}`));
    const number = data.visit ?? data.iteration ?? '';
    found[`${place}${data.node ?? data.cycle} ${isOfCycle ? event.kind : ''}${number}`] = { kind: event.kind, ...data };
  }
  return found;
}

/** The attempts that had settled when a log ended. */
export function settledIn(log: readonly RunEvent[]): ReadonlySet<string> {
  return new Set(
    log.flatMap(({ kind, data }) =>
      kind.startsWith('attempt.') && kind !== 'attempt.started' && 'attempt' in data ? [attemptText(data)] : [],
    ),
  );
}

/** The attempts that a log says were started. */
export function startedIn(log: readonly RunEvent[]): ReadonlySet<string> {
  return new Set(log.flatMap(({ kind, data }) => (kind === 'attempt.started' ? [attemptText(data)] : [])));
}

/** Every event that was told is in the log, as it was told. */
export function expectTold(told: readonly string[], log: readonly RunEvent[]): void {
  const recorded = new Set(log.map((event) => encodeValue(event, 'event')));
  const missing = told.filter((event) => !recorded.has(event));
  expect(missing.map((event) => event.slice(0, 200))).to.deep.equal([]);
}

/**
 * No attempt is made twice; none of a visit that had completed is made again; what was called had been recorded before as started.
 *
 * @param before what was called before the kill
 * @param log what was recorded until then
 * @param after what was called when the run went on
 */
export function expectNothingRepeated(
  before: readonly string[],
  log: readonly RunEvent[],
  after: readonly string[],
): void {
  const started = startedIn(log);
  const settled = settledIn(log);
  expect(before.filter((attempt) => !started.has(attempt))).to.deep.equal([]);
  expect(after.filter((attempt) => settled.has(attempt) || started.has(attempt))).to.deep.equal([]);
  expect(new Set(after).size).to.equal(after.length);
  const completed = new Set(
    log.flatMap(({ kind, data }) => (kind === 'attempt.completed' ? [visitText(attemptText(data))] : [])),
  );
  expect(after.filter((attempt) => completed.has(visitText(attempt)))).to.deep.equal([]);
}

function visitText(attempt: string): string {
  return attempt.slice(0, attempt.lastIndexOf('.'));
}

/** Counts kinds, and remembers the last event of each subject: wrong where an event is missed, taken twice, or out of order. */
const TALLY: Projection<{ events: number; kinds: Record<string, number>; last: Record<string, string> }> = {
  name: 'tally',
  version: 1,
  required: true,
  init: () => ({ events: 0, kinds: {}, last: {} }),
  apply: (state, event) => {
    state.kinds[event.kind] = (state.kinds[event.kind] ?? 0) + 1;
    const subject = subjectOf(event);
    state.last[subject] = `${event.kind} after ${state.last[subject] ?? 'nothing'}`.slice(0, 2_000);
    state.events = event.seq + 1;
    return undefined;
  },
};

/** A projection that is kept from what listeners are told: those of the process that was killed, then those of the one that goes on. */
export class KeptProjection {
  readonly #store: SqliteEventStore;
  readonly #runner: ProjectionRunner;

  /** @param told what was told before the kill */
  constructor(file: string, told: readonly string[]) {
    this.#store = new SqliteEventStore({ file, readOnly: true });
    this.#store.open();
    const kept = new ProjectionProgress(TALLY);
    for (const event of told) expect(kept.take(decodeValue(event) as RunEvent)).to.equal(true);
    this.#runner = this.#newRunner();
    this.#runner.attach(TALLY, { name: TALLY.name, version: TALLY.version, state: kept.state, runs: kept.runs });
  }

  heard(event: RunEvent): void {
    this.#runner.applied([event]);
  }

  /** It is what it becomes when it is made anew. */
  expectRebuilt(): void {
    const rebuilt = this.#newRunner();
    rebuilt.attach(TALLY);
    expect(this.#runner.read(TALLY)).to.deep.equal(rebuilt.read(TALLY));
    expect(this.#runner.watermark(TALLY.name)).to.equal(rebuilt.watermark(TALLY.name));
  }

  close(): void {
    this.#store.close();
  }

  #newRunner(): ProjectionRunner {
    const store = this.#store;
    return new ProjectionRunner({
      store,
      decode: (runId, stored) => readStoredEvent(stored, runId, (hash) => store.blob(hash)),
      log: new MemoryLog(),
    });
  }
}
