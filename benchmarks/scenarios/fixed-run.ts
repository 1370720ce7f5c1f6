import { AsyncLocalRuntime, LocalRuntime } from '../../src/index.js';
import { BUDGETS } from '../budgets.js';
import { chain } from '../graphs.js';
import { straightLoop } from '../limits/straight-loop.js';
import { compare, type Times } from '../measure.js';
import type { Row, Scenario } from '../scenario.js';

/** What a run costs whatever its size: a workflow of one node, from `execute` to its result. */
export const scenario: Scenario = {
  title: 'fixed cost of a run',
  sizes: [1],
  ciSizes: [1],
  async measure(size, effort) {
    const { workflow, steps } = chain(size, 'sync');
    const local = new LocalRuntime();
    const async = new AsyncLocalRuntime();
    const sides = [() => straightLoop(steps), () => local.execute(workflow), () => async.execute(workflow)];
    const [limit, ours, ourAsync] = (await compare(sides, effort)) as [Times, Times, Times];
    local.close();
    await async.close();
    const row = (what: string, { least, median }: Times): Row => ({
      what,
      size,
      unit: 'ns',
      limit: limit.least,
      ours: least,
      ratio: least / limit.least,
      medianRatio: median / limit.median,
      budget: { kind: 'absolute', most: BUDGETS.fixedRunNs },
    });
    return [row('run of one node, local', ours), row('run of one node, async', ourAsync)];
  },
};
