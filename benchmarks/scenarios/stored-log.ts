import { compile } from '../../src/base/compile.js';
import { EventFold } from '../../src/base/event-fold.js';
import type { RunEvent } from '../../src/base/events.js';
import { ExecutionState } from '../../src/base/execution-state.js';
import { restoreSnapshot, type SnapshotData, takeSnapshot } from '../../src/base/history/state-snapshot.js';
import { readStoredEvent } from '../../src/base/history/stored-event.js';
import { decodeValue, encodeValue } from '../../src/base/history/value-codec.js';
import type { Workflow } from '../../src/index.js';
import { SqliteEventStore } from '../../src/plugins/event-store/index.js';
import { BUDGETS } from '../budgets.js';
import { type Bench, onDisk } from '../durable.js';
import { chain } from '../graphs.js';
import { openBareLog } from '../limits/bare-log.js';
import { parseAndFold } from '../limits/parse-and-fold.js';
import { compare, type Named, ratioRow, type Times, type Work } from '../measure.js';
import type { Effort, Row, Scenario } from '../scenario.js';
import { ourCycle } from './cycle.js';

/** The text of a snapshot of a whole run. */
function snapshotOf({ store }: Bench, workflow: Workflow, runId: string): string {
  const blob = (hash: string): string | undefined => store.blob(hash);
  const fold = new EventFold(new ExecutionState(compile(workflow), ''));
  for (const stored of store.events(runId)) fold.apply(readStoredEvent(stored, runId, blob) as RunEvent);
  return encodeValue(takeSnapshot(fold), 'snapshot');
}

/** A log of 100,000 events: read, folded, checked, opened, listed, and gone on with from a snapshot. */
export const scenario: Scenario = {
  title: 'a long log',
  sizes: [100_000],
  ciSizes: [100_000],
  measure: (size, effort) => onDisk('memory', (bench) => measure(bench, size, effort)),
};

/** How many runs are listed. */
const RUNS = 50;

/** One row for each pair of sides. */
async function rowsOf(pairs: readonly (readonly [Named, Work, Work])[], effort: Effort): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [named, limit, ours] of pairs) {
    const [limitTimes, ourTimes] = (await compare([limit, ours], effort)) as [Times, Times];
    rows.push(ratioRow(named, limitTimes, ourTimes));
  }
  return rows;
}

/** What an iteration of the cycle records: two attempts that start and complete, and its own end. */
const PER_ITERATION = 5;

/** Records a cycle, a chain, and some small runs. */
function record({ local, store, bare }: Bench, size: number) {
  const { runId, results } = local.execute(ourCycle(size / PER_ITERATION));
  const texts = [...store.events(runId)].map(({ data }) => data);
  bare.together(texts);
  const replayed = local.replay(runId).results.get('judge')?.loss;
  const folded = parseAndFold(texts).get('judge')?.output as { readonly loss: number };
  if (replayed !== results.get('judge')?.loss || replayed !== folded.loss) throw new Error('The sides differ.');
  if (store.verify(runId).problems.length > 0) throw new Error('The log is damaged.');
  const { workflow } = chain(size / 2, 'sync');
  const chained = local.execute(workflow).runId;
  const small = chain(1, 'sync').workflow;
  for (let run = 2; run < RUNS; run++) local.execute(small);
  return { runId, texts, workflow: workflow as Workflow, chained };
}

async function measure(bench: Bench, size: number, effort: Effort): Promise<readonly Row[]> {
  const { bare, store, file, bareFile, local } = bench;
  const { runId, texts, workflow, chained } = record(bench, size);
  const plan = compile(workflow);
  const nodes = (size / 2).toLocaleString('en-US');
  const snapshot = snapshotOf(bench, workflow, chained);
  const restored = (): unknown => restoreSnapshot(new ExecutionState(plan, ''), decodeValue(snapshot) as SnapshotData);
  const parsed = (): unknown => bare.texts().map((text) => JSON.parse(text) as unknown);
  const blobOf = (hash: string): string | undefined => store.blob(hash);
  const decoded = (): unknown => [...store.events(runId)].map((event) => readStoredEvent(event, runId, blobOf));
  const opened = (): void => {
    const reader = new SqliteEventStore({ file, readOnly: true });
    reader.open();
    reader.close();
  };
  const openedBare = (): void => openBareLog({ file: bareFile, synchronous: 'NORMAL' }).close();
  const event = { size, per: texts.length };
  const whole = { size, per: 1 };
  const { replayNs, verifyNs } = BUDGETS;
  return rowsOf(
    [
      [{ what: 'read, decode', ...event, note: 'limit: SELECT, JSON.parse' }, parsed, decoded],
      [
        { what: 'replay', ...event, budgetNs: replayNs, note: 'limit: JSON.parse, fold' },
        () => parseAndFold(texts),
        () => local.replay(runId),
      ],
      [
        { what: 'verify', ...event, budgetNs: verifyNs, note: 'limit: SELECT, JSON.parse' },
        parsed,
        () => store.verify(runId),
      ],
      [{ what: `snapshot of ${nodes} nodes, decode, restore`, ...whole }, () => JSON.parse(snapshot), restored],
      [{ what: 'open it, and close', ...whole }, openedBare, opened],
      [{ what: `list ${RUNS} runs`, ...whole }, () => bare.first(RUNS), () => store.runs()],
    ],
    effort,
  );
}
