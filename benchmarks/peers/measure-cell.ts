import { collectGarbage } from '../measure.js';

/** How much time a cell may take. */
export interface Effort {
  /** Samples, at least. */
  readonly rounds: number;
  /** How long a sample takes at least, in milliseconds of processor time: short calls are repeated within it. */
  readonly sampleMs: number;
  /** Milliseconds of processor time that samples take at least in all: what consists of much code is compiled late. */
  readonly warmMs: number;
  /** Milliseconds of processor time, since the process began, after which no sample is begun: for a call that takes long. */
  readonly budgetMs: number;
}

/** Measurements for the documentation. */
export const FULL: Effort = { rounds: 15, sampleMs: 40, warmMs: 3_000, budgetMs: 15_000 };

/** A first impression. */
export const QUICK: Effort = { rounds: 10, sampleMs: 20, warmMs: 500, budgetMs: 4_000 };

/** What one call takes, in nanoseconds. */
export interface Times {
  /** Processor time, of all threads and with the collection of garbage. */
  readonly processor: number;
  readonly wall: number;
}

/** Milliseconds of processor time that this process has taken. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Times so many calls, one after the other; what they return last is handed back. */
export async function timed(work: () => unknown, calls: number): Promise<Times & { readonly result: unknown }> {
  let result: unknown;
  const startedAt = performance.now();
  const start = process.cpuUsage();
  for (let call = 0; call < calls; call++) {
    result = work();
    if (result instanceof Promise) result = await result;
  }
  const { user, system } = process.cpuUsage(start);
  const wall = (performance.now() - startedAt) * 1e6;
  return { processor: ((user + system) * 1e3) / calls, wall: wall / calls, result };
}

/**
 * The least of several samples, as benchmarks/measure.ts takes it. Where the time is over at once, what the call took when it
 * was made `once` stands.
 */
export async function leastOf(work: () => unknown, once: Times, effort: Effort): Promise<Times> {
  const { rounds, sampleMs, warmMs, budgetMs } = effort;
  const warmAt = processorMs() + warmMs;
  const samples: Times[] = [];
  let calls = 1;
  while ((samples.length < rounds || processorMs() < warmAt) && processorMs() < budgetMs) {
    collectGarbage('minor');
    const sample = await timed(work, calls);
    const took = (sample.processor * calls) / 1e6;
    if (took >= sampleMs) samples.push(sample);
    else calls = Math.ceil(calls * Math.min(10, Math.max(1.3, sampleMs / Math.max(took, 0.01))));
  }
  if (samples.length === 0) return { processor: once.processor, wall: once.wall };
  return {
    processor: Math.min(...samples.map(({ processor }) => processor)),
    wall: Math.min(...samples.map(({ wall }) => wall)),
  };
}
