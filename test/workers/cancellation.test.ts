import { getEventListeners, getMaxListeners, setMaxListeners } from 'node:events';
import { expect } from 'chai';
import { grpcPython } from '../../src/plugins/python/grpc-python-adapter.js';
import { rejection } from '../support/caught.js';
import { preparedPython } from '../support/python-environment.js';
import { TestWorker } from '../support/python-worker.js';
import { isGone } from '../support/python-workers.js';
import { until } from '../support/until.js';

describe('A call of a worker that takes too long', function () {
  this.timeout(60_000);
  let host: TestWorker;

  before(async () => {
    host = await TestWorker.start({ maxConcurrentCalls: 2 });
  });
  after(() => host.remove());

  const session = (): string => host.worker.getSessionId();
  const load = async () => (await host.worker.getHealth()).load;
  /** Waits until the worker has nothing to do. */
  const untilIdle = async (): Promise<void> => {
    while ((await host.worker.getHealth()).calls > 0);
  };

  for (const tool of ['await_gently', 'await_event'] as const)
    it(`is rejected, and ${tool} is told`, async () => {
      const before = session();
      const error = await rejection(host.worker.execute(`wire_tools:${tool}`, {}, { timeoutMs: 30 }));
      expect(error.code).to.equal('CALL_TIMEOUT');
      expect(error.message).to.include(`wire_tools:${tool} was not answered within 30 ms.`);
      await untilIdle();
      expect(await load()).to.include({ running: 0, waiting: 0, held: 0 });
      expect(session()).to.equal(before);
    });

  it('warns of nothing where many calls share a signal, unless its owner has said how many may', async () => {
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 50 }, () => host.worker.execute('ping', {}, { signal })));
    expect(getMaxListeners(signal)).to.be.at.least(50);
    expect(getEventListeners(signal, 'abort')).to.deep.equal([]);
    const own = new AbortController().signal;
    setMaxListeners(3, own);
    await host.worker.execute('ping', {}, { signal: own });
    expect(getMaxListeners(own)).to.equal(3);
  });

  it('is known to the tool beforehand', async () => {
    const left = await host.worker.execute('wire_tools:remaining', {}, { timeoutMs: 5_000 });
    expect(left).to.be.within(3, 5);
    expect(await host.call('remaining')).to.equal(null);
  });

  it('keeps its place until the function has really ended, and what that returns is delivered to nobody', async () => {
    const [before, begun] = [session(), host.begun];
    const path = host.path('late');
    const options = { timeoutMs: 50 };
    const late = [1, 2].map((value) =>
      rejection(host.worker.execute('wire_tools:await_then', { path, value }, options)),
    );
    await host.untilBegun(begun + 2);
    for (const each of late) expect((await each).code).to.equal('CALL_TIMEOUT');
    // Both threads are held: the next one waits.
    const next = host.call('same', { value: 'next' });
    while ((await load())?.waiting !== 1);
    expect(await load()).to.include({ running: 2, waiting: 1, held: 2 });
    host.open('late');
    expect(await next).to.equal('next');
    await untilIdle();
    expect(session()).to.equal(before);
  });

  it('is none where it may take longer than any timer', async () => {
    expect(await host.worker.execute('ping', {}, { timeoutMs: 1e15 })).to.equal('pong');
    expect(await host.worker.execute('wire_tools:same_later', { value: 1 }, { timeoutMs: 2 ** 40 })).to.equal(1);
  });

  it('leaves nothing at its signal when it has been answered', async () => {
    const { signal } = new AbortController();
    await host.worker.execute('ping', {}, { signal });
    for await (const n of host.worker.executeStream('wire_tools:count', { upto: 3 }, { signal }))
      expect(n).to.be.below(3);
    await rejection(host.worker.execute('no:such', {}, { signal }));
    expect(getEventListeners(signal, 'abort')).to.have.length(0);
  });

  it('is rejected with the reason of its signal, at once', async () => {
    const begun = host.begun;
    const controller = new AbortController();
    const { signal } = controller;
    const call = host.worker.execute('wire_tools:await_gently', {}, { signal }).catch((error: unknown) => error);
    await host.untilBegun(begun + 1);
    const reason = new Error('not wanted');
    controller.abort(reason);
    expect(await call).to.equal(reason);
    await untilIdle();
    const late = host.worker.execute('wire_tools:note', { name: 'aborted' }, { signal });
    expect(await late.catch((error: unknown) => error)).to.equal(reason);
    expect(await host.call('noted', { name: 'aborted' })).to.equal(0);
  });

  it('never begins if it is aborted while it waits in the worker', async () => {
    const begun = host.begun;
    const path = host.path('queued');
    const holding = [1, 2].map((value) => host.call('await_then', { path, value }));
    await host.untilBegun(begun + 2);
    const controller = new AbortController();
    const { signal } = controller;
    const queued = host.worker.execute('wire_tools:note', { name: 'queued' }, { signal }).catch(() => 'aborted');
    while ((await load())?.waiting !== 1);
    controller.abort();
    expect(await queued).to.equal('aborted');
    // Its place is free although both threads are held.
    while ((await load())?.waiting !== 0);
    host.open('queued');
    expect(await Promise.all(holding)).to.deep.equal([1, 2]);
    expect(await host.call('noted', { name: 'queued' })).to.equal(0);
  });

  it('is not even sent if it is aborted in the same turn', async () => {
    const { begun } = (await host.worker.getInfo()).worker.calls as { begun: number };
    const controller = new AbortController();
    const { signal } = controller;
    const call = host.worker.execute('wire_tools:note', { name: 'unsent' }, { signal });
    controller.abort(new Error('at once'));
    expect(await call.catch((error: Error) => error.message)).to.equal('at once');
    const after = (await host.worker.getInfo()).worker.calls as { begun: number };
    expect(after.begun - begun).to.be.at.most(1);
    expect((await host.worker.getHealth()).calls).to.equal(0);
  });

  it('has the limit of the adapter where it has none of its own', async () => {
    const { scriptPath, scriptArgs } = grpcPython();
    const { path: executablePath } = await preparedPython();
    const asked: unknown[] = [];
    const other = await TestWorker.start({
      adapter: {
        executablePath,
        scriptPath,
        scriptArgs,
        commandTimeout(command, args) {
          asked.push([command, args]);
          return command === 'wire_tools:await_gently' ? 20 : undefined;
        },
      },
    });
    try {
      expect((await rejection(other.call('await_gently'))).code).to.equal('CALL_TIMEOUT');
      expect(await other.call('same', { value: 1 })).to.equal(1);
      expect(asked).to.deep.equal([
        ['wire_tools:await_gently', {}],
        ['wire_tools:same', { value: 1 }],
      ]);
    } finally {
      await other.remove();
    }
  });
});

describe('A tool that does not stop when it is told', function () {
  this.timeout(60_000);
  let host: TestWorker;

  beforeEach(async () => {
    host = await TestWorker.start({ stopGraceMs: 100, gracefulShutdownTimeoutMs: 300 });
  });
  afterEach(() => host.remove());

  it('has its worker replaced: other calls there may end, and new ones go to the new process', async () => {
    const { pid } = host;
    const before = host.worker.getSessionId();
    const stuck = rejection(
      host.worker.execute('wire_tools:await_then', { path: host.path('never') }, { timeoutMs: 50 }),
    );
    const good = host.call('await_then', { path: host.path('good'), value: 'good' });
    expect((await stuck).code).to.equal('CALL_TIMEOUT');
    await until(() => host.states.some(({ is }) => is === 'restarting'));
    host.open('good');
    expect(await good).to.equal('good');
    expect(await host.call('session')).to.equal(host.worker.getSessionId());
    expect(host.worker.getSessionId()).to.not.equal(before);
    await until(() => isGone(pid));
    const restarting = host.states.find((state) => state.is === 'restarting');
    expect(restarting?.reason.message).to.match(/^wire_tools:await_then was cancelled and has not stopped for 100 ms/);
  });

  it('takes those with it that do not end in time', async () => {
    const path = host.path('never');
    const other = rejection(host.call('await_then', { path }));
    await host.untilBegun(1);
    const stuck = rejection(host.worker.execute('wire_tools:await_then', { path }, { timeoutMs: 20 }));
    expect((await stuck).code).to.equal('CALL_TIMEOUT');
    const { code, cause } = await other;
    expect(code).to.equal('WORKER_LOST');
    expect((cause as Error).message).to.include('was cancelled and has not stopped');
  });
});
