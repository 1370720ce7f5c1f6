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

/** What monitored runs leave behind: the heap after a hundredth of the runs against the heap after all of them, in one runtime. */
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
      const few = await heapAfter(size / 100);
      const many = await heapAfter(size - size / 100);
      const { total } = runtime.getExecutionAnalytics().runs;
      await runtime.close();
      if (total !== size) throw new Error(`${total} runs were counted, not ${size}.`);
      rows.push({
        what: `growth over monitored runs, ${runtime instanceof LocalRuntime ? 'local' : 'async'}`,
        size,
        unit: 'B',
        limit: undefined,
        ours: Math.max(0, many - few),
        ratio: undefined,
        medianRatio: undefined,
        budget: { kind: 'absolute', most: BUDGETS.heapGrowthBytes },
        note: `${inMiB(few)} → ${inMiB(many)} MiB`,
      });
    }
    return rows;
  },
};
