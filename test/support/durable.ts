import type { RunEvent } from '../../src/base/events.js';
import type { EventStore } from '../../src/base/history/event-store.js';
import type { ForkOptions, ForkOverrides } from '../../src/base/history/fork-options.js';
import type { RunOutcome } from '../../src/base/outcome.js';
import { RunCancelledError, RunFailedError } from '../../src/base/run-errors.js';
import type { ResumeOptions, RunOptions } from '../../src/base/runtime-options.js';
import type { Workflow } from '../../src/base/workflow.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime, type LocalRuntimeOptions } from '../../src/runtimes/local-runtime.js';
import { advanceUntil, MemoryLog, seededRandom, VirtualClock } from '../../src/testing/index.js';
import { RecordingStore } from './recording-store.js';

export type Kind = 'sync' | 'async';
type Values = Readonly<Record<string, unknown>>;
type AnyWorkflow = Workflow<never, unknown> | Workflow;

/** What a run came to; one that failed or was cancelled is returned as well. */
function ended(error: unknown): RunOutcome<unknown> {
  if (error instanceof RunFailedError || error instanceof RunCancelledError)
    return error.result as unknown as RunOutcome<unknown>;
  throw error;
}

/** One process that works on runs: a runtime of one of the two kinds, over a store that others may use as well. */
export class Process {
  readonly runtime: LocalRuntime | AsyncLocalRuntime;
  readonly log = new MemoryLog();
  /** What its listeners heard. */
  readonly heard: RunEvent[] = [];
  readonly #clock: VirtualClock;

  constructor(kind: Kind, store: EventStore | undefined, clock: VirtualClock, options: LocalRuntimeOptions) {
    this.#clock = clock;
    const { bridge, ...shared } = options;
    const all = {
      clock,
      log: this.log,
      random: seededRandom(1),
      ...(store === undefined ? {} : { store }),
      ...shared,
    };
    this.runtime =
      kind === 'sync' ? new LocalRuntime(bridge === undefined ? all : { ...all, bridge }) : new AsyncLocalRuntime(all);
    this.runtime.on('event', (event) => this.heard.push(event));
  }

  /** Runs a workflow. */
  settle(workflow: AnyWorkflow, params: Values = {}, options: RunOptions = {}): Promise<RunOutcome<unknown>> {
    const { runtime } = this;
    const ran = workflow as Workflow<Values, unknown>;
    return this.#drive(() => runtime.settle(ran, params, { runId: 'r', ...options }));
  }

  resume(workflow: AnyWorkflow | undefined, runId = 'r', options: ResumeOptions = {}): Promise<RunOutcome<unknown>> {
    const runtime = this.runtime as LocalRuntime; // both take the same
    return this.#drive(() =>
      workflow === undefined ? runtime.resume(runId, options) : runtime.resume(workflow as Workflow, runId, options),
    ).catch(ended);
  }

  fork(runId: string, atSeq: number, overrides?: ForkOverrides, options?: ForkOptions): Promise<RunOutcome<unknown>> {
    const { runtime } = this;
    return this.#drive(() => runtime.fork(runId, atSeq, overrides, options)).catch(ended);
  }

  async close(): Promise<void> {
    await this.runtime.close();
  }

  async #drive(start: () => unknown): Promise<RunOutcome<unknown>> {
    if (this.runtime instanceof LocalRuntime) return start() as RunOutcome<unknown>;
    return advanceUntil(async () => start() as Promise<RunOutcome<unknown>>, this.#clock);
  }
}

/** What a test of durable runs works with: one store, one clock, and as many processes as it likes. */
export class Bench {
  readonly kind: Kind;
  readonly clock = new VirtualClock();
  store = new RecordingStore();
  readonly #processes: Process[] = [];

  constructor(kind: Kind) {
    this.kind = kind;
  }

  get other(): Kind {
    return this.kind === 'sync' ? 'async' : 'sync';
  }

  /** A process of the kind that is tested, or of the other one. */
  open(options: LocalRuntimeOptions = {}, kind: Kind = this.kind): Process {
    const store = options.plugins === undefined && options.store === undefined ? this.store : undefined;
    const process = new Process(kind, store, this.clock, options);
    this.#processes.push(process);
    return process;
  }

  /** The next process has a store of its own. */
  fresh(): RecordingStore {
    this.store = new RecordingStore();
    return this.store;
  }

  async close(): Promise<void> {
    for (const process of this.#processes) await process.close();
  }
}

/** Declares a test for each of the two runtimes. */
export function inBoth(title: string, body: (bench: Bench) => Promise<void>): void {
  for (const kind of ['sync', 'async'] as const) inOne(kind, title, body);
}

/** Declares a test for one of the two runtimes. */
export function inOne(kind: Kind, title: string, body: (bench: Bench) => Promise<void>): void {
  it(`${title} (${kind})`, async () => {
    const bench = new Bench(kind);
    const unhandled: unknown[] = [];
    const note = (reason: unknown): unknown => unhandled.push(reason);
    process.on('unhandledRejection', note);
    try {
      await body(bench);
      await bench.close();
      await new Promise((resolve) => setImmediate(resolve));
      if (unhandled.length > 0) throw new Error('A rejection was not handled.', { cause: unhandled[0] });
    } finally {
      process.off('unhandledRejection', note);
    }
  });
}

/** The code of what a promise is rejected with; what it came to, where it is kept. */
export async function codeOf(promise: Promise<{ readonly status?: string } | unknown>): Promise<string> {
  try {
    const kept = (await promise) as { readonly status?: string } | undefined;
    return `kept: ${kept?.status ?? String(kept)}`;
  } catch (error) {
    return (error as { readonly code?: string }).code ?? String(error);
  }
}
