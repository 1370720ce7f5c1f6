import type { Clock } from '../base/ports.js';

/** Read once: the getters of both cost as much as the clock itself. */
const monotonic = globalThis.performance;
const ORIGIN = monotonic.timeOrigin;

const pause = new Int32Array(new SharedArrayBuffer(4));

/** setTimeout counts in 32 bits: a longer wait is made of several. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Who wants to know that the process has nothing left to wait for; one listener on the process serves them all. */
const stalled = new Set<() => void>();

function forget(callback: () => void): void {
  if (stalled.delete(callback) && stalled.size === 0) process.off('beforeExit', announceStall);
}

/** Tells one, the newest: what is older may wait for it. If the others are still stuck after another turn, the next is told. */
function announceStall(): void {
  const newest = [...stalled].at(-1) as () => void;
  forget(newest);
  setImmediate(() => undefined);
  newest();
}

/** The time of this process: wall-clock epoch milliseconds at its start, carried on by the monotonic clock, so it never decreases. */
export const systemClock: Clock = {
  now: () => ORIGIN + monotonic.now(),

  sleepSync(ms) {
    if (ms > 0) Atomics.wait(pause, 0, 0, ms);
  },

  setTimer(ms, callback) {
    let left = ms;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const wait = Math.min(left, LONGEST_TIMER);
      left -= wait;
      timer = setTimeout(() => (left > 0 ? arm() : callback()), wait);
    };
    arm();
    return () => clearTimeout(timer);
  },

  yieldTurn(callback) {
    setImmediate(callback);
  },

  onStall(callback) {
    if (stalled.size === 0) process.on('beforeExit', announceStall);
    const asked = (): void => callback();
    stalled.add(asked);
    return () => forget(asked);
  },
};
