import type { Attempt } from '../../base/attempt.js';
import { BREAKER_FIELDS, type BreakerOptions } from '../../base/capability-options.js';
import type { EffectiveCapabilities } from '../../base/capability-table.js';
import { didYouMean } from '../../base/did-you-mean.js';
import { AttemptError, ConfigurationError } from '../../base/errors.js';
import type { BreakerChanged } from '../../base/notifications.js';
import type { PlanNode } from '../../base/plan.js';
import type { Clock } from '../../base/ports.js';
import type { RunView, Settlement } from '../../base/run-view.js';
import { isOverdue } from '../../base/time-limits.js';
import { Breaker, type BreakerReport, type Pass } from './breaker.js';
import { isVerdictOnInputs } from './error-codes.js';

/** An attempt that a breaker let through. */
interface Passage {
  readonly breaker: Breaker;
  readonly pass: Pass;
}

/** The breakers of a runtime: one for each executor, or node, that has the capability and was used. */
export class CircuitBreakers {
  readonly #clock: Clock;
  readonly #tell: (change: BreakerChanged) => void;
  /** By key and options: two definitions of one name that say different things do not undo each other's breaker. */
  readonly #breakers = new Map<string, Breaker>();
  /** The same by what a node was last asked with: writing its options down costs more than a node. */
  #known = new WeakMap<BreakerOptions, Map<string, Breaker>>();
  /** Attempts in flight, and nodes about to start, by graph: nobody keeps two runs from having the same id. */
  readonly #passages = new WeakMap<RunView, Map<PlanNode, Passage>>();

  /** @internal */
  constructor(clock: Clock, tell: (change: BreakerChanged) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Every breaker, in the order in which they were first used. */
  list(): readonly BreakerReport[] {
    return [...this.#breakers.values()].map((breaker) => breaker.report());
  }

  /** One breaker. @throws ConfigurationError INVALID_OPTION when there is none of this key: none, or not used yet */
  get(key: string): BreakerReport {
    return this.#find(key).report();
  }

  /** Opens a breaker by hand: its executor is left alone for `openMs` from now. @throws ConfigurationError INVALID_OPTION */
  trip(key: string, reason = 'tripped by hand'): void {
    this.#find(key).trip(this.#clock.now(), reason);
  }

  /** Closes a breaker by hand, and forgets the failures that it counted. @throws ConfigurationError INVALID_OPTION */
  reset(key: string, reason = 'reset by hand'): void {
    this.#find(key).reset(this.#clock.now(), reason);
  }

  #find(key: string): Breaker {
    const all = [...this.#breakers.values()];
    const found = all.findLast((breaker) => breaker.key === key);
    if (found !== undefined) return found;
    const what = `There is no breaker "${key}". ${didYouMean(
      key,
      all.map((breaker) => breaker.key),
    )}`;
    throw new ConfigurationError('INVALID_OPTION', what, { at: 'breaker', value: key });
  }

  /** @internal Lets an attempt through, or says why not. Asked right before it starts. */
  admit(run: RunView, node: PlanNode, capabilities: EffectiveCapabilities, now: number): AttemptError | undefined {
    if (capabilities.breaker === undefined) return undefined;
    const key = capabilities.own.breaker ? `${run.plan.workflow.name}/${node.id}` : (capabilities.executor as string);
    const breaker = this.#of(key, capabilities.breaker);
    const pass = breaker.admit(now);
    if ('retryAt' in pass) {
      const what = `The breaker of "${key}" is open: node "${node.id}" was not called.`;
      return new AttemptError('BREAKER_OPEN', what, { at: node.id });
    }
    const passages = this.#passages.get(run) ?? new Map<PlanNode, Passage>();
    this.#passages.set(run, passages.set(node, { breaker, pass }));
    return undefined;
  }

  #of(key: string, options: BreakerOptions): Breaker {
    const known = this.#known.get(options)?.get(key);
    if (known !== undefined) return known;
    const identity = JSON.stringify([key, ...BREAKER_FIELDS.map((name) => options[name] ?? null)]);
    const breaker = this.#breakers.get(identity) ?? new Breaker(key, options, this.#tell);
    this.#breakers.set(identity, breaker);
    const keys = this.#known.get(options) ?? new Map<string, Breaker>();
    this.#known.set(options, keys.set(key, breaker));
    return breaker;
  }

  /** @internal Executors, or one of them, get other breakers from now on. What is in flight settles with the one that it passed. */
  replace(executor: string | undefined): void {
    for (const [identity, { key }] of this.#breakers)
      if (executor === undefined ? !key.includes('/') : key === executor) this.#breakers.delete(identity);
    this.#known = new WeakMap();
  }

  /** @internal An attempt has settled. */
  settle(run: RunView, attempt: Attempt, settlement: Settlement): void {
    const passages = this.#passages.get(run);
    const passage = passages?.get(attempt.node);
    if (passage === undefined) return;
    passages?.delete(attempt.node);
    passage.breaker.settle(passage.pass, outcomeOf(attempt, settlement), settlement.at);
  }

  /** Forgets breakers that have nothing to remember. */
  trim(): void {
    for (const [identity, breaker] of this.#breakers) if (breaker.isIdle) this.#breakers.delete(identity);
    this.#known = new WeakMap();
  }
}

/** What an attempt says of its executor: nothing where that was not called, or was told to stop. */
function outcomeOf(attempt: Attempt, { status, error }: Settlement): 'succeeded' | 'failed' | 'neither' {
  if (attempt.cached || status === 'cancelled') return 'neither';
  if (status === 'completed') return 'succeeded';
  const tooLate = attempt.limits !== undefined && isOverdue(attempt.limits, attempt.startedAt);
  return tooLate || isVerdictOnInputs(error?.code) ? 'neither' : 'failed';
}
