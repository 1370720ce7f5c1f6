import type { AttemptKey, RunEvent } from '../../base/events.js';
import type { ProgressUpdate } from '../../base/notifications.js';
import type { Plan } from '../../base/plan.js';
import { describeReason } from '../../base/reason.js';
import type { NodeStatus } from '../../base/status.js';
import { type ItemCount, ItemCounter } from './item-counter.js';

/** How far a node is. */
export interface NodeProgress {
  readonly id: string;
  status: NodeStatus;
  /** Epoch milliseconds at which its last attempt began. */
  since: number;
  /** Milliseconds of its last attempt. */
  ms: number;
  visit: number;
  attempt: number;
  /** Why it did not run, how it failed, what it reported. */
  remark: string;
  items: ItemCount | undefined;
}

/** What an event or a report changed. */
export type Change =
  | { readonly kind: 'node'; readonly node: NodeProgress; readonly at: number }
  | { readonly kind: 'line'; readonly text: string };

function fresh(id: string): NodeProgress {
  return { id, status: 'pending', since: 0, ms: 0, visit: 0, attempt: 0, remark: '', items: undefined };
}

/** Every node of a run at the top, and how far it is: a fold over what the runtime tells. */
export class Board {
  readonly nodes: readonly NodeProgress[];
  readonly #byId: ReadonlyMap<string, NodeProgress>;
  readonly #plan: Plan;
  readonly #counters = new Map<string, ItemCounter>();

  constructor(plan: Plan) {
    this.#plan = plan;
    this.nodes = plan.nodes.map(({ id }) => fresh(id));
    this.#byId = new Map(this.nodes.map((node) => [node.id, node]));
  }

  /** Takes an event; says what changed, if anything that is shown did. */
  take(event: RunEvent): Change | undefined {
    const { kind, data, ts } = event;
    if (!('scope' in data) || !('node' in data || 'cycle' in data)) return undefined;
    if (data.scope !== '') return this.#takeItem(event, data.scope, ts);
    if (kind === 'cycle.stopped') {
      const { cycle, iterations, reason } = data;
      const times = `${iterations} iteration${iterations === 1 ? '' : 's'}`;
      return { kind: 'line', text: `cycle ${cycle}: ${times}, ${reason}` };
    }
    const node = 'node' in data ? this.#byId.get(data.node) : undefined;
    if (node === undefined || !this.#applied(node, event)) return undefined;
    return { kind: 'node', node, at: ts };
  }

  /** Takes what a node reported of itself. */
  report({ scope, node: id, current, total, message }: ProgressUpdate, at: number): Change | undefined {
    const node = scope === '' ? this.#byId.get(id) : undefined;
    if (node === undefined) return undefined;
    node.remark = `${current}${total === undefined ? '' : `/${total}`}${message === undefined ? '' : ` ${message}`}`;
    return { kind: 'node', node, at };
  }

  #takeItem(event: RunEvent, scope: string, at: number): Change | undefined {
    const owner = /^([^[/]+)\[\d+\]\/$/.exec(scope)?.[1];
    const node = owner === undefined ? undefined : this.#byId.get(owner);
    const counter = node === undefined ? undefined : this.#counters.get(node.id);
    const before = counter?.done;
    counter?.take(event);
    return node === undefined || counter?.done === before ? undefined : { kind: 'node', node, at };
  }

  #applied(node: NodeProgress, { kind, data, ts }: RunEvent): boolean {
    switch (kind) {
      case 'attempt.started':
        begin(node, data, ts);
        return true;
      case 'children.created':
        this.#open(node, data.items);
        return true;
      case 'gate.opened':
        node.status = 'waiting';
        return true;
      case 'attempt.completed':
        return end(node, 'completed', ts, data.cached === true ? 'cached' : '');
      case 'attempt.failed':
      case 'attempt.lost': {
        const { error, then } = data;
        if (then.kind !== 'retry') return end(node, 'failed', ts, `${error.code}: ${error.message}`);
        return end(node, 'pending', ts, `attempt ${data.attempt} failed: ${error.code}: ${error.message}`);
      }
      case 'attempt.cancelled':
        return end(node, 'cancelled', ts, describeReason(data.reason));
      case 'node.skipped':
        return end(node, 'skipped', ts, describeReason(data.reason));
      case 'node.blocked':
        return end(node, 'blocked', ts, describeReason(data.reason));
      case 'node.cancelled':
        return end(node, 'cancelled', ts, describeReason(data.reason));
      default:
        return false;
    }
  }

  #open(node: NodeProgress, items: readonly unknown[] | null): void {
    const child = this.#plan.nodes[this.#plan.nodeIndex.get(node.id) as number]?.child;
    if (items === null || child === undefined) return;
    const counter = new ItemCounter(child, items.length);
    this.#counters.set(node.id, counter);
    node.items = counter;
  }
}

function begin(node: NodeProgress, { visit, attempt }: AttemptKey, at: number): void {
  Object.assign(node, { status: 'running', since: at, visit, attempt, remark: '', items: undefined });
}

function end(node: NodeProgress, status: NodeStatus, at: number, remark: string): true {
  const ms = node.status === 'running' || node.status === 'waiting' ? at - node.since : 0;
  Object.assign(node, { status, ms, remark });
  return true;
}
