import { expect } from 'chai';
import type { LockstepError } from '../../src/base/errors.js';
import { grpcPython } from '../../src/plugins/python/grpc-python-adapter.js';
import { rejection } from '../support/caught.js';
import { preparedPython } from '../support/python-environment.js';
import { TestWorker } from '../support/python-worker.js';
import { isGone } from '../support/python-workers.js';
import { until } from '../support/until.js';

const onLinux = process.platform === 'linux' ? it : it.skip;

describe('A worker whose process ends', function () {
  this.timeout(60_000);
  let host: TestWorker;

  beforeEach(async () => {
    host = await TestWorker.start({ restart: { firstMs: 20 } });
  });
  afterEach(() => host.remove());

  const lost = async (call: Promise<unknown>): Promise<LockstepError> => {
    const error = await rejection(call);
    expect(error.code).to.equal('WORKER_LOST');
    return error;
  };

  it('during calls loses them, with how it ended, and is started again', async () => {
    const { pid } = host;
    const calls = ['await_gently', 'await_event'].map((tool) => lost(host.call(tool)));
    await host.untilBegun(2);
    process.kill(pid, 'SIGKILL');
    for (const { message, value } of await Promise.all(calls)) {
      expect(message).to.match(/^The worker was ended by SIGKILL before wire_tools:await_\w+ was answered\. /);
      expect(value).to.deep.include({ exit: { how: 'killed', signal: 'SIGKILL' } });
    }
    expect(await host.worker.execute('ping')).to.equal('pong');
    expect(host.states.map(({ is }) => is)).to.deep.equal(['starting', 'ready', 'restarting', 'ready']);
    expect(host.worker.state).to.include({ incarnation: 2 });
    expect(host.pid).to.not.equal(pid);
  });

  it('is remembered, with what it was performing', async () => {
    expect((await host.worker.getInfo()).incidents).to.deep.equal([]);
    const sessionId = host.worker.getSessionId();
    await lost(host.call('exit_with', { code: 3 }));
    const { incidents } = await host.worker.getInfo();
    expect(incidents.map(({ at: _, ...rest }) => rest)).to.deep.equal([
      { sessionId, exit: { how: 'exited', code: 3 }, commands: ['wire_tools:exit_with'] },
    ]);
    expect(incidents[0]?.at).to.be.closeTo(Date.now(), 30_000);
  });

  it('by itself is told with its exit code and its last lines', async () => {
    await host.call('complain', { text: 'about to end' });
    const { message, value } = await lost(host.call('exit_with', { code: 3 }));
    expect(message).to.include('ended with code 3');
    expect(JSON.stringify(value)).to.include('about to end');
  });

  it('by a crash is told with its signal', async () => {
    const { message } = await lost(host.call('die', { name: 'SIGSEGV' }));
    expect(message).to.include('was ended by SIGSEGV');
  });

  it('during a stream gives the items that had come, and then the loss', async () => {
    const stream = host.worker.executeStream('wire_tools:count_then_die', { upto: 5 });
    const seen: unknown[] = [];
    const error = await rejection(
      (async () => {
        for await (const n of stream) seen.push(n);
      })(),
    );
    expect(error.code).to.equal('WORKER_LOST');
    // What a process has not sent when it is killed, nobody has.
    expect(seen).to.deep.equal([0, 1, 2, 3, 4].slice(0, seen.length));
    await lost(stream.result);
  });

  it('makes no call again', async () => {
    await lost(host.call('die'));
    expect(await host.call('note', { name: 'fresh' })).to.equal(1);
    const { begun } = (await host.worker.getInfo()).worker.calls as { begun: number };
    // The note and the question itself.
    expect(begun).to.equal(2);
  });

  it('has calls wait until it is there again', async () => {
    process.kill(host.pid, 'SIGKILL');
    await until(() => host.worker.state.is === 'restarting');
    expect(await Promise.all([host.worker.execute('ping'), host.call('same', { value: 1 })])).to.deep.equal([
      'pong',
      1,
    ]);
  });

  it('has calls wait for no longer than they may', async () => {
    await host.remove();
    host = await TestWorker.start({ restart: { firstMs: 60_000, maxMs: 60_000 } });
    process.kill(host.pid, 'SIGKILL');
    await until(() => host.worker.state.is === 'restarting');
    expect((await rejection(host.worker.execute('ping', {}, { timeoutMs: 20 }))).code).to.equal('CALL_TIMEOUT');
    const controller = new AbortController();
    const call = host.worker.execute('ping', {}, { signal: controller.signal }).catch((error: unknown) => error);
    const stopped = rejection(host.worker.execute('ping'));
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await call).to.equal(reason);
    await host.worker.stop();
    expect((await stopped).code).to.equal('WORKER_STOPPED');
  });

  onLinux('takes with it what its tools have started', async () => {
    const child = (await host.call('start_child')) as number;
    expect(isGone(child)).to.equal(false);
    await lost(host.call('die'));
    await until(() => isGone(child), 5_000);
  });

  it('ends its channel: a new process has a new one', async () => {
    const channel = host.worker.getChannel();
    await lost(host.call('die'));
    await host.worker.execute('ping');
    expect(host.worker.getChannel()).to.not.equal(channel);
  });
});

describe('A worker that cannot be started again', function () {
  this.timeout(60_000);

  it('refuses calls after some attempts, and takes them once it can', async () => {
    const { path: good } = await preparedPython();
    const { scriptPath, scriptArgs } = grpcPython();
    let path = good;
    const adapter = { executablePath: async () => path, scriptPath, scriptArgs };
    const host = await TestWorker.start({ adapter, restart: { firstMs: 5, maxMs: 20 } });
    try {
      path = '/bin/false';
      process.kill(host.pid, 'SIGKILL');
      await until(() => host.worker.state.is === 'unable');
      const error = await rejection(host.worker.execute('ping'));
      expect(error.code).to.equal('WORKER_NOT_READY');
      expect((error.cause as Error).message).to.include('/bin/false ended with code 1 before it was ready.');
      path = good;
      await until(() => host.worker.state.is === 'ready');
      expect(await host.worker.execute('ping')).to.equal('pong');
    } finally {
      await host.remove();
    }
  });
});

describe('A worker that is stopped while it is being started again', function () {
  this.timeout(60_000);

  it('can be started at once, and is started once', async () => {
    const { path } = await preparedPython();
    const { scriptPath, scriptArgs } = grpcPython();
    let asked = 0;
    let answer = Promise.resolve(path);
    const executablePath = (): Promise<string> => {
      asked++;
      return answer;
    };
    const host = await TestWorker.start({
      adapter: { executablePath, scriptPath, scriptArgs },
      restart: { firstMs: 5 },
    });
    try {
      let go = (_path: string): void => undefined;
      answer = new Promise((resolve) => {
        go = resolve;
      });
      process.kill(host.pid, 'SIGKILL');
      await until(() => asked === 2);
      await host.worker.stop();
      const late = answer;
      answer = Promise.resolve(path);
      const again = host.worker.start();
      go(path);
      await Promise.all([late, again]);
      expect(await host.worker.execute('ping')).to.equal('pong');
      const [, ...states] = host.states.map((state) => state.is);
      expect(states).to.deep.equal(['ready', 'restarting', 'stopping', 'stopped', 'starting', 'ready']);
      expect(asked).to.equal(3);
    } finally {
      await host.remove();
    }
  });
});

describe('A worker that is recycled', function () {
  this.timeout(60_000);
  let host: TestWorker;
  afterEach(() => host.remove());

  it('after some calls, is replaced without a call that notices', async () => {
    host = await TestWorker.start({ recycle: { afterCalls: 20 } });
    const first = host.pid;
    const path = host.path('held');
    const held = host.call('await_then', { path, value: 'held' });
    await host.untilBegun(1);
    while (host.pid === first) expect(await host.worker.execute('ping')).to.equal('pong');
    // The old one goes on until its last call has been answered.
    expect(isGone(first)).to.equal(false);
    host.open('held');
    expect(await held).to.equal('held');
    await until(() => host.exits.length > 0);
    expect(isGone(first)).to.equal(true);
    expect(host.states.map(({ is }) => is)).to.not.include('restarting');
    expect(host.exits[0]).to.deep.equal({ how: 'stopped', forced: false });
  });

  it('goes on where a fresh one cannot be started, which is not tried with every call', async () => {
    const { path: good } = await preparedPython();
    const { scriptPath, scriptArgs } = grpcPython();
    let starts = 0;
    const executablePath = async (): Promise<string> => (++starts === 1 ? good : '/bin/false');
    host = await TestWorker.start({ adapter: { executablePath, scriptPath, scriptArgs }, recycle: { afterCalls: 1 } });
    const { pid } = host;
    await host.worker.execute('ping');
    await until(() => starts === 2);
    // Longer than a start that fails takes: each of these calls would begin another one.
    for (const end = performance.now() + 500; performance.now() < end; )
      expect(await host.worker.execute('ping')).to.equal('pong');
    expect({ starts, pid: host.pid }).to.deep.equal({ starts: 2, pid });
  });

  it('from some memory on, is replaced when a call has ended', async () => {
    host = await TestWorker.start({ recycle: { rssBytes: 2 ** 20 } });
    const first = host.pid;
    await host.worker.execute('ping');
    await until(() => host.worker.state.is === 'ready' && host.pid !== first);
    expect(await host.worker.execute('ping')).to.equal('pong');
    await until(() => host.exits.length > 0);
    expect(host.exits[0]).to.deep.equal({ how: 'stopped', forced: false });
  });

  it('counts what its processes have started as well', async function () {
    if (process.platform !== 'linux') this.skip();
    const size = 2 ** 28;
    host = await TestWorker.start({ recycle: { rssBytes: size } });
    const first = host.pid;
    await host.worker.execute('ping');
    const { load } = (await host.worker.execute('info')) as { readonly load: { readonly rssBytes: number } };
    expect(load.rssBytes).to.be.below(size / 2);
    // It looks at most once a second: by the end of one of these calls it does.
    const child = (await host.call('start_large_child', { size })) as number;
    while (host.pid === first) await host.worker.execute('ping');
    await until(() => host.exits.length > 0);
    expect(isGone(child)).to.equal(true);
  });

  it('after some time, is replaced', async () => {
    host = await TestWorker.start({ recycle: { afterMs: 100 } });
    const first = host.pid;
    await until(() => host.worker.state.is === 'ready' && host.pid !== first);
    expect(await host.worker.execute('ping')).to.equal('pong');
  });
});
