import { expect } from 'chai';
import { seededIds, seededRandom } from '../../../src/testing/seeded.js';

describe('seeded random', () => {
  it('depends on the seed and the key only, not on what was asked before', () => {
    const random = seededRandom('seed');
    const first = random.keyed('a');
    random.keyed('b');
    expect(random.keyed('a')).to.equal(first);
    expect(seededRandom('seed').keyed('a')).to.equal(first);
    expect(seededRandom('other').keyed('a')).not.to.equal(first);
    expect(seededRandom(1).keyed('a')).to.equal(seededRandom('1').keyed('a'));
  });

  it('gives the same numbers in every version', () => {
    expect([seededRandom(1).keyed('a'), seededRandom('parity').keyed('run-1/a/1/1')]).to.deep.equal([
      0.06203578365966678, 0.929347483208403,
    ]);
  });

  it('spreads evenly over [0, 1), also for keys that differ in one letter', () => {
    const random = seededRandom(7);
    const tenths = new Array<number>(10).fill(0);
    for (let index = 0; index < 10_000; index++) {
      const value = random.keyed(`run-1/node${index}/1/1`);
      expect(value).to.be.at.least(0).and.lessThan(1);
      tenths[Math.floor(value * 10)] = (tenths[Math.floor(value * 10)] as number) + 1;
    }
    for (const count of tenths) expect(count).to.be.within(850, 1_150);
  });
});

describe('seeded ids', () => {
  it('count from 1 behind their prefix, each source for itself', () => {
    const [one, two] = [seededIds(), seededIds('mine')];
    expect([one.runId(), one.runId(), two.runId(), one.runId()]).to.deep.equal(['run-1', 'run-2', 'mine-1', 'run-3']);
  });
});
