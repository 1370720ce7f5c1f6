import type { AttemptEnded, BreakerChanged, RunEnded, RunStarted } from '../../base/notifications.js';
import type { Log } from '../../base/ports.js';
import { INSTRUMENTS, type Instrument } from './instruments.js';
import { BREAKER_STATES, errorType, type Labels } from './labels.js';
import type { SeriesLimit } from './series-limit.js';
import type { MetricsSink } from './sink.js';

const MS_PER_S = 1_000;

/** What a counter is made with. */
export interface CounterParts {
  readonly sink: MetricsSink;
  readonly limit: SeriesLimit;
  /** Whether attempts are told apart by the id of their node. */
  readonly nodes: boolean;
  readonly log: Log;
}

/** Turns what one runtime tells into measurements. */
export class RunCounter {
  readonly #parts: CounterParts;
  /** Runs in flight: their workflow by their id. */
  readonly #active = new Map<string, string>();

  constructor(parts: CounterParts) {
    this.#parts = parts;
  }

  started({ runId, workflow }: RunStarted): void {
    this.#active.set(runId, workflow);
    this.#add(INSTRUMENTS.activeRuns, 1, { workflow });
  }

  ended({ runId, workflow, status, startedAt, at, error }: RunEnded): void {
    this.#active.delete(runId);
    this.#add(INSTRUMENTS.activeRuns, -1, { workflow });
    if (status === 'waiting') {
      this.#add(INSTRUMENTS.runWaits, 1, { workflow });
      return;
    }
    this.#add(INSTRUMENTS.runs, 1, { workflow, status });
    this.#record(INSTRUMENTS.runDuration, at - startedAt, { workflow, status });
    if (error !== undefined) this.#add(INSTRUMENTS.runErrors, 1, { workflow, error_type: errorType(error.code) });
  }

  attempt(settled: AttemptEnded): void {
    const { workflow, kind, executor = kind, node, attempt, status, startedAt, endedAt, error, cached } = settled;
    const labels = this.#parts.nodes ? { workflow, executor, node } : { workflow, executor };
    const ended = { ...labels, status };
    this.#add(INSTRUMENTS.attempts, 1, ended);
    if (cached) this.#add(INSTRUMENTS.cacheHits, 1, labels);
    else this.#record(INSTRUMENTS.attemptDuration, endedAt - startedAt, ended);
    if (attempt > 1) this.#add(INSTRUMENTS.retries, 1, labels);
    if (error !== undefined) this.#add(INSTRUMENTS.attemptErrors, 1, { ...labels, error_type: errorType(error.code) });
  }

  breaker({ key, to }: BreakerChanged): void {
    this.#add(INSTRUMENTS.breakerTransitions, 1, { breaker: key, state: to });
    const { sink, limit, log } = this.#parts;
    const instrument = INSTRUMENTS.breakerState;
    for (const state of BREAKER_STATES)
      sink.set(instrument, state === to ? 1 : 0, limit.labelsFor(instrument, { breaker: key, state }, log));
  }

  /** Takes the runs away whose end nobody will tell. Called once, last. */
  forget(): void {
    for (const workflow of this.#active.values()) this.#add(INSTRUMENTS.activeRuns, -1, { workflow });
  }

  #add(instrument: Instrument, value: number, labels: Labels): void {
    const { sink, limit, log } = this.#parts;
    sink.add(instrument, value, limit.labelsFor(instrument, labels, log));
  }

  #record(instrument: Instrument, ms: number, labels: Labels): void {
    const { sink, limit, log } = this.#parts;
    sink.record(instrument, ms / MS_PER_S, limit.labelsFor(instrument, labels, log));
  }
}
