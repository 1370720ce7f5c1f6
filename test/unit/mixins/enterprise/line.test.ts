import { expect } from 'chai';
import { Line } from '../../../../src/mixins/enterprise/line.js';

describe('Line', () => {
  it('serves in the order of coming, without those who left, also after many have', () => {
    const line = new Line<number>();
    for (let one = 1; one <= 100; one++) line.push(one);
    for (let one = 1; one <= 90; one++) {
      if (one % 2 === 0) expect(line.remove(one)).to.equal(true);
      else expect(line.shift()).to.equal(one);
    }
    expect(line.length).to.equal(10);
    for (let one = 101; one <= 110; one++) line.push(one); // clears away the places of those who have left
    expect(line.remove(50)).to.equal(false);
    const served: (number | undefined)[] = [];
    while (line.length > 0) served.push(line.shift());
    expect(served).to.deep.equal([
      91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110,
    ]);
    expect(line.shift()).to.equal(undefined);
  });
});
