import { defineNode, type Ref, type, workflow } from '../../src/index.js';
import { BUDGETS } from '../budgets.js';
import { onDisk, textsLike } from '../durable.js';
import { compare, ratioRow, type Times, wallTime } from '../measure.js';
import type { Scenario } from '../scenario.js';

/** How many nodes are in flight at once. */
const LANES = 64;

/** Chains side by side; each node answers in a later turn of the event loop. */
function lanes(depth: number) {
  const step = defineNode({
    name: 'step',
    inputs: { x: type<number>() },
    outputs: { x: type<number>() },
    run: ({ x }) => new Promise<{ x: number }>((resolve) => void setImmediate(resolve, { x: x + 1 })),
  });
  const w = workflow('lanes', { params: { x: type<number>() } });
  const ends: Ref<number>[] = [];
  for (let lane = 0; lane < LANES; lane++) {
    let x: Ref<number> = w.params.x;
    for (let row = 0; row < depth; row++) x = w.add(`lane${lane}row${row}`, step({ x })).out.x;
    ends.push(x);
  }
  return w.build({ outputs: { first: ends[0] as Ref<number>, last: ends[LANES - 1] as Ref<number> } });
}

/** Asynchronous nodes that survive the loss of power, 64 in flight, against transactions of 64 inserts. */
export const scenario: Scenario = {
  title: 'durable nodes, power, in parallel',
  sizes: [1_600],
  ciSizes: [1_600],
  measure: (size, effort) =>
    onDisk('power', async ({ bare, store, async }) => {
      const depth = size / LANES;
      const built = lanes(depth);
      const run = await async.execute(built, { x: 0 });
      if (run.unwrap().last !== depth) throw new Error('Not every node ran.');
      if (run.receipt?.durability !== 'power') throw new Error('Not as durable as it was asked to be.');
      const texts = textsLike(store, run.runId, size);
      const groups = Array.from({ length: depth }, (_, row) => texts.slice(row * LANES, (row + 1) * LANES));
      const limit = (): void => {
        for (const group of groups) bare.together(group);
      };
      const sides = [limit, () => async.execute(built, { x: 0 })];
      const [limitTimes, ours] = (await compare(sides, effort, wallTime)) as [Times, Times];
      const rate = Math.round((100 * limitTimes.least) / ours.least);
      const note = `wall time; ${rate} % of the bare rate; ${run.receipt.commits} commits, limit: ${depth}`;
      const what = 'durable nodes, power, 64 in parallel';
      return [ratioRow({ what, size, per: size, budget: BUDGETS.durableParallel, note }, limitTimes, ours)];
    }),
};
