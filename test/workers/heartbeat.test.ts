import { expect } from 'chai';
import type { HeartbeatOptions } from '../../src/plugins/python/configuration.js';
import { rejection } from '../support/caught.js';
import { PingProxy } from '../support/ping-proxy.js';
import { TestWorker } from '../support/python-worker.js';
import { isGone } from '../support/python-workers.js';
import { until } from '../support/until.js';

const FAST: HeartbeatOptions = { enabled: true, pingIntervalMs: 100, timeoutMs: 400, maxMissedHeartbeats: 3 };

describe('The heartbeat of a worker', function () {
  this.timeout(60_000);
  let host: TestWorker;
  let proxy: PingProxy | undefined;
  afterEach(async () => {
    if (host.worker.state.is === 'ready') process.kill(host.pid, 'SIGCONT');
    await host.remove();
    proxy?.[Symbol.dispose]();
  });

  /** A worker whose heartbeat, and nothing else, passes a proxy. */
  async function startProxied(heartbeat: HeartbeatOptions, loses?: (answer: number) => boolean): Promise<PingProxy> {
    host = await TestWorker.make({ heartbeat });
    // It is told before the first ping, and its stream is there already.
    const off = host.worker.on('state', ({ is }) => {
      if (is === 'ready') proxy = new PingProxy(host.entry.folder, loses);
    });
    await host.worker.start();
    off();
    return proxy as PingProxy;
  }

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

  it('goes on while a tool holds the interpreter for half a minute, and ends one that is stopped for seconds', async () => {
    const proxied = await startProxied({ enabled: true, pingIntervalMs: 1_000, timeoutMs: 1_000 });
    const { pid } = host;
    expect(await host.call('hold_interpreter', { seconds: 30 })).to.equal('held');
    expect(host.missed).to.deep.equal([]);
    // It was asked more often than it might have been silent.
    expect(proxied.answers).to.be.greaterThan(3);
    expect(await host.worker.execute('ping')).to.equal('pong');
    expect(host.pid).to.equal(pid);
    process.kill(pid, 'SIGSTOP');
    await until(() => isGone(pid), 20_000);
    expect(host.missed).to.deep.equal([1, 2, 3]);
  });

  it('kills none for one answer that is lost, and nothing else', async () => {
    const proxied = await startProxied(FAST, (answer) => answer === 2);
    const session = host.worker.getSessionId();
    await until(() => proxied.answers >= 8);
    expect(proxied.lost).to.deep.equal([2]);
    expect(host.missed).to.deep.equal([1]);
    expect((await host.worker.getHealth()).missedHeartbeats).to.equal(0);
    expect(await host.worker.execute('ping')).to.equal('pong');
    expect(host.worker.getSessionId()).to.equal(session);
    expect(host.exits).to.deep.equal([]);
  });

  it('kills none for two answers in a row that are lost, however often, and puts another one in its place for three', async () => {
    // Two are lost, one comes, two are lost, one comes; then three are lost.
    const proxied = await startProxied(FAST, (answer) => answer % 3 !== 1 || answer > 7);
    const { pid } = host;
    await until(() => isGone(pid));
    expect(host.missed).to.deep.equal([1, 2, 1, 2, 1, 2, 3]);
    expect(proxied.lost).to.deep.equal([2, 3, 5, 6, 8, 9, 10]);
    expect(await host.worker.execute('ping')).to.equal('pong');
    expect(host.pid).to.not.equal(pid);
    expect(host.exits).to.deep.equal([{ how: 'stopped', forced: true }]);
  });

  it('kills none for one answer that is late', async () => {
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
