import { expect } from 'chai';
import type { SyncBridge } from '../../../src/base/ports.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { definePlugin } from '../../../src/plugins/plugin.js';
import { SYNC_BRIDGE } from '../../../src/plugins/tokens.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { hashOf } from '../../../src/runtimes/hash-of.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { moduleNode } from '../../../src/runtimes/module-node.js';
import { ThreadBridge } from '../../../src/runtimes/sync-bridge/thread-bridge.js';
import { assertParity } from '../../../src/testing/index.js';
import { both } from '../../support/both.js';
import { caught, refusal } from '../../support/caught.js';
import { fromModule, functions, only, sharedCells, withX } from '../../support/module-nodes.js';

const number = type<number>();

describe('A module node', () => {
  it('gives the same in both runtimes, whether its function is asynchronous or not', async () => {
    const build = () => {
      const w = workflow('w');
      const first = w.add('first', withX('double')({ x: 4 }));
      const second = w.add('second', withX('doubleNow')({ x: first.out.y as never }));
      return w.build({ outputs: { y: second.out.y } });
    };
    expect(await both(build)).to.deep.include({
      status: 'completed',
      output: { y: 16 },
      attempts: { first: 1, second: 1 },
    });
    expect((await assertParity(build())).status).to.equal('completed');
  });

  it('takes the export of its own name where none is named', async () => {
    const node = moduleNode({
      name: 'doubleNow',
      module: functions.href,
      inputs: { x: number },
      outputs: { y: number },
    });
    expect((await both(() => only(node({ x: 3 })))).output).to.deep.equal({ y: 6 });
  });

  it('is told the same about its attempt in both runtimes', async () => {
    const node = fromModule(
      'look',
      {},
      {
        secrets: ['KEY'],
        state: { '~standard': { version: 1, vendor: 't', validate: () => ({ value: { n: 1 } }) } } as never,
      },
    );
    const { output, status } = await both(() => only(node()), {
      run: { context: { tenant: 'acme' }, runId: 'r' },
      runtime: { secrets: { load: () => ({ KEY: 'sesame' }) } },
    });
    expect(status).to.equal('completed');
    expect(output.y).to.deep.equal({
      runId: 'r',
      nodeId: 'a',
      attempt: 1,
      failures: 0,
      visit: 1,
      iteration: 0,
      iterations: [],
      maxIterations: undefined,
      idempotencyKey: 'r/a/1',
      state: { n: 1 },
      context: { tenant: 'acme' },
      secret: 'sesame',
      aborted: false,
      deadline: undefined,
    });
  });

  it('knows the iterations of its cycle, and keeps its state from one to the next', async () => {
    const build = () => {
      const w = workflow('w');
      const state = {
        '~standard': { version: 1, vendor: 't', validate: (value: unknown) => ({ value: value ?? 10 }) },
      };
      const node = fromModule('count', { x: type<unknown>() }, { state: state as never });
      const a = w.add('a', node({ x: 0 }));
      w.cycle('loop', { feedback: [(a.out.y as never as { to(port: unknown): never }).to(a.in.x)], maxIterations: 3 });
      return w.build({ outputs: { y: a.out.y } });
    };
    expect(await both(build)).to.deep.include({ status: 'completed', output: { y: 12 }, visits: { a: 3 } });
  });

  it('talks to listeners and to the log, in order', async () => {
    const { progress, data, logged } = await both(() => only(fromModule('talk', {})()));
    expect(progress.map(({ current, total, message }) => [current, total, message])).to.deep.equal([
      [1, 3, 'one'],
      [3, 3, undefined],
    ]);
    expect(data.map((emitted) => emitted.data)).to.deep.equal([{ token: 'a' }, { token: 'b' }]);
    expect(logged.map(({ message, fields }) => [message, fields?.step, fields?.uncopied])).to.deep.equal([
      ['begins', 1, undefined],
      ['odd', undefined, ['call']],
    ]);
  });

  it('gets copies: what it changes in its inputs changes nothing', async () => {
    const list = [1, 2];
    const { output } = await both(() => only(fromModule('mutate', { list: type<number[]>() })({ list })));
    expect([output.y, list]).to.deep.equal([3, [1, 2]]);
  });

  it('masks secrets in what it throws and says, like any node', async () => {
    const node = fromModule('look', {}, { secrets: ['KEY'] });
    const { events } = await both(() => only(node()), { runtime: { secrets: { load: () => ({ KEY: 'sesame' }) } } });
    expect(JSON.stringify(events)).to.not.contain('sesame');
  });

  it('is hashed by its name and version, or by the names of file and export, wherever it is installed', () => {
    const at = (module: string, more: object = {}) =>
      hashOf(only(moduleNode({ name: 'n', module, export: 'f', outputs: { y: number }, ...more })()));
    expect(at('file:///a/score.js')).to.equal(at('file:///b/score.js'));
    expect(at('file:///a/score.js')).to.not.equal(at('file:///a/other.js'));
    expect(at('file:///a/score.js', { version: '1' })).to.equal(at('file:///a/other.js', { version: '1' }));
    expect(only(withX('double')({ x: 1 })).data.nodes[0]?.use).to.deep.equal({ name: 'double', unversioned: true });
  });

  it('is refused where it names no module or no export, or brings a function', () => {
    const make = (more: object) => refusal(() => moduleNode({ name: 'n', module: functions, outputs: {}, ...more }));
    expect(make({ module: './score.js' }).message).to.equal(
      'node "n".module is no absolute URL. Correct the named field.',
    );
    expect(make({ module: undefined }).code).to.equal('INVALID_DEFINITION');
    expect(make({ export: '' }).message).to.equal('node "n".export is no name. Correct the named field.');
    expect(make({ modul: functions }).message).to.equal(
      'node "n" has no option "modul". Did you mean "module"? Correct its name or remove it.',
    );
    for (const field of ['run', 'async', 'inputMode'])
      expect(make({ [field]: 1 }).message).to.equal(`Module node "n" cannot have "${field}". Correct the named field.`);
    expect(make({ modul: 1 }).code).to.equal('UNKNOWN_OPTION');
  });
});

describe('LocalRuntime with module nodes', () => {
  let bridge: ThreadBridge;
  let runtime: LocalRuntime;
  before(() => {
    bridge = new ThreadBridge();
    runtime = new LocalRuntime({ bridge });
  });
  after(() => {
    runtime.close();
    bridge.close();
  });

  const fan = (count: number, name = 'crowd') => {
    const w = workflow('fan');
    const outs = Array.from({ length: count }, (_, index) => w.add(`n${index}`, withX(name)({ x: index })).out.y);
    return w.build({ outputs: Object.fromEntries(outs.map((out, index) => [`n${index}`, out])) });
  };

  it('dispatches all that are ready together', () => {
    const values = Object.values(runtime.execute(fan(16)).unwrap());
    expect(Math.max(...(values as number[]))).to.equal(16);
  });

  it('has no more in flight than maxConcurrency', () => {
    using fresh = new ThreadBridge();
    using limited = new LocalRuntime({ bridge: fresh, maxConcurrency: 2 });
    expect(Math.max(...(Object.values(limited.execute(fan(8)).unwrap()) as number[]))).to.equal(2);
  });

  it('runs synchronous nodes while the thread works, and starts all in plan order', () => {
    const w = workflow('w');
    const cells = sharedCells();
    const a = w.add('a', fromModule('heedCell', { cells: type<Int32Array>() })({ cells }));
    w.fn('b', {}, () => {
      Atomics.store(cells, 0, 1);
      Atomics.notify(cells, 0);
      return 1;
    });
    const started: string[] = [];
    const run = runtime.execute(
      w.build({ outputs: { y: a.out.y } }),
      {},
      {
        onEvent: (event) => {
          if (event.kind === 'attempt.started') started.push(event.data.node);
        },
      },
    );
    expect([run.unwrap().y, started]).to.deep.equal(['told', ['a', 'b']]);
  });

  it('takes nested runs of the same runtime, whoever of them waits', () => {
    const w = workflow('w');
    const slow = w.add('slow', withX('wait')({ x: 20 }));
    const inner = w.fn('inner', {}, () => runtime.execute(fan(3, 'wait')).unwrap().n2);
    expect(runtime.execute(w.build({ outputs: { y: slow.out.y, z: inner.out.value } })).unwrap()).to.deep.equal({
      y: 20,
      z: 2,
    });
  });

  it('makes 200 calls in a row in one thread, and leaves nothing behind', () => {
    const listeners = process.listenerCount('exit') + process.listenerCount('beforeExit');
    const threads = new Set<unknown>();
    const identify = only(fromModule('identify', {})());
    for (let call = 0; call < 200; call++) threads.add(runtime.execute(identify).unwrap().y);
    expect(threads.size).to.equal(1);
    expect(process.listenerCount('exit') + process.listenerCount('beforeExit')).to.equal(listeners);
  });

  it('still refuses asynchronous nodes that are no module nodes, before any node runs', () => {
    const w = workflow('w');
    w.add('module', withX('double')({ x: 1 }));
    w.fn('slow', {}, async () => 1);
    expect(caught(() => runtime.execute(w.build())).message).to.contain('Node "slow" is asynchronous.');
  });

  it('starts no thread for a run without them', () => {
    const deaf = { submit: () => expect.fail(), wait: () => expect.fail(), close: () => expect.fail() } as SyncBridge;
    using own = new LocalRuntime({ bridge: deaf });
    const w = workflow('w');
    const a = w.fn('a', {}, () => 1);
    expect(own.execute(w.build({ outputs: { y: a.out.value } })).unwrap()).to.deep.equal({ y: 1 });
  });

  it('uses the bridge that a plugin provides; an option beats it; it closes neither', () => {
    const used: string[] = [];
    const named = (name: string): SyncBridge => ({
      submit: (_call, receive) => {
        used.push(name);
        receive({ kind: 'completed', output: { y: name }, change: undefined });
        return { abort: () => undefined, abandon: () => undefined };
      },
      wait: () => 'reported',
      close: () => used.push(`${name} closed`),
    });
    const plugin = definePlugin({
      name: 'p',
      provides: [SYNC_BRIDGE],
      setup: (scope) => scope.provide(SYNC_BRIDGE, named('plugin')),
    });
    const node = only(withX('double')({ x: 1 }));
    const provided = new LocalRuntime({ plugins: [plugin] });
    const given = new LocalRuntime({ plugins: [plugin], bridge: named('option') });
    expect([provided.execute(node).unwrap().y, given.execute(node).unwrap().y]).to.deep.equal(['plugin', 'option']);
    provided.close();
    given.close();
    expect(used).to.deep.equal(['plugin', 'option']);
  });
});

describe('assertParity with module nodes', () => {
  it('waits for what is real before the virtual clock goes on, in both runtimes', async () => {
    const outcome = await assertParity(only(withX('wait')({ x: 30 }), { timeoutMs: 5 }));
    expect(outcome.status).to.equal('completed');
  });

  it('lets time limits pass once nothing real is left', async () => {
    const outcome = await assertParity(only(fromModule('never', {})(), { timeoutMs: 60_000 }));
    expect(outcome.status === 'failed' && outcome.error.failure.code).to.equal('ATTEMPT_TIMEOUT');
  });

  it('takes a stub in the place of one', async () => {
    const outcome = await assertParity(only(withX('nowhere')({ x: 1 })), {}, { stubs: { a: () => ({ y: 5 }) } });
    expect(outcome.status === 'completed' && outcome.unwrap().y).to.equal(5);
  });
});

describe('AsyncLocalRuntime with module nodes', () => {
  it('aborts the signal of one whose time has passed', async () => {
    await using runtime = new AsyncLocalRuntime();
    await runtime.execute(only(withX('double')({ x: 1 }))); // loads the module
    const cells = sharedCells();
    const node = fromModule('heed', { cells: type<Int32Array>() });
    const outcome = await runtime.settle(only(node({ cells }), { timeoutMs: 20 }));
    expect([outcome.status, outcome.status === 'failed' && outcome.error.failure.code]).to.deep.equal([
      'failed',
      'ATTEMPT_TIMEOUT',
    ]);
    expect(cells[0]).to.equal(1);
  });
});
