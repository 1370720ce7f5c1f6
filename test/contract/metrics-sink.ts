import { expect } from 'chai';
import type { Workflow } from '../../src/base/workflow.js';
import type { MetricsSink } from '../../src/plugins/metrics/index.js';
import { metricsPlugin } from '../../src/plugins/metrics/index.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { seededIds, seededRandom } from '../../src/testing/seeded.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { advanceUntil } from '../../src/testing/virtual-drive.js';
import {
  branching,
  cancelling,
  cycling,
  failing,
  gated,
  nesting,
  retrying,
  straight,
} from '../support/metered-workflows.js';
import { CACHED, Telling } from '../support/telling.js';

/** A backend under test. */
export interface SinkUnderTest {
  readonly sink: MetricsSink;
  /**
   * What the backend itself shows, one line a series: `name{label=value,…} value`, labels sorted, names as in the table of
   * instruments; a histogram as `count in sum`, followed by `, n to bound` for every bucket that is not empty.
   */
  read(): Promise<readonly string[]>;
}

type Drive = (workflow: (clock: VirtualClock) => Workflow, between?: (runtime: Driven) => void) => Promise<void>;
type Driven = LocalRuntime | AsyncLocalRuntime;

/** What every backend must show of the same runs. */
export function metricsSinkContract(name: string, make: () => SinkUnderTest | Promise<SinkUnderTest>): void {
  describe(`${name}, as a sink`, () => {
    for (const [where, Runtime] of [
      ['LocalRuntime', LocalRuntime],
      ['AsyncLocalRuntime', AsyncLocalRuntime],
    ] as const) {
      describe(`of ${where}`, () => {
        let tested: SinkUnderTest;
        let clock: VirtualClock;
        let controller: AbortController;
        let runtime: Driven;

        beforeEach(async () => {
          tested = await make();
          clock = new VirtualClock();
          controller = new AbortController();
          runtime = new Runtime({
            plugins: [metricsPlugin({ sink: tested.sink })],
            clock,
            ids: seededIds(),
            random: seededRandom(1),
          });
        });

        afterEach(() => runtime.close());

        const drive: Drive = async (workflow) => {
          const options = { signal: controller.signal, runId: 'r' };
          await advanceUntil(async () => runtime.settle(workflow(clock), undefined, options), clock);
        };

        it('counts and times runs and attempts', async () => {
          await drive(straight);
          await drive(straight);
          expect(await tested.read()).to.have.members([
            'lockstep.runs{status=completed,workflow=straight} 2',
            'lockstep.run.duration{status=completed,workflow=straight} 2 in 0.6, 2 to 0.5',
            'lockstep.run.active{workflow=straight} 0',
            'lockstep.attempts{executor=function.read,status=completed,workflow=straight} 2',
            'lockstep.attempts{executor=function.write,status=completed,workflow=straight} 2',
            'lockstep.attempt.duration{executor=function.read,status=completed,workflow=straight} 2 in 0.2, 2 to 0.1',
            'lockstep.attempt.duration{executor=function.write,status=completed,workflow=straight} 2 in 0.4, 2 to 0.25',
          ]);
        });

        it('counts only the branch that was taken', async () => {
          await drive(branching);
          expect(await tested.read()).to.have.members([
            'lockstep.runs{status=completed,workflow=branching} 1',
            'lockstep.run.duration{status=completed,workflow=branching} 1 in 0.075, 1 to 0.1',
            'lockstep.run.active{workflow=branching} 0',
            'lockstep.attempts{executor=function.read,status=completed,workflow=branching} 1',
            'lockstep.attempts{executor=switch,status=completed,workflow=branching} 1',
            'lockstep.attempts{executor=function.rough,status=completed,workflow=branching} 1',
            'lockstep.attempt.duration{executor=function.read,status=completed,workflow=branching} 1 in 0.05, 1 to 0.05',
            'lockstep.attempt.duration{executor=switch,status=completed,workflow=branching} 1 in 0, 1 to 0.001',
            'lockstep.attempt.duration{executor=function.rough,status=completed,workflow=branching} 1 in 0.025, 1 to 0.05',
          ]);
        });

        it('counts every visit of a cycle', async () => {
          await drive(cycling);
          expect(await tested.read()).to.have.members([
            'lockstep.runs{status=completed,workflow=cycling} 1',
            'lockstep.run.duration{status=completed,workflow=cycling} 1 in 0.03, 1 to 0.05',
            'lockstep.run.active{workflow=cycling} 0',
            'lockstep.attempts{executor=function.step,status=completed,workflow=cycling} 3',
            'lockstep.attempt.duration{executor=function.step,status=completed,workflow=cycling} 3 in 0.03, 3 to 0.01',
          ]);
        });

        it('counts retries and what failed before them', async () => {
          await drive(retrying);
          expect(await tested.read()).to.have.members([
            'lockstep.runs{status=completed,workflow=retrying} 1',
            'lockstep.run.duration{status=completed,workflow=retrying} 1 in 2.3, 1 to 2.5',
            'lockstep.run.active{workflow=retrying} 0',
            'lockstep.attempts{executor=function.flaky,status=completed,workflow=retrying} 1',
            'lockstep.attempts{executor=function.flaky,status=failed,workflow=retrying} 2',
            'lockstep.attempt.duration{executor=function.flaky,status=completed,workflow=retrying} 1 in 0.1, 1 to 0.1',
            'lockstep.attempt.duration{executor=function.flaky,status=failed,workflow=retrying} 2 in 0.2, 2 to 0.1',
            'lockstep.attempt.retries{executor=function.flaky,workflow=retrying} 2',
            'lockstep.attempt.errors{error_type=FLAKY,executor=function.flaky,workflow=retrying} 2',
          ]);
        });

        it('counts failures by a code, and shows none that is no code', async () => {
          await drive(failing);
          expect(await tested.read()).to.have.members([
            'lockstep.runs{status=failed,workflow=failing} 1',
            'lockstep.run.duration{status=failed,workflow=failing} 1 in 0.02, 1 to 0.05',
            'lockstep.run.active{workflow=failing} 0',
            'lockstep.run.errors{error_type=other,workflow=failing} 1',
            'lockstep.attempts{executor=function.lockstep.fn,status=failed,workflow=failing} 1',
            'lockstep.attempt.duration{executor=function.lockstep.fn,status=failed,workflow=failing} 1 in 0.02, 1 to 0.05',
            'lockstep.attempt.errors{error_type=other,executor=function.lockstep.fn,workflow=failing} 1',
          ]);
        });

        it('counts maps and subworkflows, and what happens inside them under the workflow that was run', async () => {
          await drive(nesting);
          expect(await tested.read()).to.have.members([
            'lockstep.runs{status=completed,workflow=nesting} 1',
            'lockstep.run.duration{status=completed,workflow=nesting} 1 in 0.07, 1 to 0.1',
            'lockstep.run.active{workflow=nesting} 0',
            'lockstep.attempts{executor=map,status=completed,workflow=nesting} 1',
            'lockstep.attempts{executor=function.enrich,status=completed,workflow=nesting} 3',
            'lockstep.attempts{executor=function.lockstep.fn,status=completed,workflow=nesting} 2',
            'lockstep.attempts{executor=subworkflow,status=completed,workflow=nesting} 1',
            'lockstep.attempts{executor=function.slow,status=completed,workflow=nesting} 1',
            'lockstep.attempt.duration{executor=map,status=completed,workflow=nesting} 1 in 0.03, 1 to 0.05',
            'lockstep.attempt.duration{executor=function.enrich,status=completed,workflow=nesting} 3 in 0.03, 3 to 0.01',
            'lockstep.attempt.duration{executor=function.lockstep.fn,status=completed,workflow=nesting} 2 in 0, 2 to 0.001',
            'lockstep.attempt.duration{executor=subworkflow,status=completed,workflow=nesting} 1 in 0.04, 1 to 0.05',
            'lockstep.attempt.duration{executor=function.slow,status=completed,workflow=nesting} 1 in 0.04, 1 to 0.05',
          ]);
        });

        it('counts a cancelled run, and no attempt that never started', async () => {
          await drive((time) => cancelling(time, controller));
          expect(await tested.read()).to.have.members([
            'lockstep.runs{status=cancelled,workflow=cancelling} 1',
            'lockstep.run.duration{status=cancelled,workflow=cancelling} 1 in 0.03, 1 to 0.05',
            'lockstep.run.active{workflow=cancelling} 0',
            'lockstep.attempts{executor=function.lockstep.fn,status=completed,workflow=cancelling} 1',
            'lockstep.attempt.duration{executor=function.lockstep.fn,status=completed,workflow=cancelling} 1 in 0.03, 1 to 0.05',
          ]);
        });

        it('counts a run that waits as one that is not in flight, and as one run when it ends', async () => {
          const flow = gated(clock);
          await drive(() => flow);
          expect(await tested.read()).to.have.members([
            'lockstep.run.active{workflow=gated} 0',
            'lockstep.run.waits{workflow=gated} 1',
            'lockstep.attempts{executor=function.read,status=completed,workflow=gated} 1',
            'lockstep.attempt.duration{executor=function.read,status=completed,workflow=gated} 1 in 0.01, 1 to 0.01',
          ]);

          clock.advance(60_000);
          runtime.approve('r', 'ok');
          await advanceUntil(async () => runtime.resume(flow, 'r'), clock);

          expect(await tested.read()).to.have.members([
            'lockstep.runs{status=completed,workflow=gated} 1',
            'lockstep.run.duration{status=completed,workflow=gated} 1 in 60.01, 1 to 300',
            'lockstep.run.active{workflow=gated} 0',
            'lockstep.run.waits{workflow=gated} 1',
            'lockstep.attempts{executor=function.read,status=completed,workflow=gated} 1',
            'lockstep.attempts{executor=gate,status=completed,workflow=gated} 1',
            'lockstep.attempts{executor=function.lockstep.fn,status=completed,workflow=gated} 1',
            'lockstep.attempt.duration{executor=function.read,status=completed,workflow=gated} 1 in 0.01, 1 to 0.01',
            'lockstep.attempt.duration{executor=gate,status=completed,workflow=gated} 1 in 60, 1 to 60',
            'lockstep.attempt.duration{executor=function.lockstep.fn,status=completed,workflow=gated} 1 in 0, 1 to 0.001',
          ]);
        });
      });
    }

    it('shows how many runs are in flight', async () => {
      const tested = await make();
      using runtime = new Telling({ plugins: [metricsPlugin({ sink: tested.sink })] });
      const started = { workflow: 'w', at: 0, resumed: false };
      runtime.say('started', { ...started, runId: 'a' });
      runtime.say('started', { ...started, runId: 'b' });
      expect(await tested.read()).to.deep.equal(['lockstep.run.active{workflow=w} 2']);
      runtime.say('ended', { ...started, runId: 'a', status: 'waiting', startedAt: 0, error: undefined });
      expect(await tested.read()).to.include('lockstep.run.active{workflow=w} 1');
    });

    it('counts attempts that a cache answered, and does not time them', async () => {
      const tested = await make();
      using runtime = new Telling({ plugins: [metricsPlugin({ sink: tested.sink })] });
      runtime.say('attempt', CACHED);
      expect(await tested.read()).to.have.members([
        'lockstep.attempts{executor=function.costly,status=completed,workflow=caching} 1',
        'lockstep.attempt.cache_hits{executor=function.costly,workflow=caching} 1',
      ]);
    });

    it('counts what breakers do, and shows which state each is in', async () => {
      const tested = await make();
      using runtime = new Telling({ plugins: [metricsPlugin({ sink: tested.sink })] });
      const change = { key: 'function.call', at: 0, reason: '' };
      runtime.say('breaker', { ...change, from: 'closed', to: 'open' });
      runtime.say('breaker', { ...change, from: 'open', to: 'half-open' });
      runtime.say('breaker', { ...change, from: 'half-open', to: 'open' });
      expect(await tested.read()).to.have.members([
        'lockstep.breaker.transitions{breaker=function.call,state=open} 2',
        'lockstep.breaker.transitions{breaker=function.call,state=half-open} 1',
        'lockstep.breaker.state{breaker=function.call,state=closed} 0',
        'lockstep.breaker.state{breaker=function.call,state=open} 1',
        'lockstep.breaker.state{breaker=function.call,state=half-open} 0',
      ]);
    });

    it('tells nodes apart where it is asked to', async () => {
      const tested = await make();
      using runtime = new Telling({ plugins: [metricsPlugin({ sink: tested.sink, nodes: true })] });
      runtime.say('attempt', { ...CACHED, cached: false, endedAt: 20 });
      runtime.say('attempt', { ...CACHED, cached: false, node: 'm' });
      const counts = (await tested.read()).filter((line) => line.startsWith('lockstep.attempts{'));
      expect(counts).to.have.members([
        'lockstep.attempts{executor=function.costly,node=n,status=completed,workflow=caching} 1',
        'lockstep.attempts{executor=function.costly,node=m,status=completed,workflow=caching} 1',
      ]);
    });

    it('counts what is beyond the limit of series as other, and says so once for each instrument', async () => {
      const tested = await make();
      const logged: string[] = [];
      const log = { log: (level: string, message: string) => logged.push(`${level} ${message}`) };
      using runtime = new Telling({ plugins: [metricsPlugin({ sink: tested.sink, maxSeries: 2 })], log });
      for (const workflow of ['a', 'b', 'c', 'd', 'a'])
        for (const status of ['completed', 'failed'] as const)
          runtime.say('attempt', { ...CACHED, cached: false, endedAt: 40, workflow, status });
      expect(await tested.read()).to.have.members([
        'lockstep.attempts{executor=function.costly,status=completed,workflow=a} 2',
        'lockstep.attempts{executor=function.costly,status=failed,workflow=a} 2',
        'lockstep.attempts{executor=other,status=completed,workflow=other} 3',
        'lockstep.attempts{executor=other,status=failed,workflow=other} 3',
        'lockstep.attempt.duration{executor=function.costly,status=completed,workflow=a} 2 in 0.08, 2 to 0.05',
        'lockstep.attempt.duration{executor=function.costly,status=failed,workflow=a} 2 in 0.08, 2 to 0.05',
        'lockstep.attempt.duration{executor=other,status=completed,workflow=other} 3 in 0.12, 3 to 0.05',
        'lockstep.attempt.duration{executor=other,status=failed,workflow=other} 3 in 0.12, 3 to 0.05',
      ]);
      expect(logged).to.deep.equal([
        'warn lockstep.attempts has 2 series; further ones are counted as "other".',
        'warn lockstep.attempt.duration has 2 series; further ones are counted as "other".',
      ]);
    });

    it('sums what several runtimes measure', async () => {
      const tested = await make();
      const plugin = metricsPlugin({ sink: tested.sink });
      using first = new Telling({ plugins: [plugin] });
      using second = new Telling({ plugins: [plugin] });
      using third = new Telling({ plugins: [metricsPlugin({ sink: tested.sink })] });
      for (const runtime of [first, second, third]) runtime.say('attempt', CACHED);
      expect(await tested.read()).to.include(
        'lockstep.attempts{executor=function.costly,status=completed,workflow=caching} 3',
      );
    });

    it('puts what takes longer than every bucket into the last one', async () => {
      const tested = await make();
      using runtime = new Telling({ plugins: [metricsPlugin({ sink: tested.sink })] });
      for (const endedAt of [1, 1.5, 3_600_000, 3_600_001])
        runtime.say('attempt', { ...CACHED, cached: false, endedAt });
      expect(await tested.read()).to.include(
        'lockstep.attempt.duration{executor=function.costly,status=completed,workflow=caching} 4 in 7200.0035, 1 to 0.001, 1 to 0.005, 1 to 3600, 1 to Infinity',
      );
    });
  });
}
