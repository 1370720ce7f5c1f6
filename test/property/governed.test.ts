import { expect } from 'chai';
import fc from 'fast-check';
import type { LimitOptions, WhenFull } from '../../src/base/capability-options.js';
import { compile } from '../../src/base/compile.js';
import { EventFold } from '../../src/base/event-fold.js';
import type { AttemptKey, RunEvent } from '../../src/base/events.js';
import { ExecutionState } from '../../src/base/execution-state.js';
import type { RunOutcome } from '../../src/base/outcome.js';
import type { Plan } from '../../src/base/plan.js';
import type { RuntimeOptions } from '../../src/base/runtime-options.js';
import type { Workflow } from '../../src/base/workflow.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { buildFlow } from '../../src/testing/arbitrary/build-flow.js';
import type { FlowSpec } from '../../src/testing/arbitrary/flow.js';
import { advanceUntil, MemoryLog, seededIds, seededRandom, VirtualClock } from '../../src/testing/index.js';
import { flows } from '../support/flows.js';
import { held } from '../support/gauge.js';
import { holds, same } from '../support/property.js';
import { type FlowRun, type FlowTrace, resultOf, runFlow, stateView, stored, viewOf } from '../support/run-flow.js';

type Governed = NonNullable<FlowRun['governed']>;

/** Codes of attempts that were refused before their node was called. */
const REFUSED = ['LIMIT_EXCEEDED', 'QUEUE_FULL', 'QUEUE_TIMEOUT'];

const seed = fc.integer({ min: 0, max: 1_000_000 });

function limitOf(whenFull: readonly WhenFull[]): fc.Arbitrary<LimitOptions> {
  const rate = fc.record({
    count: fc.integer({ min: 1, max: 3 }),
    perMs: fc.constantFrom(1, 5, 40),
    burst: fc.constantFrom(1, 1, 2, 4),
  });
  return fc
    .record({
      maxConcurrency: fc.constantFrom(undefined, 1, 1, 2, 3),
      rate: fc.option(rate, { nil: undefined }),
      per: fc.constantFrom(undefined, undefined, 'tenant'),
      whenFull: fc.constantFrom(...whenFull),
      maxQueued: fc.constantFrom(1, 2, 5),
      maxQueueMs: fc.constantFrom(undefined, 3.5, 20.5),
    })
    .map(({ maxConcurrency, rate: drawn, per, whenFull: when, maxQueued, maxQueueMs }) => ({
      ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
      ...(drawn === undefined ? {} : { rate: drawn }),
      ...(drawn === undefined && maxConcurrency === undefined ? { maxConcurrency: 1 } : {}),
      ...(per === undefined ? {} : { per }),
      whenFull: when,
      ...(when === 'queue' ? { maxQueued, ...(maxQueueMs === undefined ? {} : { maxQueueMs }) } : {}),
    }));
}

function governance(...whenFull: readonly WhenFull[]): fc.Arbitrary<Governed> {
  const limit = limitOf(whenFull);
  return fc
    .record({ limits: fc.array(limit, { maxLength: 2 }), each: fc.option(limit, { nil: undefined }) })
    .map(({ limits, each }) => ({
      resources: { limits },
      ...(each === undefined ? {} : { capabilities: { limit: each } }),
    }));
}

/** An attempt of a node that calls a function, as a limit sees it. */
interface Span {
  readonly executor: string;
  readonly tenant: string;
  readonly from: number;
  readonly until: number;
  /** Positions of its events among those of all runs. */
  readonly began: number;
  readonly ended: number;
}

interface Noted {
  readonly event: RunEvent;
  readonly plan: Plan;
  readonly tenant: string;
}

/** The plan of the graph in a scope. */
function planIn(top: Plan, scope: string): Plan {
  const owners = scope.split('/').slice(0, -1);
  return owners.reduce((plan, owner) => {
    const index = plan.nodeIndex.get(owner.replace(/[#[].*$/, ''));
    return plan.nodes[index as number]?.child as Plan;
  }, top);
}

/** Every attempt that called its node. */
function spansOf(notes: readonly Noted[]): readonly Span[] {
  const spans: Span[] = [];
  const open = new Map<string, { readonly note: Noted; readonly began: number }>();
  notes.forEach((note, position) => {
    const { kind, data, ts, runId } = note.event;
    if (!('attempt' in data)) return;
    const { scope, node, visit, attempt } = data as AttemptKey;
    const key = `${runId} ${scope}${node}/${visit}/${attempt}`;
    if (kind === 'attempt.started') open.set(key, { note, began: position });
    const began = open.get(key);
    if (began === undefined || !['attempt.completed', 'attempt.failed', 'attempt.cancelled'].includes(kind)) return;
    open.delete(key);
    if (kind === 'attempt.failed' && REFUSED.includes(data.error.code)) return;
    const plan = planIn(note.plan, scope);
    const planned = plan.nodes[plan.nodeIndex.get(node) as number];
    if (planned?.implementation.kind !== 'function') return;
    spans.push({
      executor: planned.implementation.identity.name,
      tenant: note.tenant,
      from: began.note.event.ts,
      until: ts,
      began: began.began,
      ended: position,
    });
  });
  return spans;
}

function grouped(spans: readonly Span[], by: (span: Span) => string): readonly (readonly Span[])[] {
  const groups = new Map<string, Span[]>();
  for (const span of spans) groups.set(by(span), [...(groups.get(by(span)) ?? []), span]);
  return [...groups.values()];
}

/** At no time are more attempts in flight, and in no time do more start, than a limit allows. */
function expectKept(
  { maxConcurrency, rate, per }: LimitOptions,
  all: readonly Span[],
  by: (span: Span) => string,
): void {
  for (const spans of grouped(all, (span) => `${by(span)} ${per === undefined ? '' : span.tenant}`)) {
    if (maxConcurrency !== undefined)
      for (const { began } of spans) {
        const together = spans.filter((other) => other.began <= began && other.ended > began).length;
        expect(together, 'in flight at once').to.be.at.most(maxConcurrency);
      }
    if (rate === undefined) continue;
    const { count, perMs, burst = count } = rate;
    const starts = spans.map(({ from }) => from).sort((a, b) => a - b);
    for (let first = 0; first < starts.length; first++)
      for (let last = first; last < starts.length; last++) {
        const time = (starts[last] as number) - (starts[first] as number);
        const starting = last - first + 1;
        const rounding = starting * 2 ** -12; // milliseconds: what a time of these years can tell, once for each start
        expect(starting, `starts in ${time} ms`).to.be.at.most(burst + ((time + rounding) * count) / perMs + 1e-6);
      }
  }
}

function expectAllKept({ resources, capabilities }: Governed, spans: readonly Span[]): void {
  for (const limit of [resources?.limits ?? []].flat()) expectKept(limit, spans, () => '');
  if (capabilities?.limit !== undefined) expectKept(capabilities.limit, spans, ({ executor }) => executor);
}

/** A view of a state without what is no event: which nodes may start, and which wait for what. */
function withoutWaits(view: unknown): unknown {
  if (Array.isArray(view)) return view.map(withoutWaits);
  if (typeof view !== 'object' || view === null) return view;
  const kept = Object.entries(view).filter(([name]) => name !== 'ready' && name !== 'delayed');
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutWaits(inner)]));
}

interface Observed {
  readonly trace: FlowTrace;
  readonly steps: ReadonlyMap<number, { readonly now: number; readonly view: unknown }>;
}

/** Runs a flow and keeps what its state was after every seventh event. */
async function observed(spec: FlowSpec, how: FlowRun): Promise<Observed> {
  const steps = new Map<number, { readonly now: number; readonly view: unknown }>();
  const onStep = (state: ExecutionState, length: number, now: number): void => {
    if (length % 7 === 0) steps.set(length, { now, view: withoutWaits(stateView(state, now)) });
  };
  return { trace: await runFlow(spec, { ...how, onStep }), steps };
}

function expectGoverned({ trace, steps }: Observed, governed: Governed): void {
  if (trace.outcome.status === 'rejected') return;
  expect([trace.running, trace.holds], 'what is held in the end').to.deep.equal([0, false]);
  const plan = compile(trace.workflow);
  expectAllKept(governed, spansOf(trace.events.map((event) => ({ event, plan, tenant: '' }))));
  const state = new ExecutionState(plan);
  const fold = new EventFold(state);
  stored(trace.events).forEach((event, index) => {
    fold.apply(event);
    const step = steps.get(index + 1);
    if (step !== undefined)
      same(withoutWaits(stateView(state, step.now)), step.view, `the state after ${index + 1} events`);
  });
  const now = trace.events.at(-1)?.ts ?? 0;
  same(stateView(state, now), stateView(trace.state as ExecutionState, now), 'the state that the log gives back');
}

describe('a random workflow under random limits', () => {
  holds(
    'that let it wait ends as it would without them, in both runtimes',
    fc.record({
      spec: flows(),
      governed: governance('defer'),
      scheduler: seed,
      maxConcurrency: fc.constantFrom(1, 2, 100),
    }),
    async ({ spec, governed, scheduler, maxConcurrency }) => {
      const free = viewOf(await runFlow(spec));
      for (const how of [
        { governed },
        { governed, pace: scheduler },
        { governed, runtime: 'async' as const },
        { governed, runtime: 'async' as const, scheduler, maxConcurrency },
      ]) {
        const one = await observed(spec, how);
        same(viewOf(one.trace), free, JSON.stringify(how));
        expectGoverned(one, governed);
      }
    },
    0.3,
  );

  holds(
    'that may also refuse it ends alike in LocalRuntime and one attempt at a time in AsyncLocalRuntime',
    fc.record({
      spec: flows(),
      governed: governance('defer', 'queue', 'reject'),
      scheduler: seed,
      onError: fc.constantFrom('continue' as const, 'fail-fast' as const),
    }),
    async ({ spec, governed, scheduler, onError }) => {
      const local = await observed(spec, { governed, onError });
      const inline = await observed(spec, { governed, onError, runtime: 'async', maxConcurrency: 1 });
      same(viewOf(inline.trace), viewOf(local.trace), 'synchronous nodes');
      const paced = await observed(spec, { governed, onError, pace: scheduler });
      const single = await observed(spec, { governed, onError, scheduler, runtime: 'async', maxConcurrency: 1 });
      for (const one of [local, inline, paced, single]) expectGoverned(one, governed);
      same(viewOf(single.trace), viewOf(paced.trace), 'asynchronous nodes');
    },
    0.4,
  );

  holds(
    'is cancelled or out of time at any moment, and holds nothing afterwards',
    fc.record({
      spec: flows(),
      governed: governance('defer', 'queue'),
      scheduler: seed,
      at: fc.nat({ max: 40 }),
      timeoutMs: fc.constantFrom(undefined, 2.5, 11.5),
      onError: fc.constantFrom('continue' as const, 'fail-fast' as const),
    }),
    async ({ spec, governed, scheduler, at, timeoutMs, onError }) => {
      const how = { governed, onError, cancelAt: at, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
      expectGoverned(await observed(spec, { ...how, pace: scheduler }), governed);
      expectGoverned(await observed(spec, { ...how, runtime: 'async', scheduler }), governed);
    },
    0.4,
  );
});

interface Guest {
  readonly spec: Parameters<typeof buildFlow>[0];
  readonly tenant: string;
  readonly priority: number;
  readonly cancelAtMs: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly startsAtMs: number;
}

const guest: fc.Arbitrary<Guest> = fc.record({
  spec: flows({ gates: false, size: 5 }),
  tenant: fc.constantFrom('x', 'y'),
  priority: fc.constantFrom(0, 0, 3),
  cancelAtMs: fc.constantFrom(undefined, undefined, undefined, 0, 3, 9),
  timeoutMs: fc.constantFrom(undefined, undefined, undefined, 4.5),
  startsAtMs: fc.constantFrom(0, 0, 0, 1, 6),
});

type Outcome = RunOutcome<Readonly<Record<string, unknown>>>;

/** Runs several workflows in one runtime at once. */
async function sideBySide(guests: readonly Guest[], governed: Governed, scheduler: number) {
  const clock = new VirtualClock();
  const options: Omit<RuntimeOptions, 'secrets'> = {
    clock,
    ids: seededIds(),
    random: seededRandom(1),
    log: new MemoryLog(),
    ...governed,
  };
  const runtime = new AsyncLocalRuntime(options);
  const notes: Noted[] = [];
  const start = async ({ spec, tenant, priority, cancelAtMs, timeoutMs, startsAtMs }: Guest, index: number) => {
    const workflow = buildFlow(spec, { clock, scheduler: scheduler + index }) as Workflow<
      object,
      Readonly<Record<string, unknown>>
    >;
    const plan = compile(workflow);
    if (startsAtMs > 0) await new Promise<void>((resolve) => clock.setTimer(startsAtMs, resolve));
    const controller = new AbortController();
    if (cancelAtMs !== undefined) clock.setTimer(cancelAtMs, () => controller.abort(new Error('as planned')));
    const run = {
      runId: 'run-1',
      set: spec.set,
      signal: controller.signal,
      context: { tenant },
      priority,
      onEvent: (event: RunEvent) => notes.push({ event: { ...event, runId: `${index}` }, plan, tenant }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
    return (await runtime.settle(workflow, spec.parameters.values, run)) as Outcome;
  };
  const outcomes = await advanceUntil(() => Promise.all(guests.map(start)), clock);
  const left = held(runtime.getResourceMetrics());
  clock.advance(10_000);
  const values = runtime.optimizeRuntimePerformance().after.limitValues;
  await runtime.close();
  return { outcomes, notes, left, values };
}

describe('random workflows side by side under random limits', () => {
  holds(
    'all end, exceed no limit and leave nothing held; those that nobody stopped end as they would alone',
    fc.record({
      guests: fc.array(guest, { minLength: 2, maxLength: 4 }),
      governed: governance('defer', 'defer', 'defer', 'queue'),
      scheduler: seed,
    }),
    async ({ guests, governed, scheduler }) => {
      const { outcomes, notes, left, values } = await sideBySide(guests, governed, scheduler);
      expect([left.nothing, values], JSON.stringify(left)).to.deep.equal([true, 0]);
      expectAllKept(governed, spansOf(notes));
      const patient = [...[governed.resources?.limits ?? []].flat(), governed.capabilities?.limit].every(
        (limit) => limit?.whenFull !== 'queue',
      );
      if (!patient) return;
      for (const [index, { spec, cancelAtMs, timeoutMs }] of guests.entries()) {
        if (cancelAtMs !== undefined || timeoutMs !== undefined) continue;
        const { outcome } = await runFlow(spec);
        same(resultOf(outcomes[index] as Outcome), resultOf(outcome), `run ${index}`);
      }
    },
    0.4,
  );
});
