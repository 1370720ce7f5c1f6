import { AsyncLocalRuntime, LocalRuntime } from '../../src/index.js';
import { BUDGETS } from '../budgets.js';
import { chain } from '../graphs.js';
import { settledHeap } from '../measure.js';
import type { Row, Scenario } from '../scenario.js';

const NODES = 20;

/** Turns of runs and collections before the first look: until what the engine learns of the code, and forgets, has settled. */
const WARM_TURNS = 8;
const WARM_RUNS = 1_000;

/** How often growth is measured; the least counts. A leak grows every time, compiled code comes and goes. */
const TURNS = 3;

function inMiB(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(2);
}

/** What runs leave behind: the heap after one run, against the heap after 10,000, in one runtime that lives on. */
export const scenario: Scenario = {
  title: 'heap after many runs',
  sizes: [10_000],
  ciSizes: [10_000],
  async measure(size) {
    const rows: Row[] = [];
    for (const runtime of [new LocalRuntime(), new AsyncLocalRuntime()]) {
      const { workflow } = chain(NODES, runtime instanceof LocalRuntime ? 'sync' : 'async');
      for (let turn = 0; turn < WARM_TURNS; turn++) {
        for (let run = 0; run < WARM_RUNS; run++) await runtime.execute(workflow);
        await settledHeap();
      }
      const heapAfterOne = async (): Promise<number> => {
        await runtime.execute(workflow);
        return settledHeap();
      };
      let once = await heapAfterOne();
      let growth = Number.POSITIVE_INFINITY;
      let heaps = '';
      for (let turn = 0; turn < TURNS; turn++) {
        for (let run = 2; run < size; run++) await runtime.execute(workflow);
        await settledHeap();
        const often = await heapAfterOne();
        heaps += `${heaps === '' ? '' : ', '}${inMiB(once)} → ${inMiB(often)} MiB`;
        growth = Math.min(growth, Math.max(0, often - once));
        once = often;
      }
      await runtime.close();
      rows.push({
        what: `growth over the runs, ${runtime instanceof LocalRuntime ? 'local' : 'async'}`,
        size,
        unit: 'B',
        limit: undefined,
        ours: growth,
        ratio: undefined,
        medianRatio: undefined,
        budget: { kind: 'absolute', most: BUDGETS.heapGrowthBytes },
        note: heaps,
      });
    }
    return rows;
  },
};
