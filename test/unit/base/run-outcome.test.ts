import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { both } from '../../support/both.js';

const step = defineNode({
  name: 'step',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }) => ({ n }),
});

const failing = defineNode({
  name: 'failing',
  outputs: {},
  run: () => {
    throw new Error('bad');
  },
});

describe('The failure that a run reports', () => {
  for (const [first, place, code] of [
    ['node', 'bad', 'NODE_THREW'],
    ['cycle', 'fit', 'CYCLE_LIMIT'],
  ] as const)
    it(`is that of the ${first}, where a node and a cycle failed and the ${first} comes first`, async () => {
      const build = () => {
        const w = workflow('w');
        const node = () => w.add('bad', failing());
        if (first === 'node') node();
        const a = w.add('a', step({ n: 1 }));
        w.cycle('fit', { feedback: [a.out.n.to(a.in.n)], maxIterations: 2, onMaxIterations: 'fail' });
        if (first === 'cycle') node();
        return w.build();
      };
      const run = await both(build);
      expect(run.status).to.equal('failed');
      expect(run.error).to.include({ node: place });
      expect((run.error as unknown as { readonly failure: { readonly code: string } }).failure.code).to.equal(code);
    });

  it('is that its output cannot be read, with what was thrown', () => {
    const w = workflow('w');
    const odd = w.fn('odd', {}, () => ({
      get broken(): number {
        throw new RangeError('unreadable');
      },
    }));
    const flow = w.build({ outputs: { broken: odd.out.value.at('broken') } });
    const outcome = new LocalRuntime().settle(flow);
    if (outcome.status !== 'failed') throw new Error(outcome.status);
    const { failure, node } = outcome.error;
    expect([node, failure.code, failure.cause?.message]).to.deep.equal([undefined, 'OUTPUT_INVALID', 'unreadable']);
  });
});
