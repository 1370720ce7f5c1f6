import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import type { StandardSchema } from '../../../src/base/standard-schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { scripted } from '../../../src/testing/index.js';
import { both, type Outcome } from '../../support/both.js';
import { give, schemaThat, take } from '../../support/nodes.js';

const THREE = { attempts: 3 };

/** A source that delivers `value`, and a node with `schema` that would be tried three times. */
function delivering(value: unknown, schema: StandardSchema) {
  return () => {
    const w = workflow('delivering');
    const source = w.add('source', give(value));
    const h = w.add('h', take(schema)({ x: source.out.v }), { retry: THREE });
    return w.build({ outputs: { seen: h.out.seen } });
  };
}

/** A node whose output has `schema` and is `value`. */
function returning(value: unknown, schema: StandardSchema) {
  return () => {
    const w = workflow('returning');
    const node = defineNode({ name: 'node', outputs: { v: schema }, run: () => ({ v: value }) });
    const h = w.add('h', node(), { retry: THREE });
    return w.build({ outputs: { v: h.out.v } });
  };
}

/** Runs something and fails if a rejection went unhandled on the way. */
async function withoutUnhandled(run: () => Promise<Outcome>): Promise<Outcome> {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', listener);
  try {
    const outcome = await run();
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).to.deep.equal([]);
    return outcome;
  } finally {
    process.off('unhandledRejection', listener);
  }
}

const throwing = schemaThat(() => {
  throw new RangeError('broken schema');
});
const rejecting = schemaThat(() => Promise.reject(new Error('late')));
const silent = schemaThat(() => undefined);
const mumbling = schemaThat(() => ({ issues: 'many' }));

describe('An input schema', () => {
  it('is always applied, at every level: a value that does not fit fails the attempt, which is not tried again', async () => {
    for (const validation of ['off', 'warn', 'strict'] as const) {
      const run = await both(delivering('five', z.number()), { runtime: { validation } });
      expect(run.status).to.equal('failed');
      expect(run.errors).to.deep.equal({ h: 'INPUT_INVALID' });
      expect(run.attempts).to.deep.equal({ source: 1, h: 1 });
      expect(run.messages.h).to.equal(
        'Input "h.x": Invalid input: expected number, received string; it comes from source.v. Correct the value or the schema.',
      );
    }
  });

  it('names every issue and its place inside the value', async () => {
    const schema = z.object({ id: z.number(), tags: z.array(z.string()) });
    const run = await both(delivering({ id: 'x', tags: ['a', 1] }, schema));
    expect(run.messages.h).to.match(
      /^Input "h\.x": id: Invalid input: expected number, received string; tags\.1: Invalid input: expected string, received number; it comes from source\.v\./,
    );
  });

  it('keeps the value out of the message, and carries it where nobody prints it', async () => {
    const run = await both(delivering('payload-4711', z.number()));
    const { cause } = run.error as Error & { readonly cause: { readonly value: unknown } };
    expect(cause.value).to.equal('payload-4711');
    expect(JSON.stringify(cause)).not.to.include('4711');
    expect(run.error?.message).not.to.include('4711');
  });

  it('yields what the node sees: transformations applied, unknown keys stripped, defaults filled in', async () => {
    expect((await both(delivering('42', z.string().transform(Number)))).output).to.deep.equal({ seen: 42 });
    expect((await both(delivering({ a: 1, b: 2 }, z.object({ a: z.number() })))).output).to.deep.equal({
      seen: { a: 1 },
    });
    expect((await both(delivering({}, z.object({ a: z.number().default(7) })))).output).to.deep.equal({
      seen: { a: 7 },
    });
  });

  it('is asked for its default in every attempt', async () => {
    let asked = 0;
    const run = await both(() => {
      asked = 0;
      const fresh = z.number().default(() => ++asked);
      const node = scripted({
        name: 'node',
        inputs: { x: fresh },
        outputs: { seen: type<number>() },
        retry: THREE,
        script: [{ throws: 'again' }, { throws: 'again' }, ({ inputs }) => ({ gives: { seen: inputs.x } })],
      });
      const w = workflow('defaulting');
      const h = w.add('h', node());
      return w.build({ outputs: { seen: h.out.seen } });
    });
    expect(run.output).to.deep.equal({ seen: 4 });
    expect(run.attempts).to.deep.equal({ h: 3 });
  });

  it('that yields undefined shows the node undefined, not the value it was given', async () => {
    const run = await both(
      delivering(
        'text',
        z.string().transform(() => undefined),
      ),
    );
    expect(run.results.h).to.deep.equal({ seen: undefined });
  });

  it('of an optional input that was not given adds nothing', async () => {
    const run = await both(() => {
      const node = defineNode({
        name: 'node',
        inputs: { x: z.number().optional(), constructor: z.string().optional() },
        outputs: { keys: type<string[]>() },
        run: (inputs) => ({ keys: Object.keys(inputs) }),
      });
      const w = workflow('optional');
      const h = w.add('h', node({} as never));
      return w.build({ outputs: { keys: h.out.keys } });
    });
    expect(run.output).to.deep.equal({ keys: [] });
  });

  it('accepts null as a value where it says so, and refuses it where it does not', async () => {
    expect((await both(delivering(null, z.number().nullable()))).output).to.deep.equal({ seen: null });
    expect((await both(delivering(null, z.number().default(1)))).errors).to.deep.equal({ h: 'INPUT_INVALID' });
  });

  it('that coerces accepts undefined: a trap, the input counts as optional and sees what undefined becomes', async () => {
    const run = await both(() => {
      const node = defineNode({
        name: 'node',
        inputs: { s: z.coerce.string(), b: z.coerce.boolean() },
        outputs: { s: type<string>(), b: type<boolean>() },
        run: ({ s, b }) => ({ s, b }),
      });
      const w = workflow('coercing');
      const h = w.add('h', node({} as never));
      return w.build({ outputs: { s: h.out.s, b: h.out.b } });
    });
    expect(run.output).to.deep.equal({ s: 'undefined', b: false });
  });

  it('of type<T>() is not asked: the value passes as it is, without a copy', async () => {
    const value = { any: ['thing'] };
    const run = await both(delivering(value, type<number>()));
    expect(run.output.seen).to.equal(value);
  });

  it('that answers with a promise fails the attempt, which is not tried again, and its rejection is handled', async () => {
    for (const schema of [z.string().refine(async () => true), rejecting]) {
      const run = await withoutUnhandled(() => both(delivering('x', schema)));
      expect(run.errors).to.deep.equal({ h: 'SCHEMA_ASYNC' });
      expect(run.attempts.h).to.equal(1);
      expect(run.messages.h).to.equal(
        'Input "h.x": its schema validates asynchronously; it comes from source.v. Use a schema that answers at once; validate slowly inside a node.',
      );
    }
  });

  it('that throws, or answers nothing, fails the attempt with what it threw as the cause', async () => {
    const run = await both(delivering('x', throwing));
    expect(run.errors).to.deep.equal({ h: 'SCHEMA_THREW' });
    expect(run.attempts.h).to.equal(1);
    expect(run.messages.h).to.equal('Input "h.x": its schema threw; it comes from source.v. Correct the schema.');
    expect(((run.error as Error).cause as Error).cause).to.be.instanceOf(RangeError);
    for (const schema of [silent, mumbling])
      expect((await both(delivering('x', schema))).errors).to.deep.equal({ h: 'SCHEMA_THREW' });
  });
});

describe('An output schema', () => {
  it('checks the value and never replaces it', async () => {
    const value = { a: 1, extra: 2 };
    const run = await both(
      returning(value, z.object({ a: z.number().transform((n) => n + 1), b: z.string().default('b') })),
    );
    expect(run.output).to.deep.equal({ v: { a: 1, extra: 2 } });
    expect(run.output.v).to.equal(value);
  });

  it('fills in no default: an output that is left out stays out', async () => {
    const run = await both(() => {
      const w = workflow('returning');
      w.add('h', defineNode({ name: 'node', outputs: { v: z.number().default(5) }, run: () => ({}) })());
      return w.build();
    });
    expect(run.results).to.deep.equal({ h: {} });
  });

  it('that is broken fails the attempt, which is not tried again unless retryOn names the code', async () => {
    const run = await both(returning('five', z.number()));
    expect(run.errors).to.deep.equal({ h: 'OUTPUT_INVALID' });
    expect(run.attempts).to.deep.equal({ h: 1 });
    expect(run.messages.h).to.equal(
      'Output "h.v" does not fit its schema: Invalid input: expected number, received string. Correct the node or the schema.',
    );
  });

  it('that answers with a promise fails the attempt, which is not tried again, and its rejection is handled', async () => {
    for (const schema of [z.string().refine(async () => true), rejecting]) {
      const run = await withoutUnhandled(() => both(returning('x', schema)));
      expect(run.errors).to.deep.equal({ h: 'SCHEMA_ASYNC' });
      expect(run.attempts).to.deep.equal({ h: 1 });
    }
  });

  it('that throws, or answers nothing, fails the attempt, which is not tried again', async () => {
    for (const schema of [throwing, silent, mumbling]) {
      const run = await both(returning('x', schema));
      expect(run.errors).to.deep.equal({ h: 'SCHEMA_THREW' });
      expect(run.attempts).to.deep.equal({ h: 1 });
    }
  });
});
