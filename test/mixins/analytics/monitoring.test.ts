import { expect } from 'chai';
import type { ExecutionAnalytics } from '../../../src/mixins/analytics/analytics-types.js';
import { caught } from '../../support/caught.js';
import { BEGINNING, KINDS, Watched } from '../../support/watched.js';
import {
  approval,
  branches,
  cancelled,
  failing,
  families,
  hasty,
  line,
  nested,
  overdue,
  retried,
  stale,
  type Timed,
  turns,
} from '../../support/watched-workflows.js';

/** What is counted, without what is told about single nodes and workflows. */
function countsOf({ runs, attempts, visits, iterations, unfinished, work }: ExecutionAnalytics) {
  return { runs, attempts, visits, iterations, unfinished, work };
}

const NONE = { total: 0, completed: 0, failed: 0, cancelled: 0 };
const NO_ATTEMPTS = { ...NONE, lost: 0, cached: 0, retries: 0 };
const ALL_DONE = { skipped: 0, blocked: 0, cancelled: 0 };
const IDLE = { totalMs: 0, wastedMs: 0, wastedShare: null };
const NOTHING = { runs: NONE, attempts: NO_ATTEMPTS, visits: 0, iterations: 0, unfinished: ALL_DONE, work: IDLE };

for (const kind of KINDS) {
  const analyticsOf = async (make: (watched: Watched) => Timed, options = {}): Promise<ExecutionAnalytics> => {
    const watched = new Watched(kind, options);
    const { built, params, run } = make(watched);
    await watched.settle(built, params, run);
    return watched.runtime.getExecutionAnalytics();
  };

  describe(`getExecutionAnalytics of ${kind} tells of`, () => {
    it('nothing, without a run', () => {
      const { runtime } = new Watched(kind);
      const analytics = runtime.getExecutionAnalytics();
      expect(countsOf(analytics)).to.deep.equal(NOTHING);
      expect(analytics).to.deep.include({
        workflow: null,
        since: BEGINNING,
        slowest: { byTotal: [], byP95: [] },
        workflows: [],
        nodes: [],
        measurements: [],
        planCache: { hits: 0, misses: 0, hitRate: null },
        forgotten: { workflows: 0, nodes: 0, measurements: 0 },
      });
      expect(analytics.runDurationMs).to.deep.include({ count: 0, mean: null, p99: null });
    });

    it('a straight path, several times', async () => {
      const watched = new Watched(kind);
      const { built } = line(watched);
      for (let run = 0; run < 4; run++) await watched.settle(built);
      const analytics = watched.runtime.getExecutionAnalytics();
      expect(countsOf(analytics)).to.deep.equal({
        ...NOTHING,
        runs: { ...NONE, total: 4, completed: 4 },
        attempts: { ...NO_ATTEMPTS, total: 8, completed: 8 },
        visits: 8,
        work: { totalMs: 160, wastedMs: 0, wastedShare: 0 },
      });
      expect(analytics.runDurationMs).to.deep.include({ count: 4, sum: 160, min: 40, max: 40, p50: 40 });
      expect(analytics.attemptDurationMs).to.deep.include({
        count: 8,
        sum: 160,
        min: 10,
        max: 30,
        mean: 20,
        p50: 10,
        p90: 30,
      });
      expect(analytics.planCache).to.deep.equal({ hits: 3, misses: 1, hitRate: 0.75 });
      expect(analytics.workflows).to.deep.equal([
        { workflow: 'line', runs: { ...NONE, total: 4, completed: 4 }, durationMs: analytics.runDurationMs },
      ]);
      expect(analytics.nodes).to.deep.equal([]);
      expect(
        analytics.slowest.byTotal.map(({ workflow, node, durationMs, visits, wastedMs }) => [
          workflow,
          node,
          durationMs.sum,
          visits,
          wastedMs,
        ]),
      ).to.deep.equal([
        ['line', 'b', 120, 4, 0],
        ['line', 'a', 40, 4, 0],
      ]);
    });

    it('branches: what was not taken is skipped', async () => {
      expect(countsOf(await analyticsOf(branches))).to.deep.equal({
        ...NOTHING,
        runs: { ...NONE, total: 1, completed: 1 },
        attempts: { ...NO_ATTEMPTS, total: 3, completed: 3 },
        visits: 3,
        unfinished: { ...ALL_DONE, skipped: 2 },
        work: { totalMs: 25, wastedMs: 0, wastedShare: 0 },
      });
    });

    it('a cycle with a retry: iterations, visits, wasted work', async () => {
      const analytics = await analyticsOf(turns);
      expect(countsOf(analytics)).to.deep.equal({
        ...NOTHING,
        runs: { ...NONE, total: 1, completed: 1 },
        attempts: { ...NO_ATTEMPTS, total: 6, completed: 5, failed: 1, retries: 1 },
        visits: 5,
        iterations: 4,
        work: { totalMs: 56, wastedMs: 15, wastedShare: 15 / 56 },
      });
      expect(analytics.runDurationMs.sum).to.equal(156);
      const [turn] = analytics.slowest.byTotal;
      expect(turn).to.deep.include({ node: 'turn', visits: 4, wastedMs: 15 });
      expect(turn?.durationMs).to.deep.include({ count: 5, sum: 55, min: 10, max: 15, p50: 10 });
    });

    it('failures: what is blocked, and what was wasted', async () => {
      const analytics = await analyticsOf(failing);
      expect(countsOf(analytics)).to.deep.equal({
        ...NOTHING,
        runs: { ...NONE, total: 1, failed: 1 },
        attempts: { ...NO_ATTEMPTS, total: 4, completed: 1, failed: 3, retries: 1 },
        visits: 3,
        unfinished: { ...ALL_DONE, blocked: 1 },
        work: { totalMs: 34, wastedMs: 32, wastedShare: 32 / 34 },
      });
      const wasted = analytics.slowest.byTotal.map(({ node, wastedMs }) => [node, wastedMs]);
      expect(wasted).to.deep.equal([
        ['bad', 24],
        ['may', 8],
        ['fine', 0],
      ]);
    });

    it('a run that was cancelled, and an attempt that was in flight where there was one', async () => {
      const inFlight = kind === 'AsyncLocalRuntime, async nodes';
      expect(countsOf(await analyticsOf(cancelled))).to.deep.equal({
        ...NOTHING,
        runs: { ...NONE, total: 1, cancelled: 1 },
        attempts: { ...NO_ATTEMPTS, total: 1, ...(inFlight ? { cancelled: 1 } : { completed: 1 }) },
        visits: 1,
        unfinished: { ...ALL_DONE, cancelled: inFlight ? 2 : 1 },
        work: inFlight ? { totalMs: 3, wastedMs: 3, wastedShare: 1 } : { totalMs: 3, wastedMs: 0, wastedShare: 0 },
      });
    });

    it('maps in subworkflows: their nodes under the ids of their owners, whose time is no work', async () => {
      const watched = new Watched(kind);
      const { built } = families(watched);
      await watched.settle(built);
      const analytics = watched.runtime.getExecutionAnalytics('families');
      expect(countsOf(analytics)).to.deep.equal({
        ...NOTHING,
        runs: { ...NONE, total: 1, completed: 1 },
        attempts: { ...NO_ATTEMPTS, total: 6, completed: 5, failed: 1 },
        visits: 6,
        work: { totalMs: 49, wastedMs: 5, wastedShare: 5 / 49 },
      });
      expect(
        analytics.nodes.map(({ node, attempts, durationMs }) => [node, attempts.total, durationMs.sum]),
      ).to.deep.equal([
        ['sub', 1, 49],
        ['sub/all', 1, 45],
        ['sub/all/slow', 3, 45],
        ['sub/sum', 1, 4],
      ]);
    });

    it('children that never began, among the nodes that were cancelled', async () => {
      expect(countsOf(await analyticsOf(hasty, { onError: 'fail-fast' }))).to.deep.equal({
        ...NOTHING,
        runs: { ...NONE, total: 1, failed: 1 },
        attempts: { ...NO_ATTEMPTS, total: 2, failed: 2 },
        visits: 2,
        unfinished: { ...ALL_DONE, cancelled: 2 },
        work: { totalMs: 5, wastedMs: 5, wastedShare: 1 },
      });
    });

    it('children of every visit of their owner, with the cycles inside them', async () => {
      const analytics = await analyticsOf(nested);
      expect(countsOf(analytics)).to.deep.equal({
        ...NOTHING,
        runs: { ...NONE, total: 1, completed: 1 },
        attempts: { ...NO_ATTEMPTS, total: 22, completed: 22 },
        visits: 22,
        iterations: 10,
        unfinished: { ...ALL_DONE, skipped: 2 },
        work: { totalMs: 8, wastedMs: 0, wastedShare: 0 },
      });
    });

    it('each node once, whatever visit, attempt and item it was performed for', async () => {
      const watched = new Watched(kind);
      const { built } = nested(watched);
      await watched.settle(built);
      const visits = (name: string) =>
        Object.fromEntries(watched.runtime.getExecutionAnalytics(name).nodes.map((node) => [node.node, node.visits]));
      expect(visits('nested')).to.deep.equal({
        seed: 2,
        all: 2,
        'all/inner': 4,
        'all/inner/step': 8,
        'all/inner/route': 4,
        'all/inner/rare': 2,
      });
      const again = retried(watched);
      await watched.settle(again.built, again.params);
      expect(visits('retried')).to.deep.equal({ sub: 1, 'sub/all': 2, 'sub/all/slow': 24 });
      expect(watched.runtime.getExecutionAnalytics('retried').nodes[0]?.attempts).to.deep.include({
        total: 2,
        retries: 1,
      });
    });

    it('children only with the attempt that opened them', async () => {
      const watched = new Watched(kind);
      const { built } = stale(watched);
      await watched.settle(built);
      const { iterations, unfinished, attempts, runs } = watched.runtime.getExecutionAnalytics();
      expect(runs.failed).to.equal(1);
      expect(attempts).to.deep.include({ failed: 1, retries: 0 });
      expect({ iterations, unfinished }).to.deep.equal({ iterations: 2, unfinished: { ...ALL_DONE, skipped: 2 } });
      const late = await analyticsOf(overdue);
      expect(late.attempts).to.deep.include({ total: 4, failed: 3, retries: 1 });
      expect(late.unfinished).to.deep.equal({ ...ALL_DONE, blocked: 1 });
    });

    it('a gate that was answered while its run waited: its wait is no work', async () => {
      const watched = new Watched(kind);
      const { built } = approval(watched);
      const { runId } = await watched.settle(built);
      expect(watched.runtime.getExecutionAnalytics().runs).to.deep.equal(NONE);
      watched.clock.advance(1_000);
      watched.runtime.approve(runId, 'ok');
      watched.clock.advance(500);
      await watched.resume(built, runId);
      const analytics = watched.runtime.getExecutionAnalytics('approval');
      expect(countsOf(analytics)).to.deep.equal({
        ...NOTHING,
        runs: { ...NONE, total: 1, completed: 1 },
        attempts: { ...NO_ATTEMPTS, total: 3, completed: 3 },
        visits: 3,
        work: { totalMs: 15, wastedMs: 0, wastedShare: 0 },
      });
      expect(analytics.runDurationMs.sum).to.equal(1_515);
      expect(analytics.nodes.map(({ node, durationMs }) => [node, durationMs.sum])).to.deep.equal([
        ['draft', 6],
        ['ok', 1_000],
        ['send', 9],
      ]);
      expect(analytics.planCache).to.deep.equal({ hits: 0, misses: 1, hitRate: 0 });
    });

    it('one workflow, asked for by name or as such, and of another one nothing', async () => {
      const watched = new Watched(kind);
      const { built } = line(watched);
      await watched.settle(built);
      const failed = failing(watched);
      await watched.settle(failed.built);
      const { runtime } = watched;
      const analytics = runtime.getExecutionAnalytics(built);
      expect(analytics).to.deep.equal(runtime.getExecutionAnalytics('line'));
      expect(analytics.workflow).to.equal('line');
      expect(analytics.runs).to.deep.equal({ ...NONE, total: 1, completed: 1 });
      expect(analytics.nodes.map(({ node }) => node)).to.deep.equal(['a', 'b']);
      expect(analytics.slowest.byP95.map(({ node }) => node)).to.deep.equal(['b', 'a']);
      expect(analytics.workflows).to.deep.equal([]);
      expect(countsOf(runtime.getExecutionAnalytics('nothing'))).to.deep.equal(NOTHING);
      expect(runtime.getExecutionAnalytics().workflows.map(({ workflow }) => workflow)).to.deep.equal([
        'failing',
        'line',
      ]);
      expect(caught(() => runtime.getExecutionAnalytics(3 as never)).code).to.equal('NOT_A_WORKFLOW');
    });

    it('no node that has metrics switched off, where nothing else is left of it', async () => {
      const executors = { 'function.slow': { metrics: false } };
      const analytics = await analyticsOf(families, { executors });
      expect(analytics.attempts).to.deep.equal({ ...NO_ATTEMPTS, total: 3, completed: 3 });
      expect(analytics.work).to.deep.equal({ totalMs: 4, wastedMs: 0, wastedShare: 0 });
      expect((await analyticsOf(hasty, { onError: 'fail-fast', executors })).unfinished).to.deep.equal(ALL_DONE);
      const quiet = { capabilities: { metrics: false } };
      const watched = new Watched(kind, quiet);
      await watched.settle(branches(watched).built);
      expect(watched.runtime.getRuntimeMetrics().attempts.total).to.equal(1);
      const { unfinished, attempts, runs } = watched.runtime.getExecutionAnalytics();
      expect(unfinished).to.deep.equal(ALL_DONE);
      expect(attempts).to.deep.equal({ ...NO_ATTEMPTS, total: 1, completed: 1 }); // the switch, which calls no executor
      expect(runs.total).to.equal(1);
    });
  });

  describe(`setPerformanceMonitoring of ${kind}`, () => {
    it('is off at first: nothing is collected, and nothing is invented', async () => {
      const watched = new Watched(kind, { performanceMonitoring: false });
      const { built } = line(watched);
      const stop = watched.runtime.on('attempt', () => undefined); // runs are observed, but not monitored
      await watched.settle(built);
      stop();
      await watched.settle(built);
      watched.runtime.getExecutionPlanCached(built);
      const analytics = watched.runtime.getExecutionAnalytics();
      expect(countsOf(analytics)).to.deep.equal(NOTHING);
      expect(analytics.workflows).to.deep.equal([]);
      expect(analytics.planCache.misses).to.equal(0);
      expect(watched.runtime.getPerformanceReport().monitoring).to.equal(false);
      expect(watched.runtime.getRuntimeMetrics().attempts.total).to.equal(0);
    });

    it('monitors runs that begin afterwards, and no longer once it is off', async () => {
      const watched = new Watched(kind, { performanceMonitoring: false });
      const { built } = line(watched);
      const { runtime } = watched;
      await watched.settle(built);
      runtime.setPerformanceMonitoring(true);
      expect(runtime.getPerformanceReport().monitoring).to.equal(true);
      await watched.settle(built);
      await watched.settle(built);
      runtime.setPerformanceMonitoring(false);
      await watched.settle(built);
      const analytics = runtime.getExecutionAnalytics();
      expect(analytics.runs.total).to.equal(2);
      expect(analytics.attempts.total).to.equal(4);
      expect(runtime.getRuntimeMetrics().runs).to.deep.include({ started: 4, completed: 4 });
    });

    it('refuses what is neither true nor false', () => {
      const { runtime } = new Watched(kind);
      for (const value of [undefined, null, 1, 'on'])
        expect(caught(() => runtime.setPerformanceMonitoring(value as never))).to.deep.include({
          code: 'INVALID_OPTION',
          at: 'setPerformanceMonitoring',
        });
      expect(runtime.getPerformanceReport().monitoring).to.equal(true);
    });

    it('switched by a node changes nothing for the run that goes on', async () => {
      const watched = new Watched(kind);
      const { built } = line(watched);
      const stop = watched.runtime.on('attempt', () => watched.runtime.setPerformanceMonitoring(false));
      await watched.settle(built);
      expect(watched.runtime.getExecutionAnalytics()).to.deep.include({ visits: 2 });
      expect(watched.runtime.getExecutionAnalytics().runs.total).to.equal(1);
      stop();
    });
  });

  describe(`clearAnalyticsData of ${kind}`, () => {
    it('forgets everything that was counted, and goes on counting', async () => {
      const watched = new Watched(kind);
      const { built } = failing(watched);
      const { runtime } = watched;
      await watched.settle(built);
      runtime.recordExecutionMetrics('rows', 3);
      const before = watched.clock.now();
      runtime.clearAnalyticsData();
      const analytics = runtime.getExecutionAnalytics();
      expect(countsOf(analytics)).to.deep.equal(NOTHING);
      expect(analytics).to.deep.include({ since: before, workflows: [], measurements: [] });
      await watched.settle(built);
      const after = runtime.getExecutionAnalytics();
      expect(after.runs.total).to.equal(1);
      expect(after.planCache).to.deep.equal({ hits: 1, misses: 0, hitRate: 1 });
      expect(runtime.getRuntimeMetrics()).to.deep.include({
        attempts: { ...NO_ATTEMPTS, total: 8, completed: 2, failed: 6, retries: 2 },
      });
      expect(runtime.getRuntimeMetrics().runs.failed).to.equal(2);
    });
  });
}
