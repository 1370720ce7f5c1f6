import { expect } from 'chai';
import { z } from 'zod';
import { when } from '../../../src/base/condition.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { collect, oneOf, required } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { everyWay, reasonOf, statuses } from '../../support/every-way.js';

const number = { params: { n: type<number>() } };

const maybe = defineNode({
  name: 'maybe',
  inputs: { v: z.unknown().optional() },
  outputs: { got: type<string>() },
  run: ({ v }) => ({ got: v === undefined ? 'nothing' : JSON.stringify(v) }),
});

/** A switch with two branches, each with a node that names it. */
function fork() {
  const w = workflow('fork', number);
  const route = w.switch('route', w.params.n, { big: (n) => n >= 10, small: otherwise });
  const big = w.fn('big', { n: route.out.big }, ({ n }) => `big ${n}`);
  const small = w.fn('small', { n: route.out.small }, ({ n }) => `small ${n}`);
  return { w, route, big, small };
}

describe('joins and choices', () => {
  it(
    'route.join delivers the case that was taken',
    everyWay(async (run) => {
      const { w, route, big, small } = fork();
      const end = w.fn(
        'end',
        { text: route.join({ big: big.out.value, small: small.out.value }) },
        ({ text }) => `${text}!`,
      );
      const built = w.build({ outputs: { end: end.out.value } });
      expect((await run.complete(built, { params: { n: 12 } })).output).to.deep.equal({ end: 'big 12!' });
      const low = await run.complete(built, { params: { n: 2 } });
      expect(low.output).to.deep.equal({ end: 'small 2!' });
      expect(statuses(low)).to.deep.equal({ route: 'completed', big: 'skipped', small: 'completed', end: 'completed' });
    }),
  );

  it(
    'route.join waits only for the case that was taken, never for a failure in the other',
    everyWay(async (run) => {
      const { w, route, big } = fork();
      const slow = w.fn('slow', { text: big.out.value }, () => 'slow');
      const elsewhere = w.fn('elsewhere', {}, (): string => {
        throw new Error('elsewhere');
      });
      const end = w.fn(
        'end',
        { text: route.join({ big: slow.out.value, small: elsewhere.out.value }) },
        ({ text }) => text,
      );
      const result = await run.fail(w.build({ outputs: { end: end.out.value } }), { params: { n: 10 } });
      expect(result.results.get('end')).to.deep.equal({ value: 'slow' });
      expect(result.error.node).to.equal('elsewhere');
    }),
  );

  it(
    'route.join of a switch that failed blocks; of one that was skipped skips, with its root',
    everyWay(async (run) => {
      const w = workflow('ends', number);
      const outer = w.switch('outer', w.params.n, { big: (n) => n >= 10, small: otherwise });
      const inner = w.switch('inner', outer.out.big, { hundred: (n) => n === 100 });
      w.fn('end', { n: inner.join({ hundred: inner.out.hundred }) }, ({ n }) => n);
      const built = w.build();
      const skipped = await run.complete(built, { params: { n: 1 } });
      expect(reasonOf(skipped, 'end')).to.deep.equal({
        code: 'upstream_skipped',
        input: 'end.n',
        source: 'inner.',
        root: { subject: 'outer', port: 'big', code: 'branch_not_taken' },
      });
      const blocked = await run.fail(built, { params: { n: 11 } });
      expect(reasonOf(blocked, 'end')?.code).to.equal('upstream_failed');
      expect(reasonOf(blocked, 'end')?.root.subject).to.equal('inner');
      const taken = await run.complete(built, { params: { n: 100 } });
      expect(taken.results.get('end')).to.deep.equal({ value: 100 });
    }),
  );

  it(
    'a join of joins follows both switches',
    everyWay(async (run) => {
      const w = workflow('nested', number);
      const outer = w.switch('outer', w.params.n, { big: (n) => n >= 10, small: otherwise });
      const inner = w.switch('inner', outer.out.big, { huge: (n) => n >= 100, medium: otherwise });
      const huge = w.fn('huge', { n: inner.out.huge }, () => 'huge');
      const medium = w.fn('medium', { n: inner.out.medium }, () => 'medium');
      const small = w.fn('small', { n: outer.out.small }, () => 'small');
      const joined = outer.join({
        big: inner.join({ huge: huge.out.value, medium: medium.out.value }),
        small: small.out.value,
      });
      const end = w.fn('end', { joined }, ({ joined: text }) => text);
      const built = w.build({ outputs: { end: end.out.value } });
      expect((await run.complete(built, { params: { n: 100 } })).output).to.deep.equal({ end: 'huge' });
      expect((await run.complete(built, { params: { n: 50 } })).output).to.deep.equal({ end: 'medium' });
      expect((await run.complete(built, { params: { n: 5 } })).output).to.deep.equal({ end: 'small' });
    }),
  );

  it(
    'a joined case that failed blocks, although the switch is fine',
    everyWay(async (run) => {
      const { w, route, small } = fork();
      const bad = w.fn('bad', { n: route.out.big }, (): string => {
        throw new Error('bad');
      });
      w.fn('end', { text: route.join({ big: bad.out.value, small: small.out.value }) }, ({ text }) => text);
      const result = await run.fail(w.build(), { params: { n: 10 } });
      expect(reasonOf(result, 'end')).to.deep.equal({
        code: 'upstream_failed',
        input: 'end.text',
        source: 'bad.value',
        root: { subject: 'bad', port: null, code: 'upstream_failed' },
      });
    }),
  );

  it(
    'a joined case whose own branch was not taken skips',
    everyWay(async (run) => {
      const { w, route, small } = fork();
      const sub = w.switch('sub', route.out.big, { odd: (n) => n % 2 === 1, even: otherwise });
      const odd = w.fn('odd', { n: sub.out.odd }, () => 'odd');
      const joined = route.join({ big: odd.out.value as never, small: small.out.value });
      w.add('end', maybe({ v: joined }));
      const result = await run.complete(w.build(), { params: { n: 10 } });
      expect(reasonOf(result, 'end')).to.deep.equal({
        code: 'upstream_skipped',
        input: 'end.v',
        source: 'odd.value',
        root: { subject: 'sub', port: 'odd', code: 'branch_not_taken' },
      });
    }),
  );

  it(
    'oneOf delivers the live one of exclusive branches',
    everyWay(async (run) => {
      const { w, big, small } = fork();
      const end = w.fn('end', { text: oneOf(big.out.value, small.out.value) }, ({ text }) => text);
      const built = w.build({ outputs: { end: end.out.value } });
      expect((await run.complete(built, { params: { n: 10 } })).output).to.deep.equal({ end: 'big 10' });
      expect((await run.complete(built, { params: { n: 9 } })).output).to.deep.equal({ end: 'small 9' });
    }),
  );

  it(
    'oneOf with two live sources fails INPUT_CONFLICT and names both',
    everyWay(async (run) => {
      const w = workflow('conflict', number);
      const a = w.switch('a', w.params.n, { yes: (n) => n > 1, no: otherwise });
      const b = w.switch('b', w.params.n, { yes: (n) => n > 2, no: otherwise });
      w.fn('end', { n: oneOf(a.out.yes, b.out.yes) }, ({ n }) => n);
      const built = w.build();
      const conflict = await run.fail(built, { params: { n: 3 } });
      expect(conflict.node('end').error?.code).to.equal('INPUT_CONFLICT');
      expect(conflict.node('end').error?.message).to.contain('a.yes and b.yes are both live');
      expect((await run.complete(built, { params: { n: 2 } })).results.get('end')).to.deep.equal({ value: 2 });
      const dead = await run.complete(built, { params: { n: 1 } });
      expect(reasonOf(dead, 'end')).to.deep.equal({
        code: 'branch_not_taken',
        input: 'end.n',
        source: 'a.yes',
        root: { subject: 'a', port: 'yes', code: 'branch_not_taken' },
      });
    }),
  );

  it(
    'two connections into one input are a oneOf',
    everyWay(async (run) => {
      const w = workflow('strings', number);
      w.switch('route', w.params.n, { big: (n) => n >= 10, small: otherwise });
      w.node('end', maybe);
      w.connect('route.big', 'end.v').connect('route.small', 'end.v');
      const built = w.build();
      expect((await run.complete(built, { params: { n: 10 } })).results.get('end')).to.deep.equal({ got: '10' });
      expect((await run.complete(built, { params: { n: 3 } })).results.get('end')).to.deep.equal({ got: '3' });
    }),
  );

  it(
    'collect delivers the live ones in the order given, and is dead when none is',
    everyWay(async (run) => {
      const w = workflow('collect', number);
      const route = w.switch(
        'route',
        w.params.n,
        { two: (n) => n % 2 === 0, three: (n) => n % 3 === 0, rest: otherwise },
        { mode: 'all' },
      );
      const end = w.fn('end', { all: collect(route.out.three, route.out.two) }, ({ all }) => all);
      const built = w.build({ outputs: { end: end.out.value } });
      expect((await run.complete(built, { params: { n: 6 } })).output).to.deep.equal({ end: [6, 6] });
      expect((await run.complete(built, { params: { n: 3 } })).output).to.deep.equal({ end: [3] });
      const none = await run.complete(built, { params: { n: 1 } });
      expect(none.output).to.deep.equal({});
      expect(reasonOf(none, 'end')?.source).to.equal('route.three');
    }),
  );

  it(
    'collect under join all skips when one of its sources is dead',
    everyWay(async (run) => {
      const w = workflow('collectAll', number);
      const route = w.switch(
        'route',
        w.params.n,
        { two: (n) => n % 2 === 0, three: (n) => n % 3 === 0, rest: otherwise },
        { mode: 'all' },
      );
      w.fn('end', { all: collect(route.out.three, route.out.two) }, ({ all }) => all, { join: 'all' });
      const built = w.build();
      expect((await run.complete(built, { params: { n: 6 } })).results.get('end')).to.deep.equal({ value: [6, 6] });
      const part = await run.complete(built, { params: { n: 3 } });
      expect(reasonOf(part, 'end')).to.deep.equal({
        code: 'branch_not_taken',
        input: 'end.all',
        source: 'route.two',
        root: { subject: 'route', port: 'two', code: 'branch_not_taken' },
      });
    }),
  );

  it(
    'or takes the first live one, a later one, or the literal',
    everyWay(async (run) => {
      const w = workflow('or', number);
      const route = w.switch('route', w.params.n, { big: (n) => n >= 100, medium: (n) => n >= 10, small: otherwise });
      const end = w.fn('end', { n: route.out.big.or(route.out.medium).or(-1) }, ({ n }) => n);
      const built = w.build({ outputs: { end: end.out.value } });
      expect((await run.complete(built, { params: { n: 100 } })).output).to.deep.equal({ end: 100 });
      expect((await run.complete(built, { params: { n: 10 } })).output).to.deep.equal({ end: 10 });
      expect((await run.complete(built, { params: { n: 1 } })).output).to.deep.equal({ end: -1 });
    }),
  );

  it(
    'or does not hide a failure: with nothing live, a blocked source blocks',
    everyWay(async (run) => {
      const w = workflow('orBlocked', number);
      const route = w.switch('route', w.params.n, { big: (n) => n >= 100, small: otherwise });
      const bad = w.fn('bad', {}, (): number => {
        throw new Error('bad');
      });
      w.fn('end', { n: route.out.big.or(bad.out.value) }, ({ n }) => n);
      w.fn('saved', { n: bad.out.value.or(7) }, ({ n }) => n);
      const result = await run.fail(w.build(), { params: { n: 1 } });
      expect(reasonOf(result, 'end')).to.deep.equal({
        code: 'upstream_failed',
        input: 'end.n',
        source: 'bad.value',
        root: { subject: 'bad', port: null, code: 'upstream_failed' },
      });
      expect(result.results.get('saved')).to.deep.equal({ value: 7 });
    }),
  );

  it(
    'required turns absence into the failure OUTPUT_MISSING, in a node and in an output',
    everyWay(async (run) => {
      const { w, big } = fork();
      w.add('end', maybe({ v: required(big.out.value) }));
      const built = w.build();
      expect((await run.complete(built, { params: { n: 10 } })).results.get('end')).to.deep.equal({ got: '"big 10"' });
      const missing = await run.fail(built, { params: { n: 1 } });
      expect(missing.node('end').error?.code).to.equal('OUTPUT_MISSING');
      expect(missing.node('end').error?.message).to.contain('big.value is required');

      const other = fork();
      const wanted = other.w.build({ outputs: { big: required(other.big.out.value) } });
      expect((await run.complete(wanted, { params: { n: 10 } })).output).to.deep.equal({ big: 'big 10' });
      const absent = await run.fail(wanted, { params: { n: 1 } });
      expect(absent.error.failure.code).to.equal('OUTPUT_MISSING');
      expect(absent.error.node).to.equal(undefined);
    }),
  );

  describe('exclusive branches inside a cycle, read outside', () => {
    /** Counts up from `from`; even numbers go through `even`, odd ones through `odd`; stops at `last`. */
    function alternating(last: number) {
      const w = workflow('alternating', { params: { from: type<number>() } });
      const count = defineNode({
        name: 'count',
        inputs: { n: type<number>() },
        outputs: { n: type<number>() },
        run: ({ n }) => ({ n: n + 1 }),
      });
      const next = w.add('next', count({ n: w.params.from }));
      const route = w.switch('route', next.out.n, { even: (n) => n % 2 === 0, odd: otherwise });
      const even = w.fn('even', { n: route.out.even }, ({ n }) => `even ${n}`);
      const odd = w.fn('odd', { n: route.out.odd }, ({ n }) => `odd ${n}`);
      const too = w.fn('too', { n: route.out.odd }, ({ n }) => `too ${n}`);
      const inside = { even: even.out.value, odd: odd.out.value, too: too.out.value };
      w.cycle('loop', {
        feedback: [next.out.n.to(next.in.n)],
        until: when({ n: next.out.n, ...inside }, ({ n }) => n >= last),
        maxIterations: 9,
      });
      return { w, even, odd, too };
    }

    it(
      'are read by oneOf and or as of the last iteration in which one of them was live',
      everyWay(async (run) => {
        const { w, even, odd } = alternating(5);
        const built = w.build({
          outputs: {
            one: oneOf(even.out.value, odd.out.value),
            first: even.out.value.or(odd.out.value).or('none'),
            all: collect(even.out.value, odd.out.value),
            even: even.out.value,
          },
        });
        expect((await run.complete(built, { params: { from: 1 } })).output).to.deep.equal({
          one: 'odd 5',
          first: 'odd 5',
          all: ['even 4', 'odd 5'],
          even: 'even 4',
        });
        expect((await run.complete(built, { params: { from: 4 } })).output).to.deep.equal({
          one: 'odd 5',
          first: 'odd 5',
          all: ['odd 5'],
        });
      }),
    );

    it(
      'conflict when they are live in the same iteration',
      everyWay(async (run) => {
        const { w, even, odd, too } = alternating(5);
        w.add('end', maybe({ v: oneOf(even.out.value, odd.out.value, too.out.value) }));
        const failed = await run.fail(w.build(), { params: { from: 1 } });
        expect(failed.node('end').error?.code).to.equal('INPUT_CONFLICT');
      }),
    );
  });

  it(
    'a path below a dead source is dead; a path that leads nowhere falls to the weaker source with one warning',
    everyWay(async (run) => {
      const w = workflow('paths', { params: { flag: type<boolean>() } });
      const route = w.switch('route', w.params.flag);
      const data = w.fn('data', { on: route.out.true }, (): { a: { b?: string } } => ({ a: {} }));
      w.add('end', maybe({ v: data.out.value.at('a').at('b') }));
      const built = w.build();
      const dead = await run.complete(built, { params: { flag: false } });
      expect(reasonOf(dead, 'end')?.root).to.deep.equal({ subject: 'route', port: 'true', code: 'branch_not_taken' });
      const nowhere = await run.complete(built, { params: { flag: true } });
      expect(nowhere.results.get('end')).to.deep.equal({ got: 'nothing' });
      expect(nowhere.warnings.map(({ code, at }) => [code, at])).to.deep.equal([
        ['missing-path', 'data.value.a.b → end.v'],
      ]);
    }),
  );
});
