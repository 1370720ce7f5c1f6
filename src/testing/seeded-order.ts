import type { NodeFunction, NodeImplementation } from '../base/node.js';
import type { NodeContext } from '../base/node-context.js';
import type { Random } from '../base/ports.js';
import { isThenable } from '../base/schema.js';
import type { Workflow } from '../base/workflow.js';
import { seededRandom } from './seeded.js';
import { onClock } from './timed.js';
import type { VirtualClock } from './virtual-clock.js';
import { withFunctions } from './with-functions.js';

/** An answer that waits for its turn. */
interface HeldAnswer {
  readonly name: string;
  /** In [0, 1): the lowest of those that wait is next. */
  readonly turn: number;
  readonly settle: () => void;
}

/**
 * An order in which asynchronous attempts settle, decided by a seed. Their functions are called when the runtime calls them; what
 * they answer is held back, and given on one at a time. Each attempt draws its turn from the seed and from what it is (scope, node,
 * visit, attempt), never from what was drawn before, so that a run that goes another way elsewhere keeps its turns. Source of the idea:
 * S. Burckhardt et al., A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs (2010).
 */
export class SeededOrder {
  readonly seed: number;
  readonly clock: VirtualClock;
  /** The attempts that have settled, in order. */
  readonly settled: string[] = [];
  readonly #random: Random;
  readonly #slowestMs: number;
  readonly #held: HeldAnswer[] = [];
  #inThreads = 0;

  /** @param slowestMs how long an answer may be held back on the clock, before it waits for its turn */
  constructor(seed: number, clock: VirtualClock, slowestMs: number) {
    this.seed = seed;
    this.clock = clock;
    this.#random = seededRandom(seed);
    this.#slowestMs = slowestMs;
  }

  /** Whether a module node has not answered: it waits for something real. */
  get waitsForThread(): boolean {
    return this.#inThreads > 0;
  }

  /** The same workflow, whose attempts settle in this order. */
  wrap<P, O>(workflow: Workflow<P, O>, stubs: Readonly<Record<string, NodeFunction>>): Workflow<P, O> {
    return withFunctions(workflow, (path, one) => this.#ordered(onClock(one, this.clock), stubs[path]));
  }

  /** Lets the attempt settle whose turn it is. `false`: none waits. */
  settleNext(): boolean {
    let next: HeldAnswer | undefined;
    for (const one of this.#held) if (next === undefined || one.turn < next.turn) next = one;
    if (next === undefined) return false;
    this.#held.splice(this.#held.indexOf(next), 1);
    this.settled.push(next.name);
    next.settle();
    return true;
  }

  #ordered(implementation: NodeImplementation, stub: NodeFunction | undefined): NodeImplementation {
    const { module, async, ...rest } = implementation;
    const run: NodeFunction = stub === undefined ? implementation.run : async ? async (...args) => stub(...args) : stub;
    return {
      ...rest,
      async,
      ...(module === undefined || stub !== undefined ? {} : { module }),
      run: (inputs, context) => {
        const answer = run(inputs, context);
        if (!isThenable(answer)) return answer;
        return this.#hold(context, Promise.resolve(answer), module !== undefined && stub === undefined);
      },
    };
  }

  async #hold(context: NodeContext, answer: Promise<unknown>, isInThread: boolean): Promise<unknown> {
    const { scope, nodeId, visit, attempt } = context;
    const key = `${scope}${nodeId}/${visit}/${attempt}`;
    const name = `${scope}${nodeId}${visit > 1 ? ` visit ${visit}` : ''}${attempt > 1 ? ` attempt ${attempt}` : ''}`;
    this.#inThreads += Number(isInThread);
    await answer.then(undefined, () => undefined);
    this.#inThreads -= Number(isInThread);
    const slowMs = Math.floor(this.#random.keyed(`${key}/slow`) * (this.#slowestMs + 1));
    if (slowMs > 0)
      await new Promise<void>((resolve) => {
        this.clock.setTimer(slowMs, resolve);
      });
    await new Promise<void>((settle) => {
      this.#held.push({ name, turn: this.#random.keyed(key), settle });
    });
    return answer;
  }
}
