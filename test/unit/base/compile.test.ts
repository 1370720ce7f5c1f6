import { expect } from 'chai';
import { z } from 'zod';
import { compile, compileOutside } from '../../../src/base/compile.js';
import { when } from '../../../src/base/condition.js';
import { defineNode, variadic } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import type { Plan } from '../../../src/base/plan.js';
import { collect, oneOf, referenceOf, required, template } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';

const step = defineNode({
  name: 'step',
  inputs: { value: type<number>() },
  outputs: { value: type<number>() },
  run: ({ value }) => ({ value }),
});
const pair = defineNode({
  name: 'pair',
  inputs: { value: type<number>(), other: type<unknown>() },
  outputs: { value: type<number>() },
  run: ({ value }) => ({ value }),
});

const order = (plan: Plan): string[] => plan.nodes.map(({ id }) => id);
const regions = (plan: Plan) =>
  Object.fromEntries(
    plan.regions.map(({ id, parent, depth, start, end, children, members }) => [
      id,
      { parent, depth, body: order(plan).slice(start, end), children, members },
    ]),
  );
const node = (plan: Plan, id: string) => {
  const found = plan.nodes.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`no node ${id}`);
  return found;
};

describe('compile', () => {
  it('makes one plan for one workflow, and another for another', () => {
    const make = () => {
      const w = workflow('w');
      w.fn('a', {}, () => 1);
      return w.build();
    };
    const built = make();
    expect(compile(built)).to.equal(compile(built));
    expect(compile(make())).not.to.equal(compile(built));
    expect(Object.isFrozen(compile(built))).to.equal(true);
  });

  describe('the order', () => {
    it('is topological, ties by declaration', () => {
      const w = workflow('w');
      w.node('late', pair, { other: 0 });
      w.node('b', step);
      w.add('c', step({ value: 1 }));
      w.add('a', step({ value: 1 }));
      w.connect('a.value', 'b.value').connect('c.value', 'late.value');
      const plan = compile(w.build());
      expect(order(plan)).to.deep.equal(['c', 'late', 'a', 'b']);
      expect([...plan.nodeIndex]).to.deep.equal([
        ['c', 0],
        ['late', 1],
        ['a', 2],
        ['b', 3],
      ]);
    });

    it('follows after as it follows connections', () => {
      const w = workflow('w');
      w.fn('first', {}, () => 1, { after: ['second', 'third'] });
      w.fn('second', {}, () => 1, { after: 'third' });
      w.fn('third', {}, () => 1);
      expect(order(compile(w.build()))).to.deep.equal(['third', 'second', 'first']);
    });

    it('does not depend on how the nodes are named', () => {
      const w = workflow('w');
      for (const id of ['z', 'a', 'm']) w.fn(id, {}, () => 1);
      expect(order(compile(w.build()))).to.deep.equal(['z', 'a', 'm']);
    });

    it('keeps the body of a cycle together, although others are declared between', () => {
      const w = workflow('w');
      const a = w.add('a', step({ value: 1 }));
      w.add('x', step({ value: 1 }));
      const b = w.add('b', step({ value: a.out.value }));
      w.add('y', step({ value: a.out.value }));
      const c = w.add('c', step({ value: b.out.value }));
      w.cycle('fit', { feedback: [c.out.value.to(a.in.value)], maxIterations: 2 });
      const plan = compile(w.build());
      expect(order(plan)).to.deep.equal(['a', 'b', 'c', 'x', 'y']);
      expect(regions(plan)).to.deep.equal({
        fit: { parent: -1, depth: 0, body: ['a', 'b', 'c'], children: [], members: 3 },
      });
    });
  });

  describe('cycles', () => {
    it('nest, each body inside the body around it', () => {
      const w = workflow('w');
      const a = w.add('a', step({ value: 1 }));
      const b = w.add('b', step({ value: a.out.value }));
      const c = w.add('c', step({ value: b.out.value }));
      const d = w.add('d', step({ value: c.out.value }));
      const e = w.add('e', step({ value: d.out.value }));
      w.cycle('inner', { feedback: [c.out.value.to(c.in.value)], maxIterations: 2 });
      w.cycle('outer', { feedback: [e.out.value.to(a.in.value)], maxIterations: 2 });
      w.cycle('middle', { feedback: [d.out.value.to(b.in.value)], maxIterations: 2 });
      const plan = compile(w.build());
      expect(order(plan)).to.deep.equal(['a', 'b', 'c', 'd', 'e']);
      expect(regions(plan)).to.deep.equal({
        inner: { parent: 2, depth: 2, body: ['c'], children: [], members: 1 },
        outer: { parent: -1, depth: 0, body: ['a', 'b', 'c', 'd', 'e'], children: [2], members: 3 },
        middle: { parent: 1, depth: 1, body: ['b', 'c', 'd'], children: [0], members: 3 },
      });
      expect(plan.nodes.map(({ region }) => region)).to.deep.equal([1, 2, 0, 2, 1]);
      expect(plan.topMembers).to.equal(1);
      expect(plan.feedbackSlots).to.equal(3);
    });

    it('lie side by side, one after the other', () => {
      const w = workflow('w');
      const a = w.add('a', step({ value: 1 }));
      const b = w.add('b', step({ value: a.out.value }));
      w.cycle('one', { feedback: [a.out.value.to(a.in.value)], maxIterations: 2 });
      w.cycle('two', { feedback: [b.out.value.to(b.in.value)], maxIterations: 2 });
      const plan = compile(w.build());
      expect(regions(plan)).to.deep.equal({
        one: { parent: -1, depth: 0, body: ['a'], children: [], members: 1 },
        two: { parent: -1, depth: 0, body: ['b'], children: [], members: 1 },
      });
      expect(node(plan, 'b').dependencies, 'waits for the whole cycle').to.deep.equal([~0]);
      expect(plan.regions[0]?.dependents).to.deep.equal([1]);
    });

    it('declared within widen the one around them', () => {
      const w = workflow('w');
      const a = w.add('a', step({ value: 1 }));
      const b = w.add('b', pair({ value: 1, other: a.out.value }));
      w.cycle('outer', { feedback: [a.out.value.to(a.in.value)], maxIterations: 2 });
      w.cycle('inner', { feedback: [b.out.value.to(b.in.value)], maxIterations: 2, within: 'outer' });
      expect(regions(compile(w.build()))).to.deep.equal({
        outer: { parent: -1, depth: 0, body: ['a', 'b'], children: [1], members: 2 },
        inner: { parent: 0, depth: 1, body: ['b'], children: [], members: 1 },
      });
    });

    it('keep feedback out of what a node waits for, and no longer wait for the entry from iteration 1 on', () => {
      const w = workflow('w');
      const start = w.add('start', step({ value: 1 }));
      const a = w.add('a', pair({ value: start.out.value, other: start.out.value }));
      const b = w.add('b', step({ value: a.out.value }));
      w.cycle('fit', { feedback: [b.out.value.to(a.in.value)], maxIterations: 2 });
      const plan = compile(w.build());
      expect(node(plan, 'a').dependencies).to.deep.equal([0]);
      expect(node(plan, 'a').laterDependencies).to.deep.equal([0]);
      const v = workflow('v');
      const begin = v.add('begin', step({ value: 1 }));
      const c = v.add('c', step({ value: begin.out.value }));
      v.cycle('fit', { feedback: [c.out.value.to(c.in.value)], maxIterations: 2 });
      const other = compile(v.build());
      expect(node(other, 'c').dependencies).to.deep.equal([0]);
      expect(node(other, 'c').laterDependencies).to.deep.equal([]);
      expect(
        other.regions[0]?.feedback.map(({ slot, node: fed, input, text }) => ({ slot, fed, input, text })),
      ).to.deep.equal([{ slot: 0, fed: 1, input: 0, text: 'c.value → c.value' }]);
    });

    it('keep the condition and its test', () => {
      const w = workflow('w');
      const a = w.add('a', step({ value: 1 }));
      const test = (): boolean => true;
      w.cycle('fit', {
        feedback: [a.out.value.to(a.in.value)],
        until: when({ loss: a.out.value }, test),
        maxIterations: 2,
      });
      const [region] = compile(w.build()).regions;
      expect(region?.until?.test).to.equal(test);
      const { watched } = region?.until ?? {};
      expect(watched instanceof Map ? [...watched.keys()] : []).to.deep.equal(['loss']);
    });
  });

  describe('inputs', () => {
    it('that are whole outputs are wires', () => {
      const w = workflow('w');
      const a = w.add('a', step({ value: 1 }));
      w.add('b', pair({ value: a.out.value, other: a.out.value }));
      expect(node(compile(w.build()), 'b').wires).to.deep.equal([
        { name: 'value', node: 0, port: 'value' },
        { name: 'other', node: 0, port: 'value' },
      ]);
    });

    it('that are anything else are not', () => {
      const checked = defineNode({ name: 'checked', inputs: { value: z.number() }, outputs: {}, run: () => ({}) });
      const frozen = defineNode({
        name: 'frozen',
        inputs: { value: type<number>() },
        outputs: {},
        inputMode: 'frozen',
        run: () => ({}),
      });
      const w = workflow('w', { params: { n: type<number>() } });
      const a = w.add('a', step({ value: 1 }));
      const route = w.switch('route', a.out.value, { yes: otherwise });
      const risky = w.try('risky', step({ value: 1 }));
      const loop = w.add('loop', step({ value: a.out.value }));
      w.cycle('fit', { feedback: [loop.out.value.to(loop.in.value)], maxIterations: 1 });
      w.add('parameter', step({ value: w.params.n }));
      w.add('literal', step({ value: 1 }));
      w.add('path', step({ value: a.out.value.at('toFixed' as never) as never }));
      w.add('alternative', step({ value: risky.out.value.or(1) }));
      w.add('case', step({ value: route.out.yes }));
      w.add('required', step({ value: required(risky.out.value) }));
      w.add('left', step({ value: loop.out.value }));
      w.add('checked', checked({ value: a.out.value }));
      w.add('frozen', frozen({ value: a.out.value }));
      w.add('contract', step({ value: a.out.value }));
      w.contract('contract.value', { policies: ['no-pii'] });
      w.add('plain', step({ value: a.out.value }));
      w.add('error', pair({ value: a.out.value, other: risky.error }));
      const plan = compile(w.build());
      expect(
        plan.nodes
          .filter(({ wires }) => wires !== undefined)
          .map(({ id }) => id)
          .sort(),
      ).to.deep.equal(['plain', 'route']);
      expect(
        plan.nodes
          .filter(({ checked: asks }) => asks)
          .map(({ id }) => id)
          .sort(),
      ).to.deep.equal(['checked', 'contract', 'frozen']);
    });

    it('know their connection, configuration and parameter', () => {
      const w = workflow('w', { params: { n: type<number>() } });
      const a = w.add('a', step({ value: w.params.n }));
      w.node('b', pair, { other: 5 });
      w.connect('a.value', 'b.value');
      const plan = compile(w.build());
      const facts = (id: string) =>
        node(plan, id).inputs.map(({ port, configured, config, parameter, connection, from }) => [
          port.name,
          configured,
          config,
          parameter?.name,
          connection?.kind,
          from,
        ]);
      expect(facts('a')).to.deep.equal([['value', false, undefined, 'n', undefined, '']]);
      expect(facts('b')).to.deep.equal([
        ['value', false, undefined, undefined, 'output', 'a.value'],
        ['other', true, 5, undefined, undefined, ''],
      ]);
      expect(a.id).to.equal('a');
    });

    it('with several connections are one choice: oneOf, or collect where the input is variadic', () => {
      const many = defineNode({
        name: 'many',
        inputs: { all: variadic(type<number[]>()) },
        outputs: {},
        run: () => ({}),
      });
      const w = workflow('w');
      const a = w.add('a', step({ value: 1 }));
      const b = w.add('b', step({ value: 1 }));
      const route = w.switch('route', a.out.value, { yes: () => true, no: otherwise });
      w.node('many', many);
      w.connect('a.value', 'many.all').connect('b.value', 'many.all');
      w.node('single', many);
      w.connect('a.value', 'single.all');
      w.add('gathered', many({ all: collect(a.out.value, b.out.value) }));
      w.node('either', step);
      w.connect('route.yes', 'either.value').connect('route.no', 'either.value');
      w.add('written', step({ value: oneOf(route.out.yes, route.out.no) }));
      const plan = compile(w.build());
      const choice = (id: string) => {
        const connection = node(plan, id).inputs[0]?.connection;
        return connection?.kind === 'choice'
          ? [connection.mode, connection.of.map((inner) => inner.kind)]
          : connection?.kind;
      };
      expect(choice('many')).to.deep.equal(['collect', ['output', 'output']]);
      expect(choice('single')).to.deep.equal(['collect', ['output']]);
      expect(choice('gathered')).to.deep.equal(['collect', ['output', 'output']]);
      expect(choice('either')).to.deep.equal(['oneOf', ['output', 'output']]);
      expect(choice('written')).to.deep.equal(['oneOf', ['output', 'output']]);
    });
  });

  describe('a node', () => {
    it('is asked about only where one of its sources can be dead although nothing failed', () => {
      const w = workflow('w', { params: { n: type<number>() } });
      const a = w.add('a', step({ value: w.params.n }));
      const route = w.switch('route', a.out.value, { yes: () => true, no: otherwise });
      const risky = w.try('risky', step({ value: 1 }));
      const loop = w.add('loop', step({ value: 1 }));
      w.cycle('fit', { feedback: [loop.out.value.to(loop.in.value)], maxIterations: 1 });
      w.add('plain', step({ value: a.out.value }));
      w.add('template', pair({ value: 1, other: template(`n is $${'{n}'}`, w.params) }));
      w.add('text', pair({ value: 1, other: template('as it is', w.params) }));
      w.add('case', step({ value: route.out.yes }));
      w.add('error', pair({ value: 1, other: risky.error }));
      w.add('left', step({ value: loop.out.value }));
      w.add('choice', step({ value: oneOf(route.out.yes, route.out.no) }));
      w.add('path', pair({ value: 1, other: route.join({ yes: a.out.value, no: a.out.value }).at('x' as never) }));
      const asked = compile(w.build()).nodes.filter(({ selective }) => selective);
      expect(asked.map(({ id }) => id).sort()).to.deep.equal(['case', 'choice', 'error', 'left', 'path']);
    });
  });

  describe('what is known of the whole', () => {
    it('is worked out once: roots, secrets, asynchronous nodes, limits, broadcasts', () => {
      const secret = defineNode({ name: 'secret', outputs: {}, secrets: ['A', 'B'], run: () => ({}) });
      const w = workflow('w');
      w.add('one', secret());
      w.add('two', defineNode({ name: 'other', outputs: {}, secrets: ['B', 'C'], run: () => ({}) })(), {
        after: 'one',
      });
      w.fn('later', {}, async () => 1, { timeoutMs: 5 });
      const plan = compile(w.build());
      expect(plan.roots).to.deep.equal([0, 2]);
      expect(plan.secrets).to.deep.equal(['A', 'B', 'C']);
      expect(plan.asyncNodes).to.deep.equal(['later']);
      expect([plan.limited, plan.broadcasts, plan.rechecks]).to.deep.equal([true, true, false]);
      expect([plan.hasRemote, plan.waits]).to.deep.equal([false, false]);
      expect([...plan.waiting]).to.deep.equal([0, 1, 0]);
      expect(node(plan, 'one').dependents).to.deep.equal([1]);
    });

    it('says that nodes with a source that chooses must be looked at again', () => {
      const w = workflow('w', { params: { n: type<number>() } });
      const route = w.switch('route', w.params.n, { yes: () => true, no: otherwise });
      w.add('first', step({ value: route.out.yes.or(route.out.no) }));
      w.add('joined', step({ value: route.join({ yes: route.out.yes, no: route.out.no }).at('x' as never) as never }));
      w.add('plain', step({ value: route.out.yes }));
      w.add('needed', step({ value: required(route.out.yes.or(route.out.no)) }));
      w.add(
        'either',
        step({ value: oneOf(route.out.no, route.join({ yes: route.out.yes, no: w.params.n })) as never }),
      );
      const plan = compile(w.build());
      expect(plan.nodes.filter(({ recheck }) => recheck).map(({ id }) => id)).to.deep.equal([
        'first',
        'joined',
        'needed',
        'either',
      ]);
      expect([plan.rechecks, plan.broadcasts, plan.limited]).to.deep.equal([true, false, false]);
    });
  });

  describe('outputs', () => {
    it('are read from outside every cycle', () => {
      const w = workflow('w');
      const a = w.add('a', step({ value: 1 }));
      const outer = w.cycle('outer', { feedback: [a.out.value.to(a.in.value)], maxIterations: 2 });
      const inner = w.cycle('inner', { feedback: [a.out.value.to(a.in.value)], maxIterations: 2, within: outer });
      const plan = compile(
        w.build({
          outputs: { value: a.out.value, why: inner.out.reason, text: inner.out.reason.at('length' as never) as never },
        }),
      );
      const [value, why, text] = [...plan.outputs.values()];
      expect(value?.kind === 'output' && value.leaves).to.equal(0);
      expect(why?.kind === 'cycle' && [why.region, why.leaves]).to.deep.equal([1, 0]);
      expect(text?.kind === 'path' && [text.of.kind, text.path]).to.deep.equal(['cycle', ['length']]);
    });

    it('compile a reference for whoever inspects a result', () => {
      const w = workflow('w');
      const a = w.add('a', step({ value: 1 }));
      w.cycle('fit', { feedback: [a.out.value.to(a.in.value)], maxIterations: 2 });
      const plan = compile(w.build());
      const source = referenceOf(a.out.value)?.source;
      if (source === undefined) throw new Error('no reference');
      const compiled = compileOutside(plan, source);
      expect(compiled.kind === 'output' && [compiled.node, compiled.leaves]).to.deep.equal([0, 0]);
    });
  });
});
