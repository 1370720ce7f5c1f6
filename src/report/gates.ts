import type { AttemptKey, RunEvent } from '../base/events.js';
import type { RunGraph } from '../base/run-graph.js';
import type { RunResult } from '../base/run-result.js';
import { GATE_PORTS } from './recorded-graph.js';

/** How a gate went: `open` while nobody has answered it, `answered` where only that is known. */
export type GateOutcome = 'open' | 'answered' | 'approved' | 'rejected' | 'timedOut' | 'cancelled';

/** One wait of a gate. Times are epoch milliseconds. What it shows and what was answered are payloads, and stay out. */
export interface GateSpan extends AttemptKey {
  readonly outcome: GateOutcome;
  readonly openedAt: number;
  /** `undefined` while it is open. */
  readonly closedAt: number | undefined;
  /** When it times out, where that is known. */
  readonly expiresAt: number | undefined;
  /** Who answered, where that is known. */
  readonly by: string | undefined;
}

/** A time in which a run could only wait for gates. */
export interface WaitSpan {
  readonly from: number;
  /** `undefined` while it waits. */
  readonly to: number | undefined;
}

/** Every wait of every gate, from the events of a run; from its graphs what became of one that was answered while nobody listened. */
export function gatesFromEvents(
  events: readonly RunEvent[],
  graphs: ReadonlyMap<string, RunGraph>,
): readonly GateSpan[] {
  const gates = new Map<string, GateSpan>();
  for (const event of events) {
    switch (event.kind) {
      case 'gate.opened': {
        const { scope, node, visit, attempt, expiresAt } = event.data;
        const key = { scope, node, visit, attempt };
        const open = { outcome: 'open', openedAt: event.ts, closedAt: undefined, by: undefined } as const;
        gates.set(keyOf(key), { ...key, ...open, expiresAt: expiresAt ?? undefined });
        break;
      }
      case 'gate.approved':
      case 'gate.rejected':
      case 'gate.expired':
      case 'attempt.cancelled': {
        const gate = gates.get(keyOf(event.data));
        if (gate === undefined) break;
        const outcome = event.kind === 'attempt.cancelled' ? 'cancelled' : GATE_PORTS[event.kind];
        const by = 'by' in event.data ? (event.data.by ?? undefined) : undefined;
        gates.set(keyOf(event.data), { ...gate, outcome, by, closedAt: Math.max(gate.openedAt, event.ts) });
        break;
      }
      default:
        break;
    }
  }
  return [...gates.values()].map((gate) => answeredUnheard(gate, graphs.get(gate.scope)));
}

function answeredUnheard(gate: GateSpan, graph: RunGraph | undefined): GateSpan {
  const report = graph?.node(gate.node);
  if (gate.outcome !== 'open' || graph === undefined || report === undefined) return gate;
  if (report.visits !== gate.visit) return { ...gate, outcome: 'answered' };
  const way = wayOf(graph, gate.node);
  return way === undefined ? gate : { ...gate, outcome: way, closedAt: report.endedAt };
}

function wayOf(graph: RunGraph, id: string): GateOutcome | undefined {
  const delivered = graph.delivered(id);
  return WAYS.find((port) => delivered.includes(port));
}

function keyOf({ scope, node, visit, attempt }: AttemptKey): string {
  return JSON.stringify([scope, node, visit, attempt]);
}

const WAYS = ['approved', 'rejected', 'timedOut'] as const;

/** The last wait of every gate, as far as a result remembers it. */
export function rememberedGates(run: RunResult, graphs: readonly RunGraph[]): readonly GateSpan[] {
  const open = new Map(run.gates.map((gate) => [gate.gate, gate]));
  const spans = graphs.flatMap((graph) =>
    graph.plan.nodes.flatMap(({ id, data }): GateSpan[] => {
      const { status, visits, attempts, startedAt, endedAt } = graph.node(id);
      if (data.kind !== 'gate' || startedAt === undefined) return [];
      const key = { scope: graph.scope, node: id, visit: visits, attempt: attempts };
      const waiting = open.get(`${graph.scope}${id}`);
      if (waiting !== undefined) {
        const { openedAt, expiresAt } = waiting;
        return [{ ...key, outcome: 'open', openedAt, closedAt: undefined, expiresAt, by: undefined }];
      }
      const outcome = status === 'cancelled' ? 'cancelled' : wayOf(graph, id);
      if (outcome === undefined) return [];
      return [{ ...key, outcome, openedAt: startedAt, closedAt: endedAt, expiresAt: undefined, by: undefined }];
    }),
  );
  return spans.toSorted((a, b) => a.openedAt - b.openedAt);
}

/** When a run could only wait. */
export function waitsOf(run: RunResult, events: readonly RunEvent[]): readonly WaitSpan[] {
  const waits: WaitSpan[] = [];
  for (const { kind, ts } of events) {
    if (kind === 'run.waiting') waits.push({ from: ts, to: undefined });
    const last = waits.at(-1);
    if (kind === 'run.resumed' && last !== undefined && last.to === undefined) waits.splice(-1, 1, { ...last, to: ts });
  }
  if (waits.length > 0 || run.status !== 'waiting') return waits;
  return [{ from: run.startedAt + run.durationMs, to: undefined }];
}
