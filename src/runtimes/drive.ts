import type { ActiveRun } from '../base/active-run.js';
import { ConfigurationError } from '../base/errors.js';
import type { GraphAttempt } from '../base/graph-execution.js';
import { type Plan, plansOf } from '../base/plan.js';
import type { Clock } from '../base/ports.js';

/** The error of a run that nothing can move on. */
export function wouldDeadlock(): ConfigurationError {
  return new ConfigurationError('WOULD_DEADLOCK', 'Nothing runs, nothing waits for a time, and the run is not over.');
}

/** Sleeps until a time, and tells the run that it has come. @throws ConfigurationError WOULD_DEADLOCK where none ever comes */
export function sleepUntil(run: ActiveRun, wakeAt: number | undefined, clock: Clock): void {
  if (wakeAt === undefined) throw wouldDeadlock();
  clock.sleepSync(Math.max(0, wakeAt - run.now));
  run.now = clock.now();
}

interface Audience {
  readonly members: Set<() => void>;
  readonly announce: () => void;
}

const audiences = new WeakMap<AbortSignal, Audience>();

function gather(signal: AbortSignal): Audience {
  const members = new Set<() => void>();
  const announce = (): void => {
    for (const member of [...members]) member();
  };
  const audience = { members, announce };
  audiences.set(signal, audience);
  signal.addEventListener('abort', announce);
  return audience;
}

/** Calls back when a signal is aborted. However many runs share a signal, it has one listener of ours, and none when they have ended. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const { members, announce } = audiences.get(signal) ?? gather(signal);
  members.add(callback);
  return () => {
    members.delete(callback);
    if (members.size > 0) return;
    audiences.delete(signal);
    signal.removeEventListener('abort', announce);
  };
}

/** A run being driven: its promise, its timer, and what must be taken back when it ends. */
export class Drive {
  readonly run: ActiveRun;
  busy = false;
  ended = false;
  /** Attempts that have started in the record and wait until it is durable. */
  held: GraphAttempt[] = [];
  /** They wait for the end of the turn. */
  committing = false;
  /** What the timer is set to; `undefined` without a timer. */
  #wakeAt: number | undefined = undefined;
  #cancelTimer: (() => void) | undefined;
  #cancelStall: (() => void) | undefined;
  readonly #cleanups: (() => void)[] = [];
  readonly #isLimited: boolean;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;

  /** @param resolve closes the run, at once: an answer to a gate that came in between would be lost */
  constructor(run: ActiveRun, resolve: () => void, reject: (error: unknown) => void) {
    this.run = run;
    this.#isLimited =
      run.journal !== undefined &&
      plansOf(run.execution.plan).some(({ plan }) => plan.limited || hasExpiringGate(plan));
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** An attempt is performed once it is recorded. Until then it is in flight: it can be cancelled, and time out. */
  hold(attempt: GraphAttempt): void {
    attempt.graph.suspend(attempt);
    this.held.push(attempt);
  }

  /**
   * Whether another attempt may be held beside those that are. Where nodes have time limits, those that hold the thread are performed
   * before others start: whoever waits for the record only must not be late because of them.
   */
  get mayHold(): boolean {
    const last = this.held.at(-1);
    return !this.#isLimited || last === undefined || last.node.implementation.async;
  }

  onEnd(cleanup: () => void): void {
    this.#cleanups.push(cleanup);
  }

  /** Calls back each time that nothing is left that could wake the process: what starts after one stall may stall as well. */
  onStall(clock: Clock, callback: () => void): void {
    const stalled = (): void => {
      this.#cancelStall?.();
      callback();
      if (!this.ended) this.#cancelStall = clock.onStall(stalled);
    };
    this.#cancelStall = clock.onStall(stalled);
  }

  /** Calls back when something of the run becomes due that nobody will announce. */
  wakeLater(clock: Clock, callback: () => void): void {
    const { execution, now } = this.run;
    const wakeAt = execution.wakeAt();
    if (wakeAt === this.#wakeAt) return;
    this.#disarm();
    if (wakeAt === undefined) return;
    this.#wakeAt = wakeAt;
    this.#cancelTimer = clock.setTimer(Math.max(0, wakeAt - now), () => {
      this.#wakeAt = undefined;
      callback();
    });
  }

  #disarm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#wakeAt = undefined;
  }

  resolve(): void {
    this.#end();
    try {
      this.#resolve();
    } catch (error) {
      this.#reject(error); // the end of the run could not be recorded
    }
  }

  /** Something broke: what the run had in flight is aborted. */
  reject(error: unknown): void {
    if (this.ended) return;
    this.#end();
    for (const attempt of this.run.execution.attemptsInFlight()) attempt.abandon(error);
    this.#reject(error);
  }

  #end(): void {
    this.ended = true;
    this.#disarm();
    this.#cancelStall?.();
    for (const cleanup of this.#cleanups) cleanup();
  }
}

/** A gate that is opened beside a node that holds the thread would expire by the time that the node takes. */
function hasExpiringGate({ nodes }: Plan): boolean {
  return nodes.some(({ implementation }) => implementation.gate?.timeoutMs !== undefined);
}
