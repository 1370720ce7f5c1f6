import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { LocalRuntime } from '../../../src/runtimes/local-runtime.js';
import { seededIds } from '../../../src/testing/seeded.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import { caught } from '../../support/caught.js';

describe('LocalRuntime', () => {
  it('is truly synchronous: the value is there, no promise was made, and no microtask ran in between', () => {
    let microtask = false;
    queueMicrotask(() => {
      microtask = true;
    });
    const w = workflow('w');
    const a = w.fn('a', {}, () => 1);
    const b = w.fn('b', { n: a.out.value }, ({ n }) => n + 1, { retry: { attempts: 2, delayMs: 1 } });
    const run = new LocalRuntime().execute(w.build({ outputs: { b: b.out.value } }));
    expect(run.unwrap()).to.deep.equal({ b: 2 });
    expect(run).not.to.have.property('then');
    expect(microtask).to.equal(false);
  });

  it('runs one node at a time, the one with the lowest plan index first', () => {
    const order: string[] = [];
    const w = workflow('w');
    const note = (id: string) => () => {
      order.push(id);
      return 1;
    };
    w.fn('late', {}, note('late'), { after: 'root' });
    w.fn('root', {}, note('root'));
    w.fn('free', {}, note('free'));
    w.fn('last', {}, note('last'), { after: ['late', 'free'] });
    new LocalRuntime().execute(w.build());
    expect(order).to.deep.equal(['root', 'late', 'free', 'last']);
  });

  describe('refuses asynchronous nodes before any node runs', () => {
    const ran: string[] = [];
    const asked = (build: (w: ReturnType<typeof workflow>) => void) => {
      ran.length = 0;
      const w = workflow('w');
      w.fn('first', {}, () => ran.push('first'));
      build(w as never);
      return caught(() => new LocalRuntime().execute(w.build()));
    };

    it('where the function is async', () => {
      const error = asked((w) => w.fn('slow', {}, async () => 1));
      expect([error.code, error.at, error.message]).to.deep.equal([
        'ASYNC_NODE',
        'slow',
        'Run of "w" refused: Node "slow" is asynchronous. Run it in AsyncLocalRuntime, make it synchronous, or define it with moduleNode().',
      ]);
      expect(ran).to.deep.equal([]);
    });

    it('where it is declared, and says how many more there are', () => {
      const declared = defineNode({
        name: 'n',
        outputs: { value: type<number>() },
        async: true,
        run: () => Promise.resolve({ value: 1 }),
      });
      const error = asked((w) => {
        w.add('one', declared());
        w.try('two', declared());
        w.fn('three', {}, async () => 1);
      });
      expect(error.message).to.contain('Node "one" (and 2 more) is asynchronous.');
      expect(ran).to.deep.equal([]);
    });

    it('also where its branch would not be taken', () => {
      const error = asked((w) => {
        const flag = w.fn('flag', {}, () => 1);
        const route = w.switch('route', flag.out.value, { never: () => false, always: otherwise });
        w.fn('slow', { n: route.out.never }, async () => 1);
      });
      expect(error.code).to.equal('ASYNC_NODE');
    });
  });

  describe('fails a node that returns a promise without being declared async', () => {
    it('with NODE_RETURNED_PROMISE, although others go on', () => {
      const w = workflow('w');
      w.fn('sneaky', {}, () => Promise.resolve(1));
      w.fn('other', {}, () => 1);
      const outcome = new LocalRuntime().settle(w.build());
      if (outcome.status !== 'failed') throw new Error(outcome.status);
      expect(outcome.node('sneaky').error).to.deep.equal({
        name: 'AttemptError',
        code: 'NODE_RETURNED_PROMISE',
        message:
          'Node "sneaky" returned a promise. Declare it with async: true and run it in AsyncLocalRuntime, or return the value itself.',
      });
      expect(outcome.node('other').status).to.equal('completed');
    });

    it('and handles its rejection, and that of any other thenable', async () => {
      const unhandled: unknown[] = [];
      const note = (reason: unknown): number => unhandled.push(reason);
      process.on('unhandledRejection', note);
      const w = workflow('w');
      const node = (name: string, returned: () => unknown) =>
        defineNode({ name, outputs: { value: type<unknown>() }, run: () => returned() as never });
      w.add('promise', node('promise', () => Promise.reject(new Error('later')))());
      w.add(
        'thenable',
        node('thenable', () => ({
          then: (_: unknown, fail: (error: Error) => void): void => fail(new Error('later')),
        }))(),
      );
      w.add(
        'throwing',
        node('throwing', () => ({
          then: (): never => {
            throw new Error('now');
          },
        }))(),
      );
      w.fn('fn', {}, () => Promise.reject(new Error('later')));
      const outcome = new LocalRuntime().settle(w.build());
      await new Promise((resolve) => setTimeout(resolve, 5));
      process.off('unhandledRejection', note);
      expect(
        outcome.status === 'failed' && outcome.failures.map(({ node: id, error }) => [id, error.code]),
      ).to.deep.equal(['promise', 'thenable', 'throwing', 'fn'].map((id) => [id, 'NODE_RETURNED_PROMISE']));
      expect(unhandled).to.deep.equal([]);
    });

    it('without trying again', () => {
      let calls = 0;
      const w = workflow('w');
      w.fn(
        'sneaky',
        {},
        () => {
          calls++;
          return Promise.resolve(1);
        },
        { retry: { attempts: 5 } },
      );
      new LocalRuntime().settle(w.build());
      expect(calls).to.equal(1);
    });
  });

  it('sleeps until a retry is due, on its own clock', () => {
    const clock = new VirtualClock(0);
    const times: number[] = [];
    const w = workflow('w');
    w.fn(
      'flaky',
      {},
      () => {
        times.push(clock.now());
        if (times.length < 3) throw new Error('again');
        return 1;
      },
      { retry: { attempts: 3, delayMs: 100, backoff: 'linear' } },
    );
    new LocalRuntime({ clock }).execute(w.build());
    expect(times).to.deep.equal([0, 100, 300]);
  });

  it('runs what is ready before it sleeps', () => {
    const clock = new VirtualClock(0);
    const order: string[] = [];
    const w = workflow('w');
    w.fn(
      'flaky',
      {},
      () => {
        order.push(`flaky ${clock.now()}`);
        if (order.length === 1) throw new Error('again');
        return 1;
      },
      { retry: { attempts: 2, delayMs: 100 } },
    );
    w.fn('other', {}, () => order.push(`other ${clock.now()}`));
    new LocalRuntime({ clock }).execute(w.build());
    expect(order).to.deep.equal(['flaky 0', 'other 0', 'flaky 100']);
  });

  it('runs a workflow from inside a node of another run of the same runtime', () => {
    const runtime = new LocalRuntime({ ids: seededIds() });
    const inner = workflow('inner');
    inner.fn('x', {}, () => 21);
    const built = inner.build();
    const w = workflow('outer');
    const a = w.fn('a', {}, () => (runtime.execute(built).results.get('x')?.value as number) * 2);
    const run = runtime.execute(w.build({ outputs: { a: a.out.value } }));
    expect(run.unwrap()).to.deep.equal({ a: 42 });
    expect(run.runId).to.equal('run-1');
  });

  it('does not sleep before it hears that a listener aborted the run', () => {
    const clock = new VirtualClock(0);
    const abort = new AbortController();
    const w = workflow('w');
    const flag = w.fn('flag', {}, () => 1);
    const route = w.switch('route', flag.out.value, { never: () => false, always: otherwise });
    w.fn(
      'flaky',
      {},
      () => {
        throw new Error('again');
      },
      { retry: { attempts: 3, delayMs: 1_000 } },
    );
    w.fn('untaken', { n: route.out.never }, ({ n }) => n);
    const onEvent = ({ kind }: { readonly kind: string }): void => {
      if (kind === 'node.skipped') abort.abort(new Error('enough'));
    };
    const outcome = new LocalRuntime({ clock }).settle(w.build(), {}, { signal: abort.signal, onEvent });
    expect([outcome.status, clock.now()]).to.deep.equal(['cancelled', 0]);
  });

  it('is cancelled by a signal that a node aborts, between nodes', () => {
    const abort = new AbortController();
    const w = workflow('w');
    w.fn('a', {}, () => abort.abort(new Error('enough')));
    w.fn('b', {}, () => 1, { after: 'a' });
    const outcome = new LocalRuntime().settle(w.build(), {}, { signal: abort.signal });
    expect(
      outcome.status === 'cancelled' && [outcome.error.reason, outcome.error.completed, outcome.error.notStarted],
    ).to.deep.equal(['enough', ['a'], ['b']]);
  });
});
