import type { ActiveRun } from '../../base/active-run.js';
import { LockstepError } from '../../base/errors.js';
import { timeLeft } from '../../base/executor-call.js';
import type { Executor, ExecutorReference, Parcel, RemoteExecutor } from '../../base/executor-port.js';
import type { GraphAttempt } from '../../base/graph-execution.js';
import type { NodeContext } from '../../base/node-context.js';
import type { BridgeReport, BridgeSpeech, BridgeTicket, Clock } from '../../base/ports.js';
import { callOf, type ModuleImplementation, repeat, serviceCallOf } from './call.js';
import type { LazyBridge } from './lazy-bridge.js';

/** What a call has to say, and who takes it. */
interface Arrival {
  readonly attempt: GraphAttempt;
  readonly context: NodeContext;
  /** What unpacks it; `undefined` for what a module said. */
  readonly remote: RemoteExecutor | undefined;
  readonly report: BridgeReport;
}

/** What the calls of a run need of their runtime: how any attempt begins and ends. */
export interface CallHost {
  inputsOf(run: ActiveRun, attempt: GraphAttempt): Readonly<Record<string, unknown>>;
  commitBefore(run: ActiveRun): boolean;
  settleKnown(run: ActiveRun, attempt: GraphAttempt, inputs: Readonly<Record<string, unknown>>): boolean;
  contextOf(attempt: GraphAttempt): NodeContext;
  executorFor(reference: ExecutorReference): Executor | undefined;
  settleOutput(run: ActiveRun, attempt: GraphAttempt, output: unknown, now: number): void;
  settleFailure(run: ActiveRun, attempt: GraphAttempt, error: unknown, now: number): void;
  /** What was recorded must be as durable as an attempt asks. */
  announce(run: ActiveRun, attempt: GraphAttempt): void;
}

/**
 * The calls of one run through a SyncBridge. What comes back is kept until the run takes it: another run of the same
 * runtime, started by one of its nodes, may be the one that waits.
 */
export class RunCalls {
  readonly #run: ActiveRun;
  readonly #bridge: LazyBridge;
  readonly #clock: Clock;
  readonly #host: CallHost;
  readonly #tickets = new Map<GraphAttempt, BridgeTicket>();
  #held: GraphAttempt[] = [];
  #arrived: Arrival[] = [];

  constructor(run: ActiveRun, bridge: LazyBridge, clock: Clock, host: CallHost) {
    this.#run = run;
    this.#bridge = bridge;
    this.#clock = clock;
    this.#host = host;
  }

  /** Keeps an attempt until no other may start before: those that start together are recorded together. */
  hold(attempt: GraphAttempt): void {
    attempt.graph.suspend(attempt);
    this.#held.push(attempt);
  }

  /** Starts the calls of all that are held. `false` where none is. */
  submitHeld(): boolean {
    if (this.#held.length === 0) return false;
    const held = this.#held;
    this.#held = [];
    this.#host.commitBefore(this.#run);
    for (const attempt of held) if (attempt.status === 'running') this.#submit(attempt);
    return true;
  }

  /** Starts the call of a node. What keeps it from starting fails the attempt. */
  #submit(attempt: GraphAttempt): void {
    const run = this.#run;
    try {
      const inputs = this.#host.inputsOf(run, attempt);
      if (this.#host.settleKnown(run, attempt, inputs)) return;
      const context = this.#host.contextOf(attempt);
      const { implementation, executor } = attempt.node;
      const remote = executor === undefined ? undefined : this.#host.executorFor(executor)?.remote;
      const call =
        executor === undefined || remote === undefined
          ? callOf(implementation as ModuleImplementation, inputs, context, timeLeft(this.#clock, attempt.deadline))
          : serviceCallOf(remote, implementation, {
              target: executor.target,
              inputs,
              context,
              timeLeftMs: timeLeft(this.#clock, context.deadline),
            });
      const ticket = this.#bridge.get().submit(call, (report) => {
        this.#arrived.push({ attempt, context, remote, report });
      });
      this.#tickets.set(attempt, ticket);
      run.now = this.#clock.now();
    } catch (error) {
      run.now = this.#clock.now();
      this.#host.settleFailure(run, attempt, error, run.now);
    }
  }

  /**
   * Commits what is recorded, or sleeps until a call has something to say, or something is due, and settles what has arrived. `false`, at once, where no call
   * is in flight. A virtual time does not come while a thread works: it comes once nothing is left that could answer.
   */
  wait(): boolean {
    if (this.#tickets.size === 0) return false;
    if (this.#host.commitBefore(this.#run)) return true; // what ended beside these calls; whoever heard of it may have done more
    const { execution } = this.#run;
    const wakeAt = execution.wakeAt();
    const heard = this.#arrived.length > 0 ? 'reported' : this.#bridge.get().wait(timeLeft(this.#clock, wakeAt));
    this.#run.now = this.#clock.now();
    this.#settle();
    if (heard === 'stalled') this.#goOnWithout(wakeAt);
    return true;
  }

  /** Settles what has arrived, without waiting for anything. */
  settleArrived(): void {
    if (this.#tickets.size > 0 && this.#arrived.length === 0) this.#bridge.get().wait(0);
    if (this.#arrived.length > 0) this.#settle();
  }

  /** Aborts a call; one whose attempt is over is given up. */
  abort(attempt: GraphAttempt, reason: Error): void {
    const ticket = this.#tickets.get(attempt);
    if (attempt.status === 'running') ticket?.abort(reason);
    else if (ticket !== undefined) {
      this.#tickets.delete(attempt);
      ticket.abandon(reason);
    }
  }

  /** Gives up whatever is left: the run is over. */
  end(): void {
    if (this.#tickets.size === 0) return;
    const reason = new LockstepError('RUN_CANCELLED', 'The run is over.');
    for (const ticket of this.#tickets.values()) ticket.abandon(reason);
    this.#tickets.clear();
  }

  /** Nothing is left that could answer: what is due comes next, or nothing ever does. */
  #goOnWithout(wakeAt: number | undefined): void {
    if (wakeAt === undefined) {
      this.#run.execution.failStalled(this.#run.now);
      this.end();
    } else {
      this.#clock.sleepSync(Math.max(0, wakeAt - this.#run.now));
      this.#run.now = this.#clock.now();
    }
  }

  #settle(): void {
    const arrived = this.#arrived;
    this.#arrived = [];
    for (const arrival of arrived) {
      this.#take(arrival);
      this.#host.announce(this.#run, arrival.attempt); // what became of it must be as durable as it was itself
    }
  }

  #take({ attempt, context, remote, report }: Arrival): void {
    const run = this.#run;
    if (report.kind === 'asked')
      return this.#answering(attempt, () =>
        report.reply(remote?.answer?.(report.question as Parcel, context) ?? NOTHING),
      );
    if (report.kind !== 'completed' && report.kind !== 'failed')
      return this.#answering(attempt, () => said(report, context, remote));
    if (!this.#tickets.delete(attempt)) return;
    run.now = this.#clock.now();
    if (report.kind === 'failed') return this.#host.settleFailure(run, attempt, report.error, run.now);
    let { output } = report;
    try {
      if (report.change !== undefined) context.setState(report.change.state);
      if (remote !== undefined) output = remote.unpack(output as Parcel, context);
    } catch (error) {
      return this.#host.settleFailure(run, attempt, error, run.now);
    }
    this.#host.settleOutput(run, attempt, output, run.now);
  }

  /** Does what a call wants while it is performed. What cannot be done fails the node, as where it is called in this thread. */
  #answering(attempt: GraphAttempt, work: () => void): void {
    if (attempt.status !== 'running') return;
    const run = this.#run;
    try {
      work();
      run.now = this.#clock.now();
    } catch (error) {
      run.now = this.#clock.now();
      this.#host.settleFailure(run, attempt, error, run.now);
      const { id } = attempt.node;
      this.abort(attempt, new LockstepError('RUN_CANCELLED', `Node "${id}" has failed: what it said was refused.`));
    }
  }
}

/** What is answered where an executor answers nothing. */
const NOTHING: Parcel = Object.freeze({ data: undefined, bytes: Object.freeze([]) });

/** Says in a run what a node said elsewhere; what it streamed is unpacked. */
function said(speech: BridgeSpeech, context: NodeContext, remote: RemoteExecutor | undefined): void {
  if (remote === undefined || speech.kind !== 'emit') repeat(speech, context);
  else context.emit(remote.unpackEmitted(speech.data as Parcel));
}
