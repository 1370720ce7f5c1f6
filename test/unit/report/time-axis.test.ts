import { expect } from 'chai';
import { TimeAxis } from '../../../src/report/page/time-axis.js';

describe('TimeAxis', () => {
  it('shows a run that never waited as it was', () => {
    const axis = new TimeAxis(80, [{ from: 80, to: null }]);
    expect([axis.length, axis.shown(33), axis.moment(33), axis.worked(33), axis.placeOf(33)]).to.deep.equal([
      80, 33, 33, 33, 33,
    ]);
  });

  it('cuts a wait to a twentieth of what is not waiting, and finds the way back', () => {
    const axis = new TimeAxis(1_000_100, [{ from: 60, to: 1_000_060 }]);
    expect(axis.length).to.equal(105);
    expect([60, 500_060, 1_000_060, 1_000_100].map((time) => axis.shown(time))).to.deep.equal([60, 62.5, 65, 105]);
    expect([60, 62.5, 65, 105].map((place) => axis.moment(place))).to.deep.equal([60, 500_060, 1_000_060, 1_000_100]);
    expect([60, 65, 105].map((place) => axis.worked(place))).to.deep.equal([60, 60, 100]);
    expect([50, 60, 100].map((worked) => axis.placeOf(worked))).to.deep.equal([50, 60, 105]);
  });
});
