import { expect } from 'chai';
import { WakeQueue } from '../../../src/base/wake-queue.js';
import { seededRandom } from '../../../src/testing/index.js';

const always = (): boolean => true;

/** Everything that is in a queue, in the order in which it leaves. */
function drain<T>(queue: WakeQueue<T>): T[] {
  const left: T[] = [];
  for (let item = queue.take(Number.MAX_VALUE); item !== undefined; item = queue.take(Number.MAX_VALUE))
    left.push(item);
  return left;
}

describe('wake queue', () => {
  it('is due never while it is empty', () => {
    const queue = new WakeQueue<string>(always);
    expect(queue.next).to.equal(Number.POSITIVE_INFINITY);
    expect(queue.take(Number.MAX_VALUE)).to.equal(undefined);
  });

  it('gives what is due, at its time and not before', () => {
    const queue = new WakeQueue<string>(always);
    queue.add(20, 'late');
    queue.add(10, 'early');
    expect(queue.next).to.equal(10);
    expect(queue.take(9)).to.equal(undefined);
    expect(queue.take(10)).to.equal('early');
    expect(queue.next).to.equal(20);
    expect(queue.take(19)).to.equal(undefined);
    expect(queue.take(25)).to.equal('late');
    expect(queue.next).to.equal(Number.POSITIVE_INFINITY);
  });

  it('gives the entries of one time in the order in which they came', () => {
    const queue = new WakeQueue<number>(always);
    for (let item = 0; item < 20; item++) queue.add(5, item);
    expect(drain(queue)).to.deep.equal(Array.from({ length: 20 }, (_, item) => item));
  });

  it('gives many entries in the order of their times, those of one time as they came', () => {
    const queue = new WakeQueue<string>(always);
    const random = seededRandom('wake-queue');
    const entries = Array.from({ length: 300 }, (_, index) => ({
      at: Math.floor(random.keyed(`${index}`) * 40),
      item: `${index}`,
    }));
    for (const { at, item } of entries) queue.add(at, item);
    expect(drain(queue)).to.deep.equal(entries.toSorted((left, right) => left.at - right.at).map(({ item }) => item));
  });

  it('passes over what no longer counts', () => {
    const gone = new Set(['first', 'third']);
    const queue = new WakeQueue<string>((item) => !gone.has(item));
    queue.add(1, 'first');
    queue.add(2, 'second');
    queue.add(3, 'third');
    expect(queue.next).to.equal(2);
    expect(queue.take(2)).to.equal('second');
    expect(queue.next).to.equal(Number.POSITIVE_INFINITY);
  });

  it('tells an entry that counts from one of the same item at another time', () => {
    const queue = new WakeQueue<string>((_, at) => at === 7);
    queue.add(3, 'item');
    queue.add(7, 'item');
    expect(queue.next).to.equal(7);
  });

  for (const kept of [0, 1, 2, 3, 31, 32, 63, 64]) {
    it(`forgets what no longer counts when it has grown, and keeps the order of ${kept} that do`, () => {
      let counts = (item: number): boolean => item >= 64 - kept;
      const queue = new WakeQueue<number>((item) => counts(item));
      for (let index = 0; index < 64; index++) queue.add((index * 37) % 64, (index * 37) % 64);
      queue.add(1_000, 1_000);
      counts = always;
      expect(drain(queue)).to.deep.equal([...Array.from({ length: kept }, (_, index) => 64 - kept + index), 1_000]);
    });
  }

  it('asks of each entry a few times only, however many there are', () => {
    let asked = 0;
    const queue = new WakeQueue<number>(() => {
      asked++;
      return true;
    });
    for (let item = 0; item < 4_096; item++) queue.add(item, item);
    expect(asked).to.be.within(4_000, 2 * 4_096);
  });
});
