export {
  ALL_INSTRUMENTS,
  DURATION_BUCKETS,
  INSTRUMENTS,
  type Instrument,
  type InstrumentName,
  prometheusName,
} from './instruments.js';
export { LABELS, type Label, type LabelName, type Labels } from './labels.js';
export {
  type HistogramValue,
  type MemoryMetrics,
  type MemoryMetricsOptions,
  type MetricSeries,
  memoryMetrics,
} from './memory-metrics.js';
export { type MetricsOptions, metricsPlugin } from './metrics-plugin.js';
export type {
  OtelApi,
  OtelAttributes,
  OtelContext,
  OtelCounter,
  OtelInstrumentOptions,
  OtelMeter,
  OtelRecorder,
  OtelSpan,
  OtelSpanContext,
  OtelSpanOptions,
  OtelTime,
  OtelTracer,
} from './open-telemetry-api.js';
export { type OpenTelemetryMetricsOptions, openTelemetryMetrics } from './open-telemetry-metrics.js';
export type { PrometheusClient, PrometheusConfig, PrometheusMetric, PrometheusRegistry } from './prometheus-client.js';
export { type PrometheusMetrics, type PrometheusMetricsOptions, prometheusMetrics } from './prometheus-metrics.js';
export { METRICS, type MetricsSink } from './sink.js';
export { type TracingOptions, tracingPlugin } from './tracing-plugin.js';
