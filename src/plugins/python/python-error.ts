import { type ErrorCode, errorCatalog } from '../../base/error-catalog.js';
import { AttemptError, type LockstepError } from '../../base/errors.js';
import { isRecord } from '../../base/record.js';
import { unreadable } from './wire/unreadable.js';

/** What a Python tool, or the import of its module, raised. */
export class PythonError extends AttemptError {
  /** The qualified name of its class: `ValueError`, `json.decoder.JSONDecodeError`. */
  readonly type: string;
  /** What `str()` says of it. */
  readonly reason: string;
  /** As Python prints it; the lines of the worker itself are left out. */
  readonly traceback: string;
  /** `code` of the exception, where it has one; `exceptions`, where it is a group. */
  readonly details: Readonly<Record<string, unknown>>;
  /** What it was raised from. */
  declare readonly cause?: PythonError;

  constructor(raised: RaisedData) {
    const { type, reason, traceback, details, cause } = raised;
    const text = reason === '' ? type : `${type}: ${reason}`;
    super('PYTHON_RAISED', sentence(text), cause === undefined ? {} : { cause });
    this.type = type;
    this.reason = reason;
    this.traceback = traceback;
    this.details = details;
  }
}

/** An exception as it crosses. */
export interface RaisedData {
  readonly type: string;
  readonly reason: string;
  readonly traceback: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly cause: PythonError | undefined;
}

/** What a worker says of itself when it refuses a call; what follows from it is an error of the attempt. */
const REFUSALS = [
  'PYTHON_IMPORT_FAILED',
  'PYTHON_MODULE_MISSING',
  'TOOL_UNDECLARED',
  'TOOL_STREAMS',
  'PYTHON_ARGUMENTS',
  'VALUE_NOT_ENCODABLE',
  'PAYLOAD_TOO_LARGE',
  'FRAME_UNREADABLE',
  'CALL_CANCELLED',
  'WORKER_STOPPED',
  'UNKNOWN_FRAME',
] as const satisfies readonly ErrorCode[];

/**
 * The error that a FAILURE frame tells of.
 *
 * @param list `[code, type, message, traceback, details, cause]`
 * @throws LockstepError FRAME_UNREADABLE where it is none
 */
export function failureOf(list: readonly unknown[]): LockstepError {
  const [code, type, message, traceback, details, cause] = list;
  if (typeof code !== 'string' || typeof message !== 'string') throw unreadable('no failure', list);
  if (code === 'PYTHON_RAISED') return raisedOf([type, message, traceback, details, cause]);
  const refusal = REFUSALS.find((one) => one === code);
  if (refusal === undefined) throw unreadable('a failure of an unknown kind', list);
  const raised = cause === null || cause === undefined ? undefined : raisedOf(cause);
  return new AttemptError(refusal, sentence(message), {
    value: details,
    ...(raised !== undefined && { cause: raised }),
  });
}

/** The list that `failureOf` makes this error of again; `undefined` for an error that no worker told of. */
export function failureList(error: unknown): readonly unknown[] | undefined {
  if (error instanceof PythonError) return ['PYTHON_RAISED', ...raisedList(error)];
  if (!(error instanceof AttemptError) || !REFUSALS.some((one) => one === error.code)) return undefined;
  const cause = error.cause instanceof PythonError ? raisedList(error.cause) : null;
  const { remedy } = errorCatalog[error.code];
  return [error.code, '', error.message.slice(0, -remedy.length - 1), '', error.value, cause];
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function raisedList({ type, reason, traceback, details, cause }: PythonError): readonly unknown[] {
  return [type, reason, traceback, details, cause === undefined ? null : raisedList(cause)];
}

function raisedOf(list: unknown): PythonError {
  const [type, reason, traceback, details, cause] = Array.isArray(list) ? (list as readonly unknown[]) : [];
  if (typeof type !== 'string' || typeof reason !== 'string' || typeof traceback !== 'string')
    throw unreadable('no exception', list);
  return new PythonError({
    type,
    reason,
    traceback,
    details: isRecord(details) ? details : {},
    cause: cause === null || cause === undefined ? undefined : raisedOf(cause),
  });
}
