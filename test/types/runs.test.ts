import { expect } from 'chai';
import { expectTypeOf } from 'expect-type';
import { z } from 'zod';
import type { CompletedRun, NodeParameter, RunFailedError, WaitingRun } from '../../src/index.js';
import { AsyncLocalRuntime, defineNode, LocalRuntime, otherwise, type, workflow } from '../../src/index.js';

const step = defineNode({
  name: 'step',
  inputs: { n: type<number>(), by: z.number().default(1) },
  outputs: { n: type<number>() },
  run: ({ n, by }) => ({ n: n + by }),
});

function none() {
  const w = workflow('none');
  const a = w.add('a', step({ n: 1 }));
  return w.build({ outputs: { n: a.out.n } });
}

function some() {
  const w = workflow('some', {
    params: { path: z.string(), limit: z.number().default(5), tag: z.string().optional() },
  });
  const a = w.fn('a', { path: w.params.path }, ({ path }) => path.length);
  return w.build({ outputs: { length: a.out.value } });
}

/** Lines that must not compile. They are never run. */
function refused(_lines: () => void): void {}

const local = new LocalRuntime();
const async = new AsyncLocalRuntime();

describe('types of runs', () => {
  it('LocalRuntime.execute returns a run, not a promise; AsyncLocalRuntime.execute a promise of the same', async () => {
    const run = local.execute(none());
    expectTypeOf(run).toEqualTypeOf<CompletedRun<{ readonly n: number }> | WaitingRun>();
    expectTypeOf(run).not.toHaveProperty('then');
    const other = async.execute(none());
    expectTypeOf(other).toEqualTypeOf<Promise<CompletedRun<{ readonly n: number }> | WaitingRun>>();
    expectTypeOf(run.unwrap()).toEqualTypeOf<{ readonly n: number }>();
    expectTypeOf(run.output).toEqualTypeOf<{ readonly n: number } | undefined>(); // a run that waits has none yet
    expect((await other).unwrap()).to.deep.equal(run.unwrap());
  });

  it('the output is known once the status is', () => {
    const run = local.execute(none());
    if (run.status === 'completed') expectTypeOf(run.output.n).toEqualTypeOf<number>();
    const outcome = local.settle(none());
    expectTypeOf(outcome.status).toEqualTypeOf<'completed' | 'waiting' | 'failed' | 'cancelled' | 'rejected'>();
    if (outcome.status === 'failed') expectTypeOf(outcome.error).toEqualTypeOf<RunFailedError>();
    if (outcome.status === 'completed') expectTypeOf(outcome.output).toEqualTypeOf<{ readonly n: number }>();
    refused(() => {
      // @ts-expect-error a completed run has no error
      if (outcome.status === 'completed') outcome.error;
      // @ts-expect-error a rejected run has no nodes
      if (outcome.status === 'rejected') outcome.nodes;
    });
  });

  it('parameters may be left out where none is required', () => {
    local.execute(none());
    local.execute(none(), {}, { runId: 'mine' });
    const w = workflow('optional', { params: { limit: z.number().default(5) } });
    w.add('a', step({ n: w.params.limit }));
    const optional = w.build();
    local.execute(optional);
    local.execute(optional, { limit: 3 });
  });

  it('parameters are required, optional, typed and known by name', () => {
    expect(local.execute(some(), { path: 'a.csv' }).unwrap()).to.deep.equal({ length: 5 });
    local.execute(some(), { path: 'a.csv', limit: 3, tag: 'x' });
    refused(() => {
      // @ts-expect-error path is required
      local.execute(some());
      // @ts-expect-error path is required
      local.execute(some(), { limit: 3 });
      // @ts-expect-error path is a text
      local.execute(some(), { path: 3 });
      // @ts-expect-error there is no such parameter
      local.execute(some(), { path: 'a.csv', limt: 3 });
      // @ts-expect-error path is required
      void async.execute(some());
      // @ts-expect-error path is a text
      local.settle(some(), { path: 3 });
    });
  });

  it('a parameter is read with the type its schema yields, and passed with the one it accepts', () => {
    const w = workflow('w', { params: { size: z.string().transform(Number) } });
    const a = w.fn('a', { size: w.params.size }, ({ size }) => {
      expectTypeOf(size).toEqualTypeOf<number>();
      return size;
    });
    expect(local.execute(w.build({ outputs: { a: a.out.value } }), { size: '12' }).unwrap()).to.deep.equal({ a: 12 });
    refused(() => {
      // @ts-expect-error the schema accepts texts
      local.execute(w.build(), { size: 12 });
    });
  });

  it('inputs can be set by their handles, typed', () => {
    const w = workflow('w');
    const a = w.add('a', step({ n: 1 }));
    const built = w.build({ outputs: { n: a.out.n } });
    expectTypeOf(a.in.by.is(5)).toEqualTypeOf<NodeParameter>();
    expect(local.execute(built, {}, { set: [a.in.n.is(10), a.in.by.is(5)] }).unwrap()).to.deep.equal({ n: 15 });
    expect(local.execute(built, {}, { set: { a: { by: 7 } } }).unwrap()).to.deep.equal({ n: 8 });
    refused(() => {
      // @ts-expect-error by is a number
      a.in.by.is('five');
      // @ts-expect-error there is no such input
      a.in.bye.is(5);
    });
  });

  it('values are read with their types, undefined where a branch may leave them out', () => {
    const w = workflow('w', { params: { n: type<number>() } });
    const route = w.switch('route', w.params.n, { many: (n) => n > 10, few: otherwise });
    const run = local.execute(w.build(), { n: 3 });
    expectTypeOf(run.value(route.out.few)).toEqualTypeOf<number | undefined>();
    expectTypeOf(run.value(w.params.n)).toEqualTypeOf<number>();
    expect([run.value(route.out.few), run.value(route.out.many)]).to.deep.equal([3, undefined]);
    expectTypeOf(run.node(route).status).toEqualTypeOf<
      'pending' | 'running' | 'waiting' | 'completed' | 'failed' | 'skipped' | 'blocked' | 'cancelled'
    >();
  });

  it('options of a runtime and of a run are known by name', () => {
    refused(() => {
      // @ts-expect-error there is no such option
      new LocalRuntime({ onErorr: 'continue' });
      // @ts-expect-error there is no such mode
      new AsyncLocalRuntime({ onError: 'stop' });
      // @ts-expect-error a provider that answers with a promise needs AsyncLocalRuntime
      new LocalRuntime({ secrets: { load: async () => ({}) } });
      // @ts-expect-error there is no such option
      local.execute(none(), {}, { timeout: 5 });
      // @ts-expect-error options cannot be changed afterwards
      local.options.onError = 'fail-fast';
      // @ts-expect-error there is no such event
      local.on('events', () => undefined);
    });
    new AsyncLocalRuntime({ secrets: { load: async () => ({}) }, maxConcurrency: 3 });
    local.on('progress', ({ current, total }) => {
      expectTypeOf(current).toEqualTypeOf<number>();
      expectTypeOf(total).toEqualTypeOf<number | undefined>();
    });
  });

  it('runtimes are disposable: LocalRuntime at once, AsyncLocalRuntime with a promise', () => {
    expectTypeOf(local).toExtend<Disposable>();
    expectTypeOf(async).toExtend<AsyncDisposable>();
    expectTypeOf(local.close).returns.toEqualTypeOf<void>();
    expectTypeOf(async.close).returns.toEqualTypeOf<Promise<void>>();
    expectTypeOf(local.acquire()).toEqualTypeOf<LocalRuntime>();
  });
});
