import { expect } from 'chai';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';
import type { WorkerAdapter } from '../../src/plugins/python/adapter.js';
import { grpcPython } from '../../src/plugins/python/grpc-python-adapter.js';
import { pythonNode } from '../../src/plugins/python/index.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { preparedPython } from '../support/python-environment.js';
import { PythonPool, pyTool } from '../support/python-nodes.js';
import { until } from '../support/until.js';

const w = workflow('w', { params: { value: type<unknown>() } });
const echo = w.build({ outputs: { value: w.add('same', pyTool('same')({ value: w.params.value })).out.value } });

const v = workflow('v');
const exit = pythonNode({ module: 'wire_tools', function: 'exit_with', inputs: { code: type<number>() }, outputs: {} });
v.try('exit', exit({ code: 3 }));
const end = v.build({ outputs: {} });

/** The worker of this package, whose interpreter is what `find` answers. */
function adapterOf(find: () => Promise<string>): WorkerAdapter {
  const { scriptPath, scriptArgs } = grpcPython();
  return { executablePath: find, scriptPath, scriptArgs };
}

describe('Python workers that runtimes share', function () {
  this.timeout(60_000);
  let pool: PythonPool;
  let python = '';

  before(async () => {
    pool = await PythonPool.open();
    python = (await preparedPython()).path;
  });
  after(() => pool.remove());

  it('go on starting for one runtime where another one closes meanwhile', async () => {
    let asked = 0;
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const adapter = adapterOf(async () => {
      asked++;
      await gate;
      return python;
    });
    const plugin = pool.workers({ adapter });
    const first = new AsyncLocalRuntime({ plugins: [plugin] });
    await using second = new AsyncLocalRuntime({ plugins: [plugin] });
    const refused = first.execute(echo, { value: 1 }).catch((error: unknown) => error);
    const performed = second.execute(echo, { value: 2 });
    await until(() => asked === 1);
    await first.close();
    expect(await refused).to.be.instanceOf(Error);
    go();
    expect((await performed).output).to.deep.equal({ value: 2 });
    expect(asked).to.equal(1);
  });

  it('wait for one that is started again, and for none that could not be started', async () => {
    const programs = ['/bin/false', python];
    const adapter = adapterOf(async () => programs.shift() ?? python);
    const lines: string[] = [];
    await using runtime = new AsyncLocalRuntime({
      plugins: [pool.workers({ adapter, workers: 2, restart: { firstMs: 300 } })],
      log: { log: (_level, line) => void lines.push(line) },
    });
    const told = (text: string): boolean => lines.some((line) => line.startsWith(text));
    expect((await runtime.execute(echo, { value: 1 })).output).to.deep.equal({ value: 1 });
    await until(() => told('A Python worker could not be started: /bin/false ended with code 1'));
    await runtime.execute(end, {}).catch(() => undefined);
    await until(() => told('A Python worker is started again'));
    expect((await runtime.execute(echo, { value: 2 })).output).to.deep.equal({ value: 2 });
  });
});
