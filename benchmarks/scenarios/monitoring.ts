import { LocalRuntime } from '../../src/index.js';
import { BUDGETS } from '../budgets.js';
import { chain, lastOf } from '../graphs.js';
import { straightLoop } from '../limits/straight-loop.js';
import { compare, type Times } from '../measure.js';
import type { Budget, Row, Scenario } from '../scenario.js';

/**
 * What monitoring costs a node: a chain with monitoring off, and on, each beside the bare loop. Off is held to the budget of any
 * run: that of a node that nobody watches.
 */
export const scenario: Scenario = {
  title: 'monitoring',
  sizes: [1_000],
  ciSizes: [1_000],
  async measure(size, effort) {
    const { workflow, steps } = chain(size, 'sync');
    const off = new LocalRuntime();
    const on = new LocalRuntime({ performanceMonitoring: true });
    const limit = () => straightLoop(steps);
    if (lastOf(limit().outputs, size) !== lastOf(off.execute(workflow).results, size))
      throw new Error('The two sides differ.');
    // Off first: the code that both go through is compiled for a process in which nothing has been monitored yet.
    const besideOff = (await compare([limit, () => off.execute(workflow)], effort)) as [Times, Times];
    const besideOn = (await compare([limit, () => on.execute(workflow)], effort)) as [Times, Times];
    const { attempts } = on.getExecutionAnalytics();
    off.close();
    on.close();
    if (attempts.completed === 0 || attempts.completed % size !== 0) throw new Error('Nodes were not counted.');
    const row = (what: string, [bare, { least, median }]: [Times, Times], budget: Budget | undefined): Row => ({
      what,
      size,
      unit: 'ns',
      limit: bare.least / size,
      ours: least / size,
      ratio: least / bare.least,
      medianRatio: median / bare.median,
      budget,
    });
    return [
      row('chain, monitoring off', besideOff, { kind: 'ratio', most: BUDGETS.syncNode.upTo1k }),
      row('chain, monitoring on', besideOn, undefined),
    ];
  },
};
