import { expect } from 'chai';
import { canonicalLog, type RunEvent } from '../../src/base/events.js';
import type { NodeImplementation } from '../../src/base/node.js';
import type { CancelledRun, FailedRun, RejectedRun, RunOutcome } from '../../src/base/outcome.js';
import type { NotRunReason } from '../../src/base/reason.js';
import type { CompletedRun, RunResult } from '../../src/base/run-result.js';
import type { RunOptions, RuntimeOptions } from '../../src/base/runtime-options.js';
import type { Workflow } from '../../src/base/workflow.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { advanceUntil, seededIds, seededRandom, VirtualClock } from '../../src/testing/index.js';
import { withFunctions } from '../../src/testing/with-functions.js';

/** The ways in which one and the same workflow is run. */
export const WAYS = [
  'local',
  'async runtime, sync nodes',
  'async runtime, async nodes',
  'async runtime, one async node at a time',
] as const;

/** Those in which nodes answer with promises. */
export const ASYNC_WAYS: readonly Way[] = ['async runtime, async nodes', 'async runtime, one async node at a time'];

/** Those in which nodes hold the thread. */
export const SYNC_WAYS: readonly Way[] = ['local', 'async runtime, sync nodes'];

/** One of them. */
export type Way = (typeof WAYS)[number];

/** How a run is set up beside its workflow. */
export interface Setup {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly runtime?: Omit<RuntimeOptions, 'secrets'>;
  readonly run?: RunOptions;
  /** `false`: what happens depends on the way on purpose, so nothing is compared. Default `true`. */
  readonly compare?: boolean;
}

const hops = seededRandom('hops');

/** The same node, answering with a promise after a number of microtasks that depends on scope, node, visit and attempt. */
function asyncImplementation(id: string, implementation: NodeImplementation): NodeImplementation {
  return {
    ...implementation,
    async: true,
    run: async (inputs, context) => {
      const key = `${context.scope}${id}/${context.visit}/${context.attempt}`;
      for (let left = Math.floor(hops.keyed(key) * 6); left >= 0; left--) await null;
      return implementation.run(inputs, context);
    },
  };
}

/** The same workflow with every function, those of switches and children included, in its asynchronous form. */
export function asyncForm<P, O>(workflow: Workflow<P, O>): Workflow<P, O> {
  return withFunctions(workflow, (path, one) => asyncImplementation(path, one));
}

/** Runs workflows in one way and remembers what happened, to be compared with the other ways. */
export class Runner {
  readonly way: Way;
  readonly seen: unknown[] = [];
  /** The events of the last run. */
  events: RunEvent[] = [];

  constructor(way: Way) {
    this.way = way;
  }

  /** Whether nodes answer with promises. */
  get asyncNodes(): boolean {
    return ASYNC_WAYS.includes(this.way);
  }

  async settle<P, O>(workflow: Workflow<P, O>, setup: Setup = {}): Promise<RunOutcome<O>> {
    const clock = setup.runtime?.clock ?? new VirtualClock();
    const options = { clock, ids: seededIds(), random: seededRandom(1), ...setup.runtime };
    const events: RunEvent[] = [];
    const run: RunOptions = {
      ...setup.run,
      onEvent: (event) => {
        events.push(event);
        setup.run?.onEvent?.(event);
      },
    };
    const outcome = await this.#perform(
      workflow as Workflow<Record<string, unknown>, O>,
      setup.params ?? {},
      options,
      run,
      clock,
    );
    this.events = events;
    if (setup.compare !== false) this.seen.push(summary(outcome, events));
    return outcome;
  }

  async #perform<O>(
    workflow: Workflow<Record<string, unknown>, O>,
    params: Readonly<Record<string, unknown>>,
    options: Omit<RuntimeOptions, 'secrets'>,
    run: RunOptions,
    clock: NonNullable<RuntimeOptions['clock']>,
  ) {
    if (this.way === 'local') {
      using runtime = new LocalRuntime(options);
      return runtime.settle(workflow, params, run);
    }
    const single = this.way === 'async runtime, one async node at a time';
    await using runtime = new AsyncLocalRuntime(single ? { ...options, maxConcurrency: 1 } : options);
    const settle = () => runtime.settle(this.asyncNodes ? asyncForm(workflow) : workflow, params, run);
    return await (clock instanceof VirtualClock ? advanceUntil(settle, clock) : settle());
  }

  /** Runs a workflow that must complete. */
  async complete<P, O>(workflow: Workflow<P, O>, setup: Setup = {}): Promise<CompletedRun<O>> {
    const outcome = await this.settle(workflow, setup);
    if (outcome.status === 'completed') return outcome;
    throw outcome.status === 'waiting' ? new Error('The run waits.') : outcome.error;
  }

  /** Runs a workflow that must fail. */
  async fail<P, O>(workflow: Workflow<P, O>, setup: Setup = {}): Promise<FailedRun<O>> {
    const outcome = await this.settle(workflow, setup);
    expect(outcome.status).to.equal('failed');
    return outcome as FailedRun<O>;
  }

  /** Runs a workflow that must be cancelled. */
  async cancel<P, O>(workflow: Workflow<P, O>, setup: Setup = {}): Promise<CancelledRun<O>> {
    const outcome = await this.settle(workflow, setup);
    expect(outcome.status).to.equal('cancelled');
    return outcome as CancelledRun<O>;
  }

  /** Runs a workflow that must be refused. */
  async reject<P, O>(workflow: Workflow<P, O>, setup: Setup = {}): Promise<RejectedRun> {
    const outcome = await this.settle(workflow, setup);
    expect(outcome.status).to.equal('rejected');
    return outcome as RejectedRun;
  }
}

/** What must be the same in every way. */
export function summary(outcome: RunOutcome<unknown>, events: readonly RunEvent[]): unknown {
  if (outcome.status === 'rejected')
    return { status: 'rejected', problems: outcome.error.problems.map(({ code, at }) => ({ code, at })) };
  const nodes = [...outcome.nodes.values()].map(({ id, status, attempts, visits, reason, error, failures }) => ({
    id,
    status,
    attempts,
    visits,
    reason,
    error,
    failures: failures.length,
  }));
  const cycles = [...outcome.cycles.values()].map(({ elapsedMs: _, ...report }) => report);
  const log = canonicalLog(
    events.map((event) =>
      event.kind === 'run.started' ? { ...event, data: { ...event.data, options: {} as never } } : event,
    ),
  );
  return {
    status: outcome.status,
    error: 'error' in outcome ? outcome.error.message : undefined,
    nodes,
    cycles,
    warnings: outcome.warnings,
    results: [...outcome.results],
    gates: outcome.gates.map(({ gate, shows }) => ({ gate, shows })),
    log,
  };
}

/**
 * A test body for `it`, in which no rejection may be left unhandled: run once in every way, each time from scratch, its expectations checked each time; afterwards the runs
 * of all ways must have been the same in results, statuses, reasons, attempts, errors, warnings and canonical log.
 *
 * @param ways default: all four
 */
export function everyWay(
  body: (run: Runner) => Promise<void> | void,
  ways: readonly Way[] = WAYS,
): () => Promise<void> {
  return async () => {
    const runners: Runner[] = [];
    for (const way of ways) {
      const runner = new Runner(way);
      const unhandled: unknown[] = [];
      const note = (reason: unknown): unknown => unhandled.push(reason);
      process.on('unhandledRejection', note);
      try {
        await body(runner);
        await new Promise((resolve) => setImmediate(resolve));
        expect(unhandled, 'rejections that nobody handled').to.deep.equal([]);
      } catch (error) {
        if (error instanceof Error) error.message = `[${way}] ${error.message}`;
        throw error;
      } finally {
        process.off('unhandledRejection', note);
      }
      runners.push(runner);
    }
    const [first, ...others] = runners as [Runner, ...Runner[]];
    for (const other of others) expect(other.seen, `${other.way} differs from ${first.way}`).to.deep.equal(first.seen);
  };
}

/** Node id to status, in plan order. */
export function statuses(run: RunResult): Record<string, string> {
  return Object.fromEntries([...run.nodes.values()].map(({ id, status }) => [id, status]));
}

/** Why a node did not run. */
export function reasonOf(run: RunResult, id: string): NotRunReason | undefined {
  return run.node(id).reason;
}

/** The code of what a function throws; `undefined` when it throws nothing. */
export function codeThrownBy(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return (error as { readonly code?: string }).code ?? String(error);
  }
}
