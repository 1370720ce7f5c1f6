import { expect } from 'chai';
import { z } from 'zod';
import { when } from '../../../src/base/condition.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { Overseen } from '../../support/agreement.js';
import { everyWay, statuses } from '../../support/every-way.js';

const TOKEN = 'tok-4711-abcdef';

/**
 * Counts to `last` in a cycle. The step takes 10 ms and fails twice in its second visit; a switch inside the cycle sends odd and
 * even numbers different ways, of which the even one takes 5 ms and is cached. Beside and behind it: a node with a secret, one
 * whose contract is broken and strict, and one whose contract is broken and only warned of.
 */
function counting(advance: (ms: number) => void) {
  const sign = defineNode({
    name: 'sign',
    inputs: { unit: z.string() },
    outputs: { mark: type<string>() },
    secrets: ['TOKEN'],
    run: ({ unit }, { secret }) => ({ mark: `${secret('TOKEN').length} ${unit}` }),
  });
  const step = defineNode({
    name: 'step',
    version: '1',
    inputs: { n: z.number() },
    outputs: { n: type<number>() },
    run: ({ n }, { visit, failures }) => {
      advance(10);
      if (visit === 2 && failures < 2) throw Object.assign(new Error('again'), { code: 'E_STEP' });
      return { n: n + 1 };
    },
  });
  const look = defineNode({
    name: 'look',
    version: '1',
    inputs: { what: type<string>() },
    outputs: { seen: type<string>() },
    cache: { ttlMs: 60_000 },
    run: ({ what }) => {
      advance(5);
      return { seen: what };
    },
  });
  const show = defineNode({
    name: 'show',
    inputs: { n: type<number>(), digits: z.number().default(0) },
    outputs: { text: type<string>() },
    run: ({ n, digits }) => ({ text: n.toFixed(digits) }),
  });

  const w = workflow('everything', { params: { from: z.number(), unit: z.string().default('m') } });
  const signed = w.add('signed', sign({ unit: w.params.unit }));
  const turn = w.add('turn', step({ n: w.params.from }), { after: signed });
  const parity = w.fn('parity', { n: turn.out.n }, ({ n }) => (n % 2 === 0 ? 'even' : 'odd'));
  const route = w.switch('route', parity.out.value, { even: (word) => word === 'even', odd: otherwise });
  const even = w.add('even', look({ what: route.out.even }));
  const odd = w.fn('odd', { what: route.out.odd }, ({ what }) => what);
  const back = w.fn('back', { n: turn.out.n, even: even.out.seen.or('no'), odd: odd.out.value.or('no') }, ({ n }) => n);
  w.cycle('loop', {
    feedback: [back.out.value.to(turn.in.n)],
    until: when(back.out.value, (n) => n >= 4),
    maxIterations: 9,
  });
  const strict = w.try('strict', show({ n: back.out.value }), { validation: 'strict' });
  w.contract(strict.in.n, { schema: z.number().max(3) });
  const warned = w.add('warned', show({ n: back.out.value }), { after: strict, join: 'always' });
  w.contract(warned.in.n, { schema: z.number().max(3) });
  const untaken = w.fn('untaken', { text: strict.out.text }, ({ text }) => text);
  return w.build({
    outputs: { text: warned.out.text, mark: signed.out.mark, strict: untaken.out.value.or('none') },
  });
}

describe('all six mixins together', () => {
  it(
    'say of one run what happened, each in its report, equal in both runtimes',
    everyWay(async (run) => {
      const seen = new Overseen(run, {
        secrets: { load: () => ({ TOKEN }) },
        executors: {
          'function.step': {
            retry: { attempts: 3, delayMs: 100, backoff: 'fixed' },
            breaker: { failures: 3 },
            limit: { maxConcurrency: 1, per: 'tenant' },
          },
        },
      });
      const { session } = seen;
      const { runtime, clock } = session;
      const built = counting((ms) => clock.advance(ms));
      const begin = clock.now();
      const outcome = await session.settle(
        built,
        { from: 0 },
        { context: { tenant: 'acme' }, set: { warned: { digits: 2 } } },
      );
      if (outcome.status !== 'completed') throw new Error(outcome.status);

      // The result. Iterations: 1 odd, 2 even, 3 odd, 4 even. Parameters: the default of `unit`, and `digits` of one node.
      expect(outcome.output).to.deep.equal({ text: '4.00', mark: '15 m', strict: 'none' });
      expect(statuses(outcome)).to.deep.equal({
        signed: 'completed',
        turn: 'completed',
        parity: 'completed',
        route: 'completed',
        even: 'completed',
        odd: 'skipped',
        back: 'completed',
        strict: 'failed',
        warned: 'completed',
        untaken: 'skipped',
      });
      const { iterations, totalIterations, reason } = outcome.cycle('loop');
      expect([iterations, totalIterations, reason]).to.deep.equal([4, 4, 'converged']);
      expect(outcome.node('strict').error?.code).to.equal('CONTRACT_VIOLATED');
      expect(outcome.warnings.map(({ code, at }) => `${code} ${at}`)).to.deep.equal(['contract warned.n']);

      // Attempts: signed 1, turn 3 + 2 more, parity, route and back 4 each, even 2, odd 2, strict 1, warned 1.
      // Time: 6 times 10 ms in turn, two waits of 100 ms, once 5 ms in even.
      const told = seen.agreed();
      expect(told).to.deep.equal({ completed: 22, failed: 3, cancelled: 0, cached: 1, later: 2, ms: 65 });
      const analytics = runtime.getExecutionAnalytics(built);
      expect(analytics).to.deep.include({
        runs: { total: 1, completed: 1, failed: 0, cancelled: 0 },
        visits: 23,
        iterations: 4,
        unfinished: { skipped: 2, blocked: 0, cancelled: 0 },
        work: { totalMs: 65, wastedMs: 20, wastedShare: 20 / 65 },
      });
      expect(analytics.runDurationMs.sum).to.equal(265);
      const perNode = Object.fromEntries(
        analytics.nodes.map(({ node, attempts, visits, durationMs }) => [
          node,
          [attempts.total, attempts.failed, attempts.retries, attempts.cached, visits, durationMs.sum],
        ]),
      );
      expect(perNode).to.deep.equal({
        back: [4, 0, 0, 0, 4, 0],
        even: [2, 0, 0, 1, 2, 5],
        odd: [2, 0, 0, 0, 2, 0],
        parity: [4, 0, 0, 0, 4, 0],
        route: [4, 0, 0, 0, 4, 0],
        signed: [1, 0, 0, 0, 1, 0],
        strict: [1, 1, 0, 0, 1, 0],
        turn: [6, 2, 2, 0, 4, 60],
        warned: [1, 0, 0, 0, 1, 0],
      });

      const { nodes, ...execution } = runtime.getExecutionMetrics('run-1');
      expect(execution).to.deep.equal({
        runId: 'run-1',
        workflow: 'everything',
        status: 'completed',
        startedAt: begin,
        durationMs: 265,
        attempts: { completed: 22, failed: 3, lost: 0, cancelled: 0 },
        retries: 2,
        cached: 1,
        busyMs: 65,
        wastedMs: 20,
      });
      expect(nodes).to.deep.include({ completed: 7, failed: 1, skipped: 2 });

      const counts = { attempts: 6, firstTry: 3, recovered: 1, failed: 0, retries: 2, waitedMs: 200 };
      expect(runtime.getRetryAnalytics()).to.deep.include({
        ...counts,
        since: begin + 10,
        byCode: { E_STEP: { failures: 2, retries: 2 } },
        byExecutor: { 'function.step': counts },
      });
      const { limits, waiting, cache } = runtime.getResourceMetrics();
      expect([waiting, cache]).to.deep.equal([0, { entries: 1, maxEntries: 1_000, hits: 1, misses: 1, evicted: 0 }]);
      expect(limits).to.have.length(1);
      expect(limits[0]).to.deep.include({ key: 'function.step', values: 0, inFlight: 0, started: 6, rejected: 0 });
      expect(runtime.getCircuitBreakers().list()).to.deep.equal([
        { key: 'function.step', state: 'closed', failures: 0, opened: 0, refused: 0, retryAt: null },
      ]);
      expect(runtime.getHealthStatus().level).to.equal('healthy');

      // Asked about are inputs with a schema: 1 attempt of signed, 6 of turn, 1 each of strict and warned, whose contracts are broken.
      expect(runtime.getValidationMetrics()).to.deep.equal({
        workflows: 1,
        inputs: 9,
        inputFailures: 0,
        contractViolations: 2,
        accessDenied: 0,
      });
      expect(runtime.trackCycleIteration()).to.deep.equal({ iterations: 4, stopped: 1 });
      expect(runtime.trackConditionalExecutionPerformance()).to.deep.equal({
        runs: 1,
        executed: 8,
        skipped: 2,
        skippedShare: 0.2,
      });
      expect(runtime.getRuntimeMetrics()).to.deep.include({ warnings: 1, uptimeMs: 265 });
      expect(runtime.getRuntimeMetrics().runs).to.deep.include({ started: 1, completed: 1, inFlight: 0 });
      const { sections } = runtime.getPerformanceReport();
      expect(sections).to.deep.include({
        validation: runtime.getValidationMetrics(),
        cycles: { iterations: 4, stopped: 1 },
        conditional: runtime.trackConditionalExecutionPerformance(),
      });

      const path = runtime.getExecutionPathDebugInfo(outcome);
      expect(path.cycles).to.deep.include({
        cycle: 'loop',
        iterations: 4,
        totalIterations: 4,
        reason: 'converged',
        failed: false,
        elapsedMs: 265,
      });
      expect(path.nodes.find(({ node }) => node === 'turn')?.attempts.map(({ waitedMs }) => waitedMs)).to.deep.equal([
        0, 100, 0,
      ]);
      expect(JSON.stringify([runtime.getPerformanceReport(), path, seen.attempts, session.events])).not.to.contain(
        TOKEN,
      );
      seen.compare([analytics, execution, nodes, sections.validation, path, seen.attempts]);
      await session.close();
    }),
  );

  it(
    'answer to every method of every mixin while the runtime is monitored and limited, and its plugins listen',
    everyWay(async (run) => {
      const seen = new Overseen(run, {
        secrets: { load: () => ({ TOKEN }) },
        resources: { limits: [{ maxConcurrency: 4 }] },
      });
      const { session } = seen;
      const { runtime, clock } = session;
      const built = session.form(counting((ms) => clock.advance(ms)));
      const before = runtime.getPerformanceReport();

      expect(runtime.validateWorkflow(built)).to.deep.equal({ problems: [], warnings: [] });
      expect(runtime.validateConnectionContracts(built, 'strict', { n: 4 })).to.have.length(1);
      expect(runtime.buildConnectionContext(built, 'strict')).to.be.an('object');
      expect(runtime.generateEnhancedValidationError(built, 'INPUT_INVALID', 'strict', 'n', 'is wrong').code).to.equal(
        'INPUT_INVALID',
      );
      expect(runtime.checkWorkflowAccess(built, 'r', {})).to.deep.equal({ allowed: true, reason: '' });
      expect(runtime.shouldStopOnError(built, 'strict')).to.equal(false);

      expect(runtime.processWorkflowParameters(built, { from: 1 }).parameters).to.deep.equal({ from: 1, unit: 'm' });
      expect(runtime.separateParameterFormats(built, { from: 1, turn: { n: 1 } })).to.be.an('object');
      expect(runtime.isNodeSpecificFormat(built, 'turn', { n: 1 })).to.equal(true);
      expect(runtime.serializeUserContext({ tenant: 'acme' })).to.deep.equal({ tenant: 'acme' });
      expect(runtime.extractSecretRequirements(built)).to.deep.equal([{ name: 'TOKEN', nodes: ['signed'] }]);

      expect(runtime.hasConditionalPatterns(built)).to.equal(true);
      expect(runtime.validateConditionalExecutionPrerequisites(built)).to.deep.equal([]);
      expect(runtime.validateSwitchResults(built, 'route', { even: 'even' })).to.deep.equal([]);
      expect(runtime.validateSwitchResults(built, 'route', { even: 'even', odd: 'odd' })).not.to.deep.equal([]);

      expect(runtime.workflowHasCycles(built)).to.equal(true);
      expect(runtime.validateCycleConfiguration(built)).to.deep.equal([]);
      expect(runtime.getExecutionPlanCached(built).cached).to.equal(false);
      expect(runtime.createExecutionPlanCacheKey(built)).to.match(/^[0-9a-f]{64}$/);

      // Asking runs nothing and counts nothing but the look-up of the plan.
      const { analytics, runtime: life, sections } = runtime.getPerformanceReport();
      expect(analytics.planCache).to.deep.equal({ hits: 0, misses: 1, hitRate: 0 });
      expect(analytics.attempts).to.deep.equal(before.analytics.attempts);
      expect(life.runs).to.deep.equal(before.runtime.runs);
      expect(sections.validation).to.deep.equal(before.sections.validation);
      expect(sections.cycles).to.deep.equal(before.sections.cycles);

      // What is changed by hand holds from the next run on.
      runtime.initializeRetryPolicies({ attempts: 3, backoff: { strategy: 'soon' } }, 'function.step');
      runtime.registerRetryStrategy('soon', () => 7);
      runtime.initializeCircuitBreaker({ failures: 2 }, 'function.step');
      runtime.initializeHealthMonitor();
      const outcome = await session.settle(built, { from: 0 });
      if (outcome.status === 'rejected') throw outcome.error;
      // The second failure opens the breaker: the third attempt is refused, and such a refusal is not tried again.
      expect([outcome.status, outcome.node('turn').error?.code, outcome.node('turn').attempts]).to.deep.equal([
        'failed',
        'BREAKER_OPEN',
        3,
      ]);
      expect(runtime.getRetryAnalytics()).to.deep.include({
        attempts: 4,
        firstTry: 1,
        retries: 2,
        waitedMs: 14,
        failed: 1,
      });
      expect(runtime.getCircuitBreakers().get('function.step')).to.include({ state: 'open', opened: 1, refused: 1 });
      expect(seen.sink.value('lockstep.breaker.transitions', { state: 'open' })).to.equal(1);
      seen.agreed();

      expect(runtime.validateConditionalExecutionResults(outcome)).to.deep.equal([]);
      expect(runtime.logCycleDiagnostics(outcome).map(({ id, failed }) => [id, failed])).to.deep.equal([
        ['loop', true],
      ]);
      runtime.logConditionalExecutionFailure(outcome);
      expect(runtime.recordExecutionPerformance(outcome), 'its run was monitored').to.equal(false);
      expect(runtime.getHealthDiagnostics().runs).to.deep.equal({ seen: 1, failureShare: 1 });
      expect(runtime.optimizeRuntimePerformance().after).to.deep.include({ runs: 1, breakers: 1 });
      runtime.resetRetryMetrics();
      runtime.resetValidationMetrics();
      runtime.clearResultCache();
      runtime.clearAnalyticsData();
      expect(runtime.getRetryAnalytics().attempts).to.equal(0);
      expect(runtime.getExecutionAnalytics().attempts.total).to.equal(0);
      expect(runtime.getRuntimeMetrics().attempts.total, 'over the life of the runtime').to.equal(seen.attempts.length);
      await session.close();
    }),
  );
});
