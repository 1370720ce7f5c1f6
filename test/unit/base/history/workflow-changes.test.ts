import { expect } from 'chai';
import { compile } from '../../../../src/base/compile.js';
import { when } from '../../../../src/base/condition.js';
import { nodesToRunAgain } from '../../../../src/base/history/dirty-nodes.js';
import { hollowWorkflow } from '../../../../src/base/history/hollow-workflow.js';
import { pruneHistory } from '../../../../src/base/history/pruned-history.js';
import { changesBetween, type WorkflowChanges } from '../../../../src/base/history/workflow-changes.js';
import { describeWorkflow, type WorkflowDescription } from '../../../../src/base/history/workflow-description.js';
import { defineNode, variadic } from '../../../../src/base/node.js';
import type { UseOptions } from '../../../../src/base/node-options.js';
import { otherwise } from '../../../../src/base/nodes/switch.js';
import { type } from '../../../../src/base/schema.js';
import type { ContractPolicy, Workflow } from '../../../../src/base/workflow.js';
import { workflow } from '../../../../src/base/workflow-builder.js';
import { go, SHAPES } from '../../../support/continuing.js';
import { hash, replayed } from '../../../support/replayed.js';

/** What a variation of the sample says otherwise. */
interface Variation {
  readonly name?: string;
  readonly version?: string;
  readonly limit?: unknown;
  readonly swapped?: boolean;
  readonly joined?: UseOptions;
  readonly small?: number;
  readonly inner?: string;
  readonly deep?: string;
  readonly innerOutput?: string;
  readonly innerTurns?: number;
  readonly innerOrder?: boolean;
  readonly atOnce?: number;
  readonly gateMs?: number;
  readonly policies?: readonly ContractPolicy[];
  readonly turns?: number;
  readonly until?: (n: unknown) => boolean;
  readonly back?: boolean;
  readonly optional?: boolean;
  readonly more?: boolean;
  readonly output?: boolean;
  readonly order?: boolean;
  readonly loop?: boolean;
}

function plain(name: string, version = '1') {
  return defineNode({
    name,
    version,
    inputs: { n: type<unknown>(), limit: type<unknown>() },
    outputs: { n: type<unknown>() },
    run: ({ n }) => ({ n: version === '1' ? n : [version, n] }),
  });
}

const optional = { '~standard': { version: 1 as const, vendor: 'test', validate: (value: unknown) => ({ value }) } };

function deepest({ deep }: Variation) {
  const w = workflow('deepest', { params: { n: type<unknown>() } });
  const leaf = w.add('leaf', plain('leaf', deep)({ n: w.params.n, limit: 0 }));
  return w.build({ outputs: { n: leaf.out.n } });
}

function inside(variation: Variation) {
  const { inner, innerOutput = 'n', innerTurns = 2, innerOrder = false } = variation;
  const w = workflow('inside', { params: { n: type<unknown>() } });
  const extra = () => w.add('extra', plain('extra')({ n: 1, limit: 1 }));
  if (innerOrder) extra();
  const clean = w.add('clean', plain('clean', inner)({ n: w.params.n, limit: 1 }));
  if (!innerOrder) extra();
  const turn = w.add('turn', plain('turn')({ n: clean.out.n, limit: 1 }));
  w.cycle('spin', { feedback: [turn.out.n.to(turn.in.n)], maxIterations: innerTurns });
  w.add('sub', deepest(variation)({ n: clean.out.n }));
  return w.build({ outputs: { [innerOutput]: clean.out.n } }) as never;
}

function sample(variation: Variation = {}): Workflow {
  const {
    name = 'sample',
    version,
    limit = 3,
    swapped,
    joined = {},
    small = 1,
    atOnce,
    gateMs,
    policies,
    turns = 2,
  } = variation;
  const { until = () => false, back, more, output, order, loop = true } = variation;
  const params = { p: variation.optional ? optional : type<unknown>(), ...(more ? { q: optional } : {}) };
  const w = workflow(name, { params });
  const x = w.add('x', plain('x', version)({ n: w.params.p, limit }));
  const y = w.add('y', plain('y')({ n: x.out.n, limit: swapped ? x.out.n : w.params.p }), joined as object);
  if (policies !== undefined) w.contract('y.n', { policies });
  const late = () => w.add('late', plain('late')({ n: 1, limit: 1 }));
  if (order) late();
  const way = w.switch('way', y.out.n, {
    big: (n: unknown) => n === 5,
    small: { op: '==', value: small },
    rest: otherwise,
  });
  w.add('left', plain('left')({ n: way.out.big, limit: 1 }));
  w.map(
    'all',
    w.params.p as never,
    (item) => (inside(variation) as (inputs: object) => never)({ n: item }),
    atOnce === undefined ? {} : { maxConcurrency: atOnce },
  );
  w.gate('ok', gateMs === undefined ? {} : { timeoutMs: gateMs });
  const turn = w.add('turn', plain('turn')({ n: x.out.n, limit: x.out.n }));
  const end = w.add('end', plain('end')({ n: turn.out.n, limit: 1 }));
  if (loop)
    w.cycle('loop', {
      feedback: [turn.out.n.to(back ? turn.in.limit : turn.in.n)],
      until: when(turn.out.n, until),
      maxIterations: turns,
    });
  if (!order) late();
  if (more) w.add('new', plain('new')({ n: 1, limit: 2 }));
  return w.build({ outputs: output ? { end: end.out.n } : {} }) as Workflow;
}

function description(built: Workflow): WorkflowDescription {
  return JSON.parse(JSON.stringify(describeWorkflow(built, hash))) as WorkflowDescription;
}

const NOTHING: WorkflowChanges = { nodes: [], cycles: [], parameters: [], outputs: false, name: false, order: false };

function changed(id: string, ...what: string[]) {
  return { id, change: 'changed' as const, what };
}

const expected: Readonly<Record<string, readonly [Variation, Partial<WorkflowChanges>]>> = {
  'the version of a node': [{ version: '2' }, { nodes: [changed('x', 'its function')] }],
  'a literal': [{ limit: 4 }, { nodes: [changed('x', 'input limit')] }],
  'a literal inside a literal': [{ limit: { a: [1] } }, { nodes: [changed('x', 'input limit')] }],
  'where an input comes from': [{ swapped: true }, { nodes: [changed('y', 'input limit')] }],
  'how a node joins': [{ joined: { join: 'all' } }, { nodes: [changed('y', 'its join')] }],
  'what a node waits for': [{ joined: { after: 'x' } }, { nodes: [changed('y', 'what it waits for')] }],
  'how often a node is tried': [{ joined: { retry: { attempts: 2 } } }, { nodes: [changed('y', 'its retry')] }],
  'what is retried': [{ joined: { retry: { attempts: 1, retryOn: ['A'] } } }, { nodes: [changed('y', 'its retry')] }],
  'a time limit': [{ joined: { timeoutMs: 5 } }, { nodes: [changed('y', 'its time limits')] }],
  'a contract': [{ policies: ['no-pii'] }, { nodes: [changed('y', 'the contracts of n')] }],
  'a case of a switch': [{ small: 2 }, { nodes: [changed('way', 'its cases')] }],
  'how a map goes over its list': [{ atOnce: 2 }, { nodes: [changed('all', 'how it goes over its list')] }],
  'what a gate waits for': [{ gateMs: 5 }, { nodes: [changed('ok', 'its time limit')] }],
  'a node of a child': [{ inner: '2' }, { nodes: [changed('all', 'its child inside/clean')] }],
  'a node of a child of a child': [{ deep: '2' }, { nodes: [changed('all', 'its child inside/sub/leaf')] }],
  'a cycle of a child': [{ innerTurns: 3 }, { nodes: [changed('all', 'its child inside')] }],
  'the outputs of a child': [
    { innerOutput: 'm' },
    { nodes: [changed('all', 'its child inside', 'the outputs of its child')] },
  ],
  'the order of a child': [{ innerOrder: true }, { nodes: [changed('all', 'its child inside')] }],
  'the limits of a cycle': [{ turns: 3 }, { cycles: [changed('loop', 'its limits')] }],
  'the condition of a cycle': [{ until: (n) => n === 1 }, { cycles: [changed('loop', 'its condition')] }],
  'the feedback of a cycle': [{ back: true }, { cycles: [changed('loop', 'its feedback')] }],
  'a cycle that is gone': [{ loop: false }, { cycles: [{ id: 'loop', change: 'removed', what: [] }] }],
  'a parameter': [{ optional: true }, { parameters: [changed('p', 'whether it is optional')] }],
  'a node and a parameter that were added': [
    { more: true },
    {
      nodes: [{ id: 'new', change: 'added', what: [] }],
      parameters: [{ id: 'q', change: 'added', what: [] }],
    },
  ],
  'the outputs': [{ output: true }, { outputs: true }],
  'the name': [{ name: 'other' }, { name: true }],
  'the order of the nodes': [{ order: true }, { order: true }],
  'several things of one node': [
    { version: '2', limit: 4, joined: { join: 'all', timeoutMs: 5, totalTimeoutMs: 6 } },
    { nodes: [changed('x', 'its function', 'input limit'), changed('y', 'its join', 'its time limits')] },
  ],
};

describe('The changes between two workflows', () => {
  const recorded = description(sample());

  for (const [what, [variation, changes]] of Object.entries(expected)) {
    it(`name ${what}`, () => {
      expect(changesBetween(recorded, description(sample(variation)))).to.deep.equal({ ...NOTHING, ...changes });
    });
  }

  it('name what was removed', () => {
    const { nodes, parameters } = changesBetween(description(sample({ more: true })), recorded);
    expect(nodes).to.deep.equal([{ id: 'new', change: 'removed', what: [] }]);
    expect(parameters).to.deep.equal([{ id: 'q', change: 'removed', what: [] }]);
  });

  it('are none for the same workflow, and for capabilities that only say when a node is called', () => {
    expect(changesBetween(recorded, description(sample()))).to.deep.equal(NOTHING);
    const governed = sample({ joined: { limit: { maxConcurrency: 1 }, metrics: false } });
    expect(changesBetween(recorded, description(governed))).to.deep.equal(NOTHING);
  });

  it('do not depend on how many paths with a schema were read before', () => {
    const build = (before: number) => {
      const w = workflow('paths');
      const a = w.fn('a', {}, () => ({ b: 1, c: 2 }));
      for (let left = before; left > 0; left--)
        w.fn(`new${left}`, { b: a.out.value.path('c', type<number>()) }, () => 1);
      const b = w.fn('b', { b: a.out.value.path('b', type<number>()) }, ({ b: n }) => n);
      w.cycle('loop', {
        feedback: [b.out.value.to(b.in.b)],
        until: when(b.out.value.path('z', type<number>()), () => true),
        maxIterations: 1,
      });
      return description(w.build({ outputs: { c: a.out.value.path('c', type<number>()) } }) as Workflow);
    };
    expect(changesBetween(build(0), build(1))).to.deep.equal({
      ...NOTHING,
      nodes: [{ id: 'new1', change: 'added', what: [] }],
    });
  });

  it('name an input into which connections lead in another order', () => {
    const gather = defineNode({
      name: 'gather',
      version: '1',
      inputs: { list: variadic(type<unknown[]>()), n: type<unknown>() },
      outputs: {},
      run: () => ({}),
    });
    const build = (...order: readonly string[]) => {
      const w = workflow('order');
      for (const id of ['a', 'b']) w.fn(id, {}, () => 1);
      w.node('all', gather, {}, { join: 'any' });
      for (const edge of order) w.connect(...(edge.split(' ') as [string, string]));
      return description(w.build() as Workflow);
    };
    const [a, b, n] = ['a.value all.list', 'b.value all.list', 'a.value all.n'];
    const change = { ...NOTHING, nodes: [changed('all', 'input list')] };
    expect(changesBetween(build(a, b, n), build(b, a, n))).to.deep.equal(change);
    expect(changesBetween(build(a, b, n), build(n, a, b))).to.deep.equal(NOTHING);
  });

  it('name a literal that JSON cannot hold, also one of a child', () => {
    const build = (at: number) => {
      const inner = workflow('inner');
      inner.fn('b', { at: new Date(at), list: new Map([[1, at]]) }, () => 1);
      const w = workflow('dated');
      w.fn('a', { at: new Date(at), same: new Date(0) }, () => 1);
      w.add('sub', inner.build()());
      return describeWorkflow(w.build(), hash);
    };
    expect(changesBetween(build(1), build(1))).to.deep.equal(NOTHING);
    expect(changesBetween(build(1), build(2))).to.deep.equal({
      ...NOTHING,
      nodes: [changed('a', 'input at'), changed('sub', 'its child b')],
    });
  });

  it('say of a node that became something else what it was', () => {
    const one = (kind: 'fn' | 'sub') => {
      const w = workflow('w');
      if (kind === 'fn') w.fn('a', { n: 1 }, () => 1);
      else w.add('a', deepest({})({ n: 1 }) as never);
      return description(w.build() as Workflow);
    };
    const [change] = changesBetween(one('fn'), one('sub')).nodes;
    expect(change?.what).to.include.members(['its kind', 'its function', 'its child']);
  });
});

/** What a workflow that changed runs again, and what it comes to. */
interface Continued {
  readonly before: Variation;
  readonly after: Variation;
  readonly again: readonly string[];
}

const continuations: Readonly<Record<string, Continued>> = {
  'a node that changed': { before: {}, after: { version: '2' }, again: ['x', 'y', 'way', 'turn', 'turn', 'end'] },
  'a node and a parameter that were added': { before: {}, after: { more: true }, again: ['new'] },
  'nothing for a node that is gone': { before: { more: true }, after: {}, again: [] },
  'a cycle that changed': { before: {}, after: { turns: 3 }, again: ['turn', 'turn', 'turn', 'end'] },
  'what stood in a cycle that is gone': { before: {}, after: { loop: false }, again: ['turn', 'end'] },
  'what stands in a cycle that is new': { before: { loop: false }, after: {}, again: ['turn', 'turn', 'end'] },
  'nothing for another order': { before: {}, after: { order: true }, again: [] },
  'a map whose child changed': {
    before: {},
    after: { deep: '2' },
    again: [
      'all',
      ...[0, 1].flatMap((n) =>
        ['', '/clean', '/extra', '/turn', '/turn', '/sub', '/sub/leaf'].map((id) => `all[${n}]/inside${id}`),
      ),
    ],
  },
};

describe('What runs again in a workflow that changed', () => {
  for (const shape of SHAPES) {
    for (const [what, { before, after, again }] of Object.entries(continuations)) {
      it(`is ${what}, in ${shape}`, async () => {
        const [old, current] = [sample({ output: true, ...before }), sample({ output: true, ...after })];
        const how = { params: { p: [5, 6] }, answers: { ok: 1 } };
        const original = await go(shape, old, how);
        const recorded = description(old);
        const changes = changesBetween(recorded, description(current));
        const dirty = nodesToRunAgain(changes, compile(hollowWorkflow(recorded)), compile(current));
        const history = pruneHistory(compile(current), original.events, dirty);
        replayed(current, history);
        const next = await go(shape, current, { ...how, history });
        expect([...next.started].sort()).to.deep.equal([...again].sort());
        const fresh = await go(shape, current, how);
        expect(next.run.output).to.deep.equal(fresh.run.output);
        expect([...next.run.results].sort()).to.deep.equal([...fresh.run.results].sort());
      });
    }
  }
});
