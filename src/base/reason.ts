/** Why something did not run, in one word. */
export type NotRunCode =
  /** A switch took another case. */
  | 'branch_not_taken'
  /** A partition had no item for this case. */
  | 'case_empty'
  /** The subworkflow did not deliver this output: it was dead there. */
  | 'not_delivered'
  /** The source was skipped itself. */
  | 'upstream_skipped'
  /** The source failed, and was allowed to. */
  | 'allowed_failure'
  /** The source is the error of a node that did not fail. */
  | 'no_error'
  /** The source is the output of a cycle in which it was never live. */
  | 'never_live'
  /** The source failed. */
  | 'upstream_failed'
  /** The source was blocked, or belongs to a cycle that failed. */
  | 'upstream_blocked'
  /** The run was cancelled by its caller. */
  | 'run_cancelled'
  /** Another node failed and the run fails fast. */
  | 'fail_fast'
  /** The run reached its time limit. */
  | 'run_timeout'
  /** The map or subworkflow that it belongs to failed, ran out of time, or was cancelled. */
  | 'owner_stopped'
  /** No mixin decides about nodes whose sources are not live. */
  | 'undecided';

/** Where it all began. */
export interface ReasonRoot {
  /** Id of the node or cycle. */
  readonly subject: string;
  /** The port that was not live, where it is one. */
  readonly port: string | null;
  readonly code: NotRunCode;
}

/** Why a node did not run: recorded with every skip, block and cancellation. */
export interface NotRunReason {
  readonly code: NotRunCode;
  /** The input port that lost its source; `null` for reasons that concern the whole run. */
  readonly input: string | null;
  /** The source that was not live, in words. */
  readonly source: string | null;
  readonly root: ReasonRoot;
}

const WORDS: Readonly<Record<NotRunCode, string>> = {
  branch_not_taken: 'the branch was not taken',
  case_empty: 'no item fell into the case',
  not_delivered: 'the subworkflow did not deliver it',
  upstream_skipped: 'what it depends on was skipped',
  allowed_failure: 'what it depends on failed, as it may',
  no_error: 'what it depends on did not fail',
  never_live: 'the cycle never produced it',
  upstream_failed: 'what it depends on failed',
  upstream_blocked: 'what it depends on was blocked',
  run_cancelled: 'the run was cancelled',
  fail_fast: 'another node failed and the run fails fast',
  run_timeout: 'the run reached its time limit',
  owner_stopped: 'the map or subworkflow that it belongs to was stopped',
  undecided: 'no mixin decides about it',
};

/** A reason as a phrase: `the branch was not taken (rows ← route.few; root: route.few)`. */
export function describeReason(reason: NotRunReason): string {
  const words = WORDS[reason.code];
  if (reason.source === null) return words;
  const root = reason.root.port === null ? reason.root.subject : `${reason.root.subject}.${reason.root.port}`;
  const edge = reason.input === null ? reason.source : `${reason.input} ← ${reason.source}`;
  return root === reason.source ? `${words} (${edge})` : `${words} (${edge}; root: ${root})`;
}
