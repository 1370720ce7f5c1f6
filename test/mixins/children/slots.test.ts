import { expect } from 'chai';
import type { Attempt } from '../../../src/base/attempt.js';
import type { RunEvent } from '../../../src/base/events.js';
import { defineNode } from '../../../src/base/node.js';
import type { PlanNode } from '../../../src/base/plan.js';
import type { Admission, RunView, Settlement } from '../../../src/base/run-view.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { advanceUntil, VirtualClock } from '../../../src/testing/index.js';

/** A node that takes `ms` milliseconds. */
function lasting(clock: VirtualClock) {
  return defineNode({
    name: 'lasting',
    inputs: { ms: type<number>() },
    outputs: { ms: type<number>() },
    async: true,
    run: ({ ms }) => new Promise<{ ms: number }>((resolve) => void clock.setTimer(ms, () => resolve({ ms }))),
  });
}

const started = (events: readonly RunEvent[]): string[] =>
  events.flatMap(({ kind, data }) => (kind === 'attempt.started' ? [`${data.scope}${data.node}`] : []));

describe('Where slots are few', () => {
  it('a node that has become ready starts before the next item of a map that stands behind it', async () => {
    const clock = new VirtualClock();
    const node = lasting(clock);
    const w = workflow('w', { params: { list: type<readonly number[]>() } });
    const slow = w.add('slow', node({ ms: 5 }));
    w.fn('next', { ms: slow.out.ms }, ({ ms }) => ms);
    w.map('all', w.params.list, (ms) => node({ ms }));
    w.add('last', node({ ms: 1 }));
    const events: RunEvent[] = [];
    await using runtime = new AsyncLocalRuntime({ clock, maxConcurrency: 2 });
    const onEvent = (event: RunEvent): unknown => events.push(event);
    const run = await advanceUntil(() => runtime.execute(w.build(), { list: [20, 20, 20] }, { onEvent }), clock);
    expect(run.status).to.equal('completed');
    expect(started(events)).to.deep.equal([
      'slow',
      'all',
      'all[0]/lasting',
      'next',
      'all[1]/lasting',
      'all[2]/lasting',
      'last',
    ]);
  });

  it('that a runtime keeps for some nodes, items wait for one another, and all have their turn', async () => {
    let most = 0;
    let now = 0;
    /** Lets one `lasting` run at a time, wherever it is. */
    class Keeping extends AsyncLocalRuntime {
      readonly #running = new Set<string>();
      readonly #parked: (() => void)[] = [];

      protected override observes(): boolean {
        return true;
      }

      protected override admit(run: RunView, node: PlanNode, at: number): Admission {
        if (node.id !== 'lasting') return super.admit(run, node, at);
        if (this.#running.size > 0) {
          this.#parked.push(() => run.unpark(node));
          return { kind: 'park', until: Number.POSITIVE_INFINITY, maker: 'any' };
        }
        this.#running.add(`${run.scope}${node.id}`);
        now++;
        most = Math.max(most, now);
        return super.admit(run, node, at);
      }

      protected override afterAttempt(run: RunView, attempt: Attempt, settlement: Settlement): void {
        super.afterAttempt(run, attempt, settlement);
        if (!this.#running.delete(`${run.scope}${attempt.node.id}`)) return;
        now--;
        this.#parked.shift()?.();
      }
    }
    const clock = new VirtualClock();
    const node = lasting(clock);
    const w = workflow('w', { params: { list: type<readonly number[]>() } });
    const all = w.map('all', w.params.list, (ms) => node({ ms }));
    const sum = w.fn('sum', { list: all.out.ms }, ({ list }) => list.reduce((total, each) => total + each, 0));
    w.add('lasting', node({ ms: 7 }));
    await using runtime = new Keeping({ clock });
    const from = clock.now();
    const run = await advanceUntil(
      () => runtime.execute(w.build({ outputs: { sum: sum.out.value } }), { list: [5, 6, 4] }),
      clock,
    );
    expect(run.output).to.deep.equal({ sum: 15 });
    expect([most, clock.now() - from]).to.deep.equal([1, 22]);
  });
});
