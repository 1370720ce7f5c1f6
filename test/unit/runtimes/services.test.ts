import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ServiceReference } from '../../../src/base/ports.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import { caught } from '../../support/caught.js';
import type { ToolSettings } from '../../support/modules/tools.js';
import { ToolExecutor, toolNode, toolWorkers } from '../../support/tool-executor.js';
import { until } from '../../support/until.js';

/** A workflow of one tool. */
function single(tool: string, value: unknown = 1, options: object = {}) {
  const w = workflow('w');
  const a = w.add('a', toolNode(tool)({ value }), options);
  return w.build({ outputs: { value: a.out.value } });
}

/** A workflow that needs no service. */
function apart() {
  const w = workflow('apart');
  w.fn('here', {}, () => 1);
  return w.build();
}

describe('A service that starts with LocalRuntime', () => {
  let folder: string;
  const file = (name: string): string => join(folder, name);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lockstep-services-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function open(settings: ToolSettings, options: object = {}): LocalRuntime {
    const executor = new ToolExecutor({ settings, start: 'with the runtime', stopMs: 500 });
    return new LocalRuntime({ plugins: [toolWorkers('default', executor)], ...options });
  }

  it('is waited for by the first run, also one that does not need it', () => {
    using runtime = open({ started: file('started') });
    runtime.execute(apart());
    expect(existsSync(file('started'))).to.equal(true);
  });

  it('refuses runs as long as it cannot start, and is started again for each', () => {
    using runtime = open({ needs: file('needed') });
    for (let run = 0; run < 2; run++) {
      const error = caught(() => runtime.settle(apart()));
      expect([error.code, error.at]).to.deep.equal(['PLUGIN_FAILED', 'tool workers "default"']);
      expect(error.cause).to.deep.include({ code: 'NOT_YET', message: 'no start' });
    }
    writeFileSync(file('needed'), '');
    expect(runtime.execute(single('echo', 2)).output).to.deep.equal({ value: 2 });
  });

  it('refuses runs where it ends its thread, or can never start', () => {
    using dead = open({ start: 'dies' });
    using stuck = open({ start: 'never' });
    for (const [runtime, code] of [
      [dead, 'BRIDGE_LOST'],
      [stuck, 'NEVER_SETTLED'],
      [dead, 'BRIDGE_LOST'],
    ] as const) {
      const error = caught(() => runtime.settle(apart()));
      expect(error.code).to.equal('PLUGIN_FAILED');
      expect(error.cause).to.have.property('code', code);
    }
  });

  it('lets a run end whose time is up, or that was cancelled, before it has started', () => {
    using runtime = open({ needs: file('needed') });
    const controller = new AbortController();
    controller.abort();
    const cancelled = runtime.settle(single('echo'), {}, { signal: controller.signal });
    expect(cancelled.status).to.equal('cancelled');
    writeFileSync(file('needed'), '');
    using later = open({ started: file('started') });
    const late = later.settle(single('echo'), {}, { timeoutMs: 0.001 });
    expect(late.status === 'failed' && late.error.failure.code).to.equal('RUN_TIMEOUT');
    expect(later.execute(single('echo', 3)).output).to.deep.equal({ value: 3 });
  });

  it('lets no virtual time pass while it starts', () => {
    const clock = new VirtualClock();
    using runtime = open({}, { clock });
    runtime.execute(apart(), {}, { timeoutMs: 1 });
    expect(clock.now()).to.equal(new VirtualClock().now());
  });
});

describe('What a service tells', () => {
  /** A runtime whose service tells, and what was heard of it. */
  function open(heard: unknown[], settings: ToolSettings = {}, more: Partial<ServiceReference> = {}): LocalRuntime {
    let threads = 0;
    const listen = () => {
      const thread = ++threads;
      return { hear: (told: unknown) => heard.push(`${thread} ${told}`), end: () => heard.push(`${thread} ends`) };
    };
    const executor = new ToolExecutor({ settings: { tells: true, ...settings }, listen, ...more } as never);
    return new LocalRuntime({ plugins: [toolWorkers('default', executor)] });
  }

  it('is heard in its order, before the answers that follow it, and until it has stopped', () => {
    const heard: unknown[] = [];
    const runtime = open(heard);
    runtime.on('attempt', ({ node }) => heard.push(`${node} has ended`));
    const w = workflow('w');
    const a = w.add('a', toolNode('echo')({ value: 1 }));
    w.add('b', toolNode('echo')({ value: a.out.value }));
    runtime.execute(w.build());
    runtime.close();
    expect(heard).to.deep.equal([
      ...['1 starts', '1 performs a 1', 'a has ended', '1 performs b 1', 'b has ended'],
      ...['1 stops', '1 ends'],
    ]);
  });

  it('is heard while the event loop turns, and nobody waits for the service', async () => {
    const heard: unknown[] = [];
    using _ = open(heard, {}, { start: 'with the runtime' });
    await until(() => heard.length > 0);
    expect(heard).to.deep.equal(['1 starts']);
  });

  it('ends with its thread, and begins anew with the next', () => {
    const heard: unknown[] = [];
    const runtime = open(heard);
    expect(runtime.settle(single('die')).status).to.equal('failed');
    runtime.execute(single('echo'));
    runtime.close();
    expect(heard).to.deep.equal([
      ...['1 starts', '1 performs a 1', '1 ends'],
      ...['2 starts', '2 performs a 1', '2 stops', '2 ends'],
    ]);
  });

  it('must be plain data', () => {
    using runtime = open([]);
    const outcome = runtime.settle(single('refused'));
    expect(outcome.status === 'failed' && outcome.error.failure).to.deep.include({
      code: 'VALUE_NOT_CLONEABLE',
      message: 'Data "told.part" is a function. Pass plain data: no functions, symbols, promises or handles.',
    });
  });

  it('is counted until it is heard', () => {
    using runtime = open([]);
    runtime.execute(single('echo'));
    // What it told of this call itself may not have been heard.
    expect(runtime.execute(single('unheard')).unwrap().value).to.be.within(0, 1);
  });

  it('is dropped where nobody listens', () => {
    const executor = new ToolExecutor({ settings: { tells: true } });
    using runtime = new LocalRuntime({ plugins: [toolWorkers('default', executor)] });
    expect(runtime.execute(single('echo', 4)).output).to.deep.equal({ value: 4 });
  });

  it('ends where another one refuses the runtime', () => {
    const heard: unknown[] = [];
    const listen = () => ({ hear: (told: unknown) => heard.push(told), end: () => heard.push('ends') });
    const start = 'with the runtime';
    const first = new ToolExecutor({ settings: { tells: true }, listen, start });
    const second = new ToolExecutor({ settings: { part: () => 1 }, start });
    const plugins = [toolWorkers('default', first), toolWorkers('second', second)];
    expect(caught(() => new LocalRuntime({ plugins })).code).to.equal('VALUE_NOT_CLONEABLE');
    expect(heard.at(-1)).to.equal('ends');
  });
});
