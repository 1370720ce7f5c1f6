import type { VirtualClock } from './virtual-clock.js';

/** Turns of the event loop without anything to wait for, after which a run counts as stalled. */
const PATIENCE = 20;

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** What keeps the event loop alive at this moment, beside the turn that is asked for. */
function resources(): number {
  return process.getActiveResourcesInfo().filter((name) => name !== 'Immediate').length;
}

/** Those of them that do not end by themselves, as a request does that somebody left behind. */
function lasting(): number {
  return process.getActiveResourcesInfo().filter((name) => name !== 'Immediate' && !name.includes('Req')).length;
}

/**
 * Starts an asynchronous run on a virtual clock and waits for it. Whenever no microtask is left, the clock goes on to its next timer. Where no
 * timer is set, real input and output is waited for; where there is none either, the clock says that nothing can happen any
 * more, to the newest run first, which fails its pending attempts with NEVER_SETTLED. Takes no time by the wall clock, and sets no timer.
 *
 * @param start starts the run; called after a microtask
 * @param isReal whether something real is waited for before the clock may go on, as long as it keeps the event loop alive. Default: no
 * @throws Error when the promise stays pending even then
 */
export async function advanceUntil<T>(
  start: () => PromiseLike<T>,
  clock: VirtualClock,
  isReal: () => boolean = () => false,
): Promise<T> {
  // A test runner may set a timer once it has been given a promise: that is not the run's.
  await null;
  const before = lasting();
  const promise = start();
  let over = false;
  let idle = 0;
  const end = (): void => {
    over = true;
  };
  promise.then(end, end);
  for (;;) {
    await nextTurn();
    if (over) return promise;
    if (isReal() && resources() > before) idle = 0;
    else if (clock.advanceToNext()) idle = 0;
    else if (resources() > before) idle = 0;
    else idle++;
    if (idle <= PATIENCE) continue;
    if (!clock.stall())
      throw new Error('A promise on a virtual clock never settles: no timer is set, and nothing else could settle it.');
    idle = 0;
  }
}
