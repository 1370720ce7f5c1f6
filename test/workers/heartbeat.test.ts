import { expect } from 'chai';
import type { HeartbeatOptions } from '../../src/plugins/python/configuration.js';
import { rejection } from '../support/caught.js';
import { TestWorker } from '../support/python-worker.js';
import { isGone } from '../support/python-workers.js';
import { until } from '../support/until.js';

const FAST: HeartbeatOptions = { enabled: true, pingIntervalMs: 100, timeoutMs: 400, maxMissedHeartbeats: 3 };

describe('The heartbeat of a worker', function () {
  this.timeout(60_000);
  let host: TestWorker;
  afterEach(async () => {
    if (host.worker.state.is === 'ready') process.kill(host.pid, 'SIGCONT');
    await host.remove();
  });

  it('goes on while a tool holds the interpreter: it is busy, and not dead', async () => {
    host = await TestWorker.start({ heartbeat: FAST, healthTimeoutMs: 100 });
    const session = host.worker.getSessionId();
    const held = host.call('hold_interpreter', { seconds: 3 });
    // A second of it: more than the misses that would end it.
    const began = performance.now();
    let health = await host.worker.getHealth();
    while (performance.now() - began < 1_000) health = await host.worker.getHealth();
    expect(health).to.deep.include({ responsive: false, status: 'UNKNOWN', load: null, missedHeartbeats: 0 });
    expect(await held).to.equal('held');
    expect(host.missed).to.deep.equal([]);
    expect(host.worker.getSessionId()).to.equal(session);
    expect(await host.worker.getHealth()).to.include({ responsive: true, status: 'SERVING' });
  });

  it('kills none for one answer that is missing', async () => {
    host = await TestWorker.start({ heartbeat: FAST });
    const session = host.worker.getSessionId();
    process.kill(host.pid, 'SIGSTOP');
    await until(() => host.missed.length === 1);
    process.kill(host.pid, 'SIGCONT');
    while ((await host.worker.getHealth()).missedHeartbeats > 0);
    expect(await host.worker.execute('ping')).to.equal('pong');
    expect(host.worker.getSessionId()).to.equal(session);
    expect(host.missed).to.not.include(3);
  });

  it('finds one that has been stopped, kills it and puts another one in its place', async () => {
    host = await TestWorker.start({ heartbeat: FAST });
    const { pid } = host;
    const call = rejection(host.call('await_gently'));
    await host.untilBegun(1);
    process.kill(pid, 'SIGSTOP');
    const error = await call;
    expect(error.code).to.equal('WORKER_LOST');
    expect((error.cause as Error).message).to.include('did not answer 3 heartbeats');
    expect(isGone(pid)).to.equal(true);
    expect(host.missed).to.deep.equal([1, 2, 3]);
    expect(await host.worker.execute('ping')).to.equal('pong');
  });

  it('goes on for one that is replaced until its calls are over', async () => {
    host = await TestWorker.start({ heartbeat: FAST, recycle: { afterCalls: 2 } });
    const { pid } = host;
    const call = rejection(host.call('await_gently'));
    await host.untilBegun(1);
    await host.worker.execute('ping');
    await until(() => host.worker.state.is === 'ready' && host.pid !== pid);
    process.kill(pid, 'SIGSTOP');
    const error = await call;
    expect(error.code).to.equal('WORKER_LOST');
    expect((error.cause as Error).message).to.include('did not answer 3 heartbeats');
    expect(await host.worker.execute('ping')).to.equal('pong');
    expect(host.states.filter(({ is }) => is === 'restarting')).to.deep.equal([]);
  });

  it('that is independent only tells', async () => {
    host = await TestWorker.start({ heartbeat: { ...FAST, mode: 'independent', maxMissedHeartbeats: 1 } });
    const session = host.worker.getSessionId();
    process.kill(host.pid, 'SIGSTOP');
    await until(() => host.missed.length >= 3);
    process.kill(host.pid, 'SIGCONT');
    expect(await host.worker.execute('ping')).to.equal('pong');
    expect(host.worker.getSessionId()).to.equal(session);
  });

  it('is off where nobody asks for it', async () => {
    host = await TestWorker.start();
    expect((await host.worker.getHealth()).missedHeartbeats).to.equal(0);
  });
});
