import { workflow } from '../../src/base/workflow-builder.js';
import type { PythonWorkersOptions } from '../../src/plugins/python/configuration.js';
import { pythonWorkers } from '../../src/plugins/python/python-workers.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { pyTool } from './python-nodes.js';

/** What this program is told. */
export interface PythonRunOrder {
  readonly kind: 'sync' | 'async';
  readonly workers: PythonWorkersOptions;
}

/**
 * A program: runs a workflow with a Python node, prints the pid of the worker, and forgets to close its runtime.
 *
 * Usage: node python-run-process.js ORDER, as JSON
 */
const { kind, workers } = JSON.parse(process.argv[2] ?? '') as PythonRunOrder;
const plugins = [pythonWorkers(workers)];
const runtime = kind === 'sync' ? new LocalRuntime({ plugins }) : new AsyncLocalRuntime({ plugins });
const w = workflow('forgetful');
const a = w.add('a', pyTool('pid')({ value: null }));
const outcome = await runtime.execute(w.build({ outputs: { pid: a.out.value } }));
console.log(JSON.stringify(outcome.output));
