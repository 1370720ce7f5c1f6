import type { ErrorData } from './errors.js';
import type { AttemptKey } from './events.js';
import type { NodeReport } from './graph-result.js';
import type { RunGraph } from './run-graph.js';
import type { RunResult } from './run-result.js';
import type { AttemptStatus } from './status.js';

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

/** What a result remembers of the attempts of a run. */
export interface RememberedAttempts {
  /** In order of their start; those that started together in plan order. */
  readonly attempts: readonly AttemptSpan[];
  /** `false`: of a node in a cycle only the last visit and what failed are known, of a map or subworkflow only the last children. */
  readonly complete: boolean;
}

/**
 * The attempts of a run and of all children, as far as its result remembers them.
 *
 * @param graphs the graphs of the run
 */
export function rememberedAttempts(run: RunResult, graphs: readonly RunGraph[]): RememberedAttempts {
  const reports = graphs.flatMap((graph) => graph.plan.nodes.map(({ id, child }) => ({ graph, id, child })));
  const end = run.startedAt + run.durationMs;
  const complete = reports.every(({ graph, id, child }) => {
    const { visits, attempts } = graph.node(id);
    return visits <= 1 && (child === undefined || attempts <= 1);
  });
  return {
    attempts: inOrder(reports.flatMap(({ graph, id }) => attemptsIn(graph.scope, graph.node(id), end))),
    complete,
  };
}

/** Pieces of time in order of their start. */
export function inOrder<T extends { readonly startedAt: number }>(spans: readonly T[]): T[] {
  return spans.toSorted((a, b) => a.startedAt - b.startedAt);
}

/** What a result remembers: every failed attempt, and the one that ended the last visit, or goes on. */
function attemptsIn(scope: string, report: NodeReport, runEnd: number): AttemptSpan[] {
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
