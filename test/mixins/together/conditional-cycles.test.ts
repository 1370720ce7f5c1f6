import { expect } from 'chai';
import { when } from '../../../src/base/condition.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { Overseen } from '../../support/agreement.js';
import { everyWay, reasonOf, statuses } from '../../support/every-way.js';

describe('switches and cycles', () => {
  it(
    'agree on what ran: a switch that leaves its cycle, a member that an iteration skips, a branch that none takes',
    everyWay(async (run) => {
      const seen = new Overseen(run);
      const { session } = seen;
      const { runtime } = session;
      const w = workflow('leaving', { params: { last: type<number>() } });
      const step = w.fn('step', { n: 0 as number, last: w.params.last }, ({ n, last }) => {
        if (n + 1 > 5) throw Object.assign(new Error('too far'), { code: 'E_FAR' });
        return { n: n + 1, last };
      });
      const route = w.switch('route', step.out.value, {
        even: ({ n, last }) => n % 2 === 0 && n < last,
        done: ({ n, last }) => n >= last,
        negative: ({ n }) => n < 0,
        odd: otherwise,
      });
      const even = w.fn('even', { v: route.out.even }, ({ v }) => v.n);
      const odd = w.fn('odd', { v: route.out.odd }, ({ v }) => v.n);
      const back = w.fn(
        'back',
        { v: step.out.value, even: even.out.value.or(0), odd: odd.out.value.or(0) },
        ({ v }) => v.n,
      );
      w.cycle('loop', {
        feedback: [back.out.value.to(step.in.n)],
        until: when({ n: back.out.value, last: w.params.last }, ({ n, last }) => n >= last),
        maxIterations: 9,
      });
      const end = w.fn('end', { v: route.out.done }, ({ v }) => `done at ${v.n}`);
      const oddly = w.fn('oddly', { v: route.out.odd }, ({ v }) => `last odd ${v.n}`);
      const never = w.fn('never', { v: route.out.negative }, ({ v }) => v.n);
      w.fn('behind', { n: never.out.value }, ({ n }) => n);
      const built = w.build({ outputs: { end: end.out.value.or('no end'), oddly: oddly.out.value.or('never odd') } });

      // Iterations: 1 odd, 2 even, 3 done. The last one leaves the cycle through `done`, and skips `even` and `odd`. Outside, `odd`
      // has the value of the last iteration in which it was taken.
      const left = await session.settle(built, { last: 3 });
      if (left.status !== 'completed') throw new Error(left.status);
      expect(left.output).to.deep.equal({ end: 'done at 3', oddly: 'last odd 1' });
      expect(statuses(left)).to.deep.equal({
        step: 'completed',
        route: 'completed',
        even: 'skipped',
        odd: 'skipped',
        back: 'completed',
        end: 'completed',
        oddly: 'completed',
        never: 'skipped',
        behind: 'skipped',
      });
      expect(reasonOf(left, 'odd')).to.deep.include({ code: 'branch_not_taken', source: 'route.odd' });
      // The result counts iterations that skipped it as visits, the analytics those with an attempt.
      expect(left.node('odd')).to.include({ visits: 3, attempts: 0 });
      // Three visits of step, route and back; one each of odd, even, end and oddly.
      expect(seen.agreed()).to.deep.equal({ completed: 13, failed: 0, cancelled: 0, cached: 0, later: 0, ms: 0 });
      const first = runtime.getExecutionAnalytics(built);
      expect(first).to.deep.include({
        visits: 13,
        iterations: 3,
        unfinished: { skipped: 4, blocked: 0, cancelled: 0 },
      });
      expect(first.nodes.map(({ node, visits }) => `${node} ${visits}`)).to.deep.equal([
        'back 3',
        'end 1',
        'even 1',
        'odd 1',
        'oddly 1',
        'route 3',
        'step 3',
      ]);
      expect(runtime.trackConditionalExecutionPerformance()).to.deep.equal({
        runs: 1,
        executed: 5,
        skipped: 4,
        skippedShare: 4 / 9,
      });
      expect(runtime.trackCycleIteration()).to.deep.equal({ iterations: 3, stopped: 1 });
      expect(runtime.getExecutionMetrics('run-1').nodes).to.deep.include({ completed: 5, skipped: 4, failed: 0 });
      expect(runtime.validateConditionalExecutionResults(left)).to.deep.equal([]);
      const path = runtime.getExecutionPathDebugInfo(left);
      expect(path.nodes.map(({ node, status, visits }) => `${node} ${status} ${visits}`)).to.deep.equal(
        [...left.nodes.values()].map(({ id, status, visits }) => `${id} ${status} ${visits}`),
      );

      // The sixth step fails: the cycle fails in its sixth iteration, what reads its outputs is blocked.
      const failed = await session.settle(built, { last: 9 });
      if (failed.status !== 'failed') throw new Error(failed.status);
      expect(statuses(failed)).to.deep.equal({
        step: 'failed',
        route: 'blocked',
        even: 'blocked',
        odd: 'blocked',
        back: 'blocked',
        end: 'blocked',
        oddly: 'blocked',
        never: 'blocked',
        behind: 'blocked',
      });
      const { iterations, totalIterations, reason } = failed.cycle('loop');
      const both = runtime.getExecutionAnalytics(built);
      expect([reason, totalIterations]).to.deep.equal(['failed', iterations]);
      expect(both.iterations).to.equal(3 + totalIterations);
      expect(runtime.trackCycleIteration()).to.deep.equal({ iterations: 3 + totalIterations, stopped: 2 });
      expect(both.unfinished).to.deep.equal({ skipped: 4, blocked: 8, cancelled: 0 });
      // Five visits of step, route and back, three of odd, two of even, and the step that failed.
      expect(seen.agreed()).to.deep.include({ completed: 13 + 20, failed: 1 });
      expect(runtime.trackConditionalExecutionPerformance()).to.deep.equal({
        runs: 2,
        executed: 6,
        skipped: 4,
        skippedShare: 0.4,
      });
      expect(runtime.getExecutionMetrics('run-2').nodes).to.deep.include({ failed: 1, blocked: 8 });
      const { planCache: _, ...counted } = both; // the asynchronous form is made anew for each run
      seen.compare([counted, path]);
      await session.close();
    }),
  );

  it(
    'count what children leave undone in the analytics, and the graph at the top in the conditional metrics',
    everyWay(async (run) => {
      const seen = new Overseen(run);
      const { session } = seen;
      const { runtime } = session;
      const inner = workflow('inner', { params: { n: type<number>() } });
      const route = inner.switch('route', inner.params.n, { low: (n) => n < 2, high: otherwise });
      inner.fn('low', { n: route.out.low }, ({ n }) => n);
      inner.fn('high', { n: route.out.high }, ({ n }) => n);
      const item = inner.build();
      const w = workflow('outer');
      const list = w.fn('list', {}, () => [1, 2, 3]);
      w.map('all', list.out.value, (n) => item({ n }));
      const built = w.build();
      const outcome = await session.settle(built);
      expect(outcome.status).to.equal('completed');
      // list, all, and in each of three items the subworkflow, its switch and one branch.
      expect(seen.agreed()).to.deep.include({ completed: 11, failed: 0 });
      expect(runtime.getExecutionAnalytics(built).unfinished).to.deep.equal({ skipped: 3, blocked: 0, cancelled: 0 });
      expect(runtime.hasConditionalPatterns(session.form(built))).to.equal(true);
      expect(runtime.trackConditionalExecutionPerformance()).to.deep.equal({
        runs: 1,
        executed: 2,
        skipped: 0,
        skippedShare: 0,
      });
      await session.close();
    }),
  );
});
