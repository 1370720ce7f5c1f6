import { expect } from 'chai';
import { when } from '../../../src/base/condition.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { VirtualClock } from '../../../src/testing/index.js';
import { everyWay, reasonOf, statuses } from '../../support/every-way.js';
import { halve, halving, numeric } from '../../support/halving.js';

/** A cycle whose every iteration takes `ms` of virtual time. */
function ticking(
  clock: VirtualClock,
  ms: number,
  options: {
    readonly timeoutMs: number;
    readonly maxIterations?: number;
    readonly onTimeout?: 'accept' | 'fail';
    readonly until?: (n: number) => boolean;
  },
) {
  const { until, ...rest } = options;
  const w = workflow('ticking');
  const tick = numeric('tick', (n) => {
    clock.advance(ms);
    return n + 1;
  });
  const step = w.add('step', tick({ n: 0 }));
  const loop = w.cycle('loop', {
    feedback: [step.out.n.to(step.in.n)],
    ...rest,
    ...(until === undefined ? {} : { until: when(step.out.n, until) }),
  });
  const end = w.fn('end', { n: step.out.n }, ({ n }) => n);
  return w.build({ outputs: { n: end.out.value, reason: loop.out.reason } });
}

describe('why a cycle stops', () => {
  it(
    'converged: the condition is met; metric and history are its values',
    everyWay(async (run) => {
      const result = await run.complete(halving({ until: (n) => n < 3 }));
      expect(result.output).to.deep.equal({ n: 2, reason: 'converged', iterations: 3 });
      const { elapsedMs: _, ...report } = result.cycle('fit');
      expect(report).to.deep.equal({
        id: 'fit',
        iterations: 3,
        totalIterations: 3,
        reason: 'converged',
        failed: false,
        root: undefined,
        error: undefined,
        metric: 2,
        history: [8, 4, 2],
      });
      expect(result.warnings).to.deep.equal([]);
      expect(result.node('step').visits).to.equal(3);
      expect(result.node('end').visits).to.equal(1);
    }),
  );

  it(
    'max_iterations, accepted: a warning if there was a condition, once',
    everyWay(async (run) => {
      const result = await run.complete(halving({ until: (n) => n < 0, maxIterations: 4 }));
      expect(result.output).to.deep.equal({ n: 1, reason: 'max_iterations', iterations: 4 });
      expect(result.warnings).to.deep.equal([
        {
          code: 'not-converged',
          message: 'Cycle "fit" reached maxIterations (4) before its condition was met.',
          at: 'fit',
        },
      ]);
    }),
  );

  it(
    'max_iterations without a condition is no warning',
    everyWay(async (run) => {
      const result = await run.complete(halving({ maxIterations: 2 }));
      expect(result.output).to.deep.equal({ n: 4, reason: 'max_iterations', iterations: 2 });
      expect(result.warnings).to.deep.equal([]);
      expect(result.cycle('fit').metric).to.equal(undefined);
      expect(result.cycle('fit').history).to.deep.equal([]);
    }),
  );

  it(
    'max_iterations of 1 runs the body once',
    everyWay(async (run) => {
      const result = await run.complete(halving({ maxIterations: 1 }));
      expect(result.output).to.deep.equal({ n: 8, reason: 'max_iterations', iterations: 1 });
    }),
  );

  it(
    'max_iterations with onMaxIterations: fail is the failure CYCLE_LIMIT and blocks the exits',
    everyWay(async (run) => {
      const result = await run.fail(halving({ until: (n) => n < 0, maxIterations: 3, onMaxIterations: 'fail' }));
      expect(result.error.node).to.equal('fit');
      expect(result.error.failure.code).to.equal('CYCLE_LIMIT');
      expect(result.error.failure.message).to.contain('Cycle "fit" reached its 3 iterations.');
      expect(result.cycle('fit')).to.include({ reason: 'max_iterations', failed: true, iterations: 3, metric: 2 });
      expect(result.cycle('fit').error?.code).to.equal('CYCLE_LIMIT');
      expect(result.warnings).to.deep.equal([]);
      expect(reasonOf(result, 'end')).to.deep.equal({
        code: 'upstream_blocked',
        input: 'end.n',
        source: 'step.n',
        root: { subject: 'fit', port: null, code: 'upstream_failed' },
      });
      expect(statuses(result)).to.deep.equal({ step: 'completed', end: 'blocked' });
    }),
  );

  it(
    'timeout, accepted: measured at the end of each iteration',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const result = await run.complete(ticking(clock, 30, { timeoutMs: 100, onTimeout: 'accept' }), {
        runtime: { clock },
      });
      expect(result.output).to.deep.equal({ n: 4, reason: 'timeout' });
      expect(result.cycle('loop')).to.include({ elapsedMs: 120, iterations: 4, failed: false });
    }),
  );

  it(
    'timeout fails CYCLE_TIMEOUT by default, at exactly the limit too',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const result = await run.fail(ticking(clock, 25, { timeoutMs: 100 }), { runtime: { clock } });
      expect(result.error.node).to.equal('loop');
      expect(result.error.failure.code).to.equal('CYCLE_TIMEOUT');
      expect(result.cycle('loop')).to.include({ reason: 'timeout', failed: true, iterations: 4, elapsedMs: 100 });
      expect(statuses(result).end).to.equal('blocked');
    }),
  );

  it(
    'exited: a switch left the loop; its port is the root',
    everyWay(async (run) => {
      const w = workflow('exit');
      const step = w.add('step', halve({ n: 16 }));
      const route = w.switch('route', step.out.n, { again: (n) => n > 1, done: otherwise });
      const loop = w.cycle('loop', { feedback: [route.out.again.to(step.in.n)], maxIterations: 50 });
      const result = await run.complete(w.build({ outputs: { done: route.out.done, reason: loop.out.reason } }));
      expect(result.output).to.deep.equal({ done: 1, reason: 'exited' });
      expect(result.cycle('loop')).to.include({ reason: 'exited', root: 'route.again', iterations: 4, failed: false });
    }),
  );

  it(
    'no_feedback: a failure that was allowed left nothing to feed back; the node is the root',
    everyWay(async (run) => {
      const w = workflow('dry');
      const pick = numeric('pick', (n) => {
        if (n < 2) throw new Error('too small');
        return n / 2;
      });
      const step = w.try('step', pick({ n: 8 }));
      const loop = w.cycle('loop', { feedback: [step.out.n.to(step.in.n)], maxIterations: 50 });
      const result = await run.complete(
        w.build({ outputs: { n: step.out.n, error: step.error.at('message'), reason: loop.out.reason } }),
      );
      expect(result.output).to.deep.equal({ n: 1, error: 'too small', reason: 'no_feedback' });
      expect(result.cycle('loop')).to.include({ root: 'step', iterations: 4, failed: false });
    }),
  );

  it(
    'no_feedback: the error that was fed back did not happen',
    everyWay(async (run) => {
      const w = workflow('mended');
      const mend = defineNode({
        name: 'mend',
        inputs: { because: type<string>() },
        outputs: { n: type<number>() },
        run: ({ because }) => {
          if (because !== 'second') throw new Error(because === 'first' ? 'second' : 'first');
          return { n: 1 };
        },
      });
      const step = w.try('step', mend({ because: 'start' }));
      const loop = w.cycle('loop', { feedback: [step.error.at('message').to(step.in.because)], maxIterations: 9 });
      const result = await run.complete(w.build({ outputs: { n: step.out.n, reason: loop.out.reason } }));
      expect(result.output).to.deep.equal({ n: 1, reason: 'no_feedback' });
      expect(result.cycle('loop')).to.include({ iterations: 3, root: 'step.$error' });
    }),
  );

  it(
    'failed: a member failed; it is the root, the exits are blocked and the run fails with its error',
    everyWay(async (run) => {
      const w = workflow('fails');
      const fragile = numeric('fragile', (n) => {
        if (n < 5) throw Object.assign(new Error('broke'), { code: 'E_BROKE' });
        return n / 2;
      });
      const first = w.add('first', halve({ n: 16 }));
      const second = w.add('second', fragile({ n: first.out.n }));
      const loop = w.cycle('loop', { feedback: [second.out.n.to(first.in.n)], maxIterations: 50 });
      w.fn('end', { n: first.out.n }, ({ n }) => n);
      w.fn('why', { reason: loop.out.reason }, ({ reason }) => reason);
      const result = await run.fail(w.build());
      expect(result.error.node).to.equal('second');
      expect(result.error.failure.code).to.equal('E_BROKE');
      expect(result.cycle('loop')).to.include({
        reason: 'failed',
        failed: true,
        root: 'second',
        error: undefined,
        iterations: 2,
      });
      const root = { subject: 'second', port: null, code: 'upstream_failed' };
      expect(reasonOf(result, 'end')).to.deep.equal({
        code: 'upstream_blocked',
        input: 'end.n',
        source: 'first.n',
        root,
      });
      expect(reasonOf(result, 'why')).to.deep.equal({
        code: 'upstream_blocked',
        input: 'why.reason',
        source: 'loop.reason',
        root,
      });
    }),
  );

  it(
    'failed: a member was blocked by a failure before the cycle, which is the root',
    everyWay(async (run) => {
      const w = workflow('blockedEntry');
      const bad = w.fn('bad', {}, (): number => {
        throw new Error('bad');
      });
      const step = w.add('step', halve({ n: bad.out.value }));
      w.cycle('loop', { feedback: [step.out.n.to(step.in.n)], maxIterations: 5 });
      const result = await run.fail(w.build());
      expect(result.cycle('loop')).to.include({
        reason: 'failed',
        failed: true,
        root: 'bad',
        iterations: 0,
        totalIterations: 0,
      });
      expect(
        run.events.flatMap((event) => (event.kind === 'cycle.stopped' ? [event.data.iterations] : [])),
      ).to.deep.equal([0]);
    }),
  );

  it(
    'skipped: the cycle lies on an untaken branch; it makes no iteration',
    everyWay(async (run) => {
      const w = workflow('untaken', { params: { n: type<number>() } });
      const route = w.switch('route', w.params.n, { big: (n) => n > 10, small: otherwise });
      const step = w.add('step', halve({ n: route.out.big }));
      const loop = w.cycle('loop', { feedback: [step.out.n.to(step.in.n)], maxIterations: 5 });
      w.fn('end', { n: step.out.n }, ({ n }) => n);
      const result = await run.complete(
        w.build({ outputs: { reason: loop.out.reason, iterations: loop.out.iterations } }),
        { params: { n: 1 } },
      );
      expect(result.output).to.deep.equal({ reason: 'skipped', iterations: 0 });
      expect(result.cycle('loop')).to.include({
        reason: 'skipped',
        root: 'route.big',
        failed: false,
        iterations: 0,
        totalIterations: 0,
      });
      expect(statuses(result)).to.deep.equal({ route: 'completed', step: 'skipped', end: 'skipped' });
      expect(reasonOf(result, 'end')).to.deep.equal({
        code: 'upstream_skipped',
        input: 'end.n',
        source: 'step.n',
        root: { subject: 'route', port: 'big', code: 'branch_not_taken' },
      });
    }),
  );

  it(
    'cancelled: the run was cancelled in the middle of an iteration',
    everyWay(async (run) => {
      const controller = new AbortController();
      const w = workflow('cancelled');
      const first = w.add(
        'first',
        numeric('count', (n) => {
          if (n === 2) controller.abort(new Error('enough'));
          return n + 1;
        })({ n: 0 }),
      );
      const second = w.fn('second', { n: first.out.n }, ({ n }) => n);
      w.cycle('loop', { feedback: [second.out.value.to(first.in.n)], maxIterations: 50 });
      const result = await run.cancel(w.build(), { run: { signal: controller.signal }, compare: false });
      expect(result.cycle('loop')).to.include({ reason: 'cancelled', failed: true, iterations: 3 });
      expect(result.error.reason).to.equal('enough');
      expect(statuses(result).second).to.equal('cancelled');
      expect(reasonOf(result, 'second')?.code).to.equal('run_cancelled');
    }),
  );
});

describe('the order in which the reasons are checked', () => {
  it(
    'a failed member comes before feedback that is dead and a condition that is met',
    everyWay(async (run) => {
      const w = workflow('failedBeforeDead');
      const step = w.add('step', halve({ n: 16 }));
      const route = w.switch('route', step.out.n, { again: (n) => n > 100, done: otherwise });
      const bad = w.fn('bad', { n: step.out.n }, (): number => {
        throw new Error('bad');
      });
      const close = w.fn('close', { n: route.out.again, bad: bad.out.value.or(0) }, ({ n }) => n);
      w.cycle('loop', {
        feedback: [close.out.value.to(step.in.n)],
        until: when(step.out.n, () => true),
        maxIterations: 1,
      });
      const result = await run.fail(w.build());
      expect(result.cycle('loop')).to.include({ reason: 'failed', root: 'bad' });
    }),
  );

  it(
    'dead feedback comes before a condition that is met',
    everyWay(async (run) => {
      const w = workflow('deadBeforeUntil');
      const step = w.add('step', halve({ n: 16 }));
      const route = w.switch('route', step.out.n, { again: (n) => n > 4, done: otherwise });
      w.cycle('loop', {
        feedback: [route.out.again.to(step.in.n)],
        until: when(step.out.n, (n) => n <= 4),
        maxIterations: 50,
      });
      const result = await run.complete(w.build());
      expect(result.cycle('loop')).to.include({ reason: 'exited', iterations: 2, metric: undefined });
    }),
  );

  it(
    'a condition that is met comes before maxIterations',
    everyWay(async (run) => {
      const result = await run.complete(halving({ until: (n) => n === 4, maxIterations: 2, onMaxIterations: 'fail' }));
      expect(result.output).to.deep.equal({ n: 4, reason: 'converged', iterations: 2 });
    }),
  );

  it(
    'maxIterations comes before timeoutMs',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const result = await run.complete(ticking(clock, 50, { timeoutMs: 100, maxIterations: 2 }), {
        runtime: { clock },
      });
      expect(result.output).to.deep.equal({ n: 2, reason: 'max_iterations' });
    }),
  );

  it(
    'a condition that is met comes before timeoutMs',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const result = await run.complete(ticking(clock, 100, { timeoutMs: 100, until: (n) => n === 1 }), {
        runtime: { clock },
      });
      expect(result.output).to.deep.equal({ n: 1, reason: 'converged' });
    }),
  );
});
