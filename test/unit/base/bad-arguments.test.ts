import { inspect } from 'node:util';
import { expect } from 'chai';
import { z } from 'zod';
import { when } from '../../../src/base/condition.js';
import { ConfigurationError } from '../../../src/base/errors.js';
import { defineNode, variadic } from '../../../src/base/node.js';
import { merge } from '../../../src/base/nodes/merge.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { collect, oneOf, type Ref, required } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { fromYaml, toJSON } from '../../../src/forms/index.js';
import { hashOf } from '../../../src/runtimes/hash-of.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { assertParity } from '../../../src/testing/index.js';
import { caught, refusal, rejection } from '../../support/caught.js';

const step = defineNode({
  name: 'step',
  inputs: { value: type<number>(), by: z.number().default(1) },
  outputs: { value: type<number>() },
  run: ({ value, by }) => ({ value: value + by }),
});

/** What has no text: it throws when it is put into a template. */
const TEXTLESS: readonly unknown[] = [Symbol('s'), Object.create(null)];
const NO_OBJECTS: readonly unknown[] = [null, 5, 'rows', true, [], ...TEXTLESS.slice(0, 1)];

const NO_PARTS: readonly unknown[] = [undefined, null, 5, {}, ...TEXTLESS];

/** A builder with a node, and its handles: any method can be called with anything, as in plain JavaScript. */
function loose() {
  const w = workflow('etl', { params: { path: type<string>() } });
  const a = w.add('a', step({ value: 1 }));
  // biome-ignore lint/suspicious/noExplicitAny: stands for a caller without types
  return { w: w as any, a: a as any, built: w };
}

const codeOf = (call: () => unknown): string => caught(call).code;

describe('a call with arguments of the wrong kind', () => {
  it('gates(), approve(), reject(), resume(), node(), children() and cycle(): runs, gates and parts', () => {
    const w = workflow('waits');
    w.gate('ok');
    const flow = w.build();
    using runtime = new LocalRuntime();
    const run = runtime.execute(flow, {}, { runId: 'r' });
    for (const part of NO_PARTS) {
      expect(codeOf(() => runtime.gates(part as never))).to.equal('RUN_UNKNOWN');
      expect(codeOf(() => runtime.resume(flow, part as never))).to.equal('RUN_UNKNOWN');
      expect(codeOf(() => runtime.approve('r', part as never))).to.equal('GATE_NOT_OPEN');
      expect(codeOf(() => runtime.reject('r', part as never))).to.equal('GATE_NOT_OPEN');
      for (const of of ['node', 'children', 'cycle'] as const)
        expect(codeOf(() => run[of](part as never))).to.equal('UNKNOWN_NODE');
    }
  });

  it('workflow(): names, configurations and parameters', () => {
    for (const name of [undefined, null, 5, ...TEXTLESS])
      expect(codeOf(() => workflow(name as never))).to.equal('INVALID_NAME');
    for (const config of NO_OBJECTS) expect(codeOf(() => workflow('w', config as never))).to.equal('INVALID_OPTION');
    for (const params of NO_OBJECTS)
      expect(refusal(() => workflow('w', { params: params as never }))).to.deep.equal({
        code: 'INVALID_DEFINITION',
        at: 'workflow "w"',
        message: 'The params of workflow "w" are not an object of schemas. Correct the named field.',
      });
  });

  it('defineNode(): inputs, outputs, async and variadic', () => {
    const base = { name: 'n', outputs: {}, run: () => ({}) };
    for (const inputs of NO_OBJECTS)
      expect(refusal(() => defineNode({ ...base, inputs } as never))).to.deep.equal({
        code: 'INVALID_DEFINITION',
        at: 'n',
        message: 'The inputs of node "n" are not an object of schemas. Correct the named field.',
      });
    for (const outputs of NO_OBJECTS)
      expect(codeOf(() => defineNode({ ...base, outputs } as never))).to.equal('INVALID_DEFINITION');
    for (const name of [undefined, ...TEXTLESS])
      expect(codeOf(() => defineNode({ ...base, name } as never))).to.equal('INVALID_NAME');
    expect(refusal(() => defineNode({ ...base, async: 'yes' } as never)).message).to.equal(
      'The async of node "n" must be true or false. Correct the named field.',
    );
    for (const schema of [undefined, null, 5, {}])
      expect(refusal(() => variadic(schema as never))).to.deep.equal({
        code: 'INVALID_DEFINITION',
        at: 'variadic',
        message: 'variadic() takes a Standard Schema. Correct the named field.',
      });
  });

  it('a definition: what is no object of inputs, a reference alone included', () => {
    const { a } = loose();
    for (const inputs of [...NO_OBJECTS, a.out.value])
      expect(refusal(() => step(inputs as never))).to.deep.equal({
        code: 'INVALID_DEFINITION',
        at: 'step',
        message: 'Node "step" takes its inputs as an object of references and literals. Correct the named field.',
      });
  });

  for (const method of ['add', 'try'] as const) {
    it(`${method}(): what is no called definition`, () => {
      const { w, a } = loose();
      const wrong = [
        undefined,
        step,
        a,
        {},
        { implementation: 5, inputs: {} },
        { ...step({ value: 1 }), inputs: null },
      ];
      for (const bound of [...wrong, ...NO_OBJECTS])
        expect(refusal(() => w[method]('x', bound))).to.deep.equal({
          code: 'INVALID_DEFINITION',
          at: 'x',
          message: `${method}("x") takes a called definition, such as clean({ rows }), not the definition itself. Correct the named field.`,
        });
      for (const options of NO_OBJECTS)
        expect(codeOf(() => w[method]('x', step({ value: 1 }), options))).to.equal('INVALID_OPTION');
      for (const id of [undefined, null, 5, ...TEXTLESS])
        expect(codeOf(() => w[method](id, step({ value: 1 })))).to.equal('INVALID_NAME');
    });
  }

  it('fn(): inputs, function and options', () => {
    const { w, a } = loose();
    for (const inputs of [undefined, a.out.value, ...NO_OBJECTS])
      expect(refusal(() => w.fn('x', inputs, () => 1))).to.deep.equal({
        code: 'INVALID_DEFINITION',
        at: 'x',
        message: 'fn("x") takes its inputs as an object, by name. Correct the named field.',
      });
    for (const run of [undefined, ...NO_OBJECTS])
      expect(codeOf(() => w.fn('x', {}, run))).to.equal('INVALID_DEFINITION');
    for (const options of NO_OBJECTS) expect(codeOf(() => w.fn('x', {}, () => 1, options))).to.equal('INVALID_OPTION');
    for (const id of [undefined, ...TEXTLESS]) expect(codeOf(() => w.fn(id, {}, 5))).to.equal('INVALID_NAME');
  });

  it('node(): definition, configuration and options', () => {
    const { w, a } = loose();
    for (const definition of [undefined, () => 1, step({ value: 1 }), a, ...NO_OBJECTS])
      expect(refusal(() => w.node('x', definition))).to.deep.equal({
        code: 'INVALID_DEFINITION',
        at: 'x',
        message: 'node("x") takes a definition made by defineNode(). Correct the named field.',
      });
    for (const config of [a.out.value, ...NO_OBJECTS])
      expect(codeOf(() => w.node('x', step, config))).to.equal('INVALID_DEFINITION');
    for (const options of NO_OBJECTS) expect(codeOf(() => w.node('x', step, {}, options))).to.equal('INVALID_OPTION');
  });

  it('connect(): ends that are no text', () => {
    const { w } = loose();
    for (const end of [undefined, ...NO_OBJECTS, ...TEXTLESS]) {
      if (typeof end === 'string') continue;
      expect(refusal(() => w.connect(end, 'a.value'))).to.deep.equal({
        code: 'UNKNOWN_PORT',
        at: 'connect',
        message: 'The source of the connection does not name a node and a port. Correct the port name.',
      });
      expect(refusal(() => w.connect('a.value', end)).message).to.equal(
        'The target of the connection does not name a node and an input. Correct the port name.',
      );
      expect(caught(() => w.connect(end, 'a.value')).value).to.equal(end);
    }
  });

  it('contract(): inputs that are none, or of another workflow', () => {
    const { w, a } = loose();
    const rules = { policies: ['no-pii'] };
    for (const input of [undefined, a.out.value, { node: 'a', port: 'value' }, ...NO_OBJECTS])
      expect(codeOf(() => w.contract(input, rules))).to.equal('UNKNOWN_PORT');
    expect(refusal(() => w.contract(loose().a.in.value, rules))).to.deep.equal({
      code: 'FOREIGN_REF',
      at: 'contract',
      message: 'The contract of "a.value" is for another workflow. Use references of the workflow you are building.',
    });
    expect(() => w.contract(a.in.value, rules)).not.to.throw();
  });

  it('contract(): policies without a text', () => {
    const { w, a } = loose();
    for (const policy of TEXTLESS)
      expect(codeOf(() => w.contract(a.in.value, { policies: [policy] }))).to.equal('INVALID_DEFINITION');
  });

  it('switch() and partition(): cases, options and operators', () => {
    const { w, a } = loose();
    const says = 'Switch "x" takes its cases as an object. Correct the named case.';
    for (const cases of NO_OBJECTS) {
      expect(refusal(() => w.switch('x', a.out.value, cases))).to.deep.equal({
        code: 'INVALID_SWITCH',
        at: 'x',
        message: says,
      });
      expect(refusal(() => w.partition('x', a.out.value, cases)).message).to.equal(says);
    }
    expect(refusal(() => w.partition('x', a.out.value)).message).to.equal(says);
    const cases = { all: otherwise };
    for (const options of NO_OBJECTS) {
      expect(codeOf(() => w.switch('x', a.out.value, cases, options))).to.equal('INVALID_OPTION');
      expect(codeOf(() => w.partition('x', a.out.value, cases, options))).to.equal('INVALID_OPTION');
    }
    expect(refusal(() => w.switch('x', a.out.value, cases, { mod: 'all' })).message).to.equal(
      'node "x" has no option "mod". Did you mean "mode"? Correct its name or remove it.',
    );
    for (const op of [undefined, null, 5, ...TEXTLESS])
      expect(codeOf(() => w.switch('x', a.out.value, { big: { op, value: 1 } }))).to.equal('UNKNOWN_OPERATOR');
    for (const mode of [null, 5, ...TEXTLESS])
      expect(codeOf(() => w.switch('x', a.out.value, cases, { mode }))).to.equal('INVALID_SWITCH');
    expect(refusal(() => w.switch('x', a.out.value, { big: { op: '>', value: 1, path: 5 } }))).to.deep.equal({
      code: 'INVALID_SWITCH',
      at: 'x.big',
      message: 'The path of x.big is not a text. Correct the named case.',
    });
  });

  it('join(): what is no object of sources', () => {
    const { w, a } = loose();
    const route = w.switch('route', a.out.value, { all: otherwise });
    const score = w.try('score', step({ value: 1 }));
    for (const cases of [undefined, a.out.value, ...NO_OBJECTS]) {
      expect(refusal(() => route.join(cases))).to.deep.equal({
        code: 'JOIN_CASES',
        at: 'route',
        message: 'The join of "route" takes an object of sources by case. Give one source for each case.',
      });
      expect(codeOf(() => score.join(cases))).to.equal('JOIN_CASES');
    }
    for (const source of [undefined, null, 5])
      expect(codeOf(() => route.join({ all: source }))).to.equal('INVALID_DEFINITION');
  });

  it('build(): options and outputs', () => {
    const { w, a } = loose();
    for (const options of NO_OBJECTS) expect(codeOf(() => w.build(options))).to.equal('INVALID_OPTION');
    for (const outputs of [a.out.value, ...NO_OBJECTS])
      expect(refusal(() => w.build({ outputs }))).to.deep.equal({
        code: 'INVALID_DEFINITION',
        at: 'outputs',
        message: 'build() takes its outputs as an object, by name. Correct the named field.',
      });
    for (const ref of [undefined, null, 5])
      expect(codeOf(() => w.build({ outputs: { x: ref } }))).to.equal('INVALID_DEFINITION');
  });

  it('cycle(): options, and what feedback, until and within are not', () => {
    const { w, a } = loose();
    for (const options of [undefined, ...NO_OBJECTS])
      expect(codeOf(() => w.cycle('fit', options))).to.equal('INVALID_OPTION');
    const feedback = [a.out.value.to(a.in.value)];
    for (const within of [null, 3, {}, { id: 5 }, []])
      expect(refusal(() => w.cycle('fit', { feedback, maxIterations: 2, within }))).to.deep.equal({
        code: 'INVALID_CYCLE',
        at: 'fit',
        message: 'Cycle "fit": within must be the handle or the id of a cycle. Correct the named setting.',
      });
  });

  it('references: at(), path() and to()', () => {
    const { a } = loose();
    const { value } = a.out;
    for (const key of [undefined, null, {}, Symbol('s')])
      expect(refusal(() => value.at(key))).to.deep.equal({
        code: 'INVALID_DEFINITION',
        at: 'at',
        message: 'at() takes the name of a property or an index. Correct the named field.',
      });
    for (const path of [undefined, null, 5, ['a']])
      expect(refusal(() => value.path(path, z.number())).message).to.equal(
        "path() takes a text such as 'a.0.b'. Correct the named field.",
      );
    for (const schema of [undefined, null, Number, {}])
      expect(refusal(() => value.path('a', schema)).message).to.equal(
        'path() takes a Standard Schema for what it reads. Correct the named field.',
      );
    for (const input of [undefined, null, 'a.value', value, { node: 'a', port: 'value' }])
      expect(refusal(() => value.to(input))).to.deep.equal({
        code: 'INVALID_DEFINITION',
        at: 'to',
        message: 'to() takes an input of a node, such as step.in.weights. Correct the named field.',
      });
  });

  it('oneOf(), collect(), required() and when()', () => {
    const { a } = loose();
    for (const combine of [oneOf, collect, required] as unknown as ((...refs: unknown[]) => unknown)[])
      for (const junk of [[], [undefined], [null], [5], [a], [a.out.value, null].slice(1)])
        expect(caught(() => combine(...junk)))
          .to.be.instanceOf(ConfigurationError)
          .and.include({ code: 'INVALID_DEFINITION' });
    for (const refs of [undefined, null, 5, 'a.value', {}, [], { x: null }, a])
      expect(codeOf(() => when(refs as never, () => true))).to.equal('INVALID_CYCLE');
    for (const test of [undefined, null, true, 'x > 1'])
      expect(codeOf(() => when(a.out.value, test as never))).to.equal('INVALID_CYCLE');
  });

  it('merge nodes: what is no object of lists', () => {
    const { a } = loose();
    for (const lists of [undefined, a.out.value, ...NO_OBJECTS]) {
      expect(refusal(() => merge.zip(lists as never))).to.deep.equal({
        code: 'INVALID_DEFINITION',
        at: 'merge.zip',
        message: 'merge.zip() takes an object of lists by name. Correct the named field.',
      });
      expect(codeOf(() => merge.byKey(lists as never, { key: 'id' } as never))).to.equal('INVALID_DEFINITION');
    }
    expect(codeOf(() => merge.byKey({ a: a.out.value }, undefined as never))).to.equal('INVALID_OPTION');
  });
});

describe('names of ports and parameters that do not exist', () => {
  it('are refused where they are read, with a did-you-mean', () => {
    const { w, a } = loose();
    expect(refusal(() => a.out.valeu)).to.deep.equal({
      code: 'UNKNOWN_PORT',
      at: 'a.valeu',
      message: '"a" has no output "valeu". Did you mean "value"? Correct the port name.',
    });
    expect(caught(() => a.out.valeu).value).to.equal('valeu');
    expect(refusal(() => a.in.vlaue).message).to.equal(
      '"a" has no input "vlaue". Did you mean "value"? Correct the port name.',
    );
    const route = w.switch('route', a.out.value, { many: () => true, few: otherwise });
    expect(refusal(() => route.out.fewer).message).to.equal(
      '"route" has no output "fewer". Did you mean "few"? Correct the port name.',
    );
    const fit = w.cycle('fit', { feedback: [a.out.value.to(a.in.value)], maxIterations: 2 });
    expect(codeOf(() => fit.out.resaon)).to.equal('UNKNOWN_PORT');
    expect(refusal(() => w.params.pth)).to.deep.equal({
      code: 'UNKNOWN_PARAMETER',
      at: 'pth',
      message: 'Workflow "etl" has no parameter "pth". Did you mean "path"? Correct its name or declare it.',
    });
  });

  it('an input that is given undefined where it is required is refused before the run', () => {
    const { w, a } = loose();
    w.add('b', step({ value: undefined as never, by: a.out.value }));
    const error = caught(() => new LocalRuntime().execute(w.build(), { path: 'a.csv' }));
    expect([error.code, error.at]).to.deep.equal(['INPUT_MISSING', 'b.value']);
  });

  it('leave handles that can be printed, spread, listed, compared and awaited', async () => {
    const { a } = loose();
    expect(Object.keys(a.in)).to.deep.equal(['value', 'by']);
    expect({ ...a.out }).to.have.all.keys('value');
    expect(Object.entries(a.out)).to.deep.equal([['value', a.out.value]]);
    expect('valeu' in a.out).to.equal(false);
    expect(inspect(a.out)).to.match(/^\{\s+value: Reference \{/);
    expect(`${a.out}`).to.equal('[object Object]');
    expect(a.out.constructor).to.equal(Object);
    expect(a.out.toJSON).to.equal(undefined);
    expect(a.out[inspect.custom]).to.equal(undefined);
    expect(await a.out).to.equal(a.out);
    expect(a.out).to.deep.equal({ value: a.out.value });
  });

  it('leave ports with names that objects and promises have', () => {
    const odd = defineNode({
      name: 'odd',
      inputs: { then: type<number>(), toString: z.string().default('') },
      outputs: { constructor: type<number>() },
      run: ({ then }) => ({ constructor: then }) as never,
    });
    const w = workflow('w');
    const a = w.add('a', odd({ then: 3, toString: 'x' }));
    expect(a.in.then.port).to.equal('then');
    const built = w.build({ outputs: { n: a.out.constructor as unknown as Ref<number> } });
    expect(new LocalRuntime().execute(built).unwrap()).to.deep.equal({ n: 3 });
  });
});

describe('an expression over sources', () => {
  type Numbers = Ref<number, string>;
  const nestings: readonly (readonly [string, number, (ref: Numbers, first: Numbers) => Numbers])[] = [
    ['or', 1_000, (ref, first) => ref.or(first) as Numbers],
    ['or, on the right', 1_000, (ref, first) => first.or(ref) as Numbers],
    ['oneOf', 1_000, (ref) => oneOf(ref) as Numbers],
    ['required', 1_000, (ref) => required(ref)],
    ['collect and at', 500, (ref) => collect(ref).at(0) as Numbers],
    ['path, of which the first is still flat', 1_001, (ref) => ref.path('x', z.number())],
  ];
  for (const [name, most, nest] of nestings) {
    it(`may be nested ${most} times, and no more: ${name}`, () => {
      const first = workflow('deep', { params: { n: type<number>() } }).params.n as Numbers;
      let ref = first;
      for (let times = 0; times < most; times++) ref = nest(ref, first);
      const { code, at, message } = refusal(() => nest(ref, first));
      expect(code).to.equal('SOURCE_TOO_DEEP');
      expect(at).to.match(/^parameter n(\.x)?$/);
      expect(message).to.equal(
        `An expression that begins with ${at} is nested more than 1000 levels deep. Combine many sources with one oneOf or collect, or put a node in between.`,
      );
    });
  }

  it('as deep as it may be can be built, hashed and run, in an input, a condition, an output and a join', () => {
    const w = workflow('deep', { params: { n: type<number>() } });
    let ref = w.params.n as Ref<number>;
    for (let level = 2; level < 1_000; level++) ref = (level % 2 === 0 ? ref.or(0) : required(ref)) as Ref<number>;
    const route = w.switch('route', ref, { all: otherwise });
    const joined = route.join({ all: ref });
    const a = w.add('a', step({ value: joined }));
    w.cycle('fit', {
      feedback: [a.out.value.to(a.in.value)],
      until: when({ ref, n: a.out.value }, ({ n }) => n > 4),
      maxIterations: 9,
    });
    const built = w.build({ outputs: { joined, deep: joined.or(0) } });
    expect(hashOf(built)).to.have.length(64);
    expect(new LocalRuntime().execute(built, { n: 3 }).unwrap()).to.deep.equal({ joined: 3, deep: 3 });
  });

  it('may have thousands of sources side by side, and a long path', () => {
    const { built: w } = loose();
    const many = Array.from({ length: 5_000 }, () => w.params.path);
    let ref = w.params.path as unknown as Ref<readonly unknown[]>;
    for (let level = 0; level < 3_000; level++) ref = ref.at(0) as Ref<readonly unknown[]>;
    w.fn('all', { many: collect(...many), one: ref.or(1) }, ({ many: all }) => all.length);
    expect(w.build().data.nodes).to.have.length(2);
  });
});

describe('a thing of the wrong kind, handed to a run, a document, a comparison or a text', () => {
  it('answers to gates of runs: what is no id is told as any unknown one', () => {
    const w = workflow('asks');
    w.gate('ok');
    const runtime = new LocalRuntime();
    const run = runtime.execute(w.build());
    for (const id of [undefined, null, 5, ...TEXTLESS]) {
      expect(codeOf(() => runtime.gates(id as never))).to.equal('RUN_UNKNOWN');
      expect(codeOf(() => runtime.approve(id as never, 'ok'))).to.equal('RUN_UNKNOWN');
      expect(codeOf(() => runtime.approve(run.runId, id as never))).to.equal('GATE_NOT_OPEN');
      expect(codeOf(() => runtime.reject(run.runId, id as never))).to.equal('GATE_NOT_OPEN');
      expect(codeOf(() => run.node(id as never))).to.equal('UNKNOWN_NODE');
    }
  });

  it('something else than a workflow, to be hashed, written or compared', async () => {
    for (const value of [undefined, null, 5, {}, loose().w, step]) {
      expect(codeOf(() => hashOf(value as never))).to.equal('NOT_A_WORKFLOW');
      expect(codeOf(() => toJSON(value as never))).to.equal('NOT_A_WORKFLOW');
      expect((await rejection(assertParity(value as never))).code).to.equal('NOT_A_WORKFLOW');
    }
  });

  it('something else than a text, to be read as YAML', () => {
    for (const value of [undefined, null, 5, {}, []])
      expect(codeOf(() => fromYaml(value as never))).to.equal('INVALID_DOCUMENT');
  });

  it('a reference in a text, a sum or a comparison: it has no value yet', () => {
    const { a, w } = loose();
    const mistakes = [() => `${a.out.value}`, () => a.out.value + 1, () => a.out.value > 1, () => +w.params.path];
    for (const mistake of mistakes) expect(codeOf(mistake)).to.equal('REF_IN_LITERAL');
    expect(refusal(() => `${a.out.value}`)).to.deep.equal({
      code: 'REF_IN_LITERAL',
      at: 'a.value',
      message:
        'a.value stands in a text, a calculation or a comparison, but has no value before the workflow runs. Bind the reference to an input of its own and build the object inside the node.',
    });
  });
});
