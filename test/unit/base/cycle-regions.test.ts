import { expect } from 'chai';
import { compile } from '../../../src/base/compile.js';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import type { Workflow } from '../../../src/base/workflow.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { refusal } from '../../support/caught.js';

const step = defineNode({
  name: 'step',
  inputs: { n: type<number>(), other: type<unknown>() },
  outputs: { n: type<number>() },
  run: ({ n }) => ({ n }),
});

/** The nodes of each cycle. */
function bodies(built: Workflow): Record<string, string[]> {
  const { nodes, regions } = compile(built);
  return Object.fromEntries(regions.map(({ id, start, end }) => [id, nodes.slice(start, end).map((node) => node.id)]));
}

const REMEDY = 'Declare it with cycle(…) and pass the connection that closes the loop as feedback.';

describe('The body of a cycle', () => {
  it('is widened by a cycle declared within it, and what lies between, and by nothing before or behind', () => {
    const w = workflow('w');
    const before = w.add('before', step({ n: 1, other: 0 }));
    const a = w.add('a', step({ n: before.out.n, other: 0 }));
    const between = w.add('between', step({ n: a.out.n, other: before.out.n }));
    const b = w.add('b', step({ n: between.out.n, other: 0 }));
    w.add('behind', step({ n: b.out.n, other: between.out.n }));
    w.add('beside', step({ n: a.out.n, other: 0 }));
    w.cycle('outer', { feedback: [a.out.n.to(a.in.n)], maxIterations: 2 });
    w.cycle('inner', { feedback: [b.out.n.to(b.in.n)], maxIterations: 2, within: 'outer' });
    expect(bodies(w.build())).to.deep.equal({ outer: ['a', 'between', 'b'], inner: ['b'] });
  });

  it('may lie within a cycle that encloses it by way of another', () => {
    const w = workflow('w');
    const a = w.add('a', step({ n: 1, other: 0 }));
    const b = w.add('b', step({ n: a.out.n, other: 0 }));
    const c = w.add('c', step({ n: b.out.n, other: 0 }));
    w.cycle('middle', { feedback: [c.out.n.to(b.in.n)], maxIterations: 2 });
    w.cycle('outer', { feedback: [c.out.n.to(a.in.n)], maxIterations: 2 });
    w.cycle('inner', { feedback: [c.out.n.to(c.in.n)], maxIterations: 2, within: 'outer' });
    expect(bodies(w.build())).to.deep.equal({ outer: ['a', 'b', 'c'], middle: ['b', 'c'], inner: ['c'] });
  });
});

describe('A cycle that is refused', () => {
  it('names its place where it is said to lie within itself, alone or beside another', () => {
    const w = workflow('w');
    const a = w.add('a', step({ n: 1, other: 0 }));
    w.cycle('fit', { feedback: [a.out.n.to(a.in.n)], maxIterations: 2, within: 'fit' });
    const { code, at } = refusal(() => w.build());
    expect([code, at]).to.deep.equal(['OVERLAPPING_CYCLES', 'fit']);
    const b = w.add('b', step({ n: 1, other: 0 }));
    w.cycle('beside', { feedback: [b.out.n.to(b.in.n)], maxIterations: 2 });
    expect(refusal(() => w.build())).to.deep.equal({
      code: 'OVERLAPPING_CYCLES',
      at: 'fit',
      message: 'Cycle "fit" lies within itself. Make their bodies disjoint, or declare nesting with within.',
    });
  });

  it('names the nodes between cycles that wait for each other', () => {
    const w = workflow('w');
    const [a1, a2] = [w.node('a1', step, { n: 1 }), w.node('a2', step, { n: 1 })];
    const [b1, b2] = [w.node('b1', step, { n: 1, other: 0 }), w.node('b2', step, { n: 1, other: 0 })];
    w.add('x', step({ n: a1.out.n, other: 0 }));
    w.cycle('fa', { feedback: [a1.out.n.to(a1.in.n), a2.out.n.to(a2.in.n)], maxIterations: 2 });
    w.cycle('fb', { feedback: [b1.out.n.to(b1.in.n), b2.out.n.to(b2.in.n)], maxIterations: 2 });
    w.connect('x.n', 'b1.other').connect('b2.n', 'a2.other');
    const { code, at, message } = refusal(() => w.build());
    expect(code).to.equal('OVERLAPPING_CYCLES');
    expect(at.split(', ').sort()).to.deep.equal(['fa', 'fb', 'x']);
    expect(message).to.match(/^Cycles and nodes wait for each other: (fa → x → fb|x → fb → fa|fb → fa → x)\. /);
  });

  it('is read in its own body: by a node that a cycle within it draws in', () => {
    const w = workflow('w');
    const a = w.add('a', step({ n: 1, other: 0 }));
    const outer = w.cycle('outer', { feedback: [a.out.n.to(a.in.n)], maxIterations: 2 });
    const reader = w.add('reader', step({ n: a.out.n, other: outer.out.reason }));
    const b = w.add('b', step({ n: reader.out.n, other: 0 }));
    w.cycle('inner', { feedback: [b.out.n.to(b.in.n)], maxIterations: 2, within: 'outer' });
    expect(refusal(() => w.build())).to.deep.equal({
      code: 'UNMARKED_CYCLE',
      at: 'reader',
      message: `"reader" reads how cycle "outer" ended, but is part of it. ${REMEDY}`,
    });
  });

  it('is read in its own body: by a node on the way to only one of its feedbacks', () => {
    const w = workflow('w');
    const head = w.node('head', step, { n: 1, other: 0 });
    const left = w.node('left', step);
    const right = w.add('right', step({ n: head.out.n, other: 0 }));
    w.connect('head.n', 'left.n');
    w.cycle('fit', { feedback: [left.out.n.to(head.in.n), right.out.n.to(head.in.other)], maxIterations: 2 });
    w.connect('fit.reason', 'left.other');
    expect(refusal(() => w.build())).to.deep.equal({
      code: 'UNMARKED_CYCLE',
      at: 'left',
      message: `"left" reads how cycle "fit" ended, but is part of it. ${REMEDY}`,
    });
  });
});
