import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { expect } from 'chai';
import type { WorkerAdapter } from '../../src/plugins/python/adapter.js';
import { caught, rejection } from '../support/caught.js';
import { TestWorker } from '../support/python-worker.js';
import { isGone } from '../support/python-workers.js';
import { until } from '../support/until.js';

/**
 * What every adapter must do, and the worker that it starts: python/BRIDGE.md by its effects. The worker need have no tools: its
 * built-in commands are called.
 */
export function workerAdapterContract(name: string, make: () => Promise<WorkerAdapter>): void {
  describe(`The worker adapter ${name}`, function () {
    this.timeout(60_000);
    let adapter: WorkerAdapter;
    let host: TestWorker;

    before(async () => {
      adapter = await make();
      host = await TestWorker.start({ adapter });
    });
    after(() => host.remove());

    it('names a program that is there, and a script', async () => {
      const { executablePath, scriptPath, scriptArgs } = adapter;
      const path = typeof executablePath === 'string' ? executablePath : await executablePath();
      expect(isAbsolute(path) && existsSync(path)).to.equal(true);
      expect(existsSync(scriptPath)).to.equal(true);
      expect(scriptArgs).to.be.an('array');
    });

    it('limits commands by milliseconds, or not at all', () => {
      const limit = adapter.commandTimeout?.('ping', {});
      expect(limit === undefined || (Number.isFinite(limit) && limit > 0)).to.equal(true);
    });

    it('starts a worker that is the process it says, and this incarnation', async () => {
      const { pid, sessionId, worker } = await host.worker.getInfo();
      expect(pid).to.equal(host.pid);
      expect(worker.pid).to.equal(pid);
      expect(sessionId).to.equal(host.worker.getSessionId());
      for (const key of ['language', 'languageVersion', 'executable', 'version'])
        expect(worker[key], key).to.be.a('string');
      expect(worker.startedMs).to.be.closeTo(Date.now(), 60_000);
    });

    it('starts a worker that answers ping, and echoes what it is given', async () => {
      expect(await host.worker.execute('ping')).to.equal('pong');
      const value = { text: 'é', n: 1.5, when: new Date(5), big: 2n ** 70n, bytes: new Uint8Array(1_000).fill(3) };
      expect(await host.worker.execute('echo', { value })).to.deep.equal(value);
    });

    it('starts a worker that answers many calls, each with its own', async () => {
      const values = Array.from({ length: 500 }, (_, value) => value);
      const answers = await Promise.all(values.map((value) => host.worker.execute('echo', { value })));
      expect(answers).to.deep.equal(values);
    });

    it('starts a worker that says how it is', async () => {
      const { status, responsive, load } = await host.worker.getHealth();
      expect({ status, responsive }).to.deep.equal({ status: 'SERVING', responsive: true });
      for (const key of ['running', 'waiting', 'held', 'threads', 'rssBytes'] as const)
        expect(load?.[key], key).to.be.a('number');
    });

    it('starts a worker that refuses what it does not have, and goes on', async () => {
      const { code } = await rejection(host.worker.execute('no_such_module:tool'));
      expect(code).to.be.oneOf(['PYTHON_MODULE_MISSING', 'TOOL_UNDECLARED']);
      expect(await host.worker.execute('ping')).to.equal('pong');
    });

    it('starts a worker that keeps to the length of values', async () => {
      const limited = await TestWorker.start({ adapter, maxValueBytes: 100_000 });
      try {
        const value = new Uint8Array(90_000);
        expect(await limited.worker.execute('echo', { value })).to.deep.equal(value);
        const { code } = await rejection(limited.worker.execute('echo', { value: new Uint8Array(100_001) }));
        expect(code).to.equal('PAYLOAD_TOO_LARGE');
      } finally {
        await limited.remove();
      }
    });

    it('starts a worker that ends when it is asked to', async () => {
      const other = await TestWorker.start({ adapter });
      const { pid } = other;
      await other.worker.stop();
      expect(other.exits).to.deep.equal([{ how: 'stopped', forced: false }]);
      expect(isGone(pid)).to.equal(true);
      expect(caught(() => other.worker.getChannel()).code).to.equal('WORKER_STOPPED');
      await other.remove();
    });

    it('starts another worker when one was killed', async () => {
      const other = await TestWorker.start({ adapter, restart: { firstMs: 5 } });
      const { pid } = other;
      process.kill(pid, 'SIGKILL');
      await until(() => other.exits.length === 1);
      expect(await other.worker.execute('ping')).to.equal('pong');
      expect(other.pid).to.not.equal(pid);
      await other.remove();
    });
  });
}
