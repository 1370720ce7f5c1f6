import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { useFakeTimers } from 'sinon';
import { systemClock } from '../../../src/runtimes/system-clock.js';

const run = promisify(execFile);
const SRC = new URL('../../../src/', import.meta.url).href;
const LONGEST = 2 ** 31 - 1;

describe('system clock', () => {
  it('tells epoch milliseconds, and never less than before', () => {
    expect(Math.abs(systemClock.now() - Date.now())).to.be.lessThan(60_000);
    let last = systemClock.now();
    for (let index = 0; index < 10_000; index++) {
      const now = systemClock.now();
      expect(now).to.be.at.least(last);
      last = now;
    }
  });

  it('goes on when the wall clock is set back', () => {
    const original = Date.now;
    const before = systemClock.now();
    Date.now = () => 0;
    try {
      expect(systemClock.now()).to.be.at.least(before);
    } finally {
      Date.now = original;
    }
  });

  it('sleeps at least as long as it was told, and not at all for 0 or less', () => {
    const before = performance.now();
    systemClock.sleepSync(20);
    expect(performance.now() - before).to.be.at.least(19);
    systemClock.sleepSync(0);
    systemClock.sleepSync(-5);
  });

  it('calls back in a later turn', async () => {
    let called = false;
    const turn = new Promise<void>((resolve) => {
      systemClock.yieldTurn(() => {
        called = true;
        resolve();
      });
    });
    await null;
    expect(called).to.equal(false);
    await turn;
    expect(called).to.equal(true);
  });

  describe('timers', () => {
    let fake: ReturnType<typeof useFakeTimers>;

    beforeEach(() => {
      fake = useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    });

    afterEach(() => {
      fake.restore();
    });

    it('call back once, when it is time', () => {
      let calls = 0;
      systemClock.setTimer(100, () => calls++);
      fake.tick(99);
      expect(calls).to.equal(0);
      fake.tick(1);
      expect(calls).to.equal(1);
      fake.tick(1_000);
      expect(calls).to.equal(1);
    });

    it('can be taken back', () => {
      let calls = 0;
      const cancel = systemClock.setTimer(100, () => calls++);
      cancel();
      fake.tick(1_000);
      cancel();
      expect([calls, fake.countTimers()]).to.deep.equal([0, 0]);
    });

    it('longer than 32 bits are made of several, and can be taken back in any of them', () => {
      const wait = 2 * LONGEST + 10;
      let calls = 0;
      systemClock.setTimer(wait, () => calls++);
      const cancel = systemClock.setTimer(wait, () => calls++);
      fake.tick(LONGEST);
      expect([calls, fake.countTimers()]).to.deep.equal([0, 2]);
      fake.tick(LONGEST);
      cancel();
      expect([calls, fake.countTimers()]).to.deep.equal([0, 1]);
      fake.tick(9);
      expect(calls).to.equal(0);
      fake.tick(1);
      expect([calls, fake.countTimers()]).to.deep.equal([1, 0]);
    });
  });

  describe('when nothing is left that could wake the process', () => {
    const program = (code: string) =>
      run(process.execPath, [
        '--input-type=module',
        '--eval',
        `import { systemClock } from '${SRC}runtimes/system-clock.js';${code}`,
      ]);

    it('tells everyone who asked, once and the newest first, and nobody who took it back', async () => {
      const { stdout } = await program(`
        const told = [];
        systemClock.onStall(() => told.push('one'));
        systemClock.onStall(() => told.push('two'))();
        systemClock.onStall(() => told.push('three'));
        process.on('exit', () => console.log(told.join(' ')));`);
      expect(stdout).to.equal('three one\n');
    });

    it('keeps one listener on the process while someone asks, and none otherwise', () => {
      const before = process.listenerCount('beforeExit');
      const [one, two] = [systemClock.onStall(() => undefined), systemClock.onStall(() => undefined)];
      expect(process.listenerCount('beforeExit')).to.equal(before + 1);
      one();
      expect(process.listenerCount('beforeExit')).to.equal(before + 1);
      two();
      two();
      expect(process.listenerCount('beforeExit')).to.equal(before);
    });

    it('a run whose node never settles fails with NEVER_SETTLED instead of vanishing', async () => {
      const { stdout } = await program(`
        const { workflow } = await import('${SRC}base/workflow-builder.js');
        const { AsyncLocalRuntime } = await import('${SRC}runtimes/async-local-runtime.js');
        const w = workflow('w');
        w.fn('hangs', {}, () => new Promise(() => undefined));
        w.fn('fine', {}, () => 1);
        const outcome = await new AsyncLocalRuntime().settle(w.build());
        console.log(outcome.status, outcome.error.failure.code, outcome.error.node, outcome.node('fine').status);`);
      expect(stdout).to.equal('failed NEVER_SETTLED hangs completed\n');
    });
  });
});
