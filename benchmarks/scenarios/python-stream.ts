import { BareGrpc, EchoProcess } from '../limits/python-echo.js';
import { compare, ratioRow, type Times, wallTime } from '../measure.js';
import { pythonForBenchmarks, workerForBenchmarks } from '../python.js';
import type { Scenario } from '../scenario.js';

/** What a Python generator yields, item by item, beside a stream of gRPC with a message for each. Wall time. */
export const scenario: Scenario = {
  title: 'a stream from Python',
  sizes: [10_000],
  ciSizes: [10_000],
  async measure(size, effort) {
    const text = 'x'.repeat(100);
    const echo = await EchoProcess.start(await pythonForBenchmarks(), 'grpc');
    const grpc = new BareGrpc(echo);
    const worker = await workerForBenchmarks();
    const ours = async (): Promise<void> => {
      let items = 0;
      for await (const item of worker.executeStream('bench_tools:count', { items: size, text }))
        if (item === text) items++;
      if (items !== size) throw new Error(`${items} items came.`);
    };
    const [bare, own] = (await compare([() => grpc.count(size), ours], effort, wallTime)) as [Times, Times];
    await worker.stop();
    grpc.close();
    await echo.stop();
    return [
      ratioRow(
        { what: 'item of a python stream', size, per: size, note: 'wall time; limit: a message each' },
        bare,
        own,
      ),
    ];
  },
};
