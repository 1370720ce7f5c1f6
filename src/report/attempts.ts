import type { ErrorData } from '../base/errors.js';
import type { AttemptKey, EventKind, RunEvent } from '../base/events.js';
import type { NodeReport } from '../base/graph-result.js';
import type { RunResult } from '../base/run-result.js';
import type { AttemptStatus } from '../base/status.js';
import { type GateSpan, gatesFromEvents, rememberedGates, type WaitSpan, waitsOf } from './gates.js';
import { graphsOf } from './graphs.js';
import { IterationClock, type IterationSpan } from './iterations.js';
import type { RunGraph } from './run-graph.js';

/** One attempt of a node, as a bar in time. Times are epoch milliseconds. */
export interface AttemptSpan extends AttemptKey {
  readonly status: AttemptStatus;
  readonly startedAt: number;
  /** Never before `startedAt`; the end of the run where it goes on. */
  readonly endedAt: number;
  readonly error: ErrorData | undefined;
  /** When the next attempt might start, where there was to be one. */
  readonly retryAt: number | undefined;
}

/** What is known of the course of a run. */
export interface RunSpans {
  /** In order of their start; those that started together in the order in which they are known. */
  readonly attempts: readonly AttemptSpan[];
  /** Only where events are known. */
  readonly iterations: readonly IterationSpan[];
  /** Every wait of a gate, in order of its opening. */
  readonly gates: readonly GateSpan[];
  /** When the run itself could only wait. Of a run that went on known from its events only. */
  readonly waits: readonly WaitSpan[];
  /** `false`: without events, of a node in a cycle only the last visit and what failed are known. */
  readonly complete: boolean;
}

/**
 * The attempts of a run and of all children: exactly, from its events, or else as far as its result remembers them.
 *
 * @param events what `onEvent` was given in this run; events of other runs are left out
 * @param graphs the graphs of the run, where they are known already
 */
export function spansOf(
  run: RunResult,
  events: readonly RunEvent[] | undefined,
  graphs: readonly RunGraph[] = graphsOf(run, ownEvents(run, events)),
): RunSpans {
  const own = ownEvents(run, events);
  const waits = waitsOf(run, own);
  if (own.length > 0) return { ...spansFromEvents(run, own, graphs), waits };
  const reports = graphs.flatMap((graph) => graph.plan.nodes.map(({ id, child }) => ({ graph, id, child })));
  const attempts = reports.flatMap(({ graph, id }) => rememberedAttempts(graph.scope, graph.node(id), endOf(run)));
  const complete = reports.every(({ graph, id, child }) => {
    const { visits, attempts } = graph.node(id);
    return visits <= 1 && (child === undefined || attempts <= 1);
  });
  return { attempts: inOrder(attempts), iterations: [], gates: rememberedGates(run, graphs), waits, complete };
}

/** The events of one run. */
export function ownEvents({ runId }: RunResult, events: readonly RunEvent[] | undefined): readonly RunEvent[] {
  return events?.filter((event) => event.runId === runId) ?? [];
}

function endOf({ startedAt, durationMs }: RunResult): number {
  return startedAt + durationMs;
}

function inOrder<T extends { readonly startedAt: number }>(spans: readonly T[]): T[] {
  return spans.toSorted((a, b) => a.startedAt - b.startedAt);
}

/** What a result remembers: every failed attempt, and the one that ended the last visit, or goes on. */
function rememberedAttempts(scope: string, report: NodeReport, runEnd: number): AttemptSpan[] {
  const { id, visits, attempts, startedAt, endedAt, status, failures } = report;
  const failed = failures.map(
    (failure): AttemptSpan => ({
      scope,
      node: id,
      visit: failure.visit,
      attempt: failure.attempt,
      status: failure.status,
      startedAt: failure.startedAt,
      endedAt: Math.max(failure.startedAt, failure.endedAt),
      error: failure.error,
      retryAt: failure.retryAt,
    }),
  );
  if (startedAt === undefined || attempts === 0 || !LAST.has(status)) return failed;
  const before = failures.findLast(({ visit }) => visit === visits);
  if (before?.attempt === attempts) return failed;
  // A retry starts as soon as it may, unless it has to wait for a place: what a result knows, it knows no better.
  const start = before === undefined ? startedAt : (before.retryAt ?? before.endedAt);
  const goesOn = status === 'running' || status === 'waiting';
  const last: AttemptSpan = {
    scope,
    node: id,
    visit: visits,
    attempt: attempts,
    status: status as AttemptStatus,
    startedAt: start,
    endedAt: Math.max(start, goesOn ? runEnd : (endedAt ?? start)),
    error: undefined,
    retryAt: undefined,
  };
  return [...failed, last];
}

const LAST: ReadonlySet<string> = new Set(['completed', 'cancelled', 'running', 'waiting']);

const SETTLED = {
  'attempt.completed': 'completed',
  'attempt.failed': 'failed',
  'attempt.cancelled': 'cancelled',
  'attempt.lost': 'lost',
  'gate.opened': 'waiting',
  'gate.approved': 'completed',
  'gate.rejected': 'completed',
  'gate.expired': 'completed',
} as const satisfies { readonly [K in EventKind]?: AttemptStatus };

function isSettling(event: RunEvent): event is Extract<RunEvent, { kind: keyof typeof SETTLED }> {
  return event.kind in SETTLED;
}

function spansFromEvents(
  run: RunResult,
  events: readonly RunEvent[],
  graphs: readonly RunGraph[],
): Omit<RunSpans, 'waits'> {
  const attempts = new Map<string, AttemptSpan>();
  const cycles = new IterationClock(graphs);
  for (const event of events) {
    if (event.kind === 'attempt.started') {
      const { scope, node, visit, attempt } = event.data;
      const [startedAt, status] = [event.ts, 'running'] as const;
      const key = { scope, node, visit, attempt };
      const open = { startedAt, endedAt: Math.max(startedAt, endOf(run)), error: undefined, retryAt: undefined };
      attempts.set(keyOf(key), { ...key, status, ...open });
      cycles.started(scope, node, event.ts);
    } else if (isSettling(event)) {
      const span = attempts.get(keyOf(event.data));
      if (span === undefined) continue;
      const failure = 'then' in event.data ? event.data : undefined;
      const status = SETTLED[event.kind];
      attempts.set(keyOf(event.data), {
        ...span,
        status,
        endedAt: status === 'waiting' ? span.endedAt : Math.max(span.startedAt, event.ts),
        error: failure?.error,
        retryAt: failure?.then.kind === 'retry' ? failure.then.at : undefined,
      });
    } else if (event.kind === 'cycle.iterated' || event.kind === 'cycle.stopped') {
      const { scope, cycle } = event.data;
      cycles.ended(scope, cycle, 'reason' in event.data ? event.data : undefined, event.ts);
    }
  }
  const scopes = new Map(graphs.map((graph) => [graph.scope, graph]));
  return {
    attempts: inOrder([...attempts.values()].map((span) => settledUnheard(span, scopes.get(span.scope)))),
    iterations: inOrder(cycles.spans),
    gates: gatesFromEvents(events, scopes),
    complete: true,
  };
}

/** A gate may be answered while nobody listens: the result knows how it went. */
function settledUnheard(span: AttemptSpan, graph: RunGraph | undefined): AttemptSpan {
  const report = graph?.node(span.node);
  if (span.status !== 'waiting' || report === undefined || report.endedAt === undefined) return span;
  if (report.status !== 'completed' || report.visits !== span.visit || report.attempts !== span.attempt) return span;
  return { ...span, status: 'completed', endedAt: Math.max(span.startedAt, report.endedAt) };
}

function keyOf({ scope, node, visit, attempt }: AttemptKey): string {
  return JSON.stringify([scope, node, visit, attempt]);
}
