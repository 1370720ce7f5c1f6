import type { Attempt } from './attempt.js';
import { EVENT_VERSION, type EventData, type EventKind, type RunEvent } from './events.js';
import type { ExecutionState } from './execution-state.js';
import type { Random } from './ports.js';
import type { Decisions } from './run-view.js';
import { WAITING } from './status.js';
import { WakeQueue } from './wake-queue.js';
import type { Warning } from './warning.js';

/** Receives each event as it is decided. Whoever shows it to others seals it first. */
export type EventSink = (event: RunEvent) => void;

/** A graph of a run, as far as the run deals with it. */
export interface Graph {
  readonly scope: string;
  readonly state: ExecutionState;
  /** Something in it may start, or all of it has settled. */
  touch(): void;
  /** Applies the limits of an attempt that are due. */
  expire(attempt: Attempt<Graph>, now: number): void;
  /** A node that waits for room fails before it is called. */
  refuse(index: number, error: Error, now: number): void;
  /** A gate was answered, or timed out. */
  closeGate(attempt: Attempt<Graph>, answer: GateAnswer, now: number): void;
}

/** What became of a gate. */
export type GateAnswer =
  | { readonly kind: 'gate.approved'; readonly answer: unknown; readonly by: string | null }
  | { readonly kind: 'gate.rejected'; readonly reason: string | null; readonly by: string | null }
  | { readonly kind: 'gate.expired' };

/** Something whose work must be aborted: an attempt that was cancelled, or ran past its soft limit. */
export interface Abort {
  readonly attempt: Attempt<Graph>;
  readonly reason: Error;
}

/** A node that waits for room, and who makes it. */
interface ParkedPlace extends Place {
  readonly maker: 'any' | 'this run';
}

/** A node of a graph. */
export interface Place {
  readonly graph: Graph;
  readonly index: number;
}

const NO_ABORTS: readonly Abort[] = [];
const NO_SECRETS: ReadonlyMap<string, string> = new Map();

function keyOf({ graph, index }: Place): string {
  return `${graph.scope}${graph.state.plan.nodes[index]?.id}`;
}

function delayCounts({ graph, index }: Place, at: number): boolean {
  return graph.state.delayed.get(index) === at;
}

function deadlineCounts({ status, limits, graph, node }: Attempt<Graph>, at: number): boolean {
  if (status === 'waiting')
    return graph.state.status[node.index] === WAITING && graph.state.gates?.get(node.index)?.expiresAt === at;
  return status === 'running' && (limits?.hard === at || limits?.soft === at);
}

/** What all graphs of one run share: its log, its clock, its slots, and what becomes due. */
export class RunCore {
  readonly runId: string;
  readonly random: Random;
  readonly priority: number;
  readonly decisions: Decisions;
  /** The state of the graph at the top. */
  readonly top: ExecutionState;
  secrets: ReadonlyMap<string, string> = NO_SECRETS;
  /** The time that the run was told last. */
  now = 0;
  /** Attempts in flight, in all graphs. A map, a subworkflow and a gate hold no slot. */
  running = 0;
  /** Nodes that may not start before somebody makes room for them, by scope and id. */
  readonly parked = new Map<string, ParkedPlace>();
  /** Makes whoever drives the run look at it again: something changed from outside. */
  wake: (() => void) | undefined;
  /** Gates that wait, by scope and id. */
  readonly gates = new Map<string, Attempt<Graph>>();
  /** Time limits of attempts in flight and of gates. */
  readonly deadlines = new WakeQueue<Attempt<Graph>>(deadlineCounts);
  /** Nodes that may start, or are asked about again, at a time. */
  readonly delays = new WakeQueue<Place>(delayCounts);
  /** Nodes that no longer wait from a time on for room that another run has to make. */
  readonly patience = new WakeQueue<Place>(delayCounts);
  /** The position of the next event. */
  seq = 0;
  #aborts: Abort[] = [];
  /** Whether anybody wants events. Without it, none is made. */
  readonly isRecorded: boolean;
  /** Whether anybody is told of attempts that have settled. */
  readonly isObserved: boolean;
  /** Whether it is counted and timed. */
  readonly isMonitored: boolean;
  readonly #sink: EventSink | undefined;
  readonly #warn: (scope: string, warning: Warning) => void;
  readonly #alert: () => void;

  constructor(parts: {
    readonly runId: string;
    readonly random: Random;
    readonly priority: number;
    readonly decisions: Decisions;
    readonly top: ExecutionState;
    readonly sink: EventSink | undefined;
    readonly observed: boolean;
    readonly monitored: boolean;
    /** Warns the run. */
    readonly warn: (scope: string, warning: Warning) => void;
    /** Makes the run look at what is due. */
    readonly alert: () => void;
  }) {
    this.runId = parts.runId;
    this.random = parts.random;
    this.priority = parts.priority;
    this.decisions = parts.decisions;
    this.top = parts.top;
    this.#sink = parts.sink;
    this.isRecorded = parts.sink !== undefined;
    this.isObserved = parts.observed;
    this.isMonitored = parts.monitored;
    this.#warn = parts.warn;
    this.#alert = parts.alert;
  }

  record<K extends EventKind>(kind: K, data: EventData[K], now: number): void {
    const event = { seq: this.seq++, ts: now, runId: this.runId, kind, v: EVENT_VERSION, data };
    this.#sink?.(event as unknown as RunEvent);
  }

  warn(scope: string, warning: Warning): void {
    this.#warn(scope, warning);
  }

  /** A node may start, or is asked about again, at a time. */
  delay(graph: Graph, index: number, at: number): void {
    this.delays.add(at, { graph, index });
    this.#alert();
  }

  /** A node waits for room, and is asked about again at a time at the latest. */
  park(place: ParkedPlace, until: number): void {
    this.parked.set(keyOf(place), place);
    if (until !== Number.POSITIVE_INFINITY) (place.maker === 'any' ? this.patience : this.delays).add(until, place);
    this.#alert();
  }

  /** A node no longer waits for room. `false` for one that did not. */
  leave(place: Place): boolean {
    return this.parked.delete(keyOf(place));
  }

  /** The next node that may start, or is asked about again, by this time. */
  takeDelayed(now: number): Place | undefined {
    return this.delays.take(now) ?? this.patience.take(now);
  }

  /** An attempt has limits, or a gate expires. */
  watch(attempt: Attempt<Graph>, ...times: readonly (number | undefined)[]): void {
    for (const at of times) if (at !== undefined) this.deadlines.add(at, attempt);
    this.#alert();
  }

  /** Whether something becomes due that has to be looked at. */
  get isTimed(): boolean {
    return this.wakeAt !== Number.POSITIVE_INFINITY;
  }

  /** When the next of it becomes due; infinity when nothing does. */
  get wakeAt(): number {
    return Math.min(this.deadlines.next, this.delays.next, this.patience.next);
  }

  abort(attempt: Attempt<Graph>, reason: Error): void {
    this.#aborts.push({ attempt, reason });
  }

  /** Attempts whose work must be aborted since this was last asked. */
  takeAborts(): readonly Abort[] {
    if (this.#aborts.length === 0) return NO_ABORTS;
    const taken = this.#aborts;
    this.#aborts = [];
    return taken;
  }
}
