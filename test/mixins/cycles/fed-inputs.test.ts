import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { everyWay } from '../../support/every-way.js';
import { numeric } from '../../support/halving.js';

const same = numeric('same', (n) => n);

/** Notes what it was given in each visit. */
function noting(seen: (readonly [number, number])[]) {
  return defineNode({
    name: 'noting',
    inputs: { fed: type<number>(), other: type<number>() },
    outputs: { n: type<number>() },
    run: ({ fed, other }) => {
      seen.push([fed, other]);
      return { n: fed + other };
    },
  });
}

describe('A node of a cycle with an input that is fed back and starts with another node of the cycle', () => {
  it(
    'waits in every iteration for what its other input reads, whatever settles before',
    everyWay(async (run) => {
      const seen: (readonly [number, number])[] = [];
      const w = workflow('fed');
      const entry = w.add('entry', same({ n: 1 }));
      const other = w.add('other', numeric('plus', (n) => n + 10)({ n: entry.out.n }));
      const node = w.add('node', noting(seen)({ fed: entry.out.n, other: other.out.n }));
      const tail = w.add('tail', same({ n: node.out.n }));
      w.cycle('fit', {
        feedback: [tail.out.n.to(node.in.fed), tail.out.n.to(entry.in.n)],
        maxIterations: 3,
      });
      const result = await run.complete(w.build({ outputs: { n: tail.out.n } }));
      expect(seen).to.deep.equal([
        [1, 11],
        [12, 22],
        [34, 44],
      ]);
      expect(result.output).to.deep.equal({ n: 78 });
    }),
  );

  it(
    'waits for it also where its first value comes from a cycle inside, which settles again in every iteration',
    everyWay(async (run) => {
      const seen: (readonly [number, number])[] = [];
      const w = workflow('fed');
      const entry = w.add('entry', same({ n: 1 }));
      const step = w.add('step', numeric('double', (n) => 2 * n)({ n: entry.out.n }));
      const outer = w.add('other', numeric('plus', (n) => n + 10)({ n: step.out.n }));
      const node = w.add('node', noting(seen)({ fed: step.out.n, other: outer.out.n }));
      const tail = w.add('tail', same({ n: node.out.n }));
      w.cycle('inner', { feedback: [step.out.n.to(step.in.n)], maxIterations: 2 });
      w.cycle('fit', {
        feedback: [tail.out.n.to(node.in.fed), tail.out.n.to(entry.in.n)],
        maxIterations: 2,
      });
      const result = await run.complete(w.build({ outputs: { n: tail.out.n } }));
      expect(seen).to.deep.equal([
        [4, 14],
        [18, 82],
      ]);
      expect(result.output).to.deep.equal({ n: 100 });
    }),
  );
});
