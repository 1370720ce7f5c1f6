import { expect } from 'chai';
import { when } from '../../../src/base/condition.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { oneOf } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { everyWay } from '../../support/every-way.js';

const plus = defineNode({
  name: 'plus',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }) => ({ n: n + 1 }),
});

/** Counts to `last`; even numbers go one way, odd ones another, which divides once more. */
function counting(last: number, how: 'join' | 'choice' | 'path') {
  const w = workflow('counting');
  const step = w.add('step', plus({ n: 0 }));
  const parity = w.switch('parity', step.out.n, { even: (n) => n % 2 === 0, odd: otherwise });
  const even = w.fn('even', { n: parity.out.even }, ({ n }) => ({ text: `even ${n}` }));
  const size = w.switch('size', parity.out.odd, { big: (n) => n > 2, small: otherwise });
  const big = w.fn('big', { n: size.out.big }, ({ n }) => ({ text: `big ${n}` }));
  const small = w.fn('small', { n: size.out.small }, ({ n }) => ({ text: `small ${n}` }));
  const none = { text: '' };
  const back = w.fn(
    'back',
    { n: step.out.n, e: even.out.value.or(none), b: big.out.value.or(none), s: small.out.value.or(none) },
    ({ n }) => n,
  );
  w.cycle('count', {
    feedback: [back.out.value.to(step.in.n)],
    until: when(back.out.value, (n) => n >= last),
    maxIterations: 9,
  });
  const odd =
    how === 'join' ? size.join({ big: big.out.value, small: small.out.value }) : oneOf(big.out.value, small.out.value);
  const way = how === 'path' ? oneOf(even.out.value.at('text'), odd.at('text')) : oneOf(even.out.value, odd).at('text');
  return w.build({ outputs: { way } });
}

describe('Exits of a cycle', () => {
  for (const how of ['join', 'choice', 'path'] as const)
    for (const [last, way] of [
      [1, 'small 1'],
      [2, 'even 2'],
      [3, 'big 3'],
      [4, 'even 4'],
    ] as const)
      it(
        `exclude each other over time also as a ${how}: after ${last} iterations`,
        everyWay(async (run) => {
          expect((await run.complete(counting(last, how))).output).to.deep.equal({ way });
        }),
      );
});

describe('The metric of a test', () => {
  function measuring(metric: unknown) {
    const w = workflow('measuring');
    const step = w.add('step', plus({ n: 0 }));
    const until = when(step.out.n, (n) => ({ met: n === 3, metric: (n === 2 ? metric : n) as number }));
    const count = w.cycle('count', { feedback: [step.out.n.to(step.in.n)], until, maxIterations: 9 });
    return w.build({ outputs: { n: step.out.n, reason: count.out.reason } });
  }

  for (const metric of [Number.NaN, Number.POSITIVE_INFINITY])
    it(
      `is not measured where it is ${metric}`,
      everyWay(async (run) => {
        expect((await run.complete(measuring(metric))).cycle('count').history).to.deep.equal([1, 3]);
      }),
    );

  it(
    'fails the cycle where it is no number',
    everyWay(async (run) => {
      const failed = await run.fail(measuring('high'));
      expect(failed.cycle('count').error?.code).to.equal('CONDITION_VALUE');
    }),
  );
});
