import { expect } from 'chai';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { ThreadBridge } from '../../../src/runtimes/sync-bridge/thread-bridge.js';
import { VirtualClock } from '../../../src/testing/index.js';
import { fromModule, only, sharedCells, withX } from '../../support/module-nodes.js';

const cellsType = type<Int32Array>();
const heed = fromModule('heed', { cells: cellsType });

describe('Time and abort of module nodes in LocalRuntime', () => {
  let bridge: ThreadBridge;
  let runtime: LocalRuntime;
  before(() => {
    bridge = new ThreadBridge({ graceMs: 500 });
    runtime = new LocalRuntime({ bridge });
  });
  beforeEach(() => {
    runtime.execute(only(withX('double')({ x: 1 }))); // limits below are shorter than a thread takes to start
  });
  after(() => {
    runtime.close();
    bridge.close();
  });

  const failureOf = (...args: Parameters<typeof only>) => {
    const outcome = runtime.settle(only(...args));
    return outcome.status === 'failed' ? outcome.error.failure.code : outcome.status;
  };

  /** Waits until the thread has written into shared memory. */
  const heard = (cells: Int32Array): number => {
    Atomics.wait(cells, 0, 0, 5_000);
    return Atomics.load(cells, 0);
  };

  it('a call that never answers fails at its limit, and its signal is aborted', () => {
    const cells = sharedCells();
    expect(failureOf(heed({ cells }), { timeoutMs: 30 })).to.equal('ATTEMPT_TIMEOUT');
    expect(heard(cells)).to.equal(1);
  });

  it('one that heeds its soft limit completes, with a warning', () => {
    const cells = sharedCells();
    const run = runtime.execute(only(heed({ cells }), { softTimeoutMs: 20, timeoutMs: 8_000 }));
    expect([run.unwrap().y, run.warnings.map(({ code }) => code)]).to.deep.equal([1, ['soft-timeout']]);
  });

  it('the limit of the run reaches it too', () => {
    const cells = sharedCells();
    const outcome = runtime.settle(only(heed({ cells })), {}, { timeoutMs: 30 });
    expect([outcome.status, outcome.status === 'failed' && outcome.error.failure.code]).to.deep.equal([
      'failed',
      'RUN_TIMEOUT',
    ]);
    expect(heard(cells)).to.equal(1);
  });

  it('so does a sibling that fails fast', () => {
    using failing = new LocalRuntime({ bridge, onError: 'fail-fast' });
    const cells = sharedCells();
    const w = workflow('w');
    w.add('a', heed({ cells }));
    w.fn('b', {}, () => {
      throw new Error('no');
    });
    const outcome = failing.settle(w.build());
    expect([outcome.status, outcome.status !== 'rejected' && outcome.node('a').status]).to.deep.equal([
      'failed',
      'cancelled',
    ]);
    expect(heard(cells)).to.equal(1);
  });

  it('and a signal that a node aborts', () => {
    const cells = sharedCells();
    const controller = new AbortController();
    const w = workflow('w');
    w.add('a', heed({ cells }));
    w.fn('b', {}, () => controller.abort(new Error('enough')));
    const outcome = runtime.settle(w.build(), {}, { signal: controller.signal });
    expect([outcome.status, outcome.status !== 'rejected' && outcome.node('a').status]).to.deep.equal([
      'cancelled',
      'cancelled',
    ]);
    expect(heard(cells)).to.equal(1);
  });

  it('a function that holds the thread hears of it when it reads its signal', () => {
    expect(failureOf(fromModule('spin', {})(), { timeoutMs: 60 })).to.equal('ATTEMPT_TIMEOUT');
    const before = runtime.execute(only(fromModule('identify', {})())).unwrap().y;
    expect(runtime.execute(only(fromModule('identify', {})())).unwrap().y).to.equal(before);
  });

  it('also of an abort that is no limit of its own', () => {
    const cells = sharedCells();
    const node = fromModule('spinAndTell', { cells: cellsType });
    const outcome = runtime.settle(only(node({ cells })), {}, { timeoutMs: 30 });
    expect([outcome.status, heard(cells)]).to.deep.equal(['failed', 1]);
  });

  it('and of its deadline while the caller is busy with another node', () => {
    const cells = sharedCells();
    const w = workflow('w');
    w.try('a', fromModule('spinAndTell', { cells: cellsType })({ cells }), { timeoutMs: 30 });
    const b = w.fn('b', {}, () => heard(cells));
    expect(runtime.execute(w.build({ outputs: { y: b.out.value } })).unwrap().y).to.equal(1);
  });

  it('one that never reads it loses its thread after the grace; what had not begun goes to the next thread', () => {
    const w = workflow('w');
    w.try('a', withX('block')({ x: 60_000 }), { timeoutMs: 60 });
    w.try('b', withX('double')({ x: 4 }));
    w.try('c', withX('double')({ x: 5 }), { after: 'a', join: 'always' });
    const run = runtime.execute(w.build());
    expect([...run.nodes.values()].map(({ status, attempts, error }) => [status, attempts, error?.code])).to.deep.equal(
      [
        ['failed', 1, 'ATTEMPT_TIMEOUT'],
        ['completed', 1, undefined],
        ['completed', 1, undefined],
      ],
    );
  });

  it('one that is given up while its module is loaded is never called', () => {
    using fresh = new ThreadBridge({ graceMs: 500 });
    using own = new LocalRuntime({ bridge: fresh });
    const w = workflow('w');
    w.try('a', withX('block')({ x: 60_000 }), { timeoutMs: 1 });
    const b = w.add('b', withX('double')({ x: 4 }));
    const run = own.execute(w.build({ outputs: { y: b.out.y } }));
    expect([run.unwrap().y, run.node('a').error?.code]).to.deep.equal([8, 'ATTEMPT_TIMEOUT']);
  });

  it('what had begun beside it is lost, and may be retried', () => {
    const w = workflow('w');
    const first = w.add('first', withX('wait')({ x: 300 }), { retry: { attempts: 2 } });
    w.try('then', withX('block')({ x: 60_000 }), { timeoutMs: 60 });
    const run = runtime.execute(w.build({ outputs: { y: first.out.y } }));
    expect([run.unwrap().y, run.node('first').failures.map(({ error }) => error.code)]).to.deep.equal([
      300,
      ['BRIDGE_LOST'],
    ]);
    expect(run.node('first').failures[0]?.error.message).to.contain('it did not stop when another call was given up');
  });

  it('a promise that nothing can settle is NEVER_SETTLED, and the rest of the run goes on', () => {
    const w = workflow('w');
    w.try('never', fromModule('never', {})());
    const after = w.add('after', withX('double')({ x: 1 }), { after: 'never', join: 'always' });
    const run = runtime.execute(w.build({ outputs: { y: after.out.y } }));
    expect([run.unwrap().y, run.node('never').error?.code]).to.deep.equal([2, 'NEVER_SETTLED']);
  });

  it('also in a thread that replaced another one, where the last call had been given up', () => {
    const w = workflow('w');
    w.try('blocks', withX('block')({ x: 60_000 }), { timeoutMs: 60 });
    w.try('never', fromModule('never', {})(), { after: 'blocks', join: 'always' });
    w.try('blocks2', withX('block')({ x: 60_000 }), { timeoutMs: 60, after: 'blocks', join: 'always' });
    const run = runtime.execute(w.build());
    const codes = ['blocks', 'never', 'blocks2'].map((id) => run.nodes.get(id)?.error?.code);
    expect(codes).to.deep.equal(['ATTEMPT_TIMEOUT', 'NEVER_SETTLED', 'ATTEMPT_TIMEOUT']);
  });

  it('an attempt is retried after its wait while others are in flight', () => {
    const cells = sharedCells();
    const w = workflow('w');
    const flaky = fromModule('flaky', { cells: cellsType, x: type<number>() });
    const a = w.add('a', flaky({ cells, x: 2 }), { retry: { attempts: 3, delayMs: 5 } });
    const b = w.add('b', withX('wait')({ x: 40 }));
    expect(runtime.execute(w.build({ outputs: { a: a.out.y, b: b.out.y } })).output).to.deep.equal({ a: 3, b: 40 });
  });

  describe('with a virtual clock', () => {
    const virtual = (build: ReturnType<typeof only>) => {
      const clock = new VirtualClock(0);
      using own = new LocalRuntime({ bridge, clock });
      const outcome = own.settle(build);
      return outcome.status === 'completed'
        ? [outcome.status, clock.now(), outcome.unwrap().y]
        : [outcome.status, clock.now()];
    };

    it('time stands still while a thread works', () => {
      expect(virtual(only(withX('waitUnheard')({ x: 30 }), { timeoutMs: 5 }))).to.deep.equal(['completed', 0, false]);
    });

    it('and goes on once nothing is left to work: time limits pass', () => {
      expect(virtual(only(fromModule('never', {})(), { timeoutMs: 3_600_000 }))).to.deep.equal(['failed', 3_600_000]);
    });

    it('waits between attempts take no real time', () => {
      const flaky = fromModule('flaky', { cells: cellsType, x: type<number>() });
      const retry = { attempts: 3, delayMs: 60_000, backoff: 'fixed' } as const;
      expect(virtual(only(flaky({ cells: sharedCells(), x: 2 }), { retry }))).to.deep.equal(['completed', 120_000, 3]);
    });
  });
});
