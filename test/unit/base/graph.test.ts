import { expect } from 'chai';
import fc from 'fast-check';
import { Graph } from '../../../src/base/graph.js';

type Edge = readonly [number, number];

function graph(size: number, ...edges: Edge[]): Graph {
  const made = new Graph(size);
  for (const [from, to] of edges) made.add(from, to);
  return made;
}

const edges = (size: number) =>
  fc.array(fc.tuple(fc.integer({ min: 0, max: size - 1 }), fc.integer({ min: 0, max: size - 1 })), { maxLength: 30 });
const SIZE = 9;

/** Order by definition: again and again the least node whose predecessors have all been placed. */
function naiveOrder(size: number, list: readonly Edge[]): number[] {
  const order: number[] = [];
  for (;;) {
    const free = Array.from({ length: size }, (_, node) => node).filter(
      (node) => !order.includes(node) && list.every(([from, to]) => to !== node || order.includes(from)),
    );
    if (free.length === 0) return order;
    order.push(Math.min(...free));
  }
}

describe('graph', () => {
  it('knows successors and predecessors, repeated edges included', () => {
    const made = graph(3, [0, 1], [0, 2], [0, 1]);
    expect(made.successors(0)).to.deep.equal([1, 2, 1]);
    expect(made.predecessors(1)).to.deep.equal([0, 0]);
    expect(made.predecessors(0)).to.deep.equal([]);
  });

  describe('topological order', () => {
    it('puts each node after its predecessors, ties by lowest number', () => {
      expect(graph(6, [5, 0], [4, 0], [4, 1], [2, 3], [3, 1]).topologicalOrder()).to.deep.equal([2, 3, 4, 1, 5, 0]);
      expect(graph(4).topologicalOrder()).to.deep.equal([0, 1, 2, 3]);
      expect(graph(0).topologicalOrder()).to.deep.equal([]);
    });

    it('does not mind repeated edges', () => {
      expect(graph(2, [1, 0], [1, 0]).topologicalOrder()).to.deep.equal([1, 0]);
    });

    it('leaves out nodes on a cycle and everything behind it', () => {
      expect(graph(5, [0, 1], [1, 2], [2, 1], [2, 3]).topologicalOrder()).to.deep.equal([0, 4]);
      expect(graph(1, [0, 0]).topologicalOrder()).to.deep.equal([]);
    });

    it('is what its definition says', () => {
      fc.assert(
        fc.property(edges(SIZE), (list) => {
          expect(graph(SIZE, ...list).topologicalOrder()).to.deep.equal(naiveOrder(SIZE, list));
        }),
        { numRuns: 500 },
      );
    });
  });

  describe('a cycle', () => {
    it('is found along its edges', () => {
      const made = graph(6, [0, 1], [1, 2], [2, 3], [3, 1], [3, 4], [4, 5]);
      const found = made.findCycle(made.topologicalOrder());
      expect([...found].sort()).to.deep.equal([1, 2, 3]);
      expect(
        found.map((node, index) => made.successors(node).includes(found[(index + 1) % 3] as number)),
      ).to.deep.equal([true, true, true]);
    });

    it('of one node is found', () => {
      const made = graph(3, [1, 1]);
      expect(made.findCycle(made.topologicalOrder())).to.deep.equal([1]);
    });

    it('is found in any graph that has one', () => {
      fc.assert(
        fc.property(edges(SIZE), (list) => {
          const made = graph(SIZE, ...list);
          const order = made.topologicalOrder();
          if (order.length === SIZE) return;
          const found = made.findCycle(order);
          expect(found.length).to.be.greaterThan(0);
          expect(new Set(found).size).to.equal(found.length);
          found.forEach((node, index) => {
            expect(made.successors(node)).to.include(found[(index + 1) % found.length]);
          });
        }),
        { numRuns: 500 },
      );
    });
  });

  describe('reach', () => {
    const made = graph(7, [0, 1], [1, 2], [2, 3], [4, 2], [3, 5], [5, 2]);

    it('follows edges forward and backward, the start included', () => {
      expect([...made.reach([1], 'forward', () => true)].sort()).to.deep.equal([1, 2, 3, 5]);
      expect([...made.reach([2], 'backward', () => true)].sort()).to.deep.equal([0, 1, 2, 3, 4, 5]);
      expect([...made.reach([6, 0], 'forward', () => true)].sort()).to.deep.equal([0, 1, 2, 3, 5, 6]);
    });

    it('stays where it is allowed to go, from the start on', () => {
      expect([...made.reach([0], 'forward', (node) => node !== 2)].sort()).to.deep.equal([0, 1]);
      expect([...made.reach([0, 2], 'forward', (node) => node > 1)].sort()).to.deep.equal([2, 3, 5]);
      expect([...made.reach([], 'forward', () => true)]).to.deep.equal([]);
    });
  });

  it('handles 100,000 nodes in a row and side by side without recursion', () => {
    const size = 100_000;
    const row = new Graph(size);
    const star = new Graph(size);
    for (let node = 1; node < size; node++) {
      row.add(node - 1, node);
      star.add(0, node);
    }
    expect(row.topologicalOrder().at(-1)).to.equal(size - 1);
    expect(star.topologicalOrder()).to.have.length(size);
    expect(row.reach([0], 'forward', () => true).size).to.equal(size);
    row.add(size - 1, 0);
    expect(row.findCycle(row.topologicalOrder())).to.have.length(size);
  });
});
