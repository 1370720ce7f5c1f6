import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { z } from 'zod';
import { firstDifference } from '../../src/base/first-difference.js';
import { defineNode } from '../../src/base/node.js';
import type { NodeContext } from '../../src/base/node-context.js';
import type { RetryOptions } from '../../src/base/node-options.js';
import { type } from '../../src/base/schema.js';
import type { Workflow } from '../../src/base/workflow.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { advanceUntil, assertParity, ParityError, type ParityOptions, VirtualClock } from '../../src/testing/index.js';
import { rejection } from '../support/caught.js';

/** The error with which two runs of a workflow were found different. */
async function difference(built: Workflow, options: ParityOptions = {}): Promise<ParityError> {
  try {
    await assertParity(built as Workflow<object>, {}, options);
  } catch (error) {
    if (error instanceof ParityError) return error;
    throw error;
  }
  throw new Error('The runs are the same.');
}

/** A workflow of one node that calls a function, which may answer differently each time. */
function calling(run: (context: NodeContext) => unknown, options: { readonly retry?: RetryOptions } = {}) {
  const node = defineNode({
    name: 'call',
    outputs: { value: type<unknown>() },
    state: z.unknown(),
    run: (_, context) => ({ value: run(context) }),
  });
  const w = workflow('calling');
  const call = w.add('call', node(), options);
  return w.build({ outputs: { value: call.out.value } });
}

describe('assertParity', () => {
  it('returns the outcome of the synchronous run', async () => {
    const outcome = await assertParity(calling(() => 7));
    expect(outcome.status).to.equal('completed');
    if (outcome.status === 'completed') expect(outcome.output).to.deep.equal({ value: 7 });
  });

  it('points to the first value that differs', async () => {
    let calls = 0;
    const error = await difference(calling(() => ({ same: 1, deep: [0, ++calls] })));
    expect([error.code, error.path]).to.deep.equal(['PARITY_DIFFERS', 'output.value.deep.1']);
    expect(error.message).to.include('LocalRuntime 1, AsyncLocalRuntime 2');
  });

  it('points to a status that differs', async () => {
    let calls = 0;
    const once = calling(() => {
      if (calls++ > 0) throw new Error('the second time');
      return 1;
    });
    expect((await difference(once)).path).to.equal('status');
  });

  it('points to the number of attempts, although both runs end well', async () => {
    let calls = 0;
    const flaky = calling(
      () => {
        if (++calls === 1) throw new Error('the first time');
        return 1;
      },
      { retry: { attempts: 2 } },
    );
    expect((await difference(flaky)).path).to.equal('nodes.call.attempts');
  });

  it('points to a state of a node that only the log shows', async () => {
    let calls = 0;
    const built = calling((context) => {
      context.setState(++calls);
      return 1;
    });
    expect((await difference(built)).path).to.match(/^log\.\d+\.data\.state$/);
  });

  it('names the inputs that a node mutates, at once or later', async () => {
    const sort = defineNode({
      name: 'sort',
      inputs: { rows: type<number[]>(), limit: type<number>() },
      outputs: { value: type<number[]>() },
      run: ({ rows }) => ({ value: rows.sort((a, b) => a - b) }),
    });
    const w = workflow('sorting');
    const rows = w.fn('rows', {}, () => [3, 1, 2]);
    w.add('sorted', sort({ rows: rows.out.value, limit: 2 }));
    const error = await difference(w.build());
    expect([error.code, error.path]).to.deep.equal(['PARITY_INPUT_MUTATED', 'sorted.rows']);

    const v = workflow('clearing');
    const map = v.fn('map', {}, () => new Map([['a', 1]]));
    v.fn('clear', { map: map.out.value }, async ({ map: given }) => {
      await null;
      given.clear();
    });
    const later = await difference(v.build(), {
      stubs: { clear: ({ map: given }) => ({ value: (given as Map<string, number>).clear() }) },
    });
    expect([later.code, later.path]).to.deep.equal(['PARITY_INPUT_MUTATED', 'clear.map']);
  });

  it('asks for stubs of asynchronous nodes, listing them', async () => {
    const w = workflow('remote');
    const get = w.fn('get', {}, async () => 1);
    w.fn('put', { value: get.out.value }, async ({ value }) => value);
    const error = await difference(w.build());
    expect([error.code, error.path]).to.deep.equal(['PARITY_NEEDS_STUB', 'get, put']);
    expect(error.message).to.include('PARITY_NEEDS_STUB').and.include('"get", "put"');
  });

  it('asks for a stub of a node that returns a promise without having said so', async () => {
    const w = workflow('sly');
    w.fn('sly', {}, () => Promise.resolve(1));
    const error = await difference(w.build());
    expect([error.code, error.path]).to.deep.equal(['PARITY_NEEDS_STUB', 'sly']);
  });

  it('runs stubs at once in one runtime and as promises in the other', async () => {
    const w = workflow('remote');
    const get = w.fn('get', {}, async (): Promise<number> => {
      throw new Error('no network here');
    });
    const twice = w.fn('twice', { value: get.out.value }, ({ value }) => 2 * value);
    const built = w.build({ outputs: { value: twice.out.value } });
    const outcome = await assertParity(built, {}, { stubs: { get: () => ({ value: 21 }) } });
    expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ value: 42 });
  });

  it('refuses a stub for a node that does not exist', async () => {
    const error = await difference(
      calling(() => 1),
      { stubs: { cal: () => 1 } },
    );
    expect([error.code, error.path]).to.deep.equal(['PARITY_NEEDS_STUB', 'cal']);
  });

  it('names the inputs that a node of a child mutates by their scope', async () => {
    const sort = defineNode({
      name: 'sort',
      inputs: { rows: type<number[]>() },
      outputs: { value: type<number[]>() },
      run: ({ rows }) => ({ value: rows.sort((a, b) => a - b) }),
    });
    const w = workflow('sorting');
    const lists = w.fn('lists', {}, () => [[1], [3, 1, 2]]);
    w.map('all', lists.out.value, (rows) => sort({ rows }));
    const error = await difference(w.build());
    expect([error.code, error.path]).to.deep.equal(['PARITY_INPUT_MUTATED', 'all[1]/sort.rows']);
  });

  it('points to what a node of a child was given differently', async () => {
    let calls = 0;
    const inner = workflow('inner');
    const first = inner.fn('first', {}, () => (calls++ > 1 ? 1 : 0));
    inner.fn('second', { n: first.out.value }, () => 1);
    const child = inner.build();
    const w = workflow('outer');
    w.map('all', w.fn('list', {}, () => [1, 2]).out.value, () => child());
    expect((await difference(w.build())).path).to.equal('inputs.all[0]/inner/second/1/1');
  });

  it('asks for stubs of asynchronous nodes in children, and takes them by the same paths', async () => {
    const inner = workflow('inner', { params: { n: type<number>() } });
    const get = inner.fn('get', { n: inner.params.n }, async ({ n }) => n);
    const sly = inner.fn('sly', { n: get.out.value }, ({ n }) => Promise.resolve(n) as never as number);
    const child = inner.build({ outputs: { n: sly.out.value } });
    const w = workflow('outer');
    const sub = w.add('sub', child({ n: 1 }));
    const list = w.fn('list', {}, () => [1, 2]);
    const all = w.map('all', list.out.value, (n) => child({ n }));
    const built = w.build({ outputs: { n: sub.out.n, all: all.out.n } });
    const error = await difference(built);
    expect([error.code, error.path]).to.deep.equal(['PARITY_NEEDS_STUB', 'sub/get, all/inner/get']);
    const stub = ({ n }: { readonly n?: unknown }) => ({ value: 10 * (n as number) });
    const gets = { 'sub/get': stub, 'all/inner/get': stub };
    const hidden = await difference(built, { stubs: gets });
    expect([hidden.code, hidden.path]).to.deep.equal(['PARITY_NEEDS_STUB', 'sub/sly, all/inner/sly']);
    const outcome = await assertParity(built, {}, { stubs: { ...gets, 'sub/sly': stub, 'all/inner/sly': stub } });
    expect(outcome.status === 'completed' && outcome.output).to.deep.equal({ n: 100, all: [100, 200] });
    const unknown = await difference(built, { stubs: { ...gets, get: stub } });
    expect([unknown.code, unknown.path]).to.deep.equal(['PARITY_NEEDS_STUB', 'get']);
  });

  it('compares runs that wait', async () => {
    const w = workflow('gated');
    w.gate('ok', { shows: { n: 1 } });
    expect((await assertParity(w.build())).status).to.equal('waiting');
  });

  it('gives both runtimes the same seed, clock and options', async () => {
    const seen: unknown[] = [];
    const built = calling(
      (context) => {
        seen.push([context.runId, context.context]);
        throw new Error('always');
      },
      { retry: { attempts: 3, delayMs: 1000, jitter: 1 } },
    );
    const outcome = await assertParity(built, {}, { seed: 9, run: { context: { tenant: 'acme' } } });
    expect(outcome.status).to.equal('failed');
    expect(seen).to.deep.equal(Array.from({ length: 6 }, () => ['run-1', { tenant: 'acme' }]));
  });

  it('compares runs that are refused', async () => {
    const w = workflow('strict', { params: { path: type<string>() } });
    w.fn('read', { path: w.params.path }, ({ path }) => path);
    const outcome = await assertParity(w.build() as Workflow<object>, { pth: 'x' });
    expect(outcome.status).to.equal('rejected');
  });
});

describe('advanceUntil', () => {
  it('moves the clock on to each timer', async () => {
    const clock = new VirtualClock(0);
    const times: number[] = [];
    const waits = async (): Promise<void> => {
      for (const ms of [5, 1000, 0]) {
        await new Promise<void>((resolve) => {
          clock.setTimer(ms, resolve);
        });
        times.push(clock.now());
      }
    };
    await advanceUntil(waits, clock);
    expect(times).to.deep.equal([5, 1005, 1005]);
  });

  it('says so when nothing can settle the promise any more', async () => {
    const clock = new VirtualClock();
    let stalls = 0;
    clock.onStall(() => {
      stalls++;
    });
    const error = await rejection(advanceUntil(() => new Promise(() => undefined), clock));
    expect(error.code).to.equal('NEVER_SETTLED');
    expect(stalls).to.equal(1);
  });
});

describe('a promise that nothing can settle', () => {
  it('fails the run instead of hanging the test', async () => {
    const w = workflow('forgotten');
    w.fn('waits', {}, () => new Promise<never>(() => undefined));
    const clock = new VirtualClock();
    await using runtime = new AsyncLocalRuntime({ clock });
    const outcome = await advanceUntil(() => runtime.settle(w.build()), clock);
    expect(outcome.status === 'failed' && outcome.error.failure.code).to.equal('NEVER_SETTLED');
  });

  it('fails first the newest of the runs that wait for each other', async () => {
    const clock = new VirtualClock();
    await using runtime = new AsyncLocalRuntime({ clock });
    const inner = workflow('inner');
    inner.fn('waits', {}, () => new Promise<never>(() => undefined));
    const built = inner.build();
    const w = workflow('outer');
    const asks = w.fn('asks', {}, async () => (await runtime.settle(built)).status);
    const outcome = await advanceUntil(() => runtime.execute(w.build({ outputs: { of: asks.out.value } })), clock);
    expect(outcome.unwrap()).to.deep.equal({ of: 'failed' });
  });

  it('is not confused with real input and output, or a real timer', async () => {
    const w = workflow('reading');
    const read = w.fn('read', {}, () => readFile(new URL(import.meta.url), 'utf8'));
    const wait = w.fn(
      'wait',
      { after: read.out.value },
      ({ after }) => new Promise<number>((resolve) => setTimeout(resolve, 1, after.length)),
    );
    const clock = new VirtualClock();
    await using runtime = new AsyncLocalRuntime({ clock });
    const outcome = await advanceUntil(() => runtime.execute(w.build({ outputs: { size: wait.out.value } })), clock);
    expect(outcome.unwrap().size).to.be.greaterThan(100);
  });
});

describe('firstDifference', () => {
  it('finds nothing in values that look alike', () => {
    const make = () => ({
      a: [1, { b: null }],
      m: new Map([['k', new Set([1])]]),
      d: new Date(5),
      t: new Uint8Array([1, 2]),
    });
    expect(firstDifference(make(), make())).to.equal(undefined);
    const circle: { self?: unknown } = {};
    circle.self = circle;
    expect(firstDifference(circle, { self: circle })).to.equal(undefined);
  });

  const cases: readonly (readonly [unknown, unknown, string])[] = [
    [1, 2, ''],
    [0, -0, ''],
    [{ a: 1, b: 1 }, { a: 1, b: 2 }, 'b'],
    [{ a: undefined }, {}, 'a'],
    [[1, 2], [1], '1'],
    [[1], { 0: 1 }, ''],
    [{ a: { b: [0, { c: 1 }] } }, { a: { b: [0, { c: 2 }] } }, 'a.b.1.c'],
    [new Map([['k', 1]]), new Map([['k', 2]]), 'k'],
    [new Set([1]), new Set([2]), '0'],
    [new Date(1), new Date(2), ''],
    [new Uint8Array([1, 2]), new Uint8Array([1, 3]), '1'],
    [{ a: null }, { a: {} }, 'a'],
  ];
  for (const [left, right, path] of cases) {
    it(`finds ${JSON.stringify(path)} in ${JSON.stringify([left, right])}`, () => {
      expect(firstDifference(left, right)?.path).to.equal(path);
    });
  }
});
