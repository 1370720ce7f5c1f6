import { expect } from 'chai';
import fc from 'fast-check';
import { SlotPool, type SlotWaiter } from '../../../src/mixins/enterprise/slot-pool.js';
import { holds } from '../../support/property.js';

/** A pool of named waiters: `A1` belongs to the run `A`. What is served is noted in order. */
function desk(size: number) {
  const pool = new SlotPool(size);
  const served: string[] = [];
  const runs = new Map<string, object>();
  const ownerOf = (name: string): object => {
    const run = name.replace(/\d+$/, '');
    const owner = runs.get(run) ?? {};
    runs.set(run, owner);
    return owner;
  };
  const waiterOf = (name: string, priority = 0): SlotWaiter => ({
    owner: ownerOf(name),
    priority,
    granted: () => served.push(name),
  });
  const ask = (name: string, priority = 0): SlotWaiter => {
    const waiter = waiterOf(name, priority);
    if (pool.take(waiter.owner)) served.push(name);
    else pool.queue(waiter);
    return waiter;
  };
  const askAll = (names: string, priority = 0): void => {
    for (const name of names.split(' ')) ask(name, priority);
  };
  const drain = (): string => {
    while (pool.held > 0) pool.release();
    return served.join(' ');
  };
  return { pool, served, ask, askAll, drain, waiterOf };
}

describe('A pool of slots', () => {
  it('gives as many as it has, and no more before one is given back', () => {
    const { pool, ask, served } = desk(2);
    for (const name of ['A1', 'B1', 'C1', 'D1']) ask(name);
    expect([served.join(' '), pool.held, pool.waiting, pool.size]).to.deep.equal(['A1 B1', 2, 2, 2]);
    pool.release();
    expect([served.join(' '), pool.held, pool.waiting]).to.deep.equal(['A1 B1 C1', 2, 1]);
    pool.release();
    pool.release();
    expect([served.join(' '), pool.held, pool.waiting]).to.deep.equal(['A1 B1 C1 D1', 1, 0]);
    pool.release();
    expect([pool.held, pool.take({})]).to.deep.equal([0, true]);
  });

  it('hands a slot on: nobody who asks meanwhile can take it', () => {
    const { pool, ask } = desk(1);
    ask('A1');
    ask('B1');
    pool.release();
    expect([pool.take({}), pool.held]).to.deep.equal([false, 1]);
  });

  it('serves one owner in the order in which its waiters came', () => {
    const { askAll, drain } = desk(1);
    askAll('A1 A2 A3 A4');
    expect(drain()).to.equal('A1 A2 A3 A4');
  });

  it('serves owners in turn, also one that comes later and one that holds the slot already', () => {
    const { askAll, drain } = desk(1);
    askAll('A1 A2 A3 B1 B2 B3 C1');
    expect(drain()).to.equal('A1 B1 C1 A2 B2 A3 B3');
  });

  it('lets an owner that was served in this round go behind one that comes after it', () => {
    const { pool, askAll, ask, drain } = desk(1);
    askAll('A1 B1');
    pool.release(); // to B
    ask('B2');
    ask('A2');
    ask('C1');
    expect(drain()).to.equal('A1 B1 C1 B2 A2');
  });

  it('keeps the waiters of an owner in order when it waits in the next round and another priority began one', () => {
    const { pool, askAll, drain } = desk(1);
    askAll('A1 A2 B1');
    askAll('C1 C2', 5);
    pool.release(); // to C1
    pool.release(); // to C2: a round of its own
    askAll('A3');
    expect(drain()).to.equal('A1 C1 C2 B1 A2 A3');
  });

  it('serves higher priorities first, whoever came when', () => {
    const { ask, drain } = desk(1);
    for (const [name, priority] of [
      ['A1', 0],
      ['B1', -1],
      ['C1', 5],
      ['D1', 0],
      ['E1', 5],
      ['F1', 2.5],
    ] as const)
      ask(name, priority);
    expect(drain()).to.equal('A1 C1 E1 F1 D1 B1');
  });

  it('forgets who leaves, wherever it waits', () => {
    const { pool, ask, drain, waiterOf } = desk(1);
    ask('A1');
    const a2 = ask('A2'); // in the next round: A holds the slot
    const b1 = ask('B1');
    const b2 = ask('B2');
    ask('C1', -1);
    const d1 = ask('D1', 7);
    for (const waiter of [a2, b1, d1]) pool.leave(waiter);
    expect(pool.waiting).to.equal(2);
    for (const stranger of [a2, b1, d1, waiterOf('B9'), waiterOf('Z1', 3)]) pool.leave(stranger);
    expect(pool.waiting).to.equal(2);
    expect(drain()).to.equal('A1 B2 C1');
    pool.leave(b2);
    expect([pool.waiting, pool.held]).to.deep.equal([0, 0]);
  });

  interface Step {
    readonly what: 'ask' | 'release' | 'leave';
    readonly run: number;
    readonly priority: number;
    readonly which: number;
  }

  const steps: fc.Arbitrary<readonly Step[]> = fc.array(
    fc.record({
      what: fc.constantFrom('ask', 'ask', 'ask', 'release', 'leave'),
      run: fc.nat({ max: 3 }),
      priority: fc.constantFrom(0, 0, 0, 1, 7),
      which: fc.nat({ max: 30 }),
    }),
    { maxLength: 60 },
  );

  holds(
    'never gives more than it has, none while somebody waits, and serves everybody who does not leave once',
    fc.record({ size: fc.integer({ min: 1, max: 4 }), steps }),
    ({ size, steps: drawn }) => {
      const pool = new SlotPool(size);
      const owners = [{}, {}, {}, {}];
      const granted = new Map<SlotWaiter, number>();
      const waiting = new Set<SlotWaiter>();
      let held = 0;
      const grant = (waiter: SlotWaiter): void => {
        const best = Math.max(...[...waiting].map(({ priority }) => priority));
        expect(waiter.priority, 'the highest priority goes first').to.equal(best);
        const first = [...waiting].find(({ owner, priority }) => owner === waiter.owner && priority === best);
        expect(waiter, 'the first of its owner goes first').to.equal(first);
        waiting.delete(waiter);
        granted.set(waiter, (granted.get(waiter) ?? 0) + 1);
        held++;
      };
      for (const { what, run, priority, which } of drawn) {
        const owner = owners[run] as object;
        if (what === 'ask') {
          const waiter: SlotWaiter = { owner, priority, granted: () => grant(waiter) };
          if (pool.take(owner)) held++;
          else {
            expect(held, 'nobody waits while there is room').to.equal(size);
            waiting.add(waiter);
            pool.queue(waiter);
          }
        } else if (what === 'release' && held > 0) {
          held--;
          pool.release();
        } else if (what === 'leave') {
          const leaver = [...waiting][which];
          if (leaver === undefined) continue;
          waiting.delete(leaver);
          pool.leave(leaver);
        }
        expect([pool.held, pool.waiting]).to.deep.equal([held, waiting.size]);
        expect(held).to.be.at.most(size);
      }
      while (held > 0) {
        held--;
        pool.release();
      }
      expect([...waiting, pool.held, pool.waiting]).to.deep.equal([0, 0]);
      expect([...granted.values()].every((times) => times === 1)).to.equal(true);
    },
  );

  holds(
    'serves every owner that waits once before any of them is served again',
    fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 40 }),
    (runs) => {
      const pool = new SlotPool(1);
      const owners = Array.from({ length: 5 }, (_, name) => ({ name }));
      const served: number[] = [];
      const left = new Map<number, number>();
      for (const run of runs) {
        const owner = owners[run] as { name: number };
        const granted = (): void => {
          served.push(run);
          left.set(run, (left.get(run) ?? 0) - 1);
        };
        left.set(run, (left.get(run) ?? 0) + 1);
        if (pool.take(owner)) granted();
        else pool.queue({ owner, priority: 0, granted });
      }
      let since = new Set(served);
      while (pool.held > 0) {
        const before = new Map(left);
        const count = served.length;
        pool.release();
        const run = served[count];
        if (run === undefined) continue;
        const open = [...before].filter(([, more]) => more > 0).map(([each]) => each);
        if (open.every((each) => since.has(each))) since = new Set();
        expect(since.has(run), `${served.join(' ')}: ${run} had its turn`).to.equal(false);
        since.add(run);
      }
      expect(served).to.have.lengthOf(runs.length);
    },
  );
});
