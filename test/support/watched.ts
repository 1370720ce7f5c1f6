import type { RunOutcome } from '../../src/base/outcome.js';
import type { ResumeOptions, RunOptions, RuntimeOptions } from '../../src/base/runtime-options.js';
import type { Workflow } from '../../src/base/workflow.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { advanceUntil, MemoryLog, seededIds, seededRandom, VirtualClock } from '../../src/testing/index.js';
import { asyncForm } from './every-way.js';

/** In which runtime, and whether nodes answer with promises. */
export const KINDS = ['LocalRuntime', 'AsyncLocalRuntime', 'AsyncLocalRuntime, async nodes'] as const;

/** One of them. */
export type Kind = (typeof KINDS)[number];

/** The moment at which the clocks of watched runtimes begin. */
export const BEGINNING = 1_000_000;

const readings = {
  memory: () => ({ rssBytes: 3_000, heapUsedBytes: 1_000, heapLimitBytes: 2_000 }),
  eventLoopDelayMs: () => 7,
};

type Given = Omit<RuntimeOptions, 'secrets'>;

/** A runtime on a virtual clock, monitored unless its options say otherwise. */
export class Watched {
  readonly clock = new VirtualClock(BEGINNING);
  readonly runtime: LocalRuntime | AsyncLocalRuntime;
  readonly #kind: Kind;
  readonly #forms = new WeakMap<Workflow, Workflow>();

  constructor(kind: Kind, options: Given = {}) {
    const all = {
      clock: this.clock,
      ids: seededIds(),
      random: seededRandom(1),
      log: new MemoryLog(),
      readings,
      performanceMonitoring: true,
      ...options,
    };
    this.#kind = kind;
    if (kind === 'LocalRuntime') this.runtime = new LocalRuntime(all);
    else this.runtime = new AsyncLocalRuntime(kind === 'AsyncLocalRuntime' ? all : { ...all, maxConcurrency: 1 });
  }

  /** A node function that takes so many milliseconds and delivers a value. */
  takes<T>(ms: number, value: T): () => T {
    return () => {
      this.clock.advance(ms);
      return value;
    };
  }

  /** A node function that takes so many milliseconds and fails. */
  fails(ms: number): () => never {
    return () => {
      this.clock.advance(ms);
      throw new Error('as it should');
    };
  }

  /** The form of a workflow that runs here: always the same one. */
  formOf<P, O>(built: Workflow<P, O>): Workflow<P, O> {
    if (this.#kind !== 'AsyncLocalRuntime, async nodes') return built;
    const form = this.#forms.get(built) ?? asyncForm(built);
    this.#forms.set(built, form);
    return form as Workflow<P, O>;
  }

  async settle<P, O>(built: Workflow<P, O>, params: object = {}, run: RunOptions = {}): Promise<RunOutcome<O>> {
    const { runtime } = this;
    const form = this.formOf(built) as unknown as Workflow<object, O>;
    if (runtime instanceof LocalRuntime) return runtime.settle(form, params, run);
    return advanceUntil(() => runtime.settle(form, params, run), this.clock);
  }

  async resume<P, O>(built: Workflow<P, O>, runId: string, options: ResumeOptions = {}): Promise<unknown> {
    const { runtime } = this;
    const form = this.formOf(built);
    if (runtime instanceof LocalRuntime) return runtime.resume(form, runId, options);
    return advanceUntil(() => runtime.resume(form, runId, options), this.clock);
  }
}
