import { ConfigurationError, LockstepError } from '../base/errors.js';
import type { AttemptKey, RunEvent } from '../base/events.js';
import { firstDifference } from '../base/first-difference.js';
import { readStoredEvent } from '../base/history/stored-event.js';
import { checkWord, knownFields } from '../base/option-checks.js';
import type { RunOutcome } from '../base/outcome.js';
import type { RunOptions } from '../base/runtime-options.js';
import { requireWorkflow, type Workflow } from '../base/workflow.js';
import { AsyncLocalRuntime } from '../runtimes/async-local-runtime.js';
import { LocalRuntime, type LocalRuntimeOptions } from '../runtimes/local-runtime.js';
import { settleAnswered, settleAnsweredLater } from './answered-runs.js';
import { CrashError, CrashingStore, type CrashPoint } from './crashing-store.js';
import { checkAnswers, type GateAnswers } from './gate-answers.js';
import { MemoryLog } from './memory-log.js';
import { seededIds, seededRandom } from './seeded.js';
import { VirtualClock } from './virtual-clock.js';
import { advanceUntil } from './virtual-drive.js';
import { refuseExecutors, withFunctions } from './with-functions.js';

/** How `exploreCrashes` runs a workflow. */
export interface CrashOptions {
  /** Which runtime begins a run, and which one goes on with it. Default: `sync` both. */
  readonly runtimes?: readonly [begins: 'sync' | 'async', goesOn: 'sync' | 'async'];
  /** How gates are answered, until the run has ended. Default: not at all, and it ends where it waits. */
  readonly answers?: GateAnswers;
  /** Options of the run. Default: none. */
  readonly run?: Omit<RunOptions, 'signal' | 'runId' | 'onEvent'>;
  /** Options of the runtimes. Clock, ids, random and store are their own. Default: none. */
  readonly runtime?: Omit<
    LocalRuntimeOptions,
    'bridge' | 'clock' | 'ids' | 'random' | 'plugins' | 'store' | 'workflows'
  >;
}

/** What was tried. */
export interface CrashExploration {
  /** Commits of the run that nobody cut off. */
  readonly commits: number;
  /** Where runs were cut off: before and after each commit. */
  readonly points: readonly CrashPoint[];
}

/** What a run came to, without what a crash may change: times, and attempts that were made again. */
function viewOf(outcome: RunOutcome<unknown>): object {
  if (outcome.status === 'rejected')
    return { status: 'rejected', problems: outcome.error.problems.map(({ code }) => code) };
  const nodes = [...outcome.nodes.values()].map(({ id, status, reason, visits, error }) => [
    id,
    { status, reason, visits, error: error?.code },
  ]);
  const cycles = [...outcome.cycles].map(([id, { elapsedMs: _, ...cycle }]) => [id, cycle]);
  return {
    status: outcome.status,
    output: outcome.output,
    nodes: Object.fromEntries(nodes),
    cycles: Object.fromEntries(cycles),
  };
}

function keyOf({ scope, node, visit, attempt }: AttemptKey): string {
  return `${scope}${node} ${visit}.${attempt}`;
}

/** What was performed of one run since it was cut off. */
class Ledger {
  /** Attempts whose function was called, by scope, node, visit and attempt, with how often. */
  readonly calls = new Map<string, number>();

  wrap<Params, Output>(workflow: Workflow<Params, Output>): Workflow<Params, Output> {
    return withFunctions(workflow, (_, implementation) => ({
      ...implementation,
      run: (inputs, context) => {
        const { scope, nodeId: node, visit, attempt } = context;
        const key = keyOf({ scope, node, visit, attempt });
        this.calls.set(key, (this.calls.get(key) ?? 0) + 1);
        return implementation.run(inputs, context);
      },
    }));
  }
}

class Crashes<Output> {
  readonly #workflow: Workflow<object, Output>;
  readonly #params: object;
  readonly #options: CrashOptions;

  constructor(workflow: Workflow<object, Output>, params: object, options: CrashOptions) {
    this.#workflow = workflow;
    this.#params = params;
    this.#options = options;
  }

  /** Works on the run until it is over, or the store breaks. `undefined` where it broke. */
  async process(
    store: CrashingStore,
    clock: VirtualClock,
    kind: 'sync' | 'async',
  ): Promise<RunOutcome<Output> | undefined> {
    const { runtime, answers } = this.#options;
    const own = { log: new MemoryLog(), ...runtime, clock, ids: seededIds(), random: seededRandom('crash'), store };
    store.open();
    const events: RunEvent[] = logOf(store);
    const goesOn = store.run(RUN) === undefined ? {} : { goesOn: RUN };
    const run = {
      workflow: this.#workflow,
      params: this.#params,
      options: { ...this.#options.run, runId: RUN },
      ...goesOn,
      answers,
      clock,
      events,
    };
    try {
      if (kind === 'sync') {
        using local = new LocalRuntime(own);
        return settleAnswered(local, run);
      }
      await using later = new AsyncLocalRuntime(own);
      return await settleAnsweredLater(later, run, (start) => advanceUntil(start, clock));
    } catch (error) {
      if (error instanceof CrashError) return undefined;
      throw error;
    }
  }
}

const RUN = 'crashed';

/** What is recorded of the run. */
function logOf(store: CrashingStore): RunEvent[] {
  return [...store.events(RUN)].map((event) => readStoredEvent(event, RUN, (hash) => store.blob(hash)));
}

function describePoint({ commit, when }: CrashPoint): string {
  return `${when} commit ${commit}`;
}

function failed(workflow: Workflow, point: CrashPoint, what: string, cause?: unknown): LockstepError {
  const text = `"${workflow.name}", killed ${describePoint(point)} and resumed: ${what}.`;
  return new LockstepError('EXPLORATION_FAILED', text, { at: describePoint(point), value: point, cause });
}

/**
 * Runs a durable workflow once undisturbed, then kills and resumes it before and after each of its commits, and looks whether every
 * run comes to the same result, whether no attempt is performed again of which the start was recorded, and whether what is recorded is whole.
 * Nodes must give the same outputs whenever they are called.
 *
 * @returns which commits were tried
 * @throws LockstepError EXPLORATION_FAILED naming the commit. RunRejectedError; ConfigurationError GATE_UNANSWERED, UNKNOWN_OPTION, INVALID_OPTION
 */
export async function exploreCrashes<Params, Output>(
  workflow: Workflow<Params, Output>,
  params: Params,
  options: CrashOptions = {},
): Promise<CrashExploration> {
  requireWorkflow('exploreCrashes', workflow);
  refuseExecutors(workflow);
  knownFields(options, ['runtimes', 'answers', 'run', 'runtime'], 'exploreCrashes');
  for (const kind of options.runtimes ?? []) checkWord(kind, ['sync', 'async'], 'exploreCrashes: runtimes');
  if (options.answers !== undefined) checkAnswers(workflow, options.answers);
  const [begins, goesOn] = options.runtimes ?? ['sync', 'sync'];
  const undisturbed = new CrashingStore(undefined);
  const of = (ledger: Ledger): Crashes<Output> =>
    new Crashes(ledger.wrap(workflow) as Workflow<object, Output>, params as object, options);
  const expected = await of(new Ledger()).process(undisturbed, new VirtualClock(), begins);
  if (expected?.status === 'rejected') throw expected.error;
  const points = Array.from({ length: undisturbed.commits }, (_, commit) => [
    { commit, when: 'before' } as const,
    { commit, when: 'after' } as const,
  ]).flat();
  for (const point of points) {
    const store = new CrashingStore(point);
    const ledger = new Ledger();
    const crashes = of(ledger);
    const clock = new VirtualClock();
    const cut = await crashes.process(store, clock, begins);
    if (cut !== undefined) throw failed(workflow, point, 'it ended although its store had broken');
    store.restart();
    const started = new Set(
      logOf(store).flatMap((event) => (event.kind === 'attempt.started' ? [keyOf(event.data)] : [])),
    );
    ledger.calls.clear();
    const resumed = await crashes.process(store, clock, goesOn).catch((cause: unknown) => {
      if (cause instanceof ConfigurationError) throw cause;
      throw failed(workflow, point, 'it could not be resumed', cause);
    });
    compare(workflow, point, expected, resumed);
    const again = [...ledger.calls].find(([key, calls]) => calls > 1 || started.has(key));
    if (again !== undefined)
      throw failed(workflow, point, `attempt ${again[0]} was performed although it had begun before`);
    const { problems } = store.verify();
    if (problems.length > 0) throw failed(workflow, point, `its log is damaged: ${problems[0]?.what}`);
  }
  return { commits: undisturbed.commits, points };
}

function compare(
  workflow: Workflow,
  point: CrashPoint,
  expected: RunOutcome<unknown> | undefined,
  resumed: RunOutcome<unknown> | undefined,
): void {
  if (expected === undefined || resumed === undefined) throw failed(workflow, point, 'it did not end');
  const difference = firstDifference(viewOf(expected), viewOf(resumed));
  if (difference === undefined) return;
  const { path, left, right } = difference;
  throw failed(workflow, point, `${path} should be ${JSON.stringify(left)} and is ${JSON.stringify(right)}`);
}
