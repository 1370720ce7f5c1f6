import type { Log } from '../../base/ports.js';
import { maskText, maskValue } from '../../base/secret-mask.js';
import type { WorkerChange } from '../worker-meter.js';
import type { PoolSettings } from './configuration.js';
import type { WorkerSource } from './perform-call.js';
import type { OutputLine } from './process/output-lines.js';
import { exitText } from './process/worker-exit.js';
import { callAround } from './wire/asked.js';
import type { CallRequest } from './wire/call-request.js';
import type { LiveCall } from './wire/live-call.js';
import type { Said } from './wire/said.js';
import { WorkerKeeper } from './worker-keeper.js';

/** How many secrets are kept in mind. */
const KEPT_SECRETS = 1_000;

/** Who is told what becomes of the workers of a pool. */
export interface PoolListener {
  readonly log: Log;
  /** Told what is measured of them. */
  changed(change: WorkerChange): void;
}

/** Several workers that are alike. Each call is given to the one that has the fewest. */
export class WorkerPool implements WorkerSource {
  readonly #keepers: readonly WorkerKeeper[];
  readonly #log: Log;
  /** The calls of each that somebody waits for, or has just been answered. */
  readonly #calls: readonly Set<LiveCall>[];
  /** The secrets that calls were given last: what a tool prints is masked here. */
  readonly #secrets = new Map<string, string>();
  #started: Promise<void> | undefined;

  constructor({ worker: settings, workers }: PoolSettings, listener: PoolListener) {
    const { log } = listener;
    this.#log = log;
    this.#calls = Array.from({ length: workers }, () => new Set());
    this.#keepers = Array.from({ length: workers }, (_, index) => {
      const keeper = new WorkerKeeper(settings);
      const worker = index + 1;
      keeper.on('output', (line) => this.#printed(line, worker));
      keeper.on('said', (said) => this.#said(said, worker));
      keeper.on('state', (state) => {
        if (state.is === 'restarting' || state.is === 'unable')
          log.log('warn', `A Python worker is started again: ${state.reason.message}`, { worker });
        // Where it is the only one, whoever started it is told. Where another one takes calls, it is tried again.
        if (state.is === 'failed' && workers > 1)
          log.log('warn', `A Python worker could not be started: ${messageOf(state.error)}`, { worker });
      });
      // Rare, and it takes seconds: whoever waits is told, also by a log that tells warnings only.
      keeper.on('setup', (line) => log.log('warn', line, { worker }));
      keeper.on('exit', (exit, session) => log.log('debug', `A Python worker ${exitText(exit)}.`, { worker, session }));
      keeper.on('change', (change) => listener.changed(change));
      keeper.on('heartbeat', (missed) =>
        log.log('warn', `A Python worker has not answered ${missed} heartbeats.`, { worker }),
      );
      return keeper;
    });
  }

  /**
   * Starts all workers, and waits until one takes calls: others that cannot be started are tried again, as those that have ended.
   * Idempotent; where none could be started, the next one who asks tries again.
   *
   * @throws why the first of them could not be started; WORKER_STOPPED
   */
  start(): Promise<void> {
    this.#started ??= this.#start().catch((error: unknown) => {
      this.#started = undefined;
      throw error;
    });
    return this.#started;
  }

  async begin(request: CallRequest, signal: AbortSignal): Promise<LiveCall> {
    await this.start();
    signal.throwIfAborted();
    const at = this.#around() ?? this.#leastBusy();
    const worker = at + 1;
    const onSaid = (said: Said): void => request.onSaid(of(worker, said));
    const call = await (this.#keepers[at] as WorkerKeeper).call({ ...request, onSaid }, signal);
    this.#follow(call, worker);
    return call;
  }

  /**
   * Ends all workers. Idempotent; they can be started again.
   *
   * @throws LockstepError WORKER_REGISTRY_FAILED, once all have ended
   */
  async stop(): Promise<void> {
    const stopped = await Promise.allSettled(this.#keepers.map((keeper) => keeper.stop()));
    this.#started = undefined;
    for (const each of stopped) if (each.status === 'rejected') throw each.reason;
  }

  async #start(): Promise<void> {
    const starts = this.#keepers.map((keeper) => keeper.start());
    try {
      await Promise.any(starts);
    } catch (error) {
      await this.stop().catch(() => undefined);
      throw error instanceof AggregateError ? error.errors[0] : error;
    }
    // Kept, never rejected: of those that have been stopped meanwhile nothing is tried.
    starts.forEach((start, at) => void start.catch(() => this.#keepers[at]?.keepTrying()));
  }

  /** The worker that waits for what makes a call: there it need not wait for a place. */
  #around(): number | undefined {
    for (let call = callAround(); call !== undefined; call = call.within) {
      const at = this.#calls.findIndex((calls) => calls.has(call as LiveCall));
      if (at >= 0) return at;
    }
    return undefined;
  }

  /** Of those that take calls, or else will; otherwise any, which then says why it does not. */
  #leastBusy(): number {
    const busy = this.#keepers.map(({ state, calls }) => {
      if (state.is === 'ready') return calls;
      return state.is === 'restarting' ? Number.MAX_SAFE_INTEGER : Infinity;
    });
    return busy.indexOf(Math.min(...busy));
  }

  /** Keeps in mind who may print, and what must not be read in it. */
  #follow(call: LiveCall, worker: number): void {
    const { request, outcome } = call;
    for (const secret of Object.values(request.attempt?.secrets ?? {})) this.#hide(secret);
    const calls = this.#calls[worker - 1] as Set<LiveCall>;
    calls.add(call);
    // What it has printed may come in the same turn as its answer, behind it.
    const forget = (): void => void setImmediate(() => calls.delete(call));
    outcome.then(forget, forget);
  }

  /** A function may print a secret long after its call was given up. */
  #hide(secret: string): void {
    this.#secrets.delete(secret);
    this.#secrets.set(secret, secret);
    if (this.#secrets.size <= KEPT_SECRETS) return;
    const [oldest] = this.#secrets.keys();
    this.#secrets.delete(oldest as string);
  }

  #printed({ stream, text }: OutputLine, worker: number): void {
    this.#log.log('info', maskText(text, this.#secrets), { worker, stream, ...this.#placeOf(worker) });
  }

  /** Which attempt a worker performs, where it is one only: nothing tells which of several has printed a line. */
  #placeOf(worker: number): object {
    const [call, ...others] = this.#calls[worker - 1] as Set<LiveCall>;
    // A call that was given up may print as well.
    const isAlone = others.length === 0 && (this.#keepers[worker - 1] as WorkerKeeper).calls <= 1;
    const attempt = isAlone ? call?.request.attempt : undefined;
    if (attempt === null || attempt === undefined) return {};
    const { runId, scope, nodeId: node, visit } = attempt;
    return { runId, ...(scope !== '' && { scope }), node, visit, attempt: attempt.attempt };
  }

  /** What is said outside of calls: by a thread that a tool has left behind, which may know its secrets. */
  #said(said: Said, worker: number): void {
    if (said.kind !== 'log') return;
    const { level, logger, message, fields } = said;
    const masked = maskValue({ logger, ...fields }, this.#secrets) as object;
    this.#log.log(level, maskText(message, this.#secrets), { ...masked, worker });
  }
}

/** What a call said, with the worker that performs it. */
function of(worker: number, said: Said): Said {
  return said.kind === 'log' ? { ...said, fields: { ...said.fields, worker } } : said;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
