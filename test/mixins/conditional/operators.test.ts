import { expect } from 'chai';
import { type OperatorCase, otherwise } from '../../../src/base/nodes/switch.js';
import { switchOperators } from '../../../src/base/nodes/switch-operators.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { everyWay } from '../../support/every-way.js';

const day = (text: string): Date => new Date(`${text}T00:00:00Z`);

/** For each operator: values that match and the nearest ones that do not; `fails` are those it cannot compare. */
const table: Readonly<
  Record<
    keyof typeof switchOperators,
    {
      readonly value?: unknown;
      readonly hits: readonly unknown[];
      readonly misses: readonly unknown[];
      readonly fails?: readonly unknown[];
    }[]
  >
> = {
  '==': [
    { value: 5, hits: [5], misses: ['5', 5.1, null, Number.NaN] },
    { value: null, hits: [null], misses: [0, '', false] },
  ],
  '!=': [{ value: 5, hits: ['5', 4, null], misses: [5] }],
  '>': [
    { value: 5, hits: [5.01, Number.POSITIVE_INFINITY], misses: [5, 4, Number.NaN], fails: ['6', null, [6]] },
    { value: 'b', hits: ['c', 'ba'], misses: ['b', 'a'], fails: [3] },
    { value: 5n, hits: [6n], misses: [5n, 4n], fails: [6] },
    {
      value: day('2024-02-01'),
      hits: [day('2024-02-02')],
      misses: [day('2024-02-01'), day('2024-01-31')],
      fails: ['2024-02-02'],
    },
  ],
  '>=': [{ value: 5, hits: [5, 6], misses: [4.99, Number.NaN], fails: [true] }],
  '<': [{ value: 5, hits: [4.99], misses: [5, 6, Number.NaN], fails: [{}] }],
  '<=': [{ value: 5, hits: [5, 4], misses: [5.01, Number.NaN], fails: ['4'] }],
  in: [
    { value: ['a', 'b'], hits: ['a', 'b'], misses: ['ab', 'A', ''] },
    { value: 'abc', hits: ['bc', ''], misses: ['ac'], fails: [1] },
    { value: new Set([1, 2]), hits: [1], misses: [3, '1'] },
    { value: 7, hits: [], misses: [], fails: [7] },
  ],
  contains: [
    {
      value: 'b',
      hits: ['abc', ['b'], new Set(['b'])],
      misses: ['ac', ['bb'], new Set(['a'])],
      fails: [5, null, { b: 1 }],
    },
  ],
  is_null: [{ hits: [null], misses: [0, '', false, []] }],
  is_not_null: [{ hits: [0, '', false, []], misses: [null] }],
};

const show = (value: unknown): string =>
  typeof value === 'bigint'
    ? `${value}n`
    : value instanceof Set
      ? `Set ${[...value]}`
      : (JSON.stringify(value) ?? 'none');

function route(test: OperatorCase) {
  const w = workflow('operators', { params: { value: type<unknown>() } });
  const node = w.switch('route', w.params.value, { hit: test, miss: otherwise });
  return w.build({ outputs: { hit: node.out.hit, miss: node.out.miss } });
}

describe('switch operators', () => {
  for (const [op, rows] of Object.entries(table)) {
    for (const { value, hits, misses, fails = [] } of rows) {
      it(
        `${op} ${show(value)}`,
        everyWay(async (run) => {
          const built = route({ op: op as keyof typeof switchOperators, ...(value === undefined ? {} : { value }) });
          for (const hit of hits)
            expect((await run.complete(built, { params: { value: hit } })).output, `hit ${show(hit)}`).to.deep.equal({
              hit,
            });
          for (const miss of misses)
            expect((await run.complete(built, { params: { value: miss } })).output, `miss ${show(miss)}`).to.deep.equal(
              { miss },
            );
          for (const wrong of fails)
            expect(
              (await run.fail(built, { params: { value: wrong } })).node('route').error?.code,
              `fail ${show(wrong)}`,
            ).to.equal('OPERATOR_TYPE');
        }),
      );
    }
  }

  it('every operator is in the table', () => {
    expect(Object.keys(table).sort()).to.deep.equal(Object.keys(switchOperators).sort());
  });

  it(
    'an operator looks at a path inside the value and passes the whole value on',
    everyWay(async (run) => {
      const built = route({ op: '>', value: 10, path: 'user.age' });
      const old = { user: { age: 11 } };
      const young = { user: { age: 10 } };
      expect((await run.complete(built, { params: { value: old } })).output).to.deep.equal({ hit: old });
      expect((await run.complete(built, { params: { value: young } })).output).to.deep.equal({ miss: young });
      expect((await run.fail(built, { params: { value: { user: {} } } })).node('route').error?.code).to.equal(
        'OPERATOR_TYPE',
      );
    }),
  );
});
