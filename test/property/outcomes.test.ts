import { expect } from 'chai';
import fc from 'fast-check';
import { compile } from '../../src/base/compile.js';
import { holds } from '../support/property.js';
import { flows } from '../support/random-workflow.js';
import { type FlowRun, type FlowTrace, runFlow } from '../support/run-flow.js';

const FINAL = ['completed', 'failed', 'skipped', 'blocked', 'cancelled'];
const NOT_RUN = ['skipped', 'blocked', 'cancelled'];

/** What the design promises of every run that has ended, however it ended. */
function expectExplained({ outcome, events, workflow, state }: FlowTrace): void {
  if (outcome.status === 'rejected') return;
  const plan = compile(workflow);
  const allowed = new Set(plan.nodes.filter(({ data }) => data.allowFailure).map(({ id }) => id));
  for (const { id, status, reason, error, attempts } of outcome.nodes.values()) {
    expect(status, id).to.be.oneOf(FINAL);
    expect(reason !== undefined, `${id} is ${status}: has a reason`).to.equal(NOT_RUN.includes(status));
    expect(error !== undefined, `${id} is ${status}: has an error`).to.equal(status === 'failed');
    if (status === 'completed' || status === 'failed') expect(attempts, id).to.be.at.least(1);
    if (status === 'skipped' || status === 'blocked') expect(attempts, id).to.equal(0);
    if (outcome.status === 'completed')
      expect(status, `${id} in a completed run`).to.be.oneOf(
        allowed.has(id) ? ['completed', 'failed', 'skipped'] : ['completed', 'skipped'],
      );
  }
  for (const { id, reason, failed } of outcome.cycles.values()) {
    expect(reason, `the cycle ${id}`).to.be.a('string');
    if (outcome.status === 'completed') expect(failed, `the cycle ${id} in a completed run`).to.equal(false);
  }
  if (outcome.status === 'failed') expect(outcome.error.failure.code).to.be.a('string');
  expect(events.at(-1)?.kind).to.equal(`run.${outcome.status}`);
  expect(events.map(({ seq }) => seq)).to.deep.equal(events.map((_, index) => index));
  expectPaired(events);
  expect(state).to.include({ open: 0, running: 0 });
  expect([...(state?.delayed ?? [])], 'what is left to be retried').to.deep.equal([]);
  expect(state?.dueRegions, 'cycles left to be decided').to.deep.equal([]);
}

/** Every attempt that starts settles exactly once, none settles that has not started, and none starts before its time. */
function expectPaired(events: FlowTrace['events']): void {
  const open = new Set<string>();
  const notBefore = new Map<string, number>();
  for (const { kind, data, ts } of events) {
    if (kind === 'attempt.failed' && data.then.kind === 'retry') notBefore.set(data.node, data.then.at);
    if (kind === 'attempt.started') {
      expect(ts, `${data.node} waits for its retry`).to.be.at.least(notBefore.get(data.node) ?? 0);
      notBefore.delete(data.node);
    }
    if (!('attempt' in data)) continue;
    const key = `${data.node}/${data.visit}/${data.attempt}`;
    if (kind === 'attempt.started') {
      expect(open.has(key), `${key} starts once`).to.equal(false);
      open.add(key);
    } else expect(open.delete(key), `${key} had started`).to.equal(true);
  }
  expect([...open], 'attempts that never settled').to.deep.equal([]);
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
      expect(events.at(-1)?.ts, 'it ends when it is cancelled').to.equal(events[at]?.ts);
    },
  );

  holds(
    'leaves nothing pending or running when it ran out of time',
    fc.record({ spec: flows({ timing: true }), how, timeoutMs: fc.integer({ min: 1, max: 40 }) }),
    async ({ spec, how: run, timeoutMs }) => expectExplained(await runFlow(spec, { ...run, timeoutMs })),
  );
});
