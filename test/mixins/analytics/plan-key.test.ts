import { expect } from 'chai';
import { when } from '../../../src/base/condition.js';
import { tolerance } from '../../../src/base/convergence.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { collect, oneOf, required } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import type { WorkflowData } from '../../../src/base/workflow-data.js';
import { planKey } from '../../../src/mixins/analytics/plan-key.js';
import { nodeHash } from '../../../src/runtimes/node-ports.js';

/** Everything about a workflow that can be varied here. */
interface Variant {
  readonly name: string;
  readonly node: string;
  readonly literal: number;
  readonly attempts: number;
  readonly timeoutMs: number;
  readonly id: string;
  readonly join: 'required' | 'all';
  readonly after: boolean;
  readonly path: 'a' | 'b';
  readonly parameter: 'p' | 'q';
  readonly more: boolean;
  readonly cases: 'few' | 'rare';
  readonly limit: number;
  readonly choose: 'oneOf' | 'or';
  readonly collected: boolean;
  readonly feed: 'x' | 'y';
  readonly maxIterations: number;
  readonly until: 'tolerance' | 'when' | 'none';
  readonly epsilon: number;
  readonly watches: 'x' | 'y';
  readonly kind: 'map' | 'sub';
  readonly inner: 'i' | 'j';
  readonly innerLiteral: number;
  readonly onItemError: 'fail' | 'collect';
  readonly output: 'o' | 'z';
  readonly tries: boolean;
}

const BASE: Variant = {
  name: 'w',
  node: 'work',
  literal: 1,
  attempts: 1,
  timeoutMs: 10,
  id: 'first',
  join: 'required',
  after: false,
  path: 'a',
  parameter: 'p',
  more: false,
  cases: 'few',
  limit: 3,
  choose: 'oneOf',
  collected: false,
  feed: 'x',
  maxIterations: 4,
  until: 'tolerance',
  epsilon: 0.1,
  watches: 'x',
  kind: 'map',
  inner: 'i',
  innerLiteral: 1,
  onItemError: 'fail',
  output: 'o',
  tries: false,
};

function built(changes: Partial<Variant> = {}): WorkflowData {
  const v = { ...BASE, ...changes };
  const work = defineNode({
    name: v.node,
    version: '1',
    inputs: { n: type<unknown>(), m: type<unknown>() },
    outputs: { x: type<{ readonly a: number; readonly b: number }>(), y: type<number>() },
    run: () => ({ x: { a: 1, b: 2 }, y: 3 }),
  });
  const params = { p: type<number>(), q: type<number>(), ...(v.more ? { r: type<number>() } : {}) };
  const w = workflow(v.name, { params });
  const first = w.add(v.id, work({ n: v.literal, m: w.params[v.parameter] }), {
    retry: { attempts: v.attempts },
    timeoutMs: v.timeoutMs,
  });
  const next = w.add('next', work({ n: first.out.x.at(v.path), m: collect(first.out.x, first.out.y) }), {
    join: v.join,
  });
  const few = w.switch('route', first.out.y, { many: (n) => n > v.limit, few: otherwise });
  const rare =
    v.cases === 'few' ? undefined : w.switch('again', first.out.y, { many: (n) => n > v.limit, rare: otherwise });
  const route = rare === undefined ? few : { out: { many: few.out.many, few: rare.out.rare } };
  const left = w.fn('left', { n: route.out.many }, () => 1);
  const right = w.fn('right', { n: next.out.y }, () => 1, { after: v.after ? ['left'] : [] });
  const chosen = v.choose === 'oneOf' ? oneOf(left.out.value, route.out.few) : left.out.value.or(right.out.value);
  w.fn(
    'choice',
    { n: v.collected ? collect(left.out.value, right.out.value) : chosen, m: required(left.out.value) },
    () => 1,
  );
  const turn = w.add('turn', work({ n: first.out.y, m: 0 }));
  const watched = v.watches === 'x' ? turn.out.x.at('a') : turn.out.y;
  const until = v.until === 'tolerance' ? tolerance(watched, v.epsilon) : when(watched, () => true);
  w.cycle('loop', {
    feedback: [turn.out[v.feed].to(turn.in.n)],
    maxIterations: v.maxIterations,
    ...(v.until === 'none' ? {} : { until }),
  });
  const inner = workflow('inner', { params: { n: type<unknown>() } });
  inner.add(v.inner, work({ n: inner.params.n, m: v.innerLiteral }));
  const child = inner.build();
  const list = w.fn('list', {}, () => [1]);
  if (v.kind === 'map') w.map('each', list.out.value, (n) => child({ n }), { onItemError: v.onItemError });
  else w.add('each', child({ n: list.out.value }));
  const last = w.fn('last', { n: 1 }, () => 1);
  if (v.tries) w.try('tried', work({ n: 1, m: 1 }));
  else w.add('tried', work({ n: 1, m: 1 }));
  return w.build({ outputs: { [v.output]: last.out.value } }).data;
}

const key = (data: WorkflowData): string => planKey(data, nodeHash);

describe('planKey', () => {
  const base = key(built());

  const same: Partial<Variant> = {
    name: 'v',
    node: 'toil',
    literal: 2,
    attempts: 3,
    timeoutMs: 20,
    limit: 4,
    maxIterations: 9,
    epsilon: 0.2,
    innerLiteral: 2,
    onItemError: 'collect',
  };
  for (const [what, value] of Object.entries(same))
    it(`is the same whatever ${what} is`, () => {
      expect(key(built({ [what]: value }))).to.equal(base);
    });

  const other: Partial<Variant> = {
    id: 'start',
    join: 'all',
    after: true,
    path: 'b',
    parameter: 'q',
    more: true,
    cases: 'rare',
    choose: 'or',
    collected: true,
    feed: 'y',
    until: 'when',
    watches: 'y',
    kind: 'sub',
    inner: 'j',
    output: 'z',
    tries: true,
  };
  for (const [what, value] of Object.entries(other))
    it(`is another one where ${what} is`, () => {
      expect(key(built({ [what]: value }))).to.not.equal(base);
    });

  it('tells a cycle without a condition from one with, and one inside another from one beside it', () => {
    expect(key(built({ until: 'none' }))).to.not.equal(base);
    expect(key(built({ until: 'none', watches: 'y' }))).to.equal(key(built({ until: 'none' })));
    const data = built();
    const within = { ...data, cycles: data.cycles.map((cycle) => ({ ...cycle, within: 'loop' })) };
    expect(key(within)).to.not.equal(base);
  });

  it('does not depend on the order of connections into different inputs, of parameters and of outputs', () => {
    const data = built();
    const turned = {
      ...data,
      connections: data.connections.toReversed(),
      parameters: data.parameters.toReversed(),
      outputs: data.outputs,
    };
    expect(key(turned)).to.equal(base);
    for (let by = 1; by < data.connections.length; by++) {
      const connections = [...data.connections.slice(by), ...data.connections.slice(0, by)];
      const bySource = connections.toSorted((a, b) => (JSON.stringify(a.from) < JSON.stringify(b.from) ? -1 : 1));
      expect(key({ ...data, connections })).to.equal(base);
      expect(key({ ...data, connections: bySource })).to.equal(base);
    }
    for (let by = 1; by < 3; by++) {
      const three = ['p', 'q', 'r'].map((name) => ({ name, optional: false }));
      const parameters = [...three.slice(by), ...three.slice(0, by)];
      expect(key({ ...data, parameters })).to.equal(key({ ...data, parameters: three }));
    }
    const optional = { ...data, parameters: data.parameters.map((each) => ({ ...each, optional: !each.optional })) };
    expect(key(optional)).to.not.equal(base);
  });

  it('depends on the order of nodes, in which they start, and of sources of one input', () => {
    const data = built();
    expect(key({ ...data, nodes: data.nodes.toReversed() })).to.not.equal(base);
    const edge = (node: string) => ({
      from: { kind: 'output' as const, node, port: 'x', path: [] },
      to: { node: 'n', port: 'in' },
    });
    const of = (...nodes: readonly string[]) => ({ ...data, connections: nodes.map(edge) });
    expect(key(of('a', 'b'))).to.not.equal(key(of('b', 'a')));
  });

  it('sees the ports of a connection and of a switch, and of a template the parameters only', () => {
    const data = built();
    const from = (source: object) => ({
      ...data,
      connections: [{ from: source as never, to: { node: 'n', port: 'in' } }],
    });
    const [x, y] = ['x', 'y'].map((name) => `$\{${name}}`) as [string, string];
    const template = (value: unknown) => key(from({ kind: 'template', value }));
    expect(template(`a ${x} b`)).to.equal(template(`c ${x}`));
    expect(template(x)).to.not.equal(template(y));
    const literal = (value: unknown) => key(from({ kind: 'literal', value }));
    expect(literal(1)).to.equal(literal({ deep: true }));
    expect(literal(1)).to.not.equal(template(x));
    const output = (port: string) => key(from({ kind: 'output', node: 'first', port, path: [] }));
    expect(output('x')).to.not.equal(output('y'));
    const parameter = (path: readonly string[]) => key(from({ kind: 'parameter', name: 'p', path }));
    expect(parameter(['a'])).to.not.equal(parameter([]));
    const path = (last: string) => key(from({ kind: 'path', of: { kind: 'literal', value: 1 }, path: [last] }));
    expect(path('a')).to.not.equal(path('b'));
    const need = { kind: 'required', of: { kind: 'output', node: 'first', port: 'x', path: [] } };
    expect(key(from(need))).to.not.equal(output('x'));
    const join = (owner: string, port: string) =>
      key(from({ kind: 'join', owner, cases: { one: { kind: 'output', node: 'first', port, path: [] } } }));
    expect(new Set([join('route', 'x'), join('other', 'x'), join('route', 'y')])).to.have.property('size', 3);
    const mode = {
      ...data,
      nodes: data.nodes.map((n) => (n.switch ? { ...n, switch: { ...n.switch, mode: 'all' as const } } : n)),
    };
    expect(key(mode)).to.not.equal(base);
  });

  it('sees what a condition combines and looks at, not how much is enough', () => {
    const data = built();
    const until = (condition: object) => ({
      ...data,
      cycles: data.cycles.map((cycle) => ({ ...cycle, until: condition as never })),
    });
    const x = { kind: 'output', node: 'turn', port: 'x', path: [] };
    const budget = (iterations: number) => ({ kind: 'budget', iterations });
    expect(key(until(budget(1)))).to.equal(key(until(budget(2))));
    const all = (...parts: readonly object[]) => ({ kind: 'allOf', parts });
    expect(key(until(all(budget(1))))).to.not.equal(key(until(all(budget(1), budget(1)))));
    expect(key(until(all(budget(1))))).to.not.equal(key(until({ kind: 'anyOf', parts: [budget(1)] })));
    const named = (name: string, of: object) => ({ kind: 'cel', text: 'whatever', named: { [name]: of } });
    expect(key(until(named('x', x)))).to.equal(key(until({ ...named('x', x), text: 'other' })));
    expect(key(until(named('x', x)))).to.not.equal(key(until(named('y', x))));
    expect(key(until(named('x', x)))).to.not.equal(key(until(named('x', { ...x, port: 'y' }))));
  });
});
