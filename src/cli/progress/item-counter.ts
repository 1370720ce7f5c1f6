import type { RunEvent } from '../../base/events.js';
import type { Plan } from '../../base/plan.js';

/** How far the items of a map are. */
export interface ItemCount {
  readonly total: number;
  done: number;
  failed: number;
}

/** What of an item has settled: its nodes, and its cycles. */
interface OpenItem {
  readonly settled: Set<string>;
  failed: boolean;
}

/** Counts the items of one map that are over, by the events of their nodes. */
export class ItemCounter implements ItemCount {
  readonly total: number;
  done = 0;
  failed = 0;
  readonly #parts: number;
  readonly #mayFail: ReadonlySet<string>;
  readonly #open = new Map<string, OpenItem>();

  /** @param plan that of an item */
  constructor(plan: Plan, total: number) {
    this.total = total;
    this.#parts = plan.nodes.length + plan.regions.length;
    this.#mayFail = new Set(plan.nodes.filter(({ data }) => data.allowFailure).map(({ id }) => id));
  }

  /** Takes an event of a node or cycle of an item. Of those, all but the ones that settle it say nothing. */
  take({ kind, data }: RunEvent): void {
    switch (kind) {
      case 'attempt.completed':
      case 'node.skipped':
      case 'node.blocked':
      case 'node.cancelled':
      case 'attempt.cancelled':
        return this.#settle(data.scope, data.node, false);
      case 'attempt.failed':
      case 'attempt.lost':
        if (data.then.kind !== 'retry') this.#settle(data.scope, data.node, !this.#mayFail.has(data.node));
        return;
      case 'cycle.stopped':
        return this.#settle(data.scope, data.cycle, data.failed);
      default:
    }
  }

  #settle(scope: string, part: string, failed: boolean): void {
    const item = this.#open.get(scope) ?? { settled: new Set<string>(), failed: false };
    this.#open.set(scope, item);
    item.settled.add(part);
    item.failed ||= failed;
    if (item.settled.size < this.#parts) return;
    this.#open.delete(scope);
    this.done++;
    if (item.failed) this.failed++;
  }
}
