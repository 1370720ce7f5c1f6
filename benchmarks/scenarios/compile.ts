import { compile } from '../../src/base/compile.js';
import { Workflow } from '../../src/base/workflow.js';
import { BUDGETS } from '../budgets.js';
import { chain, fan } from '../graphs.js';
import { compare, type Times } from '../measure.js';
import type { Budget, Row, Scenario } from '../scenario.js';

/** What a workflow costs before its first run: declaring it (which checks and compiles it), and compiling it alone. */
export const scenario: Scenario = {
  title: 'build and compile',
  sizes: [10, 1_000, 10_000, 100_000],
  ciSizes: [1_000, 10_000],
  async measure(size, effort) {
    const graphs = { chain: chain(size, 'sync').workflow, fan: fan(size, 'sync').workflow };
    // A copy: plans are cached by the Workflow object.
    const again = (workflow: Workflow) => () => compile(new Workflow(workflow.data, workflow.bindings));
    const sides = [again(graphs.chain), again(graphs.fan), () => chain(size, 'sync'), () => fan(size, 'sync')];
    const times = (await compare(sides, effort)) as [Times, Times, Times, Times];
    const row = (what: string, { least }: Times, budget?: Budget): Row => ({
      what,
      size,
      unit: 'ns',
      limit: undefined,
      ours: least / size,
      ratio: undefined,
      medianRatio: undefined,
      budget,
    });
    const most: Budget = { kind: 'absolute', most: BUDGETS.compileNodeNs };
    return [
      row('compile a chain', times[0], most),
      row('compile a fan', times[1], most),
      row('declare, check and compile a chain', times[2]),
      row('declare, check and compile a fan', times[3]),
    ];
  },
};
