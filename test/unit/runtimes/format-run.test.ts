import { expect } from 'chai';
import { when } from '../../../src/base/condition.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import type { RunResult } from '../../../src/base/run-result.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { formatRun } from '../../../src/runtimes/format-run.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { seededIds } from '../../../src/testing/seeded.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import { caught } from '../../support/caught.js';

function text(lines: readonly string[]): string {
  return lines.join('\n');
}

describe('formatRun', () => {
  it('shows every node, why it did not run, every cycle and every warning', () => {
    const clock = new VirtualClock();
    let calls = 0;
    const w = workflow('report', { params: { n: type<number>() } });
    const read = w.fn('read', { n: w.params.n }, ({ n }) => {
      clock.advance(0.4);
      return n;
    });
    const flaky = w.fn(
      'flaky',
      { n: read.out.value },
      ({ n }) => {
        clock.advance(12.34);
        calls++;
        if (calls < 3) throw new Error('again');
        return n;
      },
      { retry: { attempts: 3 } },
    );
    const route = w.switch('route', flaky.out.value, { many: (n) => n > 10, few: otherwise });
    const full = w.fn('full', { n: route.out.many }, ({ n }) => n);
    w.fn('after-full', { n: full.out.value }, ({ n }) => n);
    const step = w.fn('step', { n: route.out.few }, ({ n }) => {
      clock.advance(600);
      return n / 2;
    });
    w.cycle('fit', {
      feedback: [step.out.value.to(step.in.n)],
      until: when(step.out.value, () => false),
      maxIterations: 4,
    });
    const bad = w.fn(
      'bad',
      {},
      () => {
        throw Object.assign(new Error('no such table'), { code: 'E_TABLE' });
      },
      { after: 'fit' },
    );
    w.fn('after', { n: bad.out.value as never }, () => 1);
    const outcome = new LocalRuntime({ clock, ids: seededIds() }).settle(w.build(), { n: 3 });
    expect(formatRun(outcome as RunResult)).to.equal(
      text([
        'report: failed in 2.44 s (run run-1)',
        '',
        'node        status     visits  attempts  duration',
        'read        completed  1       1         400 µs',
        'flaky       completed  1       3         37.0 ms   after 2 failed attempts',
        'route       completed  1       1         0 µs',
        'full        skipped    -       0         -         the branch was not taken (full.n ← route.many)',
        'after-full  skipped    -       0         -         what it depends on was skipped (after-full.n ← full.value; root: route.many)',
        'step        completed  4       1         2.40 s',
        'bad         failed     1       1         0 µs      E_TABLE: no such table',
        'after       blocked    -       0         -         what it depends on failed (after.n ← bad.value; root: bad)',
        '',
        'cycle fit: 4 iterations, stopped: max_iterations, metric 0.187500',
        '',
        ...(outcome as RunResult).warnings.map(({ code, message }) => `warning ${code}: ${message}`),
      ]),
    );
    expect((outcome as RunResult).warnings).to.have.length(1);
  });

  it('shows a completed run without cycles and warnings as a table alone', () => {
    const w = workflow('small');
    w.fn('a', {}, () => 'payload-1234');
    expect(formatRun(new LocalRuntime({ clock: new VirtualClock(), ids: seededIds() }).execute(w.build()))).to.equal(
      text([
        'small: completed in 0 µs (run run-1)',
        '',
        'node  status     visits  attempts  duration',
        'a     completed  1       1         0 µs',
      ]),
    );
  });

  it('shows an inner cycle with its iterations in all, a failed one with its error, and one iteration in the singular', () => {
    const w = workflow('cycles');
    const a = w.fn('a', { n: 1 }, ({ n }) => n);
    const outer = w.cycle('outer', { feedback: [a.out.value.to(a.in.n as never)], maxIterations: 2 });
    w.cycle('inner', { feedback: [a.out.value.to(a.in.n as never)], maxIterations: 3, within: outer });
    const b = w.fn('b', { n: 1 }, () => {
      throw new Error('no');
    });
    w.cycle('broken', {
      feedback: [(b.out.value as never as typeof a.out.value).to(b.in.n as never)],
      maxIterations: 2,
    });
    const c = w.fn('c', { n: 1 }, ({ n }) => n);
    w.cycle('capped', { feedback: [c.out.value.to(c.in.n as never)], maxIterations: 1, onMaxIterations: 'fail' });
    const outcome = new LocalRuntime({ clock: new VirtualClock(), ids: seededIds() }).settle(w.build()) as RunResult;
    expect(
      formatRun(outcome)
        .split('\n')
        .filter((line) => line.startsWith('cycle ')),
    ).to.deep.equal([
      'cycle outer: 2 iterations, stopped: max_iterations',
      'cycle inner: 3 iterations (6 in all), stopped: max_iterations',
      'cycle broken: 1 iteration, stopped: failed at b',
      'cycle capped: 1 iteration, stopped: max_iterations, CYCLE_LIMIT: Cycle "capped" reached its 1 iterations. Raise it, or set onMaxIterations: "accept".',
    ]);
  });

  it('shows no duration for a gate that waits, nor for a map around one: their attempts have not ended', () => {
    const g = workflow('asks');
    g.gate('ok');
    const asks = g.build();
    const w = workflow('all', { params: { list: type<number[]>() } });
    w.gate('ok');
    w.map('each', w.params.list, () => asks({}));
    const runtime = new LocalRuntime({ clock: new VirtualClock(), ids: seededIds() });
    const run = runtime.execute(w.build(), { list: [1] });
    expect(run.node('ok')).to.include({ status: 'waiting', durationMs: 0, endedAt: undefined });
    expect(run.node('each')).to.include({ status: 'running', durationMs: 0, endedAt: undefined });
    expect(formatRun(run).split('\n').slice(2)).to.deep.equal([
      'node  status   visits  attempts  duration',
      'ok    waiting  1       1         -',
      'each  running  1       1         -         1 item: 1 running',
      '',
      'waits for an answer to gate ok',
      'waits for an answer to gate each[0]/asks/ok',
    ]);
  });

  it('refuses a promise of a run', () => {
    const error = caught(() => formatRun(Promise.resolve() as never));
    expect(error.code).to.equal('NOT_A_RUN');
    expect(error.message).to.contain('formatRun() was given something that is not the result of a run.');
  });
});
