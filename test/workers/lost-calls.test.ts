import { expect } from 'chai';
import { workflow } from '../../src/base/workflow-builder.js';
import type { SyncPlugin } from '../../src/plugins/plugin.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { MemoryLog } from '../../src/testing/memory-log.js';
import { PythonPool, pyTool } from '../support/python-nodes.js';
import { until } from '../support/until.js';

const retry = { retry: { attempts: 3, delayMs: 0 } };

describe('An attempt of a Python node whose worker ends in the middle of it', function () {
  this.timeout(60_000);
  let pool: PythonPool;

  before(async () => {
    pool = await PythonPool.open();
  });
  after(() => pool.remove());

  const inBoth = (title: string, body: (open: (plugin: SyncPlugin) => AsyncLocalRuntime) => Promise<void>): void => {
    it(`${title} (async)`, () => body((plugin) => new AsyncLocalRuntime({ plugins: [plugin], log: new MemoryLog() })));
    // It takes the same, and what it gives can be waited for.
    it(`${title} (sync)`, () =>
      body((plugin) => new LocalRuntime({ plugins: [plugin], log: new MemoryLog() }) as unknown as AsyncLocalRuntime));
  };

  inBoth('fails and is not made again, unless somebody says that it may take effect twice', async (open) => {
    const runtime = open(pool.workers());
    const die = pyTool('die_once', ['path']);
    const once = async (more: object) => {
      const w = workflow('w');
      w.add('a', die({ path: `${pool.place()}/died` }), { retry: { attempts: 3, delayMs: 0, ...more } });
      const run = await runtime.settle(w.build());
      if (run.status === 'rejected') throw run.error;
      return run.node('a');
    };
    const { error, attempts } = await once({});
    expect({ code: error?.code, attempts }).to.deep.equal({ code: 'EFFECT_UNKNOWN', attempts: 1 });
    expect(error?.message).to.match(/^The worker ended with code 3 before node_tools:die_once was answered\. /);
    expect((await once({ retryOn: ['WORKER_LOST', Error] })).attempts).to.equal(1);
    expect(await once({ retryOn: ['EFFECT_UNKNOWN'] })).to.include({ status: 'completed', attempts: 2 });
    await runtime.close();
  });

  inBoth('is made again where its tool is idempotent, even if it is the first call of that', async (open) => {
    const runtime = open(pool.workers());
    for (const tool of ['die_once_idempotent', 'die_once_later']) {
      const w = workflow('w');
      const a = w.add('a', pyTool(tool, ['path'])({ path: `${pool.place()}/died` }), retry);
      const run = await runtime.execute(w.build({ outputs: { value: a.out.value } }));
      expect(run.output).to.deep.equal({ value: 'survived' });
      expect(run.node('a').attempts).to.equal(2);
    }
    await runtime.close();
  });

  inBoth('has the code that its own tool has, whichever tool has ended the worker', async (open) => {
    const folder = pool.place();
    const runtime = open(pool.workers());
    const w = workflow('w');
    w.add('effect', pyTool('hang', ['folder'])({ folder }), retry);
    w.add('safe', pyTool('hang_idempotent', ['folder'])({ folder }), retry);
    w.add('lost', pyTool('hang_idempotent', ['folder'])({ folder }));
    w.add('end', pyTool('die_beside', ['folder', 'number'])({ folder, number: 3 }), retry);
    const run = await runtime.settle(w.build());
    await runtime.close();
    if (run.status !== 'failed') throw new Error(run.status);
    const found = ['effect', 'safe', 'lost', 'end'].map((id) => {
      const { error, attempts } = run.node(id);
      return [error?.code ?? 'completed', attempts];
    });
    expect(found).to.deep.equal([
      ['EFFECT_UNKNOWN', 1],
      ['completed', 2],
      ['WORKER_LOST', 1],
      ['EFFECT_UNKNOWN', 1],
    ]);
  });
});

describe('A call of a Python node that was not sent when its worker ended', function () {
  this.timeout(60_000);

  it('goes to the next worker, in the same attempt', async () => {
    const pool = await PythonPool.open();
    const runtime = new AsyncLocalRuntime({ plugins: [pool.workers()], log: new MemoryLog() });
    const once = workflow('once');
    const found = once.add('pid', pyTool('pid')({ value: null }));
    const built = once.build({ outputs: { pid: found.out.value } });
    const pidOf = async () => (await runtime.execute(built)).output?.pid as number;
    const pid = await pidOf();
    // What cannot be sent waits in this process.
    process.kill(pid, 'SIGSTOP');
    const w = workflow('w');
    const count = 40;
    let begun = 0;
    for (let n = 0; n < count; n++) w.add(`n${n}`, pyTool('same')({ value: `${n}`.repeat(100_000) }), retry);
    runtime.on('event', ({ kind }) => {
      if (kind === 'attempt.started') begun++;
    });
    const running = runtime.settle(w.build());
    await until(() => begun === count);
    process.kill(pid, 'SIGKILL');
    const run = await running;
    if (run.status !== 'failed') throw new Error(run.status);
    const nodes = [...run.nodes.values()].map(({ status, attempts, error }) =>
      [error?.code ?? status, attempts].join(),
    );
    expect(new Set(nodes)).to.deep.equal(new Set(['EFFECT_UNKNOWN,1', 'completed,1']));
    // They were sent in order.
    expect(nodes.lastIndexOf('EFFECT_UNKNOWN,1')).to.be.below(nodes.indexOf('completed,1'));
    expect(run.node(`n${count - 1}`).status).to.equal('completed');
    expect(await pidOf()).to.not.equal(pid);
    await runtime.close();
    pool.remove();
  });
});
