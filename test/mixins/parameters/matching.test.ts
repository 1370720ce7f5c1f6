import { inspect } from 'node:util';
import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import type { Workflow } from '../../../src/base/workflow.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { both } from '../../support/both.js';
import { give, schemaThat, take } from '../../support/nodes.js';

function declaring() {
  const w = workflow('declaring', { params: { path: z.string(), limit: z.number().default(10) } });
  const read = w.add('read', take(z.string())({ x: w.params.path }));
  const cut = w.add('cut', take(z.number())({ x: w.params.limit }));
  return w.build({ outputs: { path: read.out.seen, limit: cut.out.seen } });
}

function broadcasting() {
  const w = workflow('broadcasting');
  const a = w.add('a', take(z.number().default(0))());
  const b = w.add('b', take(z.number().default(0))());
  return w.build({ outputs: { a: a.out.seen, b: b.out.seen } });
}

const pair = defineNode({
  name: 'pair',
  inputs: { x: z.number(), y: z.number() },
  outputs: {},
  run: () => ({}),
});

describe('Declared parameters', () => {
  it('go where their handle is bound, with the defaults of their schemas', async () => {
    const run = await both(declaring, { params: { path: 'a.csv' } });
    expect(run.output).to.deep.equal({ path: 'a.csv', limit: 10 });
    expect(run.warnings).to.deep.equal([]);
  });

  it('reject a name that is not declared, and say which was meant', async () => {
    const run = await both(declaring, { params: { path: 'a.csv', limti: 5 } });
    expect(run.status).to.equal('rejected');
    expect(run.problems).to.deep.equal([
      {
        code: 'UNKNOWN_PARAMETER',
        message: 'Workflow "declaring" has no parameter "limti". Did you mean "limit"? Correct its name or declare it.',
      },
    ]);
  });

  it('reject an undeclared name although an input has it, at every level', async () => {
    for (const validation of ['off', 'warn', 'strict'] as const) {
      const run = await both(declaring, { params: { path: 'a.csv', x: 'b.csv' }, runtime: { validation } });
      expect(run.problems.map(({ code }) => code)).to.deep.equal(['UNKNOWN_PARAMETER']);
    }
  });

  it('are missed when they are required', async () => {
    const run = await both(declaring);
    expect(run.code).to.equal('MISSING_PARAMETER');
    expect(run.problems).to.deep.equal([
      { code: 'MISSING_PARAMETER', message: 'Parameter "path" is required. Pass it to execute().' },
    ]);
  });

  it('are checked against their schema', async () => {
    const run = await both(declaring, { params: { path: 7 } });
    expect(run.problems).to.deep.equal([
      {
        code: 'INVALID_PARAMETER',
        message:
          'Parameter "path" does not fit: Invalid input: expected string, received number. Pass a value that the schema accepts.',
      },
    ]);
  });

  it('report everything that is wrong at once, and nothing twice', async () => {
    const run = await both(declaring, { params: { limit: 'ten', extra: true } });
    expect(run.problems.map(({ code }) => code)).to.deep.equal([
      'UNKNOWN_PARAMETER',
      'MISSING_PARAMETER',
      'INVALID_PARAMETER',
    ]);
    expect(run.log).to.deep.equal([]);
  });

  it('are what their schema makes of them', async () => {
    const run = await both(
      () => {
        const w = workflow('transforming', { params: { n: z.string().transform(Number) } });
        const h = w.add('h', take(z.number())({ x: w.params.n }));
        return w.build({ outputs: { n: h.out.seen } });
      },
      { params: { n: '42' } },
    );
    expect(run.output).to.deep.equal({ n: 42 });
  });

  it('refuse a schema that answers later or throws, before the first node', async () => {
    const slow = z.string().refine(async () => true);
    const broken = schemaThat<string>(() => {
      throw new Error('no');
    });
    for (const [schema, code] of [
      [slow, 'SCHEMA_ASYNC'],
      [broken, 'SCHEMA_THREW'],
    ] as const) {
      const run = await both(
        () => {
          const w = workflow('odd', { params: { p: schema } });
          w.add('h', take(z.string())({ x: w.params.p }));
          return w.build();
        },
        { params: { p: 'x' } },
      );
      expect([run.status, run.code]).to.deep.equal(['rejected', code]);
    }
  });

  it('may be null', async () => {
    const run = await both(
      () => {
        const w = workflow('nullable', { params: { p: z.string().nullable() } });
        const h = w.add('h', take(z.string().nullable())({ x: w.params.p }));
        return w.build({ outputs: { p: h.out.seen } });
      },
      { params: { p: null } },
    );
    expect(run.output).to.deep.equal({ p: null });
  });

  it('may have the name of something that every object has', async () => {
    const build = () => {
      const w = workflow('odd', { params: { constructor: z.string().default('Ferrari') } });
      const h = w.add('h', take(z.string())({ x: w.params.constructor }));
      return w.build({ outputs: { team: h.out.seen } });
    };
    expect((await both(build)).output).to.deep.equal({ team: 'Ferrari' });
    expect((await both(build, { params: { constructor: 'McLaren' } })).output).to.deep.equal({ team: 'McLaren' });
  });

  it('are not smuggled in through __proto__', async () => {
    const run = await both(declaring, {
      params: JSON.parse('{"__proto__": {"path": "a.csv"}}') as Record<string, unknown>,
    });
    expect(run.problems.map(({ code }) => code)).to.deep.equal(['UNKNOWN_PARAMETER', 'MISSING_PARAMETER']);
  });

  it('that are passed as something else than an object are refused', async () => {
    for (const params of [[], 'path', 5]) {
      const run = await both(declaring, { params: params as never });
      expect(run.problems).to.deep.equal([
        {
          code: 'INVALID_PARAMETER',
          message: 'The parameters of a run are an object. Pass a value that the schema accepts.',
        },
      ]);
    }
  });
});

describe('Parameters of a workflow that declares none', () => {
  it('go to every input of exactly their name', async () => {
    const run = await both(broadcasting, { params: { x: 4 } });
    expect(run.output).to.deep.equal({ a: 4, b: 4 });
    expect(run.warnings).to.deep.equal([]);
  });

  it('that match nothing are a warning', async () => {
    const run = await both(broadcasting, { params: { x: 4, X: 5 } });
    expect(run.status).to.equal('completed');
    expect(run.warnings).to.deep.equal([
      {
        code: 'unmatched-name',
        message: 'Parameter "X" matches no input of workflow "broadcasting". Did you mean "x"?',
        at: 'X',
      },
    ]);
  });

  it('that match nothing are an error in strict, before the first node', async () => {
    const run = await both(broadcasting, { params: { y: 5 }, runtime: { validation: 'strict' } });
    expect(run.problems).to.deep.equal([
      {
        code: 'UNMATCHED_NAME',
        message: 'Parameter "y" matches no input of workflow "broadcasting". Did you mean "x"? Correct the name.',
      },
    ]);
  });

  it("that match nothing are nobody's business when validation is off", async () => {
    const run = await both(broadcasting, { params: { y: 5 }, runtime: { validation: 'off' } });
    expect([run.status, run.warnings]).to.deep.equal(['completed', []]);
  });

  it('are checked by the schema of the input, as a failure of the attempt', async () => {
    const run = await both(broadcasting, { params: { x: 'four' } });
    expect(run.errors).to.deep.equal({ a: 'INPUT_INVALID', b: 'INPUT_INVALID' });
    expect(run.messages.a).to.match(
      /^Input "a\.x": Invalid input: expected number, received string; it comes from a parameter of the run\. /,
    );
  });

  it('are not blamed for the value of an input that is connected', async () => {
    const build = () => {
      const w = workflow('mixed');
      const source = w.add('source', give('five'));
      w.node('a', pair);
      w.connect('source.v', 'a.x');
      return w.build({ outputs: { v: source.out.v } });
    };
    const run = await both(build, { params: { x: 1, y: 2 } });
    expect(run.messages.a).to.equal(
      'Input "a.x": Invalid input: expected number, received string; it comes from source.v. Correct the value or the schema.',
    );
    const fine = () => {
      const w = workflow('mixed');
      const source = w.add('source', give(5));
      w.node('a', pair);
      w.connect(source.out.v, 'a.x');
      w.node('b', pair, { x: 1, y: 1 });
      return w.build();
    };
    const other = await both(fine, { params: { y: 'two' }, run: { set: { b: { y: 3 } } } });
    expect(other.messages).to.deep.equal({
      a: 'Input "a.y": Invalid input: expected number, received string; it comes from a parameter of the run. Correct the value or the schema.',
    });
  });

  it('that are undefined contribute nothing, also under the name of a node', async () => {
    expect((await both(broadcasting, { params: { a: undefined } })).output).to.deep.equal({ a: 0, b: 0 });
    const run = await both(broadcasting, { params: { x: undefined } });
    expect(run.output).to.deep.equal({ a: 0, b: 0 });
  });

  it('never reach the value of a switch', async () => {
    const run = await both(
      () => {
        const w = workflow('switching');
        const flag = w.add('flag', give(true));
        const route = w.switch('route', flag.out.v);
        w.add('yes', take(z.boolean())({ x: route.out.true }));
        return w.build();
      },
      { params: { value: false } },
    );
    expect(run.nodes).to.deep.equal({ flag: 'completed', route: 'completed', yes: 'completed' });
    expect(run.warnings.map(({ code }) => code)).to.deep.equal(['unmatched-name']);
  });
});

describe('What is wrong with parameters', () => {
  /** Code, place and value of everything that a run is refused for. */
  const wrong = (
    build: () => unknown,
    parameters: object,
    options: object = {},
    validation: 'warn' | 'strict' = 'warn',
  ) => {
    const outcome = new LocalRuntime({ validation }).settle(build() as Workflow<object>, parameters, options);
    return outcome.status === 'rejected'
      ? outcome.error.problems.map(({ code, at, value }) => [code, at, value])
      : outcome.status;
  };

  it('names its place, and holds the value that was passed', () => {
    expect(wrong(declaring, { path: 7, limti: 5 })).to.deep.equal([
      ['UNKNOWN_PARAMETER', 'limti', 5],
      ['INVALID_PARAMETER', 'path', 7],
    ]);
    expect(wrong(declaring, {})).to.deep.equal([['MISSING_PARAMETER', 'path', undefined]]);
    expect(wrong(broadcasting, { y: 5 }, {}, 'strict')).to.deep.equal([['UNMATCHED_NAME', 'y', 5]]);
  });

  it('names the node or input to which it is addressed', () => {
    expect(wrong(broadcasting, {}, { set: { c: { x: 1 }, a: { y: 2 } } })).to.deep.equal([
      ['UNKNOWN_NODE', 'c', undefined],
      ['UNKNOWN_PORT', 'a.y', undefined],
    ]);
  });

  it('is that the option set is no list of addressed values, nor an object of objects', () => {
    const date = new Date(0);
    for (const [set, at, value] of [
      [5, 'set', 5],
      [date, 'set', date],
      [{ a: 7 }, 'set.a', 7],
      [{ a: [1] }, 'set.a', [1]],
      [{ a: null }, 'set.a', null],
      [[7], 'set', 7],
      [[null], 'set', null],
      [[{ node: 'a', value: 1 }], 'set', { node: 'a', value: 1 }],
      [[{ port: 'x', value: 1 }], 'set', { port: 'x', value: 1 }],
    ] as const)
      expect(wrong(broadcasting, {}, { set }), inspect(set)).to.deep.equal([['INVALID_OPTION', at, value]]);
  });
});

describe('Addressed values', () => {
  const sum = defineNode({
    name: 'sum',
    inputs: { a: z.number().default(0), b: z.number().default(0) },
    outputs: { n: type<number>() },
    run: ({ a, b }) => ({ n: 10 * a + b }),
  });

  it('of several inputs of a node all count, and of two for one input the later', async () => {
    const build = () => {
      const w = workflow('addressed');
      const one = w.add('one', sum({}));
      return w.build({ outputs: { n: one.out.n } });
    };
    const set = [
      { node: 'one', port: 'a', value: 1 },
      { node: 'one', port: 'b', value: 2 },
      { node: 'one', port: 'a', value: 3 },
    ];
    expect((await both(build, { run: { set } })).output).to.deep.equal({ n: 32 });
    expect((await both(build, { run: { set: { one: { a: undefined, b: 4 } } } })).output).to.deep.equal({ n: 4 });
    expect((await both(build, { params: { one: { a: 5 } }, run: { set: { one: { b: 6 } } } })).output).to.deep.equal({
      n: 56,
    });
    const bare: unknown = Object.assign(Object.create(null), { one: Object.assign(Object.create(null), { a: 7 }) });
    expect((await both(build, { run: { set: bare as never } })).output).to.deep.equal({ n: 70 });
  });
});
