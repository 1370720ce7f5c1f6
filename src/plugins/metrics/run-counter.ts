import type { AttemptEnded, BreakerChanged, RunEnded, RunStarted } from '../../base/notifications.js';
import { INSTRUMENTS } from './instruments.js';
import { BREAKER_STATES, errorType } from './labels.js';
import type { Measures } from './measures.js';

/** Turns what one runtime tells into measurements. */
export class RunCounter {
  readonly #measures: Measures;
  readonly #nodes: boolean;
  /** Runs in flight: their workflow by their id. */
  readonly #active = new Map<string, string>();

  /** @param nodes whether attempts are told apart by the id of their node */
  constructor(measures: Measures, nodes: boolean) {
    this.#measures = measures;
    this.#nodes = nodes;
  }

  started({ runId, workflow }: RunStarted): void {
    this.#active.set(runId, workflow);
    this.#measures.add(INSTRUMENTS.activeRuns, 1, { workflow });
  }

  ended({ runId, workflow, status, startedAt, at, error }: RunEnded): void {
    this.#active.delete(runId);
    this.#measures.add(INSTRUMENTS.activeRuns, -1, { workflow });
    if (status === 'waiting') {
      this.#measures.add(INSTRUMENTS.runWaits, 1, { workflow });
      return;
    }
    this.#measures.add(INSTRUMENTS.runs, 1, { workflow, status });
    this.#measures.recordMs(INSTRUMENTS.runDuration, at - startedAt, { workflow, status });
    if (error !== undefined)
      this.#measures.add(INSTRUMENTS.runErrors, 1, { workflow, error_type: errorType(error.code) });
  }

  attempt(settled: AttemptEnded): void {
    const { workflow, kind, executor = kind, node, attempt, status, startedAt, endedAt, error, cached } = settled;
    const labels = this.#nodes ? { workflow, executor, node } : { workflow, executor };
    const ended = { ...labels, status };
    this.#measures.add(INSTRUMENTS.attempts, 1, ended);
    if (cached) this.#measures.add(INSTRUMENTS.cacheHits, 1, labels);
    else this.#measures.recordMs(INSTRUMENTS.attemptDuration, endedAt - startedAt, ended);
    if (attempt > 1) this.#measures.add(INSTRUMENTS.retries, 1, labels);
    if (error !== undefined)
      this.#measures.add(INSTRUMENTS.attemptErrors, 1, { ...labels, error_type: errorType(error.code) });
  }

  breaker({ key, to }: BreakerChanged): void {
    this.#measures.add(INSTRUMENTS.breakerTransitions, 1, { breaker: key, state: to });
    for (const state of BREAKER_STATES)
      this.#measures.set(INSTRUMENTS.breakerState, state === to ? 1 : 0, { breaker: key, state });
  }

  /** Takes the runs away whose end nobody will tell. Called once, last. */
  forget(): void {
    for (const workflow of this.#active.values()) this.#measures.add(INSTRUMENTS.activeRuns, -1, { workflow });
  }
}
