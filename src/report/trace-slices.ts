import type { ChildPlace, RunGraph } from '../base/run-graph.js';
import type { NodeStatus } from '../base/status.js';
import type { AttemptSpan } from './attempts.js';
import type { GateSpan } from './gates.js';
import type { TraceArgs } from './trace-event.js';

/** What stands on a lane of attempts. Times are epoch milliseconds. */
export interface Slice {
  readonly name: string;
  readonly cat: 'attempt' | 'retry-wait' | 'item' | 'gate';
  readonly startedAt: number;
  readonly endedAt: number;
  readonly args: TraceArgs;
  /** A status, or `gate`. */
  readonly colour: string;
  /** The attempt that it shows, where it is one. */
  readonly span: AttemptSpan | undefined;
}

/** A slice with its lane. Times are whole microseconds since the start of the run. */
export interface Placed {
  readonly slice: Slice;
  readonly lane: string;
  readonly start: number;
  readonly end: number;
}

/** A scope without what tells its visits and items apart: `all[3]/call#2/` is `all[…]/call/`. */
export function templateOf(scope: string): string {
  return scope.replace(/#\d+(?:\.\d+)?(?=[[/])/g, '').replace(/\[\d+\]\//g, '[…]/');
}

/** What encloses slices of children, and until when its own lane is taken by them. */
interface Enclosing {
  readonly lane: string;
  readonly end: number;
  until: number;
}

/**
 * Gives each slice a lane. Those of the top go to the first lane that is free. What a child did stands inside the slice of its
 * owner, items of a map inside that of the map, as long as that place is free; what ran beside it goes to lanes that are named
 * after the scope.
 *
 * @returns owners before their children, each level in order of time
 */
export function placeSlices(
  graphs: readonly RunGraph[],
  attempts: readonly AttemptSpan[],
  gates: readonly GateSpan[],
  micros: (time: number) => number,
): readonly Placed[] {
  return new Placing(graphs, attempts, gates, micros).all();
}

class Placing {
  readonly #graphs: readonly RunGraph[];
  readonly #attempts = new Map<string, AttemptSpan[]>();
  readonly #gates: ReadonlyMap<string, GateSpan>;
  readonly #micros: (time: number) => number;
  /** By attempt, or by scope of an item. */
  readonly #enclosing = new Map<string, Enclosing>();
  readonly #lanes = new Map<string, number[]>();
  readonly #placed: Placed[] = [];

  constructor(
    graphs: readonly RunGraph[],
    attempts: readonly AttemptSpan[],
    gates: readonly GateSpan[],
    micros: (time: number) => number,
  ) {
    this.#graphs = graphs;
    this.#micros = micros;
    this.#gates = new Map(gates.map((gate) => [attemptKey(gate), gate]));
    for (const attempt of attempts) {
      const known = this.#attempts.get(attempt.scope);
      if (known === undefined) this.#attempts.set(attempt.scope, [attempt]);
      else known.push(attempt);
    }
  }

  all(): readonly Placed[] {
    const levels = new Map<string, RunGraph[]>();
    for (const graph of this.#graphs) {
      const template = templateOf(graph.scope);
      levels.set(template, [...(levels.get(template) ?? []), graph]);
    }
    for (const [template, graphs] of levels) {
      this.#items(template, graphs);
      const slices = graphs.flatMap((graph) =>
        (this.#attempts.get(graph.scope) ?? []).flatMap((span) =>
          this.#slicesOf(graph, span).map((slice) => ({ graph, slice })),
        ),
      );
      for (const { graph, slice } of inOrder(slices)) {
        const own = slice.span === undefined ? undefined : attemptKey(slice.span);
        this.#place(slice, own, enclosingKey(graph), template === '' ? 'attempts' : template);
      }
    }
    return this.#placed;
  }

  /** A slice for each item of a map, around what it did. */
  #items(template: string, graphs: readonly RunGraph[]): void {
    const slices = graphs.flatMap((graph) => {
      const { scope, place, status, error } = graph;
      const attempts = this.#attempts.get(scope);
      if (place?.number === undefined || attempts === undefined) return [];
      const slice: Slice = {
        name: `${scope.slice(0, -1)}${status === 'completed' ? '' : ` ✗ ${error?.code ?? status}`}`,
        cat: 'item',
        startedAt: attempts.reduce((least, one) => Math.min(least, one.startedAt), Number.POSITIVE_INFINITY),
        endedAt: attempts.reduce((most, one) => Math.max(most, one.endedAt), 0),
        args: { map: `${place.owner.scope}${place.owner.node}`, item: place.number, status },
        colour: status,
        span: undefined,
      };
      return [{ graph: { scope, place }, slice }];
    });
    for (const { graph, slice } of inOrder(slices)) this.#place(slice, graph.scope, ownerKey(graph.place), template);
  }

  #place(slice: Slice, own: string | undefined, around: string | undefined, name: string): void {
    const enclosing = around === undefined ? undefined : this.#enclosing.get(around);
    const start = this.#micros(slice.startedAt);
    // Cut where its owner ends: a retry that was waited for may never have come.
    const end = Math.min(enclosing?.end ?? Number.POSITIVE_INFINITY, Math.max(start, this.#micros(slice.endedAt)));
    if (end < start) return;
    let { lane } = enclosing ?? { lane: '' };
    if (enclosing !== undefined && enclosing.until <= start) enclosing.until = end;
    else lane = this.#free(name, start, end);
    this.#placed.push({ slice, lane, start, end });
    if (own !== undefined) this.#enclosing.set(own, { lane, end, until: start });
  }

  #free(name: string, start: number, end: number): string {
    const lanes = this.#lanes.get(name) ?? [];
    this.#lanes.set(name, lanes);
    let lane = lanes.findIndex((since) => since <= start);
    if (lane < 0) lane = lanes.push(0) - 1;
    lanes[lane] = end;
    return `${name} ${lane + 1}`;
  }

  #slicesOf({ scope }: RunGraph, span: AttemptSpan): readonly Slice[] {
    const { node, visit, attempt, status, startedAt, endedAt, error, retryAt } = span;
    const gate = this.#gates.get(attemptKey(span));
    const place = scope === '' ? { node, visit, attempt } : { scope, node, visit, attempt };
    if (gate !== undefined) {
      const { outcome, by } = gate;
      const args = { ...place, outcome, ...(by === undefined ? {} : { by }) };
      const name = `${node} ‖ ${OUTCOMES[outcome]}`;
      return [
        { name, cat: 'gate', startedAt, endedAt, args, colour: outcome === 'cancelled' ? outcome : 'gate', span },
      ];
    }
    const number = attempt > 1 ? ` (attempt ${attempt})` : '';
    const sign = SIGNS[status] ?? `✗ ${error?.code ?? status}`;
    const why = error === undefined ? {} : { code: error.code, reason: error.message };
    const name = [`${node}${number}`, sign].filter((text) => text !== '').join(' ');
    const own: Slice = {
      name,
      cat: 'attempt',
      startedAt,
      endedAt,
      args: { ...place, status, ...why },
      colour: status,
      span,
    };
    if (retryAt === undefined || retryAt <= endedAt) return [own];
    const wait = { name: `${node} waits to retry`, cat: 'retry-wait', args: place, colour: 'waiting' } as const;
    return [own, { ...wait, startedAt: endedAt, endedAt: retryAt, span: undefined }];
  }
}

const SIGNS: { readonly [K in AttemptSpan['status'] | NodeStatus]?: string } = { completed: '', running: '…' };

const OUTCOMES = {
  open: 'still open',
  answered: 'answered',
  approved: 'approved',
  rejected: 'rejected',
  timedOut: 'timed out',
  cancelled: 'cancelled',
} as const;

function inOrder<T extends { readonly slice: Slice }>(slices: readonly T[]): readonly T[] {
  return slices.toSorted((a, b) => a.slice.startedAt - b.slice.startedAt);
}

function attemptKey({
  scope,
  node,
  visit,
  attempt,
}: Pick<AttemptSpan, 'scope' | 'node' | 'visit' | 'attempt'>): string {
  return JSON.stringify([scope, node, visit, attempt]);
}

function ownerKey({ owner, visit, attempt }: ChildPlace): string {
  return attemptKey({ ...owner, visit, attempt });
}

/** What a graph's slices lie in: its item, or the attempt of its owner. */
function enclosingKey({ scope, place }: RunGraph): string | undefined {
  if (place === undefined) return undefined;
  return place.number === undefined ? ownerKey(place) : scope;
}
