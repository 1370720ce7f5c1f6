import { expect } from 'chai';
import { defineNode, type NodeImplementation } from '../../../../src/base/node.js';
import { type } from '../../../../src/base/schema.js';
import { ResultCache } from '../../../../src/mixins/enterprise/result-cache.js';
import { nodeHash } from '../../../../src/runtimes/node-ports.js';
import { codeThrownBy } from '../../../support/every-way.js';

const made = (maxEntries = 2): ResultCache => new ResultCache(nodeHash, maxEntries);

function implementation(name: string, version: string | undefined, run: () => { n: number }): NodeImplementation {
  const config = { name, outputs: { n: type<number>() }, run };
  return defineNode(version === undefined ? config : { ...config, version }).implementation;
}

const one = () => ({ n: 1 });
const two = () => ({ n: 2 });

describe('ResultCache', () => {
  it('finds what it keeps, the very object, and counts', () => {
    const cache = made();
    const output = { n: 1 };
    expect(cache.find('a', 0)).to.equal(undefined);
    cache.keep('a', output, {}, 0);
    expect(cache.find('a', 1e15)).to.equal(output);
    expect(cache.find('b', 0)).to.equal(undefined);
    expect(cache.report()).to.deep.equal({ entries: 1, maxEntries: 2, hits: 1, misses: 2, evicted: 0 });
  });

  it('lets the output go that was used longest ago, found or kept', () => {
    const cache = made(2);
    cache.keep('a', { n: 1 }, {}, 0);
    cache.keep('b', { n: 2 }, {}, 0);
    cache.find('a', 0);
    cache.keep('c', { n: 3 }, {}, 0);
    expect(['a', 'b', 'c'].map((key) => cache.find(key, 0)?.n)).to.deep.equal([1, undefined, 3]);
    cache.keep('a', { n: 4 }, {}, 0);
    cache.keep('d', { n: 5 }, {}, 0);
    expect(['a', 'c', 'd'].map((key) => cache.find(key, 0)?.n)).to.deep.equal([4, undefined, 5]);
    expect(cache.report()).to.include({ entries: 2, evicted: 2 });
  });

  it('takes the place of an output of the same key, and lets none go for it', () => {
    const cache = made(2);
    cache.keep('a', { n: 1 }, {}, 0);
    cache.keep('b', { n: 2 }, {}, 0);
    cache.keep('b', { n: 3 }, {}, 0);
    expect(cache.find('a', 0)).to.deep.equal({ n: 1 });
    expect(cache.find('b', 0)).to.deep.equal({ n: 3 });
    expect(cache.report()).to.include({ entries: 2, evicted: 0 });
  });

  it('gives an output for ttlMs, the last millisecond excluded', () => {
    const cache = made();
    cache.keep('a', { n: 1 }, { ttlMs: 100 }, 1_000);
    expect(cache.find('a', 1_099.9)).to.deep.equal({ n: 1 });
    expect(cache.find('a', 1_100)).to.equal(undefined);
    expect(cache.report()).to.include({ hits: 1, misses: 1 });
  });

  it('keeps an output for ttlMs from when it was made: use does not prolong it', () => {
    const cache = made();
    cache.keep('a', { n: 1 }, { ttlMs: 100 }, 0);
    cache.find('a', 99);
    expect(cache.find('a', 101)).to.equal(undefined);
  });

  it('trim forgets outputs that are too old, and no others', () => {
    const cache = made(3);
    cache.keep('old', { n: 1 }, { ttlMs: 100 }, 0);
    cache.keep('young', { n: 2 }, { ttlMs: 101 }, 0);
    cache.keep('ageless', { n: 3 }, {}, 0);
    cache.trim(100);
    expect(cache.report()).to.include({ entries: 2, evicted: 0 });
    expect([cache.find('young', 0)?.n, cache.find('ageless', 0)?.n]).to.deep.equal([2, 3]);
  });

  it('clear forgets every output, and no count', () => {
    const cache = made();
    cache.keep('a', { n: 1 }, {}, 0);
    cache.find('a', 0);
    cache.clear();
    expect(cache.find('a', 0)).to.equal(undefined);
    expect(cache.report()).to.include({ entries: 0, hits: 1, misses: 1 });
  });

  it('takes nodes of one name and version for one, whatever their functions', () => {
    const cache = made();
    const key = cache.keyOf(implementation('n', '1', one), { x: 1 });
    expect(cache.keyOf(implementation('n', '1', two), { x: 1 })).to.equal(key);
    expect(cache.keyOf(implementation('n', '2', one), { x: 1 })).not.to.equal(key);
    expect(cache.keyOf(implementation('m', '1', one), { x: 1 })).not.to.equal(key);
  });

  it('takes a node without a version for itself alone: another of the same text may have captured something else', () => {
    const cache = made();
    const node = implementation('n', undefined, one);
    const key = cache.keyOf(node, {});
    expect(cache.keyOf(node, {})).to.equal(key);
    expect(cache.keyOf(implementation('n', undefined, one), {})).not.to.equal(key);
    expect(cache.keyOf(implementation('n', '1', one), {})).not.to.equal(key);
  });

  it('tells inputs apart by what they hold, not by the order of their keys', () => {
    const cache = made();
    const node = implementation('n', '1', one);
    const key = cache.keyOf(node, { a: 1, b: [{ c: 'x', d: null }] });
    expect(cache.keyOf(node, { b: [{ d: null, c: 'x' }], a: 1 })).to.equal(key);
    for (const other of [{ a: 1 }, { a: '1', b: [{ c: 'x', d: null }] }, { a: 1, b: [{ c: 'x', d: 0 }] }])
      expect(cache.keyOf(node, other)).not.to.equal(key);
  });

  it('has no key for inputs that JSON cannot hold', () => {
    const cache = made();
    const node = implementation('n', '1', one);
    for (const x of [undefined, Number.NaN, 1n, () => 1, new Date(0), new Map()])
      expect(codeThrownBy(() => cache.keyOf(node, { x }))).to.equal('UNHASHABLE_LITERAL');
  });
});
