import { BUDGETS } from '../budgets.js';
import { onDisk, textsLike } from '../durable.js';
import { chain } from '../graphs.js';
import { compare, ratioRow, type Times, wallTime } from '../measure.js';
import type { Scenario } from '../scenario.js';

/** A chain that survives the loss of power, one node at a time; size 1 is an empty run, from its start to its result. */
export const scenario: Scenario = {
  title: 'durable run, power',
  sizes: [1, 150],
  ciSizes: [1, 150],
  measure: (size, effort) =>
    onDisk('power', async ({ bare, store, local, async }) => {
      const { workflow } = chain(size, 'sync');
      const run = local.execute(workflow);
      const commits = size + 1; // before each node, and at the end
      if (run.receipt?.commits !== commits || run.receipt.durability !== 'power')
        throw new Error(`Not ${commits} commits: ${JSON.stringify(run.receipt)}.`);
      const texts = textsLike(store, run.runId, commits);
      const sides = [() => bare.each(texts), () => local.execute(workflow), () => async.execute(workflow)];
      const [limit, ours, ourAsync] = (await compare(sides, effort, wallTime)) as [Times, Times, Times];
      const what = size === 1 ? 'durable empty run, power' : 'durable nodes, power, one at a time';
      const budget = size === 1 ? BUDGETS.durableEmptyRun : BUDGETS.durablePower;
      const shown = { size, per: size, budget, note: `wall time; limit: ${commits} commits` };
      return [
        ratioRow({ what: `${what}, local`, ...shown }, limit, ours),
        ratioRow({ what: `${what}, async`, ...shown }, limit, ourAsync),
      ];
    }),
};
