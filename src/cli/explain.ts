import { inspect } from 'node:util';
import { type ErrorCode, errorCatalog } from '../base/error-catalog.js';
import { type ErrorData, errorData, LockstepError } from '../base/errors.js';
import { RunFailedError, RunRejectedError } from '../base/run-errors.js';
import { EXIT, type ExitCode } from './exit-codes.js';

/** An error as the command shows it. */
export interface Explained {
  readonly code: string;
  /** What happened. */
  readonly message: string;
  /** Where: a file, a node, a parameter, an option; empty where it concerns the whole. */
  readonly at: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** What to do about it where the catalogue speaks to callers of a function. */
const HERE: Readonly<Record<string, string>> = {
  MISSING_PARAMETER: 'Pass it: --param NAME=VALUE.',
  ASYNC_NODE: 'Leave out --sync, make the node synchronous, or define it with moduleNode().',
  NODE_THREW: 'Correct the node; LOCKSTEP_DEBUG=1 shows the stack.',
  RUN_UNKNOWN: 'See "lockstep runs list".',
  SECRET_MISSING: 'Set an environment variable of that name.',
};

function catalogued(code: string): string | undefined {
  return Object.hasOwn(errorCatalog, code) ? errorCatalog[code as ErrorCode].remedy : undefined;
}

/** What an error says happened, without what to do about it. */
export function withoutRemedy({ code, message }: { readonly code: string; readonly message: string }): string {
  const remedy = catalogued(code);
  if (remedy === undefined) return message;
  // Of an error in a text, lines of that text follow the remedy.
  const [first, ...lines] = message.split('\n\n');
  return [first?.replace(remedy, '').trimEnd(), ...lines].join('\n\n');
}

function explained(code: string, message: string, at: string): Explained {
  return {
    code,
    message: withoutRemedy({ code, message }),
    at,
    remedy: HERE[code] ?? catalogued(code) ?? errorCatalog.RUN_FAILED.remedy,
  };
}

/** The failure with which a run failed, as it was recorded, and the node it happened in. */
function ofFailure({ code, message }: ErrorData, node: string | undefined): Explained {
  return explained(code, message, node ?? '');
}

/** Anything that was thrown, for people and programs. Several for a run that was refused for several reasons. */
export function explain(thrown: unknown): readonly Explained[] {
  if (thrown instanceof RunFailedError) return [ofFailure(thrown.failure, thrown.node)];
  if (thrown instanceof RunRejectedError)
    return thrown.problems.map(({ code, message, at }) => explained(code, message, at));
  if (thrown instanceof LockstepError) return [explained(thrown.code, thrown.message, thrown.at)];
  const { code, name, message } = errorData(thrown);
  const what = `${code === 'NODE_THREW' ? name : code}: ${message}`;
  return [{ code: 'CLI_DEFECT', message: what, at: '', remedy: errorCatalog.CLI_DEFECT.remedy }];
}

/** An error as text: its code and place, what happened, what to do about it. */
export function errorText({ code, message, at, remedy }: Explained): string {
  const where = at === '' ? '' : ` at ${at}`;
  const body = [message, `→ ${remedy}`].filter((line) => line !== '').join('\n');
  return `${code}${where}\n${body.replace(/^(?=.)/gm, '  ')}`;
}

/** What LOCKSTEP_DEBUG=1 adds to an error: all of it, with its stack and causes. Empty without. */
export function debugText(thrown: unknown): string {
  return process.env.LOCKSTEP_DEBUG === '1' ? `${inspect(thrown)}\n` : '';
}

const NOT_FOUND: readonly string[] = ['RUN_UNKNOWN'];
const DEFECTS: readonly string[] = ['ILLEGAL_TRANSITION', 'CLI_DEFECT'];
const STORE = /^(STORE_|LEASE_|SEQ_CONFLICT$|CLOCK_ROLLED_BACK$|DURABILITY_REFUSED$)/;

/** The exit code for an error that ended a verb. */
export function exitCodeOf(thrown: unknown): ExitCode {
  if (!(thrown instanceof LockstepError)) return EXIT.defect;
  const { code } = thrown;
  if (code === 'RUN_FAILED' || code === 'RUN_CANCELLED') return EXIT.failed;
  if (NOT_FOUND.includes(code)) return EXIT.notFound;
  if (DEFECTS.includes(code)) return EXIT.defect;
  return STORE.test(code) ? EXIT.store : EXIT.refused;
}
