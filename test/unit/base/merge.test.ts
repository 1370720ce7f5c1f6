import { expect } from 'chai';
import { LockstepError } from '../../../src/base/errors.js';
import { type Bound, defineNode } from '../../../src/base/node.js';
import { merge } from '../../../src/base/nodes/merge.js';
import { collect, type Ref } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';

interface User {
  readonly id: number | null;
  readonly name: string;
}

interface Order {
  readonly id: number | null;
  readonly userId: number | null;
  readonly sum: number;
}

type Value<B> = B extends Bound<unknown, { value: infer V }, string> ? V : never;

/** True only where both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function same<_Yes extends true>(): void {}

const source = defineNode({
  name: 'source',
  version: '1',
  outputs: {
    users: type<User[]>(),
    orders: type<Order[]>(),
    numbers: type<number[]>(),
    words: type<string[]>(),
    settings: type<{ a: number; b: string }>(),
  },
  run: () => ({ users: [], orders: [], numbers: [], words: [], settings: { a: 1, b: '' } }),
});
const w = workflow('merging');
const { out } = w.add('source', source());
const people: Ref<readonly User[]> = out.users;
const { orders, numbers, words, settings } = out;

/** Runs the node on what its connections would deliver, with its options as they were bound. */
function run<B extends Bound<unknown, { value: unknown }, string>>(
  bound: B,
  inputs: Readonly<Record<string, unknown>>,
): Value<B> {
  const options = Object.fromEntries(Object.entries(bound.inputs).filter(([port]) => port.startsWith('$')));
  const output = bound.implementation.run({ ...options, ...inputs }, {} as never) as { value: Value<B> };
  return output.value;
}

function refusal(act: () => unknown): LockstepError {
  try {
    act();
  } catch (error) {
    if (error instanceof LockstepError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

function mismatch(act: () => unknown): string {
  const error = refusal(act);
  expect(error.code).to.equal('MERGE_MISMATCH');
  return error.message;
}

describe('merge.concat', () => {
  const bound = merge.concat(collect(numbers, words));

  it('appends lists in the order given, null and undefined included', () => {
    same<Same<Value<typeof bound>, (number | string)[]>>();
    expect(run(bound, { lists: [[1, null], [], ['a', undefined], [1]] })).to.deep.equal([1, null, 'a', undefined, 1]);
    expect(run(bound, { lists: [] })).to.deep.equal([]);
  });

  it('does not change or share the lists', () => {
    const list = Object.freeze([1]);
    expect(run(bound, { lists: [list] })).to.deep.equal([1]);
    expect(run(bound, { lists: [list] })).to.not.equal(list);
  });

  it('fails on what is not a list, naming it', () => {
    expect(mismatch(() => run(bound, { lists: [[1], 'ab'] })))
      .to.contain('List 1')
      .and.to.contain('string');
    expect(mismatch(() => run(bound, { lists: null }))).to.contain('null');
  });

  it('has a versioned identity and holds 200,000 items', () => {
    expect(bound.implementation.identity).to.deep.equal({ name: 'lockstep.merge.concat', version: '1' });
    expect(run(bound, { lists: [Array.from({ length: 200_000 }, () => 1)] })).to.have.length(200_000);
  });
});

describe('merge.zip', () => {
  const equal = merge.zip({ left: numbers, right: words });
  const shortest = merge.zip({ left: numbers, right: words }, { lengths: 'shortest' });

  it('pairs items by position', () => {
    same<Same<Value<typeof equal>, { left: number; right: string }[]>>();
    expect(run(equal, { left: [1, 2], right: ['a', null] })).to.deep.equal([
      { left: 1, right: 'a' },
      { left: 2, right: null },
    ]);
    expect(run(equal, { left: [], right: [] })).to.deep.equal([]);
  });

  it('fails on lists of different lengths, naming both', () => {
    expect(mismatch(() => run(equal, { left: [1, 2, 3], right: ['a', 'b'] }))).to.contain(
      '"left" has 3, "right" has 2',
    );
  });

  it('leaves out what has no partner where it is asked to', () => {
    expect(run(shortest, { left: [1, 2, 3], right: ['a'] })).to.deep.equal([{ left: 1, right: 'a' }]);
  });

  it('keeps its option in the data, out of reach of the names of lists', () => {
    expect(shortest.inputs).to.include({ $lengths: 'shortest' });
    expect(equal.inputs).to.include({ $lengths: 'equal' });
    const bound = merge.zip({ lengths: numbers });
    expect(run(bound, { lengths: [1] })).to.deep.equal([{ lengths: 1 }]);
  });

  it('refuses options and names that do not exist or cannot be', () => {
    expect(refusal(() => merge.zip({ a: numbers }, { length: 'equal' } as never)).code).to.equal('UNKNOWN_OPTION');
    expect(refusal(() => merge.zip({ a: numbers }, { lengths: 'longest' as never })).code).to.equal('INVALID_OPTION');
    expect(refusal(() => merge.zip({ 'a b': numbers })).code).to.equal('INVALID_NAME');
    expect(refusal(() => merge.zip({})).code).to.equal('INVALID_DEFINITION');
    expect(refusal(() => run(equal, { left: [], right: [], $lengths: 'x' })).code).to.equal('INVALID_OPTION');
  });

  it('fails on what is not a list, naming the input', () => {
    expect(mismatch(() => run(equal, { left: [1], right: { length: 1 } }))).to.contain('"right"');
  });
});

describe('merge.objects', () => {
  const last = merge.objects(collect(settings, out.settings.at('a') as unknown as Ref<{ b: string; c: null }>));
  const strict = merge.objects(collect(settings), { conflicts: 'error' });

  it('puts all properties into one object, the last one counting', () => {
    same<Same<Value<typeof last>, { a?: number; b?: string; c?: null }>>();
    expect(
      run(last, {
        objects: [
          { a: 1, b: 'x' },
          { b: 'y', c: null },
        ],
      }),
    ).to.deep.equal({ a: 1, b: 'y', c: null });
    expect(run(last, { objects: [] })).to.deep.equal({});
  });

  it('fails on a property that two objects have where it is asked to, naming it', () => {
    expect(mismatch(() => run(strict, { objects: [{ a: 1 }, { b: 2 }, { a: 1 }] })))
      .to.contain('Object 2')
      .and.to.contain('"a"');
    expect(run(strict, { objects: [{ a: 1 }, { b: 'x' }] })).to.deep.equal({ a: 1, b: 'x' });
  });

  it('replaces nested objects rather than merging them, and changes none', () => {
    const first = Object.freeze({ a: Object.freeze({ x: 1 }) });
    expect(run(last, { objects: [first, { a: { y: 2 } }] })).to.deep.equal({ a: { y: 2 } });
  });

  it('treats __proto__ as a name like any other', () => {
    const value = run(last, { objects: [JSON.parse('{"__proto__":{"polluted":true}}')] });
    expect(Object.getPrototypeOf(value)).to.equal(Object.prototype);
    expect(Object.keys(value)).to.deep.equal(['__proto__']);
  });

  for (const [kind, value] of [
    ['array', []],
    ['null', null],
    ['string', 'x'],
    ['map', new Map()],
    ['date', new Date(0)],
  ] as const) {
    it(`fails on a value of the kind ${kind}, whose properties would be lost`, () => {
      expect(mismatch(() => run(last, { objects: [{}, value] })))
        .to.contain('Value 1')
        .and.to.contain(kind);
    });
  }
});

describe('merge.byKey', () => {
  const users = [
    { id: 2, name: 'Bo' },
    { id: 1, name: 'Al' },
    { id: 4, name: 'Di' },
  ];
  const bought = [
    { id: 3, userId: 3, sum: 30 },
    { id: 1, userId: 1, sum: 10 },
    { id: 2, userId: 2, sum: 20 },
  ];
  const inner = merge.byKey({ user: people, order: orders }, { key: { user: 'id', order: 'userId' } });
  const outer = merge.byKey({ user: people, order: orders }, { key: 'id', how: 'outer' });
  const left = merge.byKey({ user: people, order: orders }, { key: 'id', how: 'left' });

  it('joins the items that every list has, in order of first appearance', () => {
    same<Same<Value<typeof inner>, { key: number | null; user: User; order: Order }[]>>();
    expect(run(inner, { user: users, order: bought })).to.deep.equal([
      { key: 2, user: users[0], order: bought[2] },
      { key: 1, user: users[1], order: bought[1] },
    ]);
  });

  it('keeps keys that only one list has in an outer join', () => {
    same<Same<Value<typeof outer>, { key: number | null; user?: User; order?: Order }[]>>();
    expect(run(outer, { user: users, order: bought })).to.deep.equal([
      { key: 2, user: users[0], order: bought[2] },
      { key: 1, user: users[1], order: bought[1] },
      { key: 4, user: users[2] },
      { key: 3, order: bought[0] },
    ]);
  });

  it('keeps the keys of the first list in a left join', () => {
    expect(run(left, { user: users, order: bought }).map(({ key }) => key)).to.deep.equal([2, 1, 4]);
  });

  it('takes null as a key like any other, and tells 1 from "1"', () => {
    const rows = run(inner, { user: [{ id: null, name: 'x' }], order: [{ id: 9, userId: null, sum: 1 }] });
    expect(rows).to.deep.equal([{ key: null, user: { id: null, name: 'x' }, order: { id: 9, userId: null, sum: 1 } }]);
    expect(run(outer, { user: [{ id: 1 }], order: [{ id: '1' }] })).to.have.length(2);
  });

  it('fails on a key that one list has twice, naming it', () => {
    expect(mismatch(() => run(outer, { user: [{ id: 7 }, { id: 7 }], order: [] })))
      .to.contain('"user"')
      .and.to.contain('7');
    expect(mismatch(() => run(outer, { user: [], order: [{ id: null }, { id: null }] }))).to.contain('null');
    expect(
      mismatch(() => run(outer, { user: [{ id: 'x'.repeat(500) }, { id: 'x'.repeat(500) }], order: [] })),
    ).to.have.length.lessThan(200);
  });

  it('fails on an item without the key property, naming item and property', () => {
    expect(mismatch(() => run(inner, { user: users, order: [{ id: 1 }] })))
      .to.contain('Item 0 of "order"')
      .and.to.contain('"userId"');
    expect(mismatch(() => run(outer, { user: [{ id: undefined }], order: [] }))).to.contain('"id"');
    expect(mismatch(() => run(outer, { user: [null], order: [] }))).to.contain('Item 0 of "user"');
    expect(mismatch(() => run(outer, { user: [Object.create({ id: 1 })], order: [] }))).to.contain('"id"');
  });

  it('fails on a key that is an object: it would be equal to nothing after a replay', () => {
    expect(mismatch(() => run(outer, { user: [{ id: {} }], order: [] }))).to.contain('"id"');
  });

  it('keeps its options in the data', () => {
    expect(outer.inputs).to.deep.include({ $key: { user: 'id', order: 'id' }, $how: 'outer' });
    expect(inner.inputs).to.deep.include({ $key: { user: 'id', order: 'userId' }, $how: 'inner' });
  });

  it('refuses key options that do not fit the lists', () => {
    expect(refusal(() => merge.byKey({ user: people, order: orders }, { key: { user: 'id' } as never })).code).to.equal(
      'INVALID_DEFINITION',
    );
    expect(refusal(() => merge.byKey({ user: people }, { key: { usr: 'id' } as never })).code).to.equal(
      'UNKNOWN_OPTION',
    );
    expect(refusal(() => merge.byKey({ key: people }, { key: 'id' })).code).to.equal('INVALID_NAME');
    // @ts-expect-error: neither list has such a property
    merge.byKey({ user: people, order: orders }, { key: 'nme' });
  });
});

describe('Merge nodes in a workflow', () => {
  it('are added like any node, with their lists connected and their options as configuration', () => {
    const zip = w.add('zip', merge.zip({ left: numbers, right: words }, { lengths: 'shortest' }));
    const built = w.build({ outputs: { pairs: zip.out.value } });
    expect(built.data.nodes.find(({ id }) => id === 'zip')).to.deep.include({
      use: { name: 'lockstep.merge.zip', version: '1' },
      config: { $lengths: 'shortest' },
    });
    expect(built.data.connections.map(({ to }) => `${to.node}.${to.port}`)).to.deep.equal(['zip.left', 'zip.right']);
  });

  it('depend on the branches of all their lists', () => {
    const branches = workflow('branches');
    const { out: from } = branches.add('source', source());
    const route = branches.switch('route', from.numbers, {
      many: (list) => list.length > 1,
      few: { op: '==', value: null },
    });
    const bound = merge.zip({ a: route.out.many, b: from.words });
    same<Same<typeof bound extends Bound<unknown, unknown, infer C> ? C : never, 'if route.many'>>();
    expect(Object.keys(bound.inputs)).to.deep.equal(['a', 'b', '$lengths']);
  });
});
