import type { Meter, Tracer } from '@opentelemetry/api';
import * as api from '@opentelemetry/api';
import { expect } from 'chai';
import { expectTypeOf } from 'expect-type';
import * as client from 'prom-client';
import { LocalRuntime } from '../../src/index.js';
import {
  type InstrumentName,
  METRICS,
  type MetricsSink,
  memoryMetrics,
  metricsPlugin,
  type OtelApi,
  type OtelMeter,
  type OtelTracer,
  type PrometheusClient,
  type PrometheusRegistry,
  prometheusMetrics,
} from '../../src/plugins/metrics/index.js';

/** Lines that must not compile. They are never run. */
function refused(_lines: () => void): void {}

describe('types of metrics', () => {
  it('the slices that are declared of other packages take what these packages give out', () => {
    expectTypeOf<typeof api>().toExtend<OtelApi>();
    expectTypeOf<Tracer>().toExtend<OtelTracer>();
    expectTypeOf<Meter>().toExtend<OtelMeter>();
    expectTypeOf<typeof client>().toExtend<PrometheusClient>();
    expectTypeOf<client.Registry>().toExtend<PrometheusRegistry>();
    expectTypeOf<client.Registry<client.OpenMetricsContentType>>().toExtend<PrometheusRegistry>();
    const registry = new client.Registry();
    expect(prometheusMetrics({ client, registry }).registry).to.equal(registry);
    expect(api.trace).to.respondTo('setSpan');
  });

  it('what runtime.get(METRICS) gives is a sink', () => {
    using runtime = new LocalRuntime({ plugins: [metricsPlugin({ sink: memoryMetrics() })] });
    expectTypeOf(runtime.get(METRICS)).toEqualTypeOf<MetricsSink>();
  });

  it('instruments are asked for by name', () => {
    const sink = memoryMetrics();
    expectTypeOf(sink.value).parameter(0).toEqualTypeOf<InstrumentName>();
    refused(() => {
      // @ts-expect-error no instrument has that name
      sink.value('lockstep.ruins');
      // @ts-expect-error no label has that name
      sink.value('lockstep.runs', { workflows: 'etl' });
      // @ts-expect-error a plugin without a sink measures for nobody
      metricsPlugin({});
    });
  });
});
