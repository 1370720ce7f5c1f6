import { inspect } from 'node:util';
import { expect } from 'chai';
import { z } from 'zod';
import { when } from '../../../src/base/condition.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import type { FailedRun } from '../../../src/base/outcome.js';
import { collect, oneOf, type Ref, required } from '../../../src/base/ref.js';
import type { RunResult } from '../../../src/base/run-result.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime, type LocalRuntimeOptions } from '../../../src/runtimes/local-runtime.js';
import { seededIds } from '../../../src/testing/seeded.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import { caught, refusal } from '../../support/caught.js';

const START = 1_704_067_200_000;

function setUp(options: LocalRuntimeOptions = {}) {
  const clock = new VirtualClock();
  return { clock, runtime: new LocalRuntime({ clock, ids: seededIds(), ...options }) };
}

/** A run with every status that a node can end with, and a cycle. */
function mixed(options: LocalRuntimeOptions = {}) {
  const { clock, runtime } = setUp(options);
  let calls = 0;
  const w = workflow('mixed', { params: { n: type<number>() } });
  const flaky = w.fn(
    'flaky',
    { n: w.params.n },
    ({ n }) => {
      clock.advance(5);
      calls++;
      if (calls < 3) throw new Error(`failure ${calls}`);
      return { deep: [{ n }] };
    },
    { retry: { attempts: 3, delayMs: 10, backoff: 'fixed' } },
  );
  const route = w.switch('route', w.params.n, { big: (n) => n > 10, small: otherwise });
  const big = w.fn('big', { n: route.out.big }, ({ n }) => n);
  const small = w.fn('small', { n: route.out.small }, ({ n }) => n * 2);
  const step = w.add(
    'step',
    defineNode({
      name: 'step',
      inputs: { value: type<number>() },
      outputs: { value: type<number>() },
      run: ({ value }) => {
        clock.advance(2);
        return { value: value / 2 };
      },
    })({ value: w.params.n }),
  );
  const fit = w.cycle('fit', {
    feedback: [step.out.value.to(step.in.value)],
    until: when(step.out.value, (value) => value < 1),
    maxIterations: 9,
  });
  const risky = w.try(
    'risky',
    defineNode({
      name: 'risky',
      outputs: { value: type<number>() },
      run: () => {
        throw Object.assign(new Error('as it may'), { code: 'E_RISK' });
      },
    })(),
  );
  const bad = w.fn('bad', {}, (): number => {
    throw new Error('for good');
  });
  const after = w.fn('after', { n: bad.out.value }, ({ n }) => n);
  const built = w.build({ outputs: { value: small.out.value } });
  const outcome = runtime.settle(built, { n: 4 });
  return {
    outcome: outcome as FailedRun<{ value: number }>,
    w,
    flaky,
    route,
    big,
    small,
    step,
    fit,
    risky,
    bad,
    after,
  };
}

/** A run that completed with one output. */
function completed() {
  const { runtime } = setUp();
  const w = workflow('small');
  const a = w.fn('a', {}, () => 7);
  return { run: runtime.execute(w.build({ outputs: { a: a.out.value } })), a };
}

describe('run result', () => {
  it('says how the run ended, which run it was, when and how long', () => {
    const { outcome } = mixed();
    expect([outcome.status, outcome.runId, outcome.workflow]).to.deep.equal(['failed', 'run-1', 'mixed']);
    expect(outcome.startedAt).to.equal(START);
    expect(outcome.durationMs).to.equal(35);
    expect(outcome.warnings).to.deep.equal([]);
  });

  describe('output and unwrap()', () => {
    it('give the declared outputs of a completed run, in the order of declaration, dead ones left out', () => {
      const { runtime } = setUp();
      const w = workflow('w', { params: { n: type<number>() } });
      const route = w.switch('route', w.params.n, { big: (n) => n > 10, small: otherwise });
      const run = runtime.execute(w.build({ outputs: { small: route.out.small, big: route.out.big, n: w.params.n } }), {
        n: 3,
      });
      expect(run.status).to.equal('completed');
      expect(Object.entries(run.unwrap())).to.deep.equal([
        ['small', 3],
        ['n', 3],
      ]);
      expect(run.status === 'completed' && run.output).to.equal(run.unwrap());
    });

    it('are empty where no output is declared', () => {
      const w = workflow('w');
      w.fn('a', {}, () => 1);
      expect(setUp().runtime.execute(w.build()).unwrap()).to.deep.equal({});
    });

    it('unwrap() refuses a run that is not completed', () => {
      const { outcome } = mixed();
      expect(outcome.output).to.equal(undefined);
      expect(refusal(() => outcome.unwrap())).to.deep.equal({
        code: 'NOT_COMPLETED',
        at: 'run-1',
        message: 'Run run-1 is failed, not completed. Check status before unwrap().',
      });
    });
  });

  describe('node()', () => {
    it('reports a node that completed after failures', () => {
      const { outcome, flaky } = mixed();
      const report = outcome.node(flaky);
      const failure = (attempt: number, retryAt: number) => ({
        visit: 1,
        attempt,
        status: 'failed',
        error: { name: 'Error', code: 'NODE_THREW', message: `failure ${attempt}` },
        startedAt: START + (attempt - 1) * 15,
        endedAt: START + (attempt - 1) * 15 + 5,
        retryAt,
      });
      expect(report).to.deep.equal({
        id: 'flaky',
        status: 'completed',
        attempts: 3,
        visits: 1,
        durationMs: 15,
        startedAt: START,
        endedAt: START + 35,
        reason: undefined,
        error: undefined,
        failures: [failure(1, START + 15), failure(2, START + 30)],
      });
    });

    it('reports a node that was skipped, one that was blocked and one that failed', () => {
      const { outcome, big, bad } = mixed();
      const none = {
        attempts: 0,
        visits: 1,
        durationMs: 0,
        startedAt: undefined,
        endedAt: undefined,
        error: undefined,
        failures: [],
      };
      expect(outcome.node(big)).to.deep.equal({
        ...none,
        id: 'big',
        status: 'skipped',
        reason: {
          code: 'branch_not_taken',
          input: 'big.n',
          source: 'route.big',
          root: { subject: 'route', port: 'big', code: 'branch_not_taken' },
        },
      });
      expect(outcome.node('after')).to.deep.equal({
        ...none,
        id: 'after',
        status: 'blocked',
        reason: {
          code: 'upstream_failed',
          input: 'after.n',
          source: 'bad.value',
          root: { subject: 'bad', port: null, code: 'upstream_failed' },
        },
      });
      const error = { name: 'Error', code: 'NODE_THREW', message: 'for good' };
      const report = outcome.node(bad);
      expect([report.status, report.attempts, report.error, report.reason]).to.deep.equal([
        'failed',
        1,
        error,
        undefined,
      ]);
      const [failure] = report.failures;
      expect({ ...failure, startedAt: 0, endedAt: 0 }).to.deep.equal({
        visit: 1,
        attempt: 1,
        status: 'failed',
        error,
        startedAt: 0,
        endedAt: 0,
        retryAt: undefined,
      });
    });

    it('reports visits and the time of all of them for a node in a cycle', () => {
      const { outcome, step } = mixed();
      const { visits, attempts, durationMs, startedAt } = outcome.node(step);
      expect({ visits, attempts, durationMs, startedAt }).to.deep.equal({
        visits: 3,
        attempts: 1,
        durationMs: 6,
        startedAt: START + 9,
      });
    });

    it('takes the handle of a node, a switch or a node that may fail, or an id', () => {
      const { outcome, route, risky } = mixed();
      expect(outcome.node(route).status).to.equal('completed');
      expect(outcome.node(risky).error?.code).to.equal('E_RISK');
      expect(outcome.node('small').status).to.equal('completed');
    });

    it('refuses what is no node, with a did-you-mean', () => {
      const { outcome, fit } = mixed();
      expect(refusal(() => outcome.node('smal'))).to.deep.equal({
        code: 'UNKNOWN_NODE',
        at: 'smal',
        message: 'Workflow "mixed" has no node "smal". Did you mean "small"? Correct the id.',
      });
      expect(caught(() => outcome.node(fit)).code).to.equal('UNKNOWN_NODE');
      expect(caught(() => outcome.node('toString')).code).to.equal('UNKNOWN_NODE');
    });

    it('reports a node that ran at the very beginning of time', () => {
      const w = workflow('w');
      w.fn('a', {}, () => 1);
      const run = new LocalRuntime({ clock: new VirtualClock(0) }).execute(w.build());
      expect([run.startedAt, run.node('a').startedAt, run.node('a').endedAt]).to.deep.equal([0, 0, 0]);
    });
  });

  describe('cycle()', () => {
    it('reports iterations, reason, metric and history', () => {
      const { outcome, fit } = mixed();
      expect(outcome.cycle(fit)).to.deep.equal({
        id: 'fit',
        iterations: 3,
        totalIterations: 3,
        reason: 'converged',
        failed: false,
        root: undefined,
        error: undefined,
        metric: 0.5,
        history: [2, 1, 0.5],
        elapsedMs: 6,
      });
      expect(outcome.cycle('fit')).to.deep.equal(outcome.cycle(fit));
    });

    it('refuses what is no cycle, with a did-you-mean', () => {
      const { outcome } = mixed();
      expect(refusal(() => outcome.cycle('fitt'))).to.deep.equal({
        code: 'UNKNOWN_NODE',
        at: 'fitt',
        message: 'Workflow "mixed" has no cycle "fitt". Did you mean "fit"? Correct the id.',
      });
      expect(refusal(() => completed().run.cycle('fit')).message).to.equal(
        'Workflow "small" has no cycle "fit". There are none. Correct the id.',
      );
    });

    it('gives every cycle in cycles, in order of declaration', () => {
      const { outcome } = mixed();
      expect([...outcome.cycles.keys()]).to.deep.equal(['fit']);
      expect(outcome.cycles.get('fit')).to.deep.equal(outcome.cycle('fit'));
    });

    it('gives a copy of the history', () => {
      const { outcome } = mixed();
      (outcome.cycle('fit').history as number[]).push(99);
      expect(outcome.cycle('fit').history).to.deep.equal([2, 1, 0.5]);
    });
  });

  it('nodes: every node in plan order, worked out once', () => {
    const { outcome } = mixed();
    expect([...outcome.nodes].map(([id, { status }]) => [id, status])).to.deep.equal([
      ['flaky', 'completed'],
      ['route', 'completed'],
      ['big', 'skipped'],
      ['small', 'completed'],
      ['step', 'completed'],
      ['risky', 'failed'],
      ['bad', 'failed'],
      ['after', 'blocked'],
    ]);
    expect(outcome.nodes).to.equal(outcome.nodes);
  });

  it('failures: every node that failed for good, in plan order, and whether it may', () => {
    const { outcome } = mixed();
    expect(outcome.failures).to.deep.equal([
      { node: 'risky', error: { name: 'Error', code: 'E_RISK', message: 'as it may' }, allowed: true },
      { node: 'bad', error: { name: 'Error', code: 'NODE_THREW', message: 'for good' }, allowed: false },
    ]);
    expect(completed().run.failures).to.deep.equal([]);
  });

  describe('results', () => {
    it('hold the outputs of what completed, in plan order; skipped nodes are left out by default', () => {
      const { outcome } = mixed();
      expect([...outcome.results]).to.deep.equal([
        ['flaky', { value: { deep: [{ n: 4 }] } }],
        ['route', { small: 4 }],
        ['small', { value: 8 }],
        ['step', { value: 0.5 }],
      ]);
      expect(outcome.results).to.equal(outcome.results);
    });

    it("show skipped nodes as {} with skippedInResults: 'empty', blocked and failed ones never", () => {
      const { outcome } = mixed({ skippedInResults: 'empty' });
      expect([...outcome.results.keys()]).to.deep.equal(['flaky', 'route', 'big', 'small', 'step']);
      expect(outcome.results.get('big')).to.deep.equal({});
    });
  });

  describe('value()', () => {
    it('reads an output, a path in it, a case, an error, a cycle and a parameter', () => {
      const { outcome, flaky, route, risky, fit, step, w } = mixed();
      expect(outcome.value(flaky.out.value)).to.deep.equal({ deep: [{ n: 4 }] });
      expect(outcome.value(flaky.out.value.at('deep').at(0).at('n'))).to.equal(4);
      expect(outcome.value(flaky.out.value.path('deep.0.n', z.number()))).to.equal(4);
      expect(outcome.value(flaky.out.value.path('deep.7.n', z.number()))).to.equal(undefined);
      expect(outcome.value(route.out.small)).to.equal(4);
      expect(outcome.value(risky.error)).to.deep.equal({ name: 'Error', code: 'E_RISK', message: 'as it may' });
      expect(outcome.value(fit.out.reason)).to.equal('converged');
      expect(outcome.value(fit.out.iterations)).to.equal(3);
      expect(outcome.value(step.out.value)).to.equal(0.5);
      expect(outcome.value(w.params.n)).to.equal(4);
    });

    it('is undefined for what is dead: an untaken case, a skipped, blocked or failed node, the error of one that did not fail', () => {
      const { outcome, route, big, bad, after, risky } = mixed();
      for (const ref of [route.out.big, big.out.value, bad.out.value, after.out.value, risky.out.value])
        expect(outcome.value(ref as Ref<unknown>)).to.equal(undefined);
      const { runtime } = setUp();
      const w = workflow('w');
      const fine = w.try(
        'fine',
        defineNode({ name: 'fine', outputs: { value: type<number>() }, run: () => ({ value: 1 }) })(),
      );
      expect(runtime.execute(w.build()).value(fine.error)).to.equal(undefined);
    });

    it('evaluates every kind of expression', () => {
      const { outcome, route, big, small, risky, flaky } = mixed();
      expect(outcome.value(oneOf(big.out.value, small.out.value))).to.equal(8);
      expect(outcome.value(collect(big.out.value, small.out.value, route.out.small))).to.deep.equal([8, 4]);
      expect(outcome.value(collect(big.out.value, route.out.big))).to.equal(undefined);
      expect(outcome.value(big.out.value.or(small.out.value))).to.equal(8);
      expect(outcome.value(big.out.value.or('literal'))).to.equal('literal');
      expect(outcome.value(risky.out.value.or(null))).to.equal(null);
      expect(outcome.value(required(small.out.value))).to.equal(8);
      expect(outcome.value(route.join({ big: big.out.value, small: small.out.value }))).to.equal(8);
      expect(outcome.value(risky.join({ ok: risky.out.value, failed: risky.error }).at('code' as never))).to.equal(
        'E_RISK',
      );
      expect(outcome.value(oneOf(big.out.value, flaky.out.value).at('deep' as never))).to.deep.equal([{ n: 4 }]);
    });

    it('fails as a node would that reads it', () => {
      const { outcome, big, small, flaky } = mixed();
      expect(refusal(() => outcome.value(required(big.out.value)))).to.deep.equal({
        code: 'OUTPUT_MISSING',
        at: 'big.value',
        message: 'big.value is required and was not produced. See which branch was not taken.',
      });
      expect(caught(() => outcome.value(oneOf(small.out.value, flaky.out.value))).code).to.equal('INPUT_CONFLICT');
      expect(caught(() => outcome.value(flaky.out.value.path('deep.0.n', z.string()))).code).to.equal('INPUT_INVALID');
    });

    it('refuses what is no reference, and a reference of another workflow even with the same ids', () => {
      const { outcome } = mixed();
      expect(refusal(() => outcome.value(5 as never)).message).to.equal(
        'value() takes a reference. Correct the named field.',
      );
      const message =
        'value() was given a reference of another workflow than "mixed". Use references of the workflow you are building.';
      const other = workflow('other');
      expect(refusal(() => outcome.value(other.fn('elsewhere', {}, () => 1).out.value)).message).to.equal(message);
      expect(refusal(() => outcome.value(other.fn('small', {}, () => 1).out.value))).to.deep.equal({
        code: 'FOREIGN_REF',
        at: '',
        message,
      });
    });
  });

  describe('printing it', () => {
    const secret = 'payload-1234';
    const withPayload = (): RunResult => {
      const { runtime } = setUp();
      const w = workflow('private', { params: { token: type<string>() } });
      const a = w.fn('a', { token: w.params.token }, ({ token }) => ({ token }));
      return runtime.execute(w.build({ outputs: { a: a.out.value } }), { token: secret });
    };

    it('shows a summary and never a payload', () => {
      expect(inspect(withPayload())).to.equal('RunResult { private run-1 completed, 1 nodes, 0.0 ms }');
      expect(inspect({ nested: withPayload() }, { depth: 9, showHidden: true })).not.to.contain(secret);
    });

    it('as JSON shows no payload either', () => {
      const text = JSON.stringify(withPayload());
      expect(text).not.to.contain(secret);
      expect(JSON.parse(text)).to.deep.equal({
        status: 'completed',
        runId: 'run-1',
        workflow: 'private',
        warnings: [],
      });
    });
  });
});
