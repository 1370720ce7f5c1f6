import { expect } from 'chai';
import type { RunEvent } from '../../../src/base/events.js';
import { defineNode } from '../../../src/base/node.js';
import type { RunOutcome } from '../../../src/base/outcome.js';
import type { PlanNode } from '../../../src/base/plan.js';
import type { Admission, RunView } from '../../../src/base/run-view.js';
import { type } from '../../../src/base/schema.js';
import type { Workflow } from '../../../src/base/workflow.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { advanceUntil, seededIds, seededRandom, VirtualClock } from '../../../src/testing/index.js';
import { positive } from '../../support/child-nodes.js';
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

/** Fails in its first attempt for `n = 2`. */
const once = defineNode({
  name: 'once',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  retry: { attempts: 2, delayMs: 5 },
  run: ({ n }, { failures }) => {
    if (n === 2 && failures === 0) throw new Error('once');
    return { n: n + 1 };
  },
});

/** Fails the first time that the map around it is tried, which its scope shows. */
const later = defineNode({
  name: 'later',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }, { scope }) => {
    if (n === 3 && !scope.includes('#')) throw new Error('not yet');
    return { n };
  },
});

/** A map of one item at a time over a workflow with a cycle, one that collects, one that is tried again, a workflow that may fail. */
function everything() {
  const inner = workflow('inner', { params: { n: type<number>() } });
  const step = inner.add('step', once({ n: inner.params.n }));
  inner.cycle('twice', { feedback: [step.out.n.to(step.in.n)], maxIterations: 2 });
  const child = inner.build({ outputs: { n: step.out.n } });
  const risky = workflow('risky', { params: { list: type<number[]>() } });
  const all = risky.map('all', risky.params.list, (n) => positive({ n }));
  const risk = risky.build({ outputs: { n: all.out.n } });
  const w = workflow('everything');
  const list = w.fn('list', {}, () => [1, 2, 3]);
  const one = w.map('one', list.out.value, (n) => child({ n }), { maxConcurrency: 1 });
  const some = w.fn('some', {}, () => [5, -5, 6]);
  const collected = w.map('collected', some.out.value, (n) => positive({ n }), { onItemError: 'collect' });
  const again = w.map('again', list.out.value, (n) => later({ n }), { retry: { attempts: 2, delayMs: 10 } });
  const tried = w.try('tried', risk({ list: some.out.value }));
  const why = w.fn('why', { error: tried.error }, ({ error }) => error.code);
  return w.build({
    outputs: {
      one: one.out.n,
      collected: collected.out.n,
      failed: collected.failed.at(0).at('index'),
      again: again.out.n,
      way: tried.join({ ok: tried.out.n, failed: why.out.value }),
    },
  });
}

const OUTPUT = { one: [3, 4, 5], collected: [5, 6], failed: 1, again: [1, 2, 3], way: 'CHILD_FAILED' };

type Go = (
  built: Workflow,
  known?: readonly RunEvent[],
) => Promise<{ readonly outcome: RunOutcome<unknown>; readonly log: RunEvent[] }>;

const options = () => ({ clock: new VirtualClock(), ids: seededIds(), random: seededRandom(1) });

const local: Go = async (built, known) => {
  history = known;
  const log = [...(known ?? [])];
  using runtime = new Local(options());
  return { outcome: runtime.settle(built as Workflow<object>, {}, { onEvent: (event) => log.push(event) }), log };
};

const async: Go = async (built, known) => {
  history = known;
  const log = [...(known ?? [])];
  const own = options();
  await using runtime = new Async(own);
  const settle = () =>
    runtime.settle(asyncForm(built) as Workflow<object>, {}, { onEvent: (event) => log.push(event) });
  return { outcome: await advanceUntil(settle, own.clock), log };
};

describe('A run with children that was cut off', () => {
  for (const [name, record] of Object.entries({ local, async }))
    for (const [next, go] of Object.entries({ local, async }))
      it(`after any event (${name}) ends as it would have (${next})`, async () => {
        const { outcome, log } = await record(everything());
        expect(outcome.status === 'completed' && outcome.output).to.deep.equal(OUTPUT);
        for (let cut = 1; cut < log.length; cut++) {
          const continued = await go(everything(), log.slice(0, cut));
          const at = `cut after ${cut} of ${log.length}: ${JSON.stringify(log[cut - 1])}`;
          expect(continued.outcome.status, at).to.equal('completed');
          if (continued.outcome.status === 'completed') expect(continued.outcome.output, at).to.deep.equal(OUTPUT);
          expect(
            continued.log.map(({ seq }) => seq),
            at,
          ).to.deep.equal(continued.log.map((_, index) => index));
        }
        const whole = await go(everything(), log);
        expect(whole.log.length).to.equal(log.length);
        expect(
          whole.outcome.status === 'completed' &&
            whole.outcome.children('one').map(({ scope, status }) => [scope, status]),
        ).to.deep.equal([
          ['one[0]/', 'completed'],
          ['one[1]/', 'completed'],
          ['one[2]/', 'completed'],
        ]);
      }).timeout(30_000);

  it('while an item that had begun was not admitted yet: the items after it are known by their numbers', () => {
    class Late extends Local {
      protected override admit(run: RunView, node: PlanNode, now: number): Admission {
        const opens = 1_704_067_200_100;
        return run.scope === 'all[0]/' && now < opens ? { kind: 'later', at: opens } : super.admit(run, node, now);
      }
    }
    const build = () => {
      const w = workflow('late');
      const list = w.fn('list', {}, () => [1, 2, 3]);
      const all = w.map('all', list.out.value, (n) => positive({ n }));
      return w.build({ outputs: { n: all.out.n } });
    };
    const run = (known?: readonly RunEvent[]) => {
      history = known;
      const log = [...(known ?? [])];
      using runtime = new Late(options());
      const outcome = runtime.settle(build(), {}, { onEvent: (event) => log.push(event) });
      return { log, output: outcome.status === 'completed' ? outcome.output : outcome.status };
    };
    const { log, output } = run();
    expect(output).to.deep.equal({ n: [1, 2, 3] });
    const scopes = log.flatMap((event) => (event.kind === 'attempt.started' ? [event.data.scope] : []));
    expect(scopes).to.deep.equal(['', '', 'all[1]/', 'all[2]/', 'all[0]/']);
    for (let cut = 1; cut < log.length; cut++)
      expect(run(log.slice(0, cut)).output, `cut after ${cut}`).to.deep.equal({ n: [1, 2, 3] });
  });
});
