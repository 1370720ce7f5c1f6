import type { Attempt } from './attempt.js';
import type { ExecutorCall, ExecutorTarget } from './executor-port.js';
import type { NodeContext } from './node-context.js';
import type { Clock } from './ports.js';

/** An attempt as its executor sees it. */
export class AttemptCall implements ExecutorCall {
  readonly target: ExecutorTarget;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly context: NodeContext;
  readonly #attempt: Attempt;
  readonly #clock: Clock;

  constructor(attempt: Attempt, clock: Clock, given: Pick<ExecutorCall, 'target' | 'inputs' | 'context'>) {
    this.target = given.target;
    this.inputs = given.inputs;
    this.context = given.context;
    this.#attempt = attempt;
    this.#clock = clock;
  }

  get timeLeftMs(): number | undefined {
    return timeLeft(this.#clock, this.context.deadline);
  }

  get gone(): AbortSignal {
    return this.#attempt.gone;
  }
}

/** Real milliseconds until a time of the clock; `undefined` where that time does not come by itself. */
export function timeLeft(clock: Clock, time: number | undefined): number | undefined {
  return time === undefined || clock.isVirtual ? undefined : Math.max(0, time - clock.now());
}
