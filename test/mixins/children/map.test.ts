import { expect } from 'chai';
import { z } from 'zod';
import { defineNode, variadic } from '../../../src/base/node.js';
import { collect, type Ref } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { refusal } from '../../support/caught.js';
import { increment, plus, positive, sorter } from '../../support/child-nodes.js';
import { everyWay, reasonOf, statuses } from '../../support/every-way.js';

const label = defineNode({
  name: 'label',
  inputs: { row: type<unknown>(), index: type<number>(), tag: z.string().optional() },
  outputs: { text: type<string>() },
  run: ({ row, index, tag }) => ({ text: `${index}:${JSON.stringify(row)}${tag ?? ''}` }),
});

/** A node that takes the first item off the list it is given, as it should not. */
const shorten = defineNode({
  name: 'shorten',
  inputs: { n: type<number>(), list: type<number[]>() },
  outputs: { n: type<number>() },
  run: ({ n, list }) => {
    (list as number[]).length = 0;
    return { n };
  },
});

const sum = defineNode({
  name: 'sum',
  inputs: { of: variadic(z.array(z.number())), more: type<number>() },
  outputs: { n: type<number>() },
  run: ({ of, more }) => ({ n: of.reduce((left, right) => left + right, more) }),
});

/** Adds 1 to every number of the parameter `list`. */
function addOne() {
  const w = workflow('addOne', { params: { list: type<number[]>() } });
  const all = w.map('all', w.params.list, (n) => plus({ n }));
  return w.build({ outputs: { n: all.out.n, items: all.items, failed: all.failed } });
}

describe('A map', () => {
  it(
    'over no items completes with empty lists',
    everyWay(async (run) => {
      const result = await run.complete(addOne(), { params: { list: [] } });
      expect(result.output).to.deep.equal({ n: [], items: [], failed: [] });
      expect(result.node('all')).to.deep.include({ status: 'completed', attempts: 1 });
      expect(result.children('all')).to.deep.equal([]);
      expect(run.events.map(({ kind }) => kind)).to.deep.equal([
        'run.started',
        'attempt.started',
        'children.created',
        'attempt.completed',
        'run.completed',
      ]);
    }),
  );

  it(
    'over one item runs the body once, in the scope of the item',
    everyWay(async (run) => {
      const result = await run.complete(addOne(), { params: { list: [41] } });
      expect(result.output).to.deep.equal({ n: [42], items: [{ status: 'completed', output: { n: 42 } }], failed: [] });
      const started = run.events.flatMap(({ kind, data }) => (kind === 'attempt.started' ? [data] : []));
      expect(started).to.deep.equal([
        { scope: '', node: 'all', visit: 1, attempt: 1 },
        { scope: 'all[0]/', node: 'plus', visit: 1, attempt: 1 },
      ]);
      const created = run.events.flatMap(({ kind, data }) => (kind === 'children.created' ? [data] : []));
      expect(created).to.deep.equal([{ scope: '', node: 'all', visit: 1, attempt: 1, parameters: {}, items: [41] }]);
    }),
  );

  it(
    'over a thousand items delivers them in order',
    everyWay(async (run) => {
      const list = Array.from({ length: 1000 }, (_, index) => index);
      const result = await run.complete(addOne(), { params: { list } });
      expect(result.output.n).to.deep.equal(list.map((n) => n + 1));
      expect(result.children('all').length).to.equal(1000);
      expect(result.children('all').every(({ status }) => status === 'completed')).to.equal(true);
    }),
  ).timeout(20_000);

  it(
    'gives the body the item and its number, paths into the item, and literals',
    everyWay(async (run) => {
      const w = workflow('labels', { params: { rows: type<{ x: number; y?: number }[]>() } });
      const whole = w.map('whole', w.params.rows, (row, index) => label({ row, index, tag: '!' }));
      const path = w.map('path', w.params.rows, (row, index) => label({ row: row.at('x'), index }));
      const or = w.map('or', w.params.rows, (row, index) => label({ row: row.at('y').or(7), index }));
      const checked = w.map('checked', w.params.rows, (row, index) => label({ row: row.path('x', z.number()), index }));
      const built = w.build({
        outputs: { whole: whole.out.text, path: path.out.text, or: or.out.text, checked: checked.out.text },
      });
      const { output } = await run.complete(built, { params: { rows: [{ x: 1 }, { x: 2, y: 3 }] } });
      expect(output).to.deep.equal({
        whole: ['0:{"x":1}!', '1:{"x":2,"y":3}!'],
        path: ['0:1', '1:2'],
        or: ['0:7', '1:3'],
        checked: ['0:1', '1:2'],
      });
    }),
  );

  it(
    'takes references of the workflow around it into its body, and waits for them',
    everyWay(async (run) => {
      const w = workflow('captured', { params: { list: type<number[]>(), by: type<number>() } });
      const ten = w.fn('ten', {}, () => ({ times: [10, 20] }));
      const byNode = w.map('byNode', w.params.list, (n) => plus({ n, by: ten.out.value.at('times').at(1) }));
      const byParameter = w.map('byParameter', w.params.list, (n) => plus({ n, by: w.params.by }));
      const onlyOuter = w.map('onlyOuter', w.params.list, () => plus({ n: w.params.by, by: 1 }));
      const built = w.build({ outputs: { a: byNode.out.n, b: byParameter.out.n, c: onlyOuter.out.n } });
      const { output } = await run.complete(built, { params: { list: [1, 2], by: 100 } });
      expect(output).to.deep.equal({ a: [21, 22], b: [101, 102], c: [101, 101] });
    }),
  );

  it(
    'with a captured optional input behind a branch that is not taken: the default applies',
    everyWay(async (run) => {
      const w = workflow('optional', { params: { list: type<number[]>(), n: type<number>() } });
      const route = w.switch('route', w.params.n, { big: (n) => n > 10, small: (n) => n <= 10 });
      const list = w.fn('numbers', { list: w.params.list }, (inputs) => inputs.list);
      const all = w.map('all', list.out.value, (n) => plus({ n, by: route.out.big }));
      const built = w.build({ outputs: { n: all.out.n } });
      const taken = await run.complete(built, { params: { list: [1, 2], n: 50 } });
      expect(taken.output).to.deep.equal({ n: [51, 52] });
      const untaken = await run.complete(built, { params: { list: [1, 2], n: 5 } });
      expect(untaken.output).to.deep.equal({ n: [2, 3] });
    }),
  );

  it(
    'whose list, or a required capture of its body, lies behind a branch that is not taken is skipped',
    everyWay(async (run) => {
      const w = workflow('skipped', { params: { list: type<number[]>(), n: type<number>() } });
      const route = w.switch('route', w.params.n, { big: (n) => n > 10, small: (n) => n <= 10 });
      const lists = w.switch('lists', w.params.list, {
        long: (list) => list.length > 10,
        short: (list) => list.length <= 10,
      });
      w.map('far', lists.out.long, (n) => plus({ n }));
      w.map('capture', w.params.list, (by) => plus({ n: route.out.big, by }));
      w.map('path', w.params.list, (by) => positive({ n: by }), { after: 'capture' });
      const result = await run.complete(w.build(), { params: { list: [1], n: 5 } });
      expect(statuses(result)).to.deep.equal({
        route: 'completed',
        lists: 'completed',
        far: 'skipped',
        capture: 'skipped',
        path: 'completed',
      });
      expect(reasonOf(result, 'far')).to.deep.equal({
        code: 'branch_not_taken',
        input: 'far.$list',
        source: 'lists.long',
        root: { subject: 'lists', port: 'long', code: 'branch_not_taken' },
      });
      expect(reasonOf(result, 'capture')).to.deep.equal({
        code: 'branch_not_taken',
        input: 'capture.n',
        source: 'route.big',
        root: { subject: 'route', port: 'big', code: 'branch_not_taken' },
      });
      expect(result.children('far')).to.deep.equal([]);
    }),
  );

  it(
    'whose list failed upstream is blocked, and what reads it as well',
    everyWay(async (run) => {
      const w = workflow('blocked');
      const rows = w.fn('rows', {}, (): number[] => {
        throw new Error('no rows');
      });
      const all = w.map('all', rows.out.value, (n) => plus({ n }));
      w.fn('sum', { list: all.out.n }, ({ list }) => list.length);
      const result = await run.fail(w.build());
      expect(statuses(result)).to.deep.equal({ rows: 'failed', all: 'blocked', sum: 'blocked' });
      expect(reasonOf(result, 'all')).to.deep.include({
        code: 'upstream_failed',
        input: 'all.$list',
        source: 'rows.value',
      });
    }),
  );

  it(
    'of something that is no list is not tried again: that cannot change it',
    everyWay(async (run) => {
      const w = workflow('again', { params: { list: type<number[]>() } });
      w.map('all', w.params.list, (n) => plus({ n, by: 1 }), { retry: { attempts: 3 } });
      const result = await run.fail(w.build(), { params: { list: 7 as never } });
      expect([result.node('all').attempts, result.node('all').error?.code]).to.deep.equal([1, 'NOT_A_LIST']);
    }),
  );

  it(
    'of something that is no list fails, before any child begins',
    everyWay(async (run) => {
      for (const [value, kind] of [
        ['text', 'string'],
        [{ length: 2 }, 'object'],
        [new Set([1]), 'object'],
        [null, 'null'],
      ] as const) {
        const result = await run.fail(addOne(), { params: { list: value } });
        expect(result.error.code).to.equal('RUN_FAILED');
        expect(result.node('all').error).to.deep.include({ code: 'NOT_A_LIST' });
        expect(result.error.cause).to.include({ at: 'all', value });
        expect(result.node('all').error?.message).to.include(`The list of map "all" is of type ${kind}.`);
        expect(run.events.some(({ kind: what }) => what === 'children.created')).to.equal(false);
      }
    }),
  );

  it(
    'takes over the list as it was: what a node does to it later changes no item',
    everyWay(async (run) => {
      const w = workflow('shared', { params: { list: type<number[]>() } });
      const all = w.map('all', w.params.list, (n) => shorten({ n, list: w.params.list }), { maxConcurrency: 1 });
      const built = w.build({ outputs: { n: all.out.n } });
      const { output } = await run.complete(built, { params: { list: [1, 2, 3] }, compare: false });
      expect(output).to.deep.equal({ n: [1, 2, 3] });
    }),
  );

  it(
    'runs a workflow for each item; an output that is dead there is missing from the list',
    everyWay(async (run) => {
      const sort = sorter();
      const w = workflow('bodies', { params: { list: type<number[]>() } });
      const all = w.map('all', w.params.list, (n) => sort({ n }));
      const built = w.build({ outputs: { big: all.out.big, small: all.out.small, items: all.items } });
      const result = await run.complete(built, { params: { list: [1, 50, 2] } });
      expect(result.output).to.deep.equal({
        big: [150],
        small: [2, 3],
        items: [
          { status: 'completed', output: { small: 2 } },
          { status: 'completed', output: { big: 150 } },
          { status: 'completed', output: { small: 3 } },
        ],
      });
      const [first] = result.children('all');
      expect([first?.scope, first?.node('sorter').status]).to.deep.equal(['all[0]/', 'completed']);
      const [inner] = first?.children('sorter') ?? [];
      expect([inner?.scope, inner?.node('big').status]).to.deep.equal(['all[0]/sorter/', 'skipped']);
    }),
  );

  it(
    'of maps, through a workflow: lists of lists',
    everyWay(async (run) => {
      const inner = addOne();
      const w = workflow('matrix', { params: { rows: type<number[][]>() } });
      const all = w.map('each', w.params.rows, (list) => inner({ list }));
      const built = w.build({ outputs: { n: all.out.n } });
      const result = await run.complete(built, { params: { rows: [[1, 2], [], [3]] } });
      expect(result.output).to.deep.equal({ n: [[2, 3], [], [4]] });
      const scopes = run.events.flatMap(({ kind, data }) =>
        kind === 'attempt.started' && 'node' in data && data.node === 'plus' ? [data.scope] : [],
      );
      expect(scopes.sort()).to.deep.equal([
        'each[0]/addOne/all[0]/',
        'each[0]/addOne/all[1]/',
        'each[2]/addOne/all[0]/',
      ]);
    }),
  );

  it(
    'over a list with a hole, or undefined, fails at that item: nothing is not a value, null is one',
    everyWay(async (run) => {
      const w = workflow('holes', { params: { list: type<unknown[]>() } });
      const all = w.map('all', w.params.list, (row, index) => label({ row, index }), { onItemError: 'collect' });
      const built = w.build({ outputs: { text: all.out.text, failed: all.failed } });
      // biome-ignore lint/suspicious/noSparseArray: that is what is tested
      const { output } = await run.complete(built, { params: { list: [null, , 0, undefined, false, ''] } });
      expect(output.text).to.deep.equal(['0:null', '2:0', '4:false', '5:""']);
      expect(output.failed.map(({ index, error }) => [index, error.code])).to.deep.equal([
        [1, 'INPUT_MISSING'],
        [3, 'INPUT_MISSING'],
      ]);
    }),
  );

  it(
    'gives each of two maps over one list its own children',
    everyWay(async (run) => {
      const one = increment();
      const w = workflow('twice', { params: { list: type<number[]>() } });
      const a = w.map('a', w.params.list, (n) => one({ n }));
      const b = w.map('b', a.out.n, (n) => one({ n }));
      const built = w.build({ outputs: { a: a.out.n, b: b.out.n } });
      const result = await run.complete(built, { params: { list: [1, 2] } });
      expect(result.output).to.deep.equal({ a: [2, 3], b: [3, 4] });
      expect(result.value(b.out.n)).to.deep.equal([3, 4]);
      expect(result.value(b.out.n.at(1))).to.equal(4);
      expect(result.value(b.failed)).to.deep.equal([]);
      expect(result.results.get('a')).to.deep.equal({
        n: [2, 3],
        $items: [
          { status: 'completed', output: { n: 2 } },
          { status: 'completed', output: { n: 3 } },
        ],
        $failed: [],
      });
    }),
  );

  it(
    'takes several sources into a variadic input of its body as a node outside does',
    everyWay(async (run) => {
      const w = workflow('several', { params: { list: type<number[]>() } });
      const a = w.fn('a', {}, () => 1);
      const b = w.fn('b', {}, () => 2);
      const outside = w.add('outside', sum({ of: collect(a.out.value, b.out.value), more: 1 }));
      const all = w.map('all', w.params.list, (more) => sum({ of: collect(a.out.value, b.out.value), more }));
      const built = w.build({ outputs: { outside: outside.out.n, all: all.out.n } });
      const { output } = await run.complete(built, { params: { list: [1, 10] } });
      expect(output).to.deep.equal({ outside: 4, all: [4, 13] });
    }),
  );

  it(
    'keeps the order of items although they settle in reverse',
    everyWay(
      async (run) => {
        const order: number[] = [];
        const late = defineNode({
          name: 'late',
          inputs: { n: type<number>() },
          outputs: { n: type<number>() },
          async: true,
          run: async ({ n }) => {
            for (let left = 10 * (10 - n); left > 0; left--) await null;
            order.push(n);
            return { n };
          },
        });
        const w = workflow('reverse', { params: { list: type<number[]>() } });
        const all = w.map('all', w.params.list, (n) => late({ n }));
        const result = await run.complete(w.build({ outputs: { n: all.out.n } }), { params: { list: [0, 3, 6, 9] } });
        expect(order).to.deep.equal([9, 6, 3, 0]);
        expect(result.output.n).to.deep.equal([0, 3, 6, 9]);
        const settled = run.events.flatMap((event) =>
          event.kind === 'attempt.completed' && event.data.node === 'late' ? [event.data.scope] : [],
        );
        expect(settled).to.deep.equal(['all[3]/', 'all[2]/', 'all[1]/', 'all[0]/']);
      },
      ['async runtime, async nodes'],
    ),
  );

  it('is refused at build where its body is none', () => {
    const w = workflow('wrong', { params: { list: type<number[]>() } });
    const { list } = w.params;
    expect(refusal(() => w.map('a', list, (() => plus) as never)).code).to.equal('INVALID_DEFINITION');
    expect(refusal(() => w.map('a', list, 7 as never)).code).to.equal('INVALID_DEFINITION');
    expect(refusal(() => w.map('a', list, (n) => plus({ n: { n } as never }))).code).to.equal('REF_IN_LITERAL');
    expect(refusal(() => w.map('a', list, (n) => plus({ n, by: 'x' as never })))).to.deep.include({
      code: 'WRONG_PORT_TYPE',
      at: 'plus.by',
    });
    expect(refusal(() => w.map('a', list, (n) => plus({ n }), { maxConcurrency: 0 })).code).to.equal('INVALID_OPTION');
    expect(refusal(() => w.map('a', list, (n) => plus({ n }), { onItemError: 'x' as never })).code).to.equal(
      'INVALID_OPTION',
    );
    expect(refusal(() => w.map('a', list, (n) => plus({ n }), { concurrency: 1 } as never)).code).to.equal(
      'UNKNOWN_OPTION',
    );
    const other = workflow('other', { params: { n: type<number>() } });
    expect(refusal(() => w.map('a', list, (n) => plus({ n, by: other.params.n }))).code).to.equal('FOREIGN_REF');
    w.map('all', list, (n) => plus({ n }));
    expect(refusal(() => w.map('all', list, (n) => plus({ n }))).code).to.equal('DUPLICATE_ID');
  });

  it('lends its item to nobody outside its body', () => {
    const w = workflow('leak', { params: { list: type<number[]>() } });
    let leaked: Ref<number> | undefined;
    w.map('all', w.params.list, (n) => {
      leaked = n;
      return plus({ n });
    });
    expect(refusal(() => w.add('x', plus({ n: leaked as Ref<number> }))).code).to.equal('FOREIGN_REF');
    expect(refusal(() => w.map('other', w.params.list, () => plus({ n: leaked as Ref<number> }))).code).to.equal(
      'FOREIGN_REF',
    );
  });
});
