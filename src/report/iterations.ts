import type { EventData } from '../base/events.js';
import type { Plan } from '../base/plan.js';
import type { RunGraph } from '../base/run-graph.js';

/** One iteration of a cycle, as a bar in time. Times are epoch milliseconds. */
export interface IterationSpan {
  /** Where its graph lives; empty at the top. */
  readonly scope: string;
  readonly cycle: string;
  /** From 0, in this entry of the cycle. */
  readonly iteration: number;
  /** Which entry of the cycle, from 0: an inner cycle is entered in every iteration of the outer one. */
  readonly entry: number;
  readonly startedAt: number;
  readonly endedAt: number;
  /** How the cycle stopped; only of the iteration that ended this entry. */
  readonly stopped: StoppedCycle | undefined;
}

/** How a cycle stopped. */
export type StoppedCycle = Pick<EventData['cycle.stopped'], 'reason' | 'failed' | 'root'>;

interface OpenIteration {
  iteration: number;
  entry: number;
  startedAt: number | undefined;
}

/** Follows the iterations of cycles: each begins with the first attempt of its body and ends with the decision about it. */
export class IterationClock {
  readonly spans: IterationSpan[] = [];
  readonly #plans: ReadonlyMap<string, Plan>;
  readonly #around = new Map<Plan, ReadonlyMap<string, readonly string[]>>();
  readonly #open = new Map<string, OpenIteration>();

  constructor(graphs: readonly RunGraph[]) {
    this.#plans = new Map(graphs.flatMap(({ scope, plan }) => (plan.regions.length > 0 ? [[scope, plan]] : [])));
  }

  started(scope: string, node: string, now: number): void {
    const plan = this.#plans.get(scope);
    if (plan === undefined) return;
    for (const cycle of this.#cyclesAround(plan).get(node) ?? []) this.#iteration(scope, cycle).startedAt ??= now;
  }

  ended(scope: string, cycle: string, stopped: StoppedCycle | undefined, now: number): void {
    const open = this.#iteration(scope, cycle);
    const { iteration, entry, startedAt } = open;
    if (startedAt !== undefined)
      this.spans.push({ scope, cycle, iteration, entry, startedAt, endedAt: Math.max(startedAt, now), stopped });
    open.startedAt = undefined;
    open.iteration = stopped === undefined ? iteration + 1 : 0;
    open.entry = stopped === undefined ? entry : entry + 1;
  }

  #iteration(scope: string, cycle: string): OpenIteration {
    const key = JSON.stringify([scope, cycle]);
    const open = this.#open.get(key) ?? { iteration: 0, entry: 0, startedAt: undefined };
    this.#open.set(key, open);
    return open;
  }

  #cyclesAround(plan: Plan): ReadonlyMap<string, readonly string[]> {
    let around = this.#around.get(plan);
    if (around === undefined) {
      around = new Map(
        plan.nodes.map(({ id, index }) => [
          id,
          plan.regions.filter(({ start, end }) => index >= start && index < end).map((region) => region.id),
        ]),
      );
      this.#around.set(plan, around);
    }
    return around;
  }
}
