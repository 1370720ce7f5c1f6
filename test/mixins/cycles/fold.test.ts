import { expect } from 'chai';
import { z } from 'zod';
import { type CycleView, when } from '../../../src/base/condition.js';
import type { RunEvent } from '../../../src/base/events.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import type { RunResult } from '../../../src/base/run-result.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { advanceUntil, seededIds, seededRandom, VirtualClock } from '../../../src/testing/index.js';
import { asyncForm } from '../../support/every-way.js';

let history: readonly RunEvent[] | undefined;

class Local extends LocalRuntime {
  protected override loadHistory(): readonly RunEvent[] | undefined {
    return history;
  }
}

class Async extends AsyncLocalRuntime {
  protected override loadHistory(): readonly RunEvent[] | undefined {
    return history;
  }
}

/** A nested loop with state, a branch, a failure that is tried again, and a condition that looks back. */
function build(views: unknown[]) {
  const cell = defineNode({
    name: 'cell',
    inputs: { n: type<number>() },
    outputs: { n: type<number>(), total: type<number>() },
    state: z.number().default(0),
    retry: { attempts: 3, delayMs: 5 },
    run: ({ n }, ctx) => {
      const total = ctx.state + n;
      ctx.setState(total);
      if (n === 3 && ctx.failures === 0) throw new Error('once');
      return { n: n + 1, total };
    },
  });
  const w = workflow('folded');
  const open = w.fn('open', { n: 1 as number }, ({ n }) => n);
  const step = w.add('step', cell({ n: open.out.value }));
  const route = w.switch('route', step.out.n, { odd: (n) => n % 2 === 1, even: otherwise });
  const odd = w.fn('odd', { n: route.out.odd }, ({ n }) => n);
  const turn = w.fn('turn', { n: step.out.n, odd: odd.out.value.or(0) }, ({ n }) => n);
  const close = w.fn('close', { n: turn.out.value }, ({ n }) => n);
  w.cycle('inner', {
    feedback: [turn.out.value.to(step.in.n)],
    until: when(step.out.n, (n, { iteration, previous, history: metrics }: CycleView) => {
      views.push([n, iteration, previous, [...metrics]]);
      return n % 6 === 0;
    }),
    maxIterations: 3,
  });
  w.cycle('outer', { feedback: [close.out.value.to(open.in.n)], maxIterations: 3 });
  const end = w.fn(
    'end',
    { n: turn.out.value, odd: odd.out.value, total: step.out.total },
    ({ n, odd: last, total }) => [n, last, total],
  );
  return w.build({ outputs: { end: end.out.value } });
}

const EXPECTED_OUTPUT = { end: [9, 9, 21] };
const EXPECTED_VIEWS = [
  [2, 0, undefined, []],
  [3, 1, 2, [2]],
  [4, 2, 3, [2, 3]],
  [5, 0, undefined, []],
  [6, 1, 5, [5]],
  [7, 0, undefined, []],
  [8, 1, 7, [7]],
  [9, 2, 8, [7, 8]],
];
const EXPECTED_CYCLES = [
  { id: 'inner', iterations: 3, totalIterations: 8, reason: 'max_iterations', metric: 9, history: [7, 8, 9] },
  { id: 'outer', iterations: 3, totalIterations: 3, reason: 'max_iterations', metric: undefined, history: [] },
];

function options() {
  return { clock: new VirtualClock(), ids: seededIds(), random: seededRandom(1) };
}

function cyclesOf(run: RunResult): unknown[] {
  return [...run.cycles.values()].map(({ id, iterations, totalIterations, reason, metric, history: metrics }) => ({
    id,
    iterations,
    totalIterations,
    reason,
    metric,
    history: metrics,
  }));
}

function visitsOf(run: RunResult): unknown {
  return Object.fromEntries([...run.nodes.values()].map(({ id, status, visits }) => [id, `${status} ${visits}`]));
}

const EXPECTED_VISITS = {
  open: 'completed 3',
  step: 'completed 8',
  route: 'completed 8',
  odd: 'completed 8',
  turn: 'completed 8',
  close: 'completed 3',
  end: 'completed 1',
};

/** How often the condition was asked in a history. */
function asked(events: readonly RunEvent[]): number {
  return events.filter(
    ({ kind, data }) =>
      (kind === 'cycle.iterated' || kind === 'cycle.stopped') && 'cycle' in data && data.cycle === 'inner',
  ).length;
}

describe('folding the events of a run in the middle of a cycle', () => {
  const events: RunEvent[] = [];

  before(() => {
    history = undefined;
    const views: unknown[] = [];
    const run = new Local(options()).execute(build(views), {}, { onEvent: (event) => events.push(event) });
    expect(run.output).to.deep.equal(EXPECTED_OUTPUT);
    expect(views).to.deep.equal(EXPECTED_VIEWS);
    expect(cyclesOf(run)).to.deep.equal(EXPECTED_CYCLES);
    expect(visitsOf(run)).to.deep.equal(EXPECTED_VISITS);
    expect(asked(events)).to.equal(8);
  });

  after(() => {
    history = undefined;
  });

  it('at every event: LocalRuntime continues with the same previous, history, state and result, asking nothing again', () => {
    for (let cut = 1; cut <= events.length; cut++) {
      history = events.slice(0, cut);
      const views: unknown[] = [];
      const run = new Local(options()).execute(build(views));
      const at = `cut at ${cut}, after ${history.at(-1)?.kind}`;
      expect(run.output, at).to.deep.equal(EXPECTED_OUTPUT);
      expect(views, at).to.deep.equal(EXPECTED_VIEWS.slice(asked(history)));
      expect(cyclesOf(run), at).to.deep.equal(EXPECTED_CYCLES);
      expect(visitsOf(run), at).to.deep.equal(EXPECTED_VISITS);
    }
  });

  it('at every event: AsyncLocalRuntime with asynchronous nodes continues as well', async () => {
    for (let cut = 1; cut <= events.length; cut++) {
      history = events.slice(0, cut);
      const views: unknown[] = [];
      const own = options();
      const run = await advanceUntil(() => new Async(own).execute(asyncForm(build(views))), own.clock);
      const at = `cut at ${cut}, after ${history.at(-1)?.kind}`;
      expect(run.output, at).to.deep.equal(EXPECTED_OUTPUT);
      expect(views, at).to.deep.equal(EXPECTED_VIEWS.slice(asked(history)));
      expect(cyclesOf(run), at).to.deep.equal(EXPECTED_CYCLES);
      expect(visitsOf(run), at).to.deep.equal(EXPECTED_VISITS);
    }
  });
});
