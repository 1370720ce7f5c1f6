import type { CycleStopReason } from './cycle-stop-reason.js';
import type { ErrorData } from './errors.js';
import type { NotRunReason } from './reason.js';

/** Which try of which visit of which node. */
export interface AttemptKey {
  /** Where in the run the graph lives; empty at the top. */
  readonly scope: string;
  readonly node: string;
  /** From 1. */
  readonly visit: number;
  /** From 1. */
  readonly attempt: number;
}

/** Which visit of which node. */
export interface VisitKey {
  readonly scope: string;
  readonly node: string;
  readonly visit: number;
}

/** The options of a run that decide what happens in it. */
export interface DecisiveOptions {
  readonly onError: 'continue' | 'fail-fast';
  readonly maxConcurrency: number | null;
  readonly timeoutMs: number | null;
  readonly softTimeoutMs: number | null;
  /** Retries that the run may make, over all its nodes. */
  readonly retryBudget: number | null;
}

/** What follows from a failed attempt. */
export type FailureVerdict =
  | { readonly kind: 'retry'; readonly at: number }
  | { readonly kind: 'allow' }
  | { readonly kind: 'fail' };

/** What the nodes and cycles of a plan are called, those of children as `owner/id`. */
export interface PlanShape {
  readonly nodes: readonly string[];
  readonly cycles: readonly string[];
}

/**
 * What each kind of event records. Events record decisions, never what led to them; readiness is never logged. The union is
 * closed: a kind is added together with the code that produces it.
 */
export interface EventData {
  'run.started': {
    readonly workflow: string;
    /** Shape of the plan: node ids in plan order, and cycle ids, those of children as `owner/id`. A history is refused by a plan of another shape. */
    readonly plan: PlanShape;
    /** Hash of the workflow, where a store is bound. */
    readonly workflowHash?: string;
    readonly parameters: Readonly<Record<string, unknown>>;
    /** Node-addressed parameters. */
    readonly set: readonly { readonly node: string; readonly port: string; readonly value: unknown }[];
    readonly options: DecisiveOptions;
    /** What the caller passed as `context`. */
    readonly context: Readonly<Record<string, unknown>>;
  };
  /** Something did not stop the run and should be known: the result holds it, once for each code and place. */
  'run.warned': { readonly scope: string; readonly code: string; readonly message: string; readonly at: string };
  'run.cancel_requested': { readonly reason: string };
  /** Nothing can go on until a gate is answered or expires: the run returns. */
  'run.waiting': { readonly scope: string };
  /** The run goes on after it had waited. */
  'run.resumed': { readonly scope: string };
  /** The run goes on with a changed workflow: of what was recorded before, nothing of these nodes counts any more. */
  'run.revised': {
    readonly workflow: string;
    readonly workflowHash: string;
    /** Nodes at the top that run again: those that changed, and what depends on them. */
    readonly rerun: readonly string[];
  };
  'run.completed': { readonly output: Readonly<Record<string, unknown>> };
  'run.failed': { readonly error: ErrorData; readonly node: string | null };
  'run.cancelled': { readonly reason: string };
  'node.skipped': VisitKey & { readonly reason: NotRunReason };
  'node.blocked': VisitKey & { readonly reason: NotRunReason };
  'node.cancelled': VisitKey & { readonly reason: NotRunReason };
  'attempt.started': AttemptKey;
  'attempt.completed': AttemptKey & {
    readonly output: Readonly<Record<string, unknown>>;
    /** The node's new state, where `setState` was called. */
    readonly state?: unknown;
    /** The output of an earlier attempt with the same inputs: the node was not called. */
    readonly cached?: true;
  };
  'attempt.failed': AttemptKey & { readonly error: ErrorData; readonly then: FailureVerdict };
  'attempt.cancelled': AttemptKey & { readonly reason: NotRunReason };
  'attempt.lost': AttemptKey & { readonly error: ErrorData; readonly then: FailureVerdict };
  /** A map or subworkflow opened its children. The attempt goes on until all of them have settled. */
  'children.created': AttemptKey & {
    /** What the children take as parameters; those of a map also take their item and its number. */
    readonly parameters: Readonly<Record<string, unknown>>;
    /** The list of a map; `null` for a subworkflow. */
    readonly items: readonly unknown[] | null;
  };
  /** A gate waits for an answer from outside. */
  'gate.opened': AttemptKey & {
    /** What whoever answers is shown. */
    readonly shows: Readonly<Record<string, unknown>>;
    /** Epoch milliseconds at which it times out. */
    readonly expiresAt: number | null;
  };
  'gate.approved': AttemptKey & { readonly answer: unknown; readonly by: string | null };
  'gate.rejected': AttemptKey & { readonly reason: string | null; readonly by: string | null };
  'gate.expired': AttemptKey;
  'cycle.iterated': {
    readonly scope: string;
    readonly cycle: string;
    /** The iteration that ended, from 0. */
    readonly iteration: number;
    readonly elapsedMs: number;
    readonly metric: number | null;
  };
  'cycle.stopped': {
    readonly scope: string;
    readonly cycle: string;
    /** How many iterations it made. */
    readonly iterations: number;
    readonly elapsedMs: number;
    readonly metric: number | null;
    readonly reason: CycleStopReason;
    /** Whether the cycle counts as failed: its exits are blocked. */
    readonly failed: boolean;
    /** Why, where the reason has a cause: a switch that left, a node that failed, a condition that threw. */
    readonly root: string | null;
    readonly error: ErrorData | null;
  };
  'deadline.expired': { readonly scope: string; readonly subject: string; readonly level: 'soft' | 'hard' };
}

/** The kinds of events. */
export type EventKind = keyof EventData;

/** The version of the event format. */
export const EVENT_VERSION = 1;

/** One event in its envelope. */
export type RunEvent<K extends EventKind = EventKind> = {
  [Kind in K]: {
    /** Position in the log of the run, from 0. */
    readonly seq: number;
    /** Epoch milliseconds. */
    readonly ts: number;
    readonly runId: string;
    readonly kind: Kind;
    /** Version of the format. */
    readonly v: number;
    /** Idempotency key, where a kind needs one. */
    readonly key?: string;
    readonly data: EventData[Kind];
  };
}[K];

/** The subject of an event, by which the canonical log is sorted: scope and node or cycle; the run itself comes first. */
export function subjectOf(event: RunEvent): string {
  const { data } = event;
  if ('node' in data && 'scope' in data) return `${data.scope}${data.node}`;
  if ('cycle' in data) return `${data.scope}${data.cycle}`;
  if ('subject' in data) return `${data.scope}${data.subject}`;
  if ('at' in data) return `${data.scope}${data.at}`;
  return '';
}

/**
 * The canonical form of a log: sorted stably by subject, each subject's own order kept, without positions, times and retry
 * times. Two runs that made the same decisions have the same canonical log, in whatever order they made them.
 */
export function canonicalLog(events: readonly RunEvent[]): readonly unknown[] {
  const keyed = events.map((event) => ({ subject: subjectOf(event), event }));
  keyed.sort((a, b) => (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : 0));
  return keyed.map(({ event }) => ({ kind: event.kind, v: event.v, data: timeless(event.data) }));
}

/** What an event records, without times: what two runs have in common that decided the same. */
export function timeless(data: object): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(data)) {
    if (name === 'elapsedMs' || name === 'expiresAt') continue;
    kept[name] = name === 'then' ? { kind: (value as FailureVerdict).kind } : value;
  }
  return kept;
}
