import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { workflow } from '../../src/base/workflow-builder.js';
import { INSTRUMENTS } from '../../src/plugins/metrics/instruments.js';
import { type MemoryMetrics, memoryMetrics } from '../../src/plugins/metrics/memory-metrics.js';
import { metricsPlugin } from '../../src/plugins/metrics/metrics-plugin.js';
import type { PythonWorkersOptions } from '../../src/plugins/python/configuration.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { MemoryLog } from '../../src/testing/memory-log.js';
import { rejection } from '../support/caught.js';
import { PythonPool, pyTool } from '../support/python-nodes.js';
import { until } from '../support/until.js';

/** A workflow that needs no worker. */
function apart() {
  const w = workflow('apart');
  w.fn('here', {}, () => 1);
  return w.build();
}

/** A workflow of one node, whose value is the output. */
function one(node: ReturnType<ReturnType<typeof pyTool>>, options: object = {}) {
  const w = workflow('one');
  const a = w.add('a', node, options);
  return w.build({ outputs: { value: a.out.value } });
}

for (const kind of ['sync', 'async'] as const)
  describe(`What becomes of the workers of a runtime (${kind})`, function () {
    this.timeout(60_000);
    let pool: PythonPool;
    let metrics: MemoryMetrics;
    let log: MemoryLog;

    before(async () => {
      pool = await PythonPool.open();
    });
    after(() => pool.remove());
    beforeEach(() => {
      metrics = memoryMetrics();
      log = new MemoryLog();
    });

    const same = (value: unknown) => one(pyTool('same')({ value } as never));
    const measured = (name: keyof typeof INSTRUMENTS, labels = {}): number =>
      metrics.value(INSTRUMENTS[name].name, labels);

    function open(options: PythonWorkersOptions = {}): LocalRuntime {
      const given = { plugins: [metricsPlugin({ sink: metrics }), pool.workers({ name: 'default', ...options })], log };
      // Both take the same, and are waited for.
      return (kind === 'sync' ? new LocalRuntime(given) : new AsyncLocalRuntime(given)) as LocalRuntime;
    }

    it('is measured: two that start, are there, and are stopped', async () => {
      const runtime = open({ workers: 2 });
      await runtime.execute(same(1));
      await until(() => measured('workerStarts', { status: 'completed', workers: 'default' }) === 2);
      expect(measured('activeWorkers', { workers: 'default' })).to.equal(2);
      const { count, sum } = metrics.histogram('lockstep.worker.start.duration', { workers: 'default' });
      expect(count).to.equal(2);
      expect(sum).to.be.within(0.02, 120);
      await runtime.close();
      expect(measured('activeWorkers')).to.equal(0);
      expect([measured('workerEnds', { end: 'stopped' }), measured('workerEnds')]).to.deep.equal([2, 2]);
    });

    it('is measured: one that ends with a call in it, and the next', async () => {
      const runtime = open();
      const pid = (await runtime.execute(one(pyTool('pid', [])({})))).output?.value as number;
      const lost = await runtime.settle(one(pyTool('die_once', ['path'])({ path: join(pool.place(), 'died') })));
      expect(lost.status).to.equal('failed');
      const next = (await runtime.execute(one(pyTool('pid', [])({})))).output?.value as number;
      expect(next).to.not.equal(pid);
      await until(() => measured('workerStarts') === 2);
      expect([measured('workerEnds', { end: 'exited' }), measured('lostCalls')]).to.deep.equal([1, 1]);
      expect(measured('activeWorkers')).to.equal(1);
      await runtime.close();
      expect([measured('workerEnds'), measured('activeWorkers')]).to.deep.equal([2, 0]);
    });

    it('is measured: one that was used up, and the fresh one in its place', async () => {
      const runtime = open({ recycle: { afterCalls: 1 } });
      await runtime.execute(same(1));
      await until(() => measured('workerEnds', { end: 'recycled' }) === 1);
      expect([measured('workerStarts'), measured('activeWorkers')]).to.deep.equal([2, 1]);
      await runtime.close();
    });

    it('is measured: one whose tool does not stop', async () => {
      const runtime = open({ stopGraceMs: 50 });
      await runtime.execute(same(1)); // limits count from when it is ready
      const hang = one(pyTool('hang', ['folder'])({ folder: pool.place() }), { timeoutMs: 300 });
      expect((await runtime.settle(hang)).status).to.equal('failed');
      await until(() => measured('workerEnds', { end: 'condemned' }) === 1);
      await runtime.close();
    });

    it('is measured: heartbeats that it did not answer', async () => {
      const runtime = open({
        heartbeat: { enabled: true, pingIntervalMs: 50, timeoutMs: 50, maxMissedHeartbeats: 1_000 },
      });
      const pid = (await runtime.execute(one(pyTool('pid', [])({})))).output?.value as number;
      process.kill(pid, 'SIGSTOP');
      await until(() => measured('missedHeartbeats') >= 2);
      process.kill(pid, 'SIGCONT');
      expect((await runtime.execute(same(2))).output?.value).to.equal(2);
      expect(measured('workerStarts')).to.equal(1);
      await runtime.close();
    });

    it('is measured where another runtime that had the same plugins has closed', async () => {
      const given = { plugins: [metricsPlugin({ sink: metrics }), pool.workers()], log };
      const [first, second] = [1, 2].map(
        () => (kind === 'sync' ? new LocalRuntime(given) : new AsyncLocalRuntime(given)) as LocalRuntime,
      ) as [LocalRuntime, LocalRuntime];
      for (const runtime of [first, second]) await runtime.execute(same(1));
      await second.close();
      const lost = await first.settle(one(pyTool('die_once', ['path'])({ path: join(pool.place(), 'died') })));
      expect(lost.status).to.equal('failed');
      expect((await first.execute(same(2))).output?.value).to.equal(2);
      expect(measured('workerEnds', { end: 'exited' })).to.equal(1);
      await first.close();
      expect(measured('activeWorkers')).to.equal(0);
    });

    it('refuses the run where they cannot start, and starts them for the next', async () => {
      const folder = pool.place();
      const runtime = open({ paths: [folder], preload: ['later'] });
      const path = join(folder, 'later.py');
      expect(existsSync(path)).to.equal(false);
      const refused = await rejection(Promise.resolve().then(() => runtime.settle(apart())));
      expect([refused.code, refused.at]).to.deep.equal(['PLUGIN_FAILED', 'python-workers "default"']);
      expect(refused.cause).to.have.property('code', 'WORKER_START_FAILED');
      expect(measured('workerStarts', { status: 'failed' })).to.equal(1);
      writeFileSync(path, 'from lockstep_worker import tool\n\n@tool\ndef seven():\n    return 7\n');
      expect((await runtime.settle(apart())).status).to.equal('completed');
      expect(measured('workerStarts', { status: 'completed' })).to.equal(1);
      await runtime.close();
    });

    it('counts against the time limit of a run that has to wait for them', async () => {
      const runtime = open({ preload: ['time'] });
      const late = await runtime.settle(same(1), {}, { timeoutMs: 1 });
      expect(late.status === 'failed' && late.error.failure.code).to.equal('RUN_TIMEOUT');
      expect((await runtime.execute(same(2))).output?.value).to.equal(2);
      await runtime.close();
    });

    it('is in the log, the end of their processes as well, and what they print between runs', async () => {
      const runtime = open();
      const place = pool.place();
      await runtime.execute(one(pyTool('print_later', ['path'])({ path: join(place, 'go') })));
      writeFileSync(join(place, 'go'), '');
      await until(() => log.entries.some(({ message }) => message === 'printed later'));
      await runtime.close();
      const [last] = log.entries.slice(-1);
      expect([last?.level, last?.message]).to.deep.equal(['debug', 'A Python worker was stopped.']);
      expect(last?.fields).to.include({ worker: 1, plugin: 'python-workers "default"' });
    });

    it('harms none of them where the sink of the metrics throws', async () => {
      const broken = () => {
        throw new Error('no sink');
      };
      const sink = { add: broken, set: broken, record: broken };
      const given = { plugins: [metricsPlugin({ sink }), pool.workers()], log };
      const runtime = kind === 'sync' ? new LocalRuntime(given) : new AsyncLocalRuntime(given);
      expect((await runtime.execute(same(3))).output?.value).to.equal(3);
      await runtime.close();
      expect(log.entries.some(({ message }) => message === 'A change of a worker could not be measured.')).to.equal(
        true,
      );
    });
  });
