import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { RunEvent } from '../../src/base/events.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { AsyncLocalRuntime, type AsyncLocalRuntimeOptions } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { MemoryLog } from '../../src/testing/memory-log.js';
import { rejection } from '../support/caught.js';
import { PythonPool, pyTool } from '../support/python-nodes.js';
import type { PythonRunOrder } from '../support/python-run-process.js';
import { workerEntries } from '../support/python-worker.js';
import { isGone } from '../support/python-workers.js';
import { until } from '../support/until.js';

const KINDS = ['sync', 'async'] as const;
type Kind = (typeof KINDS)[number];
type Options = Omit<AsyncLocalRuntimeOptions, 'plugins'> & {
  readonly plugins: NonNullable<never[]> | readonly unknown[];
};

const PROGRAM = fileURLToPath(new URL('../support/python-run-process.js', import.meta.url));
/** A limit that is short beside a test and long beside a call. */
const SHORT_MS = 400;

/** A workflow of one node, whose value is the output. */
function one(node: ReturnType<ReturnType<typeof pyTool>>, options: object = {}, name = 'one') {
  const w = workflow(name);
  const a = w.add('a', node, options);
  return w.build({ outputs: { value: a.out.value } });
}

describe('Python nodes', function () {
  this.timeout(60_000);
  let pool: PythonPool;

  before(async () => {
    pool = await PythonPool.open();
  });
  after(() => pool.remove());

  function open(kind: Kind, options: Options): LocalRuntime {
    const given = options as AsyncLocalRuntimeOptions;
    // Both take the same, and are waited for.
    return (kind === 'sync' ? new LocalRuntime(given as never) : new AsyncLocalRuntime(given)) as LocalRuntime;
  }

  const inBoth = (title: string, body: (kind: Kind) => Promise<void>): void => {
    for (const kind of KINDS) it(`${title} (${kind})`, () => body(kind));
  };

  inBoth('say in the log which worker, run and node it is that speaks', async (kind) => {
    const log = new MemoryLog();
    const runtime = open(kind, { plugins: [pool.workers()], log });
    const run = await runtime.settle(one(pyTool('chatter')({ value: 1 })), {}, { runId: 'r' });
    expect(run.status).to.equal('completed');
    const find = (text: string) => log.entries.find(({ message }) => message === text);
    await runtime.close();
    const place = { worker: 1, runId: 'r', node: 'a', visit: 1, attempt: 1 };
    expect(find('through logging')).to.deep.equal({
      level: 'warn',
      message: 'through logging',
      fields: { logger: 'node_tools', n: 1, ...place },
    });
    expect(find('through the context')).to.deep.equal({
      level: 'info',
      message: 'through the context',
      fields: { logger: 'node_tools', ...place },
    });
    expect(find('printed')).to.deep.equal({
      level: 'info',
      message: 'printed',
      fields: { stream: 'stdout', ...place, plugin: 'python-workers "default"' },
    });
  });

  inBoth('have printed before they have settled, as far as the log goes', async (kind) => {
    const log = new MemoryLog();
    const runtime = open(kind, { plugins: [pool.workers()], log });
    const w = workflow('w');
    const list = w.fn('list', {}, () => Array.from({ length: 50 }, (_, n) => n));
    w.map('each', list.out.value, (value) => pyTool('chatter')({ value }), { maxConcurrency: 1 });
    expect((await runtime.settle(w.build())).status).to.equal('completed');
    const printed = log.entries.filter(({ message }) => message === 'printed');
    expect(printed.map(({ fields }) => fields.scope)).to.deep.equal(printed.map((_, n) => `each[${n}]/`));
    expect(printed).to.have.length(50);
    await runtime.close();
  });

  inBoth('do not say whose a print is where several are performed together', async (kind) => {
    const place = pool.place();
    const log = new MemoryLog();
    const runtime = open(kind, { plugins: [pool.workers()], log });
    const w = workflow('w');
    const meet = pyTool('print_together', ['folder']);
    for (const id of ['a', 'b']) w.add(id, meet({ folder: place }));
    expect((await runtime.settle(w.build())).status).to.equal('completed');
    await runtime.close();
    const printed = log.entries.filter(({ message }) => message.startsWith('printed'));
    expect(printed).to.have.length(2);
    for (const { fields } of printed) expect(fields).to.not.have.property('node');
  });

  inBoth('keep their secrets out of what Python prints, logs, tells, streams and raises', async (kind) => {
    const log = new MemoryLog();
    const heard: unknown[] = [];
    const runtime = open(kind, { plugins: [pool.workers()], log, secrets: { load: () => ({ KEY: 'sesame' }) } });
    runtime.on('event', (event) => heard.push(event));
    runtime.on('progress', (update) => heard.push(update));
    runtime.on('data', (emitted) => heard.push(emitted));
    const run = await runtime.settle(one(pyTool('whisper', [], { secrets: ['KEY'] })({})));
    await runtime.close();
    expect(run.status === 'failed' && run.node('a').error?.code).to.equal('PYTHON_RAISED');
    const all = JSON.stringify([heard, log.entries, run.status === 'failed' && run.error.failure]);
    for (const words of ['doing ', 'raised ', 'logged ', 'apart ', 'printed ']) expect(all).to.contain(words);
    expect(all).to.not.contain('sesame');
  });

  inBoth('end with the time limit of their run, which Python is told', async (kind) => {
    const place = pool.place();
    const runtime = open(kind, { plugins: [pool.workers()] });
    // Limits count from when it is ready.
    await runtime.execute(one(pyTool('same')({ value: 1 })));
    const run = await runtime.settle(
      one(pyTool('hold', ['folder'])({ folder: place })),
      {},
      { timeoutMs: 2 * SHORT_MS },
    );
    expect(run.status === 'failed' && run.error.failure.code).to.equal('RUN_TIMEOUT');
    await until(() => existsSync(`${place}/a-ended`));
    expect(readFileSync(`${place}/a-ended`, 'utf8')).to.equal('cancelled');
    await runtime.close();
  });

  inBoth('that wait in a busy worker until their time is over never begin', async (kind) => {
    const place = pool.place();
    const runtime = open(kind, { plugins: [pool.workers({ maxConcurrentCalls: 1 })] });
    // Limits count from when it is ready.
    await runtime.execute(one(pyTool('same')({ value: 1 })));
    const w = workflow('w');
    const hold = pyTool('hold', ['folder']);
    w.add('first', hold({ folder: place }), { timeoutMs: 3 * SHORT_MS });
    w.add('second', hold({ folder: place }), { timeoutMs: SHORT_MS });
    const run = await runtime.settle(w.build());
    if (run.status !== 'failed') throw new Error(run.status);
    expect(['first', 'second'].map((id) => run.node(id).error?.code)).to.deep.equal([
      'ATTEMPT_TIMEOUT',
      'ATTEMPT_TIMEOUT',
    ]);
    await until(() => existsSync(`${place}/first-ended`));
    // Behind whatever else waits there.
    expect((await runtime.settle(one(pyTool('same')({ value: 1 })))).status).to.equal('completed');
    expect(readdirSync(place).toSorted()).to.deep.equal(['first-begun', 'first-ended']);
    await runtime.close();
  });

  it('that wait in a busy worker when their run is cancelled never begin', async () => {
    const place = pool.place();
    await using runtime = new AsyncLocalRuntime({ plugins: [pool.workers({ maxConcurrentCalls: 1 })] });
    const hold = pyTool('hold', ['folder'])({ folder: place });
    const controller = new AbortController();
    // Only a tool that was found once needs no thread.
    await runtime.execute(one(pyTool('double')({ value: 1 })));
    const first = runtime.settle(one(hold));
    await until(() => existsSync(`${place}/a-begun`));
    const w = workflow('w');
    w.add('second', hold);
    const events: RunEvent[] = [];
    const second = runtime.settle(w.build(), {}, { signal: controller.signal, onEvent: (event) => events.push(event) });
    await until(() => events.some(({ kind }) => kind === 'attempt.started'));
    controller.abort();
    expect((await second).status).to.equal('cancelled');
    // It takes no thread, and is read behind what cancels.
    await runtime.execute(one(pyTool('double')({ value: 1 })));
    writeFileSync(`${place}/go`, '');
    expect((await first).status).to.equal('completed');
    expect((await runtime.execute(one(pyTool('same')({ value: 1 })))).output).to.deep.equal({ value: 1 });
    expect(readdirSync(place).toSorted()).to.deep.equal(['a-begun', 'a-ended', 'go']);
  });

  inBoth('start their workers when they are needed, where that is asked for', async (kind) => {
    const folder = pool.place();
    const runtime = open(kind, { plugins: [pool.workers({ start: 'when needed', dataFolder: folder })] });
    const w = workflow('plain');
    w.fn('f', {}, () => 1);
    await runtime.execute(w.build());
    expect(readdirSync(folder)).to.deep.equal([]);
    await runtime.execute(one(pyTool('same')({ value: 1 })));
    expect(workerEntries(folder)).to.have.length(1);
    await runtime.close();
    expect(workerEntries(folder)).to.have.length(0);
  });

  inBoth('are performed by the workers that they name', async (kind) => {
    const plugins = [pool.workers({ name: 'one' }), pool.workers({ name: 'two' })];
    const runtime = open(kind, { plugins });
    const w = workflow('w');
    const pids = ['one', 'two', 'two'].map((workers, at) =>
      w.add(`n${at}`, pyTool('pid', ['value'], { workers })({ value: null })),
    );
    const [first, second, third] = pids.map((handle) => handle.out.value) as [never, never, never];
    const { output } = await runtime.execute(w.build({ outputs: { first, second, third } }));
    await runtime.close();
    const found = output as unknown as { readonly first: number; readonly second: number; readonly third: number };
    expect(found.second).to.equal(found.third);
    expect(found.first).to.not.equal(found.second);
  });

  inBoth('refuse their run, before anything of it is performed, where nobody provides their workers', async (kind) => {
    const runtime = open(kind, { plugins: [pool.workers({ start: 'when needed' })] });
    let calls = 0;
    const w = workflow('w');
    w.fn('f', {}, () => ++calls);
    w.add('a', pyTool('pid', ['value'], { workers: 'gpu' })({ value: null }));
    const error = await rejection((async () => runtime.execute(w.build()))());
    expect(error.code).to.equal('EXECUTOR_MISSING');
    expect(error.message).to.contain('pythonWorkers({ name: "gpu" })');
    expect(calls).to.equal(0);
    await runtime.close();
  });

  inBoth('cannot have two plugins of one name', async (kind) => {
    const plugins = [pool.workers({ start: 'when needed' }), pool.workers({ start: 'when needed' })];
    const made = async () => {
      const runtime = open(kind, { plugins });
      await runtime.execute(one(pyTool('same')({ value: 1 })));
    };
    expect((await rejection(made())).code).to.equal('PLUGIN_DUPLICATE');
  });

  it('of two AsyncLocalRuntimes with one plugin share its workers, until both are closed', async () => {
    const plugin = pool.workers();
    const [first, second] = [
      new AsyncLocalRuntime({ plugins: [plugin] }),
      new AsyncLocalRuntime({ plugins: [plugin] }),
    ];
    const pidIn = async (runtime: AsyncLocalRuntime) =>
      (await runtime.execute(one(pyTool('pid')({ value: null })))).output?.value as number;
    const [one1, two] = await Promise.all([pidIn(first), pidIn(second)]);
    expect(one1).to.equal(two);
    await first.close();
    expect(await pidIn(second)).to.equal(two);
    await second.close();
    expect(isGone(two)).to.equal(true);
    await using third = new AsyncLocalRuntime({ plugins: [plugin] });
    expect(await pidIn(third)).to.not.equal(two);
  });

  it('that begin after their runtime was closed by force fail, as those in flight do', async () => {
    const [place, folder] = [pool.place(), pool.place()];
    const runtime = new AsyncLocalRuntime({ plugins: [pool.workers({ dataFolder: folder })] });
    const hold = pyTool('hold', ['folder']);
    const w = workflow('w');
    const first = w.try('a', hold({ folder: place }));
    w.add('b', pyTool('same')({ value: first.error }));
    const running = runtime.settle(w.build());
    await until(() => existsSync(`${place}/a-begun`));
    expect((await rejection(runtime.close({ signal: AbortSignal.abort() }))).code).to.equal('CLOSE_ABORTED');
    const run = await running;
    if (run.status !== 'failed') throw new Error(run.status);
    expect(['a', 'b'].map((id) => run.node(id).error?.code)).to.deep.equal(['WORKER_STOPPED', 'WORKER_STOPPED']);
    expect(workerEntries(folder)).to.deep.equal([]);
  });

  inBoth('do not keep a process alive whose runtime was not closed, and leave no worker behind', async (kind) => {
    const order: PythonRunOrder = { kind, workers: pool.options };
    const { NODE_V8_COVERAGE: _, ...env } = process.env;
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, JSON.stringify(order)], {
      env,
      timeout: 30_000,
    });
    const { pid } = JSON.parse(stdout) as { readonly pid: number };
    await until(() => isGone(pid), 5_000);
  });
});
