import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import type { RunResult } from '../../../src/base/run-result.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { caught } from '../../support/caught.js';
import { BEGINNING, KINDS, Watched } from '../../support/watched.js';
import { approval, branches, failing, families, hasty, line, turns } from '../../support/watched-workflows.js';

async function resultOf(watched: Watched, make: typeof line): Promise<RunResult> {
  const { built, params, run } = make(watched);
  const outcome = await watched.settle(built, params, run);
  if (outcome.status === 'rejected') throw outcome.error;
  return outcome as RunResult;
}

for (const kind of KINDS) {
  const off = { performanceMonitoring: false };

  describe(`recordExecutionPerformance of ${kind}`, () => {
    for (const [name, make] of Object.entries({ line, branches, failing, families }))
      it(`counts a run from its result as if it had been monitored: ${name}`, async () => {
        const monitored = new Watched(kind);
        await resultOf(monitored, make);
        const other = new Watched(kind, off);
        const result = await resultOf(other, make);
        expect(other.runtime.recordExecutionPerformance(result)).to.equal(true);
        const { planCache: looked, ...expected } = monitored.runtime.getExecutionAnalytics();
        const { planCache, ...analytics } = other.runtime.getExecutionAnalytics();
        expect(analytics).to.deep.equal(expected);
        expect([looked.misses, planCache.misses]).to.deep.equal([1, 0]);
        const nodes = (watched: Watched): unknown => watched.runtime.getExecutionAnalytics(result.workflow).nodes;
        expect(nodes(other)).to.deep.equal(nodes(monitored));
        expect(other.runtime.getRuntimeMetrics().attempts.total).to.equal(0); // nothing was monitored here
      });

    it('counts of a node in a cycle what the result remembers: what failed, and the last visit', async () => {
      const watched = new Watched(kind, off);
      watched.runtime.recordExecutionPerformance(await resultOf(watched, turns));
      const { attempts, visits, iterations, work } = watched.runtime.getExecutionAnalytics();
      expect(attempts).to.deep.include({ total: 3, completed: 2, failed: 1, retries: 0 });
      expect({ visits, iterations, work }).to.deep.equal({
        visits: 3,
        iterations: 4,
        work: { totalMs: 26, wastedMs: 15, wastedShare: 15 / 26 },
      });
    });

    it('counts children that never began, and leaves out nodes that have metrics switched off', async () => {
      const options = { ...off, onError: 'fail-fast' } as const;
      const watched = new Watched(kind, options);
      watched.runtime.recordExecutionPerformance(await resultOf(watched, hasty));
      expect(watched.runtime.getExecutionAnalytics().unfinished).to.deep.equal({
        skipped: 0,
        blocked: 0,
        cancelled: 2,
      });
      const quiet = new Watched(kind, { ...options, executors: { 'function.slow': { metrics: false } } });
      quiet.runtime.recordExecutionPerformance(await resultOf(quiet, hasty));
      const { unfinished, attempts, runs } = quiet.runtime.getExecutionAnalytics();
      expect(unfinished.cancelled).to.equal(0);
      expect(attempts.total).to.equal(1);
      expect(runs.failed).to.equal(1);
    });

    it('counts no run twice: neither one that was monitored, nor one that was recorded', async () => {
      const watched = new Watched(kind);
      const { runtime } = watched;
      expect(runtime.recordExecutionPerformance(await resultOf(watched, line))).to.equal(false);
      expect(runtime.getExecutionAnalytics().runs.total).to.equal(1);
      runtime.setPerformanceMonitoring(false);
      const result = await resultOf(watched, line);
      expect(runtime.recordExecutionPerformance(result)).to.equal(true);
      expect(runtime.recordExecutionPerformance(result)).to.equal(false);
      expect(runtime.getExecutionAnalytics().runs.total).to.equal(2);
    });

    it('takes the result of another runtime', async () => {
      const result = await resultOf(new Watched('LocalRuntime'), line);
      const { runtime } = new Watched(kind);
      expect(runtime.recordExecutionPerformance(result)).to.equal(true);
      expect(runtime.getExecutionAnalytics('line').runDurationMs.sum).to.equal(40);
    });

    it('refuses what is no result, and a run that has not ended', async () => {
      const watched = new Watched(kind, off);
      expect(caught(() => watched.runtime.recordExecutionPerformance({} as never)).code).to.equal('NOT_A_RUN');
      const waiting = await resultOf(watched, approval);
      expect(caught(() => watched.runtime.recordExecutionPerformance(waiting))).to.deep.include({
        code: 'INVALID_OPTION',
        value: 'waiting',
      });
      expect(watched.runtime.getExecutionAnalytics().runs.total).to.equal(0);
    });
  });

  describe(`trackNodeExecution of ${kind}`, () => {
    it('counts work outside of a run as an attempt of a node', () => {
      const { runtime } = new Watched(kind, off);
      runtime.trackNodeExecution({ workflow: 'etl', node: 'all/tidy', durationMs: 30, status: 'completed' });
      runtime.trackNodeExecution({ workflow: 'etl', node: 'all/tidy', durationMs: 10, status: 'failed' });
      runtime.trackNodeExecution({ workflow: 'etl', node: 'all/tidy', durationMs: 0, status: 'cancelled' });
      const { nodes, work, runs, visits } = runtime.getExecutionAnalytics('etl');
      expect(nodes).to.have.length(1);
      expect(nodes[0]).to.deep.include({
        workflow: 'etl',
        node: 'all/tidy',
        attempts: { total: 3, completed: 1, failed: 1, lost: 0, cancelled: 1, cached: 0, retries: 0 },
        visits: 3,
        wastedMs: 10,
      });
      expect(nodes[0]?.durationMs).to.deep.include({ count: 3, sum: 40, p50: 10 });
      expect(work).to.deep.equal({ totalMs: 40, wastedMs: 10, wastedShare: 0.25 });
      expect({ total: runs.total, visits }).to.deep.equal({ total: 0, visits: 3 });
    });

    it('adds to what runs have counted of that node', async () => {
      const watched = new Watched(kind);
      await resultOf(watched, line);
      watched.runtime.trackNodeExecution({ workflow: 'line', node: 'a', durationMs: 20, status: 'completed' });
      const [a] = watched.runtime.getExecutionAnalytics('line').nodes;
      expect(a?.durationMs).to.deep.include({ count: 2, sum: 30 });
    });

    it('refuses anything else', () => {
      const { runtime } = new Watched(kind);
      const good = { workflow: 'etl', node: 'tidy', durationMs: 30, status: 'completed' } as const;
      const refused: readonly (readonly [unknown, string, string])[] = [
        [undefined, 'INVALID_OPTION', 'trackNodeExecution'],
        [{ ...good, more: 1 }, 'UNKNOWN_OPTION', 'trackNodeExecution'],
        [{ ...good, workflow: '' }, 'INVALID_OPTION', 'trackNodeExecution.workflow'],
        [{ ...good, node: 3 }, 'INVALID_OPTION', 'trackNodeExecution.node'],
        [{ ...good, node: 'a//b' }, 'INVALID_OPTION', 'trackNodeExecution.node'],
        [{ ...good, durationMs: -1 }, 'INVALID_OPTION', 'trackNodeExecution.durationMs'],
        [{ ...good, status: undefined }, 'INVALID_OPTION', 'trackNodeExecution.status'],
        [{ ...good, status: 'lost' }, 'INVALID_OPTION', 'trackNodeExecution.status'],
      ];
      for (const [given, code, at] of refused)
        expect(
          caught(() => runtime.trackNodeExecution(given as never)),
          at,
        ).to.deep.include({ code, at });
      expect(runtime.getExecutionAnalytics().attempts.total).to.equal(0);
    });
  });

  describe(`recordExecutionMetrics of ${kind}`, () => {
    it('keeps measurements by name, with their unit', () => {
      const { runtime } = new Watched(kind, off);
      runtime.recordExecutionMetrics('rows', 10, 'rows');
      runtime.recordExecutionMetrics('rows', 30);
      runtime.recordExecutionMetrics('rows', 20, 'rows');
      runtime.recordExecutionMetrics('loss', 0.5);
      const { measurements } = runtime.getExecutionAnalytics();
      expect(measurements.map(({ name, unit }) => [name, unit])).to.deep.equal([
        ['loss', ''],
        ['rows', 'rows'],
      ]);
      expect(measurements[1]?.values).to.deep.include({ count: 3, sum: 60, min: 10, max: 30, p50: 20 });
      expect(runtime.getExecutionAnalytics('rows').measurements).to.deep.equal([]);
    });

    it('refuses other names, values and units, and another unit for the same name', () => {
      const { runtime } = new Watched(kind);
      runtime.recordExecutionMetrics('n'.repeat(200), 1, 'u'.repeat(20));
      runtime.recordExecutionMetrics('plain', 1);
      const at = 'recordExecutionMetrics';
      const refused: readonly (readonly [unknown[], string])[] = [
        [['', 1], `${at}.name`],
        [['n'.repeat(201), 1], `${at}.name`],
        [[3, 1], `${at}.name`],
        [['n', Number.NaN], `${at}.value`],
        [['n', 1, 3], `${at}.unit`],
        [['n', 1, 'u'.repeat(21)], `${at}.unit`],
        [['plain', 1, 'ms'], `${at}.unit`],
      ];
      for (const [given, where] of refused)
        expect(
          caught(() => runtime.recordExecutionMetrics(...(given as [string, number, string]))),
          where,
        ).to.deep.include({
          code: 'INVALID_OPTION',
          at: where,
        });
      expect(runtime.getExecutionAnalytics().measurements).to.have.length(2);
    });
  });

  describe(`computeExecutionStatistics of ${kind}`, () => {
    it('works out what one expects', () => {
      const { runtime } = new Watched(kind, off);
      expect(runtime.computeExecutionStatistics([4, 1, 3])).to.deep.equal({
        count: 3,
        sum: 8,
        min: 1,
        max: 4,
        mean: 8 / 3,
        standardDeviation: Math.sqrt(14 / 9),
        p50: 3,
        p90: 4,
        p95: 4,
        p99: 4,
      });
      expect(caught(() => runtime.computeExecutionStatistics([-1])).code).to.equal('INVALID_OPTION');
    });
  });

  describe(`getExecutionPlanCached of ${kind}`, () => {
    it('says whether this runtime knew the plan, and counts the question', async () => {
      const watched = new Watched(kind);
      const { runtime } = watched;
      const { built } = line(watched);
      const first = runtime.getExecutionPlanCached(built);
      expect(first.cached).to.equal(false);
      expect(first.plan.nodes.map(({ id }) => id)).to.deep.equal(['a', 'b']);
      const second = runtime.getExecutionPlanCached(built);
      expect(second).to.deep.include({ cached: true });
      expect(second.plan).to.equal(first.plan);
      expect(runtime.getExecutionAnalytics(built).planCache).to.deep.equal({ hits: 1, misses: 1, hitRate: 0.5 });
      expect(new Watched(kind).runtime.getExecutionPlanCached(built).cached).to.equal(false);
    });

    it('knows plans of runs and of children in them, also of runs that were not monitored', async () => {
      const watched = new Watched(kind, off);
      const { runtime } = watched;
      const inner = workflow('inner', { params: { n: type<number>() } });
      inner.fn('one', { n: inner.params.n }, watched.takes(1, 1));
      const child = inner.build();
      const w = workflow('outer');
      w.add('sub', child({ n: 1 }));
      const built = w.build();
      if (kind !== 'AsyncLocalRuntime, async nodes') {
        await watched.settle(built);
        expect(runtime.getExecutionPlanCached(child).cached).to.equal(true);
        expect(runtime.getExecutionPlanCached(built).cached).to.equal(true);
      }
      expect(runtime.getExecutionAnalytics().planCache.hits).to.equal(0);
      expect(caught(() => runtime.getExecutionPlanCached({} as never)).code).to.equal('NOT_A_WORKFLOW');
    });
  });

  describe(`createExecutionPlanCacheKey of ${kind}`, () => {
    it('is one for all workflows of a structure', () => {
      const { runtime } = new Watched(kind);
      const of = (n: number) => {
        const w = workflow('keyed');
        w.add('a', defineNode({ name: `a${n}`, inputs: { n: type<number>() }, outputs: {}, run: () => ({}) })({ n }));
        return w.build();
      };
      const key = runtime.createExecutionPlanCacheKey(of(1));
      expect(key).to.match(/^[0-9a-f]{64}$/);
      expect(runtime.createExecutionPlanCacheKey(of(2))).to.equal(key);
      const w = workflow('keyed');
      w.fn('b', {}, () => 1);
      expect(runtime.createExecutionPlanCacheKey(w.build())).to.not.equal(key);
      expect(caught(() => runtime.createExecutionPlanCacheKey('w' as never)).code).to.equal('NOT_A_WORKFLOW');
    });
  });

  describe(`getRuntimeMetrics of ${kind}`, () => {
    it('counts over the life of the runtime, monitored or not', async () => {
      const watched = new Watched(kind, off);
      const { runtime } = watched;
      await resultOf(watched, line);
      runtime.setPerformanceMonitoring(true);
      await resultOf(watched, failing);
      const { built } = approval(watched);
      const { runId } = await watched.settle(built);
      const waiting = runtime.getRuntimeMetrics();
      expect(waiting.runs).to.deep.include({ started: 3, waited: 1, resumed: 0, inFlight: 0, completed: 1, failed: 1 });
      runtime.approve(runId, 'ok');
      await watched.resume(built, runId);
      const rejected = await watched.settle(built, { nobody: 1 }, { set: { nobody: { n: 1 } } });
      expect(rejected.status).to.equal('rejected');
      const metrics = runtime.getRuntimeMetrics();
      const { validation, cycles } = metrics.sections;
      expect(validation).to.deep.equal(runtime.getValidationMetrics());
      expect(cycles).to.deep.equal(runtime.trackCycleIteration());
      expect({ ...metrics, sections: undefined }).to.deep.equal({
        startedAt: BEGINNING,
        uptimeMs: watched.clock.now() - BEGINNING,
        runs: { started: 3, resumed: 1, waited: 1, completed: 2, failed: 1, cancelled: 0, rejected: 1, inFlight: 0 },
        attempts: { total: 7, completed: 4, failed: 3, lost: 0, cancelled: 0, cached: 0, retries: 1 },
        warnings: 0,
        memory: { rssBytes: 3_000, heapUsedBytes: 1_000, heapLimitBytes: 2_000 },
        eventLoopDelayMs: 7,
        sections: undefined,
      });
      expect(metrics.uptimeMs).to.be.above(0);
    });

    it('counts cancelled runs, warnings, and the run that is in flight', async () => {
      const watched = new Watched(kind);
      const seen: unknown[] = [];
      const controller = new AbortController();
      const w = workflow('looking');
      w.fn('look', {}, () => {
        seen.push(watched.runtime.getRuntimeMetrics().runs.inFlight);
        controller.abort();
        return 1;
      });
      w.fn('later', {}, () => 1);
      await watched.settle(w.build(), { unmatched: 1 }, { signal: controller.signal });
      const { runs, warnings } = watched.runtime.getRuntimeMetrics();
      expect(seen).to.deep.equal([1]);
      expect(runs).to.deep.include({ started: 1, cancelled: 1, inFlight: 0 });
      expect(warnings).to.equal(1);
    });
  });

  describe(`getPerformanceReport of ${kind}`, () => {
    it('holds everything, as plain data that JSON keeps', async () => {
      const watched = new Watched(kind);
      const { runtime } = watched;
      await resultOf(watched, turns);
      runtime.recordExecutionMetrics('rows', 3, 'rows');
      const report = runtime.getPerformanceReport();
      const { sections, ...counts } = runtime.getRuntimeMetrics();
      expect(report).to.deep.equal({
        generatedAt: BEGINNING + 156,
        monitoring: true,
        analytics: runtime.getExecutionAnalytics(),
        runtime: counts,
        sections,
      });
      expect(report.sections).to.include.keys('validation', 'cycles');
      expect(report.sections.cycles).to.deep.equal({ iterations: 4, stopped: 1 });
      expect(JSON.parse(JSON.stringify(report))).to.deep.equal(report);
      const empty = new Watched(kind, off).runtime.getPerformanceReport();
      expect(JSON.parse(JSON.stringify(empty))).to.deep.equal(empty);
      expect(empty.monitoring).to.equal(false);
    });
  });
}
