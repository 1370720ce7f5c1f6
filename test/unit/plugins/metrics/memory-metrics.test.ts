import { expect } from 'chai';
import { LocalRuntime } from '../../../../src/index.js';
import { INSTRUMENTS, memoryMetrics, metricsPlugin } from '../../../../src/plugins/metrics/index.js';
import { VirtualClock } from '../../../../src/testing/virtual-clock.js';
import { metricsSinkContract } from '../../../contract/metrics-sink.js';
import { refusal } from '../../../support/caught.js';
import { retrying, straight } from '../../../support/metered-workflows.js';
import { distributionText, seriesText } from '../../../support/metric-lines.js';

metricsSinkContract('memoryMetrics', () => {
  const sink = memoryMetrics();
  return {
    sink,
    read: async () =>
      sink.series().map(({ name, labels, ...series }) => {
        if (series.kind !== 'histogram') return seriesText(name, labels, String(series.value));
        const { count, sum, buckets } = series.value;
        return seriesText(name, labels, distributionText(count, sum, buckets));
      }),
  };
});

describe('memoryMetrics', () => {
  function measured() {
    const clock = new VirtualClock();
    const sink = memoryMetrics();
    using runtime = new LocalRuntime({ plugins: [metricsPlugin({ sink })], clock });
    runtime.execute(retrying(clock));
    runtime.execute(straight(clock));
    return sink;
  }

  it('sums a counter over all series that have the labels that are asked for', () => {
    const sink = measured();
    expect(sink.value('lockstep.runs')).to.equal(2);
    expect(sink.value('lockstep.attempts', { workflow: 'retrying' })).to.equal(3);
    expect(sink.value('lockstep.attempts', { workflow: 'retrying', status: 'failed' })).to.equal(2);
    expect(sink.value('lockstep.attempts', { workflow: 'unknown' })).to.equal(0);
  });

  it('merges the series of a histogram', () => {
    const durations = measured().histogram('lockstep.run.duration');
    expect(durations).to.deep.include({ count: 2, min: 0.3, max: 2.3 });
    expect(durations.sum).to.be.closeTo(2.6, 1e-9);
    expect(durations.buckets.filter(({ le }) => le === 0.25 || le === 0.5 || le === 2.5 || le > 3600)).to.deep.equal([
      { le: 0.25, count: 0 },
      { le: 0.5, count: 1 },
      { le: 2.5, count: 2 },
      { le: Number.POSITIVE_INFINITY, count: 2 },
    ]);
  });

  it('shows an empty histogram where nothing was measured', () => {
    expect(memoryMetrics({ buckets: [1] }).histogram('lockstep.run.duration')).to.deep.equal({
      count: 0,
      sum: 0,
      min: Number.POSITIVE_INFINITY,
      max: Number.NEGATIVE_INFINITY,
      buckets: [
        { le: 1, count: 0 },
        { le: Number.POSITIVE_INFINITY, count: 0 },
      ],
    });
  });

  it('uses the buckets that it is given', () => {
    const sink = memoryMetrics({ buckets: [0.1, 0.2] });
    sink.record(INSTRUMENTS.runDuration, 0.2, {});
    sink.record(INSTRUMENTS.runDuration, 0.15, {});
    expect(sink.histogram('lockstep.run.duration')).to.include({ min: 0.15, max: 0.2 });
    expect(sink.histogram('lockstep.run.duration').buckets).to.deep.equal([
      { le: 0.1, count: 0 },
      { le: 0.2, count: 2 },
      { le: Number.POSITIVE_INFINITY, count: 2 },
    ]);
  });

  it('refuses questions that every answer would be 0 to', () => {
    const sink = memoryMetrics();
    expect(refusal(() => sink.value('lockstep.run' as 'lockstep.runs'))).to.deep.equal({
      code: 'INVALID_OPTION',
      at: 'memoryMetrics.value',
      message:
        'memoryMetrics.value: There is no instrument "lockstep.run" here. Did you mean "lockstep.runs"? Correct the named option.',
    });
    expect(refusal(() => sink.value('lockstep.run.duration'))).to.deep.equal({
      code: 'INVALID_OPTION',
      at: 'memoryMetrics.value',
      message:
        'memoryMetrics.value: "lockstep.run.duration" is a histogram: ask histogram(). Correct the named option.',
    });
    expect(refusal(() => sink.histogram('lockstep.runs')).message).to.equal(
      'memoryMetrics.histogram: "lockstep.runs" is a counter: ask value(). Correct the named option.',
    );
    expect(refusal(() => sink.value('lockstep.runs', { node: 'a' }))).to.include({ code: 'UNKNOWN_OPTION' });
  });

  it('refuses options that it does not have, and buckets that are none', () => {
    expect(refusal(() => memoryMetrics({ bucket: [1] } as object))).to.include({ code: 'UNKNOWN_OPTION' });
    for (const buckets of [[], [1, 1], [2, 1], [Number.NaN], [1, Number.POSITIVE_INFINITY], 1, null])
      expect(refusal(() => memoryMetrics({ buckets: buckets as number[] }))).to.include({
        code: 'INVALID_OPTION',
        at: 'memoryMetrics.buckets',
      });
  });
});
