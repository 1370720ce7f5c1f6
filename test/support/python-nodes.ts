import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeDefinition } from '../../src/base/node.js';
import type { NodeCapabilities } from '../../src/base/node-options.js';
import { type } from '../../src/base/schema.js';
import type { SyncPlugin } from '../../src/plugins/plugin.js';
import type { PythonWorkersOptions } from '../../src/plugins/python/configuration.js';
import { pythonNode } from '../../src/plugins/python/python-node.js';
import { pythonWorkers } from '../../src/plugins/python/python-workers.js';
import { preparedPython } from './python-environment.js';
import { TOOLS } from './python-worker.js';

/** A node with any inputs, and outputs by name. */
type Tool<I extends string, O extends string> = NodeDefinition<
  { readonly [name in I]?: unknown },
  { readonly [name in O]: unknown }
>;

type More = NodeCapabilities & Readonly<Record<string, unknown>>;

/** A Python node that a tool of test/workers/tools/node_tools.py performs, with the output `value`. */
export function pyTool<const I extends string = 'value'>(
  name: string,
  inputs: readonly I[] = ['value' as I],
  more: More = {},
): Tool<I, 'value'> {
  return pyPorts(name, inputs, ['value'], more);
}

/** The same with other outputs. */
export function pyPorts<const I extends string, const O extends string>(
  name: string,
  inputs: readonly I[],
  outputs: readonly O[],
  more: More = {},
): Tool<I, O> {
  const ports = (names: readonly string[]) => Object.fromEntries(names.map((each) => [each, type<unknown>()]));
  return pythonNode({
    module: 'node_tools',
    function: name,
    inputs: ports(inputs),
    outputs: ports(outputs),
    ...more,
  } as never) as unknown as Tool<I, O>;
}

/** Where Python workers of a test file live: an interpreter, and a folder of their own. */
export class PythonPool {
  readonly folder = mkdtempSync(join(tmpdir(), 'lockstep-nodes-'));
  readonly #interpreter: string;

  private constructor(interpreter: string) {
    this.#interpreter = interpreter;
  }

  static async open(...requirements: readonly string[]): Promise<PythonPool> {
    return new PythonPool((await preparedPython(...requirements)).path);
  }

  /** What workers of a test are started with. */
  get options(): PythonWorkersOptions {
    return {
      paths: [TOOLS],
      dataFolder: this.folder,
      environment: { interpreter: this.#interpreter },
      gracefulShutdownTimeoutMs: 500,
      restart: { firstMs: 10 },
    };
  }

  /** The plugin: a new one. */
  workers(more: PythonWorkersOptions = {}): SyncPlugin {
    return pythonWorkers({ ...this.options, ...more });
  }

  /** A folder for the files of one test, in that of the workers. */
  place(): string {
    return mkdtempSync(join(this.folder, 'place-'));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
