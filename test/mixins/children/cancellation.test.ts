import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { AsyncLocalRuntime } from '../../../src/runtimes/async-local-runtime.js';
import { VirtualClock } from '../../../src/testing/index.js';
import { everyWay, reasonOf, SYNC_WAYS, statuses } from '../../support/every-way.js';

/** A map whose item `stop` aborts the run, and whose other items wait for the abort where they are asynchronous. */
function stopping(controller: AbortController, aborted: string[]) {
  const node = defineNode({
    name: 'node',
    inputs: { n: type<number>() },
    outputs: { n: type<number>() },
    run: ({ n }, { scope, signal }) => {
      signal.addEventListener('abort', () => aborted.push(scope));
      if (n === 1) controller.abort('enough');
      return { n };
    },
  });
  const inner = workflow('inner', { params: { n: type<number>() } });
  const first = inner.add('first', node({ n: inner.params.n }));
  const second = inner.add('second', node({ n: first.out.n }));
  const child = inner.build({ outputs: { n: second.out.n } });
  const w = workflow('outer', { params: { list: type<number[]>() } });
  const all = w.map('all', w.params.list, (n) => child({ n }), { maxConcurrency: 1 });
  w.fn('after', { list: all.out.n }, () => 1);
  return w.build();
}

describe('A cancelled run with children', () => {
  it(
    'from a node inside: what had completed stays, the rest is cancelled and has not begun',
    everyWay(async (run) => {
      const controller = new AbortController();
      const result = await run.cancel(stopping(controller, []), {
        params: { list: [0, 1, 2] },
        run: { signal: controller.signal },
      });
      expect(result.error.reason).to.equal('enough');
      expect(statuses(result)).to.deep.equal({ all: 'cancelled', after: 'cancelled' });
      expect(reasonOf(result, 'all')).to.deep.include({ code: 'run_cancelled' });
      const children = result.children('all');
      expect(children.map(({ status }) => status)).to.deep.equal(['completed', 'cancelled', 'cancelled']);
      expect(children[2]?.node('inner')).to.deep.include({ status: 'cancelled', attempts: 0, startedAt: undefined });
      expect(children[2]?.node('inner').reason).to.deep.include({ code: 'run_cancelled' });
      const inside = children[1]?.children('inner')[0];
      expect(inside?.node('first').status).to.equal('completed');
      expect(inside?.node('second').reason).to.deep.include({ code: 'run_cancelled' });
    }, SYNC_WAYS),
  );

  it('from outside aborts every child in flight, at any depth, and its late answers count for nothing', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const aborted: string[] = [];
    const release: (() => void)[] = [];
    const slow = defineNode({
      name: 'slow',
      outputs: { n: type<number>() },
      async: true,
      run: (_, { scope, signal }) =>
        new Promise<{ n: number }>((resolve) => {
          signal.addEventListener('abort', () => aborted.push(scope));
          release.push(() => resolve({ n: 1 }));
        }),
    });
    const inner = workflow('inner');
    inner.add('slow', slow());
    const child = inner.build();
    const w = workflow('outer', { params: { list: type<number[]>() } });
    w.map('all', w.params.list, () => child());
    w.add('sub', child());
    w.add('flat', slow());
    await using runtime = new AsyncLocalRuntime({ clock });
    const kinds: string[] = [];
    const settled = runtime.settle(
      w.build(),
      { list: [1, 2] },
      {
        signal: controller.signal,
        onEvent: ({ kind, data }) =>
          kinds.push(`${kind} ${'scope' in data && 'node' in data ? data.scope + data.node : ''}`),
      },
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(release.length).to.equal(4);
    controller.abort();
    const result = await settled;
    expect(result.status).to.equal('cancelled');
    expect(aborted.sort()).to.deep.equal(['', 'all[0]/inner/', 'all[1]/inner/', 'sub/']);
    const count = kinds.length;
    for (const each of release) each();
    await new Promise((resolve) => setImmediate(resolve));
    expect(kinds.length).to.equal(count);
    expect(kinds.filter((kind) => kind.startsWith('attempt.cancelled'))).to.deep.equal([
      'attempt.cancelled all[0]/inner/slow',
      'attempt.cancelled all[0]/inner',
      'attempt.cancelled all[1]/inner/slow',
      'attempt.cancelled all[1]/inner',
      'attempt.cancelled all',
      'attempt.cancelled sub/slow',
      'attempt.cancelled sub',
      'attempt.cancelled flat',
    ]);
    if (result.status === 'cancelled') {
      expect(result.error.stoppedAt).to.deep.equal(['all', 'sub', 'flat']);
      expect(result.children('all').map(({ status }) => status)).to.deep.equal(['cancelled', 'cancelled']);
    }
  });

  it(
    'while a child waits for its next attempt: the attempt is not made',
    everyWay(async (run) => {
      const controller = new AbortController();
      let calls = 0;
      const w = workflow('retrying', { params: { list: type<number[]>() } });
      const failing = defineNode({
        name: 'failing',
        outputs: { n: type<number>() },
        retry: { attempts: 5, delayMs: 100 },
        run: () => {
          calls++;
          controller.abort();
          throw new Error('again');
        },
      });
      w.map('all', w.params.list, () => failing(), { maxConcurrency: 1 });
      const result = await run.cancel(w.build(), { params: { list: [1, 2] }, run: { signal: controller.signal } });
      expect(calls).to.equal(1);
      expect(result.children('all').map(({ status }) => status)).to.deep.equal(['cancelled', 'cancelled']);
    }, SYNC_WAYS),
  );

  it(
    'before it began: no child is there at all',
    everyWay(async (run) => {
      const result = await run.cancel(stopping(new AbortController(), []), {
        params: { list: [0] },
        run: { signal: AbortSignal.abort() },
      });
      expect(statuses(result)).to.deep.equal({ all: 'cancelled', after: 'cancelled' });
      expect(result.children('all')).to.deep.equal([]);
      expect(run.events.some(({ kind }) => kind === 'children.created')).to.equal(false);
    }),
  );
});
