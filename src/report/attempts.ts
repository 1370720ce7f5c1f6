import type { AttemptKey, EventKind, RunEvent } from '../base/events.js';
import { type AttemptSpan, inOrder, rememberedAttempts } from '../base/remembered-attempts.js';
import type { RunGraph } from '../base/run-graph.js';
import type { RunResult } from '../base/run-result.js';
import type { AttemptStatus } from '../base/status.js';
import { type GateSpan, gatesFromEvents, rememberedGates, type WaitSpan, waitsOf } from './gates.js';
import { graphsOf } from './graphs.js';
import { IterationClock, type IterationSpan } from './iterations.js';

export type { AttemptSpan } from '../base/remembered-attempts.js';

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
  return { ...rememberedAttempts(run, graphs), iterations: [], gates: rememberedGates(run, graphs), waits };
}

/** The events of one run. */
export function ownEvents({ runId }: RunResult, events: readonly RunEvent[] | undefined): readonly RunEvent[] {
  return events?.filter((event) => event.runId === runId) ?? [];
}

function endOf({ startedAt, durationMs }: RunResult): number {
  return startedAt + durationMs;
}

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
