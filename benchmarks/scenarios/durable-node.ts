import { BUDGETS } from '../budgets.js';
import { onDisk, textsLike } from '../durable.js';
import { chain, lastOf } from '../graphs.js';
import { straightLoop } from '../limits/straight-loop.js';
import { compare, ratioRow, type Times } from '../measure.js';
import type { Scenario } from '../scenario.js';

/** A chain of synchronous functions, recorded so that it survives a killed process: one commit a node. */
export const scenario: Scenario = {
  title: 'durable node, process',
  sizes: [1_000],
  ciSizes: [1_000],
  measure: (size, effort) =>
    onDisk('process', async ({ bare, store, local, async }) => {
      const { workflow, steps } = chain(size, 'sync');
      const run = local.execute(workflow);
      if (lastOf(run.results, size) !== lastOf(straightLoop(steps).outputs, size)) throw new Error('The sides differ.');
      if (run.receipt?.commits !== size + 1) throw new Error(`${run.receipt?.commits} commits of ${size} nodes.`);
      const texts = textsLike(store, run.runId, size);
      const sides = [() => bare.each(texts), () => local.execute(workflow), () => async.execute(workflow)];
      const [limit, ours, ourAsync] = (await compare(sides, effort)) as [Times, Times, Times];
      const shown = { size, per: size, budget: BUDGETS.durableNode, note: `${texts[0]?.length} characters a node` };
      return [
        ratioRow({ what: 'durable node, process, local', ...shown }, limit, ours),
        ratioRow({ what: 'durable node, process, async', ...shown }, limit, ourAsync),
      ];
    }),
};
