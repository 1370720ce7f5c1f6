import { z } from 'zod';
import { defineNode } from '../../src/base/node.js';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';

/** A node that adds `by` to `n`. */
export const plus = defineNode({
  name: 'plus',
  inputs: { n: type<number>(), by: z.number().default(1) },
  outputs: { n: type<number>() },
  run: ({ n, by }) => ({ n: n + by }),
});

/** A node that fails for negative numbers. */
export const positive = defineNode({
  name: 'positive',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }) => {
    if (n < 0) throw new Error(`${n} is negative`);
    return { n };
  },
});

/** A workflow with the parameter `n` that delivers `n + 1` as `n`. */
export function increment(name = 'increment') {
  const w = workflow(name, { params: { n: type<number>() } });
  const one = w.add('one', plus({ n: w.params.n }));
  return w.build({ outputs: { n: one.out.n } });
}

/** A workflow that delivers `big` for numbers over 10, and `small` for others. */
export function sorter() {
  const w = workflow('sorter', { params: { n: type<number>() } });
  const route = w.switch('route', w.params.n, { big: (n) => n > 10, small: (n) => n <= 10 });
  const big = w.add('big', plus({ n: route.out.big, by: 100 }));
  const small = w.add('small', plus({ n: route.out.small, by: 1 }));
  return w.build({ outputs: { big: big.out.n, small: small.out.n } });
}
