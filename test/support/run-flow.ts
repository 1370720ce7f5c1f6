import type { ActiveRun } from '../../src/base/active-run.js';
import type { Attempt } from '../../src/base/attempt.js';
import { canonicalLog, type RunEvent, subjectOf } from '../../src/base/events.js';
import type { Execution } from '../../src/base/execution.js';
import { ExecutionState } from '../../src/base/execution-state.js';
import type { GraphAttempt } from '../../src/base/graph-execution.js';
import type { ChildResult, GraphResult } from '../../src/base/graph-result.js';
import type { EventStore } from '../../src/base/history/event-store.js';
import type { RunOutcome } from '../../src/base/outcome.js';
import type { Plan } from '../../src/base/plan.js';
import { RunCancelledError, RunFailedError } from '../../src/base/run-errors.js';
import type { WaitingRun } from '../../src/base/run-result.js';
import type { RunView, Settlement } from '../../src/base/run-view.js';
import type { ResumeOptions, RunOptions, RuntimeOptions } from '../../src/base/runtime-options.js';
import type { GateReport } from '../../src/base/waiting-runs.js';
import type { Workflow } from '../../src/base/workflow.js';

import type { PerformanceReport } from '../../src/mixins/analytics/analytics-types.js';
import type { BreakerReport } from '../../src/mixins/enterprise/breaker.js';
import type { ResourceMetrics } from '../../src/mixins/enterprise/features.js';
import type { RetryAnalytics } from '../../src/mixins/enterprise/retry-analytics.js';
import type { RetryStrategy } from '../../src/mixins/enterprise/retry-policy-engine.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { buildFlow } from '../../src/testing/arbitrary/build-flow.js';
import {
  allNodes,
  answerOf,
  type FlowNode,
  type FlowSpec,
  type FlowValue,
  firstTry,
} from '../../src/testing/arbitrary/flow.js';
import { advanceUntil, MemoryLog, seededIds, seededRandom, VirtualClock } from '../../src/testing/index.js';

/** How a flow is run. */
export interface FlowRun {
  /** Seed of the order in which asynchronous nodes settle; without it, nodes are synchronous. */
  readonly scheduler?: number;
  /** Seed of the times that synchronous nodes take. Default: none takes any. */
  readonly pace?: number;
  /** The runtime. Default `local`. */
  readonly runtime?: 'local' | 'async';
  readonly maxConcurrency?: number;
  readonly onError?: 'continue' | 'fail-fast';
  readonly timeoutMs?: number;
  /** What governs attempts beside what the spec says. Policies may name the strategy `steps`: 3 ms more each time. */
  readonly governed?: Pick<RuntimeOptions, 'resources' | 'capabilities' | 'executors' | 'retryBudget' | 'cacheEntries'>;
  /** Outputs of nodes without state depend on their inputs alone. Default `false`. */
  readonly isPure?: boolean;
  /** Nodes without state have the capability `cache`. Default `false`. */
  readonly isCached?: boolean;
  /** Cancels the run when the event with this number has been recorded. */
  readonly cancelAt?: number;
  /** Where the run is recorded. */
  readonly store?: EventStore;
  /** Events of an earlier run, to continue from. */
  readonly history?: readonly RunEvent[];
  /** Called with the state after so many events, and the time: before each further one, and whenever an attempt has settled. */
  readonly onStep?: (state: ExecutionState, length: number, now: number) => void;
  /** Called before an execution begins, or is resumed. */
  readonly onBegin?: (execution: Execution) => void;
  /** Runs are monitored, and the trace holds the report. */
  readonly monitored?: true;
  /** `known`: gates are answered as they open. A number: one at a time, in an order with this seed. Default: all of them, whenever the run waits. */
  readonly answers?: 'known' | number;
}

/** What a run left behind. */
export interface FlowTrace {
  readonly workflow: Workflow;
  readonly outcome: RunOutcome<Readonly<Record<string, unknown>>>;
  /** The events of this run; those of a history are not among them. */
  readonly events: readonly RunEvent[];
  readonly state: ExecutionState | undefined;
  /** Attempts that held a slot at the end. */
  readonly running: number;
  /** What the runtime says of its performance, where it was monitored. */
  readonly report: PerformanceReport | undefined;
  readonly retries: RetryAnalytics | undefined;
  readonly breakers: readonly BreakerReport[];
  /** Whether anybody held room under a limit at the end, or waited for it. */
  readonly holds: boolean;
}

class Probe {
  readonly #spec: FlowSpec;
  readonly #how: FlowRun;
  readonly events: RunEvent[] = [];
  #execution: Execution | undefined;
  running = 0;
  report: PerformanceReport | undefined;
  retries: RetryAnalytics | undefined;
  breakers: readonly BreakerReport[] = [];
  holds = false;

  constructor(spec: FlowSpec, how: FlowRun) {
    this.#spec = spec;
    this.#how = how;
  }

  get history(): readonly RunEvent[] | undefined {
    return this.#how.history;
  }

  get state(): ExecutionState | undefined {
    return this.#execution?.state;
  }

  onBegin({ execution }: ActiveRun): void {
    this.#execution = execution;
    this.#how.onBegin?.(execution);
  }

  /** The run waits: what is answered now happens to another copy of its state. */
  onWait(): void {
    this.#execution = undefined;
    if (this.events.length > 20_000) throw new Error('The run waits for ever.');
  }

  onEvent(event: RunEvent): void {
    this.#step(event.ts);
    this.events.push(event);
  }

  onClose(runtime: LocalRuntime | AsyncLocalRuntime): void {
    this.retries = runtime.getRetryAnalytics();
    this.breakers = runtime.getCircuitBreakers().list();
    this.report = runtime.getPerformanceReport();
    this.holds = holdsRoom(runtime.getResourceMetrics());
  }

  onSettled(): void {
    this.#step(this.events.at(-1)?.ts ?? 0);
  }

  #step(now: number): void {
    if (this.#execution === undefined || this.events.length === 0) return;
    this.#how.onStep?.(this.#execution.state, this.events.length, now);
  }

  onPerformed({ now }: ActiveRun, attempt: GraphAttempt): void {
    if (attempt.status !== 'waiting' || this.#how.answers !== 'known') return;
    const { graph } = attempt;
    const { way, answer } = this.answerTo(`${graph.scope}${attempt.node.id}`, attempt.visit);
    if (way === 'approve') graph.closeGate(attempt, { kind: 'gate.approved', answer, by: null }, now);
    else if (way === 'reject') graph.closeGate(attempt, { kind: 'gate.rejected', reason: null, by: null }, now);
    else graph.closeGate(attempt, { kind: 'gate.expired' }, now);
  }

  onEnd(): void {
    this.onSettled();
    if (this.#execution !== undefined) this.running = this.#execution.core.running;
  }

  /** @param visit default: that in which the gate was opened last */
  answerTo(gate: string, visit = this.#lastVisit(gate)) {
    const [, scope = '', id] = /^(.*\/)?([^/]*)$/.exec(gate) ?? [];
    const node = allNodes(this.#spec).find((each) => each.id === id) as FlowNode;
    return answerOf(node, scope, visit);
  }

  #lastVisit(gate: string): number {
    const all = [...(this.history ?? []), ...this.events];
    const opened = all.findLast((event) => event.kind === 'gate.opened' && subjectOf(event) === gate);
    return opened?.kind === 'gate.opened' ? opened.data.visit : 0;
  }
}

class ProbedLocal extends LocalRuntime {
  probe: Probe | undefined;

  protected override loadHistory(runId: string): readonly RunEvent[] | undefined {
    return this.probe?.history ?? super.loadHistory(runId);
  }

  protected override beginRun(run: ActiveRun, secrets: ReadonlyMap<string, string>, since?: number): void {
    this.probe?.onBegin(run);
    super.beginRun(run, secrets, since);
  }

  protected override perform(run: ActiveRun, attempt: GraphAttempt): PromiseLike<unknown> | undefined {
    const returned = super.perform(run, attempt);
    this.probe?.onPerformed(run, attempt);
    return returned;
  }

  protected override observes(plan: Plan): boolean {
    return super.observes(plan) || this.probe !== undefined;
  }

  protected override afterAttempt(run: RunView, attempt: Attempt, settlement: Settlement): void {
    super.afterAttempt(run, attempt, settlement);
    this.probe?.onSettled();
  }

  protected override finishRun(run: RunView): void {
    super.finishRun(run);
    this.probe?.onEnd();
  }
}

class ProbedAsync extends AsyncLocalRuntime {
  probe: Probe | undefined;

  protected override loadHistory(runId: string): readonly RunEvent[] | undefined {
    return this.probe?.history ?? super.loadHistory(runId);
  }

  protected override beginRun(run: ActiveRun, secrets: ReadonlyMap<string, string>, since?: number): void {
    this.probe?.onBegin(run);
    super.beginRun(run, secrets, since);
  }

  protected override perform(run: ActiveRun, attempt: GraphAttempt): PromiseLike<unknown> | undefined {
    const returned = super.perform(run, attempt);
    this.probe?.onPerformed(run, attempt);
    return returned;
  }

  protected override observes(plan: Plan): boolean {
    return super.observes(plan) || this.probe !== undefined;
  }

  protected override afterAttempt(run: RunView, attempt: Attempt, settlement: Settlement): void {
    super.afterAttempt(run, attempt, settlement);
    this.probe?.onSettled();
  }

  protected override finishRun(run: RunView): void {
    super.finishRun(run);
    this.probe?.onEnd();
  }
}

const steps: RetryStrategy = ({ failures }) => 3 * failures;

type Outcome = RunOutcome<Readonly<Record<string, unknown>>>;
type AnyWorkflow = Workflow<object, Readonly<Record<string, unknown>>>;

/** What is asked of both runtimes once a run waits. */
interface Answering {
  gates(runId: string): readonly GateReport[];
  approve(runId: string, gate: string, answer?: unknown): void;
  reject(runId: string, gate: string): void;
  resume(workflow: AnyWorkflow, runId: string, options: ResumeOptions): unknown;
}

/** Answers gates of a run that waits, as their scripts say: all of them, or one. Where only time can answer, it passes. */
function answer(runtime: Answering, { runId, wakeAt }: WaitingRun, { how, clock, probe, signal }: Setting): void {
  const { answers } = how;
  probe.onWait();
  const open = runtime.gates(runId).flatMap(({ gate }) => {
    const { way, answer: given } = probe.answerTo(gate);
    return way === 'expire' ? [] : [{ gate, way, given }];
  });
  if (open.length === 0 && !signal.aborted) clock.advance(Math.max(0, (wakeAt ?? clock.now()) - clock.now()));
  const at = typeof answers === 'number' ? Math.floor(seededRandom(answers).keyed(`${open.length}`) * open.length) : 0;
  for (const { gate, way, given } of typeof answers === 'number' ? open.slice(at, at + 1) : open) {
    if (way === 'approve') runtime.approve(runId, gate, given);
    else runtime.reject(runId, gate);
  }
}

/** What a resumed run came to, as a value. */
function ended(error: unknown): Outcome {
  if (error instanceof RunFailedError || error instanceof RunCancelledError) return error.result as Outcome;
  throw error;
}

function clockAfter(history: readonly RunEvent[] | undefined): VirtualClock {
  const last = history?.at(-1);
  return last === undefined ? new VirtualClock() : new VirtualClock(last.ts);
}

/** Runs a flow on a virtual clock, and answers its gates until it has ended. */
export async function runFlow(spec: FlowSpec, how: FlowRun = {}): Promise<FlowTrace> {
  const {
    scheduler,
    pace,
    cancelAt,
    onError = 'continue',
    timeoutMs,
    governed,
    isPure = false,
    isCached = false,
  } = how;
  const clock = clockAfter(how.history);
  const form = {
    clock,
    isPure,
    isCached,
    ...(scheduler === undefined ? {} : { scheduler }),
    ...(pace === undefined ? {} : { pace }),
  };
  const workflow = buildFlow(spec, form) as AnyWorkflow;
  const probe = new Probe(spec, how);
  const canceller = new AbortController();
  const hear = (event: RunEvent): void => {
    probe.onEvent(event);
    if (event.seq === cancelAt) canceller.abort(new Error('as planned'));
  };
  const setting: Setting = {
    how,
    options: {
      onError,
      clock,
      ids: seededIds(),
      random: seededRandom(1),
      log: new MemoryLog(),
      performanceMonitoring: how.monitored === true,
      ...governed,
      ...(how.store === undefined ? {} : { store: how.store }),
    },
    run: { set: spec.set, signal: canceller.signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
    signal: canceller.signal,
    hear,
    clock,
    probe,
  };
  const outcome = await perform(workflow, spec.parameters.values, setting);
  const { events, state, running, report, retries, breakers, holds } = probe;
  return { workflow, outcome, events, state, running, report, retries, breakers, holds };
}

function holdsRoom({ limits, waiting }: ResourceMetrics): boolean {
  return waiting > 0 || limits.some(({ values }) => values > 0);
}

interface Setting {
  readonly how: FlowRun;
  readonly options: Omit<RuntimeOptions, 'secrets'>;
  readonly run: RunOptions;
  readonly signal: AbortSignal;
  readonly hear: (event: RunEvent) => void;
  readonly clock: VirtualClock;
  readonly probe: Probe;
}

async function perform(
  workflow: AnyWorkflow,
  values: Readonly<Record<string, FlowValue>>,
  setting: Setting,
): Promise<Outcome> {
  const { how, options, run, clock, probe, hear, signal } = setting;
  const { maxConcurrency, runtime = 'local' } = how;
  if (runtime === 'local') {
    using local = new ProbedLocal(options);
    local.on('event', hear);
    local.probe = probe;
    local.registerRetryStrategy('steps', steps);
    let outcome: Outcome = local.settle(workflow, values, run);
    while (outcome.status === 'waiting') {
      answer(local, outcome, setting);
      try {
        outcome = local.resume(workflow, outcome.runId, { signal });
      } catch (error) {
        outcome = ended(error);
      }
    }
    probe.onClose(local);
    return outcome;
  }
  await using async = new ProbedAsync({ ...options, ...(maxConcurrency === undefined ? {} : { maxConcurrency }) });
  async.on('event', hear);
  async.probe = probe;
  async.registerRetryStrategy('steps', steps);
  let outcome: Outcome = await advanceUntil(() => async.settle(workflow, values, run), clock);
  while (outcome.status === 'waiting') {
    const { runId } = outcome;
    answer(async, outcome, setting);
    outcome = await advanceUntil(() => async.resume(workflow, runId, { signal }).catch(ended), clock);
  }
  probe.onClose(async);
  return outcome;
}

/** Everything about a run that must not depend on the order in which attempts settled. */
export function viewOf({ outcome, events }: FlowTrace): Readonly<Record<string, unknown>> {
  return { ...resultOf(outcome), log: comparableLog(events) };
}

/** A result without anything that depends on time. */
export function resultOf(outcome: FlowTrace['outcome']): Readonly<Record<string, unknown>> {
  if (outcome.status === 'rejected')
    return { status: 'rejected', problems: outcome.error.problems.map(({ code, at }) => [code, at]) };
  const failed = outcome.status === 'failed' || outcome.status === 'cancelled' ? outcome.error : undefined;
  return untimed({
    status: outcome.status,
    error: failed === undefined ? undefined : [failed.code, 'failure' in failed ? failed.failure : failed.reason],
    where: failed !== undefined && 'node' in failed ? failed.node : undefined,
    output: outcome.output,
    ...graphView(outcome),
    warnings: outcome.warnings.map(({ code, at, message }) => `${code} ${at} ${message}`).sort(),
  }) as Readonly<Record<string, unknown>>;
}

/** What became of the nodes and cycles of a graph, and of the children of its nodes. */
export function graphView(result: GraphResult): Readonly<Record<string, unknown>> {
  return {
    nodes: [...result.nodes.values()].map(({ id, status, reason, attempts, visits, error, failures }) => ({
      id,
      status,
      reason,
      attempts,
      visits,
      error,
      failures: failures.map(
        (failure) => `${failure.visit}/${failure.attempt} ${failure.status} ${failure.error.code}`,
      ),
      children: openedIn(result, id)?.map((child) => ({
        scope: child.scope,
        status: child.status,
        error: child.error,
        ...graphView(child),
      })),
    })),
    results: Object.fromEntries(result.results),
    failures: result.failures,
    cycles: [...result.cycles.values()].map(({ elapsedMs: _, ...cycle }) => cycle),
  };
}

/** The children of a node; `undefined` where it has opened none. */
export function openedIn(result: GraphResult, id: string): readonly ChildResult[] | undefined {
  const children = result.children(id);
  return children.length === 0 ? undefined : children;
}

/** Times in values are those at which gates timed out: no two runs share them. */
function untimed(value: unknown): unknown {
  if (typeof value === 'number' && value > 1e12) return 'a time';
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(untimed);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, untimed(inner)]));
}

/** The canonical log without times in values, without the one option in which compared runs may differ, and without waits. */
export function comparableLog(events: readonly RunEvent[]): readonly unknown[] {
  const comparable = events.flatMap((event): RunEvent[] => {
    if (event.kind === 'run.waiting' || event.kind === 'run.resumed') return [];
    return event.kind === 'run.started'
      ? [{ ...event, data: { ...event.data, options: { ...event.data.options, maxConcurrency: null } } }]
      : [event];
  });
  return untimed(canonicalLog(comparable)) as readonly unknown[];
}

/**
 * The log of a run in which no attempt was lost: lost attempts are left out, the others counted anew. What they opened is named as
 * if there had been no attempts before.
 */
export function withoutLosses(events: readonly RunEvent[]): readonly RunEvent[] {
  const lost = new Map<string, number[]>();
  const visitOf = ({ scope, node, visit }: { readonly scope: string; readonly node: string; readonly visit: number }) =>
    `${scope}${node}/${visit}`;
  for (const { kind, data } of events) {
    if (kind === 'attempt.lost') lost.set(visitOf(data), [...(lost.get(visitOf(data)) ?? []), data.attempt]);
  }
  return events.flatMap((event): RunEvent[] => {
    const { data } = event;
    if (!('attempt' in data)) return [event];
    const gone = lost.get(visitOf(data)) ?? [];
    if (gone.includes(data.attempt)) return [];
    const attempt = data.attempt - gone.filter((number) => number < data.attempt).length;
    return [{ ...event, data: { ...data, attempt } } as RunEvent];
  });
}

/** A view in which the names of scopes do not say which attempt of a map or subworkflow opened them. */
export function withoutTries<T>(view: T): T {
  if (typeof view === 'string') return firstTry(view) as T;
  if (typeof view !== 'object' || view === null) return view;
  if (Array.isArray(view)) return view.map(withoutTries) as T;
  return Object.fromEntries(Object.entries(view).map(([name, inner]) => [name, withoutTries(inner)])) as T;
}

/** A copy of events as a store would give them back. */
export function stored(events: readonly RunEvent[]): readonly RunEvent[] {
  return JSON.parse(JSON.stringify(events)) as readonly RunEvent[];
}

function plain(value: unknown, now: number): unknown {
  if (value instanceof ExecutionState) return stateView(value, now);
  if (ArrayBuffer.isView(value)) return [...(value as Int32Array)];
  if (value instanceof Set) return [...value].sort();
  if (value instanceof Map)
    return [...value]
      .map(([key, inner]) => [key, plain(inner, now)])
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  if (Array.isArray(value)) return Array.from(value, (inner) => plain(inner, now));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner, now)]));
  return value;
}

/** A graph in which nothing has happened: a fold begins a child with its first event. */
function isUntouched({ status, attempts, regions }: ExecutionState): boolean {
  return (
    status.every((each) => each === 0) &&
    attempts.every((each) => each === 0) &&
    regions.every(({ stopped, iteration }) => !stopped && iteration === 0)
  );
}

/**
 * Every public field of a state and of those of its children, as plain data. `attention` is left out: it says only whether `next`
 * has looked already. That a delayed node became ready is no event, so a delay that is over at `now` counts as readiness.
 */
export function stateView(state: ExecutionState, now: number): Readonly<Record<string, unknown>> {
  const { plan, ready, delayed, attention: _, children, ...fields } = state;
  const isReady = (index: number): boolean => ready.has(index) || (delayed.get(index) ?? now + 1) <= now;
  const view: Record<string, unknown> = {
    ready: plan.nodes.map(({ index }) => isReady(index)),
    delayed: [...delayed].filter(([, at]) => at > now).sort(([a], [b]) => a - b),
    children: [...(children ?? [])]
      .sort(([a], [b]) => a - b)
      .map(([index, { graphs, ...own }]) => [
        index,
        own,
        graphs.map((graph) => (isUntouched(graph) ? undefined : stateView(graph, now))).filter(Boolean),
      ]),
  };
  for (const [name, value] of Object.entries(fields)) view[name] = plain(value, now);
  return view;
}
