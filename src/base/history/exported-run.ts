import { canonicalJson } from '../canonical-json.js';
import { LockstepError } from '../errors.js';
import type { Hash } from '../ports.js';
import { isRecord } from '../record.js';
import type { EventStore, RunRecord, StoredBlob, StoredEvent, StoredWorkflow } from './event-store.js';

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
  readonly events: readonly StoredEvent[];
  /** Large values that the events refer to. */
  readonly blobs: readonly StoredBlob[];
  readonly environment: ExportEnvironment;
  /** SHA-256 over everything else as canonical JSON. */
  readonly checksum: string;
}

const REFERENCE = /"\$":"blob","v":"(?<hash>[0-9a-f]{64})"/g;

function checksumOf(exported: Omit<ExportedRun, 'checksum'>, hash: Hash): string {
  const { format, v, run, workflow, events, blobs, environment } = exported;
  return hash.sha256(canonicalJson({ format, v, run, workflow, events, blobs, environment }));
}

/** A run of a store as data that stands by itself. @throws LockstepError RUN_UNKNOWN, BLOB_MISSING, CORRUPT_HISTORY */
export function exportFrom(store: EventStore, run: RunRecord, environment: ExportEnvironment, hash: Hash): ExportedRun {
  const events = [...store.events(run.runId)];
  const hashes = new Set(
    events.flatMap(({ data }) => [...data.matchAll(REFERENCE)].map(({ groups }) => groups?.hash ?? '')),
  );
  const blobs = [...hashes].map((blob) => ({ hash: blob, text: blobText(store, run.runId, blob) }));
  const workflow = store.workflow(run.workflowHash);
  if (workflow === undefined)
    throw new LockstepError('CORRUPT_HISTORY', `The store has lost what the workflow of run "${run.runId}" was.`, {
      at: run.runId,
    });
  const exported = { format: FORMAT, v: VERSION, run, workflow, events, blobs, environment } as const;
  return { ...exported, checksum: checksumOf(exported, hash) };
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
  return exported;
}

function invalid(why: string, cause?: unknown): LockstepError {
  return new LockstepError('EXPORT_INVALID', `This cannot be imported: ${why}.`, { cause });
}

/** Adds an exported run to a store, as it was. @throws LockstepError EXPORT_INVALID, RUN_EXISTS, and what `append` throws */
export function importInto(store: EventStore, data: unknown, hash: Hash): RunRecord {
  const { run, workflow, events, blobs } = checkExported(data, hash);
  const { runId } = run;
  if (store.run(runId) !== undefined)
    throw new LockstepError('RUN_EXISTS', `There is a run "${runId}" already.`, { at: 'run.runId', value: runId });
  const { runId: _, events: __, updatedAt: ___, ...header } = run;
  store.append([{ runId, events, blobs, header, workflow }], 'process');
  return store.run(runId) as RunRecord;
}
