import { inspect } from 'node:util';
import { expect } from 'chai';
import { type Condition, when } from '../../../src/base/condition.js';
import { allOf, anyOf, budget, plateau, tolerance } from '../../../src/base/convergence.js';
import { defineNode } from '../../../src/base/node.js';
import { definePredicate } from '../../../src/base/predicate.js';
import type { Ref } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { caught, refusal } from '../../support/caught.js';

const step = defineNode({
  name: 'step',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }) => ({ n }),
});

function one() {
  const w = workflow('one');
  return { w, node: w.add('step', step({ n: 1 })) };
}

const REMEDY = 'Correct the named setting.';

/** What a maker of conditions says of what it cannot use. */
function said(make: (loss: Ref<number>) => Condition): readonly [string, string, unknown] {
  const { code, at, message, value } = caught(() => make(one().node.out.n));
  expect(code).to.equal('INVALID_CYCLE');
  expect(message.endsWith(` ${REMEDY}`), message).to.equal(true);
  return [at, message.slice(0, -REMEDY.length - 1), value];
}

describe('A condition that cannot be made says by what, and what it was given', () => {
  for (const epsilon of [-1, Number.NaN, Number.POSITIVE_INFINITY, '1', null]) {
    const what = 'needs an epsilon that is a finite number of at least 0.';
    it(`an epsilon of ${inspect(epsilon)}`, () => {
      expect(said((loss) => tolerance(loss, epsilon as number))).to.deep.equal([
        'tolerance',
        `tolerance() ${what}`,
        epsilon,
      ]);
      expect(said((loss) => plateau(loss, { patience: 1, epsilon: epsilon as number }))).to.deep.equal([
        'plateau',
        `plateau() ${what}`,
        epsilon,
      ]);
    });
  }

  for (const count of [0, -1, 1.5, Number.POSITIVE_INFINITY, '2', 2 ** 53]) {
    it(`a count of ${inspect(count)}`, () => {
      expect(said((loss) => plateau(loss, { patience: count as number }))).to.deep.equal([
        'plateau',
        'plateau() needs patience as a whole number of at least 1.',
        count,
      ]);
      expect(said(() => budget({ iterations: count as number }))).to.deep.equal([
        'budget',
        'budget() needs iterations as a whole number of at least 1.',
        count,
      ]);
    });
  }

  for (const elapsedMs of [0, -5, Number.NaN, Number.POSITIVE_INFINITY, '9'])
    it(`a time of ${inspect(elapsedMs)}`, () => {
      expect(said(() => budget({ elapsedMs: elapsedMs as number }))).to.deep.equal([
        'budget',
        'budget() needs elapsedMs as a finite number of milliseconds > 0.',
        elapsedMs,
      ]);
    });

  it('no reference, a relative that is no boolean, a mode that is none, nothing to spend, nothing to combine', () => {
    expect(said(() => tolerance(5 as never, 1))).to.deep.equal([
      'tolerance',
      'tolerance() takes a reference to a number.',
      5,
    ]);
    expect(said(() => plateau('step.n' as never, { patience: 1 }))).to.deep.equal([
      'plateau',
      'plateau() takes a reference to a number.',
      'step.n',
    ]);
    expect(said((loss) => tolerance(loss, 1, { relative: 1 as never }))).to.deep.equal([
      'tolerance',
      'tolerance() needs relative as true or false.',
      1,
    ]);
    expect(said((loss) => plateau(loss, { patience: 1, mode: 'least' as never }))).to.deep.equal([
      'plateau',
      'plateau() needs the mode "min" or "max".',
      'least',
    ]);
    expect(said(() => budget({}))).to.deep.equal(['budget', 'budget() needs iterations or elapsedMs.', {}]);
    expect(said(() => anyOf())).to.deep.equal(['anyOf', 'anyOf() was called without a condition.', []]);
    expect(said(() => allOf(7 as never))).to.deep.equal(['allOf', 'allOf() combines conditions.', 7]);
  });

  for (const [what, junk] of [
    ['null', null],
    ['undefined', undefined],
    ['a text', 'n < 1'],
    ['a number', 5],
    ['an object', {}],
    ['an object with data alone', { data: { kind: 'budget', iterations: 1 } }],
    ['an object with tests alone', { tests: [] }],
    ['an object whose data is null', { data: null, tests: [] }],
    ['an object whose data is a text', { data: 'budget', tests: [] }],
    ['an object whose tests are no list', { data: { kind: 'budget', iterations: 1 }, tests: {} }],
  ] as const)
    it(`a part that is no condition: ${what}`, () => {
      expect(said(() => anyOf(budget({ iterations: 1 }), junk as never))).to.deep.equal([
        'anyOf',
        'anyOf() combines conditions.',
        junk,
      ]);
    });

  it('an option that it does not have', () => {
    const { out } = one().node;
    for (const [at, make, known] of [
      ['tolerance', () => tolerance(out.n, 1, { relativ: true } as never), 'relative'],
      ['plateau', () => plateau(out.n, { patienc: 1 } as never), 'patience'],
      ['budget', () => budget({ iteration: 1 } as never), 'iterations'],
    ] as const) {
      const refused = refusal(make);
      expect([refused.code, refused.at]).to.deep.equal(['UNKNOWN_OPTION', at]);
      expect(refused.message.startsWith(`${at} has no option "`)).to.equal(true);
      expect(refused.message).to.contain(`Did you mean "${known}"?`);
    }
  });
});

describe('The least that a condition takes', () => {
  it('is an epsilon of 0, a patience of 1, a budget of one iteration or of part of a millisecond', () => {
    const { out } = one().node;
    expect(tolerance(out.n, 0).data).to.deep.include({ epsilon: 0, relative: false });
    expect(plateau(out.n, { patience: 1 }).data).to.deep.include({ patience: 1, epsilon: 0, mode: 'min' });
    expect(budget({ iterations: 1 }).data).to.deep.equal({ kind: 'budget', iterations: 1 });
    expect(budget({ elapsedMs: 0.5 }).data).to.deep.equal({ kind: 'budget', elapsedMs: 0.5 });
  });
});

describe('A condition over an output of another workflow', () => {
  for (const [name, of] of [
    ['tolerance', (loss: Ref<number>) => tolerance(loss, 1)],
    ['plateau', (loss: Ref<number>) => plateau(loss, { patience: 1 })],
    ['anyOf', (loss: Ref<number>) => anyOf(budget({ iterations: 1 }), plateau(loss, { patience: 1 }))],
  ] as const)
    it(`is refused by the cycle: ${name}`, () => {
      const { w, node } = one();
      const foreign = one().node.out.n;
      const cycle = () =>
        w.cycle('fit', { feedback: [node.out.n.to(node.in.n)], until: of(foreign), maxIterations: 3 });
      expect(refusal(cycle).code).to.equal('FOREIGN_REF');
    });
});

describe('when()', () => {
  it('keeps the name and version of its test, of one value or of several', () => {
    const { out } = one().node;
    const test = definePredicate({ name: 'small', version: '2', test: () => true });
    const use = { name: 'small', version: '2' };
    expect(when(out.n, test).data).to.deep.include({ kind: 'function', use });
    expect(when({ n: out.n }, test).data).to.deep.include({ kind: 'function', use });
    expect(Object.hasOwn(when(out.n, () => true).data, 'use')).to.equal(false);
  });

  it('names itself, and holds what is no reference', () => {
    for (const [refs, value] of [
      [{ loss: 5 }, 5],
      [{}, undefined],
      [undefined, undefined],
    ] as const) {
      const refused = caught(() => when(refs as never, () => true));
      expect([refused.code, refused.at, refused.value]).to.deep.equal(['INVALID_CYCLE', 'when', value]);
    }
  });
});
