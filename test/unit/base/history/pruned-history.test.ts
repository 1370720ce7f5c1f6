import { expect } from 'chai';
import { compile } from '../../../../src/base/compile.js';
import { when } from '../../../../src/base/condition.js';
import type { RunEvent } from '../../../../src/base/events.js';
import { dependentsOf } from '../../../../src/base/history/dirty-nodes.js';
import { type PruneOptions, prefixOf, pruneHistory } from '../../../../src/base/history/pruned-history.js';
import { defineNode } from '../../../../src/base/node.js';
import { otherwise } from '../../../../src/base/nodes/switch.js';
import { type } from '../../../../src/base/schema.js';
import type { Workflow } from '../../../../src/base/workflow.js';
import { workflow } from '../../../../src/base/workflow-builder.js';
import { caught } from '../../../support/caught.js';
import { type Continuing, go, SHAPES, type Shape } from '../../../support/continuing.js';
import { replayed } from '../../../support/replayed.js';

type Built = Workflow<never, unknown> | Workflow;

/** `a` → `b` → `c`, and `d` beside them. */
function chain(): Built {
  const w = workflow('chain');
  const a = w.fn('a', {}, () => 1);
  const b = w.fn('b', { n: a.out.value }, ({ n }) => n + 1);
  const c = w.fn('c', { n: b.out.value }, ({ n }) => n + 1);
  const d = w.fn('d', {}, () => 7);
  return w.build({ outputs: { c: c.out.value, d: d.out.value } });
}

/** `a` → `b`, `c` → `d`; `e` waits for `c` without taking anything. */
function diamond(): Built {
  const w = workflow('diamond');
  const a = w.fn('a', {}, () => 1);
  const b = w.fn('b', { n: a.out.value }, ({ n }) => n + 1);
  const c = w.fn('c', { n: a.out.value }, ({ n }) => n + 2);
  const d = w.fn('d', { b: b.out.value, c: c.out.value }, ({ b: left, c: right }) => left + right);
  w.fn('e', {}, () => 1, { after: c });
  return w.build({ outputs: { d: d.out.value } });
}

/** `seed` → cycle `loop` of `x` → `y` → `end`; `limit` is only looked at by its condition, `side` hangs on nothing. */
function cycle(): Built {
  const w = workflow('cycle');
  const seed = w.fn('seed', {}, () => 1);
  const limit = w.fn('limit', {}, () => 4);
  const x = w.fn('x', { n: seed.out.value }, ({ n }) => n + 1);
  const y = w.fn('y', { n: x.out.value }, ({ n }) => n);
  const loop = w.cycle('loop', {
    feedback: [y.out.value.to(x.in.n)],
    until: when({ n: y.out.value, most: limit.out.value }, ({ n, most }) => n >= most),
    maxIterations: 9,
  });
  const end = w.fn('end', { n: y.out.value }, ({ n }) => n * 10);
  const turns = w.fn('turns', { n: loop.out.iterations }, ({ n }) => n);
  w.fn('side', {}, () => 1);
  return w.build({ outputs: { end: end.out.value, turns: turns.out.value } });
}

/** A cycle `outer` of `open`, the cycle `inner` of `step`, and `close`; `end` reads `step`. */
function nestedCycle(): Built {
  const w = workflow('nested');
  const seed = w.fn('seed', {}, () => 0);
  const open = w.fn('open', { n: seed.out.value }, ({ n }) => n);
  const step = w.fn('step', { n: open.out.value }, ({ n }) => n + 1);
  const close = w.fn('close', { n: step.out.value }, ({ n }) => n);
  w.cycle('inner', { feedback: [step.out.value.to(step.in.n)], maxIterations: 2 });
  w.cycle('outer', { feedback: [close.out.value.to(open.in.n)], maxIterations: 2 });
  const end = w.fn('end', { n: step.out.value }, ({ n }) => n);
  return w.build({ outputs: { end: end.out.value } });
}

const double = defineNode({
  name: 'double',
  version: '1',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }) => {
    if (n < 0) throw new Error('less than nothing');
    return { n: n * 2 };
  },
});

/** `list` → map `all` of a workflow of one node, beside the map `more` → `sum`. */
function mapped(): Built {
  const inner = workflow('inner', { params: { n: type<number>() } });
  const one = inner.add('one', double({ n: inner.params.n }));
  const sub = inner.build({ outputs: { n: one.out.n } });
  const w = workflow('mapped');
  const list = w.fn('list', {}, () => [1, 2]);
  const all = w.map('all', list.out.value, (n) => sub({ n }));
  const more = w.map('more', list.out.value, (n) => double({ n }), { maxConcurrency: 1 });
  const sum = w.fn('sum', { a: all.out.n, b: more.out.n }, ({ a, b }) => [...a, ...b].reduce((x, y) => x + y, 0));
  return w.build({ outputs: { sum: sum.out.value } });
}

/** `draft` → gate `ok` → `send` where it was approved. */
function gated(): Built {
  const w = workflow('gated');
  const draft = w.fn('draft', {}, () => 'text');
  const ok = w.gate('ok', { shows: { draft: draft.out.value } });
  const send = w.fn('send', { by: ok.out.approved }, ({ by }) => `sent by ${String(by)}`);
  return w.build({ outputs: { send: send.out.value } });
}

/** `bad` fails and blocks `next`, `may` fails as it may and `spare` reads why; `route` leaves `rare` out. */
function failing(): Built {
  const w = workflow('failing');
  const bad = w.fn('bad', {}, (): number => {
    throw new Error('as it should');
  });
  const next = w.fn('next', { n: bad.out.value }, ({ n }) => n);
  const may = w.try('may', double({ n: -1 }));
  const spare = w.fn('spare', { why: may.error }, ({ why }) => why?.code);
  const one = w.fn('one', {}, () => 1);
  const route = w.switch('route', one.out.value, { here: (n) => n === 1, there: otherwise });
  w.fn('rare', { n: route.out.there }, ({ n }) => n);
  return w.build({ outputs: { next: next.out.value, spare: spare.out.value } });
}

interface Case {
  readonly build: () => Built;
  readonly how?: Continuing;
  /** Which parts change. */
  readonly change: readonly string[];
  readonly dirty: readonly string[];
  /** What is started anew, in plan order. */
  readonly again: readonly string[];
  /** Kinds and subjects that stay. */
  readonly kept: readonly string[];
}

const cases: Readonly<Record<string, Case>> = {
  'the middle of a chain': {
    build: chain,
    change: ['b'],
    dirty: ['b', 'c'],
    again: ['b', 'c'],
    kept: ['run.started', 'attempt.started a', 'attempt.completed a', 'attempt.started d', 'attempt.completed d'],
  },
  'a side of a diamond': {
    build: diamond,
    change: ['b'],
    dirty: ['b', 'd'],
    again: ['b', 'd'],
    kept: [
      ...['run.started', 'attempt.started a', 'attempt.completed a', 'attempt.started c', 'attempt.completed c'],
      ...['attempt.started e', 'attempt.completed e'],
    ],
  },
  'what only another waits for': {
    build: diamond,
    change: ['c'],
    dirty: ['c', 'd', 'e'],
    again: ['c', 'd', 'e'],
    kept: ['run.started', 'attempt.started a', 'attempt.completed a', 'attempt.started b', 'attempt.completed b'],
  },
  'what reads the exit of a cycle': {
    build: cycle,
    change: ['turns'],
    dirty: ['turns'],
    again: ['turns'],
    kept: [
      ...['run.started', 'attempt.started seed', 'attempt.completed seed', 'attempt.started limit'],
      ...['attempt.completed limit', 'attempt.started x', 'attempt.completed x', 'attempt.started y'],
      ...['attempt.completed y', 'cycle.iterated loop', 'attempt.started x', 'attempt.completed x'],
      ...['attempt.started y', 'attempt.completed y', 'cycle.iterated loop', 'attempt.started x'],
      ...['attempt.completed x', 'attempt.started y', 'attempt.completed y', 'cycle.stopped loop'],
      ...['attempt.started end', 'attempt.completed end', 'attempt.started side', 'attempt.completed side'],
    ],
  },
  'a node of a cycle': {
    build: cycle,
    change: ['y'],
    dirty: ['end', 'turns', 'x', 'y'],
    again: ['x', 'y', 'x', 'y', 'x', 'y', 'end', 'turns'],
    kept: [
      ...['run.started', 'attempt.started seed', 'attempt.completed seed', 'attempt.started limit'],
      ...['attempt.completed limit', 'attempt.started side', 'attempt.completed side'],
    ],
  },
  'what only the condition of a cycle looks at': {
    build: cycle,
    change: ['limit'],
    dirty: ['end', 'limit', 'turns', 'x', 'y'],
    again: ['limit', 'x', 'y', 'x', 'y', 'x', 'y', 'end', 'turns'],
    kept: [
      'run.started',
      'attempt.started seed',
      'attempt.completed seed',
      'attempt.started side',
      'attempt.completed side',
    ],
  },
  'a cycle in a cycle': {
    build: nestedCycle,
    change: ['inner'],
    dirty: ['close', 'end', 'open', 'step'],
    again: ['open', 'step', 'step', 'close', 'open', 'step', 'step', 'close', 'end'],
    kept: ['run.started', 'attempt.started seed', 'attempt.completed seed'],
  },
  'a map with its children': {
    build: mapped,
    change: ['all'],
    dirty: ['all', 'sum'],
    again: ['all', 'all[0]/inner', 'all[0]/inner/one', 'all[1]/inner', 'all[1]/inner/one', 'sum'],
    kept: [
      ...['run.started', 'attempt.started list', 'attempt.completed list', 'attempt.started more'],
      ...['children.created more', 'attempt.started more[0]/double', 'attempt.completed more[0]/double'],
      ...['attempt.started more[1]/double', 'attempt.completed more[1]/double', 'attempt.completed more'],
    ],
  },
  'what follows a gate: its answer stays': {
    build: gated,
    how: { answers: { ok: 'ada' } },
    change: ['send'],
    dirty: ['send'],
    again: ['send'],
    kept: [
      ...['run.started', 'attempt.started draft', 'attempt.completed draft', 'attempt.started ok'],
      ...['gate.opened ok', 'gate.approved ok'],
    ],
  },
  'what a gate shows: it asks again': {
    build: gated,
    how: { answers: { ok: 'ada' } },
    change: ['draft'],
    dirty: ['draft', 'ok', 'send'],
    again: ['draft', 'ok', 'send'],
    kept: ['run.started'],
  },
  'a node that failed, with what it blocked': {
    build: failing,
    change: ['bad'],
    dirty: ['bad', 'next'],
    again: ['bad'],
    kept: [
      ...[
        'run.started',
        'attempt.started may',
        'attempt.failed may',
        'attempt.started spare',
        'attempt.completed spare',
      ],
      ...[
        'attempt.started one',
        'attempt.completed one',
        'attempt.started route',
        'attempt.completed route',
        'node.skipped rare',
      ],
    ],
  },
  'a node that failed as it may': {
    build: failing,
    change: ['may', 'route'],
    dirty: ['may', 'rare', 'route', 'spare'],
    again: ['may', 'spare', 'route'],
    kept: [
      ...['run.started', 'attempt.started bad', 'attempt.failed bad', 'node.blocked next', 'attempt.started one'],
      ...['attempt.completed one'],
    ],
  },
  nothing: {
    build: chain,
    change: [],
    dirty: [],
    again: [],
    kept: [
      ...['run.started', 'attempt.started a', 'attempt.completed a', 'attempt.started b', 'attempt.completed b'],
      ...['attempt.started c', 'attempt.completed c', 'attempt.started d', 'attempt.completed d'],
    ],
  },
};

function told({ kind, data }: RunEvent): string {
  const subject = 'node' in data ? data.node : 'cycle' in data ? data.cycle : undefined;
  return subject === undefined ? kind : `${kind} ${(data as { scope: string }).scope}${subject}`;
}

function pruned(built: Built, events: readonly RunEvent[], dirty: Iterable<string>, options?: PruneOptions) {
  const history = pruneHistory(compile(built as Workflow), events, new Set(dirty), options);
  expect(history.map(({ seq }) => seq)).to.deep.equal(history.map((_, index) => index));
  replayed(built as Workflow, history);
  return history;
}

const sorted = (list: readonly string[]): readonly string[] => [...list].sort();

function describeShape(shape: Shape): void {
  for (const [what, { build, how = {}, change, dirty, again, kept }] of Object.entries(cases)) {
    it(`keeps the rest and runs again ${what}`, async () => {
      const built = build();
      const original = await go(shape, built, how);
      const found = dependentsOf(compile(built as Workflow), change);
      expect(sorted([...found])).to.deep.equal(dirty);
      const history = pruned(built, original.events, found);
      if (shape === 'LocalRuntime') expect(history.map(told)).to.deep.equal(kept);
      else expect(sorted(history.map(told))).to.deep.equal(sorted(kept));
      const next = await go(shape, built, { ...how, history });
      if (shape === 'LocalRuntime') expect(next.started).to.deep.equal(again);
      else expect(sorted(next.started)).to.deep.equal(sorted(again));
      expect(next.run.status).to.equal(original.run.status);
      expect(next.run.output).to.deep.equal(original.run.output);
      expect([...next.run.results].sort()).to.deep.equal([...original.run.results].sort());
    });
  }

  it('lets what was cancelled run, from where it was', async () => {
    const canceller = new AbortController();
    const inner = workflow('inner', { params: { n: type<number>() } });
    const first = inner.fn('first', { n: inner.params.n }, ({ n }) => n);
    const second = inner.fn('second', { n: first.out.value }, ({ n }) => {
      if (n === 2) canceller.abort(new Error('enough'));
      return n;
    });
    const third = inner.fn('third', { n: second.out.value }, ({ n }) => n);
    const sub = inner.build({ outputs: { n: third.out.value } });
    const w = workflow('cancelled', { params: { list: type<readonly number[]>() } });
    const all = w.map('all', w.params.list, (n) => sub({ n }), { maxConcurrency: 1 });
    const ok = w.gate('ok', {});
    const turn = w.fn('turn', { n: all.out.n as unknown, ok: ok.out.approved }, () => 1);
    w.cycle('loop', { feedback: [turn.out.value.to(turn.in.n as never)], maxIterations: 2 });
    const built = w.build({ outputs: { n: all.out.n } });
    const { run, events } = await go(shape, built, { params: { list: [1, 2, 3] }, signal: canceller.signal });
    expect(run.status).to.equal('cancelled');
    const history = pruned(built, events, []);
    expect(history.filter((event) => /cancel|stopped/.test(told(event)))).to.deep.equal([]);
    const next = await go(shape, built, { history, params: { list: [] }, answers: { ok: 1 } });
    expect(next.run.output).to.deep.equal({ n: [1, 2, 3] });
    const local = shape === 'LocalRuntime';
    expect(next.started.filter((id) => !id.startsWith('all'))).to.deep.equal([
      ...(local ? ['ok'] : []),
      'turn',
      'turn',
    ]);
    expect(next.started.filter((id) => id.startsWith('all'))).to.deep.equal([
      ...(local ? [] : ['all[1]/inner/second']), // it was in flight
      ...['all[1]/inner/third', 'all[2]/inner', 'all[2]/inner/first', 'all[2]/inner/second', 'all[2]/inner/third'],
    ]);
  });

  it('keeps what a subworkflow cancelled that failed by itself', async () => {
    const inner = workflow('inner', { params: { n: type<number>() } });
    const one = inner.add('one', double({ n: inner.params.n }));
    inner.fn('two', {}, () => 1);
    const sub = inner.build({ outputs: { n: one.out.n } });
    const w = workflow('fast');
    const all = w.try('all', sub({ n: -1 }));
    const why = w.fn('why', { error: all.error }, ({ error }) => error?.code);
    const built = w.build({ outputs: { why: why.out.value } });
    const { run, events } = await go(shape, built, { onError: 'fail-fast' });
    const cancelled = (list: readonly RunEvent[]) => list.map(told).filter((text) => text.includes('cancelled'));
    const expected = shape === 'LocalRuntime' ? ['node.cancelled all/two'] : ['attempt.cancelled all/two'];
    expect(cancelled(events)).to.deep.equal(expected);
    const history = pruned(built, events, ['why']);
    expect(cancelled(history)).to.deep.equal(expected);
    const next = await go(shape, built, { history });
    expect(next.started).to.deep.equal(['why']);
    expect(next.run.output).to.deep.equal(run.output).and.to.deep.equal({ why: 'CHILD_FAILED' });
  });

  const outputs = (id: string, output: Readonly<Record<string, unknown>>) => ({
    replacedOutputs: new Map([[id, output]]),
  });

  it('goes on with another output of a node that completed', async () => {
    const built = chain();
    const { events } = await go(shape, built);
    const dirty = dependentsOf(compile(built as Workflow), [], ['b']);
    expect([...dirty]).to.deep.equal(['c']);
    const history = pruned(built, events, dirty, outputs('b', { value: 100 }));
    const next = await go(shape, built, { history });
    expect(next.started).to.deep.equal(['c']);
    expect(next.run.output).to.deep.equal({ c: 101, d: 7 });
    expect(events.find((event) => told(event) === 'attempt.completed b')?.data).to.have.deep.property('output', {
      value: 2,
    });
  });

  it('goes on with an output of a node that failed, of a gate, and of a map', async () => {
    const bad = failing();
    const first = await go(shape, bad);
    const after = dependentsOf(compile(bad as Workflow), [], ['bad']);
    const healed = await go(shape, bad, { history: pruned(bad, first.events, after, outputs('bad', { value: 5 })) });
    expect(healed.run.output).to.deep.include({ next: 5 });
    expect(healed.started).to.deep.equal(['next']);
    expect(healed.run.node('bad')).to.include({ status: 'completed', attempts: 1 });

    const gate = gated();
    const waiting = await go(shape, gate);
    expect(waiting.run.status).to.equal('waiting');
    const given = outputs('ok', { approved: 'nobody' });
    const opened = await go(shape, gate, { history: pruned(gate, waiting.events, ['send'], given) });
    expect(opened.run.output).to.deep.equal({ send: 'sent by nobody' });

    const map = mapped();
    const whole = await go(shape, map);
    const list = outputs('all', { n: [1000], $items: [], $failed: [] });
    const mine = await go(shape, map, { history: pruned(map, whole.events, ['sum'], list) });
    expect(mine.started).to.deep.equal(['sum']);
    expect(mine.run.output).to.deep.equal({ sum: 1006 });
    expect(mine.run.children('all').map(({ results }) => results.get('inner'))).to.deep.equal([{ n: 2 }, { n: 4 }]);
  });

  it('goes on with the output of a node that had not begun, and does not run it once what it waits for has settled', async () => {
    const built = chain();
    const { events } = await go(shape, built);
    const history = pruned(built, prefixOf(events, 1), dependentsOf(compile(built as Workflow), [], ['c', 'b']), {
      replacedOutputs: new Map([
        ['c', { value: 8 }],
        ['b', { value: 9 }],
      ]),
    });
    expect(history.map(told)).to.deep.equal([
      ...['run.started', 'attempt.started c', 'attempt.completed c', 'attempt.started b', 'attempt.completed b'],
    ]);
    const next = await go(shape, built, { history });
    expect(sorted(next.started)).to.deep.equal(['a', 'd']);
    expect(next.run.output).to.deep.equal({ c: 8, d: 7 });
  });
}

describe('A pruned history', () => {
  for (const shape of SHAPES) describe(`in ${shape}`, () => describeShape(shape));

  it('has the name and the shape of the plan with which the run goes on, and no parameters of nodes that are gone', async () => {
    const built = chain();
    const { events } = await go('LocalRuntime', built);
    const [started] = events;
    if (started?.kind !== 'run.started') throw new Error('did not start');
    const set = [
      { node: 'a', port: 'x', value: 1 },
      { node: 'gone', port: 'x', value: 1 },
    ];
    const given = [{ ...started, data: { ...started.data, set } }, ...events.slice(1)];
    const w = workflow('other');
    const a = w.fn('a', {}, () => 1);
    w.fn('z', { n: a.out.value }, ({ n }) => n);
    const other = w.build();
    const history = pruned(other, given, ['z']);
    expect(history.map(told)).to.deep.equal(['run.started', 'attempt.started a', 'attempt.completed a']);
    expect(history[0]?.data).to.deep.include({
      workflow: 'other',
      plan: { nodes: ['a', 'z'], cycles: [] },
      set: set.slice(0, 1),
    });
  });

  it('keeps warnings of what it keeps and of the run, and no other', () => {
    const built = cycle();
    const { nodes, regions } = compile(built as Workflow);
    const head = { ts: 5, runId: 'r', v: 1 };
    const plan = { nodes: [...nodes.map(({ id }) => id), 'gone'], cycles: regions.map(({ id }) => id) };
    const started = { workflow: 'w', plan, parameters: {}, set: [], options: {} as never, context: {} };
    const warned = (scope: string, at: string, code: string) => ({
      kind: 'run.warned',
      data: { scope, at, code, message: '' },
    });
    const events = [
      { kind: 'run.started', data: started },
      warned('', 'seed.n', 'kept'),
      warned('', 'seed', 'soft-timeout'),
      warned('', 'x', 'dropped'),
      warned('', 'loop', 'not-converged'),
      warned('', 'gone.n', 'dropped'),
      warned('', 'a-parameter', 'unmatched-name'),
      warned('', 'end', 'missing-output'),
      warned('', '', 'soft-timeout'),
      warned('seed/', 'inner', 'kept'),
      warned('x#2[3]/', 'inner', 'dropped'),
      { kind: 'deadline.expired', data: { scope: '', subject: '', level: 'soft' } },
    ].map((event, seq) => ({ ...head, ...event, seq })) as readonly RunEvent[];
    const left = (dirty: readonly string[]) =>
      pruneHistory(compile(built as Workflow), events, new Set(dirty))
        .slice(1)
        .map(({ data }) => ('code' in data ? `${data.scope}${data.at} ${data.code}` : '?'));
    expect(left(['x', 'y', 'end', 'turns'])).to.deep.equal([
      'seed.n kept',
      'seed soft-timeout',
      'a-parameter unmatched-name',
      'seed/inner kept',
    ]);
    expect(left([]))
      .to.include.members(['x dropped', 'loop not-converged', 'x#2[3]/inner dropped'])
      .and.to.have.length(7);
  });

  it('drops what an attempt was told that was cut off', () => {
    const built = chain();
    const started = {
      workflow: 'w',
      plan: { nodes: [], cycles: [] },
      parameters: {},
      set: [],
      options: {},
      context: {},
    };
    const key = { scope: '', node: 'a', visit: 1, attempt: 1 };
    const late = { scope: '', subject: 'a', level: 'soft' };
    const second = { ...key, attempt: 2 };
    const reason = {
      code: 'run_cancelled',
      input: null,
      source: null,
      root: { subject: '', port: null, code: 'run_cancelled' },
    };
    const events = [
      { kind: 'run.started', data: started },
      { kind: 'attempt.started', data: key },
      { kind: 'deadline.expired', data: late },
      { kind: 'attempt.failed', data: { ...key, error: {}, then: { kind: 'retry', at: 1 } } },
      { kind: 'attempt.started', data: second },
      { kind: 'deadline.expired', data: late },
      { kind: 'attempt.cancelled', data: { ...second, reason } },
    ].map((event, seq) => ({ ts: 5, runId: 'r', v: 1, ...event, seq })) as unknown as readonly RunEvent[];
    const history = pruneHistory(compile(built as Workflow), events, new Set());
    expect(history.map(({ kind }) => kind)).to.deep.equal([
      ...['run.started', 'attempt.started', 'deadline.expired', 'attempt.failed'],
    ]);
  });

  it('is not made where an output cannot be replaced', async () => {
    const built = cycle();
    const { events } = await go('LocalRuntime', built);
    for (const [id, dirty, why] of [
      ['x', [], 'belongs to a cycle'],
      ['loop', [], 'is no node at the top'],
      ['end', ['end'], 'is to run again'],
    ] as const) {
      const options = { replacedOutputs: new Map([[id, {}]]) };
      const error = caught(() => pruneHistory(compile(built as Workflow), events, new Set(dirty), options)) as Error;
      expect(error).to.include({ code: 'INVALID_OPTION', at: id });
      expect(error.message).to.contain(why);
    }
  });
});

describe('The prefix of a history', () => {
  it('holds as many events as are asked for, the first one at least', async () => {
    const { events } = await go('LocalRuntime', chain());
    expect(prefixOf(events, 3)).to.deep.equal(events.slice(0, 3));
    expect(prefixOf(events, events.length)).to.deep.equal(events);
    for (const atSeq of [0, -1, 1.5, Number.NaN, events.length + 1])
      expect(caught(() => prefixOf(events, atSeq))).to.include({ code: 'INVALID_OPTION', at: 'atSeq' });
  });
});

describe('What depends on nodes', () => {
  it('is nothing where the plan has no such node', () => {
    expect([...dependentsOf(compile(chain() as Workflow), ['nowhere'], ['neither'])]).to.deep.equal([]);
  });

  it('ends at nodes whose outputs are given', () => {
    const plan = compile(chain() as Workflow);
    expect([...dependentsOf(plan, ['a'], ['b'])]).to.deep.equal(['a', 'c']);
    expect([...dependentsOf(plan, ['b'], ['b'])]).to.deep.equal(['c']);
  });

  it('is a whole cycle where one feeds it with what is given', () => {
    const plan = compile(cycle() as Workflow);
    expect([...dependentsOf(plan, [], ['limit'])]).to.deep.equal(['x', 'y', 'end', 'turns']);
  });

  it('is every cycle whose condition looks at it', () => {
    const w = workflow('watched');
    const limit = w.fn('limit', {}, () => 1);
    for (const id of ['one', 'two']) {
      const turn = w.fn(id, { n: 1 as number }, ({ n }) => n);
      const until = when({ n: turn.out.value, limit: limit.out.value }, ({ n }) => n > 1);
      w.cycle(`loop-${id}`, { feedback: [turn.out.value.to(turn.in.n)], until, maxIterations: 2 });
    }
    expect([...dependentsOf(compile(w.build()), [], ['limit'])]).to.deep.equal(['one', 'two']);
  });

  it('is a cycle whose condition looks at how another ended', () => {
    const w = workflow('watched');
    const a = w.fn('a', { n: 1 as number }, ({ n }) => n);
    const first = w.cycle('first', { feedback: [a.out.value.to(a.in.n)], maxIterations: 2 });
    const b = w.fn('b', { n: 1 as number }, ({ n }) => n);
    const until = when({ n: b.out.value, turns: first.out.iterations }, ({ n }) => n > 1);
    w.cycle('second', { feedback: [b.out.value.to(b.in.n)], until, maxIterations: 2 });
    const plan = compile(w.build());
    expect([...dependentsOf(plan, ['a'])]).to.deep.equal(['a', 'b']);
    expect([...dependentsOf(plan, ['second'])]).to.deep.equal(['b']);
  });
});
