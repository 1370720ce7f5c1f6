/**
 * What is used of prom-client, declared here so that these declarations need no package that may not be installed.
 * `test/types/metrics.test.ts` holds it against prom-client itself.
 */

/** How a metric is made. */
export interface PrometheusConfig {
  name: string;
  help: string;
  labelNames: string[];
  /** Where it is registered at once: nowhere. */
  registers: never[];
}

/** A metric; which method it has follows from its class. */
export interface PrometheusMetric {
  /** Of a counter or gauge. */
  inc?(labels: object, value: number): void;
  /** Of a gauge. */
  set?(labels: object, value: number): void;
  /** Of a histogram. */
  observe?(labels: object, value: number): void;
}

/** A `Registry` of prom-client. */
export interface PrometheusRegistry {
  readonly contentType: string;
  registerMetric(metric: PrometheusMetric): void;
  getSingleMetric(name: string): unknown;
  metrics(): Promise<string>;
}

/** The module prom-client. */
export interface PrometheusClient {
  readonly Counter: new (config: PrometheusConfig) => PrometheusMetric;
  readonly Gauge: new (config: PrometheusConfig) => PrometheusMetric;
  readonly Histogram: new (config: PrometheusConfig & { buckets: number[] }) => PrometheusMetric;
  readonly Registry: new () => PrometheusRegistry;
}
