import { expect } from 'chai';
import { z } from 'zod';
import { compile } from '../../../../src/base/compile.js';
import { EventFold } from '../../../../src/base/event-fold.js';
import type { RunEvent } from '../../../../src/base/events.js';
import { ChildrenState, ExecutionState, RegionState } from '../../../../src/base/execution-state.js';
import { SNAPSHOT_FIELDS } from '../../../../src/base/history/state-data.js';
import {
  restoreSnapshot,
  SNAPSHOT_VERSION,
  type SnapshotData,
  snapshotDue,
  takeSnapshot,
} from '../../../../src/base/history/state-snapshot.js';
import { defineNode } from '../../../../src/base/node.js';
import { otherwise } from '../../../../src/base/nodes/switch.js';
import { oneOf } from '../../../../src/base/ref.js';
import type { RunOptions } from '../../../../src/base/runtime-options.js';
import { type } from '../../../../src/base/schema.js';
import type { Workflow } from '../../../../src/base/workflow.js';
import { workflow } from '../../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../../src/runtimes/local-runtime.js';
import { VirtualClock } from '../../../../src/testing/index.js';
import { caught } from '../../../support/caught.js';
import { copied, expectSnapshots, folded, foldView } from '../../../support/snapshots.js';

function logOf(built: Workflow, clock = new VirtualClock(1_000), options: RunOptions = {}): readonly RunEvent[] {
  const events: RunEvent[] = [];
  using runtime = new LocalRuntime({ clock });
  const outcome = runtime.settle(
    built as Workflow<object>,
    {},
    {
      ...options,
      runId: 'r',
      onEvent: (event) => events.push(event),
    },
  );
  if (outcome.status === 'rejected') throw outcome.error;
  return events;
}

function chain(): Workflow {
  const w = workflow('chain');
  const a = w.fn('a', {}, () => 1);
  w.fn('b', { n: a.out.value }, ({ n }) => n + 1, { timeoutMs: 50, softTimeoutMs: 20 });
  return w.build() as Workflow;
}

/** A cycle around a map with a switch inside, a node that is tried twice, a gate. */
function everything(clock: VirtualClock): Workflow {
  const item = defineNode({
    name: 'item',
    inputs: { n: type<number>() },
    outputs: { n: type<number>() },
    run: ({ n }) => ({ n: n + 1 }),
  });
  const counting = defineNode({
    name: 'counting',
    inputs: { n: type<number>() },
    outputs: { list: type<readonly number[]>() },
    state: z.number().default(0),
    run: ({ n }, { state, setState }) => {
      setState(state + n);
      return { list: [n, n, n] };
    },
  });
  const w = workflow('everything');
  let tries = 0;
  w.fn(
    'flaky',
    {},
    () => {
      clock.advance(3);
      if (++tries < 3) throw new RangeError(`try ${tries}`);
      return tries;
    },
    { retry: { attempts: 3, backoff: 'fixed', delayMs: 5 } },
  );
  const list = w.add('list', counting({ n: 1 }));
  const all = w.map('all', list.out.list, (n) => item({ n }));
  const sum = w.fn('sum', { items: all.out.n }, ({ items }) => items.reduce((total, each) => total + each, 0));
  const route = w.switch('route', sum.out.value, { big: (n) => n > 10, small: otherwise });
  const last = w.fn('last', { n: oneOf(route.out.big, route.out.small) }, ({ n }) => n);
  w.cycle('fit', { feedback: [last.out.value.to(list.in.n)], maxIterations: 3 });
  w.gate('ok', { timeoutMs: 50, shows: { small: route.out.small, big: route.out.big } });
  return w.build() as Workflow;
}

const snapshotAt = (built: Workflow, events: readonly RunEvent[], cut: number): SnapshotData =>
  takeSnapshot(folded(compile(built), events.slice(0, cut)));

describe('a snapshot', () => {
  it('holds what is not as at the start of a run', () => {
    const built = chain();
    const events = logOf(built);
    expect(snapshotAt(built, events, 4)).to.deep.equal({
      version: 1,
      events: 4,
      plan: { nodes: ['a', 'b'], cycles: [] },
      state: {
        status: Uint8Array.of(3, 1),
        attempts: Int32Array.of(1, 1),
        waiting: Int32Array.of(0, 0),
        startedAt: Float64Array.of(1_000, 1_000),
        endedAt: Float64Array.of(1_000, 0),
        outputs: new Map([[0, { value: 1 }]]),
        runStatus: 'running',
        runStartedAt: 1_000,
        open: 1,
        parameters: {},
        options: { onError: 'continue', maxConcurrency: null, timeoutMs: null, softTimeoutMs: null, retryBudget: null },
        context: {},
        ready: Int32Array.of(0),
        inFlight: [
          { node: 1, visit: 1, number: 1, startedAt: 1_000, status: 'running', limits: { hard: 1_050, soft: 1_020 } },
        ],
      },
    });
  });

  it('and the rest are the whole log, at every event, with a cycle, a map, retries, a switch and a gate', () => {
    const clock = new VirtualClock(1_000);
    const built = everything(clock);
    const events = logOf(built, clock);
    expect(events.at(-1)?.kind).to.equal('run.waiting');
    expect(events.filter(({ kind }) => kind === 'children.created').length).to.equal(3);
    expectSnapshots(built, JSON.parse(JSON.stringify(events)) as RunEvent[]);
  });

  it('and the rest are the whole log, with a context, and soft limits of a node and of the run that passed', () => {
    const clock = new VirtualClock(1_000);
    const w = workflow('slow');
    w.fn('slow', {}, () => clock.advance(30), { softTimeoutMs: 10, timeoutMs: 90 });
    w.fn('last', {}, () => 1, { after: 'slow' });
    const built = w.build() as Workflow;
    const events = logOf(built, clock, { context: { tenant: 'a' }, softTimeoutMs: 20 });
    expect(events.filter(({ kind }) => kind === 'deadline.expired').length).to.equal(2);
    expectSnapshots(built, events);
  });

  it('and the rest are the whole log, where an inner cycle is entered again', () => {
    const pass = defineNode({
      name: 'pass',
      inputs: { n: type<number>() },
      outputs: { n: type<number>() },
      run: ({ n }) => ({ n: n + 1 }),
    });
    const w = workflow('grid');
    const open = w.add('open', pass({ n: 0 }));
    const inner = w.add('inner', pass({ n: open.out.n }));
    const close = w.add('close', pass({ n: inner.out.n }));
    w.cycle('columns', { feedback: [inner.out.n.to(inner.in.n)], maxIterations: 3 });
    w.cycle('rows', { feedback: [close.out.n.to(open.in.n)], maxIterations: 3 });
    const built = w.build() as Workflow;
    const events = logOf(built);
    expectSnapshots(built, events);
    const second = events.findLastIndex(({ kind }) => kind === 'cycle.iterated');
    expect(snapshotAt(built, events, second).state.regions?.some(({ entryStep }) => entryStep !== undefined)).to.equal(
      true,
    );
  });

  it('does not say twice what the last output of a node in a cycle holds', () => {
    const clock = new VirtualClock(1_000);
    const built = everything(clock);
    const { state } = snapshotAt(built, logOf(built, clock), Number.POSITIVE_INFINITY);
    const { nodeIndex } = compile(built);
    expect(state.keptOutput).to.equal(undefined);
    expect([...(state.outputs?.keys() ?? [])]).to.include(nodeIndex.get('sum'));
    const ports = state.keptPorts?.get(nodeIndex.get('route') as number);
    expect(ports?.get('big')).to.deep.include({ turns: [2], same: true });
    expect(ports?.get('small')).to.deep.include({ turns: [0], value: 6 });
  });

  it('is not changed by what its fold, or a fold that was made of it, does later', () => {
    const clock = new VirtualClock(1_000);
    const built = everything(clock);
    const events = logOf(built, clock);
    const plan = compile(built);
    for (let cut = 1; cut < events.length; cut++) {
      const fold = folded(plan, events.slice(0, cut));
      const snapshot = takeSnapshot(fold);
      const before = copied(snapshot);
      const restored = restoreSnapshot(new ExecutionState(plan), snapshot);
      for (const event of events.slice(cut)) {
        fold.apply(event);
        restored.apply(event);
      }
      expect(copied(snapshot), `after ${cut}`).to.deep.equal(before);
      expect(foldView(restored), `after ${cut}`).to.deep.equal(foldView(fold));
    }
  });

  it('of another version is refused, and so is what is none', () => {
    const built = chain();
    const snapshot = snapshotAt(built, logOf(built), 3);
    const plan = compile(built);
    const refused = (data: object | null) =>
      caught(() => restoreSnapshot(new ExecutionState(plan), data as SnapshotData));
    const other = refused({ ...snapshot, version: SNAPSHOT_VERSION + 1 });
    expect([other.code, (other.cause as Error).message]).to.deep.equal(['SNAPSHOT_UNUSABLE', 'Its version is not 1.']);
    expect(other.message).to.equal('The snapshot cannot be used. Replay the events of the run from the start.');
    const { state } = snapshot;
    for (const [damaged, why] of [
      [null, /null/],
      [{ ...snapshot, plan: undefined }, /undefined/],
      [{ ...snapshot, state: undefined }, /undefined/],
      [{ ...snapshot, state: { ...state, status: new Uint8Array(3) } }, /another number of nodes/],
      [{ ...snapshot, state: { ...state, ready: new Int32Array(2) } }, /another size/],
      [{ ...snapshot, state: { ...state, regions: [{}] } }, /another number of cycles/],
      [{ ...snapshot, state: { ...state, inFlight: [{ node: 7 }] } }, /no node 7/],
      [{ ...snapshot, state: { ...state, children: new Map([[0, {}]]) } }, /"a" has no children/],
    ] as const) {
      const error = refused(damaged);
      expect(error.code).to.equal('SNAPSHOT_UNUSABLE');
      expect((error.cause as Error).message).to.match(why);
    }
  });

  it('of another plan is refused', () => {
    const built = chain();
    const snapshot = snapshotAt(built, logOf(built), 3);
    const w = workflow('other');
    w.fn('a', {}, () => 1);
    const error = caught(() => restoreSnapshot(new ExecutionState(compile(w.build())), snapshot));
    expect([error.code, error.message.split('.')[0]]).to.deep.equal([
      'PLAN_MISMATCH',
      'The snapshot was taken with another plan than that of "other"',
    ]);
  });

  it('knows every field that a state has: whoever adds one adds it there, and raises SNAPSHOT_VERSION', () => {
    const plan = compile(chain());
    const children = new ChildrenState({ prefix: 'a', visit: 1, attempt: 1, parameters: {}, items: null });
    const known = (fields: readonly string[]) => [...fields].sort();
    expect(Object.keys(new ExecutionState(plan)).sort()).to.deep.equal(known(SNAPSHOT_FIELDS.state));
    expect(Object.keys(new RegionState(1)).sort()).to.deep.equal(known(SNAPSHOT_FIELDS.region));
    expect(Object.keys(children).sort()).to.deep.equal(known(SNAPSHOT_FIELDS.children));
    const [attempt] = [...folded(plan, logOf(chain()).slice(0, 2)).open.values()].flat();
    expect(Object.keys(attempt ?? {}).sort()).to.deep.equal(known(SNAPSHOT_FIELDS.attempt));
  });
});

describe('a fold', () => {
  it('lets go of the children of earlier visits: an event of theirs can no longer come', () => {
    const clock = new VirtualClock(1_000);
    const built = everything(clock);
    const events = logOf(built, clock);
    const second = events.findIndex(
      ({ kind, data }) => kind === 'children.created' && 'visit' in data && data.visit === 2,
    );
    const fold = new EventFold(new ExecutionState(compile(built)));
    for (const event of events.slice(0, second + 1)) fold.apply(event);
    const key = { scope: 'all[0]/', node: 'item', visit: 2, attempt: 1 };
    const late = { ...(events[1] as RunEvent), seq: second + 1, kind: 'attempt.started', data: key } as RunEvent;
    expect((caught(() => fold.apply(late)).cause as Error).message).to.match(
      /Nothing has opened the scope "all\[0\]\/"/,
    );
  });
});

describe('a snapshot is due', () => {
  const since = { eventsSince: 1, bytesSince: 0, msSince: 0, lastBytes: 0 };

  it('after 10,000 events, or after 60 s in which there were 1,000', () => {
    expect(snapshotDue({ ...since, eventsSince: 9_999, msSince: 59_999 })).to.equal(false);
    expect(snapshotDue({ ...since, eventsSince: 10_000 })).to.equal(true);
    expect(snapshotDue({ ...since, eventsSince: 1_000, msSince: 60_000 })).to.equal(true);
    expect(snapshotDue({ ...since, eventsSince: 999, msSince: 60_000 })).to.equal(false);
  });

  it('not before as many bytes of events were written as the last one had', () => {
    const late = { eventsSince: 5_000, msSince: 100_000, lastBytes: 700 };
    expect(snapshotDue({ ...late, bytesSince: 699 })).to.equal(false);
    expect(snapshotDue({ ...late, bytesSince: 700 })).to.equal(true);
  });

  it('so that snapshots of a state that grows take no more than twice what its events do', () => {
    let written = 0;
    let taken = 0;
    let last = { events: 0, bytes: 0, size: 0 };
    for (let events = 1; events <= 200_000; events++) {
      written += 100;
      const sums = { eventsSince: events - last.events, bytesSince: written - last.bytes, msSince: 0 };
      if (!snapshotDue({ ...sums, lastBytes: last.size })) continue;
      last = { events, bytes: written, size: written }; // as large as everything that was ever written
      taken += last.size;
    }
    expect(taken / written).to.be.within(1, 2);
  });
});
