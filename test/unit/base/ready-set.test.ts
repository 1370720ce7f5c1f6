import { expect } from 'chai';
import fc from 'fast-check';
import { ReadySet } from '../../../src/base/ready-set.js';

type Command = readonly ['add' | 'delete' | 'has' | 'least' | 'take', number];

const commands = (size: number) =>
  fc.array(
    fc.tuple(fc.constantFrom('add', 'add', 'delete', 'has', 'least', 'take'), fc.integer({ min: 0, max: size - 1 })),
    { maxLength: 200 },
  ) as fc.Arbitrary<Command[]>;

/** The least member of a set that is at least `from`, found by looking at all of them. */
function leastOf(members: ReadonlySet<number>, from: number): number {
  const fit = [...members].filter((member) => member >= from);
  return fit.length === 0 ? -1 : Math.min(...fit);
}

describe('ready set', () => {
  it('is empty at first', () => {
    const set = new ReadySet(100);
    expect(set.least()).to.equal(-1);
    expect(set.has(0)).to.equal(false);
    expect(set.has(99)).to.equal(false);
  });

  it('gives the least member, whatever the order in which they came', () => {
    const set = new ReadySet(200);
    for (const member of [150, 31, 32, 63, 64, 199]) set.add(member);
    const taken: number[] = [];
    for (let least = set.least(); least !== -1; least = set.least()) {
      taken.push(least);
      set.delete(least);
    }
    expect(taken).to.deep.equal([31, 32, 63, 64, 150, 199]);
  });

  it('finds a member that was added before the one it gave last', () => {
    const set = new ReadySet(100);
    set.add(70);
    expect(set.least()).to.equal(70);
    set.add(3);
    expect(set.least()).to.equal(3);
  });

  it('finds the least member from a place on, and forgets nothing before it', () => {
    const set = new ReadySet(100);
    for (const member of [5, 40, 90]) set.add(member);
    expect([0, 5, 6, 40, 41, 90, 91].map((from) => set.least(from))).to.deep.equal([5, 5, 40, 40, 90, 90, -1]);
    expect(set.least()).to.equal(5);
  });

  it('takes a member once, however often it is added', () => {
    const set = new ReadySet(10);
    set.add(4);
    set.add(4);
    set.delete(4);
    expect(set.has(4)).to.equal(false);
    set.delete(4);
    expect(set.least()).to.equal(-1);
  });

  it('may be made for nothing', () => {
    expect(new ReadySet(0).least()).to.equal(-1);
  });

  it('does what a plain set does', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 130 }).chain((size) => fc.tuple(fc.constant(size), commands(size))),
        ([size, list]) => {
          const set = new ReadySet(size);
          const plain = new Set<number>();
          for (const [command, member] of list) {
            if (command === 'add') {
              set.add(member);
              plain.add(member);
            } else if (command === 'delete') {
              set.delete(member);
              plain.delete(member);
            } else if (command === 'has') expect(set.has(member)).to.equal(plain.has(member));
            else if (command === 'least') expect(set.least(member)).to.equal(leastOf(plain, member));
            else {
              const least = set.least();
              expect(least).to.equal(leastOf(plain, 0));
              if (least !== -1) set.delete(least);
              plain.delete(least);
            }
          }
          expect(set.least()).to.equal(leastOf(plain, 0));
        },
      ),
      { numRuns: 500 },
    );
  });
});
