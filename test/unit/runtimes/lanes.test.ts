import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ServiceReference, SyncBridge } from '../../../src/base/ports.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { definePlugin } from '../../../src/plugins/plugin.js';
import { LocalRuntime, type LocalRuntimeOptions } from '../../../src/runtimes/local-runtime.js';
import { ThreadBridge } from '../../../src/runtimes/sync-bridge/thread-bridge.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import { caught } from '../../support/caught.js';
import { only, withX } from '../../support/module-nodes.js';
import type { ToolSettings } from '../../support/modules/tools.js';
import { ToolExecutor, toolNode, toolWorkers } from '../../support/tool-executor.js';
import { until } from '../../support/until.js';

/** A runtime with an executor of tools. */
function open(
  settings: ToolSettings = {},
  more: Partial<ServiceReference> = {},
  options: LocalRuntimeOptions = {},
): LocalRuntime {
  const executor = new ToolExecutor({ settings, ...more });
  return new LocalRuntime({ plugins: [toolWorkers('default', executor)], ...options });
}

/** A workflow of one tool. */
function single(tool: string, value: unknown = 1, options: object = {}) {
  const w = workflow('w');
  const a = w.add('a', toolNode(tool)({ value }), options);
  return w.build({ outputs: { value: a.out.value } });
}

describe('LocalRuntime with an executor', () => {
  let folder: string;
  const file = (name: string): string => join(folder, name);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lockstep-lanes-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('lets it work in a thread of its own: one whose module holds its thread loses no call of the executor', () => {
    using bridge = new ThreadBridge({ graceMs: 50 });
    using runtime = open({}, {}, { bridge });
    runtime.execute(single('echo'));
    runtime.execute(only(withX('double')({ x: 1 }))); // limits below are shorter than threads take to start
    const w = workflow('w');
    w.try('beside', withX('wait')({ x: 2_000 }));
    w.try('stuck', withX('block')({ x: 3_000 }), { timeoutMs: 20 });
    const kept = w.add('kept', toolNode('wait')({ value: 300 }));
    const run = runtime.execute(w.build({ outputs: { value: kept.out.value } }));
    expect([run.node('stuck').error?.code, run.node('beside').error?.code]).to.deep.equal([
      'ATTEMPT_TIMEOUT',
      'BRIDGE_LOST',
    ]);
    expect(run.output).to.deep.equal({ value: 300 });
  });

  it('loses no module with the thread of the executor, which is replaced', () => {
    using runtime = open({ started: file('started') });
    const w = workflow('w');
    const kept = w.add('kept', withX('wait')({ x: 100 }));
    w.try('dies', toolNode('die')({ value: 1 }));
    w.try('lost', toolNode('never')({ value: 1 }));
    const run = runtime.execute(w.build({ outputs: { y: kept.out.y } }));
    expect([run.node('dies').error?.code, run.node('lost').error?.code]).to.deep.equal(['BRIDGE_LOST', 'BRIDGE_LOST']);
    expect(run.output).to.deep.equal({ y: 100 });
    rmSync(file('started'));
    expect(runtime.execute(single('echo', 'again')).output).to.deep.equal({ value: 'again' });
    expect(existsSync(file('started'))).to.equal(true);
  });

  it('sends a call that its thread had not begun to the next one, with its long values, and leaves them as they are', () => {
    using runtime = open();
    const value = Float64Array.from({ length: 2 ** 17 }, (_, index) => index);
    const w = workflow('w');
    w.try('dies', toolNode('hold_and_die')({ value: { started: file('started'), end: file('end') } }));
    const first = w.add('first', withX('double')({ x: 1 }));
    const held = w.fn('held', { y: first.out.y }, () => {
      while (!existsSync(file('started')));
    });
    const kept = w.add('kept', toolNode('echo')({ value }), { after: [held] });
    const second = w.add('second', withX('double')({ x: 1 }), { after: [held] });
    w.fn('end', { y: second.out.y }, () => writeFileSync(file('end'), ''));
    const run = runtime.execute(w.build({ outputs: { value: kept.out.value } }));
    expect([run.node('dies').error?.code, run.node('kept').attempts]).to.deep.equal(['BRIDGE_LOST', 1]);
    const came = (run.unwrap() as { readonly value: Float64Array }).value;
    expect([came.length, came.at(-1), value.length, value.at(-1)]).to.deep.equal([
      2 ** 17,
      2 ** 17 - 1,
      2 ** 17,
      2 ** 17 - 1,
    ]);
  });

  it('gives each part of an answer memory of its own, where the service gave the same away more than once', () => {
    using runtime = open();
    for (const length of [100, 10_000]) {
      const { value } = runtime.execute(single('thrice', new Float64Array(length).fill(1))).unwrap();
      const came = value as readonly Float64Array[];
      expect(came.map(({ buffer }) => buffer.byteLength / 8)).to.deep.equal([length, length, length - 1]);
      expect(new Set(came.map(({ buffer }) => buffer)).size).to.equal(3);
      expect(came.every((one) => one.every((item) => item === 1))).to.equal(true);
    }
  });

  it('keeps nothing of the long values that went through it', () => {
    using runtime = open();
    const value = new Float64Array(2 ** 22);
    const before = process.memoryUsage.rss();
    for (let call = 0; call < 64; call++)
      expect(runtime.execute(single('count_items', value)).unwrap().value).to.equal(2 ** 22);
    expect(process.memoryUsage.rss() - before).to.be.below(2 ** 29); // a quarter of what went through
  });

  it('takes what both threads say, and runs its own nodes meanwhile', () => {
    using runtime = open();
    const order: string[] = [];
    runtime.on('event', ({ kind, data }) => {
      if (kind === 'attempt.completed') order.push((data as { readonly node: string }).node);
    });
    const w = workflow('w');
    const value = { folder, number: 2 };
    const a = w.add('a', toolNode('meet')({ value }));
    const c = w.add('c', withX('double')({ x: 2 }));
    w.fn('here', {}, () => writeFileSync(file('here'), '')); // the second of those that meet
    const d = w.fn('d', { met: a.out.value, y: c.out.y }, ({ met, y }) => `${met} ${y}`);
    expect(runtime.execute(w.build({ outputs: { d: d.out.value } })).output).to.deep.equal({ d: 'met 4' });
    expect(order[0]).to.equal('here');
  });

  it('fails with NEVER_SETTLED what nothing can answer, once the other thread has nothing left to do either', () => {
    using runtime = open();
    const w = workflow('w');
    w.try('stuck', toolNode('never')({ value: 1 }));
    const kept = w.add('kept', withX('wait')({ x: 100 }));
    const run = runtime.execute(w.build({ outputs: { y: kept.out.y } }));
    expect(run.node('stuck').error?.code).to.equal('NEVER_SETTLED');
    expect(run.output).to.deep.equal({ y: 100 });
  });

  it('lets no virtual time pass while an executor works, and all of it once nothing is left that could answer', () => {
    const clock = new VirtualClock();
    using runtime = open({}, {}, { clock });
    runtime.execute(single('wait', 50, { timeoutMs: 10 }));
    expect(clock.now()).to.equal(new VirtualClock().now());
    const outcome = runtime.settle(single('never', 1, { timeoutMs: 3_600_000 }));
    expect(outcome.status === 'failed' && outcome.error.failure.code).to.equal('ATTEMPT_TIMEOUT');
    expect(clock.now()).to.equal(new VirtualClock().now() + 3_600_000);
  });

  it('takes a nested run of the same runtime', () => {
    using runtime = open();
    const w = workflow('outer');
    const inner = w.fn('inner', {}, () => runtime.execute(single('echo', 'inner')).unwrap().value as string);
    const beside = w.add('beside', toolNode('wait')({ value: 20 }));
    const { output } = runtime.execute(w.build({ outputs: { inner: inner.out.value, beside: beside.out.value } }));
    expect(output).to.deep.equal({ inner: 'inner', beside: 20 });
  });

  it('starts the service with the runtime, where that is asked for, and otherwise with the first call', async () => {
    const early = open({ started: file('early') }, { start: 'with the runtime' });
    await until(() => existsSync(file('early')));
    early.close();
    const late = open({ started: file('late'), stopped: file('stopped') });
    late.execute(only(withX('double')({ x: 2 })));
    late.close();
    expect([existsSync(file('late')), existsSync(file('stopped'))]).to.deep.equal([false, false]);
  });

  it('waits in close() until the service has stopped', () => {
    const runtime = open({ stopped: file('stopped') });
    runtime.execute(single('echo'));
    runtime.close();
    expect(existsSync(file('stopped'))).to.equal(true);
  });

  it('also where a call goes on in it that was given up', () => {
    const runtime = open({ stopped: file('stopped') });
    runtime.settle(single('never', 1, { timeoutMs: 50 }));
    runtime.close();
    expect(existsSync(file('stopped'))).to.equal(true);
  });

  it('waits for a service that does not stop as long as that says, and no longer', () => {
    const runtime = open({ staysUp: true, stopped: file('stopped') }, { stopMs: 150 });
    runtime.execute(single('echo'));
    const before = performance.now();
    runtime.close();
    expect(performance.now() - before).to.be.within(149, 5_000);
    expect(existsSync(file('stopped'))).to.equal(false);
  });

  it('fails calls with what kept the service from starting, and starts it again for the next', () => {
    using runtime = open({ needs: file('needed') });
    const outcome = runtime.settle(single('echo', 1, { retry: { attempts: 2 } }));
    expect(outcome.status === 'failed' && outcome.error.failure).to.deep.include({
      code: 'NOT_YET',
      message: 'no start',
    });
    expect(outcome.status === 'failed' && outcome.node('a').attempts).to.equal(2);
    writeFileSync(file('needed'), '');
    expect(runtime.execute(single('echo', 2)).output).to.deep.equal({ value: 2 });
  });

  it('fails calls whose service cannot be loaded', () => {
    using runtime = open({}, { url: new URL('./nowhere.js', import.meta.url).href });
    const outcome = runtime.settle(single('echo'));
    expect(outcome.status === 'failed' && outcome.error.failure.code).to.equal('MODULE_FAILED');
  });

  it('fails calls whose service has settings that cannot be copied, and names them', () => {
    using runtime = open({}, { settings: { paths: [() => 1] } });
    const outcome = runtime.settle(single('echo'));
    expect(outcome.status === 'failed' && outcome.error.failure).to.deep.include({
      code: 'VALUE_NOT_CLONEABLE',
      message:
        'Setting "startTools.settings.paths[0]" is a function. Pass plain data: no functions, symbols, promises or handles.',
    });
  });

  it('hears of what ends its calls, in its thread: the limit of the run, a sibling that fails fast', async () => {
    using runtime = open({}, {}, { onError: 'fail-fast' });
    runtime.execute(single('echo'));
    const value = (name: string) => ({ started: file(`${name} started`), told: file(`${name} told`) });
    runtime.settle(single('hold', value('run')), {}, { timeoutMs: 100 });
    const w = workflow('w');
    const held = value('sibling');
    w.add('held', toolNode('hold')({ value: held }));
    w.add('bad', toolNode('fail')({ value: 'Jo' }));
    expect(runtime.settle(w.build()).status).to.equal('failed');
    for (const name of ['run', 'sibling'])
      await until(() => existsSync(file(`${name} told`)) && readFileSync(file(`${name} told`), 'utf8') === 'gone');
  });

  it('begins no call that was given up while the service started', () => {
    using runtime = open({ started: file('started') });
    const value = { started: file('held'), told: file('told') };
    const outcome = runtime.settle(single('hold', value, { timeoutMs: 1 }));
    expect(outcome.status === 'failed' && outcome.error.failure.code).to.equal('ATTEMPT_TIMEOUT');
    runtime.execute(single('echo'));
    expect([existsSync(file('started')), existsSync(value.started)]).to.deep.equal([true, false]);
  });

  it('refuses its nodes where the bridge that was passed serves none, and still runs others', () => {
    using threads = new ThreadBridge();
    const bridge: SyncBridge = {
      submit: (call, receive) => threads.submit(call, receive),
      wait: (ms) => threads.wait(ms),
      close: () => threads.close(),
    };
    using runtime = open({}, { start: 'with the runtime' }, { bridge });
    const outcome = runtime.settle(single('echo'));
    expect(outcome.status === 'rejected' && outcome.error.problems.map(({ message }) => message)).to.deep.equal([
      'Node "a" needs a thread of its executor: the SyncBridge that was passed has none. Run it in AsyncLocalRuntime, or pass no bridge, or one that serves executors.',
    ]);
    expect(runtime.execute(only(withX('double')({ x: 2 }))).unwrap().y).to.equal(4);
  });

  it('gives runtimes that share a bridge and an executor one service, and each its answers', () => {
    using bridge = new ThreadBridge();
    const executor = new ToolExecutor({ settings: { started: file('started') } });
    const options = () => ({ bridge, plugins: [toolWorkers('default', executor)] });
    using first = new LocalRuntime(options());
    using second = new LocalRuntime(options());
    expect(first.execute(single('echo', 1)).output).to.deep.equal({ value: 1 });
    rmSync(file('started'));
    expect(second.execute(single('echo', 2)).output).to.deep.equal({ value: 2 });
    expect(existsSync(file('started'))).to.equal(false);
  });

  it('stops its plugins where a service that is to start with it finds no thread', () => {
    const told: string[] = [];
    const other = definePlugin({
      name: 'other',
      start: () => void told.push('start'),
      stop: () => void told.push('stop'),
    });
    const plugins = [other, toolWorkers('default', new ToolExecutor({ start: 'with the runtime' }))];
    using bridge = new ThreadBridge({ worker: new URL('./nowhere.js', import.meta.url) });
    expect(caught(() => new LocalRuntime({ plugins, bridge })).code).to.equal('INVALID_OPTION');
    expect(told).to.deep.equal(['start', 'stop']);
  });

  it('keeps no process alive that does not close it, also while a call goes on that was given up', () => {
    const [index, support] = ['../../../src/index.js', '../../support/tool-executor.js'].map(
      (path) => new URL(path, import.meta.url).href,
    );
    const program = `
      const { LocalRuntime, workflow } = await import('${index}');
      const { toolNode, toolWorkers } = await import('${support}');
      const w = workflow('w');
      const a = w.add('a', toolNode('echo')({ value: 8 }));
      w.try('b', toolNode('wait')({ value: 1e9 }), { timeoutMs: 20, after: [a] });
      console.log(new LocalRuntime({ plugins: [toolWorkers()] }).execute(w.build({ outputs: { y: a.out.value } })).output.y);
    `;
    const { NODE_V8_COVERAGE: _, ...env } = process.env;
    const flags = ['--input-type=module', '-e', program];
    expect(execFileSync(process.execPath, flags, { encoding: 'utf8', env, timeout: 9_000 })).to.equal('8\n');
  });

  it('leaves a service of a bridge that was passed to whoever closes that', () => {
    const bridge = new ThreadBridge();
    const runtime = open({ stopped: file('stopped') }, {}, { bridge });
    runtime.execute(single('echo'));
    runtime.close();
    expect(existsSync(file('stopped'))).to.equal(false);
    bridge.close();
    expect(existsSync(file('stopped'))).to.equal(true);
  });
});
