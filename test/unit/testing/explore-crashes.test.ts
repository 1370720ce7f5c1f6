import { expect } from 'chai';
import { LockstepError } from '../../../src/base/errors.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { CrashError, CrashingStore } from '../../../src/testing/crashing-store.js';
import { exploreCrashes } from '../../../src/testing/index.js';
import { rejection } from '../../support/caught.js';
import { firstBatch, nextBatch } from '../../support/stored-events.js';

function chain(second: (x: number) => unknown = (x) => x + 1) {
  const w = workflow('chain');
  const a = w.fn('a', {}, () => 1);
  const b = w.fn('b', { x: a.out.value }, ({ x }) => second(x));
  return w.build({ outputs: { b: b.out.value } });
}

function gated() {
  const w = workflow('gated');
  const gate = w.gate('gate', { timeoutMs: 1_000 });
  const yes = w.fn('yes', { x: gate.out.approved }, () => 'yes');
  const late = w.fn('late', { x: gate.out.timedOut }, () => 'late');
  return w.build({ outputs: { yes: yes.out.value, late: late.out.value } });
}

describe('exploreCrashes', () => {
  for (const runtimes of [
    ['sync', 'sync'],
    ['sync', 'async'],
    ['async', 'sync'],
    ['async', 'async'],
  ] as const) {
    it(`kills a run before and after each commit, ${runtimes.join(' to ')}`, async () => {
      const explored = await exploreCrashes(chain(), {}, { runtimes });
      expect(explored.commits).to.equal(3);
      expect(explored.points).to.deep.equal(
        [0, 1, 2].flatMap((commit) => [
          { commit, when: 'before' },
          { commit, when: 'after' },
        ]),
      );
    });

    it(`answers gates, ${runtimes.join(' to ')}`, async () => {
      for (const gate of [{ approve: 1 }, 'expire'] as const) {
        const explored = await exploreCrashes(gated(), {}, { runtimes, answers: { gate } });
        expect(explored.commits).to.be.greaterThan(2);
      }
      expect((await exploreCrashes(gated(), {}, { runtimes })).commits).to.equal(2);
    });
  }

  it('names the commit after which a run comes to something else', async () => {
    let calls = 0;
    const error = await rejection(
      exploreCrashes(
        chain(() => ++calls),
        {},
      ),
    );
    expect(error).to.deep.include({
      code: 'EXPLORATION_FAILED',
      at: 'before commit 0',
      value: { commit: 0, when: 'before' },
    });
    expect(error.message).to.match(/^"chain", killed before commit 0 and resumed: output.b should be 1 and is 2\./);
  });

  it('names the commit after which a run cannot be resumed', async () => {
    let calls = 0;
    const flow = chain(() => {
      if (++calls > 1) throw new LockstepError('STORE_FAILED', 'As planned.');
      return 1;
    });
    const error = await rejection(exploreCrashes(flow, {}));
    expect(error.message).to.match(/status should be "completed" and is "failed"/);
  });

  it('takes options of the run and of the runtimes', async () => {
    const options = { run: { timeoutMs: 5_000 }, runtime: { durability: 'memory' } } as const;
    expect((await exploreCrashes(chain(), {}, options)).commits).to.equal(1);
  });

  it('refuses what it cannot explore', async () => {
    const code = async (...args: readonly unknown[]) =>
      (await rejection(exploreCrashes(...(args as Parameters<typeof exploreCrashes>)))).code;
    expect(await code(1, {})).to.match(/^[A-Z_]+$/);
    expect(await code(chain(), {}, { nope: 1 })).to.equal('UNKNOWN_OPTION');
    expect(await code(chain(), {}, { runtimes: ['sync', 'both'] })).to.equal('INVALID_OPTION');
    expect(await code(chain(), {}, { answers: { nope: 'expire' } })).to.equal('UNKNOWN_OPTION');
    const w = workflow('later');
    w.fn('a', {}, async () => 1);
    expect(await code(w.build(), {})).to.match(/ASYNC/);
    expect(await code(gated(), {}, { answers: { gate: () => 'nope' } })).to.equal('INVALID_OPTION');
  });
});

describe('A store that crashes', () => {
  it('breaks at one commit and writes nothing more until it is restarted', () => {
    const store = new CrashingStore({ commit: 1, when: 'before' });
    store.open();
    store.append([firstBatch('r', 1)], 'process');
    for (const _ of [1, 2]) expect(() => store.append([nextBatch('r', 1, 2)], 'process')).to.throw(CrashError);
    expect(store.run('r')?.events).to.equal(1);
    store.restart();
    store.append([nextBatch('r', 1, 2)], 'process');
    expect(store.commits).to.equal(4);
  });

  it('may have written what it does not tell of', () => {
    const store = new CrashingStore({ commit: 0, when: 'after' });
    store.open();
    expect(() => store.append([firstBatch('r', 2)], 'process')).to.throw('Killed after commit 0.');
    expect(store.run('r')?.events).to.equal(2);
  });
});
