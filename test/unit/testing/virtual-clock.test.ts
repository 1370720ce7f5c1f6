import { expect } from 'chai';
import { systemClock } from '../../../src/runtimes/system-clock.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import { advanceUntil } from '../../../src/testing/virtual-drive.js';
import { refusal, rejection } from '../../support/caught.js';

describe('VirtualClock', () => {
  it('starts at 2024-01-01, or where it is told, and moves only when told', () => {
    expect(new VirtualClock().now()).to.equal(Date.UTC(2024, 0, 1));
    const clock = new VirtualClock(0);
    expect([clock.now(), clock.now()]).to.deep.equal([0, 0]);
    clock.advance(5.5);
    expect(clock.now()).to.equal(5.5);
    clock.sleepSync(4.5);
    expect(clock.now()).to.equal(10);
  });

  it('never goes back', () => {
    const clock = new VirtualClock(100);
    clock.advance(-50);
    clock.sleepSync(-1);
    expect(clock.now()).to.equal(100);
  });

  it('takes no time that is none: it would never tell one again', () => {
    expect(refusal(() => new VirtualClock(Number.NaN))).to.include({ code: 'INVALID_OPTION', at: 'VirtualClock' });
    const clock = new VirtualClock(100);
    for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, '5' as never, undefined as never])
      expect(refusal(() => clock.advance(ms)).message).to.equal(
        'VirtualClock.advance takes a finite number of milliseconds. Correct the named option.',
      );
    expect(clock.now()).to.equal(100);
  });

  it('fires timers in the order of their time, each seeing its own, ties as they were set', () => {
    const clock = new VirtualClock(0);
    const fired: string[] = [];
    const note = (name: string) => () => fired.push(`${name} ${clock.now()}`);
    clock.setTimer(30, note('late'));
    clock.setTimer(10, note('first'));
    clock.setTimer(10, note('second'));
    clock.setTimer(50, note('never'));
    clock.setTimer(-5, note('now'));
    clock.advance(40);
    expect(fired).to.deep.equal(['now 0', 'first 10', 'second 10', 'late 30']);
    expect([clock.now(), clock.timers]).to.deep.equal([40, 1]);
  });

  it('fires timers that timers set, as far as they are due', () => {
    const clock = new VirtualClock(0);
    const fired: number[] = [];
    const again = (): void => {
      fired.push(clock.now());
      clock.setTimer(10, again);
    };
    clock.setTimer(10, again);
    clock.advance(35);
    expect(fired).to.deep.equal([10, 20, 30]);
  });

  it('does not fire a timer that was taken back, also by another timer', () => {
    const clock = new VirtualClock(0);
    const fired: string[] = [];
    const cancel = clock.setTimer(20, () => fired.push('cancelled'));
    clock.setTimer(10, cancel);
    clock.advance(100);
    cancel();
    expect([fired, clock.timers]).to.deep.equal([[], 0]);
  });

  it('moves to the next timer, and says when there is none', () => {
    const clock = new VirtualClock(0);
    let fired = 0;
    clock.setTimer(70, () => fired++);
    expect([clock.advanceToNext(), clock.now(), fired]).to.deep.equal([true, 70, 1]);
    expect([clock.advanceToNext(), clock.now()]).to.deep.equal([false, 70]);
  });

  it('gives a turn in a microtask', async () => {
    let called = false;
    new VirtualClock().yieldTurn(() => {
      called = true;
    });
    expect(called).to.equal(false);
    await null;
    expect(called).to.equal(true);
  });

  it('tells those who ask when it is told that nothing can happen any more: each once, the newest first', () => {
    const clock = new VirtualClock();
    const told: string[] = [];
    clock.onStall(() => told.push('one'));
    const stop = clock.onStall(() => told.push('taken back'));
    clock.onStall(() => told.push('three'));
    stop();
    expect(clock.stall()).to.equal(true);
    expect(told).to.deep.equal(['three']);
    expect([clock.stall(), clock.stall()]).to.deep.equal([true, false]);
    expect(told).to.deep.equal(['three', 'one']);
  });
});

describe('advanceUntil', () => {
  it('moves the clock on until a promise is kept, and returns its value', async () => {
    const clock = new VirtualClock(0);
    const start = async () => {
      for (let left = 3; left > 0; left--) await new Promise<void>((resolve) => clock.setTimer(1_000_000, resolve));
      return 'done';
    };
    expect(await advanceUntil(start, clock)).to.equal('done');
    expect(clock.now()).to.equal(3_000_000);
  });

  it('passes on a rejection', async () => {
    const clock = new VirtualClock(0);
    let message = '';
    await advanceUntil(() => Promise.reject(new Error('broken')), clock).catch((error: Error) => {
      message = error.message;
    });
    expect(message).to.equal('broken');
  });

  it('says that nothing can happen any more before it gives up', async () => {
    const clock = new VirtualClock(0);
    expect(await advanceUntil(() => new Promise((resolve) => clock.onStall(() => resolve('told'))), clock)).to.equal(
      'told',
    );
  });

  it('refuses a promise that nothing could settle', async () => {
    const error = await rejection(advanceUntil(() => new Promise(() => undefined), new VirtualClock()));
    expect(error.code).to.equal('NEVER_SETTLED');
    expect(error.message).to.contain('never settles: no timer is set, and nothing else could settle it.');
  });

  it('refuses anything but a function and a virtual clock', async () => {
    for (const [start, clock] of [
      [Promise.resolve(), new VirtualClock()],
      [() => Promise.resolve(), systemClock],
    ]) {
      const error = await rejection(advanceUntil(start as never, clock as never));
      expect(error.code).to.equal('INVALID_OPTION');
      expect(error.message).to.contain('a function that starts the run, and the VirtualClock of its runtime');
    }
  });

  it('says so where nothing was started that could be waited for', async () => {
    const error = await rejection(advanceUntil((() => 5) as never, new VirtualClock()));
    expect(error.code).to.equal('INVALID_OPTION');
    expect(error.message).to.contain('advanceUntil() starts what returns a promise; LocalRuntime moves the clock on');
    expect((await rejection(advanceUntil((() => undefined) as never, new VirtualClock()))).code).to.equal(error.code);
  });
});
