import { expectTypeOf } from 'expect-type';
import { z } from 'zod';
import type { NodeContext, Ref } from '../../src/index.js';
import { defineNode, type, variadic, workflow } from '../../src/index.js';

const Row = z.object({ name: z.string(), size: z.number() });
const clean = defineNode({
  name: 'clean',
  inputs: { rows: z.array(Row), limit: z.number().default(100), note: z.string().optional() },
  outputs: { rows: z.array(Row), dropped: z.number().optional() },
  run: ({ rows, limit, note }) => {
    expectTypeOf(rows).toEqualTypeOf<{ name: string; size: number }[]>();
    expectTypeOf(limit).toEqualTypeOf<number>();
    expectTypeOf(note).toEqualTypeOf<string | undefined>();
    return { rows };
  },
});
const read = defineNode({ name: 'read', outputs: { rows: z.array(Row) }, run: () => ({ rows: [] }) });

/** Lines that must not compile. They are never run. */
function refused(_lines: () => void): void {}

describe('types of node definitions', () => {
  it('bind literals and references of the right type; defaults and optional inputs may be left out', () => {
    const w = workflow('w', { params: { limit: z.number() } });
    const rows = w.add('read', read()).out.rows;
    clean({ rows });
    clean({ rows: [], limit: 3, note: 'x' });
    clean({ rows, limit: w.params.limit });
    expectTypeOf(rows).toEqualTypeOf<Ref<{ name: string; size: number }[], 'always'>>();
  });

  it('refuse a wrong, an unknown and a missing port', () => {
    refused(() => {
      const w = workflow('w', { params: { text: z.string() } });
      const rows = w.add('read', read()).out.rows;
      // @ts-expect-error a text is no list of rows
      clean({ rows: 'a.csv' });
      // @ts-expect-error a list of the wrong rows
      clean({ rows: [{ name: 'x' }] });
      // @ts-expect-error a reference of the wrong type
      clean({ rows, limit: w.params.text });
      // @ts-expect-error a reference to a part of it
      clean({ rows: rows.at(0) });
      // @ts-expect-error there is no such port
      clean({ rows, limt: 3 });
      // @ts-expect-error rows is missing
      clean({ limit: 3 });
      // @ts-expect-error rows is missing
      clean();
      // @ts-expect-error the definition was not called
      w.add('tidy', clean);
      // @ts-expect-error there is no such output
      w.add('tidy', clean({ rows })).out.row;
    });
  });

  it('without inputs, or with optional ones only, are called without an argument', () => {
    read();
    const optional = defineNode({
      name: 'o',
      inputs: { n: z.number().default(1), m: z.string().optional() },
      outputs: {},
      run: () => ({}),
    });
    optional();
    optional({ n: 5 });
    refused(() => {
      // @ts-expect-error there is no such port
      read({ rows: [] });
      // @ts-expect-error n is a number
      optional({ n: 'five' });
    });
  });

  it('give outputs without undefined: a port that is left out is dead, not undefined', () => {
    const w = workflow('w');
    const tidy = w.add('tidy', clean({ rows: [] }));
    expectTypeOf(tidy.out.dropped).toEqualTypeOf<Ref<number, 'always'>>();
  });

  describe('keep literals that run returns', () => {
    const Kind = z.enum(['pro', 'free']);

    it('in an enum', () => {
      defineNode({ name: 'n', outputs: { kind: Kind }, run: () => ({ kind: 'pro' }) });
      defineNode({ name: 'n', outputs: { kind: type<'pro' | 'free'>() }, run: () => ({ kind: 'free' }) });
    });

    it('nested in an object', () => {
      defineNode({
        name: 'n',
        outputs: { user: z.object({ plan: z.object({ kind: Kind }) }) },
        run: () => ({ user: { plan: { kind: 'pro' } } }),
      });
    });

    it('in an array that is spread', () => {
      const List = z.array(z.object({ kind: Kind }));
      defineNode({
        name: 'n',
        inputs: { list: List },
        outputs: { list: List },
        run: ({ list }) => ({ list: [...list, { kind: 'pro' }] }),
      });
    });

    it('in an async function, and in branches', () => {
      defineNode({ name: 'n', outputs: { kind: Kind }, run: async () => ({ kind: 'pro' }) });
      defineNode({
        name: 'n',
        inputs: { paid: z.boolean() },
        outputs: { kind: Kind },
        run: ({ paid }) => (paid ? { kind: 'pro' } : { kind: 'free' }),
      });
    });

    it('in a tuple and in a discriminated union', () => {
      const Shape = z.discriminatedUnion('is', [
        z.object({ is: z.literal('circle'), r: z.number() }),
        z.object({ is: z.literal('square'), a: z.number() }),
      ]);
      defineNode({
        name: 'n',
        outputs: { shape: Shape, pair: z.tuple([z.literal('x'), z.number()]) },
        run: () => ({ shape: { is: 'circle', r: 1 }, pair: ['x', 2] }),
      });
    });

    it('and refuse what is not among them', () => {
      refused(() => {
        // @ts-expect-error there is no such kind
        defineNode({ name: 'n', outputs: { kind: Kind }, run: () => ({ kind: 'gold' }) });
        // @ts-expect-error there is no such kind
        defineNode({ name: 'n', outputs: { kind: Kind }, run: async () => ({ kind: 'gold' }) });
        // @ts-expect-error kind is missing
        defineNode({ name: 'n', outputs: { kind: Kind }, run: () => ({}) });
        // @ts-expect-error nothing is returned
        defineNode({ name: 'n', outputs: { kind: Kind }, run: () => undefined });
      });
    });
  });

  it('let optional outputs be left out', () => {
    defineNode({ name: 'n', outputs: { a: z.number(), b: z.number().optional() }, run: () => ({ a: 1 }) });
    refused(() => {
      // @ts-expect-error a is not optional
      defineNode({ name: 'n', outputs: { a: z.number(), b: z.number().optional() }, run: () => ({ b: 1 }) });
    });
  });

  it('show a node what its schemas yield, and take what they accept', () => {
    const parse = defineNode({
      name: 'parse',
      inputs: { size: z.string().transform(Number) },
      outputs: { size: z.number() },
      run: ({ size }) => {
        expectTypeOf(size).toEqualTypeOf<number>();
        return { size };
      },
    });
    parse({ size: '12' });
    refused(() => {
      // @ts-expect-error the schema accepts texts
      parse({ size: 12 });
    });
  });

  describe('the context', () => {
    it('has a state typed by its schema', () => {
      defineNode({
        name: 'n',
        outputs: {},
        state: z.object({ count: z.number() }).default({ count: 0 }),
        run: (_, { state, setState }) => {
          expectTypeOf(state).toEqualTypeOf<{ count: number }>();
          setState({ count: state.count + 1 });
          refused(() => {
            // @ts-expect-error count is a number
            setState({ count: 'one' });
          });
          return {};
        },
      });
    });

    it('has no state without a schema', () => {
      defineNode({
        name: 'n',
        outputs: {},
        run: (_, { state, setState }) => {
          expectTypeOf(state).toEqualTypeOf<undefined>();
          refused(() => {
            // @ts-expect-error there is no state
            setState(5);
          });
          return {};
        },
      });
    });

    it('gives out the secrets that the node declares, and no other', () => {
      defineNode({
        name: 'n',
        outputs: { kind: z.enum(['pro', 'free']) },
        secrets: ['TOKEN', 'KEY'],
        run: (_, { secret }) => {
          expectTypeOf(secret).parameter(0).toEqualTypeOf<'TOKEN' | 'KEY'>();
          refused(() => {
            secret('TOKEN');
            secret('KEY');
            // @ts-expect-error there is no such secret
            secret('TOKENN');
          });
          return { kind: 'pro' };
        },
      });
      defineNode({
        name: 'n',
        outputs: {},
        run: async (_, context) => {
          expectTypeOf(context.secret).parameter(0).toEqualTypeOf<never>();
          refused(() => {
            // @ts-expect-error the node declares no secret
            context.secret('TOKEN');
          });
          return {};
        },
      });
    });

    it('gives out any secret where the names are not known to the compiler, and to a function that takes a plain NodeContext', () => {
      const names: readonly string[] = ['TOKEN'];
      const digest = (context: NodeContext): string => context.secret('TOKEN').slice(0, 4);
      defineNode({
        name: 'n',
        outputs: {},
        secrets: names,
        run: (_, context) => {
          expectTypeOf(context.secret).parameter(0).toEqualTypeOf<string>();
          return {};
        },
      });
      defineNode({
        name: 'n',
        outputs: { digest: z.string() },
        secrets: ['TOKEN'],
        run: (_, context) => ({ digest: digest(context) }),
      });
      defineNode({
        name: 'n',
        outputs: { digest: z.string() },
        run: (_, context: NodeContext) => ({ digest: digest(context) }),
      });
      expectTypeOf<NodeContext['secret']>().parameter(0).toEqualTypeOf<string>();
    });

    it('has the types of everything else', () => {
      defineNode({
        name: 'n',
        outputs: {},
        run: (_, context) => {
          expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
          expectTypeOf(context.iterations).toEqualTypeOf<readonly number[]>();
          expectTypeOf(context.deadline).toEqualTypeOf<number | undefined>();
          expectTypeOf(context.context).toEqualTypeOf<Readonly<Record<string, unknown>>>();
          refused(() => {
            // @ts-expect-error read-only
            context.attempt = 2;
          });
          return {};
        },
      });
    });
  });

  it('refuse fields that do not exist and values of the wrong type', () => {
    refused(() => {
      // @ts-expect-error the field is called timeoutMs
      defineNode({ name: 'n', outputs: {}, timeout: 5, run: () => ({}) });
      // @ts-expect-error attempts is a number
      defineNode({ name: 'n', outputs: {}, retry: { attempts: 'three' }, run: () => ({}) });
      // @ts-expect-error a class is no schema
      defineNode({ name: 'n', inputs: { a: Number }, outputs: {}, run: () => ({}) });
    });
  });

  it('variadic inputs take a list', () => {
    const sum = defineNode({
      name: 'sum',
      inputs: { all: variadic(type<number[]>()) },
      outputs: {},
      run: ({ all }) => {
        expectTypeOf(all).toEqualTypeOf<number[]>();
        return {};
      },
    });
    sum({ all: [1, 2] });
    refused(() => {
      // @ts-expect-error a variadic input is a list
      variadic(type<number>());
    });
  });
});
