import { expect } from 'chai';
import type { Readings } from '../../../src/base/ports.js';
import { HEALTH_DEFAULTS } from '../../../src/base/resource-options.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { VirtualClock } from '../../../src/testing/index.js';
import { refusal } from '../../support/caught.js';
import { everyWay } from '../../support/every-way.js';
import { fetching, single, tell, withSession } from '../../support/governed.js';

/** Readings that a test can change. */
function readingsOf(heapUsedBytes = 10, delayMs = 0) {
  const now = { heapUsedBytes, delayMs, rssBytes: 300 };
  const readings: Readings = {
    memory: () => ({ rssBytes: now.rssBytes, heapUsedBytes: now.heapUsedBytes, heapLimitBytes: 100 }),
    eventLoopDelayMs: () => now.delayMs,
  };
  return { now, readings };
}

describe('getHealthStatus', () => {
  it(
    'is concluded from readings of the moment, each with its threshold and the limit that it reached',
    everyWay((run) => {
      const { now, readings } = readingsOf();
      return withSession(run, { readings }, async ({ runtime, clock }) => {
        expect(runtime.getHealthStatus()).to.deep.include({ level: 'healthy', checkedAt: clock.now() });
        now.heapUsedBytes = 80;
        now.delayMs = 1_500;
        clock.advance(5);
        const { level, checks, checkedAt } = runtime.getHealthStatus();
        expect([level, checkedAt]).to.deep.equal(['unhealthy', clock.now()]);
        expect(checks.map(({ name, level: each, value, crossed }) => [name, each, value, crossed])).to.deep.equal([
          ['heapShare', 'degraded', 0.8, 0.8],
          ['rssBytes', 'healthy', 300, null],
          ['eventLoopDelayMs', 'unhealthy', 1_500, 1_000],
          ['failureShare', 'healthy', 0, null],
          ['openBreakers', 'healthy', 0, null],
          ['waitingAttempts', 'healthy', 0, null],
        ]);
        now.heapUsedBytes = 10;
        now.delayMs = 0;
        expect(runtime.getHealthStatus().level).to.equal('healthy');
      });
    }),
  );

  it(
    'looks at the runs that ended, those that failed, not those that were cancelled, and at breakers that are open',
    everyWay((run) => {
      const { readings } = readingsOf();
      return withSession(
        run,
        { readings, executors: { 'function.fetch': { breaker: { failures: 2, openMs: 10 } } } },
        async (session) => {
          const { runtime } = session;
          const level = (name: string) => {
            const check = runtime.getHealthStatus().checks.find((each) => each.name === name);
            return [check?.value, check?.level];
          };
          const w = workflow('failing');
          w.fn('step', {}, () => {
            throw new Error('always');
          });
          const failing = w.build();
          const flow = single(fetching());
          await tell(session, flow, 'ok', 'ok', 'ok', 'ok', 'ok');
          await session.settle(flow, { how: 'ok' }, { signal: AbortSignal.abort(new Error('enough')) });
          expect(level('failureShare')).to.deep.equal([0, 'healthy']);
          await session.settle(failing);
          expect(level('failureShare')).to.deep.equal([1 / 7, 'degraded']);
          for (let count = 1; count <= 5; count++) await session.settle(failing);
          expect(level('failureShare')).to.deep.equal([0.5, 'unhealthy']);
          await tell(session, flow, 'fail', 'fail');
          expect(level('openBreakers')).to.deep.equal([1, 'degraded']);
          session.clock.advance(10);
          await tell(session, flow, 'ok');
          expect(level('openBreakers'), 'half-open').to.deep.equal([0, 'healthy']);
        },
      );
    }),
  );

  it(
    'takes thresholds of the runtime',
    everyWay((run) => {
      const { readings } = readingsOf(50, 7);
      const health = {
        heapShare: { degraded: 0.4, unhealthy: 0.6 },
        rssBytes: { unhealthy: 300 },
        eventLoopDelayMs: {},
      };
      return withSession(run, { readings, health }, ({ runtime }) => {
        const levels = runtime.getHealthStatus().checks.map(({ level }) => level);
        expect(levels.slice(0, 3)).to.deep.equal(['degraded', 'unhealthy', 'healthy']);
      });
    }),
  );
});

describe('initializeHealthMonitor', () => {
  it(
    'replaces the thresholds, and forgets how the last runs ended',
    everyWay((run) => {
      const { readings } = readingsOf(50);
      return withSession(run, { readings, health: { rssBytes: { degraded: 1 } } }, async (session) => {
        const { runtime } = session;
        const w = workflow('failing');
        w.fn('step', {}, () => {
          throw new Error('always');
        });
        await session.settle(w.build());
        expect(runtime.getHealthStatus().level).to.equal('unhealthy');
        const options = { heapShare: { degraded: 0.5 } };
        const monitor = runtime.initializeHealthMonitor(options);
        options.heapShare.degraded = 0.9;
        expect(monitor.thresholds).to.deep.equal({ ...HEALTH_DEFAULTS, heapShare: { degraded: 0.5 } });
        expect(monitor.runs).to.equal(0);
        const { level, checks } = runtime.getHealthStatus();
        expect([level, checks[0]?.crossed]).to.deep.equal(['degraded', 0.5]);
        expect(runtime.initializeHealthMonitor().thresholds).to.deep.equal(HEALTH_DEFAULTS);
        expect(runtime.getHealthStatus().level).to.equal('healthy');
      });
    }),
  );

  it('refuses thresholds that are none, here and as an option', () => {
    const wrong: readonly (readonly [unknown, string, string])[] = [
      [{ heapShare: { degraded: -0.1 } }, 'INVALID_OPTION', 'heapShare.degraded'],
      [{ heapShare: { degraded: Number.NaN } }, 'INVALID_OPTION', 'heapShare.degraded'],
      [{ rssBytes: { unhealthy: Number.POSITIVE_INFINITY } }, 'INVALID_OPTION', 'rssBytes.unhealthy'],
      [{ failureShare: { degraded: 0.5, unhealthy: 0.4 } }, 'INVALID_OPTION', 'failureShare.unhealthy'],
      [{ failureShare: { unhealthy: -1 } }, 'INVALID_OPTION', 'failureShare.unhealthy'],
      [{ openBreakers: { most: 1 } }, 'UNKNOWN_OPTION', 'openBreakers'],
      [{ openBreakers: 1 }, 'INVALID_OPTION', 'openBreakers'],
      [{ openBreakers: null }, 'INVALID_OPTION', 'openBreakers'],
      [{ heap: {} }, 'UNKNOWN_OPTION', ''],
      [null, 'INVALID_OPTION', ''],
      [[], 'INVALID_OPTION', ''],
    ];
    using runtime = new LocalRuntime();
    for (const [options, code, at] of wrong) {
      const place = (of: string): string => (at === '' ? of : `${of}.${at}`);
      const refused = refusal(() => runtime.initializeHealthMonitor(options as never));
      expect([refused.code, refused.at], JSON.stringify(options)).to.deep.equal([
        code,
        place('initializeHealthMonitor'),
      ]);
      const asOption = refusal(() => new LocalRuntime({ health: options } as never));
      expect([asOption.code, asOption.at], JSON.stringify(options)).to.deep.equal([code, place('runtime.health')]);
    }
    expect(() => runtime.initializeHealthMonitor({ openBreakers: undefined } as never)).not.to.throw();
    expect(() => runtime.initializeHealthMonitor({ failureShare: { degraded: 0.5, unhealthy: 0.5 } })).not.to.throw();
  });
});

describe('getHealthDiagnostics', () => {
  it(
    'says what is wrong in words, and what it was concluded from',
    everyWay((run) => {
      const { now, readings } = readingsOf();
      return withSession(
        run,
        { readings, executors: { 'function.fetch': { breaker: { failures: 1 } } } },
        async (session) => {
          const { runtime } = session;
          expect(runtime.getHealthDiagnostics().worries).to.deep.equal([]);
          await tell(session, single(fetching()), 'ok', 'fail');
          now.heapUsedBytes = 96;
          const diagnostics = runtime.getHealthDiagnostics();
          expect(diagnostics.worries).to.deep.equal([
            'heapShare is 0.96 (share) and unhealthy from 0.95 on.',
            'openBreakers is 1 (count) and degraded from 1 on.',
          ]);
          expect(diagnostics.level).to.equal('unhealthy');
          expect(diagnostics.checks).to.have.length(6);
          expect(diagnostics.runs).to.deep.equal({ seen: 2, failureShare: 0 });
          expect(diagnostics.breakers).to.deep.equal(runtime.getCircuitBreakers().list());
          expect(diagnostics.resources).to.deep.equal(runtime.getResourceMetrics());
          expect(diagnostics.resources.memory).to.deep.equal({ rssBytes: 300, heapUsedBytes: 96, heapLimitBytes: 100 });
        },
      );
    }),
  );
});

describe('the section of the enterprise mixin in a performance report', () => {
  it('holds retries, resources, breakers and health', () => {
    class Reporting extends LocalRuntime {
      sections(): Readonly<Record<string, object>> {
        return this.performanceSections();
      }
    }
    const { readings } = readingsOf();
    using runtime = new Reporting({ readings, clock: new VirtualClock(), capabilities: { breaker: {}, retry: {} } });
    runtime.settle(single(fetching()), { how: 'fail' });
    expect(runtime.sections()).to.deep.include({
      enterprise: {
        retries: runtime.getRetryAnalytics(),
        resources: runtime.getResourceMetrics(),
        breakers: runtime.getCircuitBreakers().list(),
        health: runtime.getHealthStatus(),
      },
    });
  });
});
