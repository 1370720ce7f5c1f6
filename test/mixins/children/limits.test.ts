import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import type { NodeCapabilities } from '../../../src/base/node-options.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { VirtualClock } from '../../../src/testing/index.js';
import { everyWay, type Runner, reasonOf, SYNC_WAYS, statuses } from '../../support/every-way.js';
import { Session } from '../../support/session.js';

const ASYNC = ['async runtime, async nodes'] as const;

/** A node that takes `n` milliseconds: it holds the thread, or waits for a timer, as the way of running asks. */
function busy(run: Runner, clock: VirtualClock, aborted: string[] = [], options: NodeCapabilities = {}) {
  const common = { name: 'busy', inputs: { n: type<number>() }, outputs: { n: type<number>() }, ...options };
  if (!run.asyncNodes)
    return defineNode({
      ...common,
      run: ({ n }) => {
        clock.advance(n);
        return { n };
      },
    });
  return defineNode({
    ...common,
    run: ({ n }, { scope, signal }) =>
      new Promise<{ n: number }>((resolve) => {
        signal.addEventListener('abort', () =>
          aborted.push(`${scope} ${(signal.reason as { readonly code: string }).code}`),
        );
        clock.setTimer(n, () => resolve({ n }));
      }),
  });
}

/** A map over `list` whose items take as long as they say. */
function slowMap(node: ReturnType<typeof busy>, options: NodeCapabilities) {
  const w = workflow('slow', { params: { list: type<number[]>() } });
  const all = w.map('all', w.params.list, (n) => node({ n }), options);
  const after = w.fn('after', { list: all.out.n }, ({ list }) => list.length);
  return w.build({ outputs: { n: all.out.n, after: after.out.value } });
}

describe('A time limit of a map or subworkflow', () => {
  it(
    'fails it between its items; what has not begun never does',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const built = slowMap(busy(run, clock), { timeoutMs: 100 });
      const result = await run.fail(built, { params: { list: [40, 40, 40, 40] }, runtime: { clock } });
      expect(result.node('all').error).to.deep.include({ code: 'ATTEMPT_TIMEOUT' });
      expect(result.node('all').error?.message).to.include('"all" ran longer than 100 ms');
      expect(statuses(result)).to.deep.equal({ all: 'failed', after: 'blocked' });
      expect(result.children('all').map(({ status }) => status)).to.deep.equal([
        'completed',
        'completed',
        'completed',
        'cancelled',
      ]);
      expect(result.children('all')[3]?.node('busy')).to.deep.include({ status: 'cancelled', attempts: 0 });
      expect(result.children('all')[3]?.node('busy').reason?.root).to.deep.equal({
        subject: 'all',
        port: null,
        code: 'owner_stopped',
      });
    }, SYNC_WAYS),
  );

  it(
    'aborts the items in flight, which are cancelled before it fails',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const aborted: string[] = [];
      const built = slowMap(busy(run, clock, aborted), { timeoutMs: 100 });
      const result = await run.fail(built, { params: { list: [40, 400, 500] }, runtime: { clock } });
      expect(result.node('all').error?.code).to.equal('ATTEMPT_TIMEOUT');
      expect(result.node('all').durationMs).to.equal(100);
      expect(aborted).to.deep.equal(['all[1]/ RUN_CANCELLED', 'all[2]/ RUN_CANCELLED']);
      expect(result.children('all').map(({ status }) => status)).to.deep.equal(['completed', 'cancelled', 'cancelled']);
      const child = result.children('all')[1];
      expect(child?.node('busy').reason).to.deep.equal({
        code: 'owner_stopped',
        input: null,
        source: null,
        root: { subject: 'all', port: null, code: 'owner_stopped' },
      });
      const kinds = run.events.flatMap(({ kind }) =>
        kind === 'attempt.cancelled' || kind === 'attempt.failed' ? [kind] : [],
      );
      expect(kinds).to.deep.equal(['attempt.cancelled', 'attempt.cancelled', 'attempt.failed']);
    }, ASYNC),
  );

  it(
    'met by the last item is still too late: the limit itself is not within it',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const within = await run.complete(slowMap(busy(run, clock), { timeoutMs: 81 }), {
        params: { list: [40, 40] },
        runtime: { clock },
      });
      expect(within.output).to.deep.equal({ n: [40, 40], after: 2 });
      const late = await run.fail(slowMap(busy(run, clock), { timeoutMs: 80 }), {
        params: { list: [40, 40] },
        runtime: { clock },
      });
      expect(late.node('all').error?.code).to.equal('ATTEMPT_TIMEOUT');
    }, SYNC_WAYS),
  );

  it(
    'counts for each attempt, totalTimeoutMs for all of them',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const retry = { attempts: 5, delayMs: 10, backoff: 'fixed' as const };
      const given = { params: { list: [60] }, runtime: { clock }, compare: false }; // a node that holds the thread completes
      const each = await run.fail(slowMap(busy(run, clock), { timeoutMs: 50, retry }), given);
      expect(each.node('all').failures.map(({ error }) => error.code)).to.deep.equal(Array(5).fill('ATTEMPT_TIMEOUT'));
      const all = await run.fail(slowMap(busy(run, clock), { timeoutMs: 50, totalTimeoutMs: 150, retry }), given);
      expect(all.node('all').error?.code).to.equal('NODE_TIMEOUT');
      expect(all.node('all').attempts).to.equal(3);
    }),
  );

  it(
    'that is soft warns, and tells the children in flight',
    everyWay(
      async (run) => {
        const clock = new VirtualClock();
        const aborted: string[] = [];
        const built = slowMap(busy(run, clock, aborted), { softTimeoutMs: 50 });
        const result = await run.complete(built, { params: { list: [20, 70, 100] }, runtime: { clock } });
        expect(result.output.n).to.deep.equal([20, 70, 100]);
        expect(result.warnings.map(({ code, at }) => [code, at])).to.deep.equal([['soft-timeout', 'all']]);
        if (run.asyncNodes) expect(aborted).to.deep.equal(['all[1]/ ATTEMPT_TIMEOUT', 'all[2]/ ATTEMPT_TIMEOUT']);
        expect(run.events.filter(({ kind }) => kind === 'deadline.expired').map(({ data }) => data)).to.deep.equal([
          { scope: '', subject: 'all', level: 'soft' },
        ]);
      },
      ['local', 'async runtime, sync nodes', 'async runtime, async nodes'],
    ),
  );

  it(
    'of a node inside is that of the node: it fails there, and warns there',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const node = busy(run, clock, [], { softTimeoutMs: 30, timeoutMs: 50 });
      const w = workflow('slow', { params: { list: type<number[]>() } });
      const all = w.map('all', w.params.list, (n) => node({ n }), { onItemError: 'collect' });
      const result = await run.complete(w.build({ outputs: { n: all.out.n, failed: all.failed } }), {
        params: { list: [20, 40, 60] },
        runtime: { clock },
      });
      expect(result.output.n).to.deep.equal([20, 40]);
      expect(result.output.failed.map(({ index, error }) => [index, error.code])).to.deep.equal([
        [2, 'ATTEMPT_TIMEOUT'],
      ]);
      expect(result.warnings.map(({ code, at }) => [code, at])).to.deep.equal([
        ['soft-timeout', 'all[1]/busy'],
        ['soft-timeout', 'all[2]/busy'],
      ]);
    }),
  );

  it(
    'of a subworkflow that may fail makes it a failure like any other',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const node = busy(run, clock);
      const inner = workflow('inner', { params: { n: type<number>() } });
      const a = inner.add('a', node({ n: inner.params.n }));
      const b = inner.add('b', node({ n: a.out.n }));
      const child = inner.build({ outputs: { n: b.out.n } });
      const w = workflow('outer', { params: { n: type<number>() } });
      const sub = w.try('sub', child({ n: w.params.n }), { timeoutMs: 100 });
      const spare = w.fn('spare', { error: sub.error }, ({ error }) => error.code);
      const built = w.build({ outputs: { n: sub.join({ ok: sub.out.n, failed: spare.out.value }) } });
      expect((await run.complete(built, { params: { n: 40 }, runtime: { clock } })).output).to.deep.equal({ n: 40 });
      expect(
        (await run.complete(built, { params: { n: 60 }, runtime: { clock }, compare: false })).output,
      ).to.deep.equal({
        n: 'ATTEMPT_TIMEOUT',
      });
    }),
  );

  it(
    'also ends a gate inside that waits too long',
    everyWay(async (run) => {
      const session = new Session(run);
      const inner = workflow('inner');
      const ok = inner.gate('ok');
      const child = inner.build({ outputs: { ok: ok.out.approved } });
      const w = workflow('outer');
      const sub = w.try('sub', child(), { timeoutMs: 100 });
      const spare = w.fn('spare', { error: sub.error }, ({ error }) => error.code);
      const built = w.build({ outputs: { code: spare.out.value } });
      const waiting = await session.wait(built);
      expect(waiting.wakeAt).to.equal(waiting.startedAt + 100);
      session.clock.advance(150);
      const done = await session.resume(built);
      expect(done.output).to.deep.equal({ code: 'ATTEMPT_TIMEOUT' });
      expect(done.children('sub')[0]?.node('ok')).to.deep.include({ status: 'cancelled' });
      expect(done.children('sub')[0]?.node('ok').reason?.code).to.equal('owner_stopped');
      await session.close();
    }),
  );
});

describe('A time limit of the run', () => {
  it(
    'cancels children in flight, and those that have not begun',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const aborted: string[] = [];
      const built = slowMap(busy(run, clock, aborted), {});
      const result = await run.fail(built, {
        params: { list: [40, 400] },
        runtime: { clock },
        run: { timeoutMs: 100 },
      });
      expect(result.error.message).to.include('100 ms');
      expect(statuses(result)).to.deep.equal({ all: 'cancelled', after: 'cancelled' });
      expect(reasonOf(result, 'all')).to.deep.include({ code: 'run_timeout' });
      expect(aborted).to.deep.equal(['all[1]/ RUN_CANCELLED']);
      expect(result.children('all')[1]?.node('busy').reason?.code).to.equal('run_timeout');
      expect(result.children('all').map(({ status }) => status)).to.deep.equal(['completed', 'cancelled']);
    }, ASYNC),
  );

  it(
    'is looked at between the nodes of children',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const built = slowMap(busy(run, clock), {});
      const result = await run.fail(built, {
        params: { list: [40, 40, 40, 40] },
        runtime: { clock },
        run: { timeoutMs: 100 },
      });
      expect(statuses(result)).to.deep.equal({ all: 'cancelled', after: 'cancelled' });
      expect(result.children('all').map(({ status }) => status)).to.deep.equal([
        'completed',
        'completed',
        'completed',
        'cancelled',
      ]);
    }, SYNC_WAYS),
  );

  it(
    'that is soft tells the children in flight',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const aborted: string[] = [];
      const built = slowMap(busy(run, clock, aborted), {});
      const result = await run.complete(built, {
        params: { list: [40, 90] },
        runtime: { clock },
        run: { softTimeoutMs: 50 },
      });
      expect(aborted).to.deep.equal(['all[1]/ RUN_TIMEOUT']);
      expect(result.warnings.map(({ code, at }) => [code, at])).to.deep.equal([['soft-timeout', '']]);
    }, ASYNC),
  );
});

describe('A promise inside a child that nothing can settle', () => {
  it(
    'fails its node; the items around it count',
    everyWay(
      async (run) => {
        const never = defineNode({
          name: 'never',
          inputs: { n: type<number>() },
          outputs: { n: type<number>() },
          async: true,
          run: ({ n }) => (n === 1 ? new Promise<{ n: number }>(() => undefined) : Promise.resolve({ n })),
        });
        const inner = workflow('inner', { params: { n: type<number>() } });
        const stuck = inner.add('stuck', never({ n: inner.params.n }));
        const child = inner.build({ outputs: { n: stuck.out.n } });
        const w = workflow('outer', { params: { list: type<number[]>() } });
        const all = w.map('all', w.params.list, (n) => child({ n }), { onItemError: 'collect' });
        const result = await run.complete(w.build({ outputs: { n: all.out.n, failed: all.failed } }), {
          params: { list: [0, 1, 2] },
        });
        expect(result.output.n).to.deep.equal([0, 2]);
        expect(result.output.failed.map(({ index, error }) => [index, error.code, error.cause?.code])).to.deep.equal([
          [1, 'CHILD_FAILED', 'NEVER_SETTLED'],
        ]);
      },
      ['async runtime, async nodes', 'async runtime, one async node at a time'],
    ),
  );
});
