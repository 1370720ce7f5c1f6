import { knownFields } from '../../base/option-checks.js';
import { checkMethods } from './check-methods.js';
import { ALL_INSTRUMENTS, type Instrument } from './instruments.js';
import { LABELS, type LabelName, type Labels } from './labels.js';
import { loadOpenTelemetry, SCOPE } from './load-open-telemetry.js';
import type { OtelAttributes, OtelCounter, OtelMeter, OtelRecorder } from './open-telemetry-api.js';
import { checkBuckets, type MetricsSink } from './sink.js';

/** What `openTelemetryMetrics()` is told. */
export interface OpenTelemetryMetricsOptions {
  /** Where instruments are made: one of your SDK. Default: `metrics.getMeter('lockstep')` of `@opentelemetry/api`. */
  readonly meter?: OtelMeter;
  /** Upper bounds of the buckets that are advised for histograms, in seconds, ascending. Default: `DURATION_BUCKETS`. */
  readonly buckets?: readonly number[];
}

/**
 * Makes a sink of OpenTelemetry's instruments. Register the meter provider of your SDK first: a meter of the API that is asked
 * for earlier measures nothing.
 *
 * @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION, PACKAGE_MISSING
 */
export function openTelemetryMetrics(options: OpenTelemetryMetricsOptions = {}): MetricsSink {
  knownFields(options, ['meter', 'buckets'], 'openTelemetryMetrics');
  const buckets = checkBuckets(options.buckets, 'openTelemetryMetrics.buckets');
  const { meter = loadOpenTelemetry('openTelemetryMetrics', 'meter').metrics.getMeter(SCOPE) } = options;
  const methods = ['createCounter', 'createUpDownCounter', 'createGauge', 'createHistogram'];
  checkMethods(meter, methods, 'openTelemetryMetrics.meter', 'a Meter of @opentelemetry/api 1.9 or later');
  return new OpenTelemetrySink(meter, buckets);
}

class OpenTelemetrySink implements MetricsSink {
  readonly #counters = new Map<string, OtelCounter>();
  readonly #recorders = new Map<string, OtelRecorder>();
  /** By the labels of a series, which are one object. */
  readonly #attributes = new WeakMap<Labels, OtelAttributes>();

  constructor(meter: OtelMeter, buckets: readonly number[]) {
    for (const { name, kind, unit, description } of ALL_INSTRUMENTS) {
      const options = { unit, description };
      switch (kind) {
        case 'counter':
          this.#counters.set(name, meter.createCounter(name, options));
          break;
        case 'gauge':
          this.#counters.set(name, meter.createUpDownCounter(name, options));
          break;
        case 'state':
          this.#recorders.set(name, meter.createGauge(name, options));
          break;
        case 'histogram': {
          const advice = { explicitBucketBoundaries: [...buckets] };
          this.#recorders.set(name, meter.createHistogram(name, { ...options, advice }));
        }
      }
    }
  }

  add({ name }: Instrument, value: number, labels: Labels): void {
    this.#counters.get(name)?.add(value, this.#attributesOf(labels));
  }

  set({ name }: Instrument, value: number, labels: Labels): void {
    this.#recorders.get(name)?.record(value, this.#attributesOf(labels));
  }

  record({ name }: Instrument, value: number, labels: Labels): void {
    this.#recorders.get(name)?.record(value, this.#attributesOf(labels));
  }

  #attributesOf(labels: Labels): OtelAttributes {
    const found = this.#attributes.get(labels);
    if (found !== undefined) return found;
    const entries = Object.entries(labels) as [LabelName, string][];
    const made = Object.fromEntries(entries.map(([name, value]) => [LABELS[name].attribute, value]));
    this.#attributes.set(labels, made);
    return made;
  }
}
