import { collect, defineNode, type Ref, type, type Workflow, when, workflow } from 'lockstep';
import { type Form, first, increment, isDone, stepAt, sum } from '../engine.js';

/** A workflow whose one output is the last value. */
type Last = Workflow<Record<never, never>, { readonly last: number }>;

const value = { value: type<number>() };

/** A node from one number to another. */
function numberNode(name: string, compute: (value: number) => number, form: Form) {
  return form === 'sync'
    ? defineNode({ name, inputs: value, outputs: value, run: ({ value }) => ({ value: compute(value) }) })
    : defineNode({ name, inputs: value, outputs: value, run: async ({ value }) => ({ value: compute(value) }) });
}

/** The definitions that workflows are made of: made once, as they would stand in a program. */
function definitionsOf(form: Form) {
  const all = { all: type<number[]>() };
  const isSync = form === 'sync';
  return {
    steps: Array.from({ length: 8 }, (_, index) => numberNode(`step${index}`, stepAt(index), form)),
    increment: numberNode('increment', increment, form),
    first: isSync
      ? defineNode({ name: 'first', outputs: value, run: () => ({ value: first() }) })
      : defineNode({ name: 'first', outputs: value, run: async () => ({ value: first() }) }),
    sum: isSync
      ? defineNode({ name: 'sum', inputs: all, outputs: value, run: ({ all }) => ({ value: sum(all) }) })
      : defineNode({ name: 'sum', inputs: all, outputs: value, run: async ({ all }) => ({ value: sum(all) }) }),
  };
}

const definitions = { sync: definitionsOf('sync'), async: definitionsOf('async') };

/** A chain of `size` nodes. */
export function chain(size: number, form: Form): Last {
  const { first, steps } = definitions[form];
  const w = workflow('chain');
  let last: Ref<number> = w.add('node0', first()).out.value;
  for (let index = 1; index < size; index++) {
    const step = steps[index % steps.length] as (typeof steps)[number];
    last = w.add(`node${index}`, step({ value: last })).out.value;
  }
  return w.build({ outputs: { last } });
}

/** A fan of `size` nodes. */
export function fan(size: number, form: Form): Last {
  const { first, steps, sum } = definitions[form];
  const w = workflow('fan');
  const source = w.add('node0', first()).out.value;
  const gathered: Ref<number>[] = [];
  for (let index = 1; index < size - 1; index++) {
    const step = steps[index % steps.length] as (typeof steps)[number];
    gathered.push(w.add(`node${index}`, step({ value: source })).out.value);
  }
  return w.build({ outputs: { last: w.add('last', sum({ all: collect(...gathered) })).out.value } });
}

/** A cycle of one node, with the number of iterations as its condition. */
export function loop(size: number, form: Form): Last {
  const w = workflow('loop');
  const node = w.add('node', definitions[form].increment({ value: 0 }));
  w.cycle('loop', {
    feedback: [node.out.value.to(node.in.value)],
    until: when(node.out.value, (value) => isDone(value, size)),
    maxIterations: size + 1,
  });
  return w.build({ outputs: { last: node.out.value } });
}
