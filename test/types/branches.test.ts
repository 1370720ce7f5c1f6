import { expectTypeOf } from 'expect-type';
import { z } from 'zod';
import type { CycleStopReason, ErrorData, Ref, Workflow } from '../../src/index.js';
import { collect, defineNode, merge, oneOf, otherwise, required, type, when, workflow } from '../../src/index.js';

const step = defineNode({
  name: 'step',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }) => ({ n }),
});
const two = defineNode({
  name: 'two',
  inputs: { a: type<number>(), b: z.number().optional() },
  outputs: { n: type<number>() },
  run: ({ a }) => ({ n: a }),
});
const loose = defineNode({
  name: 'loose',
  inputs: { a: z.number().optional(), b: z.number().optional() },
  outputs: { n: type<number>() },
  run: () => ({ n: 1 }),
});

function start() {
  const w = workflow('w', { params: { n: type<number>() } });
  const route = w.switch('route', w.params.n, { many: (n) => n > 10, few: otherwise });
  const other = w.switch('other', w.params.n, { yes: (n) => n > 10, no: otherwise });
  const risky = w.try('risky', step({ n: 1 }));
  return { w, route, other, risky };
}

/** Lines that must not compile. They are never run. */
function refused(_lines: () => void): void {}

describe('types of references', () => {
  describe('carry the branches they depend on', () => {
    it('none: literals, parameters and always-live nodes', () => {
      const { w } = start();
      const a = w.add('a', step({ n: 1 }));
      const b = w.add('b', step({ n: a.out.n }));
      expectTypeOf(w.params.n).toEqualTypeOf<Ref<number, 'always'>>();
      expectTypeOf(b.out.n).toEqualTypeOf<Ref<number, 'always'>>();
    });

    it('a case of a switch, and whatever needs it', () => {
      const { w, route } = start();
      const full = w.add('full', step({ n: route.out.many }));
      const after = w.add('after', step({ n: full.out.n }));
      expectTypeOf(route.out.many).toEqualTypeOf<Ref<number, 'if route.many'>>();
      expectTypeOf(full.out.n).toEqualTypeOf<Ref<number, 'if route.many'>>();
      expectTypeOf(after.out.n).toEqualTypeOf<Ref<number, 'if route.many'>>();
    });

    it('several, where a node needs several', () => {
      const { w, route, other } = start();
      const both = w.add('both', two({ a: route.out.many, b: other.out.yes }));
      const fn = w.fn('fn', { a: route.out.many, b: other.out.yes, c: 1 }, ({ a, b, c }) => a + b + c);
      expectTypeOf(fn.out.value).toEqualTypeOf<Ref<number, 'if route.many' | 'if other.yes'>>();
      expectTypeOf(both.out.n).toEqualTypeOf<Ref<number, 'if route.many'>>();
    });

    it('those of optional inputs only where nothing else keeps the node alive', () => {
      const { w, route, other } = start();
      expectTypeOf(w.add('kept', two({ a: w.params.n, b: route.out.many })).out.n).toEqualTypeOf<
        Ref<number, 'always'>
      >();
      expectTypeOf(w.add('only', loose({ a: route.out.many })).out.n).toEqualTypeOf<Ref<number, 'if route.many'>>();
      expectTypeOf(w.add('either', loose({ a: route.out.many, b: other.out.yes })).out.n).toEqualTypeOf<
        Ref<number, 'if route.many' | 'if other.yes'>
      >();
      expectTypeOf(w.add('always', loose({ a: route.out.many }), { join: 'always' }).out.n).toEqualTypeOf<
        Ref<number, 'always'>
      >();
    });

    it('of a node that may fail: its outputs, and its error', () => {
      const { risky } = start();
      expectTypeOf(risky.out.n).toEqualTypeOf<Ref<number, 'if risky.ok'>>();
      expectTypeOf(risky.error).toEqualTypeOf<Ref<ErrorData, 'if risky.failed'>>();
    });

    it('of a path in a value', () => {
      const { w, route } = start();
      const deep = w.fn('deep', { n: route.out.many }, ({ n }) => ({
        list: [{ name: 'x', size: n }],
        none: null as { x: number } | null,
      }));
      expectTypeOf(deep.out.value.at('list').at(0).at('name')).toEqualTypeOf<Ref<string, 'if route.many'>>();
      expectTypeOf(deep.out.value.at('none').at('x')).toEqualTypeOf<Ref<number | undefined, 'if route.many'>>();
      expectTypeOf(deep.out.value.path('list.0.size', z.number())).toEqualTypeOf<Ref<number, 'if route.many'>>();
      refused(() => {
        // @ts-expect-error there is no such property
        deep.out.value.at('lst');
      });
    });
  });

  describe('lose them', () => {
    it('in a join that names every case', () => {
      const { w, route, risky } = start();
      const full = w.add('full', step({ n: route.out.many }));
      const text = w.fn('text', { n: route.out.few }, ({ n }) => String(n));
      expectTypeOf(route.join({ many: full.out.n, few: text.out.value })).toEqualTypeOf<
        Ref<number | string, 'always'>
      >();
      expectTypeOf(risky.join({ ok: risky.out.n, failed: risky.error })).toEqualTypeOf<
        Ref<number | ErrorData, 'always'>
      >();
    });

    it('but for the branch in which the switch itself lies', () => {
      const { w, route } = start();
      const inner = w.switch('inner', route.out.many, { odd: (n) => n % 2 === 1, even: otherwise });
      const joined = inner.join({ odd: inner.out.odd, even: inner.out.even });
      expectTypeOf(joined).toEqualTypeOf<Ref<number, 'if route.many'>>();
      expectTypeOf(route.join({ many: joined, few: route.out.few })).toEqualTypeOf<Ref<number, 'always'>>();
    });

    it('in or with a literal or an always-live reference, but not with another branch', () => {
      const { w, route, other } = start();
      expectTypeOf(route.out.many.or(0)).toEqualTypeOf<Ref<number, 'always'>>();
      expectTypeOf(route.out.many.or('none')).toEqualTypeOf<Ref<number | 'none', 'always'>>();
      expectTypeOf(route.out.many.or(w.params.n)).toEqualTypeOf<Ref<number, 'always'>>();
      expectTypeOf(route.out.many.or(other.out.yes)).toEqualTypeOf<Ref<number, 'if route.many' | 'if other.yes'>>();
    });

    it('in required', () => {
      const { route } = start();
      expectTypeOf(required(route.out.many)).toEqualTypeOf<Ref<number, 'always'>>();
    });

    it('in oneOf and collect only where a source is always live', () => {
      const { w, route, other } = start();
      const text = w.fn('text', { n: other.out.no }, ({ n }) => String(n));
      expectTypeOf(oneOf(route.out.many, text.out.value)).toEqualTypeOf<
        Ref<number | string, 'if route.many' | 'if other.no'>
      >();
      expectTypeOf(collect(route.out.many, text.out.value)).toEqualTypeOf<
        Ref<(number | string)[], 'if route.many' | 'if other.no'>
      >();
      expectTypeOf(collect(route.out.many, w.params.n)).toEqualTypeOf<Ref<number[], 'always'>>();
      expectTypeOf(oneOf(w.params.n)).toEqualTypeOf<Ref<number, 'always'>>();
    });
  });

  describe('a join', () => {
    it('must name every case, and no other', () => {
      refused(() => {
        const { route, risky } = start();
        // @ts-expect-error few is missing
        route.join({ many: route.out.many });
        // @ts-expect-error a literal is no reference
        route.join({ many: route.out.many, few: 5 });
        // @ts-expect-error failed is missing
        risky.join({ ok: risky.out.n });
      });
    });

    it('takes only sources that live in that case', () => {
      refused(() => {
        const { route, other } = start();
        // @ts-expect-error the other case
        route.join({ many: route.out.few, few: route.out.few });
        // @ts-expect-error another switch
        route.join({ many: other.out.yes, few: route.out.few });
      });
    });

    it('is not offered by a switch that may take several cases', () => {
      const { w } = start();
      const all = w.switch('all', w.params.n, { a: () => true, b: otherwise }, { mode: 'all' });
      expectTypeOf(all.out.a).toEqualTypeOf<Ref<number, 'if all.a'>>();
      refused(() => {
        // @ts-expect-error there is no one case to join
        all.join({ a: all.out.a, b: all.out.b });
      });
    });
  });

  describe('cases of a switch', () => {
    it('are narrowed by type guards', () => {
      const w = workflow('w', { params: { value: type<string | number | null>() } });
      const route = w.switch('route', w.params.value, {
        text: (value): value is string => typeof value === 'string',
        none: (value): value is null => value === null,
        rest: otherwise,
      });
      expectTypeOf(route.out.text).toEqualTypeOf<Ref<string, 'if route.text'>>();
      expectTypeOf(route.out.none).toEqualTypeOf<Ref<null, 'if route.none'>>();
      expectTypeOf(route.out.rest).toEqualTypeOf<Ref<string | number | null, 'if route.rest'>>();
    });

    it('of a boolean are true and false', () => {
      const w = workflow('w', { params: { flag: type<boolean>() } });
      const route = w.switch('route', w.params.flag);
      expectTypeOf(route.out.true).toEqualTypeOf<Ref<true, 'if route.true'>>();
      expectTypeOf(route.out.false).toEqualTypeOf<Ref<false, 'if route.false'>>();
    });

    it('of a partition are lists', () => {
      const w = workflow('w', { params: { list: type<readonly (string | number)[]>() } });
      const route = w.partition('route', w.params.list, {
        texts: (item): item is string => typeof item === 'string',
        rest: otherwise,
      });
      expectTypeOf(route.out.texts).toEqualTypeOf<Ref<string[], 'if route.texts'>>();
      expectTypeOf(route.out.rest).toEqualTypeOf<Ref<(string | number)[], 'if route.rest'>>();
    });

    it('refuse an operator that does not exist, a predicate over another type, and a case that is none', () => {
      refused(() => {
        const { w } = start();
        // @ts-expect-error there is no such operator
        w.switch('a', w.params.n, { big: { op: '=>', value: 1 } });
        // @ts-expect-error the value is a number
        w.switch('b', w.params.n, { big: (text: string) => text.length > 1 });
        // @ts-expect-error neither predicate, operator nor otherwise
        w.switch('c', w.params.n, { big: true });
        // @ts-expect-error a number is no boolean
        w.switch('d', w.params.n);
        // @ts-expect-error there is no such case
        w.switch('e', w.params.n, { big: otherwise }).out.small;
      });
    });
  });

  describe('outputs of a workflow', () => {
    it('are T, or T | undefined where a branch may leave them out', () => {
      const { w, route, risky } = start();
      const a = w.add('a', step({ n: 1 }));
      const fit = w.cycle('fit', { feedback: [a.out.n.to(a.in.n)], maxIterations: 2 });
      const built = w.build({
        outputs: {
          n: w.params.n,
          many: route.out.many,
          joined: route.join({ many: route.out.many, few: route.out.few }),
          promised: required(route.out.many),
          error: risky.error,
          why: fit.out.reason,
          often: fit.out.iterations,
        },
      });
      type Output = typeof built extends Workflow<infer _, infer O> ? O : never;
      expectTypeOf<Output>().toEqualTypeOf<{
        readonly n: number;
        readonly many: number | undefined;
        readonly joined: number;
        readonly promised: number;
        readonly error: ErrorData | undefined;
        readonly why: CycleStopReason;
        readonly often: number;
      }>();
    });

    it('refuse what is no reference', () => {
      refused(() => {
        const { w } = start();
        // @ts-expect-error a literal is no reference
        w.build({ outputs: { n: 5 } });
        // @ts-expect-error the option is called outputs
        w.build({ output: { n: w.params.n } });
      });
    });
  });

  it('a fn node sees the values of its references and literals', () => {
    const { w, route } = start();
    const fn = w.fn('fn', { n: route.out.many, list: ['a', 'b'], text: 'x' }, ({ n, list, text }) => {
      expectTypeOf(n).toEqualTypeOf<number>();
      expectTypeOf(list).toExtend<readonly string[]>();
      expectTypeOf(text).toExtend<string>();
      return { n };
    });
    expectTypeOf(fn.out.value).toEqualTypeOf<Ref<{ n: number }, 'if route.many'>>();
    expectTypeOf(w.fn('later', {}, async () => 5).out.value).toEqualTypeOf<Ref<number, 'always'>>();
  });

  it('feedback fits its input', () => {
    const { w } = start();
    const a = w.add('a', step({ n: 1 }));
    const text = w.fn('text', { n: a.out.n }, ({ n }) => String(n));
    a.out.n.to(a.in.n);
    refused(() => {
      // @ts-expect-error a text is no number
      text.out.value.to(a.in.n);
      // @ts-expect-error there is no such input
      a.out.n.to(a.in.m);
    });
  });

  it('a condition sees its value, or those of its names; dead ones may be undefined', () => {
    const { w, route } = start();
    const a = w.add('a', step({ n: 1 }));
    when(a.out.n, (n, view) => {
      expectTypeOf(n).toEqualTypeOf<number>();
      expectTypeOf(view.history).toEqualTypeOf<readonly number[]>();
      return n < 1;
    });
    when({ n: a.out.n, many: route.out.many }, ({ n, many }) => {
      expectTypeOf(n).toEqualTypeOf<number>();
      expectTypeOf(many).toEqualTypeOf<number | undefined>();
      return { met: n < 1, metric: n };
    });
    refused(() => {
      // @ts-expect-error a text is no verdict
      when(a.out.n, () => 'yes');
    });
  });

  it('merge nodes carry item types and branches', () => {
    const { w, route } = start();
    const left = w.fn('left', { n: route.out.many }, ({ n }) => [n]);
    const right = w.fn('right', {}, () => ['x']);
    expectTypeOf(w.add('all', merge.concat(collect(left.out.value, right.out.value))).out.value).toEqualTypeOf<
      Ref<(number | string)[], 'always'>
    >();
    expectTypeOf(w.add('rows', merge.zip({ l: left.out.value, r: right.out.value })).out.value).toExtend<
      Ref<{ readonly l: number; readonly r: string }[], 'if route.many'>
    >();
  });
});
