import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { VirtualClock } from '../../../src/testing/index.js';
import { ASYNC_WAYS, everyWay, reasonOf, statuses } from '../../support/every-way.js';

const CANCELLED = {
  code: 'run_cancelled',
  input: null,
  source: null,
  root: { subject: '', port: null, code: 'run_cancelled' },
};

/** a → b → c, and d beside them; `b` calls `during`. */
function chain(during: () => void, ran: string[] = []) {
  const w = workflow('chain');
  const note = (id: string, n: number): number => {
    ran.push(id);
    return n + 1;
  };
  const a = w.fn('a', {}, () => note('a', 0));
  const b = w.fn('b', { n: a.out.value }, ({ n }) => {
    during();
    return note('b', n);
  });
  const c = w.fn('c', { n: b.out.value }, ({ n }) => note('c', n));
  w.fn('d', { n: c.out.value }, ({ n }) => note('d', n));
  return w.build({ outputs: { c: c.out.value } });
}

describe('cancellation', () => {
  it(
    'by a signal that is aborted already: no node runs, and all are listed as not started',
    everyWay(async (run) => {
      const ran: string[] = [];
      const result = await run.cancel(
        chain(() => undefined, ran),
        { run: { signal: AbortSignal.abort(new Error('too late')) } },
      );
      expect(ran).to.deep.equal([]);
      expect(result.error).to.deep.include({
        code: 'RUN_CANCELLED',
        reason: 'too late',
        completed: [],
        stoppedAt: [],
        notStarted: ['a', 'b', 'c', 'd'],
      });
      expect(result.error.message).to.equal(
        'Run run-1 of "chain" was cancelled before "a", "b", "c", "d": too late. Completed: nothing. See what had completed and where it stopped.',
      );
      expect(statuses(result)).to.deep.equal({ a: 'cancelled', b: 'cancelled', c: 'cancelled', d: 'cancelled' });
      expect(reasonOf(result, 'a')).to.deep.equal(CANCELLED);
      expect(run.events.map(({ kind }) => kind)).to.deep.equal([
        'run.started',
        'run.cancel_requested',
        'node.cancelled',
        'node.cancelled',
        'node.cancelled',
        'node.cancelled',
        'run.cancelled',
      ]);
    }),
  );

  it(
    'from a node: what had completed, and what had not started',
    everyWay(async (run) => {
      const controller = new AbortController();
      const ran: string[] = [];
      const result = await run.cancel(
        chain(() => controller.abort('stop here'), ran),
        { run: { signal: controller.signal }, compare: false },
      );
      expect(result.error.reason).to.equal('stop here');
      expect(result.status).to.equal('cancelled');
      expect(result.error.result).to.equal(result);
      if (run.asyncNodes) {
        // The abort is heard at once: the attempt that called it is cancelled while it runs.
        expect(result.error).to.deep.include({ completed: ['a'], stoppedAt: ['b'], notStarted: ['c', 'd'] });
      } else {
        expect(result.error).to.deep.include({ completed: ['a', 'b'], stoppedAt: [], notStarted: ['c', 'd'] });
      }
      expect(ran).to.deep.equal(['a', 'b']);
    }),
  );

  it(
    'in the last node is too late: the run completes',
    everyWay(async (run) => {
      const controller = new AbortController();
      const w = workflow('last');
      const only = w.fn('only', {}, () => {
        if (!run.asyncNodes) controller.abort();
        return 1;
      });
      const result = await run.complete(w.build({ outputs: { n: only.out.value } }), {
        run: { signal: controller.signal },
      });
      expect(result.output).to.deep.equal({ n: 1 });
    }),
  );

  it(
    'after the end changes nothing',
    everyWay(async (run) => {
      const controller = new AbortController();
      const result = await run.complete(
        chain(() => undefined),
        { run: { signal: controller.signal } },
      );
      controller.abort();
      expect(result.output).to.deep.equal({ c: 3 });
      expect(result.status).to.equal('completed');
    }),
  );

  it(
    'while a node waits for its next attempt: the attempt is not made',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const controller = new AbortController();
      let attempts = 0;
      const w = workflow('backoff');
      const bad = defineNode({
        name: 'bad',
        outputs: { n: type<number>() },
        retry: { attempts: 5, backoff: 'fixed', delayMs: 100 },
        run: (): { n: number } => {
          attempts++;
          throw new Error('again');
        },
      });
      w.add('step', bad({}));
      clock.setTimer(150, () => controller.abort(new Error('in between')));
      const result = await run.cancel(w.build(), {
        runtime: { clock },
        run: { signal: controller.signal },
        compare: false,
      });
      expect(attempts).to.equal(2);
      expect(statuses(result)).to.deep.equal({ step: 'cancelled' });
      expect(result.node('step').attempts).to.equal(2);
      expect(result.error.completed).to.deep.equal([]);
      expect(result.error.reason).to.equal('in between');
      // A blocked thread hears nothing before its sleep is over.
      expect(result.durationMs).to.equal(run.way === 'local' ? 200 : 150);
    }),
  );

  it(
    'while asynchronous nodes run: they are aborted and named, and late answers are ignored',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const controller = new AbortController();
      const heard: string[] = [];
      const late: string[] = [];
      const waiting = (id: string) =>
        defineNode({
          name: 'waiting',
          outputs: { n: type<number>() },
          run: (_, { signal }) =>
            new Promise<{ n: number }>((resolve) => {
              signal.addEventListener('abort', () => heard.push(`${id} ${(signal.reason as { code: string }).code}`));
              clock.setTimer(500, () => {
                late.push(id);
                resolve({ n: 1 });
              });
            }),
        });
      const w = workflow('running');
      const quick = w.fn('quick', {}, () => 1);
      const x = w.add('x', waiting('x')({}), { after: quick });
      const y = w.add('y', waiting('y')({}), { after: quick });
      w.fn('end', { x: x.out.n, y: y.out.n }, ({ x: left, y: right }) => left + right);
      clock.setTimer(100, () => controller.abort(new Error('user left')));
      const result = await run.cancel(w.build(), {
        runtime: { clock },
        run: { signal: controller.signal },
        compare: false,
      });
      const single = run.way === 'async runtime, one async node at a time';
      expect(result.error).to.deep.include({
        completed: ['quick'],
        stoppedAt: single ? ['x'] : ['x', 'y'],
        notStarted: single ? ['y', 'end'] : ['end'],
        reason: 'user left',
      });
      expect(result.error.message).to.contain(single ? 'while "x" ran' : 'while "x", "y" ran');
      expect(heard).to.deep.equal(single ? ['x RUN_CANCELLED'] : ['x RUN_CANCELLED', 'y RUN_CANCELLED']);
      expect(result.durationMs).to.equal(100);
      clock.advance(1000);
      await new Promise((resolve) => setImmediate(resolve));
      expect(late).to.deep.equal(single ? ['x'] : ['x', 'y']);
      expect(statuses(result).x).to.equal('cancelled');
    }, ASYNC_WAYS),
  );

  it(
    'an attempt that rejects because it was aborted is cancelled, not failed, and nothing is left unhandled',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const controller = new AbortController();
      const obedient = defineNode({
        name: 'obedient',
        outputs: { n: type<number>() },
        retry: { attempts: 3 },
        run: (_, { signal }) =>
          new Promise<{ n: number }>((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason as Error)),
          ),
      });
      const w = workflow('obedient');
      w.add('step', obedient({}));
      clock.setTimer(10, () => controller.abort());
      const result = await run.cancel(w.build(), { runtime: { clock }, run: { signal: controller.signal } });
      expect(statuses(result)).to.deep.equal({ step: 'cancelled' });
      expect(result.node('step').attempts).to.equal(1);
      expect(result.failures).to.deep.equal([]);
    }, ASYNC_WAYS),
  );

  it(
    'is stronger than a failure that has happened',
    everyWay(async (run) => {
      const controller = new AbortController();
      const w = workflow('stronger');
      const bad = w.fn('bad', {}, (): number => {
        throw new Error('bad');
      });
      const stop = w.fn('stop', {}, () => controller.abort('enough'), {
        after: w.try('may', defineNode({ name: 'may', outputs: { n: type<number>() }, run: () => ({ n: 1 }) })({})),
      });
      w.fn('never', { n: bad.out.value }, ({ n }) => n, { after: stop });
      const result = await run.cancel(w.build(), { run: { signal: controller.signal }, compare: false });
      expect(statuses(result).bad).to.equal('failed');
      expect(result.error.reason).to.equal('enough');
    }),
  );

  it(
    'the reason is the message of what the signal was aborted with',
    everyWay(async (run) => {
      const reasons: readonly (readonly [unknown, string])[] = [
        ['text', 'text'],
        [new Error('error'), 'error'],
        [undefined, 'This operation was aborted'],
        [42, '42'],
      ];
      for (const [reason, expected] of reasons) {
        const result = await run.cancel(
          chain(() => undefined),
          { run: { signal: AbortSignal.abort(reason) } },
        );
        expect(result.error.reason).to.equal(expected);
      }
    }),
  );

  it(
    'a failure of a cancelled run leaves no work behind: no timer, no listener',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const controller = new AbortController();
      let listeners = 0;
      const { signal } = controller;
      const add = signal.addEventListener.bind(signal);
      const remove = signal.removeEventListener.bind(signal);
      signal.addEventListener = ((...args: Parameters<typeof add>) => {
        listeners++;
        add(...args);
      }) as typeof add;
      signal.removeEventListener = ((...args: Parameters<typeof remove>) => {
        listeners--;
        remove(...args);
      }) as typeof remove;
      await run.cancel(
        chain(() => controller.abort()),
        { runtime: { clock, timeoutMs: 1000 }, run: { signal }, compare: false },
      );
      expect(listeners).to.equal(0);
      expect(clock.timers).to.equal(0);
    }),
  );
});
