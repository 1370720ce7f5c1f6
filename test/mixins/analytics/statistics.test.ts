import { expect } from 'chai';
import { Distribution, statisticsOf } from '../../../src/mixins/analytics/distribution.js';
import { ACCURACY, FEW, MOST_BUCKETS, QuantileSketch } from '../../../src/mixins/analytics/quantile-sketch.js';
import { seededRandom } from '../../../src/testing/index.js';
import { caught } from '../../support/caught.js';

const SHARES = [0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 1];

function sketchOf(values: Iterable<number>): QuantileSketch {
  const sketch = new QuantileSketch();
  for (const value of values) sketch.add(value);
  return sketch;
}

function exact(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * values.length) - 1)] as number;
}

/** Values between 10 ** low and 10 ** high, the same ones every time. */
function spread(count: number, low: number, high: number, name = 'spread'): number[] {
  const random = seededRandom(name);
  return Array.from({ length: count }, (_, index) => 10 ** (low + (high - low) * random.keyed(`${index}`)));
}

function quantilesOf(sketch: QuantileSketch): (number | undefined)[] {
  return SHARES.map((share) => sketch.quantile(share));
}

function accurate(sketch: QuantileSketch, values: readonly number[], shares = SHARES): void {
  for (const share of shares) {
    const real = exact(values, share);
    expect(sketch.quantile(share), `quantile ${share}`).to.be.closeTo(real, real * ACCURACY * 1.000_001);
  }
}

describe('QuantileSketch', () => {
  it('knows nothing of no values', () => {
    expect(new QuantileSketch().quantile(0.5)).to.equal(undefined);
    expect(new QuantileSketch().count).to.equal(0);
  });

  it('is exact for few values, in whatever order they come', () => {
    const sketch = sketchOf([5, 1, 9, 0, 3]);
    expect(quantilesOf(sketch)).to.deep.equal([0, 0, 1, 3, 9, 9, 9, 9]);
    expect(sketch.count).to.equal(5);
    expect(sketch.buckets).to.equal(0);
    const many = sketchOf(Array.from({ length: FEW }, (_, index) => index));
    expect(many.buckets).to.equal(0);
    expect(many.quantile(1)).to.equal(31);
    many.add(100);
    expect(many.buckets).to.be.above(0);
    expect(many.count).to.equal(33);
    expect(many.quantile(1)).to.be.closeTo(100, 1);
    expect(many.quantile(0.5)).to.be.closeTo(16, 0.16);
  });

  it('is within 1 % of every quantile, of values that rise, fall, or jump', () => {
    const values = spread(2_000, -3, 6);
    accurate(sketchOf(values), values);
    accurate(sketchOf(values.toSorted((a, b) => a - b)), values);
    accurate(sketchOf(values.toSorted((a, b) => b - a)), values);
    expect(sketchOf(values).buckets).to.be.below(1_200);
  });

  it('counts zeros', () => {
    const values = [...new Array<number>(60).fill(0), ...spread(40, 0, 2)];
    const sketch = sketchOf(values);
    expect(sketch.quantile(0.5)).to.equal(0);
    expect(sketch.quantile(59 / 99)).to.equal(0);
    expect(sketch.quantile(60 / 99)).to.be.above(0.9);
    accurate(sketch, values);
  });

  it('of one value a thousand times is that value', () => {
    const sketch = sketchOf(new Array<number>(1_000).fill(42));
    for (const share of SHARES) expect(sketch.quantile(share)).to.be.closeTo(42, 0.42);
    expect(sketch.count).to.equal(1_000);
  });

  it('never makes more buckets than it may, and stays accurate at the upper end', () => {
    const values = spread(2_000, -130, 130);
    const ways = [values, values.toSorted((a, b) => a - b), values.toSorted((a, b) => b - a)];
    for (const way of ways) {
      const sketch = sketchOf(way);
      expect(sketch.buckets).to.be.at.most(MOST_BUCKETS);
      accurate(sketch, values, [0.95, 0.99, 1]);
      expect(quantilesOf(sketch)).to.deep.equal(quantilesOf(sketchOf(values)));
    }
    const floor = sketchOf(values).quantile(0) as number;
    expect(Math.log10(exact(values, 1) / floor)).to.be.closeTo(17.78, 0.02); // 2,047 buckets of 2.02 %
  });

  it('loses no count where its lowest buckets become one', () => {
    const sketch = sketchOf([...new Array<number>(40).fill(1e-60), ...new Array<number>(60).fill(1)]);
    sketch.add(1e-50);
    expect(sketch.count).to.equal(101);
    expect(sketch.quantile(40 / 100)).to.be.below(1e-15);
    expect(sketch.quantile(41 / 100)).to.be.closeTo(1, 0.01);
  });

  it('merged is what it would be with all values added, whoever takes whom', () => {
    const kinds = [
      [],
      spread(5, 0, 1, 'a'),
      spread(30, 0, 3, 'b'),
      spread(400, -4, 4, 'c'),
      spread(300, -90, 90, 'd'),
      [0, 0, 0],
    ];
    for (const left of kinds)
      for (const right of kinds) {
        const merged = sketchOf(left);
        const other = sketchOf(right);
        const before = quantilesOf(other);
        merged.merge(other);
        const added = sketchOf([...left, ...right]);
        expect(merged.count).to.equal(added.count);
        expect(quantilesOf(merged)).to.deep.equal(quantilesOf(added));
        expect(quantilesOf(other)).to.deep.equal(before);
        merged.add(7);
        added.add(7);
        expect(quantilesOf(merged)).to.deep.equal(quantilesOf(added));
      }
  });
});

describe('Distribution', () => {
  it('keeps a sum to which small values contribute', () => {
    const all = new Distribution();
    all.add(1e16);
    for (let each = 0; each < 1_000; each++) all.add(1);
    expect(all.sum).to.equal(1e16 + 1_000);
    const small = new Distribution();
    for (let each = 0; each < 1_000; each++) small.add(1);
    small.add(1e16);
    expect(small.sum).to.equal(1e16 + 1_000);
    const late = new Distribution();
    for (const value of [1, 2 ** 55, 1, 1, 1, 1]) late.add(value); // 1 is a 16th of what the sum can tell apart
    expect(late.sum).to.equal(2 ** 55 + 8);
    const more = new Distribution();
    more.add(1e16);
    more.merge(all);
    expect(more.sum).to.equal(2e16 + 1_000);
  });

  it('merged has the statistics of all values together', () => {
    const [left, right] = [spread(100, 0, 2, 'l'), spread(70, 1, 3, 'r')];
    const merged = new Distribution();
    for (const value of left) merged.add(value);
    const other = new Distribution();
    for (const value of right) other.add(value);
    merged.merge(new Distribution());
    merged.merge(other);
    const all = statisticsOf([...left, ...right]);
    const { sum, mean, standardDeviation, ...counted } = merged.statistics();
    expect(counted).to.deep.equal({
      count: 170,
      min: all.min,
      max: all.max,
      p50: all.p50,
      p90: all.p90,
      p95: all.p95,
      p99: all.p99,
    });
    expect(sum).to.be.closeTo(all.sum, 1e-9 * all.sum);
    expect(mean).to.be.closeTo(all.mean as number, 1e-9 * all.sum);
    expect(standardDeviation).to.be.closeTo(all.standardDeviation as number, 1e-9 * all.sum);
    const empty = new Distribution();
    empty.merge(merged);
    expect(empty.statistics()).to.deep.equal(merged.statistics());
  });
});

describe('statisticsOf', () => {
  it('of nothing has a count and a sum, and knows nothing else', () => {
    const nothing = {
      min: null,
      max: null,
      mean: null,
      standardDeviation: null,
      p50: null,
      p90: null,
      p95: null,
      p99: null,
    };
    expect(statisticsOf([])).to.deep.equal({ count: 0, sum: 0, ...nothing });
  });

  it('is what one works out by hand', () => {
    expect(statisticsOf(new Set([2, 4, 4.5, 5.5, 7, 9, 3.5, 4.25, 0.25]))).to.deep.equal({
      count: 9,
      sum: 40,
      min: 0.25,
      max: 9,
      mean: 40 / 9,
      standardDeviation: Math.sqrt(
        [2, 4, 4.5, 5.5, 7, 9, 3.5, 4.25, 0.25].reduce((all, x) => all + (x - 40 / 9) ** 2, 0) / 9,
      ),
      p50: 4.25,
      p90: 9,
      p95: 9,
      p99: 9,
    });
    expect(statisticsOf([6])).to.deep.include({
      count: 1,
      mean: 6,
      standardDeviation: 0,
      min: 6,
      max: 6,
      p50: 6,
      p99: 6,
    });
  });

  it('never tells a quantile beyond the smallest and the largest value', () => {
    const { min, max, p50, p99 } = statisticsOf(new Array<number>(100).fill(123.456));
    expect([min, max, p50, p99]).to.deep.equal([123.456, 123.456, 123.456, 123.456]);
  });

  it('takes what is too small to matter as 0, and the largest there may be', () => {
    expect(statisticsOf([1e-141, 5e-324]).max).to.equal(0);
    expect(statisticsOf([1e-140]).max).to.equal(1e-140);
    const { mean, standardDeviation, p50 } = statisticsOf(new Array<number>(100).fill(1e140));
    expect([mean, standardDeviation, p50]).to.deep.equal([1e140, 0, 1e140]);
  });

  it('refuses what is no list of measurements', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, -1, -1e-9, 1.01e140, '3', null, undefined, 3n]) {
      const error = caught(() => statisticsOf([1, value as number]));
      expect(error, String(value)).to.deep.include({
        code: 'INVALID_OPTION',
        at: 'computeExecutionStatistics[1]',
        value,
      });
    }
    for (const value of [3, null, undefined, {}])
      expect(caught(() => statisticsOf(value as never))).to.deep.include({
        code: 'INVALID_OPTION',
        at: 'computeExecutionStatistics',
        value,
      });
    expect(statisticsOf([-0]).min).to.equal(0);
  });
});
