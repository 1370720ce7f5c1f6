import { expect } from 'chai';
import fc from 'fast-check';
import { Line } from '../../../src/mixins/enterprise/line.js';
import { holds } from '../../support/property.js';

describe('A line of those who wait', () => {
  it('serves in the order of coming, and lets go of whoever leaves', () => {
    const line = new Line<string>();
    for (const name of ['a', 'b', 'c', 'd']) line.push(name);
    expect([line.length, line.remove('c'), line.remove('c'), line.remove('x'), line.length]).to.deep.equal([
      4,
      true,
      false,
      false,
      3,
    ]);
    expect([line.shift(), line.remove('b'), line.shift(), line.shift(), line.length]).to.deep.equal([
      'a',
      true,
      'd',
      undefined,
      0,
    ]);
  });

  holds(
    'does what an array does, whoever comes, leaves and is served',
    fc.record({ steps: fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 400 }), most: fc.nat({ max: 60 }) }),
    ({ steps, most }) => {
      const line = new Line<number>();
      const array: number[] = [];
      let next = 0;
      for (const step of steps) {
        if (step > 5) {
          line.push(next);
          array.push(next++);
        } else if (step > 2) expect(line.shift()).to.equal(array.shift());
        else {
          const gone = array[(step * most) % (array.length + 1)] ?? -1;
          expect(line.remove(gone)).to.equal(array.includes(gone));
          if (array.includes(gone)) array.splice(array.indexOf(gone), 1);
        }
        expect(line.length).to.equal(array.length);
      }
      while (array.length > 0) expect(line.shift()).to.equal(array.shift());
      expect(line.shift()).to.equal(undefined);
    },
  );
});
