import type { ErrorData } from '../base/errors.js';
import type { AttemptKey, EventData, RunEvent } from '../base/events.js';
import type { AttemptFailure } from '../base/execution-state.js';
import type { CycleReport, NodeReport } from '../base/graph-result.js';
import type { Plan } from '../base/plan.js';
import type { ChildPlace, RunGraph } from '../base/run-graph.js';
import type { NodeStatus } from '../base/status.js';

/** What was recorded of one scope. */
export interface RecordedScope {
  readonly events: RunEvent[];
  /** By node: the attempts of a map or subworkflow that opened children, and how many; `null` of a subworkflow. */
  readonly opened: Map<string, { readonly key: AttemptKey; readonly size: number | null }[]>;
}

/** The events of a run by scope. */
export function scopesOf(events: readonly RunEvent[]): ReadonlyMap<string, RecordedScope> {
  const scopes = new Map<string, RecordedScope>();
  for (const event of events) {
    if (!('scope' in event.data)) continue;
    const { scope } = event.data;
    let known = scopes.get(scope);
    if (known === undefined) {
      known = { events: [], opened: new Map() };
      scopes.set(scope, known);
    }
    known.events.push(event);
    if (event.kind !== 'children.created') continue;
    const { node, items } = event.data;
    const opened = { key: event.data, size: items?.length ?? null };
    known.opened.set(node, [...(known.opened.get(node) ?? []), opened]);
  }
  return scopes;
}

/** Where the children of an attempt live, by number. */
export function childrenScopes({ scope, node, visit, attempt }: AttemptKey, size: number | null): readonly string[] {
  const entry = attempt > 1 ? `#${visit}.${attempt}` : visit > 1 ? `#${visit}` : '';
  const prefix = `${scope}${node}${entry}`;
  return size === null ? [`${prefix}/`] : Array.from({ length: size }, (_, number) => `${prefix}[${number}]/`);
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A child that a result no longer remembers, as its events tell of it. */
export class RecordedGraph implements RunGraph {
  readonly scope: string;
  readonly plan: Plan;
  readonly place: ChildPlace;
  readonly #nodes = new Map<string, Mutable<NodeReport> & { failures: AttemptFailure[] }>();
  readonly #cycles = new Map<string, Mutable<CycleReport>>();
  readonly #delivered = new Map<string, readonly string[]>();

  constructor(scope: string, plan: Plan, place: ChildPlace, events: readonly RunEvent[]) {
    this.scope = scope;
    this.plan = plan;
    this.place = place;
    for (const { id } of plan.nodes) this.#nodes.set(id, { ...UNTOUCHED, id, failures: [] });
    for (const { id } of plan.regions) this.#cycles.set(id, { ...UNTURNED, id });
    for (const event of events) this.#tell(event);
  }

  get status(): NodeStatus {
    const nodes = [...this.#nodes.values()];
    if (this.error !== undefined) return 'failed';
    if (nodes.some(({ status }) => status === 'running' || status === 'waiting')) return 'running';
    if (nodes.every(({ status }) => status === 'pending')) return 'cancelled';
    return nodes.some(({ status }) => status === 'cancelled') ? 'cancelled' : 'completed';
  }

  get error(): ErrorData | undefined {
    const failed = this.plan.nodes.find(({ id, data }) => this.node(id).status === 'failed' && !data.allowFailure);
    const cycle = [...this.#cycles.values()].find((one) => one.error !== undefined);
    return failed === undefined ? cycle?.error : this.node(failed.id).error;
  }

  node(id: string): NodeReport {
    return this.#nodes.get(id) as NodeReport;
  }

  cycle(id: string): CycleReport {
    return this.#cycles.get(id) as CycleReport;
  }

  delivered(id: string): readonly string[] {
    return this.node(id).status === 'completed' ? (this.#delivered.get(id) ?? []) : [];
  }

  #tell(event: RunEvent): void {
    if (event.kind === 'cycle.iterated' || event.kind === 'cycle.stopped') this.#turn(event.data);
    if (!('node' in event.data && 'visit' in event.data)) return;
    const node = this.#nodes.get(event.data.node);
    if (node === undefined) return;
    switch (event.kind) {
      case 'node.skipped':
      case 'node.blocked':
      case 'node.cancelled':
        node.visits = event.data.visit;
        node.status = WITHOUT_ATTEMPT[event.kind];
        node.reason = event.data.reason;
        return;
      case 'attempt.started':
        if (event.data.attempt === 1) Object.assign(node, { startedAt: event.ts, reason: undefined, error: undefined });
        Object.assign(node, { status: 'running', visits: event.data.visit, attempts: event.data.attempt });
        node.endedAt = event.ts;
        return;
      case 'gate.opened':
        node.status = 'waiting';
        return;
      case 'gate.approved':
      case 'gate.rejected':
      case 'gate.expired':
        this.#end(node, event.ts, 'completed');
        this.#delivered.set(node.id, [GATE_PORTS[event.kind]]);
        return;
      case 'attempt.completed':
        this.#end(node, event.ts, 'completed');
        this.#delivered.set(node.id, Object.keys(event.data.output));
        return;
      case 'attempt.cancelled':
        this.#end(node, event.ts, 'cancelled');
        node.reason = event.data.reason;
        return;
      case 'attempt.failed':
      case 'attempt.lost':
        this.#fail(node, event);
        return;
      default:
        return;
    }
  }

  #fail(
    node: Mutable<NodeReport> & { failures: AttemptFailure[] },
    { kind, ts, data }: Extract<RunEvent, { kind: 'attempt.failed' | 'attempt.lost' }>,
  ): void {
    const startedAt = node.failures.at(-1)?.retryAt ?? node.startedAt ?? ts;
    const retryAt = data.then.kind === 'retry' ? data.then.at : undefined;
    const { visit, attempt, error } = data;
    const status = kind === 'attempt.lost' ? 'lost' : 'failed';
    node.failures.push({ visit, attempt, status, error, startedAt, endedAt: ts, retryAt });
    this.#end(node, ts, retryAt === undefined ? 'failed' : 'pending');
    node.error = retryAt === undefined ? error : undefined;
  }

  /** Counts from the start of the attempt that ends. */
  #end(node: Mutable<NodeReport>, now: number, status: NodeStatus): void {
    node.durationMs += now - (node.endedAt ?? now);
    node.endedAt = now;
    node.status = status;
  }

  #turn(data: EventData['cycle.iterated'] | EventData['cycle.stopped']): void {
    const cycle = this.#cycles.get(data.cycle);
    if (cycle === undefined) return;
    cycle.elapsedMs = data.elapsedMs;
    cycle.metric = data.metric ?? undefined;
    const first = 'iteration' in data && data.iteration === 0;
    cycle.history = data.metric === null ? cycle.history : [...(first ? [] : cycle.history), data.metric];
    cycle.iterations = 'iteration' in data ? data.iteration + 1 : data.iterations;
    if ('iteration' in data) {
      cycle.totalIterations++;
      return;
    }
    cycle.totalIterations += data.iterations > 0 ? 1 : 0;
    cycle.reason = data.reason;
    cycle.failed = data.failed;
    cycle.root = data.root ?? undefined;
    cycle.error = data.error ?? undefined;
  }
}

const UNTOUCHED = {
  status: 'pending',
  attempts: 0,
  visits: 1,
  durationMs: 0,
  startedAt: undefined,
  endedAt: undefined,
  reason: undefined,
  error: undefined,
} as const;

const UNTURNED = {
  iterations: 0,
  totalIterations: 0,
  reason: undefined,
  failed: false,
  root: undefined,
  error: undefined,
  metric: undefined,
  history: [],
  elapsedMs: 0,
} as const;

const WITHOUT_ATTEMPT = {
  'node.skipped': 'skipped',
  'node.blocked': 'blocked',
  'node.cancelled': 'cancelled',
} as const;

/** The port that each answer of a gate makes live. */
export const GATE_PORTS = {
  'gate.approved': 'approved',
  'gate.rejected': 'rejected',
  'gate.expired': 'timedOut',
} as const;
