import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type } from '../../src/base/schema.js';
import { pythonNode, pythonWorkers } from '../../src/plugins/python/index.js';
import { executorContract } from '../contract/executor.js';
import { preparedPython } from '../support/python-environment.js';
import { TOOLS } from '../support/python-worker.js';
import type { ValueNode } from '../support/tool-executor.js';

describe('Python workers', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-executor-'));
  let interpreter = '';

  before(async () => {
    interpreter = (await preparedPython('numpy')).path;
  });
  after(() => rmSync(folder, { recursive: true }));

  executorContract(
    'pythonWorkers',
    {
      kind: 'python',
      plugin: () =>
        pythonWorkers({
          paths: [TOOLS],
          dataFolder: folder,
          environment: { interpreter },
          gracefulShutdownTimeoutMs: 500,
        }),
      node: (tool, more = {}) =>
        pythonNode({
          module: 'contract_tools',
          function: tool,
          inputs: { value: type<unknown>() },
          outputs: { value: type<unknown>() },
          ...more,
        } as never) as unknown as ValueNode,
      refusal: 'VALUE_NOT_ENCODABLE',
      failure: { code: 'PYTHON_RAISED', message: 'NoLuckError: no luck with Jo' },
    },
    ['sync', 'async'],
  );
});
