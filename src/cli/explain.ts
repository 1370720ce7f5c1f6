import { inspect } from 'node:util';
import { type ErrorCode, errorCatalog } from '../base/error-catalog.js';
import { type ErrorData, errorData, LockstepError } from '../base/errors.js';
import type { PartChange, WorkflowChanges } from '../base/history/workflow-changes.js';
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
  /** What of the workflow is not what a run was recorded with; only of WORKFLOW_CHANGED. */
  readonly changes?: WorkflowChanges;
}

/** What to do about it where the catalogue speaks to callers of a function. */
const HERE: Readonly<Record<string, string>> = {
  WORKFLOW_UNKNOWN: 'Name the module or document that holds it, behind the run: RUN FILE.',
  WORKFLOW_CHANGED:
    'Name the file as it was, or pass --force to resume: what changed runs again, with what depends on it.',
  GATE_NOT_OPEN: 'See "lockstep gates RUN" for those that do.',
  EXPORT_INVALID: 'Export the run again with "lockstep export RUN".',
  RUN_EXISTS: 'See it with "lockstep runs show RUN"; another --run-id makes another run.',
  STORE_LOCKED: 'End the other process, or wait for its end; whatever only reads works meanwhile.',
  STORE_DAMAGED: 'Restore the file from a copy; "lockstep replay RUN --verify" says whether a run is affected.',
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
export function explainFailure({ code, message }: ErrorData, node: string | null | undefined): Explained {
  return explained(code, message, node ?? '');
}

/** What happened, with each part that changed in a line of its own. */
function changesText(message: string, { nodes, cycles, parameters, outputs, name, order }: WorkflowChanges): string {
  const lineOf =
    (kind: string) =>
    ({ id, change, what }: PartChange): string =>
      `  ${kind} ${id}: ${change}${what.length === 0 ? '' : ` (${what.join(', ')})`}`;
  const lines = [
    ...nodes.map(lineOf('node')),
    ...cycles.map(lineOf('cycle')),
    ...parameters.map(lineOf('parameter')),
    ...(outputs ? ['  its outputs'] : []),
    ...(name ? ['  its name'] : []),
    ...(order ? ['  the order of its parts'] : []),
  ];
  const what = message.slice(0, message.indexOf('": ') + 2);
  return [what, ...lines].join('\n');
}

/** Anything that was thrown, for people and programs. Several for a run that was refused for several reasons. */
export function explain(thrown: unknown): readonly Explained[] {
  if (thrown instanceof RunFailedError) return [explainFailure(thrown.failure, thrown.node)];
  if (thrown instanceof RunRejectedError)
    return thrown.problems.map(({ code, message, at }) => explained(code, message, at));
  if (thrown instanceof LockstepError) {
    const whole = explained(thrown.code, thrown.message, thrown.at);
    if (thrown.code !== 'WORKFLOW_CHANGED') return [whole];
    const changes = thrown.value as WorkflowChanges;
    return [{ ...whole, message: changesText(whole.message, changes), changes }];
  }
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
const STORE =
  /^(STORE_|LEASE_|SEQ_CONFLICT$|CLOCK_ROLLED_BACK$|DURABILITY_REFUSED$|BLOB_MISSING$|CORRUPT_HISTORY$|VALUE_UNREADABLE$)/;

/** The exit code for an error that ended a verb. */
export function exitCodeOf(thrown: unknown): ExitCode {
  if (!(thrown instanceof LockstepError)) return EXIT.defect;
  const { code } = thrown;
  if (code === 'RUN_FAILED' || code === 'RUN_CANCELLED') return EXIT.failed;
  if (NOT_FOUND.includes(code)) return EXIT.notFound;
  if (DEFECTS.includes(code)) return EXIT.defect;
  return STORE.test(code) ? EXIT.store : EXIT.refused;
}
