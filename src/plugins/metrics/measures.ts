import type { Log } from '../../base/ports.js';
import type { Instrument } from './instruments.js';
import type { Labels } from './labels.js';
import type { SeriesLimit } from './series-limit.js';
import type { MetricsSink } from './sink.js';

const MS_PER_S = 1_000;

/** Gives measurements of one runtime to a sink, in as many series as there may be. */
export class Measures {
  readonly #sink: MetricsSink;
  readonly #limit: SeriesLimit;
  readonly #log: Log;

  constructor(sink: MetricsSink, limit: SeriesLimit, log: Log) {
    this.#sink = sink;
    this.#limit = limit;
    this.#log = log;
  }

  add(instrument: Instrument, value: number, labels: Labels): void {
    this.#sink.add(instrument, value, this.#series(instrument, labels));
  }

  set(instrument: Instrument, value: number, labels: Labels): void {
    this.#sink.set(instrument, value, this.#series(instrument, labels));
  }

  recordMs(instrument: Instrument, ms: number, labels: Labels): void {
    this.#sink.record(instrument, ms / MS_PER_S, this.#series(instrument, labels));
  }

  #series(instrument: Instrument, labels: Labels): Labels {
    return this.#limit.labelsFor(instrument, labels, this.#log);
  }
}
