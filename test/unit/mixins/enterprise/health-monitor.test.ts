import { expect } from 'chai';
import { HEALTH_DEFAULTS, type HealthOptions } from '../../../../src/base/resource-options.js';
import { HealthMonitor, type HealthReadings } from '../../../../src/mixins/enterprise/health-monitor.js';

const fine: HealthReadings = {
  heapShare: 0.1,
  rssBytes: 1,
  eventLoopDelayMs: 0,
  failureShare: 0,
  openBreakers: 0,
  waitingAttempts: 0,
};

/** The level of one reading, and the limit that it reached. */
function levelOf(options: HealthOptions, name: keyof HealthOptions, value: number) {
  const { checks, level } = new HealthMonitor(options).check({ ...fine, [name]: value }, 7);
  const found = checks.find((check) => check.name === name);
  expect(found?.level, 'as well as the worst').to.equal(level);
  expect(found?.value).to.equal(value);
  return [found?.level, found?.crossed];
}

describe('HealthMonitor', () => {
  it('shows every reading with its unit and threshold, and when it was taken', () => {
    expect(new HealthMonitor({}).check(fine, 1_234)).to.deep.equal({
      level: 'healthy',
      checkedAt: 1_234,
      checks: [
        ['heapShare', 0.1, 'share', { degraded: 0.8, unhealthy: 0.95 }],
        ['rssBytes', 1, 'bytes', {}],
        ['eventLoopDelayMs', 0, 'ms', { degraded: 100, unhealthy: 1_000 }],
        ['failureShare', 0, 'share', { degraded: 0.1, unhealthy: 0.5 }],
        ['openBreakers', 0, 'count', { degraded: 1 }],
        ['waitingAttempts', 0, 'count', {}],
      ].map(([name, value, unit, threshold]) => ({
        name,
        level: 'healthy',
        value,
        unit,
        threshold,
        crossed: null,
      })),
    });
  });

  const boundaries: readonly (readonly [keyof HealthOptions, number, string, number | null])[] = [
    ['heapShare', 0.79, 'healthy', null],
    ['heapShare', 0.8, 'degraded', 0.8],
    ['heapShare', 0.94, 'degraded', 0.8],
    ['heapShare', 0.95, 'unhealthy', 0.95],
    ['rssBytes', Number.MAX_VALUE, 'healthy', null],
    ['eventLoopDelayMs', 99.9, 'healthy', null],
    ['eventLoopDelayMs', 100, 'degraded', 100],
    ['eventLoopDelayMs', 1_000, 'unhealthy', 1_000],
    ['failureShare', 0.09, 'healthy', null],
    ['failureShare', 0.1, 'degraded', 0.1],
    ['failureShare', 0.5, 'unhealthy', 0.5],
    ['openBreakers', 1, 'degraded', 1],
    ['openBreakers', 1_000, 'degraded', 1],
    ['waitingAttempts', 1_000, 'healthy', null],
  ];
  for (const [name, value, level, crossed] of boundaries) {
    it(`calls ${name} of ${value} ${level} by default`, () => {
      expect(levelOf({}, name, value)).to.deep.equal([level, crossed]);
    });
  }

  it('holds readings against the thresholds that it was given, each as a whole', () => {
    const options = { rssBytes: { degraded: 10, unhealthy: 20 }, heapShare: { unhealthy: 0.5 } };
    expect(levelOf(options, 'rssBytes', 9)).to.deep.equal(['healthy', null]);
    expect(levelOf(options, 'rssBytes', 10)).to.deep.equal(['degraded', 10]);
    expect(levelOf(options, 'rssBytes', 20)).to.deep.equal(['unhealthy', 20]);
    expect(levelOf(options, 'heapShare', 0.49)).to.deep.equal(['healthy', null]);
    expect(levelOf(options, 'heapShare', 0.5)).to.deep.equal(['unhealthy', 0.5]);
    const { thresholds } = new HealthMonitor(options);
    expect(thresholds).to.deep.equal({ ...HEALTH_DEFAULTS, ...options });
  });

  it('is as well as the worst of its readings, whichever comes first', () => {
    const monitor = new HealthMonitor({});
    expect(monitor.check({ ...fine, openBreakers: 1 }, 0).level).to.equal('degraded');
    expect(monitor.check({ ...fine, heapShare: 0.8, failureShare: 0.5 }, 0).level).to.equal('unhealthy');
    expect(monitor.check({ ...fine, heapShare: 0.95, failureShare: 0.1 }, 0).level).to.equal('unhealthy');
  });

  it('looks at the last 100 runs', () => {
    const monitor = new HealthMonitor({});
    expect([monitor.runs, monitor.failureShare]).to.deep.equal([0, 0]);
    monitor.noteRun(true);
    expect([monitor.runs, monitor.failureShare]).to.deep.equal([1, 1]);
    for (let count = 1; count <= 99; count++) monitor.noteRun(count % 9 === 0);
    expect([monitor.runs, monitor.failureShare]).to.deep.equal([100, 0.12]);
    monitor.noteRun(false); // in the place of the first, which failed
    expect([monitor.runs, monitor.failureShare]).to.deep.equal([100, 0.11]);
    for (let count = 0; count < 100; count++) monitor.noteRun(true);
    expect([monitor.runs, monitor.failureShare]).to.deep.equal([100, 1]);
  });
});
