import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { codeThrownBy, everyWay, reasonOf, statuses } from '../../support/every-way.js';

const number = { params: { n: type<number>() } };

describe('branches', () => {
  it(
    'an untaken branch never starts, inner switches included, and every node of it names the same root',
    everyWay(async (run) => {
      const ran: string[] = [];
      const note =
        <T>(id: string, value: T) =>
        (): T => {
          ran.push(id);
          return value;
        };
      const w = workflow('nested', number);
      const outer = w.switch('outer', w.params.n, { big: (n) => n >= 10, small: otherwise });
      const heavy = w.fn('heavy', { n: outer.out.big }, note('heavy', 1));
      const inner = w.switch('inner', heavy.out.value, { one: (n) => n === 1, more: otherwise });
      w.fn('one', { n: inner.out.one }, note('one', 1));
      const more = w.fn('more', { n: inner.out.more }, note('more', 2));
      w.fn('last', { n: more.out.value }, note('last', 3));
      w.fn('light', { n: outer.out.small }, note('light', 4));
      const result = await run.complete(w.build(), { params: { n: 3 } });
      expect(ran).to.deep.equal(['light']);
      expect(statuses(result)).to.deep.equal({
        outer: 'completed',
        heavy: 'skipped',
        inner: 'skipped',
        one: 'skipped',
        more: 'skipped',
        last: 'skipped',
        light: 'completed',
      });
      const root = { subject: 'outer', port: 'big', code: 'branch_not_taken' };
      expect(reasonOf(result, 'heavy')).to.deep.equal({
        code: 'branch_not_taken',
        input: 'heavy.n',
        source: 'outer.big',
        root,
      });
      expect(reasonOf(result, 'inner')).to.deep.equal({
        code: 'upstream_skipped',
        input: 'inner.value',
        source: 'heavy.value',
        root,
      });
      expect(reasonOf(result, 'one')).to.deep.equal({
        code: 'upstream_skipped',
        input: 'one.n',
        source: 'inner.one',
        root,
      });
      expect(reasonOf(result, 'more')).to.deep.equal({
        code: 'upstream_skipped',
        input: 'more.n',
        source: 'inner.more',
        root,
      });
      expect(reasonOf(result, 'last')).to.deep.equal({
        code: 'upstream_skipped',
        input: 'last.n',
        source: 'more.value',
        root,
      });
    }),
  );

  it(
    'a chain of skips below an inner switch names the inner switch as its root',
    everyWay(async (run) => {
      const w = workflow('inner', number);
      const outer = w.switch('outer', w.params.n, { big: (n) => n >= 10, small: otherwise });
      const inner = w.switch('inner', outer.out.big, { huge: (n) => n >= 100, medium: otherwise });
      const huge = w.fn('huge', { n: inner.out.huge }, ({ n }) => n);
      w.fn('after', { n: huge.out.value }, ({ n }) => n);
      w.fn('medium', { n: inner.out.medium }, ({ n }) => n);
      const result = await run.complete(w.build(), { params: { n: 50 } });
      const root = { subject: 'inner', port: 'huge', code: 'branch_not_taken' };
      expect(reasonOf(result, 'huge')).to.deep.equal({
        code: 'branch_not_taken',
        input: 'huge.n',
        source: 'inner.huge',
        root,
      });
      expect(reasonOf(result, 'after')).to.deep.equal({
        code: 'upstream_skipped',
        input: 'after.n',
        source: 'huge.value',
        root,
      });
      expect(result.results.get('medium')).to.deep.equal({ value: 50 });
    }),
  );

  it(
    'a chain below a failure names the node that failed as its root',
    everyWay(async (run) => {
      const w = workflow('blocked');
      const bad = w.fn('bad', {}, (): number => {
        throw new Error('no');
      });
      const next = w.fn('next', { n: bad.out.value }, ({ n }) => n);
      w.fn('last', { n: next.out.value }, ({ n }) => n);
      const result = await run.fail(w.build());
      const root = { subject: 'bad', port: null, code: 'upstream_failed' };
      expect(reasonOf(result, 'next')).to.deep.equal({
        code: 'upstream_failed',
        input: 'next.n',
        source: 'bad.value',
        root,
      });
      expect(reasonOf(result, 'last')).to.deep.equal({
        code: 'upstream_blocked',
        input: 'last.n',
        source: 'next.value',
        root,
      });
    }),
  );

  it(
    'a boolean switch has the cases true and false',
    everyWay(async (run) => {
      const w = workflow('boolean', { params: { flag: type<boolean>() } });
      const route = w.switch('route', w.params.flag);
      const yes = w.fn('yes', { on: route.out.true }, ({ on }) => ({ on }));
      const no = w.fn('no', { on: route.out.false }, ({ on }) => ({ on }));
      const built = w.build({ outputs: { yes: yes.out.value, no: no.out.value } });
      expect((await run.complete(built, { params: { flag: true } })).output).to.deep.equal({ yes: { on: true } });
      expect((await run.complete(built, { params: { flag: false } })).output).to.deep.equal({ no: { on: false } });
    }),
  );

  it(
    'a boolean switch given no boolean fails NO_CASE_MATCHED',
    everyWay(async (run) => {
      const w = workflow('boolean', { params: { flag: type<boolean>() } });
      w.fn('yes', { on: w.switch('route', w.params.flag).out.true }, ({ on }) => on);
      const result = await run.fail(w.build(), { params: { flag: 1 as never } });
      expect(result.node('route').error?.code).to.equal('NO_CASE_MATCHED');
      expect(result.error.node).to.equal('route');
      expect(reasonOf(result, 'yes')?.code).to.equal('upstream_failed');
    }),
  );

  it(
    'mode first takes the first case that matches, in the order of declaration',
    everyWay(async (run) => {
      const asked: string[] = [];
      const w = workflow('first', number);
      const route = w.switch('route', w.params.n, {
        a: (n) => asked.push('a') > 0 && n > 100,
        b: (n) => asked.push('b') > 0 && n > 1,
        c: (n) => asked.push('c') > 0 && n > 0,
      });
      const built = w.build({ outputs: { a: route.out.a, b: route.out.b, c: route.out.c } });
      expect((await run.complete(built, { params: { n: 5 } })).output).to.deep.equal({ b: 5 });
      expect(asked).to.deep.equal(['a', 'b']);
    }),
  );

  it(
    'mode all takes every case that matches, and otherwise only where none does',
    everyWay(async (run) => {
      const w = workflow('all', number);
      const route = w.switch(
        'route',
        w.params.n,
        { even: (n) => n % 2 === 0, three: (n) => n % 3 === 0, rest: otherwise },
        { mode: 'all' },
      );
      const built = w.build({ outputs: { even: route.out.even, three: route.out.three, rest: route.out.rest } });
      expect((await run.complete(built, { params: { n: 6 } })).output).to.deep.equal({ even: 6, three: 6 });
      expect((await run.complete(built, { params: { n: 4 } })).output).to.deep.equal({ even: 4 });
      expect((await run.complete(built, { params: { n: 5 } })).output).to.deep.equal({ rest: 5 });
    }),
  );

  it(
    'otherwise declared first is still taken last',
    everyWay(async (run) => {
      const w = workflow('last', number);
      const route = w.switch('route', w.params.n, { rest: otherwise, big: (n) => n > 10 });
      const built = w.build({ outputs: { rest: route.out.rest, big: route.out.big } });
      expect((await run.complete(built, { params: { n: 11 } })).output).to.deep.equal({ big: 11 });
      expect((await run.complete(built, { params: { n: 10 } })).output).to.deep.equal({ rest: 10 });
    }),
  );

  for (const mode of ['first', 'all'] as const) {
    it(
      `mode ${mode} without a match and without otherwise fails NO_CASE_MATCHED`,
      everyWay(async (run) => {
        const w = workflow('none', number);
        const route = w.switch('route', w.params.n, { big: (n) => n > 10 }, { mode: mode as 'first' });
        w.fn('big', { n: route.out.big }, ({ n }) => n);
        const result = await run.fail(w.build(), { params: { n: 10 } });
        expect(result.failures.map(({ node, error }) => [node, error.code])).to.deep.equal([
          ['route', 'NO_CASE_MATCHED'],
        ]);
        expect(statuses(result)).to.deep.equal({ route: 'failed', big: 'blocked' });
      }),
    );
  }

  it(
    'partition puts each item into its first case and leaves a case without items dead',
    everyWay(async (run) => {
      const w = workflow('partition', { params: { list: type<readonly number[]>() } });
      const route = w.partition('route', w.params.list, {
        even: (n) => n % 2 === 0,
        three: (n) => n % 3 === 0,
        rest: otherwise,
      });
      w.fn('even', { list: route.out.even }, ({ list }) => list);
      w.fn('three', { list: route.out.three }, ({ list }) => list);
      w.fn('rest', { list: route.out.rest }, ({ list }) => list);
      const built = w.build({ outputs: { even: route.out.even, three: route.out.three, rest: route.out.rest } });
      const full = await run.complete(built, { params: { list: [1, 2, 3, 6, 9] } });
      expect(full.output).to.deep.equal({ even: [2, 6], three: [3, 9], rest: [1] });
      const part = await run.complete(built, { params: { list: [4, 8] } });
      expect(part.output).to.deep.equal({ even: [4, 8] });
      expect(reasonOf(part, 'three')).to.deep.equal({
        code: 'case_empty',
        input: 'three.list',
        source: 'route.three',
        root: { subject: 'route', port: 'three', code: 'case_empty' },
      });
      const none = await run.complete(built, { params: { list: [] } });
      expect(statuses(none)).to.deep.equal({ route: 'completed', even: 'skipped', three: 'skipped', rest: 'skipped' });
    }),
  );

  it(
    'partition fails on an item that fits no case, and on what is not a list',
    everyWay(async (run) => {
      const w = workflow('partition', { params: { list: type<readonly number[]>() } });
      const route = w.partition('route', w.params.list, { even: (n) => n % 2 === 0 });
      const built = w.build({ outputs: { even: route.out.even } });
      expect((await run.fail(built, { params: { list: [2, 3] } })).node('route').error?.code).to.equal(
        'NO_CASE_MATCHED',
      );
      expect((await run.fail(built, { params: { list: 2 as never } })).node('route').error?.code).to.equal(
        'OPERATOR_TYPE',
      );
    }),
  );

  it(
    'a predicate that returns no boolean fails OPERATOR_TYPE, and one that throws fails with its own error',
    everyWay(async (run) => {
      const w = workflow('predicates', number);
      w.switch('wrong', w.params.n, { big: ((n: number) => n) as unknown as (n: number) => boolean, rest: otherwise });
      w.switch('throws', w.params.n, {
        big: () => {
          throw Object.assign(new Error('asked in vain'), { code: 'E_ASK' });
        },
        rest: otherwise,
      });
      const result = await run.fail(w.build(), { params: { n: 1 } });
      expect(result.failures.map(({ node, error }) => [node, error.code])).to.deep.equal([
        ['wrong', 'OPERATOR_TYPE'],
        ['throws', 'E_ASK'],
      ]);
      expect(result.node('throws').error?.message).to.equal('asked in vain');
    }),
  );

  it(
    'a type guard narrows what its branch sees',
    everyWay(async (run) => {
      const isText = (value: string | number): value is string => typeof value === 'string';
      const w = workflow('guard', { params: { value: type<string | number>() } });
      const route = w.switch('route', w.params.value, { text: isText, rest: otherwise });
      const length = w.fn('length', { text: route.out.text }, ({ text }) => text.length);
      const built = w.build({ outputs: { length: length.out.value } });
      expect((await run.complete(built, { params: { value: 'four' } })).output).to.deep.equal({ length: 4 });
      expect((await run.complete(built, { params: { value: 4 } })).output).to.deep.equal({});
    }),
  );

  it(
    'null is a value: a branch that carries it is live',
    everyWay(async (run) => {
      const w = workflow('null', { params: { value: type<string | null>() } });
      const route = w.switch('route', w.params.value, { none: { op: 'is_null' }, some: otherwise });
      const seen = w.fn('seen', { value: route.out.none }, ({ value }) => ({ value }));
      const result = await run.complete(w.build({ outputs: { seen: seen.out.value } }), { params: { value: null } });
      expect(result.output).to.deep.equal({ seen: { value: null } });
    }),
  );

  it(
    'skipped nodes are left out of results, or shown as {} with skippedInResults: empty',
    everyWay(async (run) => {
      const w = workflow('shown', number);
      const route = w.switch('route', w.params.n, { big: (n) => n > 10, small: otherwise });
      w.fn('big', { n: route.out.big }, ({ n }) => n);
      w.fn('small', { n: route.out.small }, ({ n }) => n);
      const built = w.build();
      const omitted = await run.complete(built, { params: { n: 1 } });
      expect([...omitted.results]).to.deep.equal([
        ['route', { small: 1 }],
        ['small', { value: 1 }],
      ]);
      const shown = await run.complete(built, { params: { n: 1 }, runtime: { skippedInResults: 'empty' } });
      expect([...shown.results]).to.deep.equal([
        ['route', { small: 1 }],
        ['big', {}],
        ['small', { value: 1 }],
      ]);
      expect(statuses(shown)).to.deep.equal(statuses(omitted));
    }),
  );

  it(
    'a parameter addressed to a skipped node does not revive it',
    everyWay(async (run) => {
      const taker = defineNode({
        name: 'taker',
        inputs: { n: z.number().default(0) },
        outputs: { n: z.number() },
        run: ({ n }) => ({ n }),
      });
      const w = workflow('set', number);
      const route = w.switch('route', w.params.n, { big: (n) => n > 10, small: otherwise });
      const big = w.add('big', taker({ n: route.out.big }));
      const result = await run.complete(w.build(), { params: { n: 1 }, run: { set: [big.in.n.is(5)] } });
      expect(statuses(result)).to.deep.equal({ route: 'completed', big: 'skipped' });
    }),
  );

  it('a switch is refused without cases, with two otherwise, with an unknown mode or operator, and with a case that is nothing', () => {
    const make = (cases: Readonly<Record<string, unknown>>, mode = 'first') => {
      const w = workflow('refused', number);
      return codeThrownBy(() => w.switch('route', w.params.n, cases as never, { mode: mode as 'first' }));
    };
    expect(make({})).to.equal('INVALID_SWITCH');
    expect(make({ a: otherwise, b: otherwise })).to.equal('INVALID_SWITCH');
    expect(make({ a: otherwise }, 'some')).to.equal('INVALID_SWITCH');
    expect(make({ a: 5 })).to.equal('INVALID_SWITCH');
    expect(make({ a: null })).to.equal('INVALID_SWITCH');
    expect(make({ a: { op: '=' } })).to.equal('UNKNOWN_OPERATOR');
    expect(make({ '1a': otherwise })).to.equal('INVALID_NAME');
    expect(make({ a: otherwise })).to.equal(undefined);
  });
});
