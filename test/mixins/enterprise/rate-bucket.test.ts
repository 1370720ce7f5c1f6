import { expect } from 'chai';
import fc from 'fast-check';
import { RateBucket } from '../../../src/mixins/enterprise/rate-bucket.js';
import { holds } from '../../support/property.js';

/** Promises so many tokens at a time. */
function promises(bucket: RateBucket, time: number, count: number): readonly number[] {
  return Array.from({ length: count }, () => bucket.promise(time));
}

/** Uses a token as soon as one may be used, from a time on. Returns when. */
function useFrom(bucket: RateBucket, time: number): number {
  bucket.promise(time);
  const at = bucket.usableAt(time);
  bucket.use(at);
  return at;
}

describe('A token bucket', () => {
  it('promises a burst at once and then one after the other at an even pace', () => {
    const bucket = new RateBucket({ count: 2, perMs: 1_000, burst: 3 });
    expect(promises(bucket, 0, 6)).to.deep.equal([0, 0, 0, 500, 1_000, 1_500]);
  });

  it('has a burst of its count', () => {
    expect(promises(new RateBucket({ count: 3, perMs: 300 }), 50, 5)).to.deep.equal([50, 50, 50, 150, 250]);
  });

  it('with a burst of 1 spaces them evenly from the first on', () => {
    expect(promises(new RateBucket({ count: 4, perMs: 100, burst: 1 }), 7, 4)).to.deep.equal([7, 32, 57, 82]);
  });

  it('keeps what is not used, up to the burst', () => {
    const bucket = new RateBucket({ count: 1, perMs: 100, burst: 2 });
    expect(promises(bucket, 0, 2)).to.deep.equal([0, 0]);
    expect(promises(bucket, 150, 2), 'one came at 100, the next comes at 200').to.deep.equal([150, 200]);
    expect(promises(bucket, 10_000, 3)).to.deep.equal([10_000, 10_000, 10_100]);
  });

  it('says when the next is there without promising it', () => {
    const bucket = new RateBucket({ count: 1, perMs: 100 });
    expect([bucket.nextAt(5), bucket.nextAt(5), bucket.promise(5), bucket.nextAt(5), bucket.nextAt(60)]).to.deep.equal([
      5, 5, 5, 105, 105,
    ]);
    expect([bucket.nextAt(105), bucket.nextAt(400)]).to.deep.equal([105, 400]);
  });

  it('takes the last promise back, as if it had not been made', () => {
    const bucket = new RateBucket({ count: 1, perMs: 100 });
    expect(promises(bucket, 0, 3)).to.deep.equal([0, 100, 200]);
    bucket.takeBack();
    expect(bucket.promise(10)).to.equal(200);
    bucket.takeBack();
    bucket.takeBack();
    expect(promises(bucket, 10, 2)).to.deep.equal([100, 200]);
  });

  it('lets a promised token be used at its time', () => {
    const bucket = new RateBucket({ count: 1, perMs: 100 });
    for (const at of promises(bucket, 0, 4)) {
      expect(bucket.usableAt(at)).to.equal(at);
      bucket.use(at);
    }
  });

  it('spaces tokens that are used late anew, instead of letting them through together', () => {
    const bucket = new RateBucket({ count: 1, perMs: 100 });
    promises(bucket, 0, 3);
    expect(bucket.usableAt(250)).to.equal(250);
    bucket.use(250);
    expect(bucket.usableAt(250)).to.equal(350);
    expect(bucket.nextAt(250), 'the next promise comes after it').to.equal(350);
    bucket.use(360);
    expect([bucket.usableAt(360), bucket.usableAt(459), bucket.usableAt(460)]).to.deep.equal([460, 460, 460]);
    expect([bucket.promise(360), bucket.promise(360)]).to.deep.equal([460, 560]);
  });

  it('is full when neither promises nor uses stand out', () => {
    const bucket = new RateBucket({ count: 2, perMs: 100, burst: 2 });
    expect(bucket.isFull(0)).to.equal(true);
    bucket.promise(0);
    expect([bucket.isFull(0), bucket.isFull(49), bucket.isFull(50)]).to.deep.equal([false, false, true]);
    bucket.use(70);
    expect([bucket.isFull(119), bucket.isFull(120)]).to.deep.equal([false, true]);
  });

  it('gets no tokens by a clock that goes backwards, and loses none', () => {
    const bucket = new RateBucket({ count: 1, perMs: 100 });
    expect(bucket.promise(1_000)).to.equal(1_000);
    bucket.use(1_000);
    expect([bucket.nextAt(0), bucket.usableAt(0), bucket.isFull(0)]).to.deep.equal([1_100, 1_100, false]);
    expect([bucket.nextAt(1_100), bucket.isFull(1_100), bucket.isFull(5)]).to.deep.equal([1_100, true, true]);
  });

  const rate = fc.record({
    count: fc.integer({ min: 1, max: 7 }),
    perMs: fc.constantFrom(1, 10, 1_000, 333.3),
    burst: fc.constantFrom(undefined, 1, 2, 5),
  });

  holds(
    'lets no more than burst + rate × t through in any time t, however late its tokens are used',
    fc.record({ rate, waits: fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 40 }) }),
    ({ rate: { count, perMs, burst = count }, waits }) => {
      const bucket = new RateBucket({ count, perMs, burst });
      let now = 0;
      const used: number[] = [];
      for (const wait of waits) {
        now += wait;
        if (wait % 3 === 0) bucket.promise(now);
        if (wait % 7 === 0) bucket.takeBack();
        used.push(useFrom(bucket, now));
        now = Math.max(now, used.at(-1) as number);
      }
      for (let first = 0; first < used.length; first++) {
        for (let last = first; last < used.length; last++) {
          const time = (used[last] as number) - (used[first] as number);
          expect(last - first + 1).to.be.at.most(burst + (time * count) / perMs + 1e-6);
        }
      }
    },
  );

  holds(
    'lets whoever always has somebody waiting through at its full pace',
    fc.record({ rate, more: fc.integer({ min: 1, max: 30 }) }),
    ({ rate: { count, perMs, burst = count }, more }) => {
      const bucket = new RateBucket({ count, perMs, burst });
      let now = 0;
      for (let each = 0; each < burst + more; each++) now = useFrom(bucket, now);
      expect(now).to.be.closeTo((more * perMs) / count, 1e-6);
    },
  );
});
