import { LocalRuntime, type, workflow } from '../../src/index.js';
import { pythonNode } from '../../src/plugins/python/index.js';
import { BUDGETS } from '../budgets.js';
import { SharedFolder } from '../limits/shared-file.js';
import { compare, ratioRow, type Times, wallTime } from '../measure.js';
import { workerForBenchmarks, workersForBenchmarks } from '../python.js';
import type { Scenario } from '../scenario.js';

const KIB = 1024;
const LARGE = 64 * KIB * KIB;
const ROOMY = { maxValueBytes: LARGE + KIB * KIB };

const take = pythonNode({
  module: 'bench_tools',
  function: 'take',
  inputs: { data: type<Float64Array>() },
  outputs: { value: type<number>() },
});
const give = pythonNode({
  module: 'bench_tools',
  function: 'give',
  inputs: { items: type<number>() },
  outputs: { value: type<Float64Array>() },
});

function takeFlow() {
  const w = workflow('take', { params: { data: type<Float64Array>() } });
  const taken = w.add('take', take({ data: w.params.data }));
  return w.build({ outputs: { value: taken.out.value } });
}

function giveFlow() {
  const w = workflow('give', { params: { items: type<number>() } });
  const given = w.add('give', give({ items: w.params.items }));
  return w.build({ outputs: { value: given.out.value } });
}

/**
 * Arrays of numbers to Python and back, beside a file in shared memory that is written, or written and read: by a worker of one's own, and by
 * a node of LocalRuntime, between whose thread and that of its workers they pass as well. Wall time.
 */
export const scenario: Scenario = {
  title: 'arrays to Python and back',
  sizes: [64 * KIB, KIB * KIB, LARGE],
  ciSizes: [LARGE],
  async measure(size, effort) {
    const items = size / Float64Array.BYTES_PER_ELEMENT;
    const data = new Float64Array(items).fill(1);
    const bytes = new Uint8Array(data.buffer);
    const folder = new SharedFolder();
    const worker = await workerForBenchmarks(ROOMY);
    using runtime = new LocalRuntime({ plugins: [await workersForBenchmarks(ROOMY)] });
    const [taking, giving] = [takeFlow(), giveFlow()];
    const sides = [
      () => folder.write(bytes),
      () => worker.execute('bench_tools:take', { data }),
      () => void runtime.execute(taking, { data }),
      () => folder.writeAndRead(bytes),
      () => worker.execute('bench_tools:give', { items }),
      () => void runtime.execute(giving, { items }),
    ];
    const [written, taken, nodeTaken, read, given, nodeGiven] = (await compare(sides, effort, wallTime)) as [
      Times,
      Times,
      Times,
      Times,
      Times,
      Times,
    ];
    await worker.stop();
    folder.close();
    // Below 1 MiB bytes travel in the message: no file is involved, and what a call costs outweighs them.
    const shown = { size, per: 1 };
    const held = { ...shown, ...(size === LARGE && { budget: BUDGETS.pythonArray }) };
    const [toNote, fromNote] = ['wall time; limit: one write', 'wall time; limit: one write, one read'];
    return [
      ratioRow({ what: 'array to python', ...held, note: toNote }, written, taken),
      ratioRow({ what: 'array to a python node, LocalRuntime', ...shown, note: toNote }, written, nodeTaken),
      ratioRow({ what: 'array from python', ...held, note: fromNote }, read, given),
      ratioRow({ what: 'array from a python node, LocalRuntime', ...shown, note: fromNote }, read, nodeGiven),
    ];
  },
};
