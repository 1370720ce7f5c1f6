import { type ErrorCode, errorCatalog } from './error-catalog.js';

/** What an error carries beside its message. */
export interface ErrorDetails {
  /** The offending value. Never part of the message; a secret or payload may be inside. */
  readonly value?: unknown;
  /** Where: a node, a port, a connection, an option. */
  readonly at?: string;
  /** What caused it. */
  readonly cause?: unknown;
}

/**
 * Every error that Lockstep throws or records. `code` is stable; `message` says what happened and ends with the remedy.
 */
export class LockstepError extends Error {
  /** Stable, upper case, listed in docs/errors.md. */
  readonly code: ErrorCode;
  /** Where: a node, a port, a connection, an option; empty when the error concerns the whole. */
  readonly at: string;
  /** The offending value. Not enumerable, so that printing an error never prints a payload. */
  declare readonly value: unknown;

  constructor(code: ErrorCode, what: string, details: ErrorDetails = {}) {
    super(`${what} ${errorCatalog[code].remedy}`, 'cause' in details ? { cause: details.cause } : undefined);
    this.name = new.target.name;
    this.code = code;
    this.at = details.at ?? '';
    Object.defineProperty(this, 'value', { value: details.value, enumerable: false });
  }
}

/** A workflow cannot be built as described. Thrown by the builder, at the line that is wrong where that is known. */
export class WorkflowBuildError extends LockstepError {}

/** An option, a plugin list or a definition cannot be used. */
export class ConfigurationError extends LockstepError {}

/** An attempt failed for a reason that the kernel found, not the node: a bad input, a missing output, a time limit. */
export class AttemptError extends LockstepError {}

/** What a runtime says once its last user has closed it. */
export function runtimeClosed(): LockstepError {
  return new LockstepError('RUNTIME_CLOSED', 'The runtime has been closed by its last user.');
}

/** An error as the event log holds it: plain data, without a stack. */
export interface ErrorData {
  readonly name: string;
  /** A code of ours, or the `code` of a foreign error, or `NODE_THREW`. */
  readonly code: string;
  readonly message: string;
  /** What caused it, as far down as four levels. */
  readonly cause?: ErrorData;
}

/** A value as text. Never throws: what cannot be written is named by its kind. */
export function textOf(value: unknown): string {
  try {
    return typeof value === 'string' ? value : String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

const DEEPEST_CAUSE = 4;

/**
 * Turns anything that was thrown into plain data. Never throws itself, whatever the value does when it is read.
 *
 * @param depth levels of `cause` already taken; the log keeps four
 */
export function errorData(thrown: unknown, depth = 0): ErrorData {
  try {
    if (!(thrown instanceof Error)) return { name: 'NonError', code: 'NODE_THREW', message: textOf(thrown) };
    const code: unknown = 'code' in thrown ? thrown.code : undefined;
    const data = {
      name: textOf(thrown.name),
      code: typeof code === 'string' && code !== '' ? code : 'NODE_THREW',
      message: textOf(thrown.message),
    };
    if (thrown.cause === undefined || depth >= DEEPEST_CAUSE) return Object.freeze(data);
    return Object.freeze({ ...data, cause: errorData(thrown.cause, depth + 1) });
  } catch {
    return { name: 'NonError', code: 'NODE_THREW', message: 'a value that cannot be read' };
  }
}
