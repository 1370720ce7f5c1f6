import type { RunEvent } from '../base/events.js';
import type { RunGraph } from '../base/run-graph.js';
import type { RunResult } from '../base/run-result.js';
import type { AttemptSpan, RunSpans } from './attempts.js';
import type { WaitSpan } from './gates.js';
import type { IterationSpan } from './iterations.js';
import { arrowsBetween } from './trace-arrows.js';
import type { TraceArgs, TraceEvent } from './trace-event.js';
import { type Placed, placeSlices, type Slice, templateOf } from './trace-slices.js';

/** The one process of a trace. */
export const PID = 1;

const RUN_LANE = 1;

/** An entry that has a time. */
export type TimedEvent = Exclude<TraceEvent, { ph: 'M' }>;

/** Builds a trace lane by lane. */
export class TraceLanes {
  readonly names: TraceEvent[] = [];
  readonly events: TimedEvent[] = [];
  readonly #run: RunResult;
  readonly #graphs: readonly RunGraph[];
  #tids = 0;

  constructor(run: RunResult, graphs: readonly RunGraph[]) {
    this.#run = run;
    this.#graphs = graphs;
  }

  run(waits: readonly WaitSpan[]): void {
    const { status, workflow, durationMs, startedAt } = this.#run;
    const tid = this.#lane('run');
    const name = status === 'completed' ? workflow : `${workflow} ✗ ${status}`;
    this.#slice(
      tid,
      status === 'waiting' ? `${workflow} ‖ waiting` : name,
      'run',
      [startedAt, startedAt + durationMs],
      { status },
      status,
    );
    for (const { from, to } of waits) {
      if (to === undefined) this.#moment('run waits for gates', 'gate', from, { gates: this.#run.gates.length });
      else this.#slice(tid, 'waits for gates', 'run-wait', [from, to], {}, 'waiting');
    }
  }

  /** One lane for each cycle at the top of its graph: the cycles inside it lie within its iterations. */
  cycles(iterations: readonly IterationSpan[]): void {
    const scopes = groupBy(this.#graphs, ({ scope }) => templateOf(scope));
    for (const [template, graphs] of scopes) {
      const own = new Set(graphs.map(({ scope }) => scope));
      const inside = iterations.filter(({ scope }) => own.has(scope));
      if (inside.length > 0) this.#cyclesIn(template, graphs[0] as RunGraph, inside);
    }
  }

  #cyclesIn(template: string, { plan }: RunGraph, iterations: readonly IterationSpan[]): void {
    const outermost = new Map<string, string>();
    for (const { id, parent } of plan.regions.toSorted((a, b) => a.depth - b.depth))
      outermost.set(id, outermost.get(plan.regions[parent]?.id ?? '') ?? id);
    for (const [root, spans] of groupBy(iterations, ({ cycle }) => outermost.get(cycle) as string)) {
      const lanes = new FreeLanes((number) =>
        this.#lane(`cycle ${template}${root}${number === 1 ? '' : ` ${number}`}`),
      );
      for (const [, turns] of groupBy(spans, ({ scope }) => scope)) {
        const from = Math.min(...turns.map(({ startedAt }) => startedAt));
        const tid = lanes.take(from, Math.max(...turns.map(({ endedAt }) => endedAt)));
        const entries = groupBy(turns, ({ cycle, entry }) => JSON.stringify([cycle, entry]));
        const depth = (cycle: string): number => plan.regions[plan.regionIndex.get(cycle) as number]?.depth ?? 0;
        for (const [, entry] of [...entries].toSorted(
          ([, [a]], [, [b]]) => depth(a?.cycle ?? '') - depth(b?.cycle ?? ''),
        ))
          this.#cycle(tid, entry);
      }
    }
  }

  #cycle(tid: number, entry: readonly IterationSpan[]): void {
    const { startedAt, scope, cycle } = entry[0] as IterationSpan;
    const { endedAt, stopped } = entry.at(-1) as IterationSpan;
    const id = `${scope}${cycle}`;
    const root = stopped?.root == null ? {} : { root: stopped.root };
    const why = stopped === undefined ? {} : { reason: stopped.reason, ...root };
    const args = { cycle: id, iterations: entry.length, ...why };
    const name = stopped?.failed === true ? `cycle ${id} ✗ ${stopped.reason}` : `cycle ${id}`;
    this.#slice(tid, name, 'cycle', [startedAt, endedAt], args, stopped?.failed === true ? 'failed' : 'completed');
    for (const { iteration, startedAt, endedAt } of entry) {
      const args = { cycle: id, iteration: iteration + 1 };
      this.#slice(tid, `${id} #${iteration + 1}`, 'iteration', [startedAt, endedAt], args, 'completed');
    }
  }

  /** As few lanes as hold all slices; see `placeSlices`. */
  attempts({ attempts, gates }: RunSpans): void {
    const tids = new Map<string, number>();
    const placed = placeSlices(this.#graphs, attempts, gates, this.#micros);
    for (const { slice, lane, start, end } of placed) {
      const known = tids.get(lane) ?? this.#lane(lane);
      tids.set(lane, known);
      this.#push(known, slice, start, end - start);
    }
    const isAttempt = (one: Placed): one is Placed & { readonly slice: Slice & { readonly span: AttemptSpan } } =>
      one.slice.span !== undefined;
    for (const [id, { source, target }] of arrowsBetween(this.#graphs, placed.filter(isAttempt)).entries()) {
      const common = { name: 'connection', cat: 'flow', pid: PID, id: id + 1 };
      // One microsecond before the end, so that the arrow starts inside the slice and not beside it.
      const ts = Math.max(source.start, source.end - 1);
      this.events.push({ ...common, ph: 's', ts, tid: tids.get(source.lane) as number });
      this.events.push({ ...common, ph: 'f', bp: 'e', ts: target.start, tid: tids.get(target.lane) as number });
    }
  }

  moments(events: readonly RunEvent[]): void {
    const { warnings, nodes, startedAt, durationMs } = this.#run;
    const end = startedAt + durationMs;
    for (const { code, message, at } of warnings)
      this.#moment(`warning ${code}`, 'warning', nodes.get(at)?.endedAt ?? end, { code, at, message });
    for (const event of events) {
      if (event.kind === 'deadline.expired') {
        const { scope, subject, level } = event.data;
        const of = subject === '' ? '' : ` of ${scope}${subject}`;
        this.#moment(`${level} time limit${of}`, 'limit', event.ts, { level });
      }
      if (event.kind === 'cycle.stopped' && LIMITS.has(event.data.reason)) {
        const { scope, reason, iterations } = event.data;
        const cycle = `${scope}${event.data.cycle}`;
        this.#moment(`cycle ${cycle}: ${reason}`, 'limit', event.ts, { cycle, reason, iterations });
      }
    }
    for (const graph of this.#graphs)
      for (const { id } of graph.plan.regions) {
        const { error } = graph.cycle(id);
        if (error === undefined) continue;
        this.#moment(`cycle ${graph.scope}${id} ✗ ${error.code}`, 'error', end, { message: error.message });
      }
  }

  readonly #micros = (time: number): number => Math.max(0, Math.round((time - this.#run.startedAt) * 1000));

  #moment(name: string, cat: string, time: number, args: TraceArgs): void {
    this.events.push({ ph: 'i', s: 'p', name, cat, ts: this.#micros(time), pid: PID, tid: RUN_LANE, args });
  }

  #lane(name: string): number {
    const tid = ++this.#tids;
    this.names.push({ ph: 'M', name: 'thread_name', pid: PID, tid, args: { name } });
    this.names.push({ ph: 'M', name: 'thread_sort_index', pid: PID, tid, args: { sort_index: tid } });
    return tid;
  }

  #slice(
    tid: number,
    name: string,
    cat: string,
    [from, to]: readonly [number, number],
    args: TraceArgs,
    colour: string,
  ): void {
    const ts = this.#micros(from);
    this.#push(tid, { name, cat, args, colour }, ts, Math.max(0, this.#micros(to) - ts));
  }

  #push(
    tid: number,
    {
      name,
      cat,
      args,
      colour,
    }: { readonly name: string; readonly cat: string; readonly args: TraceArgs; readonly colour: string },
    ts: number,
    dur: number,
  ): void {
    const cname = COLOURS[colour];
    this.events.push({ ph: 'X', name, cat, ts, dur, pid: PID, tid, ...(cname === undefined ? {} : { cname }), args });
  }
}

/** Lanes of one kind: each slice goes to the first that is free. */
class FreeLanes {
  readonly #lanes: { readonly tid: number; until: number }[] = [];
  readonly #open: (number: number) => number;

  /** @param open makes a lane, given its number from 1 */
  constructor(open: (number: number) => number) {
    this.#open = open;
  }

  take(from: number, to: number): number {
    let lane = this.#lanes.find(({ until }) => until <= from);
    if (lane === undefined) {
      lane = { tid: this.#open(this.#lanes.length + 1), until: to };
      this.#lanes.push(lane);
    }
    lane.until = to;
    return lane.tid;
  }
}

const LIMITS: ReadonlySet<string> = new Set(['max_iterations', 'timeout']);

const COLOURS: Readonly<Record<string, string>> = {
  failed: 'terrible',
  lost: 'bad',
  cancelled: 'grey',
  waiting: 'white',
  gate: 'yellow',
};

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [item]);
    else known.push(item);
  }
  return groups;
}
