import { expect } from 'chai';
import * as client from 'prom-client';
import { LocalRuntime } from '../../../../src/index.js';
import {
  ALL_INSTRUMENTS,
  METRICS,
  metricsPlugin,
  prometheusMetrics,
  prometheusName,
} from '../../../../src/plugins/metrics/index.js';
import { VirtualClock } from '../../../../src/testing/virtual-clock.js';
import { metricsSinkContract } from '../../../contract/metrics-sink.js';
import { refusal } from '../../../support/caught.js';
import { straight } from '../../../support/metered-workflows.js';
import { distributionText, seriesText } from '../../../support/metric-lines.js';
import { withoutPackage } from '../../../support/without-package.js';

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples of the text that Prometheus would collect. */
function samplesOf(text: string): readonly Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, inside = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) return [];
    const labels = Object.fromEntries([...inside.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => [key, text]));
    return [{ name, labels, value: Number(value) }];
  });
}

function linesOf(samples: readonly Sample[]): readonly string[] {
  return ALL_INSTRUMENTS.flatMap((instrument) => {
    const name = prometheusName(instrument);
    if (instrument.kind !== 'histogram')
      return samples
        .filter((sample) => sample.name === name)
        .map(({ labels, value }) => seriesText(instrument.name, labels, String(value)));
    return samples
      .filter((sample) => sample.name === `${name}_count`)
      .map(({ labels, value: count }) => {
        const same = (suffix: string) =>
          samples.filter((sample) => {
            const { le: _, ...own } = sample.labels;
            return sample.name === name + suffix && seriesText('', own, '') === seriesText('', labels, '');
          });
        const buckets = same('_bucket').map(({ labels: { le = '' }, value: below }) => {
          return { le: Number(le.replace('+Inf', 'Infinity')), count: below };
        });
        return seriesText(instrument.name, labels, distributionText(count, same('_sum')[0]?.value ?? -1, buckets));
      });
  });
}

metricsSinkContract('prometheusMetrics', () => {
  const sink = prometheusMetrics();
  return { sink, read: async () => linesOf(samplesOf(await sink.text())) };
});

describe('prometheusMetrics', () => {
  it('writes the text that Prometheus collects', async () => {
    const clock = new VirtualClock();
    const sink = prometheusMetrics({ buckets: [0.25, 1] });
    using runtime = new LocalRuntime({ plugins: [metricsPlugin({ sink })], clock });
    runtime.execute(straight(clock));

    const text = await sink.text();

    expect(sink.contentType).to.equal('text/plain; version=0.0.4; charset=utf-8');
    expect(text).to.contain(
      [
        '# HELP lockstep_runs_total Runs that ended.',
        '# TYPE lockstep_runs_total counter',
        'lockstep_runs_total{workflow="straight",status="completed"} 1',
        '',
      ].join('\n'),
    );
    expect(text).to.contain(
      [
        '# TYPE lockstep_run_duration_seconds histogram',
        'lockstep_run_duration_seconds_bucket{le="0.25",workflow="straight",status="completed"} 0',
        'lockstep_run_duration_seconds_bucket{le="1",workflow="straight",status="completed"} 1',
        'lockstep_run_duration_seconds_bucket{le="+Inf",workflow="straight",status="completed"} 1',
        'lockstep_run_duration_seconds_sum{workflow="straight",status="completed"} 0.3',
        'lockstep_run_duration_seconds_count{workflow="straight",status="completed"} 1',
        '',
      ].join('\n'),
    );
    expect(text).to.contain('# TYPE lockstep_run_active gauge\nlockstep_run_active{workflow="straight"} 0\n');
  });

  it('names the counters as OpenMetrics does where the registry writes that', async () => {
    const registry = new client.Registry();
    registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE as never);
    const sink = prometheusMetrics({ registry, client });
    using runtime = new LocalRuntime({ plugins: [metricsPlugin({ sink })] });
    runtime.execute(straight(new VirtualClock()));
    expect(await sink.text()).to.contain(
      '# TYPE lockstep_runs counter\nlockstep_runs_total{workflow="straight",status="completed"} 1\n',
    );
    expect(sink.contentType).to.match(/^application\/openmetrics-text/);
  });

  it('registers every instrument in the registry that it is given, and nowhere else', () => {
    const registry = new client.Registry();
    const sink = prometheusMetrics({ registry });
    expect(sink.registry).to.equal(registry);
    expect(registry.getMetricsAsArray().map(({ name }) => name)).to.deep.equal(ALL_INSTRUMENTS.map(prometheusName));
    expect(client.register.getMetricsAsArray()).to.deep.equal([]);
  });

  it('is what runtime.get(METRICS) gives', () => {
    const sink = prometheusMetrics();
    using runtime = new LocalRuntime({ plugins: [metricsPlugin({ sink })] });
    expect(runtime.get(METRICS)).to.equal(sink);
  });

  it('refuses a registry that another sink has filled, and leaves it as it was', () => {
    const registry = new client.Registry();
    registry.registerMetric(new client.Gauge({ name: 'lockstep_breaker_state', help: 'mine', registers: [] }));
    expect(refusal(() => prometheusMetrics({ registry }))).to.deep.equal({
      code: 'INVALID_OPTION',
      at: 'prometheusMetrics.registry',
      message:
        'prometheusMetrics.registry has a metric lockstep_breaker_state already: share one sink between runtimes. Correct the named option.',
    });
    expect(registry.getMetricsAsArray()).to.have.length(1);
  });

  it('refuses what is no registry, no client and no option', () => {
    const wrong = (options: object) => refusal(() => prometheusMetrics(options));
    expect(wrong({ registry: {} })).to.include({ code: 'INVALID_OPTION', at: 'prometheusMetrics.registry' });
    expect(wrong({ registry: null })).to.include({ code: 'INVALID_OPTION', at: 'prometheusMetrics.registry' });
    expect(wrong({ client: {} })).to.include({ code: 'INVALID_OPTION', at: 'prometheusMetrics.client' });
    expect(wrong({ client: null })).to.include({ code: 'INVALID_OPTION', at: 'prometheusMetrics.client' });
    expect(wrong({ buckets: [] })).to.include({ code: 'INVALID_OPTION', at: 'prometheusMetrics.buckets' });
    expect(wrong({ register: 1 })).to.include({ code: 'UNKNOWN_OPTION' });
  });

  it('says what to install where the package is missing, and needs none where the client is passed', () => {
    withoutPackage('prom-client', () => {
      expect(refusal(() => prometheusMetrics())).to.deep.equal({
        code: 'PACKAGE_MISSING',
        at: 'prometheusMetrics',
        message:
          'prometheusMetrics needs the package prom-client, which could not be loaded. Run "npm install prom-client", or pass client. Install the named package; Lockstep does not bring it with it.',
      });
      expect(() => prometheusMetrics({ client })).to.not.throw();
    });
  });
});
