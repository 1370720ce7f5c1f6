import { expect } from 'chai';
import fc from 'fast-check';
import { didYouMean, nearestName } from '../../../src/base/did-you-mean.js';

const NAMES = ['read', 'tidy', 'route', 'score', 'maxIterations', 'timeoutMs'];

/** The distance by its definition: insertions, deletions, substitutions and swaps of neighbours, each once. */
function slowDistance(left: string, right: string): number {
  const rows = Array.from({ length: left.length + 1 }, (_, row) =>
    Array.from({ length: right.length + 1 }, (_, column) => (row === 0 ? column : column === 0 ? row : 0)),
  );
  const at = (row: number, column: number): number => rows[row]?.[column] ?? 0;
  for (let row = 1; row <= left.length; row++) {
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let cost = Math.min(at(row - 1, column) + 1, at(row, column - 1) + 1, at(row - 1, column - 1) + (same ? 0 : 1));
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1])
        cost = Math.min(cost, at(row - 2, column - 2) + 1);
      (rows[row] as number[])[column] = cost;
    }
  }
  return at(left.length, right.length);
}

describe('did you mean', () => {
  for (const [slip, name] of [
    ['raed', 'read'],
    ['rea', 'read'],
    ['reads', 'read'],
    ['rexd', 'read'],
    ['Tidy', 'tidy'],
    ['ROUTE', 'route'],
    ['scroe', 'score'],
    ['maxIteration', 'maxIterations'],
    ['max_iterations', 'maxIterations'],
    ['timeout', 'timeoutMs'],
    ['timeoutms', 'timeoutMs'],
  ] as const) {
    it(`takes "${slip}" for "${name}"`, () => {
      expect(nearestName(slip, NAMES)).to.equal(name);
    });
  }

  for (const far of ['warehouse', 'x', '', 'zzzz', 'tsrd']) {
    it(`takes "${far}" for nothing`, () => {
      expect(nearestName(far, NAMES)).to.equal(undefined);
    });
  }

  it('prefers the nearest, and of equally near ones the first', () => {
    expect(nearestName('cas', ['cars', 'case', 'cas'])).to.equal('cas');
    expect(nearestName('bat', ['cat', 'rat', 'bad'])).to.equal('cat');
  });

  it('finds a name at most two fifths of its length away, and one slip in the shortest', () => {
    expect(nearestName('a', ['b'])).to.equal('b');
    expect(nearestName('ab', ['cd'])).to.equal(undefined);
    expect(nearestName('abcde', ['abcxy'])).to.equal('abcxy');
    expect(nearestName('abcde', ['abxyz'])).to.equal(undefined);
  });

  it('finds what a full comparison finds', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(word, fc.array(word, { maxLength: 5 }), (name, candidates) => {
        const limit = Math.max(1, Math.floor(name.length * 0.4));
        const distances = candidates.map((candidate) => slowDistance(name, candidate));
        const best = Math.min(...distances);
        const expected = best <= limit ? candidates[distances.indexOf(best)] : undefined;
        expect(nearestName(name, candidates)).to.equal(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('says the nearest name, or what exists, or that nothing does', () => {
    expect(didYouMean('raed', NAMES)).to.equal('Did you mean "read"?');
    expect(didYouMean('warehouse', ['read', 'tidy'])).to.equal('Known: "read", "tidy".');
    expect(didYouMean('warehouse', [])).to.equal('There are none.');
  });

  it('lists at most eight names', () => {
    const names = Array.from({ length: 10 }, (_, index) => `candidate${index}`);
    expect(didYouMean('x', names)).to.equal(
      'Known: "candidate0", "candidate1", "candidate2", "candidate3", "candidate4", "candidate5", "candidate6", "candidate7" and 2 more.',
    );
    expect(didYouMean('x', names.slice(0, 8))).to.match(/"candidate7"\.$/);
  });
});
