import type { PlanNode } from './plan.js';
import type { AttemptStatus } from './status.js';

/** The time limits of an attempt, in epoch milliseconds. */
export interface AttemptLimits {
  /** The attempt fails when it settles later, or has not settled by then. */
  readonly hard: number | undefined;
  /** The signal is aborted when the attempt has not settled by then; `undefined` once that happened. */
  soft: number | undefined;
}

/** What was asked of the signals of an attempt, and done to them. One is made for the few attempts of which something is. */
interface Abortion {
  aborted: { readonly reason: unknown } | undefined;
  abandoned: { readonly reason: unknown } | undefined;
  signal: AbortController | undefined;
  gone: AbortController | undefined;
}

/**
 * One try of one visit of a node, from its start until it settles. One is made for every attempt, so that what few attempts
 * need (limits, a state, a signal) exists only once it is asked for.
 */
export class Attempt<Graph = unknown> {
  /** The graph that it belongs to: who performs and settles it knows what that is. */
  readonly graph: Graph;
  readonly node: PlanNode;
  /** From 1. */
  readonly visit: number;
  /** From 1. */
  readonly number: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  status: AttemptStatus;
  limits: AttemptLimits | undefined;
  /** The state the node asked for; taken over when the attempt completes. */
  change: { readonly state: unknown } | undefined;
  /** Its output is that of an earlier attempt with the same inputs: the node was not called. */
  cached: boolean;
  /** It went on after its call returned. Owned by `AttemptList`, like its neighbours there. */
  suspended: boolean;
  earlier: Attempt<Graph> | undefined;
  later: Attempt<Graph> | undefined;
  #abort: Abortion | undefined;

  constructor(graph: Graph, node: PlanNode, visit: number, number: number, startedAt: number) {
    this.graph = graph;
    this.node = node;
    this.visit = visit;
    this.number = number;
    this.startedAt = startedAt;
    this.status = 'running';
    this.limits = undefined;
    this.change = undefined;
    this.cached = false;
    this.suspended = false;
    this.earlier = undefined;
    this.later = undefined;
  }

  /** Epoch milliseconds at which the attempt fails; `undefined` without a limit. */
  get deadline(): number | undefined {
    return this.limits?.hard;
  }

  /** Made when first read: most nodes never look. */
  get signal(): AbortSignal {
    const abortion = this.#abortion();
    if (abortion.signal === undefined) {
      abortion.signal = new AbortController();
      if (abortion.aborted !== undefined) abortion.signal.abort(abortion.aborted.reason);
    }
    return abortion.signal.signal;
  }

  /** Aborted when what it answers is not wanted any more. Made when first read: only executors look. */
  get gone(): AbortSignal {
    const abortion = this.#abortion();
    if (abortion.gone === undefined) {
      abortion.gone = new AbortController();
      if (abortion.abandoned !== undefined) abortion.gone.abort(abortion.abandoned.reason);
    }
    return abortion.gone.signal;
  }

  /** Aborts the signal, now or when it is first read. */
  abort(reason: unknown): void {
    const abortion = this.#abortion();
    abortion.aborted ??= { reason };
    abortion.signal?.abort(reason);
  }

  /** Aborts both signals: nobody waits for its answer. */
  abandon(reason: unknown): void {
    this.abort(reason);
    const abortion = this.#abortion();
    abortion.abandoned ??= { reason };
    abortion.gone?.abort(reason);
  }

  #abortion(): Abortion {
    this.#abort ??= { aborted: undefined, abandoned: undefined, signal: undefined, gone: undefined };
    return this.#abort;
  }
}

/** The attempts in flight, in the order in which they started. Adding and removing cost a few assignments. */
export class AttemptList<Graph> {
  #first: Attempt<Graph> | undefined;
  #last: Attempt<Graph> | undefined;

  add(attempt: Attempt<Graph>): void {
    attempt.suspended = true;
    attempt.earlier = this.#last;
    if (this.#last === undefined) this.#first = attempt;
    else this.#last.later = attempt;
    this.#last = attempt;
  }

  remove(attempt: Attempt<Graph>): void {
    const { earlier, later } = attempt;
    if (earlier === undefined) this.#first = later;
    else earlier.later = later;
    if (later === undefined) this.#last = earlier;
    else later.earlier = earlier;
    attempt.suspended = false;
    attempt.earlier = undefined;
    attempt.later = undefined;
  }

  /** A copy: what is done with an attempt may remove it. */
  all(): Attempt<Graph>[] {
    const attempts: Attempt<Graph>[] = [];
    for (let attempt = this.#first; attempt !== undefined; attempt = attempt.later) attempts.push(attempt);
    return attempts;
  }
}
