import type { Attempt } from '../../src/base/attempt.js';
import { canonicalLog, type RunEvent } from '../../src/base/events.js';
import type { ExecutionState } from '../../src/base/execution-state.js';
import type { RunOutcome } from '../../src/base/outcome.js';
import type { RunView } from '../../src/base/run-view.js';
import type { RunOptions, RuntimeOptions } from '../../src/base/runtime-options.js';
import type { Workflow } from '../../src/base/workflow.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { advanceUntil, MemoryLog, seededIds, seededRandom, VirtualClock } from '../../src/testing/index.js';
import { buildFlow, type FlowSpec } from './flow.js';

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
  /** Cancels the run when the event with this number has been recorded. */
  readonly cancelAt?: number;
  /** Events of an earlier run, to continue from. */
  readonly history?: readonly RunEvent[];
  /** Called whenever an attempt has settled, with the events so far. */
  readonly onSettled?: (state: ExecutionState, events: readonly RunEvent[]) => void;
}

/** What a run left behind. */
export interface FlowTrace {
  readonly workflow: Workflow;
  readonly outcome: RunOutcome<Readonly<Record<string, unknown>>>;
  /** The events of this run; those of a history are not among them. */
  readonly events: readonly RunEvent[];
  readonly state: ExecutionState | undefined;
}

interface Probe {
  readonly history: readonly RunEvent[] | undefined;
  readonly events: RunEvent[];
  readonly onSettled: FlowRun['onSettled'];
  state: ExecutionState | undefined;
}

class ProbedLocal extends LocalRuntime {
  probe: Probe | undefined;

  protected override loadHistory(runId: string): readonly RunEvent[] | undefined {
    return this.probe?.history ?? super.loadHistory(runId);
  }

  protected override afterAttempt(run: RunView, attempt: Attempt): void {
    super.afterAttempt(run, attempt);
    this.probe?.onSettled?.(run.state, this.probe.events);
  }

  protected override finishRun(run: RunView): void {
    super.finishRun(run);
    if (this.probe !== undefined) this.probe.state = run.state;
  }
}

class ProbedAsync extends AsyncLocalRuntime {
  probe: Probe | undefined;

  protected override loadHistory(runId: string): readonly RunEvent[] | undefined {
    return this.probe?.history ?? super.loadHistory(runId);
  }

  protected override afterAttempt(run: RunView, attempt: Attempt): void {
    super.afterAttempt(run, attempt);
    this.probe?.onSettled?.(run.state, this.probe.events);
  }

  protected override finishRun(run: RunView): void {
    super.finishRun(run);
    if (this.probe !== undefined) this.probe.state = run.state;
  }
}

function clockAfter(history: readonly RunEvent[] | undefined): VirtualClock {
  const last = history?.at(-1);
  return last === undefined ? new VirtualClock() : new VirtualClock(last.ts);
}

/** Runs a flow on a virtual clock. */
export async function runFlow(spec: FlowSpec, how: FlowRun = {}): Promise<FlowTrace> {
  const { scheduler, pace, history, cancelAt, maxConcurrency, onError = 'continue' } = how;
  const clock = clockAfter(history);
  const form = { clock, ...(scheduler === undefined ? {} : { scheduler }), ...(pace === undefined ? {} : { pace }) };
  const workflow = buildFlow(spec, form);
  const probe: Probe = { history, events: [], onSettled: how.onSettled, state: undefined };
  const canceller = new AbortController();
  const run: RunOptions = {
    set: spec.set,
    signal: canceller.signal,
    ...(how.timeoutMs === undefined ? {} : { timeoutMs: how.timeoutMs }),
    onEvent: (event) => {
      probe.events.push(event);
      if (event.seq === cancelAt) canceller.abort(new Error('as planned'));
    },
  };
  const options: RuntimeOptions = { onError, clock, ids: seededIds(), random: seededRandom(1), log: new MemoryLog() };
  const outcome = await perform(workflow as Workflow<object, Readonly<Record<string, unknown>>>, spec, how, {
    options,
    run,
    clock,
    probe,
    maxConcurrency,
  });
  return { workflow, outcome, events: probe.events, state: probe.state };
}

interface Setting {
  readonly options: RuntimeOptions;
  readonly run: RunOptions;
  readonly clock: VirtualClock;
  readonly probe: Probe;
  readonly maxConcurrency: number | undefined;
}

async function perform(
  workflow: Workflow<object, Readonly<Record<string, unknown>>>,
  { parameters }: FlowSpec,
  { runtime = 'local' }: FlowRun,
  { options, run, clock, probe, maxConcurrency }: Setting,
) {
  const { secrets: _, ...own } = options;
  if (runtime === 'local') {
    using local = new ProbedLocal(own);
    local.probe = probe;
    return local.settle(workflow, parameters.values, run);
  }
  await using async = new ProbedAsync({ ...own, ...(maxConcurrency === undefined ? {} : { maxConcurrency }) });
  async.probe = probe;
  return await advanceUntil(() => async.settle(workflow, parameters.values, run), clock);
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
  return {
    status: outcome.status,
    error: failed === undefined ? undefined : [failed.code, 'failure' in failed ? failed.failure : failed.reason],
    where: failed !== undefined && 'node' in failed ? failed.node : undefined,
    output: outcome.output,
    nodes: [...outcome.nodes.values()].map(({ id, status, reason, attempts, visits, error, failures }) => ({
      id,
      status,
      reason,
      attempts,
      visits,
      error,
      failures: failures.map(
        (failure) => `${failure.visit}/${failure.attempt} ${failure.status} ${failure.error.code}`,
      ),
    })),
    results: Object.fromEntries(outcome.results),
    failures: outcome.failures,
    cycles: [...outcome.cycles.values()].map(({ elapsedMs: _, ...cycle }) => cycle),
    warnings: outcome.warnings.map(({ code, at, message }) => `${code} ${at} ${message}`).sort(),
  };
}

/** The canonical log without the one option in which compared runs may differ. */
export function comparableLog(events: readonly RunEvent[]): readonly unknown[] {
  return canonicalLog(
    events.map((event) =>
      event.kind === 'run.started'
        ? { ...event, data: { ...event.data, options: { ...event.data.options, maxConcurrency: null } } }
        : event,
    ),
  );
}

/** The log of a run in which no attempt was lost: lost attempts are left out, the others counted anew. */
export function withoutLosses(events: readonly RunEvent[]): readonly RunEvent[] {
  const lost = new Map<string, number[]>();
  const visitOf = ({ node, visit }: { readonly node: string; readonly visit: number }): string => `${node}/${visit}`;
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

/** A copy of events as a store would give them back. */
export function stored(events: readonly RunEvent[]): readonly RunEvent[] {
  return JSON.parse(JSON.stringify(events)) as readonly RunEvent[];
}

function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return [...(value as Int32Array)];
  if (value instanceof Map)
    return [...value].map(([key, inner]) => [key, plain(inner)]).sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  if (Array.isArray(value)) return Array.from(value, plain);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
  return value;
}

/**
 * Every public field of a state, as plain data. `attention` is left out: it says only whether `next` has looked already. That a
 * delayed node became ready is no event, so a delay that is over at `now` counts as readiness.
 */
export function stateView(state: ExecutionState, now: number): Readonly<Record<string, unknown>> {
  const { plan, ready, delayed, attention: _, ...fields } = state;
  const isReady = (index: number): boolean => ready.has(index) || (delayed.get(index) ?? now + 1) <= now;
  const view: Record<string, unknown> = {
    ready: plan.nodes.map(({ index }) => isReady(index)),
    delayed: [...delayed].filter(([, at]) => at > now).sort(([a], [b]) => a - b),
  };
  for (const [name, value] of Object.entries(fields)) view[name] = plain(value);
  return view;
}
