import { errorData } from '../../base/errors.js';
import type { Log } from '../../base/ports.js';
import type { WorkerChange, WorkerMeter } from '../worker-meter.js';
import { INSTRUMENTS } from './instruments.js';
import type { Measures } from './measures.js';

/** Turns what becomes of worker processes into measurements. */
export class WorkerCounter implements WorkerMeter {
  readonly #measures: Measures;
  readonly #log: Log;

  /** @param log told what the sink throws: no worker is touched by that */
  constructor(measures: Measures, log: Log) {
    this.#measures = measures;
    this.#log = log;
  }

  changed(workers: string, change: WorkerChange): void {
    this.#safely(() => this.#count(workers, change));
  }

  forget(workers: string, processes: number): void {
    if (processes > 0) this.#safely(() => this.#measures.add(INSTRUMENTS.activeWorkers, -processes, { workers }));
  }

  #count(workers: string, change: WorkerChange): void {
    switch (change.kind) {
      case 'started':
        this.#measures.add(INSTRUMENTS.activeWorkers, 1, { workers });
        this.#measures.add(INSTRUMENTS.workerStarts, 1, { workers, status: 'completed' });
        this.#measures.recordMs(INSTRUMENTS.workerStartDuration, change.ms, { workers });
        return;
      case 'start failed':
        this.#measures.add(INSTRUMENTS.workerStarts, 1, { workers, status: 'failed' });
        return;
      case 'ended':
        this.#measures.add(INSTRUMENTS.activeWorkers, -1, { workers });
        this.#measures.add(INSTRUMENTS.workerEnds, 1, { workers, end: change.end });
        if (change.lostCalls > 0) this.#measures.add(INSTRUMENTS.lostCalls, change.lostCalls, { workers });
        return;
      case 'heartbeat missed':
        this.#measures.add(INSTRUMENTS.missedHeartbeats, 1, { workers });
    }
  }

  #safely(measure: () => void): void {
    try {
      measure();
    } catch (error) {
      this.#log.log('error', 'A change of a worker could not be measured.', { error: errorData(error) });
    }
  }
}
