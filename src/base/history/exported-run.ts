import { canonicalJson } from '../canonical-json.js';
import { LockstepError } from '../errors.js';
import type { Hash } from '../ports.js';
import { isRecord } from '../record.js';
import type { RunResult } from '../run-result.js';
import type { Workflow } from '../workflow.js';
import type { BytesPort } from './bytes.js';
import type { EventStore, RunRecord, StoredBlob, StoredEvent, StoredWorkflow } from './event-store.js';
import { misfitOfExport } from './exported-shape.js';
import { historyView } from './history-view.js';
import { hollowWorkflow } from './hollow-workflow.js';
import { replayResult } from './replay.js';
import { readStoredEvent } from './stored-event.js';
import { decodeValue } from './value-codec.js';
import type { WorkflowDescription } from './workflow-description.js';

/** The format of an exported run. */
const FORMAT = 'lockstep-run';
const VERSION = 1;

/** Where a run was exported. */
export interface ExportEnvironment {
  readonly lockstep: string;
  readonly node: string;
  readonly platform: string;
  /** Epoch milliseconds. */
  readonly exportedAt: number;
}

/**
 * One run as plain JSON data: its graph, what it was given, its events, its results, and where it was exported. It holds no secret,
 * since a log holds none.
 */
export interface ExportedRun {
  readonly format: typeof FORMAT;
  readonly v: number;
  readonly run: RunRecord;
  readonly workflow: StoredWorkflow;
  /** Those that it was one of before, where it went on with a changed one. */
  readonly former: readonly StoredWorkflow[];
  readonly events: readonly StoredEvent[];
  /** Large values that the events refer to. */
  readonly blobs: readonly StoredBlob[];
  readonly environment: ExportEnvironment;
  /** SHA-256 over everything else as canonical JSON. */
  readonly checksum: string;
}

interface Part {
  readonly workflowHash: string;
  readonly events: readonly StoredEvent[];
}

/** What `run.started` and `run.revised` say. */
interface Named {
  readonly workflowHash?: unknown;
}

const REFERENCE = /"\$":"blob","v":"(?<hash>[0-9a-f]{64})"/g;

function checksumOf(exported: Omit<ExportedRun, 'checksum'>, hash: Hash): string {
  const { format, v, run, workflow, former, events, blobs, environment } = exported;
  return hash.sha256(canonicalJson({ format, v, run, workflow, former, events, blobs, environment }));
}

/** A run of a store as data that stands by itself. @throws LockstepError RUN_UNKNOWN, BLOB_MISSING, CORRUPT_HISTORY */
export function exportFrom(store: EventStore, run: RunRecord, environment: ExportEnvironment, hash: Hash): ExportedRun {
  const events = [...store.events(run.runId)];
  const hashes = new Set(
    events.flatMap(({ data }) => [...data.matchAll(REFERENCE)].map(({ groups }) => groups?.hash ?? '')),
  );
  const blobs = [...hashes].map((blob) => ({ hash: blob, text: blobText(store, run.runId, blob) }));
  const workflow = workflowOf(store, run, run.workflowHash);
  const earlier = new Set(partsOf(events).map(({ workflowHash }) => workflowHash));
  const former = [...earlier].flatMap((each) => (each === run.workflowHash ? [] : [workflowOf(store, run, each)]));
  const exported = { format: FORMAT, v: VERSION, run, workflow, former, events, blobs, environment } as const;
  return { ...exported, checksum: checksumOf(exported, hash) };
}

/** The parts of a log, each with the hash of the workflow that the run is one of from there on. */
function partsOf(events: readonly StoredEvent[]): readonly Part[] {
  const parts: { readonly workflowHash: string; readonly events: StoredEvent[] }[] = [];
  for (const event of events) {
    const begins = parts.length === 0 || event.kind === 'run.revised';
    if (begins) parts.push({ workflowHash: namedBy(event), events: [event] });
    else parts.at(-1)?.events.push(event);
  }
  return parts;
}

/** @throws LockstepError VALUE_UNREADABLE */
function namedBy({ data }: StoredEvent): string {
  try {
    return String((JSON.parse(data) as Named).workflowHash);
  } catch (cause) {
    throw new LockstepError('VALUE_UNREADABLE', 'A stored value cannot be read.', { value: data, cause });
  }
}

function workflowOf(store: EventStore, { runId }: RunRecord, hash: string): StoredWorkflow {
  const workflow = store.workflow(hash);
  if (workflow !== undefined) return workflow;
  throw new LockstepError('CORRUPT_HISTORY', `The store has lost what the workflow of run "${runId}" was.`, {
    at: runId,
  });
}

function blobText(store: EventStore, runId: string, hash: string): string {
  const text = store.blob(hash);
  if (text !== undefined) return text;
  throw new LockstepError('BLOB_MISSING', `Run "${runId}" refers to the blob ${hash}.`, { at: hash });
}

/** Checks that data is an exported run, unchanged. @throws LockstepError EXPORT_INVALID */
export function checkExported(data: unknown, hash: Hash): ExportedRun {
  if (!isRecord(data) || data.format !== FORMAT) throw invalid('it is no exported run');
  const exported = data as unknown as ExportedRun;
  if (exported.v !== VERSION)
    throw invalid(`it has the format version ${String(exported.v)}, and ${VERSION} is read here`);
  let checksum: string;
  try {
    checksum = checksumOf(exported, hash);
  } catch (cause) {
    throw invalid('it is not complete', cause);
  }
  if (checksum !== exported.checksum) throw invalid('it was changed after it was exported');
  const misfit = misfitOfExport(data);
  if (misfit !== undefined) throw invalid(`${misfit} is not what an export holds`);
  const blob = exported.blobs.findIndex((each) => hash.sha256(each.text) !== each.hash);
  if (blob !== -1) throw invalid(`blobs[${blob}] does not have its hash`);
  return exported;
}

function invalid(why: string, cause?: unknown): LockstepError {
  return new LockstepError('EXPORT_INVALID', `This cannot be imported: ${why}.`, { cause });
}

/** Adds an exported run to a store, as it was. @throws LockstepError EXPORT_INVALID, VALUE_UNREADABLE, RUN_EXISTS, and what `append` throws */
export function importInto(store: EventStore, data: unknown, hash: Hash): RunRecord {
  const { run, workflow, former, events, blobs } = checkExported(data, hash);
  const { runId } = run;
  if (store.run(runId) !== undefined)
    throw new LockstepError('RUN_EXISTS', `There is a run "${runId}" already.`, { at: 'run.runId', value: runId });
  const { runId: _, events: __, updatedAt: ___, ...header } = run;
  const batches = partsOf(events).map((part) => {
    const known = [workflow, ...former].find((each) => each.hash === part.workflowHash);
    if (known === undefined) throw invalid('it lacks a workflow that it was one of');
    const used = blobs.filter((blob) => part.events.some((event) => event.data.includes(blob.hash)));
    return { runId, events: part.events, blobs: used, header, workflow: known };
  });
  if (batches.length === 0) throw invalid('it has no events');
  store.append(batches, 'process');
  return store.run(runId) as RunRecord;
}

/**
 * What an exported run came to, read from the export alone.
 *
 * @param to only so many of its first events. Default: all
 * @throws LockstepError EXPORT_INVALID, CORRUPT_HISTORY, BLOB_MISSING
 */
export function replayFrom(data: unknown, hash: Hash, bytes: BytesPort, to?: number): RunResult {
  const { run, workflow, former, events, blobs } = checkExported(data, hash);
  const { runId } = run;
  const texts = new Map(blobs.map((blob) => [blob.hash, blob.text]));
  const hollowOf = (wanted: string): Workflow => {
    const known = [workflow, ...former].find((each) => each.hash === wanted);
    if (known === undefined) throw invalid('it lacks a workflow that it was one of');
    return hollowWorkflow(decodeValue(known.description) as WorkflowDescription);
  };
  const read = events.slice(0, to).map((event) => readStoredEvent(event, runId, (blob) => texts.get(blob), bytes));
  const view = historyView(runId, read, hollowOf);
  return replayResult(hollowOf(view.workflowHash), runId, view.events);
}
