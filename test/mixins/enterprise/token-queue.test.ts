import { expect } from 'chai';
import fc from 'fast-check';
import { TokenQueue, type TokenWaiter } from '../../../src/mixins/enterprise/token-queue.js';
import { holds } from '../../support/property.js';

/** One who waits, and how often it was recalled. */
class Waiter implements TokenWaiter {
  readonly name: string;
  readonly owner: object;
  readonly priority: number;
  recalls = 0;

  constructor(name: string, owner: object, priority = 0) {
    this.name = name;
    this.owner = owner;
    this.priority = priority;
  }

  recalled(): void {
    this.recalls++;
  }
}

const A = { run: 'A' };
const B = { run: 'B' };
const C = { run: 'C' };

function queueOf(perMs = 100): TokenQueue<Waiter> {
  return new TokenQueue<Waiter>({ count: 1, perMs });
}

/** Takes the token that is there at time 0. */
function empty(queue: TokenQueue<Waiter>): void {
  const first = new Waiter('first', {});
  queue.join(first, 0);
  queue.use(first, 0);
}

describe('A queue for tokens', () => {
  it('promises a token, which is there at once or later, and counts who waits', () => {
    const queue = queueOf();
    const [a, b] = [new Waiter('a', A), new Waiter('b', B)];
    expect([queue.nextAt(a, 5), queue.waiting]).to.deep.equal([5, 0]);
    queue.join(a, 5);
    expect([queue.nextAt(a, 5), queue.waiting]).to.deep.equal([5, 1]);
    queue.use(a, 5);
    expect([queue.nextAt(b, 5), queue.waiting]).to.deep.equal([105, 0]);
    queue.join(b, 5);
    expect([queue.nextAt(b, 60), queue.nextAt(b, 105), queue.waiting]).to.deep.equal([105, 105, 1]);
  });

  it('promises an owner one at a time: another one gets the next, and the owner asks again', () => {
    const queue = queueOf();
    empty(queue);
    const [a1, a2, a3, b1] = [new Waiter('a1', A), new Waiter('a2', A), new Waiter('a3', A), new Waiter('b1', B)];
    expect(queue.isBehind(a1)).to.equal(false);
    queue.join(a1, 0);
    expect([queue.isBehind(a1), queue.isBehind(a2), queue.isBehind(b1)]).to.deep.equal([false, true, false]);
    queue.follow(a2);
    queue.follow(a3);
    queue.join(b1, 0);
    expect([queue.nextAt(a1, 0), queue.nextAt(b1, 0), queue.waiting]).to.deep.equal([100, 200, 4]);
    queue.use(a1, 100);
    expect([a1.recalls, a2.recalls, a3.recalls, b1.recalls, queue.waiting]).to.deep.equal([0, 1, 0, 0, 3]);
    expect([queue.isBehind(a2), queue.isBehind(a3)]).to.deep.equal([false, true]);
    queue.join(a2, 100);
    expect(queue.nextAt(a2, 100)).to.equal(300);
  });

  it('gives the earlier times to higher priorities, among which the first comes first', () => {
    const queue = queueOf();
    empty(queue);
    const waiters = [new Waiter('a', A), new Waiter('b', B, 5), new Waiter('c', C), new Waiter('d', {}, 5)] as const;
    for (const waiter of waiters) {
      const expected = queue.nextAt(waiter, 0);
      queue.join(waiter, 0);
      expect(queue.nextAt(waiter, 0), waiter.name).to.equal(expected);
    }
    expect(waiters.map((waiter) => queue.nextAt(waiter, 0))).to.deep.equal([300, 100, 400, 200]);
  });

  it('gives a token back when its waiter leaves: those after it come earlier, and are told', () => {
    const queue = queueOf();
    empty(queue);
    const [a, b, c, d] = [new Waiter('a', A), new Waiter('b', B), new Waiter('c', C), new Waiter('d', {})];
    for (const waiter of [a, b, c]) {
      queue.join(waiter, 0);
      queue.nextAt(waiter, 0);
    }
    queue.leave(b);
    expect([a.recalls, b.recalls, c.recalls]).to.deep.equal([0, 0, 1]);
    expect([queue.nextAt(a, 0), queue.nextAt(c, 0), queue.waiting]).to.deep.equal([100, 200, 2]);
    queue.join(d, 0);
    expect(queue.nextAt(d, 0)).to.equal(300);
  });

  it('calls those whose token comes earlier one after the other: however many leave, few are called for each', () => {
    const queue = queueOf(1);
    empty(queue);
    const waiters = Array.from({ length: 200 }, (_, index) => new Waiter(`${index}`, {}));
    for (const waiter of waiters) {
      queue.join(waiter, 0);
      queue.nextAt(waiter, 0);
    }
    const last = waiters.pop() as Waiter;
    for (const waiter of waiters.toReversed()) {
      queue.leave(waiter);
      for (const other of [...waiters, last]) if (other.recalls > 0) queue.nextAt(other, 0);
    }
    expect(waiters.reduce((sum, { recalls }) => sum + recalls, 0)).to.equal(0);
    expect([last.recalls, queue.nextAt(last, 0)]).to.deep.equal([199, 1]);
  });

  it('calls who becomes the first of all, where those before it left long ago', () => {
    const queue = queueOf();
    empty(queue);
    const [a, b, c, d] = [new Waiter('a', A), new Waiter('b', B), new Waiter('c', C), new Waiter('d', {})];
    for (const waiter of [a, b, c, d]) {
      queue.join(waiter, 0);
      queue.nextAt(waiter, 0);
    }
    queue.leave(b);
    expect([c.recalls, d.recalls, queue.nextAt(c, 0)]).to.deep.equal([1, 0, 200]);
    queue.use(a, 100);
    expect([c.recalls, d.recalls], 'c knows its time').to.deep.equal([1, 0]);
    queue.use(c, 200);
    expect([d.recalls, queue.nextAt(d, 200)]).to.deep.equal([1, 300]);
    queue.use(d, 300);
    expect(queue.waiting).to.equal(0);
  });

  it('lets the next of an owner ask when the first leaves, and forgets one that leaves from behind', () => {
    const queue = queueOf();
    empty(queue);
    const [a1, a2, a3] = [new Waiter('a1', A), new Waiter('a2', A), new Waiter('a3', A)];
    queue.join(a1, 0);
    queue.follow(a2);
    queue.follow(a3);
    queue.leave(a2);
    expect([queue.waiting, a2.recalls, a3.recalls]).to.deep.equal([2, 0, 0]);
    queue.leave(a1);
    expect([queue.waiting, a2.recalls, a3.recalls, queue.isBehind(a3)]).to.deep.equal([1, 0, 1, false]);
    expect(queue.nextAt(a3, 0), 'its token was given back').to.equal(100);
    queue.leave(a3); // it was told to ask, and did not
    expect([queue.waiting, queue.isBehind(a1)]).to.deep.equal([0, false]);
    for (const gone of [a1, a2, a3]) queue.leave(gone);
    expect([queue.waiting, queue.nextAt(a1, 0)]).to.deep.equal([0, 100]);
  });

  it('holds back whoever is promised a token while others used theirs late', () => {
    const queue = queueOf();
    empty(queue);
    const [a, b, c] = [new Waiter('a', A), new Waiter('b', B), new Waiter('c', C, 5)];
    queue.join(a, 0);
    queue.join(b, 0);
    queue.use(b, 250);
    expect([queue.nextAt(a, 250), queue.nextAt(c, 250)]).to.deep.equal([350, 350]);
    queue.use(a, 350);
    expect(queue.waiting).to.equal(0);
  });

  it('is idle when nobody waits and the bucket is full', () => {
    const queue = queueOf();
    expect(queue.isIdle(0)).to.equal(true);
    empty(queue);
    expect([queue.isIdle(99), queue.isIdle(100)]).to.deep.equal([false, true]);
    const a = new Waiter('a', A);
    queue.join(a, 100);
    expect(queue.isIdle(900)).to.equal(false);
    queue.leave(a);
    expect(queue.isIdle(900)).to.equal(true);
  });

  interface Step {
    readonly run: number;
    readonly wait: number;
    readonly leaves: boolean;
  }

  holds(
    'serves everybody who does not leave, at no more than the rate, however late each asks',
    fc.record({
      count: fc.integer({ min: 1, max: 3 }),
      steps: fc.array(fc.record<Step>({ run: fc.nat({ max: 3 }), wait: fc.nat({ max: 90 }), leaves: fc.boolean() }), {
        maxLength: 30,
      }),
    }),
    ({ count, steps }) => {
      const queue = new TokenQueue<Waiter>({ count, perMs: 100 });
      const owners = [{}, {}, {}, {}];
      const open = new Map<Waiter, boolean>();
      const used: number[] = [];
      let now = 0;
      const look = (): void => {
        for (const [waiter, joined] of [...open]) {
          if (queue.isBehind(waiter)) continue;
          if (!joined) queue.join(waiter, now);
          open.set(waiter, true);
          if (queue.nextAt(waiter, now) > now) continue;
          queue.use(waiter, now);
          open.delete(waiter);
          used.push(now);
        }
      };
      for (const { run, wait, leaves } of steps) {
        now += wait;
        const waiter = new Waiter(`${run}`, owners[run] as object, run);
        if (queue.isBehind(waiter)) queue.follow(waiter);
        open.set(waiter, false);
        look();
        const [first] = open.keys();
        if (leaves && first !== undefined) {
          open.delete(first);
          queue.leave(first);
        }
      }
      for (let turn = 0; open.size > 0; turn++) {
        expect(turn, 'somebody waits for ever').to.be.below(400);
        now += 50;
        look();
      }
      expect(queue.waiting).to.equal(0);
      for (let first = 0; first < used.length; first++)
        for (let last = first; last < used.length; last++)
          expect(last - first + 1).to.be.at.most(
            count + (((used[last] as number) - (used[first] as number)) * count) / 100 + 1e-6,
          );
    },
  );
});
