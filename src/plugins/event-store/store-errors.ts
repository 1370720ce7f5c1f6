import { LockstepError } from '../../base/errors.js';

/** Refusals after which everything stands as before: they do not poison a store. */
const HARMLESS: ReadonlySet<string> = new Set([
  'SEQ_CONFLICT',
  'INVALID_OPTION',
  'STORE_LOCKED',
  'CLOCK_ROLLED_BACK',
  'RUN_NOT_ENDED',
  'RUN_UNKNOWN',
]);

/** Whether a store may be written after this error. */
export function isHarmless(error: LockstepError): boolean {
  return HARMLESS.has(error.code);
}

/** What an error of SQLite, or of the file system below it, means for whoever writes. Our own errors stay what they are. */
export function storeError(cause: unknown, file: string): LockstepError {
  if (cause instanceof LockstepError) return cause;
  const details = { at: file, cause };
  const code = sqliteCode(cause);
  if (code === 'SQLITE_FULL') return new LockstepError('STORE_FULL', `There is no room to write to ${file}.`, details);
  if (code.startsWith('SQLITE_READONLY'))
    return new LockstepError('STORE_READ_ONLY', `${file} cannot be written.`, details);
  // Only where a transaction begins: nothing was written.
  if (code.startsWith('SQLITE_BUSY'))
    return new LockstepError(
      'STORE_LOCKED',
      `${file} is being written by another connection, and does not become free.`,
      details,
    );
  if (code === 'SQLITE_NOTADB') return notLockstep(file, 'is no database', cause);
  if (code.startsWith('SQLITE_CORRUPT'))
    return new LockstepError('STORE_DAMAGED', `${file} is damaged: SQLite cannot make sense of it.`, details);
  return new LockstepError('STORE_FAILED', `Reading or writing ${file} failed.`, details);
}

/** The code of an error of better-sqlite3, otherwise that of the system; empty where there is none. */
export function sqliteCode(thrown: unknown): string {
  const code: unknown = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** What a file that is no store is refused with. */
export function notLockstep(file: string, what: string, cause?: unknown): LockstepError {
  const details = { at: file, ...(cause === undefined ? {} : { cause }) };
  return new LockstepError('STORE_NOT_LOCKSTEP', `${file} ${what}.`, details);
}

/** What a store says that was not opened, or was closed. */
export function storeClosed(): LockstepError {
  return new LockstepError('STORE_CLOSED', 'The event store is not open.');
}

/** What a store says of a batch that does not follow what it has. */
export function seqConflict(runId: string, expected: number, got: number): LockstepError {
  return new LockstepError('SEQ_CONFLICT', `The next event of run ${runId} is number ${expected}, not ${got}.`, {
    at: runId,
    value: got,
  });
}

/** What a store says of a run that it does not have. */
export function runUnknown(runId: string): LockstepError {
  return new LockstepError('RUN_UNKNOWN', `The store has no run ${runId}.`, { at: runId });
}

/** What a store says of the removal of a run that goes on or waits. */
export function runNotEnded(runId: string, status: string): LockstepError {
  return new LockstepError('RUN_NOT_ENDED', `Run ${runId} is ${status}.`, { at: runId });
}
