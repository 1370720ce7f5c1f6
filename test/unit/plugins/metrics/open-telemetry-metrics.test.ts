import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { expect } from 'chai';
import { LocalRuntime } from '../../../../src/index.js';
import { ALL_INSTRUMENTS, LABELS, metricsPlugin, openTelemetryMetrics } from '../../../../src/plugins/metrics/index.js';
import { VirtualClock } from '../../../../src/testing/virtual-clock.js';
import { metricsSinkContract } from '../../../contract/metrics-sink.js';
import { refusal } from '../../../support/caught.js';
import { failing, straight } from '../../../support/metered-workflows.js';
import { distributionText, seriesText } from '../../../support/metric-lines.js';
import { withoutPackage } from '../../../support/without-package.js';

const providers: MeterProvider[] = [];

/** The SDK, exporting into memory. */
function sdk() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1_000_000 });
  const provider = new MeterProvider({ readers: [reader] });
  providers.push(provider);
  const collected = async (): Promise<readonly MetricData[]> => {
    await reader.forceFlush();
    return (exporter.getMetrics().at(-1)?.scopeMetrics ?? []).flatMap((scope) => scope.metrics);
  };
  return { provider, collected };
}

const LABEL_OF = new Map(Object.entries(LABELS).map(([name, { attribute }]) => [attribute, name]));

function linesOf(data: readonly MetricData[]): readonly string[] {
  return data.flatMap((metric) => {
    const { name } = metric.descriptor;
    const labelled = (attributes: object) =>
      Object.fromEntries(Object.entries(attributes).map(([key, value]) => [LABEL_OF.get(key) ?? key, value]));
    if (metric.dataPointType === DataPointType.HISTOGRAM)
      return metric.dataPoints.map(({ attributes, value: { count, sum, buckets } }) => {
        let below = 0;
        const cumulated = buckets.counts.map((inside, at) => {
          below += inside;
          return { le: buckets.boundaries[at] ?? Number.POSITIVE_INFINITY, count: below };
        });
        return seriesText(name, labelled(attributes), distributionText(count, sum ?? -1, cumulated));
      });
    if (metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM) throw new Error(`${name} is exponential`);
    return metric.dataPoints.map(({ attributes, value }) => seriesText(name, labelled(attributes), String(value)));
  });
}

metricsSinkContract('openTelemetryMetrics', () => {
  const { provider, collected } = sdk();
  return {
    sink: openTelemetryMetrics({ meter: provider.getMeter('test') }),
    read: async () => linesOf(await collected()),
  };
});

after(async () => {
  await Promise.all(providers.map((provider) => provider.shutdown()));
});

describe('openTelemetryMetrics', () => {
  it('gives instruments the name, unit, description and kind of the table', async () => {
    const { provider, collected } = sdk();
    const sink = openTelemetryMetrics({ meter: provider.getMeter('test') });
    for (const instrument of ALL_INSTRUMENTS) {
      if (instrument.kind === 'histogram') sink.record(instrument, 1, {});
      else if (instrument.kind === 'state') sink.set(instrument, 1, {});
      else sink.add(instrument, 1, {});
    }
    const kinds = new Map([
      [`${DataPointType.HISTOGRAM}`, 'histogram'],
      [`${DataPointType.GAUGE}`, 'state'],
      [`${DataPointType.SUM} true`, 'counter'],
      [`${DataPointType.SUM} false`, 'gauge'],
    ]);
    const found = (await collected()).map((metric) => {
      const { name, unit, description } = metric.descriptor;
      const type = `${metric.dataPointType}${'isMonotonic' in metric ? ` ${metric.isMonotonic}` : ''}`;
      return { name, unit, description, kind: kinds.get(type) };
    });
    expect(found).to.deep.equal(
      ALL_INSTRUMENTS.map(({ name, unit, description, kind }) => ({ name, unit, description, kind })),
    );
  });

  it('tells series apart by the attributes of the conventions', async () => {
    const { provider, collected } = sdk();
    const clock = new VirtualClock();
    const sink = openTelemetryMetrics({ meter: provider.getMeter('test') });
    using runtime = new LocalRuntime({ plugins: [metricsPlugin({ sink, nodes: true })], clock });
    runtime.settle(failing(clock));
    const errors = (await collected()).find(({ descriptor }) => descriptor.name === 'lockstep.attempt.errors');
    expect(errors?.dataPoints.map(({ attributes }) => attributes)).to.deep.equal([
      {
        'lockstep.workflow.name': 'failing',
        'lockstep.executor': 'function.lockstep.fn',
        'lockstep.node.id': 'bad',
        'error.type': 'other',
      },
    ]);
  });

  it('advises the SDK about the buckets that it is given', async () => {
    const { provider, collected } = sdk();
    const clock = new VirtualClock();
    const sink = openTelemetryMetrics({ meter: provider.getMeter('test'), buckets: [0.25, 1] });
    using runtime = new LocalRuntime({ plugins: [metricsPlugin({ sink })], clock });
    runtime.execute(straight(clock));
    expect(linesOf(await collected())).to.include(
      'lockstep.run.duration{status=completed,workflow=straight} 1 in 0.3, 1 to 1',
    );
  });

  it('asks the API for a meter where it is given none', async () => {
    const { provider, collected } = sdk();
    metrics.setGlobalMeterProvider(provider);
    const clock = new VirtualClock();
    using runtime = new LocalRuntime({ plugins: [metricsPlugin({ sink: openTelemetryMetrics() })], clock });
    metrics.disable();
    runtime.execute(straight(clock));
    expect(linesOf(await collected())).to.include('lockstep.runs{status=completed,workflow=straight} 1');
  });

  it('refuses what is no meter and no option', () => {
    const wrong = (options: object) => refusal(() => openTelemetryMetrics(options));
    expect(wrong({ meter: {} })).to.include({ code: 'INVALID_OPTION', at: 'openTelemetryMetrics.meter' });
    expect(wrong({ meter: 1 })).to.include({ code: 'INVALID_OPTION', at: 'openTelemetryMetrics.meter' });
    expect(wrong({ buckets: [] })).to.include({ code: 'INVALID_OPTION', at: 'openTelemetryMetrics.buckets' });
    expect(wrong({ meters: 1 })).to.include({ code: 'UNKNOWN_OPTION' });
  });

  it('says what to install where the package is missing, and needs none where a meter is passed', () => {
    const { provider } = sdk();
    withoutPackage('@opentelemetry/api', () => {
      const { code, message } = refusal(() => openTelemetryMetrics());
      expect(code).to.equal('PACKAGE_MISSING');
      expect(message).to.contain('Run "npm install @opentelemetry/api", or pass meter.');
      expect(() => openTelemetryMetrics({ meter: provider.getMeter('test') })).to.not.throw();
    });
  });
});
