import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { both } from '../../support/both.js';
import { give, take } from '../../support/nodes.js';

const WARNING = {
  code: 'missing-path',
  message: 'The connection source.v.a → h.x had no value; the next weaker source was used.',
  at: 'source.v.a → h.x',
};

describe('A connection whose path leads nowhere', () => {
  const reading =
    (value: unknown, config: Record<string, unknown>, schema: z.ZodType = z.number()) =>
    () => {
      const w = workflow('reading');
      w.add('source', give(value));
      const h = w.node('h', take(schema), config);
      w.connect('source.v.a', 'h.x');
      return w.build({ outputs: { seen: h.out.seen } });
    };

  it('falls to the next weaker source, with one warning', async () => {
    const run = await both(reading({ b: 1 }, { x: 9 }));
    expect(run.output).to.deep.equal({ seen: 9 });
    expect(run.warnings).to.deep.equal([WARNING]);
  });

  it('falls to a parameter before it falls to a literal', async () => {
    const run = await both(reading({ b: 1 }, { x: 9 }), { params: { x: 8 } });
    expect(run.output).to.deep.equal({ seen: 8 });
    expect(run.warnings).to.deep.equal([WARNING]);
  });

  it('falls to the default of the schema', async () => {
    const run = await both(reading('text', {}, z.number().default(7)));
    expect(run.output).to.deep.equal({ seen: 7 });
    expect(run.warnings).to.deep.equal([WARNING]);
  });

  it('is an error naming both ends when nothing else gives a required input a value', async () => {
    const run = await both(reading({ b: 1 }, {}));
    expect(run.errors).to.deep.equal({ h: 'INPUT_MISSING' });
    expect(run.messages.h).to.equal(
      'Input "h.x" is required and got no value (source.v.a → h.x). Bind it, make its source produce a value, or give it a default.',
    );
    expect(run.attempts).to.deep.equal({ source: 1, h: 1 });
  });

  it('is not asked where a node-addressed parameter is stronger', async () => {
    const run = await both(reading({ b: 1 }, {}), { run: { set: { h: { x: 3 } } } });
    expect([run.output, run.warnings]).to.deep.equal([{ seen: 3 }, []]);
  });

  it('delivers null where the path leads to null: null is a value', async () => {
    const run = await both(reading({ a: null }, { x: 9 }, z.number().nullable()));
    expect([run.output, run.warnings]).to.deep.equal([{ seen: null }, []]);
  });

  it('warns once, however often a cycle comes by', async () => {
    const run = await both(() => {
      const w = workflow('looping');
      w.add('source', give({ b: 1 }));
      const step = defineNode({
        name: 'step',
        inputs: { x: z.number(), n: z.number() },
        outputs: { n: type<number>() },
        run: ({ n }) => ({ n: n + 1 }),
      });
      const h = w.node('h', step, { x: 9, n: 0 });
      w.connect('source.v.a', 'h.x');
      w.cycle('loop', { feedback: [h.out.n.to(h.in.n)], maxIterations: 3 });
      return w.build({ outputs: { n: h.out.n } });
    });
    expect(run.output).to.deep.equal({ n: 3 });
    expect(run.warnings).to.deep.equal([WARNING]);
  });

  it('that is feedback falls to the next weaker source but the entry connection, with one warning', async () => {
    const run = await both(() => {
      const seen: unknown[] = [];
      const step = defineNode({
        name: 'step',
        inputs: { x: z.string() },
        outputs: { y: type<{ z?: string }>(), seen: type<unknown[]>() },
        run: ({ x }) => ({ y: {}, seen: [...seen, seen.push(x) && x] }),
      });
      const w = workflow('feeding');
      w.add('entry', give('entry'));
      const h = w.node('h', step, { x: 'config' });
      w.connect('entry.v', 'h.x');
      w.cycle('loop', { feedback: [h.out.y.at('z').to(h.in.x as never)], maxIterations: 3 });
      return w.build({ outputs: { seen: h.out.seen } });
    });
    expect(run.output).to.deep.equal({ seen: ['entry', 'config', 'config'] });
    expect(run.warnings).to.deep.equal([
      {
        code: 'missing-path',
        message: 'The connection h.y.z → h.x had no value; the next weaker source was used.',
        at: 'h.y.z → h.x',
      },
    ]);
  });

  it('that is feedback is what the error names when nothing else gives a value', async () => {
    const run = await both(() => {
      const step = defineNode({
        name: 'step',
        inputs: { x: z.string() },
        outputs: { y: type<{ z?: string }>() },
        run: () => ({ y: {} }),
      });
      const w = workflow('feeding');
      w.add('entry', give('entry'));
      const h = w.node('h', step);
      w.connect('entry.v', 'h.x');
      w.cycle('loop', { feedback: [h.out.y.at('z').to(h.in.x as never)], maxIterations: 3 });
      return w.build();
    });
    expect(run.errors).to.deep.equal({ h: 'INPUT_MISSING' });
    expect(run.messages.h).to.match(/^Input "h\.x" is required and got no value \(h\.y\.z → h\.x\)\./);
  });
});

describe('An output that a node leaves out', () => {
  it('counts as no value, also between nodes without any schema', async () => {
    const run = await both(() => {
      const w = workflow('leaving-out');
      const a = w.add(
        'a',
        defineNode({ name: 'a', outputs: { v: type<number>() }, run: () => ({}) as { v: number } })(),
      );
      w.add('h', take(type<number>())({ x: a.out.v }));
      return w.build();
    });
    expect(run.errors).to.deep.equal({ h: 'INPUT_MISSING' });
    expect(run.messages.h).to.match(/\(a\.v → h\.x\)/);
  });
});

describe('A source that failed, as it may, or was skipped', () => {
  it('contributes nothing, also when it delivered in an earlier iteration', async () => {
    const run = await both(() => {
      const seen: unknown[] = [];
      const flaky = defineNode({
        name: 'flaky',
        inputs: { i: type<number>() },
        outputs: { y: type<string>() },
        run: ({ i }) => {
          if (i === 1) throw new Error('not this time');
          return { y: `delivered ${i}` };
        },
      });
      const collecting = defineNode({
        name: 'collecting',
        inputs: { i: type<number>(), y: type<string>() },
        outputs: { i: type<number>(), seen: type<unknown[]>() },
        run: ({ i, y }) => ({ i: i + 1, seen: [...seen, seen.push(y) && y] }),
      });
      const w = workflow('stale');
      const first = w.node(
        'first',
        defineNode({
          name: 'first',
          inputs: { i: type<number>() },
          outputs: { i: type<number>() },
          run: ({ i }) => ({ i }),
        }),
        { i: 0 },
      );
      w.try('flaky', flaky({ i: first.out.i }));
      const h = w.node('h', collecting, { y: 'config' }, { join: 'always' });
      w.connect('flaky.y', 'h.y').connect('first.i', 'h.i');
      w.cycle('loop', { feedback: [h.out.i.to(first.in.i)], maxIterations: 3 });
      return w.build({ outputs: { seen: h.out.seen } });
    });
    expect(run.output).to.deep.equal({ seen: ['delivered 0', 'config', 'delivered 2'] });
  });
});

describe('A required input that nothing gives a value', () => {
  const message =
    'Input "h.x" is required and nothing gives it a value. Bind it, make its source produce a value, or give it a default.';
  const unbound = (schema: z.ZodType) => () => {
    const w = workflow('unbound');
    w.add('source', give(1));
    const h = w.node('h', take(schema));
    return w.build({ outputs: { seen: h.out.seen } });
  };

  it('is refused before the first node, at every level', async () => {
    for (const validation of ['off', 'warn', 'strict'] as const) {
      const run = await both(unbound(z.number()), { runtime: { validation } });
      expect(run.problems).to.deep.equal([{ code: 'INPUT_MISSING', message }]);
      expect(run.log).to.deep.equal([]);
    }
  });

  it('runs when a broadcast or node-addressed parameter gives it one, null included', async () => {
    expect((await both(unbound(z.number()), { params: { x: 4 } })).output).to.deep.equal({ seen: 4 });
    expect((await both(unbound(z.number()), { params: { h: { x: 4 } } })).output).to.deep.equal({ seen: 4 });
    expect((await both(unbound(z.null()), { params: { x: null } })).output).to.deep.equal({ seen: null });
  });

  it('is refused when the parameter that should is undefined', async () => {
    for (const given of [{ params: { x: undefined } }, { run: { set: { h: { x: undefined } } } }]) {
      expect((await both(unbound(z.number()), given)).problems).to.deep.equal([{ code: 'INPUT_MISSING', message }]);
    }
  });

  it('is refused when its only source is a parameter that was not passed, or a path that leads nowhere in it', async () => {
    const bound = () => {
      const w = workflow('bound', { params: { p: z.object({ a: z.number().optional() }).optional() } });
      const h = w.add('h', take(z.number())({ x: w.params.p.at('a') }));
      return w.build({ outputs: { seen: h.out.seen } });
    };
    for (const params of [{}, { p: {} }])
      expect((await both(bound, { params })).problems).to.deep.equal([{ code: 'INPUT_MISSING', message }]);
    expect((await both(bound, { params: { p: { a: 3 } } })).output).to.deep.equal({ seen: 3 });
  });

  it('is refused when its only source is feedback, which brings no first value', async () => {
    const fed = () => {
      const w = workflow('fed');
      const h = w.node('h', take(z.number()));
      w.cycle('loop', { feedback: [h.out.seen.to(h.in.x as never)], maxIterations: 2 });
      return w.build({ outputs: { seen: h.out.seen } });
    };
    expect((await both(fed)).problems).to.deep.equal([{ code: 'INPUT_MISSING', message }]);
    expect((await both(fed, { params: { h: { x: 1 } } })).output).to.deep.equal({ seen: 1 });
  });

  it('may be left alone when its schema accepts undefined', async () => {
    expect((await both(unbound(z.number().optional()))).results.h).to.deep.equal({ seen: undefined });
    expect((await both(unbound(z.number().default(2)))).output).to.deep.equal({ seen: 2 });
  });

  it('is found under names that every object has', async () => {
    const run = await both(() => {
      const w = workflow('odd');
      w.node(
        'h',
        defineNode({ name: 'odd', inputs: { constructor: z.string() }, outputs: {}, run: () => ({}) }) as never,
      );
      return w.build();
    });
    expect(run.problems.map(({ code }) => code)).to.deep.equal(['INPUT_MISSING']);
  });
});

describe('An alternative given with or', () => {
  const choosing = () => {
    const w = workflow('choosing', { params: { p: z.number().optional() } });
    const h = w.add('h', take(z.number())({ x: w.params.p.or(5) }));
    return w.build({ outputs: { seen: h.out.seen } });
  };

  it('stands in for a parameter that was not passed', async () => {
    expect((await both(choosing)).output).to.deep.equal({ seen: 5 });
    expect((await both(choosing, { params: { p: 2 } })).output).to.deep.equal({ seen: 2 });
  });

  it('stands in for a path that leads nowhere, and not for null', async () => {
    const reading = (value: Record<string, unknown>) => () => {
      const w = workflow('reading');
      const source = w.add('source', give(value));
      const h = w.add('h', take(z.unknown())({ x: source.out.v.at('a').or(5) }));
      return w.build({ outputs: { seen: h.out.seen } });
    };
    expect((await both(reading({}))).output).to.deep.equal({ seen: 5 });
    expect((await both(reading({ a: null }))).output).to.deep.equal({ seen: null });
  });
});
