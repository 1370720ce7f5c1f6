/**
 * A program: runs a workflow whose second node holds a Python worker until somebody kills it.
 *
 * Usage: node python-crash-process.js ORDER, a `PythonCrashOrder` as JSON
 */
import { sqliteEventStore } from '../../src/plugins/event-store/index.js';
import { pythonWorkers } from '../../src/plugins/python/python-workers.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { RUN } from './crash-run.js';
import { type PythonCrashOrder, pythonCrashFlow } from './python-crash-flow.js';

const { kind, workers, file, notes } = JSON.parse(process.argv[2] ?? '') as PythonCrashOrder;
const plugins = [sqliteEventStore({ file }), pythonWorkers(workers)];
const runtime = kind === 'sync' ? new LocalRuntime({ plugins }) : new AsyncLocalRuntime({ plugins });
await runtime.execute(pythonCrashFlow(notes), {}, { runId: RUN });
