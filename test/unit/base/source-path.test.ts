import { expect } from 'chai';
import { readPath } from '../../../src/base/source-path.js';

describe('source path', () => {
  const value = { a: [{ b: 0, c: null }, 'text'], n: null, f: false, '': 1, list: { length: 2 } };

  it('of nothing is the value itself', () => {
    expect(readPath(value, [])).to.equal(value);
    expect(readPath(undefined, [])).to.equal(undefined);
  });

  it('reads properties and indexes, and keeps 0, false and null', () => {
    expect(readPath(value, ['a', '0', 'b'])).to.equal(0);
    expect(readPath(value, ['a', '0', 'c'])).to.equal(null);
    expect(readPath(value, ['a', '1'])).to.equal('text');
    expect(readPath(value, ['f'])).to.equal(false);
    expect(readPath(value, [''])).to.equal(1);
  });

  it('is undefined where a step is missing, at the end or on the way', () => {
    for (const path of [
      ['x'],
      ['a', '2'],
      ['a', '-1'],
      ['a', '0', 'b', 'c'],
      ['n', 'x'],
      ['x', 'y', 'z'],
      ['a', '1', '0'],
    ]) {
      expect(readPath(value, path), path.join('.')).to.equal(undefined);
    }
  });

  it('reads own properties only: nothing that every object or array has by nature', () => {
    for (const path of [['constructor'], ['__proto__'], ['toString'], ['a', 'map'], ['a', '0', 'hasOwnProperty']]) {
      expect(readPath(value, path), path.join('.')).to.equal(undefined);
    }
    expect(readPath(JSON.parse('{"__proto__": 5, "constructor": 6}'), ['__proto__'])).to.equal(5);
    expect(readPath({ constructor: 6 }, ['constructor'])).to.equal(6);
    expect(readPath(Object.create({ inherited: 1 }), ['inherited'])).to.equal(undefined);
  });

  it('reads the length of arrays, which is their own, and objects without a prototype', () => {
    expect(readPath(value, ['a', 'length'])).to.equal(2);
    expect(readPath(Object.assign(Object.create(null), { x: 1 }), ['x'])).to.equal(1);
  });
});
