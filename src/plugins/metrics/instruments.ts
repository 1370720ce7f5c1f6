import type { LabelName } from './labels.js';

/** One thing that is measured. */
export interface Instrument {
  /** Dotted, as OpenTelemetry names instruments. Other names are derived from it. */
  readonly name: `lockstep.${string}`;
  /**
   * `counter` only grows, `gauge` goes up and down by steps, `state` is 1 for what is the case and 0 for what could be,
   * `histogram` counts values by size.
   */
  readonly kind: 'counter' | 'gauge' | 'state' | 'histogram';
  /** In UCUM, as OpenTelemetry writes units: `s`, or what is counted in braces. */
  readonly unit: string;
  readonly labels: readonly LabelName[];
  /** One sentence. */
  readonly description: string;
}

const ATTEMPT: readonly LabelName[] = ['workflow', 'executor', 'node'];

/** Everything that is measured: the one place that says so. Every backend makes its instruments from this table. */
export const INSTRUMENTS = {
  runs: {
    name: 'lockstep.runs',
    kind: 'counter',
    unit: '{run}',
    labels: ['workflow', 'status'],
    description: 'Runs that ended.',
  },
  runDuration: {
    name: 'lockstep.run.duration',
    kind: 'histogram',
    unit: 's',
    labels: ['workflow', 'status'],
    description: 'Time from the start of a run to its end, with the time in which it waited.',
  },
  activeRuns: {
    name: 'lockstep.run.active',
    kind: 'gauge',
    unit: '{run}',
    labels: ['workflow'],
    description: 'Runs in flight. A run that waits for an answer is not.',
  },
  runWaits: {
    name: 'lockstep.run.waits',
    kind: 'counter',
    unit: '{wait}',
    labels: ['workflow'],
    description: 'How often runs returned because they could only wait.',
  },
  runErrors: {
    name: 'lockstep.run.errors',
    kind: 'counter',
    unit: '{error}',
    labels: ['workflow', 'error_type'],
    description: 'Runs that failed, by the code of their primary error.',
  },
  attempts: {
    name: 'lockstep.attempts',
    kind: 'counter',
    unit: '{attempt}',
    labels: [...ATTEMPT, 'status'],
    description: 'Attempts that settled.',
  },
  attemptDuration: {
    name: 'lockstep.attempt.duration',
    kind: 'histogram',
    unit: 's',
    labels: [...ATTEMPT, 'status'],
    description: 'Time from the start of an attempt to its end, without attempts that were answered from a cache.',
  },
  retries: {
    name: 'lockstep.attempt.retries',
    kind: 'counter',
    unit: '{attempt}',
    labels: ATTEMPT,
    description: 'Attempts that settled and were not the first of their visit.',
  },
  attemptErrors: {
    name: 'lockstep.attempt.errors',
    kind: 'counter',
    unit: '{error}',
    labels: [...ATTEMPT, 'error_type'],
    description: 'Attempts that failed or were lost, by the code of their error.',
  },
  cacheHits: {
    name: 'lockstep.attempt.cache_hits',
    kind: 'counter',
    unit: '{attempt}',
    labels: ATTEMPT,
    description: 'Attempts that were answered from a cache.',
  },
  breakerTransitions: {
    name: 'lockstep.breaker.transitions',
    kind: 'counter',
    unit: '{transition}',
    labels: ['breaker', 'state'],
    description: 'How often a breaker went to a state.',
  },
  breakerState: {
    name: 'lockstep.breaker.state',
    kind: 'state',
    unit: '{breaker}',
    labels: ['breaker', 'state'],
    description: '1 for the state that a breaker is in, 0 for the others. Known from its first transition on.',
  },
  activeWorkers: {
    name: 'lockstep.worker.active',
    kind: 'gauge',
    unit: '{worker}',
    labels: ['workers'],
    description:
      'Worker processes that are there. One that is being recycled counts until it has ended, beside the fresh one.',
  },
  workerStarts: {
    name: 'lockstep.worker.starts',
    kind: 'counter',
    unit: '{start}',
    labels: ['workers', 'status'],
    description:
      'Starts of worker processes that completed or failed: the first, those after an end, and those of fresh ones.',
  },
  workerStartDuration: {
    name: 'lockstep.worker.start.duration',
    kind: 'histogram',
    unit: 's',
    labels: ['workers'],
    description: 'Time until a worker process took calls, with that of making its environment.',
  },
  workerEnds: {
    name: 'lockstep.worker.ends',
    kind: 'counter',
    unit: '{worker}',
    labels: ['workers', 'end'],
    description: 'Worker processes that ended.',
  },
  lostCalls: {
    name: 'lockstep.worker.lost_calls',
    kind: 'counter',
    unit: '{call}',
    labels: ['workers'],
    description: 'Calls that a worker process had been sent and had not answered when it ended.',
  },
  missedHeartbeats: {
    name: 'lockstep.worker.missed_heartbeats',
    kind: 'counter',
    unit: '{heartbeat}',
    labels: ['workers'],
    description: 'Heartbeats that a worker process did not answer in time.',
  },
} as const satisfies Readonly<Record<string, Instrument>>;

/** The instruments in the order of the table. */
export const ALL_INSTRUMENTS: readonly Instrument[] = Object.values(INSTRUMENTS);

/** The name of an instrument. */
export type InstrumentName = (typeof INSTRUMENTS)[keyof typeof INSTRUMENTS]['name'];

/**
 * Upper bounds of the buckets of histograms, in seconds: from nodes that take a millisecond to runs that take an hour. What
 * takes longer is in a last bucket without a bound.
 */
export const DURATION_BUCKETS: readonly number[] = Object.freeze([
  0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600,
]);

/**
 * The name of an instrument in Prometheus: underscores, the unit as a suffix unless it only says what is counted, and `_total`
 * for what only grows. Source: the OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility", metric metadata.
 */
export function prometheusName({ name, kind, unit }: Instrument): string {
  const base = name.replaceAll('.', '_');
  if (kind === 'counter') return `${base}_total`;
  return unit === 's' ? `${base}_seconds` : base;
}
