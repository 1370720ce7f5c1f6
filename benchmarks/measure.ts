import type { Effort, Row } from './scenario.js';

/** One side of a comparison: does the work once. */
export type Work = () => unknown;

/** Times of one side, in nanoseconds for one call: the least and the median of all rounds. */
export interface Times {
  readonly least: number;
  readonly median: number;
}

/** The middle of some numbers; of an even count, the upper one of the two. */
export function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number;
}

/**
 * Empties the young part of the heap, or all of it. Processes are started with --expose-gc. A full collection also throws away
 * what the compiler has learnt of objects that are dead just then, so it has no place between samples.
 */
export function collectGarbage(type: 'minor' | 'major'): void {
  if (globalThis.gc === undefined) throw new Error('Benchmarks run with --expose-gc.');
  // With { type: 'major' } it leaves behind what only a second look would find.
  if (type === 'major') globalThis.gc();
  else (globalThis.gc as (options: { readonly type: 'minor' }) => void)({ type });
}

/** Bytes on the heap and in array buffers, once everything that is no longer used has gone. */
export async function settledHeap(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    collectGarbage('major');
    // What finalizers and weak references hold is let go of between turns.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Tells milliseconds; only their differences mean something. */
export type Meter = () => number;

/** Processor time of this process. */
export const processorTime: Meter = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** Time as it passes: for what waits, as a commit waits for the disk. */
export const wallTime: Meter = () => performance.now();

/** Milliseconds that some calls take. */
async function sample(work: Work, calls: number, meter: Meter): Promise<number> {
  const start = meter();
  for (let index = 0; index < calls; index++) {
    const returned = work();
    if (returned instanceof Promise) await returned;
  }
  return meter() - start;
}

/** Warms a side up, and finds how many calls fill a sample. */
async function callsPerSample(work: Work, { sampleMs }: Effort, meter: Meter): Promise<number> {
  let calls = 1;
  for (let warm = 0; warm < 40; warm++) {
    const took = await sample(work, calls, meter);
    if (took >= sampleMs && warm >= 4) break;
    if (took < sampleMs) calls = Math.ceil(calls * Math.min(10, Math.max(1.3, sampleMs / Math.max(took, 0.01))));
  }
  return calls;
}

/**
 * Times several sides against each other: one sample of each in turn, round after round (A B A B …), after all were warmed up.
 * What is counted by default is processor time, garbage collection included, because other work on the machine takes the processor away
 * for a while but does not add to it; and the least of the rounds, because what other work does to the caches only ever adds.
 * The median tells how much that was. The young heap is collected before every sample: no side pays for what another left there.
 */
export async function compare(
  sides: readonly Work[],
  effort: Effort,
  meter: Meter = processorTime,
): Promise<readonly Times[]> {
  const calls: number[] = [];
  for (const side of sides) calls.push(await callsPerSample(side, effort, meter));
  const rounds: number[][] = sides.map(() => []);
  for (let round = 0; round < effort.rounds; round++) {
    for (const [index, side] of sides.entries()) {
      const times = calls[index] as number;
      collectGarbage('minor');
      (rounds[index] as number[]).push(((await sample(side, times, meter)) * 1e6) / times);
    }
  }
  return rounds.map((samples) => ({ least: Math.min(...samples), median: median(samples) }));
}

/** What a row is called, and what it is held against. */
export interface Named {
  readonly what: string;
  readonly size: number;
  /** By what the times are divided: the nodes or events of one call. */
  readonly per: number;
  /** The most that ours may take, as a multiple of the limit. */
  readonly budget?: number;
  /** The most that ours may take, in nanoseconds. */
  readonly budgetNs?: number;
  readonly note?: string;
}

/** A row of ours beside its limit. */
export function ratioRow({ what, size, per, budget, budgetNs, note }: Named, limit: Times, ours: Times): Row {
  return {
    what,
    size,
    unit: 'ns',
    limit: limit.least / per,
    ours: ours.least / per,
    ratio: ours.least / limit.least,
    medianRatio: ours.median / limit.median,
    budget:
      budgetNs !== undefined
        ? { kind: 'absolute', most: budgetNs }
        : budget === undefined
          ? undefined
          : { kind: 'ratio', most: budget },
    ...(note === undefined ? {} : { note }),
  };
}
