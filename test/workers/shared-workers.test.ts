import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';
import type { WorkerAdapter } from '../../src/plugins/python/adapter.js';
import { grpcPython } from '../../src/plugins/python/grpc-python-adapter.js';
import { pythonNode } from '../../src/plugins/python/index.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { MemoryLog } from '../../src/testing/memory-log.js';
import { preparedPython } from '../support/python-environment.js';
import { PythonPool, pyTool } from '../support/python-nodes.js';
import { until } from '../support/until.js';

const w = workflow('w', { params: { value: type<unknown>() } });
const echo = w.build({ outputs: { value: w.add('same', pyTool('same')({ value: w.params.value })).out.value } });

const v = workflow('v');
const exit = pythonNode({ module: 'wire_tools', function: 'exit_with', inputs: { code: type<number>() }, outputs: {} });
v.try('exit', exit({ code: 3 }));
const end = v.build({ outputs: {} });

const p = workflow('p');
const own = p.build({ outputs: { pid: p.add('pid', pyTool('pid')({ value: null })).out.value } });

/** Two calls that wait for each other, and tell which process performs them. */
function beside(folder: string) {
  const two = workflow('two');
  const tool = pyTool('pid_beside', ['folder', 'number']);
  const [a, b] = ['a', 'b'].map((id) => two.add(id, tool({ folder, number: 2 })).out.value);
  return two.build({ outputs: { a: a as never, b: b as never } });
}

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

  it('are tried again where they could not be started and another one could, with waits that grow', async () => {
    const programs = ['/bin/false', python, '/bin/false', '/bin/false'];
    const asked: number[] = [];
    const adapter = adapterOf(async () => {
      asked.push(performance.now());
      return programs.shift() ?? python;
    });
    const log = new MemoryLog();
    await using runtime = new AsyncLocalRuntime({
      plugins: [pool.workers({ adapter, workers: 2, restart: { firstMs: 50 } })],
      log,
    });
    expect((await runtime.execute(echo, { value: 1 })).output).to.deep.equal({ value: 1 });
    // Two calls that wait for each other are given to two workers as soon as there are two.
    const pids = new Set<unknown>();
    for (const end = performance.now() + 20_000; pids.size < 2 && performance.now() < end; )
      for (const pid of Object.values((await runtime.execute(beside(pool.place()))).output ?? {})) pids.add(pid);
    expect(pids.size).to.equal(2);
    expect(log.entries.map(({ message }) => message.split(':')[0])).to.deep.equal([
      'A Python worker could not be started',
      ...Array.from({ length: 3 }, () => 'A Python worker is started again'),
    ]);
    const waits = [1, 2, 3].map((at) => (asked[at + 1] ?? 0) - (asked[at] ?? 0));
    expect(waits.map((wait, at) => wait >= 50 * 2 ** at - 1)).to.deep.equal([true, true, true]);
    expect(asked).to.have.length(5);
  });

  it('are not tried again where none could be started: whoever starts them is told, and whoever comes then tries', async () => {
    let asked = 0;
    let program = '/bin/false';
    const adapter = adapterOf(async () => {
      asked++;
      return program;
    });
    const log = new MemoryLog();
    await using runtime = new AsyncLocalRuntime({
      plugins: [pool.workers({ adapter, workers: 2, start: 'when needed', restart: { firstMs: 1 } })],
      log,
    });
    const { status, error } = await runtime
      .settle(echo, { value: 1 })
      .then((outcome) => ({ error: undefined, ...outcome }));
    expect(status).to.equal('failed');
    expect((error as Error).message).to.include('/bin/false ended with code 1');
    expect(log.entries.map(({ message }) => message.split(':')[0])).to.deep.equal([
      'A Python worker could not be started',
      'A Python worker could not be started',
    ]);
    expect(asked).to.equal(2);
    program = python;
    expect((await runtime.execute(echo, { value: 2 })).output).to.deep.equal({ value: 2 });
    expect(asked).to.equal(4);
  });

  for (const why of ['is out of time', 'was cancelled'] as const)
    it(`are replaced where a function does not end that ${why}`, async () => {
      const log = new MemoryLog();
      await using runtime = new AsyncLocalRuntime({ plugins: [pool.workers({ stopGraceMs: 100 })], log });
      const pidOf = async (): Promise<unknown> => (await runtime.execute(own, {})).output?.pid;
      const before = await pidOf();
      const deaf = workflow('deaf');
      const path = join(pool.place(), 'held');
      const limits = why === 'is out of time' ? { timeoutMs: 800 } : {};
      deaf.add('hold', pyTool('note_and_hold', ['path'], limits)({ path }));
      const controller = new AbortController();
      const running = runtime.settle(deaf.build(), {}, { signal: controller.signal });
      await until(() => existsSync(`${path}-pids`));
      if (why === 'was cancelled') controller.abort();
      expect((await running).status).to.equal(why === 'was cancelled' ? 'cancelled' : 'failed');
      await until(() =>
        log.entries.some(({ message }) => message.includes('note_and_hold was cancelled and has not stopped')),
      );
      expect(await pidOf()).to.not.equal(before);
    });

  it('wait for one that is started again', async () => {
    const lines: string[] = [];
    await using runtime = new AsyncLocalRuntime({
      plugins: [pool.workers({ restart: { firstMs: 300 } })],
      log: { log: (_level, line) => void lines.push(line) },
    });
    await runtime.execute(end, {}).catch(() => undefined);
    await until(() => lines.some((line) => line.startsWith('A Python worker is started again')));
    expect((await runtime.execute(echo, { value: 2 })).output).to.deep.equal({ value: 2 });
  });
});
