import { knownFields, refuse } from '../../base/option-checks.js';
import { checkMethods } from './check-methods.js';
import { ALL_INSTRUMENTS, type Instrument, prometheusName } from './instruments.js';
import type { Labels } from './labels.js';
import { optionalPackage } from './optional-package.js';
import type { PrometheusClient, PrometheusMetric, PrometheusRegistry } from './prometheus-client.js';
import { checkBuckets, type MetricsSink } from './sink.js';

/** What `prometheusMetrics()` is told. */
export interface PrometheusMetricsOptions {
  /** Where the metrics are registered: one of yours, such as prom-client's `register`. Default: a new one. */
  readonly registry?: PrometheusRegistry;
  /** prom-client, where you have imported it already. Default: loaded from the package `prom-client`. */
  readonly client?: PrometheusClient;
  /** Upper bounds of the buckets of histograms, in seconds, ascending. Default: `DURATION_BUCKETS`. */
  readonly buckets?: readonly number[];
}

/** Measurements for Prometheus to collect. */
export interface PrometheusMetrics extends MetricsSink {
  readonly registry: PrometheusRegistry;
  /** Everything in the registry, in the text format of Prometheus: the body of an answer to `GET /metrics`. */
  text(): Promise<string>;
  /** The content type that belongs to the text. */
  readonly contentType: string;
}

/**
 * Makes a sink of prom-client's metrics, all of which are registered at once. Share one sink between the runtimes of a process:
 * a registry takes each name once.
 *
 * @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION, PACKAGE_MISSING
 */
export function prometheusMetrics(options: PrometheusMetricsOptions = {}): PrometheusMetrics {
  knownFields(options, ['registry', 'client', 'buckets'], 'prometheusMetrics');
  const buckets = checkBuckets(options.buckets, 'prometheusMetrics.buckets');
  const { client = optionalPackage('prom-client', 'prometheusMetrics', 'client') as PrometheusClient } = options;
  checkMethods(
    client,
    ['Counter', 'Gauge', 'Histogram', 'Registry'],
    'prometheusMetrics.client',
    'the module prom-client',
  );
  const { registry = new client.Registry() } = options;
  const methods = ['registerMetric', 'getSingleMetric', 'metrics'];
  checkMethods(registry, methods, 'prometheusMetrics.registry', 'a Registry of prom-client');
  return new PrometheusSink(client, registry, buckets);
}

class PrometheusSink implements PrometheusMetrics {
  readonly registry: PrometheusRegistry;
  readonly #metrics = new Map<string, PrometheusMetric>();

  constructor(client: PrometheusClient, registry: PrometheusRegistry, buckets: readonly number[]) {
    this.registry = registry;
    for (const name of ALL_INSTRUMENTS.map(prometheusName)) {
      if (registry.getSingleMetric(name) === undefined) continue;
      refuse('prometheusMetrics.registry', `has a metric ${name} already: share one sink between runtimes`, name);
    }
    for (const instrument of ALL_INSTRUMENTS) {
      const metric = makeMetric(client, instrument, buckets);
      registry.registerMetric(metric);
      this.#metrics.set(instrument.name, metric);
    }
  }

  add({ name }: Instrument, value: number, labels: Labels): void {
    this.#metrics.get(name)?.inc?.(labels, value);
  }

  set({ name }: Instrument, value: number, labels: Labels): void {
    this.#metrics.get(name)?.set?.(labels, value);
  }

  record({ name }: Instrument, value: number, labels: Labels): void {
    this.#metrics.get(name)?.observe?.(labels, value);
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }

  get contentType(): string {
    return this.registry.contentType;
  }
}

function makeMetric(client: PrometheusClient, instrument: Instrument, buckets: readonly number[]): PrometheusMetric {
  const { kind, labels, description } = instrument;
  const config = { name: prometheusName(instrument), help: description, labelNames: [...labels], registers: [] };
  switch (kind) {
    case 'counter':
      return new client.Counter(config);
    case 'gauge':
    case 'state':
      return new client.Gauge(config);
    case 'histogram':
      return new client.Histogram({ ...config, buckets: [...buckets] });
  }
}
