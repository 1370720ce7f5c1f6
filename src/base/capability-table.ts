import { executorOf } from './executor.js';
import type { NodeCapabilities } from './node-options.js';
import type { PlanNode } from './plan.js';
import type { CapabilityDefaults } from './runtime-options.js';

/** What holds for a node in a runtime, and where it comes from where that matters. */
export interface EffectiveCapabilities extends CapabilityDefaults {
  /** The key of its executor; `undefined` where the machine performs it itself. */
  readonly executor: string | undefined;
  /** `limit` and `breaker` are those of the node itself, not of its executor. */
  readonly own: { readonly limit: boolean; readonly breaker: boolean };
}

const DEFAULTED = [
  'retry',
  'limit',
  'breaker',
  'cache',
  'validation',
  'metrics',
] as const satisfies readonly (keyof CapabilityDefaults & keyof NodeCapabilities)[];

/** The capabilities of nodes in one runtime: those of the node, then those of its executor, then those of the runtime, one by one. */
export class CapabilityTable {
  #all: CapabilityDefaults;
  readonly #executors: Map<string, CapabilityDefaults>;
  #known = new WeakMap<PlanNode, EffectiveCapabilities>();

  constructor(all: CapabilityDefaults, executors: Readonly<Record<string, CapabilityDefaults>>) {
    this.#all = all;
    this.#executors = new Map(Object.entries(executors));
  }

  /** What holds for a node. Worked out once. */
  of(node: PlanNode): EffectiveCapabilities {
    let known = this.#known.get(node);
    if (known === undefined) {
      known = this.#effective(node);
      this.#known.set(node, known);
    }
    return known;
  }

  /** Gives another capability to all executors, or to one, from now on. */
  set(given: CapabilityDefaults, executor?: string): void {
    if (executor === undefined) this.#all = { ...this.#all, ...given };
    else this.#executors.set(executor, { ...this.#executors.get(executor), ...given });
    this.#known = new WeakMap();
  }

  #effective(node: PlanNode): EffectiveCapabilities {
    const executor = executorOf(node);
    const own: CapabilityDefaults = { ...node.data, ...(node.retry === undefined ? {} : { retry: node.retry }) };
    const layers = executor === undefined ? [own] : [own, this.#executors.get(executor) ?? {}, this.#all];
    const found: Record<string, unknown> = {};
    for (const name of DEFAULTED) {
      const layer = layers.find((each) => each[name] !== undefined);
      if (layer !== undefined) found[name] = layer[name];
    }
    if (isStateful(node)) delete found.cache;
    return {
      ...found,
      executor,
      own: { limit: own.limit !== undefined, breaker: own.breaker !== undefined },
    };
  }
}

/** Its outputs depend on more than its inputs: a default must not cache them. */
function isStateful({ implementation: { state, secrets } }: PlanNode): boolean {
  return state !== undefined || secrets.length > 0;
}
