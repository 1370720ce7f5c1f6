import type { NodeFunction, NodeImplementation } from '../base/node.js';
import type { Clock } from '../base/ports.js';

/** How the function of a node that takes time is made for the clock of whatever runs it. */
export interface TimedForms {
  /** As it was declared. */
  own(clock: Clock): NodeFunction;
  /** Waits for no promise: it holds the thread, by `clock.sleepSync`, as long as the other would wait. */
  holding(clock: Clock): NodeFunction;
}

const forms = new WeakMap<NodeFunction, TimedForms>();

/** Says of a function how it is made for other clocks. */
export function timed(run: NodeFunction, made: TimedForms): NodeFunction {
  forms.set(run, made);
  return run;
}

/** The same node on another clock, where it takes time on one. */
export function onClock(implementation: NodeImplementation, clock: Clock): NodeImplementation {
  const made = forms.get(implementation.run);
  return made === undefined ? implementation : { ...implementation, run: made.own(clock) };
}

/** The same node on another clock and synchronous, where it has such a form: LocalRuntime can run it. */
export function holdingOnClock(implementation: NodeImplementation, clock: Clock): NodeImplementation {
  const made = forms.get(implementation.run);
  return made === undefined ? implementation : { ...implementation, run: made.holding(clock), async: false };
}

/** Whether a node has a synchronous form, although it may be asynchronous. */
export function canHold({ run }: NodeImplementation): boolean {
  return forms.has(run);
}
