import type { AnswerTool } from './asked.js';
import type { Said } from './said.js';

/** Where in a run a call stands, as the context of a node has it. */
export interface AttemptDescription {
  readonly runId: string;
  readonly nodeId: string;
  readonly scope: string;
  readonly attempt: number;
  readonly failures: number;
  readonly visit: number;
  readonly iterations: readonly number[];
  readonly maxIterations: number | null;
  readonly idempotencyKey: string;
  readonly context: Readonly<Record<string, unknown>>;
  /** Those that the node declares, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly state: unknown;
}

/** What a worker is asked to perform. */
export interface CallRequest {
  /** `module:function`, or one of the worker's own: `ping`, `echo`, `info`. */
  readonly command: string;
  /** By name. */
  readonly args: Readonly<Record<string, unknown>>;
  /** What the arguments are called in errors. */
  readonly at: string;
  /** How long may be waited for its answer, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** How long the worker is told that is waited, where `timeoutMs` does not say: somebody else sees to it. */
  readonly leftMs?: number | undefined;
  /**
   * Who takes items: `queue`, from which they are taken one by one, or whoever is called with each, at once. A tool that yields is refused
   * where nobody does.
   */
  readonly items: 'queue' | ((item: unknown) => void) | undefined;
  /** What it is fed with. */
  readonly input: AsyncIterable<unknown> | undefined;
  /** The span that it belongs to, as W3C Trace Context writes it. */
  readonly traceparent: string | null;
  /** `null` outside of runs. */
  readonly attempt: AttemptDescription | null;
  /** Told of what it says by the way. */
  readonly onSaid: (said: Said) => void;
  /** Answers what its tool asks for. */
  readonly answer: AnswerTool;
}

/** What a call is answered with. */
export interface Answer {
  readonly value: unknown;
  /** The state that the tool set, in a list; `null` where it set none. */
  readonly change: readonly [state: unknown] | null;
}

/** The attempt as the list of a CALL frame. */
export function attemptList(attempt: AttemptDescription | null): readonly unknown[] | null {
  if (attempt === null) return null;
  const { runId, nodeId, scope, failures, visit, iterations, maxIterations, idempotencyKey, context, secrets, state } =
    attempt;
  return [
    runId,
    nodeId,
    scope,
    attempt.attempt,
    failures,
    visit,
    iterations,
    maxIterations,
    idempotencyKey,
    context,
    secrets,
    state,
  ];
}
