import { inspect } from 'node:util';
import { compile } from '../base/compile.js';
import { canonicalLog, type RunEvent } from '../base/events.js';
import type { Executor, ExecutorCall, ExecutorReference, RemoteExecutor } from '../base/executor-port.js';
import { firstDifference } from '../base/first-difference.js';
import type { GraphResult, NodeReport } from '../base/graph-result.js';
import type { EventStore } from '../base/history/event-store.js';
import { readStoredEvent } from '../base/history/stored-event.js';
import type { NodeFunction, NodeImplementation } from '../base/node.js';
import { checkFlag } from '../base/option-checks.js';
import type { RunOutcome } from '../base/outcome.js';
import type { ServiceReference, SyncBridge } from '../base/ports.js';
import type { RunResult } from '../base/run-result.js';
import type { RunOptions } from '../base/runtime-options.js';
import { isThenable } from '../base/schema.js';
import { requireWorkflow, type Workflow } from '../base/workflow.js';
import { MemoryEventStore } from '../plugins/event-store/memory-event-store.js';
import { AsyncLocalRuntime } from '../runtimes/async-local-runtime.js';
import { LocalRuntime, type LocalRuntimeOptions } from '../runtimes/local-runtime.js';
import { ThreadBridge } from '../runtimes/sync-bridge/thread-bridge.js';
import { type AnsweredRun, settleAnswered, settleAnsweredLater } from './answered-runs.js';
import { digestOf } from './digest.js';
import { checkAnswers, type GateAnswers } from './gate-answers.js';
import { MemoryLog } from './memory-log.js';
import { seededIds, seededRandom } from './seeded.js';
import { canHold, holdingOnClock, onClock } from './timed.js';
import { VirtualClock } from './virtual-clock.js';
import { advanceUntil } from './virtual-drive.js';
import { type ChangeFunction, pathsOf, withFunctions } from './with-functions.js';

/** How `assertParity` runs a workflow. */
export interface ParityOptions {
  /** Seed of the random both runtimes get. Default `parity`. */
  readonly seed?: number | string;
  /** Options of both runtimes. Clock, ids and random are virtual and seeded. Default: none. */
  readonly runtime?: Omit<LocalRuntimeOptions, 'clock' | 'ids' | 'random' | 'plugins' | 'store'>;
  /** Plugins that provide executors, for both runtimes. Default: none, and each node that an executor performs needs a stub. */
  readonly plugins?: NonNullable<LocalRuntimeOptions['plugins']>;
  /** Options of both runs. Default: none. */
  readonly run?: Omit<RunOptions, 'signal' | 'runId' | 'onEvent'>;
  /** Attempts in flight in AsyncLocalRuntime. Default: no limit. */
  readonly maxConcurrency?: number;
  /**
   * Synchronous stand-ins by node id, those in children as `sub/node`; AsyncLocalRuntime gets their results as promises.
   * Asynchronous nodes need one, scripted ones excepted, and nodes that executors perform. Default: none.
   */
  readonly stubs?: Readonly<Record<string, NodeFunction>>;
  /** How gates are answered, alike in both runtimes, until the runs have ended. Default: not at all, and runs end where they wait. */
  readonly answers?: GateAnswers;
  /**
   * Whether both runs are recorded, each in a store of its own: what cannot be recorded fails its node then, and what was recorded
   * must be what was heard. Default `false`.
   */
  readonly store?: boolean;
}

/** The arguments after the workflow: parameters may be left out where none is required. */
// biome-ignore lint/complexity/noBannedTypes: `{}` is the test for "no required key"
export type ParityArguments<Params> = {} extends Params
  ? [params?: Params, options?: ParityOptions]
  : [params: Params, options?: ParityOptions];

/** What kind of problem `assertParity` found. */
export type ParityProblem = 'PARITY_DIFFERS' | 'PARITY_INPUT_MUTATED' | 'PARITY_NEEDS_STUB';

/** Two runs of one workflow were not the same, or could not be compared. */
export class ParityError extends Error {
  readonly code: ParityProblem;
  /** The first difference, such as `nodes.clean.status`; the inputs that were mutated; or the nodes that need a stub. */
  readonly path: string;

  constructor(code: ParityProblem, path: string, message: string) {
    super(message);
    this.name = 'ParityError';
    this.code = code;
    this.path = path;
  }
}

/** Where an attempt stands in a run. */
interface Place {
  readonly scope: string;
  readonly nodeId: string;
  readonly visit: number;
  readonly attempt: number;
}

/** What is compared of a run. */
interface Trace<Output> {
  readonly outcome: RunOutcome<Output>;
  readonly view: unknown;
  /** Scope, node and port of inputs that a node changed: `node.port`, `all[3]/node.port`. */
  readonly mutated: ReadonlySet<string>;
}

/** Runs what an observer watches. */
class ObservedLocal extends LocalRuntime {
  observer: Observer | undefined;

  protected override executorFor(reference: ExecutorReference): Executor | undefined {
    return this.observer?.executor(super.executorFor(reference));
  }
}

class ObservedAsync extends AsyncLocalRuntime {
  observer: Observer | undefined;

  protected override executorFor(reference: ExecutorReference): Executor | undefined {
    return this.observer?.executor(super.executorFor(reference));
  }
}

/** Calls nodes and remembers what they were given, before and after. */
class Observer {
  /** Digest of the inputs, by scope, node, visit and attempt. */
  readonly inputs = new Map<string, string>();
  readonly mutated = new Set<string>();
  readonly events: RunEvent[] = [];
  /** Calls of module nodes and executors in this thread that have not settled: they wait for something real. */
  pending = 0;

  /** The same bridge: notes what nodes are given that it performs. They get copies, so they cannot mutate it. */
  bridge(inner: SyncBridge): SyncBridge {
    const { serve } = inner;
    return {
      ...(serve !== undefined && { serve: (service: ServiceReference) => serve.call(inner, service) }),
      submit: (call, receive) => {
        if (call.service === undefined) this.#note(call, call.inputs);
        return inner.submit(call, receive);
      },
      wait: (ms) => inner.wait(ms),
      close: () => inner.close(),
    };
  }

  #note({ scope, nodeId, visit, attempt }: Place, inputs: Readonly<Record<string, unknown>>): void {
    this.inputs.set(`${scope}${nodeId}/${visit}/${attempt}`, digestOf(digests(inputs)));
  }

  /** The same executor: notes what it is given. It packs that, so it cannot mutate it. */
  executor(inner: Executor | undefined): Executor | undefined {
    if (inner === undefined) return undefined;
    const { remote } = inner;
    const perform = async (call: ExecutorCall): Promise<unknown> => {
      this.#note(call.context, call.inputs);
      this.pending++;
      try {
        return await inner.perform(call);
      } finally {
        this.pending--;
      }
    };
    const pack: RemoteExecutor['pack'] = (call) => {
      this.#note(call.context, call.inputs);
      return (remote as RemoteExecutor).pack(call);
    };
    return {
      check: (target) => inner.check(target),
      perform,
      ...(remote === undefined
        ? {}
        : {
            remote: {
              service: remote.service,
              pack,
              unpack: (answer, context) => remote.unpack(answer, context),
              unpackEmitted: (emitted) => remote.unpackEmitted(emitted),
              answer: (question, context) => remote.answer?.(question, context) ?? { data: undefined, bytes: [] },
            },
          }),
    };
  }

  wrap(workflow: Workflow, replace: ChangeFunction): Workflow {
    return withFunctions(workflow, (path, one) => this.#observed(replace(path, one)));
  }

  #observed(implementation: NodeImplementation): NodeImplementation {
    if (implementation.executor !== undefined) return implementation;
    return {
      ...implementation,
      run: (inputs, context) => {
        const node = `${context.scope}${context.nodeId}`;
        const before = digests(inputs);
        this.inputs.set(`${node}/${context.visit}/${context.attempt}`, digestOf(before));
        const compare = (): void => this.#compare(node, before, digests(inputs));
        let returned: unknown;
        try {
          returned = implementation.run(inputs, context);
        } catch (error) {
          compare();
          throw error;
        }
        if (!isThenable(returned)) compare();
        else {
          const real = implementation.module === undefined ? 0 : 1;
          const settled = (): void => {
            this.pending -= real;
            compare();
          };
          this.pending += real;
          returned.then(settled, settled);
        }
        return returned;
      },
    };
  }

  #compare(node: string, before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): void {
    for (const port of new Set([...Object.keys(before), ...Object.keys(after)])) {
      if (before[port] !== after[port]) this.mutated.add(`${node}.${port}`);
    }
  }
}

function digests(inputs: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(inputs).map(([port, value]) => [port, digestOf(value)]));
}

function stubbed(implementation: NodeImplementation, stub: NodeFunction): NodeImplementation {
  const { module: _, executor: __, ...rest } = implementation;
  return { ...rest, run: stub, async: false };
}

/** A stub as AsyncLocalRuntime gets it: its result, or what it throws, comes as a promise. */
function promised(stub: NodeFunction): NodeFunction {
  return async (inputs, context) => stub(inputs, context);
}

function nodeView({ id, status, reason, attempts, visits, error, failures }: NodeReport): readonly [string, unknown] {
  const failed = failures.map(
    (failure) => `${failure.visit}/${failure.attempt} ${failure.status} ${failure.error.code}`,
  );
  return [id, { status, reason, attempts, visits, error: error?.code, failures: failed }];
}

function byPlace(warnings: RunResult['warnings']): readonly string[] {
  return warnings.map(({ code, at, message }) => `${code} at "${at}": ${message}`).sort();
}

/** The canonical log of a run, without the one option that the two runtimes may be given differently. */
function logView(events: readonly RunEvent[]): readonly unknown[] {
  return canonicalLog(
    events.map((event) => {
      if (event.kind !== 'run.started') return event;
      return { ...event, data: { ...event.data, options: { ...event.data.options, maxConcurrency: null } } };
    }),
  );
}

function traceOf<Output>(outcome: RunOutcome<Output>, { inputs, mutated, events }: Observer): Trace<Output> {
  if (outcome.status === 'rejected') {
    return {
      outcome,
      mutated,
      view: { status: outcome.status, problems: outcome.error.problems.map(({ code, at }) => `${code} ${at}`) },
    };
  }
  const { status, output, nodes, cycles, warnings } = outcome;
  const view = {
    status,
    output,
    nodes: Object.fromEntries([...nodes.values()].map(nodeView)),
    cycles: Object.fromEntries([...cycles].map(([id, { elapsedMs: _, ...cycle }]) => [id, cycle])),
    warnings: byPlace(warnings),
    inputs: Object.fromEntries([...inputs].sort(([a], [b]) => (a < b ? -1 : 1))),
    log: logView(events),
  };
  return { outcome, mutated, view };
}

function settings(options: ParityOptions) {
  const { seed = 'parity', runtime = {}, plugins = [], store: isRecorded = false } = options;
  const clock = new VirtualClock();
  const store = isRecorded ? new MemoryEventStore() : undefined;
  store?.open();
  const own = { log: new MemoryLog(), ...runtime, plugins, clock, ids: seededIds(), random: seededRandom(seed) };
  return { clock, store, runtime: store === undefined ? own : { ...own, store } };
}

/** Compares what was recorded of a run with what was heard of it. */
function compareRecord(
  workflow: Workflow,
  outcome: RunOutcome<unknown>,
  { events }: Observer,
  store?: EventStore,
): void {
  if (store === undefined || outcome.status === 'rejected') return;
  const recorded = [...store.events(outcome.runId)].map((event) => {
    return readStoredEvent(event, outcome.runId, (hash) => store.blob(hash));
  });
  const difference = firstDifference(events, recorded);
  if (difference === undefined) return;
  const { path } = difference;
  const what = `What was recorded of "${workflow.name}" is not what was heard: they differ in ${path}.`;
  throw new ParityError('PARITY_DIFFERS', `record.${path}`, what);
}

function runSync<Output>(
  workflow: Workflow,
  params: unknown,
  options: ParityOptions,
  threads: SyncBridge,
): Trace<Output> {
  const observer = new Observer();
  const { clock, store, runtime: own } = settings(options);
  using runtime = new ObservedLocal({ ...own, bridge: observer.bridge(own.bridge ?? threads) });
  runtime.observer = observer;
  const observed = observer.wrap(workflow, (id, one) => {
    const stub = options.stubs?.[id];
    return stub === undefined ? holdingOnClock(one, clock) : stubbed(one, stub);
  });
  const outcome = settleAnswered(runtime, answeredRun<Output>(observed, params, options, clock, observer));
  compareRecord(workflow, outcome, observer, store);
  return traceOf(outcome, observer);
}

async function runAsync<Output>(workflow: Workflow, params: unknown, options: ParityOptions): Promise<Trace<Output>> {
  const observer = new Observer();
  const { clock, store, runtime: shared } = settings(options);
  const { bridge: _, ...own } = shared;
  const { maxConcurrency } = options;
  await using runtime = new ObservedAsync({ ...own, ...(maxConcurrency === undefined ? {} : { maxConcurrency }) });
  runtime.observer = observer;
  const observed = observer.wrap(workflow, (id, one) => {
    const stub = options.stubs?.[id];
    return stub === undefined ? onClock(one, clock) : { ...stubbed(one, promised(stub)), async: true };
  });
  const run = answeredRun<Output>(observed, params, options, clock, observer);
  const isReal = (): boolean => observer.pending > 0;
  const outcome = await settleAnsweredLater(runtime, run, (start) => advanceUntil(start, clock, isReal));
  compareRecord(workflow, outcome, observer, store);
  return traceOf(outcome, observer);
}

function answeredRun<Output>(
  workflow: Workflow,
  params: unknown,
  { run, answers }: ParityOptions,
  clock: VirtualClock,
  { events }: Observer,
): AnsweredRun<Output> {
  return {
    workflow: workflow as Workflow<object, Output>,
    params: params as object,
    options: run,
    answers,
    clock,
    events,
  };
}

function refuseUnknownStubs(workflow: Workflow, stubs: Readonly<Record<string, NodeFunction>>): void {
  const known = pathsOf(workflow);
  const unknown = Object.keys(stubs).find((path) => !known.includes(path));
  if (unknown === undefined) return;
  throw new ParityError(
    'PARITY_NEEDS_STUB',
    unknown,
    `A stub is given for "${unknown}", which is no node of "${workflow.name}".`,
  );
}

function needStubs(workflow: Workflow, nodes: readonly string[]): never {
  const list = nodes.map((id) => `"${id}"`).join(', ');
  const what = `PARITY_NEEDS_STUB: nodes of "${workflow.name}" are asynchronous, or executors perform them: ${list}.`;
  throw new ParityError('PARITY_NEEDS_STUB', nodes.join(', '), `${what} Pass a synchronous stub for each.`);
}

/** The nodes that failed because they returned a promise, as stubs name them. */
function returnedPromises(graph: GraphResult, owners = ''): readonly string[] {
  const paths = graph.failures.flatMap(({ node, error }) =>
    error.code === 'NODE_RETURNED_PROMISE' ? [`${owners}${node}`] : [],
  );
  const inside = [...graph.nodes.keys()].flatMap((id) =>
    graph.children(id).flatMap((child) => returnedPromises(child, `${owners}${id}/`)),
  );
  return [...new Set([...paths, ...inside])];
}

/**
 * Runs a workflow in LocalRuntime and in AsyncLocalRuntime, each on a virtual clock of its own and with the same seed, and
 * compares status, output, every node (status, reason, attempts, visits, error codes, inputs), cycles, warnings and the
 * canonical log. The inputs of every call are digested before and after, so that a node that mutates them is found.
 *
 * The async run needs nobody to move its clock: it moves on when no microtask is left.
 *
 * @returns the outcome of the synchronous run
 * @throws ParityError PARITY_DIFFERS with the path of the first difference; PARITY_INPUT_MUTATED naming the inputs;
 * PARITY_NEEDS_STUB naming the nodes that only AsyncLocalRuntime could run. ConfigurationError GATE_UNANSWERED naming a gate that
 * `answers` leaves out; UNKNOWN_OPTION, INVALID_OPTION
 */
export async function assertParity<Params, Output>(
  workflow: Workflow<Params, Output>,
  ...args: ParityArguments<Params>
): Promise<RunOutcome<Output>> {
  requireWorkflow('assertParity', workflow);
  const [params, options = {}] = args;
  const { stubs = {}, answers, plugins = [] } = options;
  checkFlag(options.store, 'assertParity: store');
  refuseUnknownStubs(workflow, stubs);
  if (answers !== undefined) checkAnswers(workflow, answers);
  const holding = pathsOf(workflow, canHold);
  const elsewhere = plugins.length > 0 ? [] : pathsOf(workflow, ({ executor }) => executor !== undefined);
  const unstubbed = [...compile(workflow).asyncNodes, ...elsewhere].filter(
    (id) => stubs[id] === undefined && !holding.includes(id),
  );
  if (unstubbed.length > 0) needStubs(workflow, unstubbed);
  using threads = new ThreadBridge(); // ends with the comparison: a thread that is ending looks like something to wait for
  const sync = runSync<Output>(workflow, params, options, threads);
  const promises = sync.outcome.status === 'rejected' ? [] : returnedPromises(sync.outcome);
  if (promises.length > 0) needStubs(workflow, promises);
  const async = await runAsync<Output>(workflow, params, options);
  const mutated = [...new Set([...sync.mutated, ...async.mutated])];
  if (mutated.length > 0) {
    const what = `Nodes of "${workflow.name}" mutate their inputs: ${mutated.join(', ')}. Values are shared, not copied.`;
    throw new ParityError('PARITY_INPUT_MUTATED', mutated.join(', '), what);
  }
  const difference = firstDifference(sync.view, async.view);
  if (difference === undefined) return sync.outcome;
  const { path, left, right } = difference;
  const shown = (value: unknown): string => inspect(value, { depth: 3, breakLength: Number.POSITIVE_INFINITY });
  const what = `The runtimes differ in ${path} of "${workflow.name}": LocalRuntime ${shown(left)}, AsyncLocalRuntime ${shown(right)}.`;
  throw new ParityError('PARITY_DIFFERS', path, what);
}
