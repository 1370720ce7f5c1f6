import { ConfigurationError, LockstepError } from '../base/errors.js';
import { VirtualClock } from './virtual-clock.js';

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

/** What moves something on that waits for a promise. */
export interface Steps {
  /** Takes the next step, whenever no microtask is left. `false`: there is none. */
  next(): boolean;
  /** Says that nothing can happen any more. `false`: nobody wants to know. */
  stall(): boolean;
  /** Whether something real is waited for before the next step, as long as it keeps the event loop alive. */
  isReal(): boolean;
}

/**
 * Starts something and moves it on, step by step, until its promise has settled.
 *
 * @throws LockstepError NEVER_SETTLED
 */
export async function driveUntil<T>(start: () => PromiseLike<T>, steps: Steps): Promise<T> {
  // A test runner may set a timer once it has been given a promise: that is not the run's.
  await null;
  const before = lasting();
  const promise = start();
  if (typeof (promise as Partial<PromiseLike<T>> | undefined)?.then !== 'function') {
    const what = 'advanceUntil() starts what returns a promise; LocalRuntime moves the clock on by itself.';
    throw new ConfigurationError('INVALID_OPTION', what, { at: 'advanceUntil', value: promise });
  }
  let over = false;
  let idle = 0;
  const end = (): void => {
    over = true;
  };
  promise.then(end, end);
  for (;;) {
    await nextTurn();
    if (over) return promise;
    if (steps.isReal() && resources() > before) idle = 0;
    else if (steps.next()) idle = 0;
    else if (resources() > before) idle = 0;
    else idle++;
    if (idle <= PATIENCE) continue;
    if (!steps.stall())
      throw new LockstepError(
        'NEVER_SETTLED',
        'A promise on a virtual clock never settles: no timer is set, and nothing else could settle it.',
      );
    idle = 0;
  }
}

/**
 * Starts an asynchronous run on a virtual clock and waits for it, so that hours pass in no time: whenever no microtask is left,
 * the clock goes on to its next timer. Where no timer is set, real input and output is waited for; where there is none either,
 * the clock says that nothing can happen any more, to the newest run first, which fails its pending attempts with NEVER_SETTLED. Sets no
 * timer itself. LocalRuntime needs none of this: it moves the clock on by sleeping.
 *
 * @param start starts the run; called after a microtask
 * @param clock that of the runtime
 * @param isReal whether something real is waited for before the clock may go on, as long as it keeps the event loop alive. Default: no
 * @throws LockstepError NEVER_SETTLED when the promise stays pending even then; ConfigurationError INVALID_OPTION
 */
export async function advanceUntil<T>(
  start: () => PromiseLike<T>,
  clock: VirtualClock,
  isReal: () => boolean = () => false,
): Promise<T> {
  if (typeof start !== 'function' || !(clock instanceof VirtualClock)) {
    const what = 'advanceUntil() takes a function that starts the run, and the VirtualClock of its runtime.';
    throw new ConfigurationError('INVALID_OPTION', what, { at: 'advanceUntil' });
  }
  return driveUntil(start, { next: () => clock.advanceToNext(), stall: () => clock.stall(), isReal });
}
