import { expect } from 'chai';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { scripted, VirtualClock } from '../../../src/testing/index.js';
import { everyWay, reasonOf, statuses } from '../../support/every-way.js';

const ok = defineNode({
  name: 'ok',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }) => ({ n: n + 1 }),
});
const bad = defineNode({
  name: 'bad',
  inputs: { n: type<number>() },
  outputs: { n: type<number>() },
  run: ({ n }): { n: number } => {
    throw Object.assign(new Error(`bad ${n}`), { code: 'E_BAD' });
  },
});

describe('onError', () => {
  it(
    'continue, the default: what does not depend on the failure finishes, then the run fails',
    everyWay(async (run) => {
      const w = workflow('continue');
      const a = w.add('a', bad({ n: 0 }));
      w.add('b', ok({ n: a.out.n }));
      const c = w.add('c', ok({ n: 0 }));
      w.add('d', ok({ n: c.out.n }));
      const result = await run.fail(w.build());
      expect(statuses(result)).to.deep.equal({ a: 'failed', b: 'blocked', c: 'completed', d: 'completed' });
    }),
  );

  it(
    'fail-fast: what has not started never does, and its reason names the failure',
    everyWay(
      async (run) => {
        const w = workflow('failFast');
        const a = w.add('a', bad({ n: 0 }));
        w.add('b', ok({ n: a.out.n }));
        const c = w.add('c', ok({ n: 0 }));
        w.add('d', ok({ n: c.out.n }));
        const result = await run.fail(w.build(), { runtime: { onError: 'fail-fast' } });
        expect(result.error.node).to.equal('a');
        const root = { subject: 'a', port: null, code: 'fail_fast' };
        const because = { code: 'fail_fast', input: null, source: null, root };
        expect(statuses(result)).to.deep.equal({ a: 'failed', b: 'cancelled', c: 'cancelled', d: 'cancelled' });
        for (const id of ['b', 'c', 'd']) expect(reasonOf(result, id), id).to.deep.equal(because);
      },
      ['local', 'async runtime, sync nodes', 'async runtime, one async node at a time'],
    ),
  );

  it(
    'fail-fast aborts running siblings: their signal says why, and what they answer later is ignored',
    everyWay(
      async (run) => {
        const clock = new VirtualClock();
        const heard: unknown[] = [];
        let late = false;
        const w = workflow('siblings');
        w.fn('fails', {}, async () => {
          await new Promise<void>((resolve) => clock.setTimer(10, resolve));
          throw new Error('first');
        });
        const sibling = defineNode({
          name: 'sibling',
          outputs: { n: type<number>() },
          run: async (_, { signal }) => {
            signal.addEventListener('abort', () =>
              heard.push((signal.reason as { code: string; message: string }).code),
            );
            await new Promise<void>((resolve) => clock.setTimer(500, resolve));
            late = true;
            return { n: 1 };
          },
        });
        const rejecting = defineNode({
          name: 'rejecting',
          outputs: { n: type<number>() },
          run: (_, { signal }) =>
            new Promise<{ n: number }>((_resolve, reject) => {
              signal.addEventListener('abort', () => reject(signal.reason as Error));
            }),
        });
        w.add('sibling', sibling({}));
        w.add('rejecting', rejecting({}));
        const result = await run.fail(w.build(), { runtime: { clock, onError: 'fail-fast' } });
        expect(statuses(result)).to.deep.equal({ fails: 'failed', sibling: 'cancelled', rejecting: 'cancelled' });
        expect(result.durationMs).to.equal(10);
        expect(heard).to.deep.equal(['RUN_CANCELLED']);
        clock.advance(1000);
        await new Promise((resolve) => setImmediate(resolve));
        expect(late).to.equal(true);
        expect(statuses(result).sibling).to.equal('cancelled');
        expect(result.node('sibling').attempts).to.equal(1);
        expect(result.node('sibling').reason?.code).to.equal('fail_fast');
        const cancelled = run.events.flatMap((event) => (event.kind === 'attempt.cancelled' ? [event.data.node] : []));
        expect(cancelled).to.deep.equal(['sibling', 'rejecting']);
      },
      ['async runtime, async nodes'],
    ),
  );

  it(
    'fail-fast waits for the budget: an attempt that is tried again is no failure, and one that may fail is none either',
    everyWay(async (run) => {
      const flaky = scripted({
        name: 'flaky',
        outputs: { n: type<number>() },
        retry: { attempts: 2 },
        script: [{ throws: new Error('again') }, { gives: { n: 1 } }],
      });
      const w = workflow('patient');
      w.add('flaky', flaky({}));
      w.try('allowed', bad({ n: 0 }));
      w.add('other', ok({ n: 0 }));
      const result = await run.complete(w.build(), { runtime: { onError: 'fail-fast' } });
      expect(statuses(result)).to.deep.equal({ flaky: 'completed', allowed: 'failed', other: 'completed' });
    }),
  );

  it(
    'fail-fast stops a node that waits for its next attempt',
    everyWay(async (run) => {
      const w = workflow('waiting');
      w.add('waits', bad({ n: 1 }), { retry: { attempts: 2, delayMs: 1000 } });
      w.add('fails', bad({ n: 2 }));
      const result = await run.fail(w.build(), { runtime: { onError: 'fail-fast' }, compare: false });
      expect(statuses(result)).to.deep.equal({ waits: 'cancelled', fails: 'failed' });
      expect(result.durationMs).to.equal(0);
      expect(result.error.node).to.equal('fails');
    }),
  );

  it(
    'fail-fast on a cycle that fails by itself names the cycle',
    everyWay(async (run) => {
      const w = workflow('cycle');
      const step = w.add('step', ok({ n: 0 }));
      w.cycle('loop', { feedback: [step.out.n.to(step.in.n)], maxIterations: 2, onMaxIterations: 'fail' });
      w.fn('after', {}, () => 1, { after: 'loop', join: 'always' });
      const result = await run.fail(w.build(), { runtime: { onError: 'fail-fast' } });
      expect(result.error.node).to.equal('loop');
      expect(statuses(result)).to.deep.equal({ step: 'completed', after: 'cancelled' });
      expect(reasonOf(result, 'after')).to.deep.equal({
        code: 'fail_fast',
        input: null,
        source: null,
        root: { subject: 'loop', port: null, code: 'fail_fast' },
      });
    }),
  );
});

describe('the error of a run', () => {
  it(
    'is that of the failed node lowest in plan order, whichever failed first',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const failing = (id: string, ms: number) =>
        defineNode({
          name: 'failing',
          outputs: { n: type<number>() },
          run: (): { n: number } | Promise<{ n: number }> => {
            const error = new Error(id);
            if (!run.asyncNodes) throw error;
            return new Promise((_, reject) => clock.setTimer(ms, () => reject(error)));
          },
        });
      const w = workflow('primary');
      w.add('slow', failing('slow', 100)({}));
      w.add('fast', failing('fast', 10)({}));
      const result = await run.fail(w.build(), { runtime: { clock } });
      expect(result.error.node).to.equal('slow');
      expect(result.error.failure.message).to.equal('slow');
      expect((result.error.cause as Error).message).to.equal('slow');
      expect(result.failures.map(({ node, allowed }) => [node, allowed])).to.deep.equal([
        ['slow', false],
        ['fast', false],
      ]);
      if (run.way === 'async runtime, async nodes') {
        const order = run.events.flatMap((event) => (event.kind === 'attempt.failed' ? [event.data.node] : []));
        expect(order).to.deep.equal(['fast', 'slow']);
      }
    }),
  );

  it(
    'passes over a failure that was allowed',
    everyWay(async (run) => {
      const w = workflow('allowed');
      w.try('allowed', bad({ n: 1 }));
      w.add('fatal', bad({ n: 2 }));
      const result = await run.fail(w.build());
      expect(result.error.node).to.equal('fatal');
      expect(result.failures.map(({ node, allowed }) => [node, allowed])).to.deep.equal([
        ['allowed', true],
        ['fatal', false],
      ]);
    }),
  );

  it(
    'a cycle that failed by itself counts at the place of its first node',
    everyWay(async (run) => {
      const w = workflow('places');
      w.add('late', bad({ n: 1 }), { after: 'early' });
      const early = w.add('early', ok({ n: 0 }));
      w.cycle('loop', { feedback: [early.out.n.to(early.in.n)], maxIterations: 2, onMaxIterations: 'fail' });
      w.add('beside', bad({ n: 2 }));
      const result = await run.fail(w.build());
      expect([...result.nodes.keys()]).to.deep.equal(['early', 'late', 'beside']);
      expect(result.error.node).to.equal('loop');
      expect(statuses(result).late).to.equal('blocked');
    }),
  );

  it(
    'has the error that was thrown as its cause, never one of an earlier attempt',
    everyWay(async (run) => {
      const w = workflow('cause');
      const twice = scripted({
        name: 'twice',
        outputs: { success: type<boolean>() },
        retry: { attempts: 2 },
        script: [{ throws: new Error('first') }, { gives: { success: false } }],
      });
      w.add('twice', twice({}));
      const result = await run.fail(w.build(), { runtime: { contentAwareSuccess: true } });
      expect(result.error.failure.code).to.equal('NOT_SUCCESSFUL');
      expect((result.error.cause as Error).message).to.contain('NOT_SUCCESSFUL');
    }),
  );
});

describe('allowFailure', () => {
  it(
    'comes after the budget: the node is tried as often as it may, then its failure is allowed',
    everyWay(async (run) => {
      const w = workflow('allowed');
      const step = w.try('step', bad({ n: 1 }), { retry: { attempts: 3 } });
      const end = w.fn('end', { error: step.error.at('code') }, ({ error }) => error);
      const result = await run.complete(w.build({ outputs: { end: end.out.value } }));
      expect(result.output).to.deep.equal({ end: 'E_BAD' });
      expect(result.node('step').attempts).to.equal(3);
      expect(
        run.events.flatMap((event) => (event.kind === 'attempt.failed' ? [event.data.then.kind] : [])),
      ).to.deep.equal(['retry', 'retry', 'allow']);
    }),
  );

  it(
    'allows time limits, judgement and strategies that throw as well',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const late = defineNode({
        name: 'late',
        outputs: { n: type<number>() },
        run: () => {
          clock.advance(100);
          return { n: 1 };
        },
      });
      const unsuccessful = defineNode({
        name: 'unsuccessful',
        outputs: { success: type<boolean>() },
        run: () => ({ success: false }),
      });
      const w = workflow('allowed');
      w.try('late', late({}), { timeoutMs: 50 });
      w.try('unsuccessful', unsuccessful({}));
      w.try('strategy', bad({ n: 1 }), {
        retry: {
          attempts: 2,
          retryOn: [
            () => {
              throw new Error('strategy');
            },
          ],
        },
      });
      const result = await run.complete(w.build(), { runtime: { clock, contentAwareSuccess: true } });
      expect(result.failures.map(({ node, error, allowed }) => `${node} ${error.code} ${allowed}`)).to.deep.equal([
        'late ATTEMPT_TIMEOUT true',
        'unsuccessful NOT_SUCCESSFUL true',
        'strategy STRATEGY_THREW true',
      ]);
    }),
  );
});

describe('contentAwareSuccess', () => {
  const reports = (success: unknown) =>
    defineNode({
      name: 'reports',
      outputs: { success: type<unknown>(), n: type<number>() },
      run: () => ({ success, n: 1 }),
    });

  it(
    'off, the default: success: false is an output like any other',
    everyWay(async (run) => {
      const w = workflow('off');
      const step = w.add('step', reports(false)({}));
      const result = await run.complete(w.build({ outputs: { success: step.out.success } }));
      expect(result.output).to.deep.equal({ success: false });
    }),
  );

  it(
    'on: success: false is the failure NOT_SUCCESSFUL, and its outputs do not exist',
    everyWay(async (run) => {
      const w = workflow('on');
      const step = w.add('step', reports(false)({}));
      w.fn('next', { n: step.out.n }, ({ n }) => n);
      const result = await run.fail(w.build(), { runtime: { contentAwareSuccess: true } });
      expect(result.error.failure.code).to.equal('NOT_SUCCESSFUL');
      expect(result.error.failure.message).to.contain('Node "step" reported success: false.');
      expect(statuses(result)).to.deep.equal({ step: 'failed', next: 'blocked' });
      expect(result.results.has('step')).to.equal(false);
    }),
  );

  it(
    'on: only false counts; it is tried again as any failure',
    everyWay(async (run) => {
      for (const success of [true, 0, null, 'false']) {
        const w = workflow('near');
        w.add('step', reports(success)({}));
        await run.complete(w.build(), { runtime: { contentAwareSuccess: true } });
      }
      const second = defineNode({
        name: 'second',
        outputs: { success: type<boolean>() },
        retry: { attempts: 3, retryOn: ['NOT_SUCCESSFUL'] },
        run: (_, { attempt }) => ({ success: attempt === 2 }),
      });
      const w = workflow('again');
      w.add('step', second({}));
      const result = await run.complete(w.build(), { runtime: { contentAwareSuccess: true } });
      expect(result.node('step').attempts).to.equal(2);
    }),
  );
});
