import { checkCount, checkFlag, knownFields } from '../../base/option-checks.js';
import { definePlugin, type SyncPlugin } from '../plugin.js';
import { WORKER_METER } from '../tokens.js';
import { checkMethods } from './check-methods.js';
import { Measures } from './measures.js';
import { RunCounter } from './run-counter.js';
import { SeriesLimit } from './series-limit.js';
import { Served } from './served.js';
import { METRICS, type MetricsSink } from './sink.js';
import { WorkerCounter } from './worker-counter.js';

/** What the metrics plugin is told. */
export interface MetricsOptions {
  /** Where measurements go: `memoryMetrics()`, `prometheusMetrics()`, `openTelemetryMetrics()`, or one of your own. */
  readonly sink: MetricsSink;
  /**
   * The most series of one instrument; further ones are counted under the label value `other`, and a warning is logged once for
   * each instrument. A whole number, at least 1. Default: 1,000.
   */
  readonly maxSeries?: number;
  /** Whether attempts are told apart by the id of their node. Workflows that are generated can have many. Default: false. */
  readonly nodes?: boolean;
}

const FIELDS = ['sink', 'maxSeries', 'nodes'];
const MAX_SERIES = 1_000;

/**
 * Measures runs, attempts, breakers and worker processes, and gives the numbers to a sink; what is measured is listed in `INSTRUMENTS`. Nodes with the capability
 * `metrics: false` are left out. Provides the sink as `METRICS`. One plugin, or one sink, may serve several runtimes: they
 * are counted together.
 *
 * @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION
 */
export function metricsPlugin(options: MetricsOptions): SyncPlugin {
  knownFields(options, FIELDS, 'metricsPlugin');
  const { sink, maxSeries = MAX_SERIES, nodes = false } = options;
  checkMethods(sink, ['add', 'set', 'record'], 'metricsPlugin.sink', 'a sink, with the methods add, set and record');
  checkCount(maxSeries, 1, 'metricsPlugin.maxSeries');
  checkFlag(nodes, 'metricsPlugin.nodes');
  const limit = new SeriesLimit(maxSeries);
  const served = new Served<RunCounter>();
  return definePlugin({
    name: 'metrics',
    provides: [METRICS, WORKER_METER],
    setup: (scope) => {
      scope.provide(METRICS, sink);
      const measures = new Measures(sink, limit, scope.log);
      scope.provide(WORKER_METER, new WorkerCounter(measures, scope.log));
      const counter = served.add(new RunCounter(measures, nodes));
      scope.on('started', (run) => counter.started(run));
      scope.on('ended', (run) => counter.ended(run));
      scope.on('attempt', (attempt) => counter.attempt(attempt));
      scope.on('breaker', (change) => counter.breaker(change));
    },
    start: () => served.started(),
    stop: () => {
      for (const counter of served.stopped()) counter.forget();
    },
  });
}
