import { type CycleView, when } from '../../src/base/condition.js';
import { defineNode } from '../../src/base/node.js';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';

/** A node with one number in and one out. */
export function numeric(name: string, run: (n: number) => number) {
  return defineNode({
    name,
    inputs: { n: type<number>() },
    outputs: { n: type<number>() },
    run: ({ n }) => ({ n: run(n) }),
  });
}

export const halve = numeric('halve', (n) => n / 2);

/** Halves 16 over and over: 8, 4, 2, 1, 0.5, … */
export function halving(options: {
  readonly until?: (n: number, view: CycleView) => boolean | { met: boolean; metric?: number };
  readonly maxIterations?: number;
  readonly onMaxIterations?: 'accept' | 'fail';
  readonly keepHistory?: number;
}) {
  const { until, ...rest } = options;
  const w = workflow('halving');
  const step = w.add('step', halve({ n: 16 }));
  const fit = w.cycle('fit', {
    feedback: [step.out.n.to(step.in.n)],
    maxIterations: 50,
    ...rest,
    ...(until === undefined ? {} : { until: when(step.out.n, until) }),
  });
  const end = w.fn('end', { n: step.out.n }, ({ n }) => n);
  return w.build({ outputs: { n: end.out.value, reason: fit.out.reason, iterations: fit.out.iterations } });
}
