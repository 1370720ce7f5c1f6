import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Client } from '@grpc/grpc-js';
import { expect } from 'chai';
import { checkProcessOptions } from '../../src/plugins/python/check-options.js';
import { ProcessManager } from '../../src/plugins/python/process/process-manager.js';
import { PythonWorker } from '../../src/plugins/python/worker.js';
import { rejection } from '../support/caught.js';
import { preparedPython } from '../support/python-environment.js';
import { TestWorker, TOOLS } from '../support/python-worker.js';
import { hostFiles, isGone } from '../support/python-workers.js';
import { until } from '../support/until.js';

/** The answer of the standard health service, by way of a channel. */
function checkBy(channel: Client): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const same = (bytes: Buffer): Buffer => bytes;
    channel.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, Buffer.alloc(0), (error, answer) => {
      if (error !== null) reject(error);
      else resolve(answer as Buffer);
    });
  });
}

describe('A Python worker', function () {
  this.timeout(60_000);
  let host: TestWorker;

  before(async () => {
    host = await TestWorker.start();
  });
  after(() => host.remove());

  describe('that is ready', () => {
    it('answers ping and echo', async () => {
      expect(await host.worker.execute('ping')).to.equal('pong');
      expect(await host.worker.execute('echo', { value: [1, { a: null }] })).to.deep.equal([1, { a: null }]);
    });

    it('performs tools that hold a thread and tools that do not', async () => {
      expect(await host.call('same', { value: 'x' })).to.equal('x');
      expect(await host.call('same_later', { value: 'x' })).to.equal('x');
    });

    it('performs several calls that travel together, and answers in their order', async () => {
      const settled = await host.worker.executeBatch([
        { command: 'wire_tools:same_later', args: { value: 1 } },
        { command: 'wire_tools:fail' },
        { command: 'ping' },
      ]);
      expect(settled.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled']);
      expect(settled[0]).to.include({ value: 1 });
      expect(settled[2]).to.include({ value: 'pong' });
    });

    it('performs as many functions at a time as it has threads, and the rest in order', async () => {
      const before = host.begun;
      const path = host.path('ten');
      const calls = Array.from({ length: 10 }, (_, value) => host.call('await_then', { path, value }));
      await host.untilBegun(before + 8);
      expect(host.begun - before).to.equal(8);
      expect((await host.worker.getHealth()).load).to.include({ running: 8, waiting: 2 });
      host.open('ten');
      expect(await Promise.all(calls)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    });

    it('says how it is while eight tools hold all its threads', async () => {
      const before = host.begun;
      const calls = Array.from({ length: 8 }, () => host.call('await_then', { path: host.path('health') }));
      await host.untilBegun(before + 8);
      const asked = performance.now();
      const health = await host.worker.getHealth();
      expect(performance.now() - asked).to.be.below(500);
      expect(health).to.deep.include({ status: 'SERVING', responsive: true, calls: 8, missedHeartbeats: 0 });
      expect(health.state.is).to.equal('ready');
      host.open('health');
      await Promise.all(calls);
    });

    it('says what it is', async () => {
      await host.call('same');
      const info = await host.worker.getInfo();
      expect(info).to.include({ sessionId: host.worker.getSessionId(), incarnation: 1, pid: host.pid });
      expect(info.hardware.processors).to.be.at.least(1);
      expect(info.adapter.scriptPath).to.match(/python\/worker\.py$/);
      expect(info.worker).to.include({ pid: host.pid, language: 'python', executable: info.adapter.executable });
      expect(info.worker.packages).to.have.property('grpcio');
      const { wire_tools: tools } = info.worker.modules as Readonly<Record<string, unknown>>;
      expect(JSON.stringify(tools)).to.include('count_later');
    });

    it('has a session that tools see and that stays', async () => {
      expect(await host.call('session')).to.equal(host.worker.getSessionId());
      expect([await host.call('note', { name: 'n' }), await host.call('note', { name: 'n' })]).to.deep.equal([1, 2]);
    });

    it('passes on the span of a call', async () => {
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      const seen = await host.worker.execute('wire_tools:traceparent', {}, { traceparent });
      expect(seen).to.match(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
    });

    it('gives a channel of @grpc/grpc-js, which brings the token', async () => {
      const channel = host.worker.getChannel();
      expect(host.worker.getChannel()).to.equal(channel);
      expect([...(await checkBy(channel))]).to.deep.equal([8, 1]);
    });

    it('tells the lines that tools print', async () => {
      await host.call('complain', { text: 'a line' });
      await until(() => host.lines.filter(({ text }) => text === 'a line').length === 2);
      expect(host.lines.filter(({ text }) => text === 'a line').map(({ stream }) => stream)).to.have.members([
        'stdout',
        'stderr',
      ]);
    });

    it('has what tools print written line by line, although PYTHONUNBUFFERED is set', async () => {
      expect(await host.call('output_modes')).to.deep.equal([
        [true, false],
        [true, false],
      ]);
    });

    it('refuses options and commands that are none', async () => {
      const wrong = [
        host.worker.execute(''),
        host.worker.execute('ping', {}, { timeoutMs: 0 }),
        host.worker.execute('echo', null as never),
        host.worker.execute('echo', [1] as never),
        host.worker.execute('ping', {}, { timeout: 1 } as object),
      ];
      expect(await Promise.all(wrong.map(async (each) => (await rejection(each)).code))).to.deep.equal([
        'INVALID_OPTION',
        'INVALID_OPTION',
        'INVALID_OPTION',
        'INVALID_OPTION',
        'UNKNOWN_OPTION',
      ]);
    });
  });

  describe('that is started and stopped', () => {
    let other: TestWorker;
    afterEach(() => other.remove());

    it('is started once, however often that is asked', async () => {
      other = await TestWorker.make();
      await Promise.all([other.worker.start(), other.worker.start()]);
      await other.worker.start();
      expect(other.states.map(({ is }) => is)).to.deep.equal(['starting', 'ready']);
    });

    it('takes no calls before, and none afterwards', async () => {
      other = await TestWorker.make();
      expect((await rejection(other.worker.execute('ping'))).code).to.equal('WORKER_NOT_READY');
      expect((await other.worker.getHealth()).status).to.equal('NOT_SERVING');
      await other.worker.start();
      const { pid } = other;
      await other.worker.stop();
      expect((await rejection(other.worker.execute('ping'))).code).to.equal('WORKER_STOPPED');
      expect(() => other.worker.getSessionId())
        .to.throw('has been stopped')
        .with.property('code', 'WORKER_STOPPED');
      expect(isGone(pid)).to.equal(true);
      expect(other.exits).to.deep.equal([{ how: 'stopped', forced: false }]);
    });

    it('can be started again, as another process', async () => {
      other = await TestWorker.start();
      const [session, channel] = [other.worker.getSessionId(), other.worker.getChannel()];
      await other.worker.stop();
      await other.worker.start();
      expect(other.worker.getSessionId()).to.not.equal(session);
      expect(other.worker.getChannel()).to.not.equal(channel);
      expect(await other.worker.execute('ping')).to.equal('pong');
      expect(other.states.map(({ is }) => is)).to.deep.equal([
        'starting',
        'ready',
        'stopping',
        'stopped',
        'starting',
        'ready',
      ]);
    });

    it('rejects calls that have not been answered when it is stopped', async () => {
      other = await TestWorker.start();
      const call = rejection(other.call('await_gently'));
      await other.untilBegun(1);
      await Promise.all([other.worker.stop(), other.worker.stop()]);
      expect((await call).code).to.equal('WORKER_STOPPED');
    });

    it('is killed at once where the signal of stop says so', async () => {
      other = await TestWorker.start();
      const call = rejection(other.call('await_then', { path: other.path('never') }));
      await other.untilBegun(1);
      const controller = new AbortController();
      const stop = other.worker.stop({ signal: controller.signal });
      controller.abort();
      await stop;
      expect((await call).code).to.equal('WORKER_STOPPED');
      expect(other.exits).to.deep.equal([{ how: 'stopped', forced: true }]);
    });

    it('can be stopped while it is being started', async () => {
      other = await TestWorker.make();
      const start = rejection(other.worker.start());
      await other.worker.stop();
      expect((await start).code).to.equal('WORKER_STOPPED');
      expect(other.worker.state.is).to.equal('stopped');
    });

    it('does what was asked last', async () => {
      other = await TestWorker.start();
      const stop = other.worker.stop();
      const start = other.worker.start();
      await Promise.all([stop, start]);
      expect(await other.worker.execute('ping')).to.equal('pong');
      void other.worker.stop();
      const again = rejection(other.worker.start());
      await other.worker.stop();
      expect((await again).code).to.equal('WORKER_STOPPED');
      expect(other.worker.state.is).to.equal('stopped');
    });

    it('is not started where its signal is aborted, and can be later', async () => {
      other = await TestWorker.make();
      const reason = new Error('enough');
      const signal = AbortSignal.abort(reason);
      expect(await other.worker.start({ signal }).catch((error: unknown) => error)).to.equal(reason);
      expect(other.worker.state.is).to.equal('failed');
      await other.worker.start();
      expect(await other.worker.execute('ping')).to.equal('pong');
    });

    it('leaves nothing behind where it cannot be made', async () => {
      other = await TestWorker.make();
      const { folder: dataFolder } = other;
      const start = PythonWorker.start({ dataFolder, environment: { interpreter: '/no/such/python' } });
      expect((await rejection(start)).code).to.equal('PYTHON_UNUSABLE');
      const preload = ['broken_tools'];
      const { path: interpreter } = await preparedPython();
      const late = PythonWorker.start({ dataFolder, environment: { interpreter }, paths: [TOOLS], preload });
      expect((await rejection(late)).code).to.equal('WORKER_START_FAILED');
      expect(hostFiles(dataFolder)).to.deep.equal([]);
    });

    it('that cannot import what it is to preload says so', async () => {
      other = await TestWorker.make({ preload: ['broken_tools'] });
      const error = await rejection(other.worker.start());
      expect(error.code).to.equal('WORKER_START_FAILED');
      expect(error.message).to.include('cannot be imported');
      expect((await rejection(other.worker.execute('ping'))).cause).to.equal(error);
    });
  });

  it('keeps no process alive while nothing is asked of it, and ends with it', async () => {
    const program = fileURLToPath(new URL('../support/idle-worker-process.js', import.meta.url));
    const { NODE_V8_COVERAGE: _, ...env } = process.env;
    const { stdout, status, stderr } = spawnSync(process.execPath, [program], {
      env,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
    const { pid, answer, folder } = JSON.parse(stdout) as { pid: number; answer: unknown; folder: string };
    expect(answer).to.equal('late');
    await until(() => isGone(pid));
    await using next = new ProcessManager(checkProcessOptions({ dataFolder: folder }));
    expect((await next.open()).hosts).to.equal(1);
    rmSync(folder, { recursive: true });
  });
});
