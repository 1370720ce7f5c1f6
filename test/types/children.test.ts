import { expectTypeOf } from 'expect-type';
import { z } from 'zod';
import type { ErrorData, GateReport, ItemFailure, ItemOutcome, Ref } from '../../src/index.js';
import { AsyncLocalRuntime, defineNode, LocalRuntime, oneOf, type, workflow } from '../../src/index.js';

const step = defineNode({
  name: 'step',
  inputs: { n: type<number>(), by: z.number().default(1) },
  outputs: { n: type<number>() },
  run: ({ n, by }) => ({ n: n + by }),
});

function child() {
  const w = workflow('child', { params: { n: type<number>(), tag: z.string().default('x') } });
  const route = w.switch('route', w.params.n, { big: (n) => n > 10, small: (n) => n <= 10 });
  const big = w.add('big', step({ n: route.out.big }));
  const all = w.add('all', step({ n: w.params.n }));
  return w.build({ outputs: { sure: all.out.n, maybe: big.out.n } });
}

function start() {
  const w = workflow('w', { params: { list: type<readonly { x: number; y?: string }[]>(), n: type<number>() } });
  const route = w.switch('route', w.params.n, { many: (n) => n > 10, few: (n) => n <= 10 });
  return { w, route };
}

/** Lines that must not compile. They are never run. */
function refused(_lines: () => void): void {}

describe('types of children', () => {
  it('a subworkflow: always live outputs, and those that may be dead there', () => {
    const { w, route } = start();
    const sub = w.add('sub', child()({ n: w.params.n }));
    expectTypeOf(sub.id).toEqualTypeOf<'sub'>();
    expectTypeOf(sub.out.sure).toEqualTypeOf<Ref<number, 'always'>>();
    expectTypeOf(sub.out.maybe).toEqualTypeOf<Ref<number, 'if sub.maybe'>>();
    const behind = w.add('behind', child()({ n: route.out.many }));
    expectTypeOf(behind.out.sure).toEqualTypeOf<Ref<number, 'if route.many'>>();
    const always = w.add('always', child()({ n: route.out.many.or(1), tag: 'y' }), { join: 'always', timeoutMs: 5 });
    expectTypeOf(always.out.sure).toEqualTypeOf<Ref<number, 'always'>>();
    expectTypeOf(always.out.maybe).toEqualTypeOf<Ref<number, 'if always.maybe'>>();
    const limited = w.add('limited', child()({ n: route.out.many }), { retry: { attempts: 2 } });
    expectTypeOf(limited.out.sure).toEqualTypeOf<Ref<number, 'if route.many'>>();
    const built = w.build({ outputs: { sure: sub.out.sure, maybe: sub.out.maybe } });
    using runtime = new LocalRuntime();
    const run = () => runtime.execute(built, { list: [], n: 1 }).unwrap();
    expectTypeOf(run).returns.toEqualTypeOf<{ readonly sure: number; readonly maybe: number | undefined }>();
  });

  it('a subworkflow takes what its parameters take', () => {
    const { w } = start();
    w.add('a', child()({ n: 1, tag: 'y' }));
    w.add('b', child()({ n: w.params.n }));
    refused(() => {
      // @ts-expect-error: n is required
      child()({ tag: 'y' });
      // @ts-expect-error: n is required
      child()();
      // @ts-expect-error: there is no such parameter
      child()({ n: 1, other: 2 });
      // @ts-expect-error: a text is no number
      child()({ n: 'x' });
      // @ts-expect-error: not called
      w.add('c', child());
    });
  });

  it('a tried subworkflow: dead when it failed, its error as data', () => {
    const { w } = start();
    const sub = w.try('sub', child()({ n: 1 }));
    expectTypeOf(sub.out.sure).toEqualTypeOf<Ref<number, 'if sub.ok'>>();
    expectTypeOf(sub.error).toEqualTypeOf<Ref<ErrorData, 'if sub.failed'>>();
    expectTypeOf(sub.out.maybe).toEqualTypeOf<Ref<number, 'if sub.ok' | 'if sub.maybe'>>();
    const spare = w.fn('spare', { error: sub.error }, ({ error }) => error.code);
    const or = sub.join({ ok: sub.out.maybe.or(0), failed: spare.out.value });
    expectTypeOf(or).toEqualTypeOf<Ref<number | string, 'always'>>();
    refused(() => {
      // @ts-expect-error: it may be dead although the workflow completed
      sub.join({ ok: sub.out.maybe, failed: spare.out.value });
    });
    const way = sub.join({ ok: sub.out.sure, failed: spare.out.value });
    expectTypeOf(way).toEqualTypeOf<Ref<number | string, 'always'>>();
  });

  it('a map: lists of what its body delivers, and all items', () => {
    const { w, route } = start();
    const all = w.map('all', w.params.list, (row, index) => {
      expectTypeOf(row).toEqualTypeOf<Ref<{ x: number; y?: string }>>();
      expectTypeOf(index).toEqualTypeOf<Ref<number>>();
      expectTypeOf(row.at('x')).toEqualTypeOf<Ref<number>>();
      return step({ n: row.at('x'), by: index });
    });
    expectTypeOf(all.out.n).toEqualTypeOf<Ref<number[], 'always'>>();
    expectTypeOf(all.items).toEqualTypeOf<Ref<ItemOutcome<{ readonly n: number }>[], 'always'>>();
    expectTypeOf(all.failed).toEqualTypeOf<Ref<ItemFailure[], 'always'>>();
    const captured = w.map('captured', w.params.list, () => step({ n: route.out.many }));
    expectTypeOf(captured.out.n).toEqualTypeOf<Ref<number[], 'if route.many'>>();
    const optional = w.map('optional', w.params.list, (row) => step({ n: row.at('x'), by: route.out.many }));
    expectTypeOf(optional.out.n).toEqualTypeOf<Ref<number[], 'always'>>();
    const workflows = w.map('workflows', w.params.list, (row) => child()({ n: row.at('x') }));
    expectTypeOf(workflows.out.maybe).toEqualTypeOf<Ref<number[], 'always'>>();
    refused(() => {
      // @ts-expect-error: a number is no list
      w.map('a', w.params.n, (n) => step({ n }));
      // @ts-expect-error: the item is no number
      w.map('b', w.params.list, (row) => step({ n: row }));
      // @ts-expect-error: a definition that is not called
      w.map('c', w.params.list, () => step);
      // @ts-expect-error: there is no such option
      w.map('d', w.params.list, (row) => step({ n: row.at('x') }), { onItemError: 'skip' });
      // @ts-expect-error: there is no such output
      all.out.m;
    });
  });

  it('a gate: the ways it can go, the last one with a time limit only', () => {
    const { w, route } = start();
    const ok = w.gate('ok', { answer: z.object({ stars: z.number().default(1) }) });
    expectTypeOf(ok.out.approved).toEqualTypeOf<Ref<{ stars: number }, 'if ok.approved'>>();
    expectTypeOf(ok.out.rejected.at('reason')).toEqualTypeOf<Ref<string | null, 'if ok.rejected'>>();
    const any = w.gate('any');
    expectTypeOf(any.out.approved).toEqualTypeOf<Ref<unknown, 'if any.approved'>>();
    const timed = w.gate('timed', { shows: { n: w.params.n }, timeoutMs: 5 });
    expectTypeOf(timed.out.timedOut.at('at')).toEqualTypeOf<Ref<number, 'if timed.timedOut'>>();
    const joined = ok.join({ approved: ok.out.approved.at('stars'), rejected: w.params.n });
    expectTypeOf(joined).toEqualTypeOf<Ref<number, 'always'>>();
    const behind = w.gate('behind', { shows: { n: route.out.many } });
    const way = behind.join({ approved: w.params.n, rejected: w.params.n });
    expectTypeOf(way).toEqualTypeOf<Ref<number, 'if route.many'>>();
    expectTypeOf(oneOf(ok.out.approved, ok.out.rejected)).not.toEqualTypeOf<Ref<unknown, 'always'>>();
    refused(() => {
      // @ts-expect-error: it never times out
      ok.out.timedOut;
      // @ts-expect-error: every way is named
      timed.join({ approved: w.params.n, rejected: w.params.n });
      // @ts-expect-error: there is no such option
      w.gate('x', { timeout: 5 });
    });
  });

  it('a run that waits: what execute and resume return', () => {
    const { w } = start();
    w.gate('ok');
    const built = w.build({ outputs: { n: w.params.n } });
    using local = new LocalRuntime();
    const async = new AsyncLocalRuntime();
    const run = () => local.execute(built, { list: [], n: 1 });
    expectTypeOf(run).returns.toHaveProperty('status').toEqualTypeOf<'completed' | 'waiting'>();
    expectTypeOf(run).returns.toHaveProperty('gates').toEqualTypeOf<readonly GateReport[]>();
    const again = () => local.resume(built, 'x', {});
    expectTypeOf(again).returns.toHaveProperty('status').toEqualTypeOf<'completed' | 'waiting'>();
    const later = () => async.resume(built, 'x');
    expectTypeOf(later).returns.resolves.toHaveProperty('status').toEqualTypeOf<'completed' | 'waiting'>();
    refused(() => {
      // @ts-expect-error: there is no such option
      local.resume(built, 'x', { timeoutMs: 5 });
      // @ts-expect-error: an answer is for one gate, by id or handle
      local.approve('x', 7);
    });
  });
});
