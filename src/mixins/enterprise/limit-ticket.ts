import type { LimitOptions } from '../../base/capability-options.js';
import type { PlanNode } from '../../base/plan.js';
import type { RunView } from '../../base/run-view.js';
import type { LimitCounts, LimitPool } from './limit-pool.js';
import type { SlotPool, SlotWaiter } from './slot-pool.js';
import type { TokenQueue, TokenWaiter } from './token-queue.js';

/** The room under one limit, or one of its values. */
export type Pool = LimitPool<Ticket>;

/** One limit, with the pools of its values. */
export interface Rule {
  readonly key: string;
  readonly options: LimitOptions;
  /** They are taken in this order: who waits for its own share keeps nothing from others. */
  readonly rank: 'per' | 'executor' | 'runtime';
  readonly counts: LimitCounts;
  readonly pools: Map<string, Pool>;
  /** How many values there may be before idle ones are looked for. */
  sweepAt: number;
}

/** One limit on the way of an attempt, as far as it gives slots, or tokens. */
export type Step = { readonly rule: Rule; readonly pool: Pool } & (
  | { readonly slots: SlotPool; readonly tokens?: undefined }
  | { readonly tokens: TokenQueue<Ticket>; readonly slots?: undefined }
);

/** A node on its way to an attempt, and then the attempt: what it holds and what it waits for. */
export class Ticket implements SlotWaiter, TokenWaiter {
  readonly run: RunView;
  readonly node: PlanNode;
  /** In the order in which everybody takes them. */
  readonly steps: readonly Step[];
  /** Epoch milliseconds. */
  readonly since: number;
  /** How many steps it has taken: it holds those slots, and was promised those tokens. */
  taken = 0;
  /** Where it stands in the step that comes next. */
  place: 'before' | 'waits' | 'granted' = 'before';
  /** Rules under which it has waited: it is not turned away later because too many do. */
  readonly queued = new Set<Rule>();
  started = false;

  constructor(run: RunView, node: PlanNode, steps: readonly Step[], since: number) {
    this.run = run;
    this.node = node;
    this.steps = steps;
    this.since = since;
  }

  /** The run, with all its graphs. */
  get owner(): object {
    return this.run.top;
  }

  get priority(): number {
    return this.run.priority;
  }

  /** Its limits, each once. */
  get rules(): ReadonlySet<Rule> {
    return new Set(this.steps.map(({ rule }) => rule));
  }

  get hasSlots(): boolean {
    return this.steps.some(({ slots }) => slots !== undefined);
  }

  /** Whether it holds what a step gives. */
  holds(step: number): boolean {
    return step < this.taken || (step === this.taken && this.place === 'granted');
  }

  granted(): void {
    this.place = 'granted';
    this.run.unpark(this.node);
  }

  recalled(): void {
    this.run.unpark(this.node);
  }

  /** It has what its next step gives. */
  pass(): void {
    this.taken++;
    this.place = 'before';
  }
}
