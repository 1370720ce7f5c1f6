import { BUDGETS } from '../budgets.js';
import { SharedFolder } from '../limits/shared-file.js';
import { compare, ratioRow, type Times, wallTime } from '../measure.js';
import { workerForBenchmarks } from '../python.js';
import type { Scenario } from '../scenario.js';

const KIB = 1024;
const LARGE = 64 * KIB * KIB;

/** Arrays of numbers to Python and back, beside a file in shared memory that is written, or written and read. Wall time. */
export const scenario: Scenario = {
  title: 'arrays to Python and back',
  sizes: [64 * KIB, KIB * KIB, LARGE],
  ciSizes: [LARGE],
  async measure(size, effort) {
    const items = size / Float64Array.BYTES_PER_ELEMENT;
    const data = new Float64Array(items).fill(1);
    const bytes = new Uint8Array(data.buffer);
    const folder = new SharedFolder();
    const worker = await workerForBenchmarks({ maxValueBytes: LARGE + KIB * KIB });
    const sides = [
      () => folder.write(bytes),
      () => worker.execute('bench_tools:take', { data }),
      () => folder.writeAndRead(bytes),
      () => worker.execute('bench_tools:give', { items }),
    ];
    const [written, taken, read, given] = (await compare(sides, effort, wallTime)) as [Times, Times, Times, Times];
    await worker.stop();
    folder.close();
    // Below 1 MiB bytes travel in the message: no file is involved, and what a call costs outweighs them.
    const shown = { size, per: 1, ...(size === LARGE && { budget: BUDGETS.pythonArray }) };
    return [
      ratioRow({ what: 'array to python', ...shown, note: 'wall time; limit: one write' }, written, taken),
      ratioRow({ what: 'array from python', ...shown, note: 'wall time; limit: one write, one read' }, read, given),
    ];
  },
};
