import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { give, take } from '../../support/nodes.js';

const runtimes = [new LocalRuntime(), new AsyncLocalRuntime()];

function declaring() {
  const w = workflow('declaring', { params: { limit: z.number().default(10) } });
  w.add('cut', take(z.number())({ x: w.params.limit }));
  w.add('odd', take(z.number())({ x: 1 }));
  return w.build();
}

function broadcasting() {
  const w = workflow('broadcasting');
  w.add('cut', take(z.unknown())({}));
  return w.build();
}

describe('separateParameterFormats', () => {
  it('takes parameters for single nodes apart from those for the workflow', () => {
    for (const runtime of runtimes) {
      const formats = runtime.separateParameterFormats(declaring(), {
        limit: 5,
        cut: { x: 7 },
        odd: { x: 8 },
        other: { x: 9 },
      });
      expect(formats).to.deep.equal({
        workflow: { limit: 5, other: { x: 9 } },
        nodes: { cut: { x: 7 }, odd: { x: 8 } },
      });
    }
  });

  it('keeps a name such as __proto__ for the workflow, as a name like any other', () => {
    const { workflow: own } = new LocalRuntime().separateParameterFormats(
      broadcasting(),
      JSON.parse('{"__proto__": {"x": 1}}') as Record<string, unknown>,
    );
    expect(Object.keys(own)).to.deep.equal(['__proto__']);
    expect(own.x).to.equal(undefined);
  });
});

describe('isNodeSpecificFormat', () => {
  it('is true for a node id with an object of inputs, and for nothing else', () => {
    for (const runtime of runtimes) {
      const built = broadcasting();
      expect(runtime.isNodeSpecificFormat(built, 'cut', { x: 1 })).to.equal(true);
      expect(runtime.isNodeSpecificFormat(built, 'cut', {})).to.equal(true);
      expect(runtime.isNodeSpecificFormat(built, 'cut', Object.create(null))).to.equal(true);
      expect(runtime.isNodeSpecificFormat(built, 'other', { x: 1 })).to.equal(false);
      for (const value of [1, 'x', null, undefined, [1], new Map(), new Date(0)])
        expect(runtime.isNodeSpecificFormat(built, 'cut', value)).to.equal(false);
    }
  });
});

describe('processWorkflowParameters', () => {
  it('binds declared parameters and node-addressed values, and runs nothing', () => {
    for (const runtime of runtimes) {
      const bound = runtime.processWorkflowParameters(declaring(), { odd: { x: 3 } }, { set: { cut: { x: 4 } } });
      expect(bound.parameters).to.deep.equal({ limit: 10 });
      expect([...(bound.set ?? [])].map(([node, ports]) => [node, [...ports]])).to.deep.equal([
        [1, [['x', 3]]],
        [0, [['x', 4]]],
      ]);
      expect(bound.problems).to.deep.equal([]);
      expect(bound.warnings).to.deep.equal([]);
    }
  });

  it('returns problems instead of throwing them', () => {
    const { problems } = new LocalRuntime().processWorkflowParameters(declaring(), { limti: 5, limit: 'x' });
    expect(problems.map(({ code, at }) => [code, at])).to.deep.equal([
      ['UNKNOWN_PARAMETER', 'limti'],
      ['INVALID_PARAMETER', 'limit'],
    ]);
  });

  it('treats unmatched names as the level of the runtime says', () => {
    const given = { y: 1 };
    expect(new LocalRuntime({ validation: 'off' }).processWorkflowParameters(broadcasting(), given)).to.deep.include({
      problems: [],
      warnings: [],
    });
    expect(
      new LocalRuntime().processWorkflowParameters(broadcasting(), given).warnings.map(({ at }) => at),
    ).to.deep.equal(['y']);
    expect(
      new AsyncLocalRuntime({ validation: 'strict' })
        .processWorkflowParameters(broadcasting(), given)
        .problems.map(({ code }) => code),
    ).to.deep.equal(['UNMATCHED_NAME']);
  });
});

describe('extractSecretRequirements', () => {
  it('lists every secret once, with the nodes that declare it', () => {
    const needs = (...secrets: string[]) =>
      defineNode({ name: 'needs', outputs: { v: type<number>() }, secrets, run: () => ({ v: 1 }) })();
    const w = workflow('secretive');
    w.add('a', needs('TOKEN'));
    w.add('b', give(1));
    w.add('c', needs('KEY', 'TOKEN'));
    const secretive = w.build();
    for (const runtime of runtimes) {
      expect(runtime.extractSecretRequirements(secretive)).to.deep.equal([
        { name: 'TOKEN', nodes: ['a', 'c'] },
        { name: 'KEY', nodes: ['c'] },
      ]);
      expect(runtime.extractSecretRequirements(broadcasting())).to.deep.equal([]);
    }
  });
});

describe('serializeUserContext', () => {
  const serialize = (context: Record<string, unknown>) => new LocalRuntime().serializeUserContext(context);

  it('keeps what JSON can hold', () => {
    const context = { tenant: 'acme', user: { id: 7, admin: false, tags: ['a', null] } };
    expect(serialize(context)).to.deep.equal(context);
    expect(serialize(context)).not.to.equal(context);
  });

  it('writes dates, bigints and numbers that JSON lacks as text', () => {
    const context = {
      at: new Date(Date.UTC(2024, 0, 2)),
      never: new Date(Number.NaN),
      big: 10n ** 20n,
      nan: Number.NaN,
      most: Number.POSITIVE_INFINITY,
    };
    expect(serialize(context)).to.deep.equal({
      at: '2024-01-02T00:00:00.000Z',
      never: 'Invalid Date',
      big: '100000000000000000000',
      nan: 'NaN',
      most: 'Infinity',
    });
  });

  it('replaces everything else by its name', () => {
    class Session {
      readonly token = 'x';
    }
    const context = {
      run: () => 1,
      tag: Symbol('s'),
      map: new Map(),
      session: new Session(),
      list: [undefined],
      error: new TypeError('x'),
    };
    expect(serialize(context)).to.deep.equal({
      run: '[function]',
      tag: '[symbol]',
      map: '[Map]',
      session: '[Session]',
      list: ['[undefined]'],
      error: '[TypeError]',
    });
  });

  it('leaves out undefined properties, and keeps a property called __proto__ a property', () => {
    expect(serialize({ a: undefined, b: 1 })).to.deep.equal({ b: 1 });
    const odd = serialize(JSON.parse('{"__proto__": {"admin": true}}') as Record<string, unknown>);
    expect(Object.keys(odd)).to.deep.equal(['__proto__']);
    expect(odd.admin).to.equal(undefined);
  });

  it('takes objects without a prototype as plain', () => {
    expect(serialize({ bare: Object.assign(Object.create(null), { a: 1 }) })).to.deep.equal({ bare: { a: 1 } });
  });

  it('cuts circles, and only circles: what is shared appears twice', () => {
    const shared = { n: 1 };
    const context: Record<string, unknown> = { shared, again: shared, list: [shared] };
    context.self = context;
    expect(serialize(context)).to.deep.equal({
      shared: { n: 1 },
      again: { n: 1 },
      list: [{ n: 1 }],
      self: '[circular]',
    });
  });

  it('never throws: what cannot be read says so', () => {
    const context = {
      get broken(): never {
        throw new Error('no');
      },
    };
    class Rootless {}
    Object.defineProperty(Rootless.prototype, 'constructor', { value: null });
    expect(serialize({ inner: context, rootless: new Rootless(), ok: 1 })).to.deep.equal({
      inner: '[unreadable]',
      rootless: '[unreadable]',
      ok: 1,
    });
    let deep: unknown = 'bottom';
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(JSON.stringify(serialize({ deep }).deep).endsWith(']')).to.equal(true);
  });
});
