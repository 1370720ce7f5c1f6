import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { both } from '../../support/both.js';
import { give, take } from '../../support/nodes.js';

const { isFrozen } = Object;

describe('An input', () => {
  it('is shared as it is by default, and stays as mutable as it was', async () => {
    const value = { list: [1] };
    await both(() => {
      const w = workflow('sharing');
      w.add('h', take(type<unknown>())({ x: w.add('source', give(value)).out.v }));
      return w.build();
    });
    expect([isFrozen(value), isFrozen(value.list)]).to.deep.equal([false, false]);
  });
});

describe('An input of a node with inputMode "frozen"', () => {
  const freezing = (value: unknown) => () => {
    const w = workflow('freezing');
    w.add('h', take(type<unknown>(), 'frozen')({ x: w.add('source', give(value)).out.v }));
    return w.build();
  };

  it('is frozen all the way down, objects and arrays', async () => {
    const value = { a: { b: [{ c: 1 }] }, empty: {}, nothing: null, none: undefined };
    await both(freezing(value));
    expect([value, value.a, value.a.b, value.a.b[0], value.empty].map(isFrozen)).to.deep.equal([
      true,
      true,
      true,
      true,
      true,
    ]);
  });

  it('fails the attempt of a node that mutates it, and the source keeps its value', async () => {
    const run = await both(() => {
      const mutating = defineNode({
        name: 'mutating',
        inputs: { rows: type<number[]>() },
        outputs: { n: type<number>() },
        inputMode: 'frozen',
        run: ({ rows }) => ({ n: rows.push(4) }),
      });
      const w = workflow('mutating');
      w.add('m', mutating({ rows: w.add('source', give([1, 2, 3])).out.v }));
      return w.build();
    });
    expect(run.nodes).to.deep.equal({ source: 'completed', m: 'failed' });
    expect(run.messages.m).to.match(/object is not extensible/);
    expect(run.results.source).to.deep.equal({ v: [1, 2, 3] });
  });

  it('is frozen below what was frozen already', async () => {
    const value = Object.freeze({ inner: { n: 1 } });
    await both(freezing(value));
    expect(isFrozen(value.inner)).to.equal(true);
  });

  it('may contain itself, and instances, which are left alone', async () => {
    class Box {
      readonly content = { n: 1 };
    }
    const value: Record<string, unknown> = {
      map: new Map([['a', {}]]),
      bytes: new Uint8Array(2),
      date: new Date(0),
      box: new Box(),
      bare: Object.create(null),
    };
    value.self = value;
    const run = await both(freezing(value));
    expect(run.status).to.equal('completed');
    expect([isFrozen(value), isFrozen(value.bare)]).to.deep.equal([true, true]);
    for (const name of ['map', 'bytes', 'date', 'box']) expect(isFrozen(value[name]), name).to.equal(false);
  });

  it('is what the schema made of it', async () => {
    const value = { a: [1] };
    const run = await both(() => {
      const w = workflow('parsing');
      const h = w.add(
        'h',
        take(z.object({ a: z.array(z.number()) }), 'frozen')({ x: w.add('source', give(value)).out.v }),
      );
      return w.build({ outputs: { seen: h.out.seen } });
    });
    const seen = run.output.seen as typeof value;
    expect([isFrozen(seen), isFrozen(seen.a)]).to.deep.equal([true, true]);
    expect([isFrozen(value), isFrozen(value.a)]).to.deep.equal([false, false]);
  });
});

describe('What the caller passed is never frozen', () => {
  const deep = () => ({ inner: { list: [{ n: 1 }] } });
  const parts = (value: ReturnType<typeof deep>) =>
    [value, value.inner, value.inner.list, value.inner.list[0]].map(isFrozen);
  const NONE = [false, false, false, false];

  it('as a parameter, whole or in part', async () => {
    const value = deep();
    await both(
      () => {
        const w = workflow('passing', { params: { p: type<ReturnType<typeof deep>>() } });
        w.add('whole', take(type<unknown>(), 'frozen')({ x: w.params.p }));
        w.add('part', take(type<unknown>(), 'frozen')({ x: w.params.p.at('inner') }));
        return w.build();
      },
      { params: { p: value } },
    );
    expect(parts(value)).to.deep.equal(NONE);
  });

  it('as a broadcast or node-addressed parameter', async () => {
    const [broadcast, addressed] = [deep(), deep()];
    await both(
      () => {
        const w = workflow('passing');
        w.node('a', take(type<unknown>(), 'frozen'));
        w.node('b', take(type<unknown>(), 'frozen'));
        return w.build();
      },
      { params: { x: broadcast }, run: { set: { b: { x: addressed } } } },
    );
    expect([parts(broadcast), parts(addressed)]).to.deep.equal([NONE, NONE]);
  });

  it('when it comes back in the output of a node: what is around it is frozen', async () => {
    const value = deep();
    const run = await both(
      () => {
        const w = workflow('wrapping', { params: { p: type<ReturnType<typeof deep>>() } });
        const wrapped = w.fn('wrap', { p: w.params.p }, ({ p }) => ({
          own: [1],
          from: (p as ReturnType<typeof deep>).inner,
        }));
        const h = w.add('h', take(type<unknown>(), 'frozen')({ x: wrapped.out.value }));
        w.add('again', take(type<unknown>(), 'frozen')({ x: h.out.seen }));
        return w.build();
      },
      { params: { p: value } },
    );
    const { value: wrapper } = run.results.wrap as { readonly value: { readonly own: unknown } };
    expect([isFrozen(wrapper), isFrozen(wrapper.own)]).to.deep.equal([true, true]);
    expect(parts(value)).to.deep.equal(NONE);
  });
});
