import { expect } from 'chai';
import fc from 'fast-check';
import { compile } from '../../src/base/compile.js';
import { type RunEvent, subjectOf } from '../../src/base/events.js';
import type { ExecutionState } from '../../src/base/execution-state.js';
import type { ChildResult, GraphResult, NodeReport } from '../../src/base/graph-result.js';
import type { Plan, PlanNode } from '../../src/base/plan.js';
import { flows } from '../support/flows.js';
import { holds } from '../support/property.js';
import { type FlowRun, type FlowTrace, runFlow } from '../support/run-flow.js';

const FINAL = ['completed', 'failed', 'skipped', 'blocked', 'cancelled'];
const NOT_RUN = ['skipped', 'blocked', 'cancelled'];

/** What the design promises of every run that has ended, however it ended. */
function expectExplained({ outcome, events, workflow, state, running }: FlowTrace): void {
  if (outcome.status === 'rejected') return;
  expectGraphExplained(outcome, compile(workflow));
  if (outcome.status === 'failed') expect(outcome.error.failure.code).to.be.a('string');
  expect(events.at(-1)?.kind).to.equal(`run.${outcome.status}`);
  expect(events.map(({ seq }) => seq)).to.deep.equal(events.map((_, index) => index));
  expectPaired(events);
  expect(running, 'attempts in flight').to.equal(0);
  expectNothingLeft(state as ExecutionState);
}

/** A graph that has ended, and all of its children: every node has a final status, and a reason if it did not run. */
function expectGraphExplained(result: GraphResult & { readonly status: string }, plan: Plan): void {
  for (const node of result.nodes.values()) {
    const { id } = node;
    const { data, child } = plan.nodes[plan.nodeIndex.get(id) as number] as PlanNode;
    expectNodeExplained(node);
    if (result.status === 'completed')
      expect(node.status, `${id} in a completed run`).to.be.oneOf(
        data.allowFailure ? ['completed', 'failed', 'skipped'] : ['completed', 'skipped'],
      );
    for (const inner of result.children(id)) expectChildExplained(inner, node, child as Plan);
  }
  for (const { id, reason, failed } of result.cycles.values()) {
    expect(reason, `the cycle ${id}`).to.be.a('string');
    if (result.status === 'completed') expect(failed, `the cycle ${id} in a completed run`).to.equal(false);
  }
}

function expectNodeExplained({ id, status, reason, error, attempts }: NodeReport): void {
  expect(status, id).to.be.oneOf(FINAL);
  expect(reason !== undefined, `${id} is ${status}: has a reason`).to.equal(NOT_RUN.includes(status));
  expect(error !== undefined, `${id} is ${status}: has an error`).to.equal(status === 'failed');
  if (status === 'completed' || status === 'failed') expect(attempts, id).to.be.at.least(1);
  if (status === 'skipped' || status === 'blocked') expect(attempts, id).to.equal(0);
}

/** A child of an owner that has ended. One that never began is cancelled, and nothing in it has happened. */
function expectChildExplained(child: ChildResult, owner: NodeReport, plan: Plan): void {
  const { scope, status, error, nodes } = child;
  expect(status, scope).to.be.oneOf(['completed', 'failed', 'cancelled']);
  expect(error !== undefined, `${scope} is ${status}: has an error`).to.equal(status === 'failed');
  if (owner.status === 'completed') expect(status, scope).to.be.oneOf(['completed', 'failed']);
  const never = [...nodes.values()].every((node) => node.status === 'pending');
  if (!never) return expectGraphExplained(child, plan);
  expect(status, `${scope}, which never began`).to.equal('cancelled');
}

/** Nothing waits, nothing is due, and nobody is counted any more, in any graph that has ended. */
function expectNothingLeft({ open, delayed, dueRegions, gates, children }: ExecutionState): void {
  expect(open, 'what has not settled').to.equal(0);
  expect([...delayed], 'what is left to be retried').to.deep.equal([]);
  expect(dueRegions, 'cycles left to be decided').to.deep.equal([]);
  expect([...(gates ?? [])], 'gates that wait').to.deep.equal([]);
  for (const { graphs } of children?.values() ?? []) for (const graph of graphs) expectNothingLeft(graph);
}

/** Kinds of events about an attempt after which it goes on. */
const GOES_ON: readonly RunEvent['kind'][] = ['children.created', 'gate.opened'];

/** Every attempt that starts settles exactly once, none settles that has not started, and none starts before its time. */
function expectPaired(events: FlowTrace['events']): void {
  const open = new Set<string>();
  const notBefore = new Map<string, number>();
  for (const event of events) {
    const { kind, data, ts } = event;
    const subject = subjectOf(event);
    if (kind === 'attempt.failed' && data.then.kind === 'retry') notBefore.set(subject, data.then.at);
    if (kind === 'attempt.started') {
      expect(ts, `${subject} waits for its retry`).to.be.at.least(notBefore.get(subject) ?? 0);
      notBefore.delete(subject);
    }
    if (!('attempt' in data)) continue;
    const key = `${subject}/${data.visit}/${data.attempt}`;
    if (kind === 'attempt.started') {
      expect(open.has(key), `${key} starts once`).to.equal(false);
      expectInside(open, data.scope);
      open.add(key);
    } else if (GOES_ON.includes(kind)) expect(open.has(key), `${key} had started`).to.equal(true);
    else {
      expect(open.delete(key), `${key} had started`).to.equal(true);
      expectOver(open, key);
    }
  }
  expect([...open], 'attempts that never settled').to.deep.equal([]);
}

/** The attempt that opened a scope: `m0#2.3[1]/` belongs to `m0/2/3`. */
function ownerOf(scope: string): string {
  const [, before = '', node, visit = '1', attempt = '1'] =
    /^(.*\/)?([^/#[]*)(?:#(\d+))?(?:\.(\d+))?(?:\[\d+\])?\/$/.exec(scope) ?? [];
  return `${before}${node}/${visit}/${attempt}`;
}

/** Nothing runs in a scope after the attempt that opened it, or before. */
function expectInside(open: ReadonlySet<string>, scope: string): void {
  if (scope !== '') expect(open.has(ownerOf(scope)), `something runs in ${scope}`).to.equal(true);
}

function expectOver(open: ReadonlySet<string>, owner: string): void {
  for (const key of open) {
    const scope = key.slice(0, key.split('/').slice(0, -3).join('/').length + 1);
    if (key.includes('[') || key.split('/').length > 3)
      expect(ownerOf(scope), `${key} outlives its owner`).not.to.equal(owner);
  }
}

const how: fc.Arbitrary<FlowRun> = fc.oneof(
  fc.constant({}),
  fc.record({
    runtime: fc.constant('async' as const),
    scheduler: fc.integer({ min: 0, max: 1_000_000 }),
    maxConcurrency: fc.constantFrom(1, 2, 100),
  }),
);

describe('a run that has ended', () => {
  holds(
    'has a final status for every node, and a reason for every one that did not run',
    fc.record({ spec: flows(), how, onError: fc.constantFrom('continue' as const, 'fail-fast' as const) }),
    async ({ spec, how: run, onError }) => expectExplained(await runFlow(spec, { ...run, onError })),
    0.5,
  );

  holds(
    'leaves nothing pending or running when it was cancelled, whenever that was',
    fc.record({
      spec: flows(),
      how,
      at: fc.nat({ max: 50 }),
      onError: fc.constantFrom('continue' as const, 'fail-fast' as const),
    }),
    async ({ spec, how: run, at, onError }) => {
      const trace = await runFlow(spec, { ...run, onError, cancelAt: at });
      expectExplained(trace);
      const { outcome, events } = trace;
      if (!events.some(({ kind }) => kind === 'run.cancel_requested')) return;
      if (outcome.status !== 'cancelled') throw new Error(`A cancelled run is ${outcome.status}.`);
      const left = [...outcome.nodes.values()].some(({ status }) => status === 'cancelled');
      const cycles = [...outcome.cycles.values()].some(({ reason }) => reason === 'cancelled');
      expect(left || cycles, 'something was left to be cancelled').to.equal(true);
      const heard = events[at]?.kind === 'run.waiting' ? at + 1 : at; // a run that waits hears it when it goes on
      expect(events.at(-1)?.ts, 'it ends when it is cancelled').to.equal(events[heard]?.ts);
    },
    0.5,
  );

  holds(
    'leaves nothing pending or running when it ran out of time',
    fc.record({ spec: flows({ durations: true }), how, timeoutMs: fc.integer({ min: 1, max: 40 }) }),
    async ({ spec, how: run, timeoutMs }) => expectExplained(await runFlow(spec, { ...run, timeoutMs })),
    0.5,
  );
});
