import type { CacheOptions } from './capability-options.js';
import { executorOf, INLINE_NAME } from './executor.js';
import type { PlanNode } from './plan.js';
import type { CapabilityDefaults } from './runtime-options.js';

/** What holds for a node in a runtime, and where it comes from where that matters. */
export interface EffectiveCapabilities extends CapabilityDefaults {
  /** The key of its executor; `undefined` where the machine performs it itself. */
  readonly executor: string | undefined;
  /** Only ever the node's own: a cache is chosen for each node. */
  readonly cache?: CacheOptions;
  /** `limit` and `breaker` count for this node alone, not for its executor. */
  readonly own: { readonly limit: boolean; readonly breaker: boolean };
}

const DEFAULTED = [
  'retry',
  'limit',
  'breaker',
  'validation',
  'metrics',
  'durability',
] as const satisfies readonly (keyof CapabilityDefaults)[];

/** All functions that are written into workflows have this executor, and nothing else in common. */
const INLINE = `function.${INLINE_NAME}`;

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
    const { data, retry, implementation } = node;
    const own: CapabilityDefaults = { ...data, ...(retry === undefined ? {} : { retry }) };
    const layers = executor === undefined ? [own] : [own, this.#executors.get(executor) ?? {}, this.#all];
    const layerOf = (name: (typeof DEFAULTED)[number]): CapabilityDefaults | undefined =>
      layers.find((each) => each[name] !== undefined);
    const found: Record<string, unknown> = {};
    for (const name of DEFAULTED) {
      const layer = layerOf(name);
      if (layer !== undefined) found[name] = layer[name];
    }
    const isOwn = (name: 'limit' | 'breaker'): boolean => {
      const layer = layerOf(name);
      if (layer === own) return !isSame(data[name], implementation.capabilities[name]);
      return layer === this.#all && executor === INLINE;
    };
    return {
      ...found,
      ...(data.cache === undefined ? {} : { cache: data.cache }),
      executor,
      own: { limit: isOwn('limit'), breaker: isOwn('breaker') },
    };
  }
}

/** Whether what holds for a node is what its definition says: then it holds for the executor. */
function isSame(left: unknown, right: unknown): boolean {
  return right !== undefined && JSON.stringify(left) === JSON.stringify(right);
}
