import { EventEmitter } from 'eventemitter3';
import { LockstepError } from '../../base/errors.js';
import type { WorkerChange } from '../worker-meter.js';
import type { WorkerAdapter } from './adapter.js';
import type { WorkerSettings } from './configuration.js';
import { grpcPython } from './grpc-python-adapter.js';
import { HeartbeatMonitor } from './heartbeat-monitor.js';
import { Incarnation } from './incarnation.js';
import { packageVersion } from './package-root.js';
import type { OutputLine } from './process/output-lines.js';
import { ProcessManager } from './process/process-manager.js';
import type { WorkerExit } from './process/worker-exit.js';
import { Recycling } from './recycling.js';
import { timerMs } from './timer-ms.js';
import type { CallRequest } from './wire/call-request.js';
import type { LiveCall } from './wire/live-call.js';
import { References } from './wire/references.js';
import type { Said } from './wire/said.js';
import { checkTransition, type PythonWorkerState } from './worker-state.js';

/** What is told of a worker. */
export interface WorkerEvents {
  /** It does something else now. */
  state: (state: PythonWorkerState) => void;
  /** A process of it has ended. */
  exit: (exit: WorkerExit, sessionId: string) => void;
  /** Its Python environment is being made: what is done, in lines for people. */
  setup: (line: string) => void;
  /** It wrote a line to stdout or stderr. */
  output: (line: OutputLine) => void;
  /** It told something by the way, outside of calls or in one. */
  said: (said: Said) => void;
  /** So many answers to heartbeats have not come, in a row. */
  heartbeat: (missed: number) => void;
  /** A process of it takes calls, could not be started, or has ended: what is measured of it. */
  change: (change: WorkerChange) => void;
}

/** After how many starts in a row that failed calls are refused instead of waiting. */
const UNABLE_AFTER = 5;

/** How many incidents are remembered. */
const KEPT_INCIDENTS = 20;

/** A process of a worker that ended although nobody had asked for it. */
export interface WorkerIncident {
  readonly sessionId: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly exit: WorkerExit;
  /** What it was performing, in the order in which it was asked: one of these may be why. */
  readonly commands: readonly string[];
}

/** A life of the worker, with those who look after it. */
interface Tended {
  readonly worker: Incarnation;
  readonly heartbeat: HeartbeatMonitor | undefined;
  readonly recycling: Recycling;
}

/**
 * Keeps one worker there: starts it, starts it anew when it has ended or does not do what it is asked, and replaces it by a fresh
 * one when that is due. Calls wait while it is being started again. Nothing is performed twice: what is lost is told.
 */
export class WorkerKeeper {
  readonly settings: WorkerSettings;
  readonly adapter: WorkerAdapter;
  readonly #events = new EventEmitter<WorkerEvents>();
  readonly #references = new References();
  #manager: ProcessManager | undefined;
  #version = '';
  #state: PythonWorkerState = { is: 'new' };
  #current: Tended | undefined;
  /** All whose processes have not ended. */
  readonly #lives = new Set<Incarnation>();
  #incarnations = 0;
  readonly #incidents: WorkerIncident[] = [];
  /** How often it was asked to start or to stop: what was asked last counts. */
  #wishes = 0;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #stopping = new AbortController();
  #restartTimer: NodeJS.Timeout | undefined;
  /** How long is waited before it is started again. */
  #wait = 0;
  #isReplacing = false;
  /** Before this, by `performance.now()`, it is not replaced: the last time that was not possible. */
  #replaceAfter = 0;
  /** Those who wait until it takes calls. */
  #waiters = new Set<() => void>();

  constructor(settings: WorkerSettings) {
    this.settings = settings;
    this.adapter = settings.adapter ?? grpcPython(settings.environment, (line) => this.tell('setup', line));
  }

  /** Adds a listener. @returns what takes it away */
  on<N extends keyof WorkerEvents>(name: N, listener: WorkerEvents[N]): () => void {
    this.#events.on(name, listener as never);
    return () => this.#events.off(name, listener as never);
  }

  /** Tells everybody who listens. What a listener throws touches nothing here, and is not lost either. */
  tell<N extends keyof WorkerEvents>(name: N, ...told: Parameters<WorkerEvents[N]>): void {
    for (const listener of this.#events.listeners(name)) {
      try {
        (listener as (...told: Parameters<WorkerEvents[N]>) => void)(...told);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  get state(): PythonWorkerState {
    return this.#state;
  }

  /** What takes calls now; `undefined` where nothing does. */
  get serving(): Incarnation | undefined {
    const worker = this.#current?.worker;
    return worker?.isServing === true ? worker : undefined;
  }

  /** What takes calls now. @throws LockstepError WORKER_NOT_READY, WORKER_STOPPED */
  get current(): Incarnation {
    const { serving } = this;
    if (serving !== undefined) return serving;
    throw this.#refusal() ?? notReady(`It is ${this.#state.is}.`);
  }

  /** Its processes that ended although nobody had asked for it: the last twenty, oldest first. */
  get incidents(): readonly WorkerIncident[] {
    return [...this.#incidents];
  }

  /** How many calls wait for their last frame. */
  get calls(): number {
    return this.#current?.worker.calls ?? 0;
  }

  /** How many answers to heartbeats are missing, in a row. */
  get missedHeartbeats(): number {
    return this.#current?.heartbeat?.missed ?? 0;
  }

  /**
   * Starts it, and waits until it takes calls. Idempotent; where it failed, it is tried again.
   *
   * @throws LockstepError WORKER_START_FAILED and what `Incarnation.start` throws
   */
  start(signal?: AbortSignal): Promise<void> {
    if (this.#started !== undefined) return this.#started;
    const started = this.#start(signal).catch((error: unknown) => {
      if (this.#started === started) this.#started = undefined;
      throw error;
    });
    this.#started = started;
    return started;
  }

  /** Where it could not be started: starts it again after a while, as one that has ended, until that succeeds. */
  keepTrying(): void {
    const state = this.#state;
    if (state.is !== 'failed') return;
    this.#started = Promise.resolve();
    this.#restart(reasonOf(state.error), 1);
  }

  /**
   * Ends it. Idempotent; it can be started again afterwards.
   *
   * @throws LockstepError WORKER_REGISTRY_FAILED, once it has ended
   */
  stop(signal?: AbortSignal): Promise<void> {
    this.#wishes++;
    const started = this.#started;
    this.#started = undefined;
    this.#stopped ??= this.#stop(started, signal).finally(() => {
      this.#stopped = undefined;
    });
    return this.#stopped;
  }

  /**
   * Has something performed, at once where that is possible.
   *
   * @returns the call, or a promise of it where the worker has to be waited for: kept when it was sent
   * @throws LockstepError WORKER_NOT_READY, WORKER_STOPPED, VALUE_NOT_ENCODABLE, PAYLOAD_TOO_LARGE
   */
  call(request: CallRequest, signal?: AbortSignal): LiveCall | Promise<LiveCall> {
    const { serving } = this;
    if (serving !== undefined) return serving.call(request);
    const refusal = this.#refusal();
    if (refusal !== undefined) throw refusal;
    return this.#callLater(request, signal);
  }

  /** Keeps this process alive while something is under way with the worker. */
  during<T>(work: Promise<T>): Promise<T> {
    return this.#references.during(work);
  }

  /** Waits until it takes calls, for as long as the request may take. */
  async #callLater(request: CallRequest, signal: AbortSignal | undefined): Promise<LiveCall> {
    const began = performance.now();
    const { timeoutMs, command } = request;
    await this.#references.during(
      new Promise<void>((resolve, reject) => {
        const end = (): void => {
          clearTimeout(late);
          signal?.removeEventListener('abort', abort);
          this.#waiters.delete(look);
        };
        const look = (): void => {
          const refusal = this.#refusal();
          if (refusal === undefined && this.serving === undefined) return;
          end();
          if (refusal === undefined) resolve();
          else reject(refusal);
        };
        const abort = (): void => {
          end();
          reject(signal?.reason);
        };
        const giveUp = (): void => {
          end();
          const what = `${command} was not begun within ${timeoutMs} ms: its worker was being started.`;
          reject(new LockstepError('CALL_TIMEOUT', what, { at: command }));
        };
        const late = timeoutMs === undefined ? undefined : setTimeout(giveUp, timerMs(timeoutMs));
        signal?.addEventListener('abort', abort);
        this.#waiters.add(look);
      }),
    );
    const left = timeoutMs === undefined ? undefined : Math.max(1, timeoutMs - (performance.now() - began));
    return this.current.call({ ...request, timeoutMs: left });
  }

  /** Why calls are refused now; `undefined` where they are taken, or may wait. */
  #refusal(): LockstepError | undefined {
    const state = this.#state;
    switch (state.is) {
      case 'new':
      case 'starting':
        return notReady('It has not been started.');
      case 'failed':
        return notReady('It could not be started.', state.error);
      case 'unable':
        return notReady(`It could not be started ${state.failures} times.`, state.reason);
      case 'stopping':
      case 'stopped':
        return new LockstepError('WORKER_STOPPED', 'The worker has been stopped.');
      case 'ready':
      case 'restarting':
        return undefined;
    }
  }

  async #start(signal: AbortSignal | undefined): Promise<void> {
    const wish = ++this.#wishes;
    if (this.#stopped !== undefined) await this.#stopped;
    if (wish !== this.#wishes)
      throw new LockstepError('WORKER_STOPPED', 'The worker was stopped before it was started.');
    this.#become({ is: 'starting' });
    this.#stopping = new AbortController();
    this.#wait = this.settings.restart.firstMs;
    try {
      this.#version = packageVersion();
      this.#manager ??= new ProcessManager(this.settings.processes);
      this.#take(await this.#begin(signal));
    } catch (error) {
      if (this.#state.is === 'starting') this.#become({ is: 'failed', error });
      throw error;
    }
  }

  async #stop(started: Promise<void> | undefined, signal: AbortSignal | undefined): Promise<void> {
    if (this.#state.is === 'stopped' || this.#state.is === 'new') return;
    this.#become({ is: 'stopping' });
    clearTimeout(this.#restartTimer);
    this.#stopping.abort(new LockstepError('WORKER_STOPPED', 'The worker was stopped before it was ready.'));
    this.#tellWaiters();
    // Whoever started it has been told why that failed.
    await started?.catch(() => undefined);
    await this.#untend();
    await Promise.all([...this.#lives].map((worker) => worker.stop(signal)));
    const manager = this.#manager;
    this.#manager = undefined;
    try {
      await manager?.close();
    } finally {
      this.#become({ is: 'stopped' });
    }
  }

  /** A new life. */
  async #begin(signal?: AbortSignal): Promise<Incarnation> {
    const either = AbortSignal.any([this.#stopping.signal, ...(signal === undefined ? [] : [signal])]);
    const began = performance.now();
    try {
      const worker = await this.#incarnate(either);
      this.tell('change', { kind: 'started', ms: performance.now() - began });
      return worker;
    } catch (error) {
      if (!either.aborted) this.tell('change', { kind: 'start failed' });
      throw error;
    }
  }

  async #incarnate(signal: AbortSignal): Promise<Incarnation> {
    const worker: Incarnation = await Incarnation.start(
      {
        number: ++this.#incarnations,
        manager: this.#manager as ProcessManager,
        adapter: this.adapter,
        settings: this.settings,
        references: this.#references,
        version: this.#version,
        onLine: (line) => this.tell('output', line),
        onSaid: (said) => this.tell('said', said),
        onCondemned: (reason) => this.#condemned(worker, reason),
        onEnded: () => this.#tendedOf(worker)?.recycling.callEnded(),
      },
      signal,
    );
    this.#lives.add(worker);
    // Kept, never rejected: what ends it is told there.
    void worker.ended.then((exit) => this.#ended(worker, exit));
    return worker;
  }

  /** From now on it takes the calls. */
  #take(worker: Incarnation): void {
    this.#stopping.signal.throwIfAborted();
    const { heartbeat, recycle } = this.settings;
    const monitor = heartbeat.enabled
      ? new HeartbeatMonitor(heartbeat, worker, {
          onMissed: (missed) => {
            this.tell('heartbeat', missed);
            this.tell('change', { kind: 'heartbeat missed' });
          },
          onDead: (missed) => this.#dead(worker, missed),
        })
      : undefined;
    const recycling = new Recycling(recycle, worker, () => void this.#replace(worker));
    this.#current = { worker, heartbeat: monitor, recycling };
    this.#become({ is: 'ready', sessionId: worker.id, pid: worker.pid, incarnation: worker.number });
    this.#tellWaiters();
  }

  #tendedOf(worker: Incarnation): Tended | undefined {
    return this.#current?.worker === worker ? this.#current : undefined;
  }

  /** The current life has ended, or is to end: nobody looks after it any more. */
  async #untend(): Promise<void> {
    const tended = this.#current;
    this.#current = undefined;
    if (tended !== undefined) await leave(tended);
  }

  #dead(worker: Incarnation, missed: number): void {
    if (this.settings.heartbeat.mode === 'independent') return;
    worker.condemn(new LockstepError('WORKER_LOST', `The worker did not answer ${missed} heartbeats.`), 'kill');
  }

  #condemned(worker: Incarnation, reason: LockstepError): void {
    if (this.#tendedOf(worker) === undefined) return;
    void this.#untend();
    this.#resetWait(worker);
    this.#restart(reason, 0);
  }

  #ended(worker: Incarnation, exit: WorkerExit): void {
    this.#lives.delete(worker);
    if (exit.how !== 'stopped' || worker.lostCommands.length > 0) this.#note(worker, exit);
    this.tell('exit', exit, worker.id);
    this.tell('change', { kind: 'ended', end: worker.endOf(exit), lostCalls: worker.lostCommands.length });
    if (this.#tendedOf(worker) === undefined) return;
    void this.#untend();
    if (this.#state.is !== 'ready') return;
    this.#resetWait(worker);
    this.#restart(worker.loss ?? notReady('It has ended.'), 0);
  }

  #note({ id: sessionId, lostCommands: commands }: Incarnation, exit: WorkerExit): void {
    this.#incidents.push(Object.freeze({ sessionId, at: Date.now(), exit, commands }));
    if (this.#incidents.length > KEPT_INCIDENTS) this.#incidents.shift();
  }

  /** One that has been there for long was no mistake. */
  #resetWait(worker: Incarnation): void {
    const { firstMs, resetAfterMs } = this.settings.restart;
    if (performance.now() - worker.readyAt >= resetAfterMs) this.#wait = firstMs;
  }

  /** Starts it again after a while, until that succeeds. */
  #restart(reason: LockstepError, failures: number): void {
    if (this.#stopping.signal.aborted) return;
    this.#become({ is: failures >= UNABLE_AFTER ? 'unable' : 'restarting', reason, failures });
    this.#tellWaiters();
    const timer = setTimeout(() => {
      this.#references.delete(timer);
      void this.#tryAgain(failures);
    }, timerMs(this.#wait));
    this.#restartTimer = timer;
    this.#references.add(timer);
    this.#wait = Math.min(this.#wait * 2, this.settings.restart.maxMs);
  }

  async #tryAgain(failures: number): Promise<void> {
    // It may be stopped meanwhile, and started again by somebody else before this one notices.
    const { signal } = this.#stopping;
    try {
      this.#take(await this.#begin());
    } catch (error) {
      if (signal.aborted) return;
      this.#restart(reasonOf(error), failures + 1);
    }
  }

  /** Puts a fresh one in the place of one that lives: calls notice nothing. */
  async #replace(worker: Incarnation): Promise<void> {
    if (this.#isReplacing || performance.now() < this.#replaceAfter || this.#tendedOf(worker) === undefined) return;
    this.#isReplacing = true;
    try {
      const fresh = await this.#begin();
      const old = this.#tendedOf(worker);
      if (old === undefined) {
        // It has ended meanwhile, and is being started again.
        await fresh.stop();
        return;
      }
      this.#take(fresh);
      old.recycling.stop();
      // It is looked after as long as it has calls: they wait for nothing where it does not live.
      void worker.retire(notReady('It has been replaced.')).then(() => leave(old));
    } catch {
      // The old one goes on. It is due again soon, perhaps with the next call: that is too soon.
      this.#replaceAfter = performance.now() + this.settings.restart.maxMs;
    } finally {
      this.#isReplacing = false;
    }
  }

  #become(state: PythonWorkerState): void {
    checkTransition(this.#state.is, state.is);
    this.#state = Object.freeze(state);
    this.tell('state', this.#state);
  }

  #tellWaiters(): void {
    for (const look of [...this.#waiters]) look();
  }
}

/** Nobody looks after a life any more. */
async function leave({ recycling, heartbeat }: Tended): Promise<void> {
  recycling.stop();
  await heartbeat?.stop();
}

/** Why it could not be started. */
function reasonOf(error: unknown): LockstepError {
  return error instanceof LockstepError ? error : notReady('It could not be started.', error);
}

function notReady(why: string, cause?: unknown): LockstepError {
  const details = cause === undefined ? {} : { cause };
  return new LockstepError('WORKER_NOT_READY', `The worker takes no calls. ${why}`, details);
}
