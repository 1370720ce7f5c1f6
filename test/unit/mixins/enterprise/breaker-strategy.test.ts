import { expect } from 'chai';
import {
  breakerStrategy,
  ConsecutiveFailures,
  FailureShare,
} from '../../../../src/mixins/enterprise/breaker-strategy.js';

const s = true;
const f = false;

/** After which of the outcomes it says that it has seen enough. */
function openings(strategy: ConsecutiveFailures | FailureShare, outcomes: readonly boolean[]): number[] {
  return outcomes.flatMap((succeeded, index) => (strategy.note(succeeded) ? [index + 1] : []));
}

describe('ConsecutiveFailures', () => {
  it('has seen enough from the last allowed failure in a row on', () => {
    expect(openings(new ConsecutiveFailures(3), [f, f, s, f, f, f, f])).to.deep.equal([6, 7]);
    expect(openings(new ConsecutiveFailures(1), [s, f])).to.deep.equal([2]);
  });

  it('counts those in a row, and starts anew when it is cleared', () => {
    const strategy = new ConsecutiveFailures(3);
    expect(strategy.isEmpty).to.equal(true);
    openings(strategy, [f, f]);
    expect([strategy.failures, strategy.isEmpty, strategy.reason]).to.deep.equal([2, false, '2 failures in a row']);
    strategy.clear();
    expect([strategy.failures, strategy.isEmpty]).to.deep.equal([0, true]);
    expect(openings(strategy, [f, f])).to.deep.equal([]);
  });
});

describe('FailureShare', () => {
  it('says nothing before its window is full, however many fail', () => {
    expect(openings(new FailureShare(0.5, 4), [f, f, f])).to.deep.equal([]);
    expect(openings(new FailureShare(0.5, 4), [f, f, f, s])).to.deep.equal([4]);
  });

  it('has seen enough exactly at its share', () => {
    expect(openings(new FailureShare(0.5, 4), [s, s, s, f, f])).to.deep.equal([5]);
    expect(openings(new FailureShare(0.51, 4), [s, s, f, f, f])).to.deep.equal([5]);
    expect(openings(new FailureShare(0.3, 10), [s, s, s, s, s, s, s, f, f, f])).to.deep.equal([10]);
    expect(openings(new FailureShare(1, 3), [f, f, s, f, f, f])).to.deep.equal([6]);
  });

  it('forgets the oldest outcome for each new one', () => {
    const strategy = new FailureShare(0.75, 4);
    openings(strategy, [f, f, s, s]);
    const counted: number[] = [];
    for (const outcome of [s, s, f, f, f]) {
      strategy.note(outcome);
      counted.push(strategy.failures);
    }
    expect(counted).to.deep.equal([1, 0, 1, 2, 3]);
    expect(strategy.reason).to.equal('3 failures among the last 4 attempts');
  });

  it('looks at one attempt where its window is one', () => {
    const strategy = new FailureShare(1, 1);
    expect(openings(strategy, [s, f, s, f])).to.deep.equal([2, 4]);
    expect(strategy.reason).to.equal('1 failure among the last 1 attempt');
  });

  it('starts anew when it is cleared: its window has to fill again', () => {
    const strategy = new FailureShare(0.5, 2);
    expect(strategy.isEmpty).to.equal(true);
    openings(strategy, [s, f, s]);
    expect(strategy.isEmpty).to.equal(false);
    strategy.clear();
    expect([strategy.failures, strategy.isEmpty]).to.deep.equal([0, true]);
    expect(strategy.reason).to.equal('0 failures among the last 0 attempts');
    expect(openings(strategy, [f, f])).to.deep.equal([2]);
  });
});

describe('breakerStrategy', () => {
  it('counts failures in a row, 5 by default', () => {
    expect(openings(breakerStrategy({}) as ConsecutiveFailures, [f, f, f, f, f])).to.deep.equal([5]);
    expect(openings(breakerStrategy({ failures: 2 }) as ConsecutiveFailures, [f, f])).to.deep.equal([2]);
  });

  it('counts a share where there is a rate, of 20 by default', () => {
    const nineteen = Array.from({ length: 19 }, () => s);
    const all = [...nineteen, f, f, f];
    expect(openings(breakerStrategy({ rate: 0.1 }) as FailureShare, all)).to.deep.equal([21, 22]);
    expect(openings(breakerStrategy({ rate: 0.5, windowSize: 2 }) as FailureShare, [s, f])).to.deep.equal([2]);
  });
});
