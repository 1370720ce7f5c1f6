import { LocalRuntime } from '../../src/index.js';
import { chain } from '../graphs.js';
import { straightLoop } from '../limits/straight-loop.js';
import { median, settledHeap } from '../measure.js';
import type { Row, Scenario } from '../scenario.js';

const TRIES = 5;

/** Bytes that what is made holds on to: the median of a few tries, since the engine's own memory comes and goes. */
async function bytesOf(make: () => unknown): Promise<number> {
  const tries: number[] = [];
  for (let round = 0; round < TRIES; round++) {
    const before = await settledHeap();
    const made = [make()];
    tries.push((await settledHeap()) - before);
    made.pop();
  }
  return median(tries);
}

/** What a node weighs: the result of a run that is kept, against the outputs of the bare loop; and the workflow with its plan. */
export const scenario: Scenario = {
  title: 'heap per node',
  sizes: [10_000],
  ciSizes: [],
  async measure(size) {
    const { workflow, steps } = chain(size, 'sync');
    const runtime = new LocalRuntime();
    for (let warm = 0; warm < 20; warm++) [straightLoop(steps), runtime.execute(workflow)];
    const limit = (await bytesOf(() => straightLoop(steps).outputs)) / size;
    const result = (await bytesOf(() => runtime.execute(workflow))) / size;
    const built = (await bytesOf(() => chain(size, 'sync').workflow)) / size;
    runtime.close();
    const common = { size, unit: 'B', medianRatio: undefined, budget: undefined } as const;
    return [
      { ...common, what: 'a kept result', limit, ours: result, ratio: result / limit },
      { ...common, what: 'a workflow and its plan', limit: undefined, ours: built, ratio: undefined },
    ] satisfies readonly Row[];
  },
};
