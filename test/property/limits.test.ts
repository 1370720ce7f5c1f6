import fc from 'fast-check';
import type { AttemptKey, RunEvent } from '../../src/base/events.js';
import type { FlowNode, FlowSpec } from '../../src/testing/arbitrary/flow.js';
import { GATE_TIMEOUT } from '../../src/testing/arbitrary/resolve-flow.js';
import { flows } from '../support/flows.js';
import { holds, same } from '../support/property.js';
import { type FlowRun, runFlow, viewOf } from '../support/run-flow.js';

/** Runs a flow in LocalRuntime and, one attempt at a time, in AsyncLocalRuntime, where nodes answer at once too. */
async function sameInline(spec: FlowSpec, how: FlowRun): Promise<void> {
  const local = await runFlow(spec, how);
  const async = await runFlow(spec, { ...how, runtime: 'async', maxConcurrency: 1 });
  same(viewOf(async), viewOf(local), 'AsyncLocalRuntime, synchronous nodes');
}

/** The same with nodes that answer later in AsyncLocalRuntime, and hold LocalRuntime up as long. */
async function sameOneAtATime(spec: FlowSpec, how: FlowRun, scheduler: number): Promise<void> {
  const local = await runFlow(spec, { ...how, pace: scheduler });
  const async = await runFlow(spec, { ...how, scheduler, runtime: 'async', maxConcurrency: 1 });
  same(viewOf(async), viewOf(local), 'AsyncLocalRuntime, one asynchronous node at a time');
  // A gate that times out while a node runs is noticed late by a blocked thread: the same happens, in another order.
  if (local.events.some(({ kind }) => kind === 'gate.expired')) return;
  same(async.events.map(orderOf), local.events.map(orderOf), 'the order of its events');
}

function orderOf({ kind, data }: RunEvent): string {
  const scope = 'scope' in data ? data.scope : '';
  return `${kind} ${scope}${'node' in data ? data.node : 'cycle' in data ? data.cycle : ''}`;
}

const seed = fc.integer({ min: 0, max: 1_000_000 });
const position = fc.nat({ max: 60 });
const onError = fc.constantFrom('continue' as const, 'fail-fast' as const);

/** Events after which LocalRuntime looks at the signal before it decides anything else: a function of a node has returned. */
function boundaries(events: readonly RunEvent[]): readonly RunEvent[] {
  const owners = new Set(events.flatMap((event) => (event.kind === 'children.created' ? [attemptOf(event.data)] : [])));
  return events.filter(
    ({ kind, data }) =>
      kind === 'run.started' ||
      ((kind === 'attempt.completed' || kind === 'attempt.failed') && !owners.has(attemptOf(data))),
  );
}

function attemptOf({ scope, node, visit, attempt }: AttemptKey): string {
  return `${scope}${node}/${visit}/${attempt}`;
}

/** Leaves out what depends on how long an attempt was let run: an overrun is noticed late by a blocked thread. */
function withoutLongLimits(spec: FlowSpec): FlowSpec {
  return {
    ...spec,
    nodes: spec.nodes.map(withoutLongLimit),
    cycles: spec.cycles.map(({ timeoutMs: _, onTimeout: __, ...cycle }) => cycle),
  };
}

function withoutLongLimit({ totalTimeoutMs: _, timeoutMs, child, map, gate, ...node }: FlowNode): FlowNode {
  const own = child === undefined && map === undefined && timeoutMs !== undefined;
  return {
    ...node,
    ...(own ? { timeoutMs } : {}),
    ...(gate === undefined ? {} : { gate: gate.timeoutMs === undefined ? gate : { ...gate, timeoutMs: GATE_TIMEOUT } }),
    ...(child === undefined ? {} : { child: withoutLongLimits(child) }),
    ...(map === undefined ? {} : { map: { ...map, body: withoutLongLimit(map.body) } }),
  };
}

/** A blocked thread sees what a late attempt threw in the end, and keeps it as the cause; the other runtime had given up on it. */
function withoutLateCauses(view: unknown): unknown {
  if (Array.isArray(view)) return view.map(withoutLateCauses);
  if (typeof view !== 'object' || view === null) return view;
  const late = 'code' in view && view.code === 'ATTEMPT_TIMEOUT';
  const kept = Object.entries(view).filter(([name]) => !late || name !== 'cause');
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutLateCauses(inner)]));
}

describe('AsyncLocalRuntime with maxConcurrency 1', () => {
  holds(
    'decides in the order of LocalRuntime, whether it goes on or fails fast',
    fc.record({ spec: flows(), onError, scheduler: seed }),
    async ({ spec, scheduler, ...how }) => {
      await sameInline(spec, how);
      await sameOneAtATime(spec, how, scheduler);
    },
    0.5,
  );

  holds(
    'is cancelled at any event as LocalRuntime is',
    fc.record({ spec: flows(), at: position, onError, scheduler: seed }),
    async ({ spec, at, scheduler, ...how }) => {
      await sameInline(spec, { ...how, cancelAt: at });
      const { events } = await runFlow(spec, { ...how, pace: scheduler });
      // From the first gate that times out on, the same may happen in another order: the same place is another one.
      const expiry = events.findIndex(({ kind }) => kind === 'gate.expired');
      const places = boundaries(expiry === -1 ? events : events.slice(0, expiry));
      const cancelAt = places[at % Math.max(1, places.length)]?.seq;
      if (cancelAt !== undefined) await sameOneAtATime(spec, { ...how, cancelAt }, scheduler);
    },
    0.5,
  );

  holds(
    'keeps time limits as LocalRuntime does',
    fc.record({
      spec: flows({ durations: true }),
      timeoutMs: fc.constantFrom(undefined, 8, 20, 45),
      onError,
      scheduler: seed,
    }),
    async ({ spec, timeoutMs, scheduler, onError: rule }) => {
      await sameInline(spec, { onError: rule, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
      const timed = withoutLongLimits(spec);
      const local = await runFlow(timed, { pace: scheduler });
      const async = await runFlow(timed, { scheduler, runtime: 'async', maxConcurrency: 1 });
      const views = [withoutLateCauses(viewOf(async)), withoutLateCauses(viewOf(local))];
      same(views[0], views[1], 'AsyncLocalRuntime, one asynchronous node at a time');
    },
    0.5,
  );
});
