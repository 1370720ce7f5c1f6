import { fileURLToPath } from 'node:url';
import type { SyncPlugin } from '../src/plugins/plugin.js';
import { PythonWorker, pythonWorkers, setUp, type WorkerOptions } from '../src/plugins/python/index.js';

/** Where the tools are that benchmarks call: not compiled, so beside the sources. */
const TOOLS = fileURLToPath(new URL('../../benchmarks/python', import.meta.url));

let found: Promise<string> | undefined;

/** A Python with what workers need, made when it is first needed and kept: the same for limits and for ours. */
export function pythonForBenchmarks(): Promise<string> {
  found ??= find();
  return found;
}

async function find(): Promise<string> {
  const options = { dataFolder: '.cache/lockstep', requirements: ['numpy'] };
  const { interpreter } = await setUp(options, (line) => process.stderr.write(`${line}\n`));
  return interpreter.path;
}

/** A worker in that Python. */
export async function workerForBenchmarks(options: WorkerOptions = {}): Promise<PythonWorker> {
  const interpreter = await pythonForBenchmarks();
  return PythonWorker.start({ environment: { interpreter }, paths: [TOOLS], ...options });
}

/** The plugin that performs nodes in such a worker. */
export async function workersForBenchmarks(options: WorkerOptions = {}): Promise<SyncPlugin> {
  const interpreter = await pythonForBenchmarks();
  return pythonWorkers({ environment: { interpreter }, paths: [TOOLS], ...options });
}
