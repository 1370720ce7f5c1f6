import { ConfigurationError, errorData, LockstepError } from '../base/errors.js';
import type { RunEvent } from '../base/events.js';
import type { NodeFunction } from '../base/node.js';
import { checkCount, knownFields } from '../base/option-checks.js';
import type { RunOutcome } from '../base/outcome.js';
import type { RunOptions } from '../base/runtime-options.js';
import { requireWorkflow, type Workflow } from '../base/workflow.js';
import { AsyncLocalRuntime, type AsyncLocalRuntimeOptions } from '../runtimes/async-local-runtime.js';
import { settleAnsweredLater } from './answered-runs.js';
import { checkAnswers, type GateAnswers } from './gate-answers.js';
import { MemoryLog } from './memory-log.js';
import { refuse } from './script.js';
import { seededIds, seededRandom } from './seeded.js';
import { SeededOrder } from './seeded-order.js';
import { VirtualClock } from './virtual-clock.js';
import { driveUntil } from './virtual-drive.js';
import { pathsOf, refuseExecutors } from './with-functions.js';

/** How `explore` runs a workflow. */
export interface ExploreOptions {
  /** How many seeds are tried, from 1 on; or which: `[17]` replays one. Default 100. */
  readonly seeds?: number | readonly number[];
  /**
   * An attempt may also be slow: its seed holds its answer back for up to so many milliseconds on the clock, so that retries, time
   * limits and gates come before it. A whole number. Default 0: time goes on only when nothing else can.
   */
  readonly slowestMs?: number;
  /** Stand-ins by node id, those in children as `sub/node`, for nodes that wait for something real. Default: none. */
  readonly stubs?: Readonly<Record<string, NodeFunction>>;
  /** How gates are answered, until the run has ended. Default: not at all, and it ends where it waits. */
  readonly answers?: GateAnswers;
  /** Options of the runtime. Clock, ids and random are virtual and seeded. Default: none. */
  readonly runtime?: Omit<AsyncLocalRuntimeOptions, 'clock' | 'ids' | 'random' | 'plugins'>;
  /** Options of the runs. Default: none. */
  readonly run?: Omit<RunOptions, 'signal' | 'runId' | 'onEvent'>;
}

/** One order in which the nodes of a run settled. */
export interface Interleaving {
  readonly seed: number;
  /** The asynchronous attempts in the order in which they settled: `fetch`, `each[3]/fetch attempt 2`, `step visit 4`. */
  readonly order: readonly string[];
  readonly events: readonly RunEvent[];
}

/** What was tried. */
export interface Exploration {
  /** Runs, one a seed. */
  readonly runs: number;
  /** Different orders among them: where it stays small, more seeds show nothing new. */
  readonly orders: number;
}

/** A check failed for one seed; `cause` is what it threw. */
export class ExplorationError extends LockstepError {
  /** The seed that repeats it: `{ seeds: [seed] }`. */
  readonly seed: number;
  /** The order in which attempts settled until then. */
  readonly order: readonly string[];

  constructor(what: string, seed: number, order: readonly string[], cause: unknown) {
    super('EXPLORATION_FAILED', what, { at: `seed ${seed}`, value: seed, cause });
    this.seed = seed;
    this.order = order;
  }
}

const FIELDS = ['seeds', 'slowestMs', 'stubs', 'answers', 'runtime', 'run'];
const MAX_SHOWN = 20;

function seedsOf({ seeds = 100 }: ExploreOptions): readonly number[] {
  if (typeof seeds === 'number') {
    checkCount(seeds, 1, 'explore: seeds');
    return Array.from({ length: seeds }, (_, index) => index + 1);
  }
  if (!Array.isArray(seeds) || seeds.length === 0)
    refuse('explore: seeds must be a number, or a list of at least one.', 'seeds', seeds);
  for (const seed of seeds) checkCount(seed as number, 0, 'explore: a seed');
  return seeds;
}

function check(workflow: Workflow, verify: unknown, options: ExploreOptions): void {
  requireWorkflow('explore', workflow);
  refuseExecutors(workflow, options.stubs);
  if (typeof verify !== 'function')
    refuse('explore() takes a function that checks each run as its third argument.', 'explore', verify);
  knownFields(options, FIELDS, 'the options of explore');
  checkCount(options.slowestMs, 0, 'explore: slowestMs');
  knownFields(options.stubs ?? {}, pathsOf(workflow), 'explore: stubs');
  if (options.answers !== undefined) checkAnswers(workflow, options.answers);
}

async function runOnce<Output>(
  workflow: Workflow,
  params: unknown,
  options: ExploreOptions,
  order: SeededOrder,
  events: RunEvent[],
): Promise<RunOutcome<Output>> {
  const { stubs = {}, answers, run } = options;
  const { clock, seed } = order;
  const own = { log: new MemoryLog(), ...options.runtime, clock, ids: seededIds(), random: seededRandom(seed) };
  await using runtime = new AsyncLocalRuntime(own);
  const ordered = order.wrap(workflow as Workflow<object, Output>, stubs);
  const steps = {
    next: () => order.settleNext() || clock.advanceToNext(),
    stall: () => clock.stall(),
    isReal: () => order.waitsForThread,
  };
  const answered = { workflow: ordered, params: params as object, options: run, answers, clock, events };
  return await settleAnsweredLater(runtime, answered, (start) => driveUntil(start, steps));
}

function failureText({ name }: Workflow, { seed, settled }: SeededOrder, cause: unknown): string {
  const shown = settled.slice(-MAX_SHOWN).join(', ');
  const earlier = settled.length > MAX_SHOWN ? '…, ' : '';
  return [
    `"${name}" fails with seed ${seed}, which { seeds: [${seed}] } replays: ${errorData(cause).message}`,
    `Attempts settled in this order: ${earlier}${shown}.`,
  ].join('\n');
}

/**
 * Runs a workflow in AsyncLocalRuntime once for each seed. In every run its asynchronous attempts settle one at a time, in an order
 * that the seed decides: what depends on who is faster shows. The same seed gives the same order, always, unless a node waits for
 * something real. Time is virtual; it goes on when nothing is left that could settle.
 *
 * @param verify is given each run and throws, or rejects, where something is wrong
 * @returns how many runs and how many different orders there were
 * @throws ExplorationError EXPLORATION_FAILED at the first seed that fails, naming it. ConfigurationError GATE_UNANSWERED naming a gate
 * that `answers` leaves out; INVALID_OPTION, UNKNOWN_OPTION
 */
export async function explore<Params, Output>(
  workflow: Workflow<Params, Output>,
  params: Params,
  verify: (outcome: RunOutcome<Output>, interleaving: Interleaving) => void | Promise<void>,
  options: ExploreOptions = {},
): Promise<Exploration> {
  check(workflow, verify, options);
  const seeds = seedsOf(options);
  const orders = new Set<string>();
  for (const seed of seeds) {
    const order = new SeededOrder(seed, new VirtualClock(), options.slowestMs ?? 0);
    const events: RunEvent[] = [];
    const failed = (cause: unknown): never => {
      throw new ExplorationError(failureText(workflow, order, cause), seed, order.settled, cause);
    };
    const run = runOnce<Output>(workflow, params, options, order, events);
    const outcome = await run.catch((error: unknown) => {
      if (error instanceof ConfigurationError) throw error; // it is the same with every seed
      return failed(error);
    });
    try {
      await verify(outcome, { seed, order: order.settled, events });
    } catch (cause) {
      failed(cause);
    }
    orders.add(order.settled.join('\n'));
  }
  return { runs: seeds.length, orders: orders.size };
}
