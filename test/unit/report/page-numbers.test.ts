import { expect } from 'chai';
import { count, duration, measure, shortened } from '../../../src/report/page/format.js';
import { logTicks, spansDecades, ticks, timeLabel, timeTicks } from '../../../src/report/page/ticks.js';

describe('the numbers of the report page', () => {
  it('writes durations in the unit that fits', () => {
    const written = [0, 0.0004, 0.812, 3.44, 99.96, 812.4, 999.6, 2500, 59_994, 59_996, 200_000, 7_500_000].map(
      duration,
    );
    expect(written).to.deep.equal([
      '0 ms',
      '0 µs',
      '812 µs',
      '3.4 ms',
      '100 ms',
      '812 ms',
      '1.00 s',
      '2.50 s',
      '59.99 s',
      '1 min 0 s',
      '3 min 20 s',
      '2 h 5 min',
    ]);
  });

  it('counts nouns', () => {
    expect([count(1, 'node'), count(0, 'node'), count(1000, 'node')]).to.deep.equal([
      '1 node',
      '0 nodes',
      '1,000 nodes',
    ]);
  });

  it('writes measured values short', () => {
    expect([0, 0.539888, 12, -3.25, 0.00012, 2e7].map(measure)).to.deep.equal([
      '0',
      '0.5399',
      '12',
      '-3.25',
      '1.2e-4',
      '2e7',
    ]);
  });

  it('cuts long names in the middle', () => {
    expect(shortened('short', 8)).to.equal('short');
    expect(shortened('a-rather-long-name', 9)).to.equal('a-ra…name');
  });

  it('finds round ticks', () => {
    expect(ticks(0, 10, 5)).to.deep.equal([0, 2, 4, 6, 8, 10]);
    expect(ticks(0.13, 0.38, 5)).to.deep.equal([0.15, 0.2, 0.25, 0.3, 0.35]);
    expect(ticks(3, 3, 5)).to.deep.equal([3]);
  });

  it('finds ticks that clocks like', () => {
    expect(timeTicks(0, 450, 8)).to.deep.equal([0, 100, 200, 300, 400]);
    expect(timeTicks(0, 90_000, 6)).to.deep.equal([0, 15_000, 30_000, 45_000, 60_000, 75_000, 90_000]);
    expect(timeTicks(0, 4_000_000, 5)).to.deep.equal([0, 900_000, 1_800_000, 2_700_000, 3_600_000]);
  });

  it('labels times in one unit', () => {
    expect(timeLabel(0, 5)).to.equal('0');
    expect(timeLabel(0.2, 0.8)).to.equal('200 µs');
    expect(timeLabel(200, 800)).to.equal('200 ms');
    expect(timeLabel(1500, 8000)).to.equal('1.5 s');
    expect(timeLabel(90_000, 600_000)).to.equal('1:30');
    expect(timeLabel(3_690_000, 9_000_000)).to.equal('1:01:30');
  });

  it('goes logarithmic for positive values that spread over decades', () => {
    expect(spansDecades([1, 0.01])).to.equal(true);
    expect(spansDecades([1, 0.05])).to.equal(false);
    expect(spansDecades([1, 0])).to.equal(false);
    expect(spansDecades([1])).to.equal(false);
    expect(logTicks(0.002, 50, 8).map((tick) => tick.toPrecision(1))).to.deep.equal([
      '0.001',
      '0.01',
      '0.1',
      '1',
      '1e+1',
      '1e+2',
    ]);
  });
});
