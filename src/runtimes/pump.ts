import { AsyncResource } from 'node:async_hooks';
import type { ActiveRun } from '../base/active-run.js';
import type { GraphAttempt } from '../base/graph-execution.js';
import type { CommitGroup } from '../base/history/commit-group.js';
import type { RunJournal } from '../base/history/run-journal.js';
import type { Clock } from '../base/ports.js';
import { type Drive, onAbort, wouldDeadlock } from './drive.js';

/** How long synchronous nodes may hold the event loop before others get a turn, in milliseconds. */
const TURN_MS = 8;

/** What a runtime does with the runs that are pumped. */
export interface PumpHost {
  readonly clock: Clock;
  readonly commits: CommitGroup | undefined;
  observeSignal(run: ActiveRun, signal: AbortSignal, now: number): boolean;
  abortCancelled(run: ActiveRun): boolean;
  announce(run: ActiveRun, attempt: GraphAttempt): void;
  perform(run: ActiveRun, attempt: GraphAttempt): PromiseLike<unknown> | undefined;
  settleOutput(run: ActiveRun, attempt: GraphAttempt, output: unknown, now: number): void;
  settleFailure(run: ActiveRun, attempt: GraphAttempt, error: unknown, now: number): void;
}

/** Drives one asynchronous run: starts what may start, records it first where a store is bound, and takes what promises bring. */
export class Pump {
  readonly #drive: Drive;
  readonly #host: PumpHost;
  /** That of AsyncLocalStorage in which the run was begun. `undefined`: it has not had to wait. */
  #context: AsyncResource | undefined;

  constructor(drive: Drive, host: PumpHost) {
    this.#drive = drive;
    this.#host = host;
  }

  /** Drives the run, until it is over or has to wait for something; then whatever it waits for drives it on. */
  start(): void {
    const drive = this.#drive;
    this.#pump();
    if (drive.ended) return; // nothing to wait for: most of what follows costs more than a node
    const pump = this.#inContext(() => this.#pump());
    const { execution, options } = drive.run;
    drive.run.wake = pump;
    execution.core.wake = () => queueMicrotask(pump); // room is made while another run is busy
    if (options.signal !== undefined) drive.onEnd(onAbort(options.signal, pump));
    const { clock } = this.#host;
    const stalled = this.#inContext(() => this.#take(() => execution.failStalled(clock.now())));
    drive.onStall(clock, stalled);
  }

  /** Something that others have the run do, such as another run that makes room: what it calls must not be taken for theirs. */
  #inContext(work: () => void): () => void {
    this.#context ??= new AsyncResource('LockstepRun');
    const context = this.#context;
    return () => context.runInAsyncScope(work);
  }

  /** Starts whatever may start, until nothing more may, the run is over, or the event loop deserves a turn. */
  #pump(): void {
    const drive = this.#drive;
    if (drive.busy || drive.ended) return;
    drive.busy = true;
    try {
      const { clock } = this.#host;
      const { run } = drive;
      const { execution, options, journal } = run;
      const { signal } = options;
      journal?.assertSound(); // the commit of another run may have failed, and this one's record with it
      run.now = clock.now();
      const turnEnds = run.now + TURN_MS;
      for (;;) {
        if (signal !== undefined) this.#host.observeSignal(run, signal, run.now);
        const attempt = drive.mayHold ? execution.next(run.now) : undefined;
        if (attempt === undefined) {
          if (signal !== undefined && this.#host.observeSignal(run, signal, run.now)) continue; // a listener aborted it just now
          if (this.#host.abortCancelled(run)) continue; // who heard it may have answered a gate, or aborted the run
          if (drive.held.length === 0) break;
          if (journal !== undefined && !this.#commitHeld(journal)) return;
        } else if (journal === undefined) this.#perform(attempt);
        else {
          this.#host.announce(run, attempt);
          drive.hold(attempt);
        }
        if (run.now > turnEnds) return clock.yieldTurn(() => this.#pump());
      }
      if (execution.isSettled || execution.isWaiting) drive.resolve();
      else if (execution.isStuck) drive.reject(wouldDeadlock());
      else {
        if (journal !== undefined) this.#commitIdle(journal);
        drive.wakeLater(clock, () => this.#pump());
      }
    } catch (error) {
      drive.reject(error);
    } finally {
      drive.busy = false;
    }
  }

  /**
   * Performs the attempts that are held, once they are recorded: at once where no other could share the commit, otherwise at the
   * end of the turn. `false` where that is later.
   */
  #commitHeld(journal: RunJournal): boolean {
    const drive = this.#drive;
    if (drive.committing) return false;
    const { run } = drive;
    const { commits } = this.#host;
    if (commits !== undefined && journal.level !== 'memory') {
      if (commits.isShared || run.execution.core.running > drive.held.length) {
        drive.committing = true;
        const proceed = this.#inContext(() => {
          drive.committing = false;
          this.#take(() => {
            if (journal.level === 'memory') this.#startHeld(); // else a listener has made others start just now
          });
        });
        commits.commitLater(journal, proceed, (error) => drive.reject(error));
        return false;
      }
      commits.commit(journal);
    }
    this.#startHeld();
    return true;
  }

  /** Commits what ended while others go on, at the end of the turn: it must not be lost with them, nor be told only once they end. */
  #commitIdle(journal: RunJournal): void {
    const drive = this.#drive;
    if (drive.committing || journal.level === 'memory') return;
    drive.committing = true;
    const proceed = this.#inContext(() => {
      drive.committing = false;
      this.#pump();
    });
    this.#host.commits?.commitLater(journal, proceed, (error) => drive.reject(error));
  }

  #startHeld(): void {
    const drive = this.#drive;
    const { held } = drive;
    drive.held = [];
    for (const attempt of held) if (attempt.status === 'running') this.#perform(attempt);
  }

  #perform(attempt: GraphAttempt): void {
    const promise = this.#host.perform(this.#drive.run, attempt);
    if (promise !== undefined) this.#follow(attempt, promise);
  }

  /** Takes what a promise brings, whenever that is. */
  #follow(attempt: GraphAttempt, promise: PromiseLike<unknown>): void {
    const { clock } = this.#host;
    const { run } = this.#drive;
    if (!attempt.suspended) attempt.graph.suspend(attempt);
    const take = (settle: () => void): void =>
      this.#take(() => {
        settle();
        this.#host.announce(run, attempt); // what became of it must be as durable as it was itself
      });
    promise.then(
      (output) => take(() => this.#host.settleOutput(run, attempt, output, clock.now())),
      (error: unknown) => take(() => this.#host.settleFailure(run, attempt, error, clock.now())),
    );
  }

  /** Settles something as a whole, then goes on: a listener that aborts the run meanwhile is heard afterwards. */
  #take(settle: () => void): void {
    const drive = this.#drive;
    if (drive.ended) return;
    drive.busy = true;
    try {
      settle();
    } catch (error) {
      drive.reject(error);
    } finally {
      drive.busy = false;
    }
    this.#pump();
  }
}
