import { defineNode } from '../../src/base/node.js';
import type { NodeCapabilities } from '../../src/base/node-options.js';
import { type } from '../../src/base/schema.js';
import type { ResourceMetrics } from '../../src/mixins/enterprise/features.js';
import { AsyncLocalRuntime, type AsyncLocalRuntimeOptions } from '../../src/runtimes/async-local-runtime.js';
import { advanceUntil, seededIds, seededRandom, VirtualClock } from '../../src/testing/index.js';

/** Counts, from inside, how many of its nodes run at once, and notes when each started, in milliseconds since the clock's start. */
export class Gauge {
  readonly clock: VirtualClock;
  readonly #zero: number;
  running = 0;
  peak = 0;
  /** `run node@time`, without the time where it is 0. */
  readonly starts: string[] = [];

  constructor(clock = new VirtualClock()) {
    this.clock = clock;
    this.#zero = clock.now();
  }

  get time(): number {
    return this.clock.now() - this.#zero;
  }

  /** Notes that an attempt has started. */
  begin(runId: string, nodeId: string): void {
    this.running++;
    this.peak = Math.max(this.peak, this.running);
    this.starts.push(`${runId} ${nodeId}@${this.time}`);
  }

  /** A node whose attempts take so many milliseconds. */
  node(name: string, ms: number, options: NodeCapabilities = {}) {
    return defineNode({
      name,
      outputs: { at: type<number>() },
      ...options,
      run: async (_, { runId, nodeId }) => {
        this.begin(runId, nodeId);
        const at = this.time;
        if (ms > 0) await new Promise<void>((resolve) => this.clock.setTimer(ms, resolve));
        this.running--;
        return { at };
      },
    });
  }

  /** The same, holding the thread. */
  syncNode(name: string, ms: number, options: NodeCapabilities = {}) {
    return defineNode({
      name,
      outputs: { at: type<number>() },
      ...options,
      run: (_, { runId, nodeId }) => {
        this.begin(runId, nodeId);
        const at = this.time;
        this.clock.advance(ms);
        this.running--;
        return { at };
      },
    });
  }

  /** An asynchronous runtime on this clock. */
  runtime(options: AsyncLocalRuntimeOptions = {}): AsyncLocalRuntime {
    return new AsyncLocalRuntime({ clock: this.clock, ids: seededIds(), random: seededRandom(1), ...options });
  }

  /** Waits for something on this clock. */
  async until<T>(promise: Promise<T>): Promise<T> {
    return advanceUntil(() => promise, this.clock);
  }
}

/** What nobody may hold once every run has ended. */
export function held({ limits, waiting }: Pick<ResourceMetrics, 'limits' | 'waiting'>) {
  return {
    waiting,
    limits: limits.map(({ key, values, inFlight, waiting: queued }) => ({ key, values, inFlight, waiting: queued })),
    nothing: waiting === 0 && limits.every((each) => each.inFlight + each.waiting + each.values === 0),
  };
}
