import { AsyncLocalRuntime, LocalRuntime } from '../../src/index.js';
import { BUDGETS } from '../budgets.js';
import { chain } from '../graphs.js';
import { settledHeap } from '../measure.js';
import type { Row, Scenario } from '../scenario.js';

/** Runs before the first look: until what the engine learns of the code has settled. */
const WARM_RUNS = 20_000;

function inMiB(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(2);
}

/** How often growth is measured; the least counts. A leak grows every time, tables of weak references come and go. */
const TURNS = 3;

/** What monitored runs leave behind in one runtime, a quarter of them at a time. */
export const scenario: Scenario = {
  title: 'heap of analytics after many monitored runs of one node',
  sizes: [1_000_000],
  ciSizes: [100_000],
  async measure(size) {
    const rows: Row[] = [];
    for (const runtime of [new LocalRuntime(), new AsyncLocalRuntime()]) {
      const { workflow } = chain(1, 'sync');
      runtime.setPerformanceMonitoring(true);
      const heapAfter = async (runs: number): Promise<number> => {
        for (let run = 0; run < runs; run++) await runtime.execute(workflow);
        return settledHeap();
      };
      await heapAfter(WARM_RUNS);
      runtime.clearAnalyticsData();
      const turn = Math.floor(size / (TURNS + 1));
      let before = await heapAfter(turn);
      let growth = Number.POSITIVE_INFINITY;
      let heaps = inMiB(before);
      for (let each = 0; each < TURNS; each++) {
        const after = await heapAfter(turn);
        heaps += ` → ${inMiB(after)}`;
        growth = Math.min(growth, Math.max(0, after - before));
        before = after;
      }
      const { total } = runtime.getExecutionAnalytics().runs;
      await runtime.close();
      if (total !== turn * (TURNS + 1)) throw new Error(`${total} runs were counted, not ${turn * (TURNS + 1)}.`);
      rows.push({
        what: `growth over monitored runs, ${runtime instanceof LocalRuntime ? 'local' : 'async'}`,
        size,
        unit: 'B',
        limit: undefined,
        ours: growth,
        ratio: undefined,
        medianRatio: undefined,
        budget: { kind: 'absolute', most: BUDGETS.heapGrowthBytes },
        note: `${heaps} MiB`,
      });
    }
    return rows;
  },
};
