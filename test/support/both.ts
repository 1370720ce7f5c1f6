import { deepStrictEqual } from 'node:assert';
import { inspect } from 'node:util';
import { canonicalLog, type RunEvent } from '../../src/base/events.js';
import type { CycleReport } from '../../src/base/graph-result.js';
import type { EmittedData, ProgressUpdate } from '../../src/base/notifications.js';
import type { RunOutcome } from '../../src/base/outcome.js';
import type { NotRunReason } from '../../src/base/reason.js';
import type { RunRejectedError } from '../../src/base/run-errors.js';
import type { RunResult } from '../../src/base/run-result.js';
import type { RunOptions } from '../../src/base/runtime-options.js';
import type { NodeStatus } from '../../src/base/status.js';
import type { Warning } from '../../src/base/warning.js';
import type { Workflow } from '../../src/base/workflow.js';
import { AsyncLocalRuntime, type AsyncLocalRuntimeOptions } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime, type LocalRuntimeOptions } from '../../src/runtimes/local-runtime.js';
import { type LogEntry, MemoryLog } from '../../src/testing/memory-log.js';
import { seededIds, seededRandom } from '../../src/testing/seeded.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { advanceUntil } from '../../src/testing/virtual-drive.js';
import { withFunctions } from '../../src/testing/with-functions.js';

/** How a workflow is run: in LocalRuntime, in AsyncLocalRuntime, and there with every node function made asynchronous. */
export type Form = 'local' | 'async' | 'async nodes';

/** What `both` runs a workflow with. Everything is optional. */
export interface Given {
  readonly params?: Readonly<Record<string, unknown>>;
  /** Options of the run. A function is called once a form: use it where an option keeps state. */
  readonly run?: RunOptions | (() => RunOptions);
  /** Options of both runtimes, over virtual time, seeded ids and random, and a log in memory. A function is called once a form. */
  readonly runtime?: LocalRuntimeOptions | (() => LocalRuntimeOptions);
  /** Default: all three. */
  readonly forms?: readonly Form[];
}

/** What became of a run, as plain data. Maps are objects by node id, in plan order. */
export interface Outcome {
  readonly status: 'completed' | 'waiting' | 'failed' | 'cancelled' | 'rejected';
  /** Declared outputs of a completed run; `{}` otherwise. */
  readonly output: Readonly<Record<string, unknown>>;
  /** Outputs of every node that completed. */
  readonly results: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly nodes: Readonly<Record<string, NodeStatus>>;
  /** Why nodes did not run. */
  readonly reasons: Readonly<Record<string, NotRunReason>>;
  readonly attempts: Readonly<Record<string, number>>;
  readonly visits: Readonly<Record<string, number>>;
  /** Error codes of nodes that failed. */
  readonly errors: Readonly<Record<string, string>>;
  /** Error messages of nodes that failed. */
  readonly messages: Readonly<Record<string, string>>;
  readonly cycles: Readonly<Record<string, Omit<CycleReport, 'elapsedMs'>>>;
  readonly warnings: readonly Warning[];
  /** Codes and messages of what a rejected run was refused for. */
  readonly problems: readonly { readonly code: string; readonly message: string }[];
  /** Code of the error that `execute` would have thrown; empty for a completed run. */
  readonly code: string;
  /** The canonical log. */
  readonly log: readonly unknown[];
  // Of the first form only, not compared: the originals, for whatever else a test looks at.
  readonly events: readonly RunEvent[];
  readonly progress: readonly ProgressUpdate[];
  readonly data: readonly EmittedData[];
  readonly logged: readonly LogEntry[];
  /** What `execute` would have thrown. */
  readonly error: Error | undefined;
}

/** The same workflow with every node function made asynchronous, those of children included. Switches stay: they are no functions of the user. */
export function withAsyncNodes<Params, Output>(workflow: Workflow<Params, Output>): Workflow<Params, Output> {
  return withFunctions(workflow, (_, implementation) => {
    const { run } = implementation;
    if (implementation.switch !== undefined || implementation.executor !== undefined) return implementation;
    return { ...implementation, async: true, run: async (inputs, context) => run(inputs, context) };
  });
}

function called<T>(value: T | (() => T) | undefined): T | undefined {
  return typeof value === 'function' ? (value as () => T)() : value;
}

function byId<T>(run: RunResult, of: (id: string) => T | undefined): Record<string, T> {
  const entries = [...run.nodes.keys()].map((id) => [id, of(id)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Record<string, T>;
}

function facts(outcome: RunOutcome<unknown>, events: readonly RunEvent[]) {
  const log = canonicalLog(events);
  if (outcome.status === 'rejected') {
    const problems = (outcome.error as RunRejectedError).problems.map(({ code, message }) => ({ code, message }));
    const none = {
      output: {},
      results: {},
      nodes: {},
      reasons: {},
      attempts: {},
      visits: {},
      errors: {},
      messages: {},
      cycles: {},
      warnings: [],
    };
    return { ...none, status: outcome.status, problems, code: outcome.error.code as string, log };
  }
  const run: RunResult = outcome;
  return {
    status: outcome.status,
    output: outcome.status === 'completed' ? (outcome.output as Record<string, unknown>) : {},
    results: Object.fromEntries(run.results),
    nodes: byId(run, (id) => run.node(id).status),
    reasons: byId(run, (id) => run.node(id).reason),
    attempts: byId(run, (id) => run.node(id).attempts),
    visits: byId(run, (id) => run.node(id).visits),
    errors: byId(run, (id) => run.node(id).error?.code),
    messages: byId(run, (id) => run.node(id).error?.message),
    cycles: Object.fromEntries([...run.cycles].map(([id, { elapsedMs: _, ...report }]) => [id, report])),
    warnings: run.warnings,
    problems: [],
    code: 'error' in outcome ? (outcome.error.code as string) : '',
    log,
  };
}

async function runForm(form: Form, workflow: Workflow, given: Given): Promise<Outcome> {
  const log = new MemoryLog();
  const base = { clock: new VirtualClock(), ids: seededIds(), random: seededRandom(1), log };
  const options: AsyncLocalRuntimeOptions & LocalRuntimeOptions = {
    ...base,
    ...called<LocalRuntimeOptions>(given.runtime),
  };
  const runtime = form === 'local' ? new LocalRuntime(options) : new AsyncLocalRuntime(options);
  const { clock } = options;
  const events: RunEvent[] = [];
  const progress: ProgressUpdate[] = [];
  const data: EmittedData[] = [];
  runtime.on('event', (event) => events.push(event));
  runtime.on('progress', (update) => progress.push(update));
  runtime.on('data', (emitted) => data.push(emitted));
  const ran = form === 'async nodes' ? withAsyncNodes(workflow) : workflow;
  const settle = async () => runtime.settle<unknown, unknown>(ran, given.params, called<RunOptions>(given.run));
  const outcome = await (clock instanceof VirtualClock ? advanceUntil(settle, clock) : settle());
  await runtime.close();
  return {
    ...facts(outcome, events),
    events,
    progress,
    data,
    // How processes of workers ended is not about the run: runtimes of a test may share them.
    logged: log.entries.filter(({ fields }) => fields.session === undefined),
    error: 'error' in outcome ? outcome.error : undefined,
  };
}

const STACK_LINE = /\n +at .*/g;

/** What must be equal in every form. Between independent nodes, warnings come in any order. */
function comparable({ events: _e, progress, data, logged, error, warnings, ...rest }: Outcome) {
  const bag = (items: readonly unknown[]): string[] =>
    items.map((item) => inspect(item, { depth: 9 }).replaceAll(STACK_LINE, '')).sort();
  const orders = [rest.output, rest.results, rest.nodes].map((record) => Object.keys(record));
  return {
    ...rest,
    orders,
    message: error?.message ?? '',
    warnings: bag(warnings),
    progress: bag(progress),
    data: bag(data),
    logged: bag(logged),
  };
}

/**
 * Runs a workflow in every form, each in a runtime of its own, asserts that all of them agree (status, outputs and their order,
 * reasons, attempts, visits, error codes and messages, cycles, warnings, what listeners and the log were told, canonical log),
 * and returns what became of it, to be compared with expected values.
 *
 * @param build called once a form, so that what node functions count or collect starts afresh
 */
export async function both(build: () => Workflow<never, unknown> | Workflow, given: Given = {}): Promise<Outcome> {
  const forms = given.forms ?? ['local', 'async', 'async nodes'];
  let first: Outcome | undefined;
  for (const form of forms) {
    const outcome = await runForm(form, build() as Workflow, given);
    if (first === undefined) first = outcome;
    else deepStrictEqual(comparable(outcome), comparable(first), `${form} differs from ${forms[0]}`);
  }
  return first as Outcome;
}
