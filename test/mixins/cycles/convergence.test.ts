import { expect } from 'chai';
import { type CycleView, when } from '../../../src/base/condition.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { VirtualClock } from '../../../src/testing/index.js';
import { everyWay, statuses } from '../../support/every-way.js';
import { halve, halving, numeric } from '../../support/halving.js';

describe('the condition of a cycle', () => {
  it(
    'sees the iteration, what it was given before, the metrics of before, and the time since the entry',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const views: unknown[] = [];
      const w = workflow('view');
      const step = w.add(
        'step',
        numeric('tick', (n) => {
          clock.advance(10);
          return n / 2;
        })({ n: 16 }),
      );
      w.fn('before', {}, () => clock.advance(1000));
      w.cycle('fit', {
        feedback: [step.out.n.to(step.in.n)],
        until: when(step.out.n, (n, { iteration, previous, history, elapsedMs }) => {
          views.push([n, iteration, previous, [...history], elapsedMs]);
          return { met: n <= 2, metric: n * 100 };
        }),
        maxIterations: 9,
      });
      const result = await run.complete(w.build(), { runtime: { clock }, compare: false });
      expect(views.map((view) => (view as unknown[]).slice(0, 4))).to.deep.equal([
        [8, 0, undefined, []],
        [4, 1, 8, [800]],
        [2, 2, 4, [800, 400]],
      ]);
      if (run.way === 'async runtime, one async node at a time')
        expect(views.map((view) => (view as unknown[])[4])).to.deep.equal([1010, 1020, 1030].map((ms) => ms - 1000));
      expect(result.cycle('fit').history).to.deep.equal([800, 400, 200]);
      expect(result.cycle('fit').metric).to.equal(200);
    }),
  );

  it(
    'history is bounded by keepHistory; 0 keeps none; 100 by default',
    everyWay(async (run) => {
      const seen: number[] = [];
      const watch = (_: number, { history }: CycleView): boolean => {
        seen.push(history.length);
        return false;
      };
      const two = await run.complete(halving({ until: watch, maxIterations: 5, keepHistory: 2 }));
      expect(two.cycle('fit').history).to.deep.equal([1, 0.5]);
      expect(seen).to.deep.equal([0, 1, 2, 2, 2]);
      const none = await run.complete(halving({ until: watch, maxIterations: 3, keepHistory: 0 }));
      expect(none.cycle('fit').history).to.deep.equal([]);
      expect(none.cycle('fit').metric).to.equal(2);
      const many = await run.complete(halving({ until: watch, maxIterations: 120 }));
      expect(many.cycle('fit').history).to.have.lengthOf(100);
      expect(many.cycle('fit').history[0]).to.equal(16 / 2 ** 21);
    }),
  );

  it(
    'a value that is no number is no metric',
    everyWay(async (run) => {
      const w = workflow('text');
      const grow = defineNode({
        name: 'grow',
        inputs: { text: type<string>() },
        outputs: { text: type<string>() },
        run: ({ text }) => ({ text: `${text}x` }),
      });
      const step = w.add('step', grow({ text: '' }));
      w.cycle('loop', {
        feedback: [step.out.text.to(step.in.text)],
        until: when(step.out.text, (text, { previous }) => previous === 'xx' && text === 'xxx'),
        maxIterations: 9,
      });
      const result = await run.complete(w.build());
      expect(result.cycle('loop')).to.include({ reason: 'converged', iterations: 3, metric: undefined });
    }),
  );

  it(
    'several sources are given by name, those that are live; where none is, it is not asked',
    everyWay(async (run) => {
      const seen: unknown[] = [];
      const w = workflow('named');
      const step = w.add('step', halve({ n: 16 }));
      const route = w.switch('route', step.out.n, { high: (n) => n > 4, low: (n) => n < 2, middle: otherwise });
      const close = w.fn('close', { n: step.out.n }, ({ n }) => n, { after: route });
      w.cycle('fit', {
        feedback: [close.out.value.to(step.in.n)],
        until: when({ high: route.out.high, low: route.out.low }, (values, { previous }) => {
          seen.push([values, previous]);
          return values.low !== undefined;
        }),
        maxIterations: 9,
      });
      const result = await run.complete(w.build());
      expect(seen).to.deep.equal([
        [{ high: 8 }, undefined],
        [{ low: 1 }, undefined],
      ]);
      expect(result.cycle('fit')).to.include({ reason: 'converged', iterations: 4 });
    }),
  );

  it(
    'a dead source is not met',
    everyWay(async (run) => {
      const w = workflow('deadUntil');
      const step = w.add('step', halve({ n: 16 }));
      const route = w.switch('route', step.out.n, { low: (n) => n < 2, high: otherwise });
      const close = w.fn('close', { n: step.out.n }, ({ n }) => n, { after: route });
      w.cycle('fit', {
        feedback: [close.out.value.to(step.in.n)],
        until: when(route.out.low, () => true),
        maxIterations: 9,
      });
      const result = await run.complete(w.build());
      expect(result.cycle('fit')).to.include({ reason: 'converged', iterations: 4, metric: 1 });
    }),
  );

  it(
    'one that throws, or answers no boolean, fails the cycle CONDITION_THREW',
    everyWay(async (run) => {
      const thrown = await run.fail(
        halving({
          until: (n) => {
            if (n < 5) throw new TypeError('cannot');
            return false;
          },
        }),
      );
      expect(thrown.error.node).to.equal('fit');
      expect(thrown.error.failure.code).to.equal('CONDITION_THREW');
      expect(thrown.error.failure.message).to.contain('The condition of cycle "fit" threw in iteration 1.');
      expect(thrown.error.failure.cause).to.deep.equal({ name: 'TypeError', code: 'NODE_THREW', message: 'cannot' });
      expect(thrown.cycle('fit')).to.include({ reason: 'failed', failed: true, root: 'fit', iterations: 2 });
      expect(statuses(thrown)).to.deep.equal({ step: 'completed', end: 'blocked' });

      for (const answer of [1, null, undefined, 'yes', {}, { met: 1 }]) {
        const wrong = await run.fail(halving({ until: () => answer as never }));
        expect(wrong.error.failure.code, String(answer)).to.equal('CONDITION_THREW');
      }
      for (const answer of [1, 'yes', {}, { met: 1 }]) {
        const wrong = await run.fail(halving({ until: () => answer as never }));
        expect(wrong.error.failure.message).to.contain(`cycle "fit" answered ${answer}, not a boolean.`);
      }
    }),
  );

  it(
    'one that answers with a promise fails the cycle, and its rejection is handled',
    everyWay(async (run) => {
      const result = await run.fail(halving({ until: (async () => Promise.reject(new Error('late'))) as never }));
      expect(result.error.failure.code).to.equal('CONDITION_THREW');
      expect(result.error.failure.message).to.contain('answered [object Promise], not a boolean.');
    }),
  );

  it(
    'may look at a node that nothing feeds back: train, then evaluate, in every iteration',
    everyWay(async (run) => {
      const w = workflow('evaluate');
      const step = w.add('step', halve({ n: 16 }));
      const loss = w.fn('loss', { n: step.out.n }, ({ n }) => n * 10);
      const after = w.fn('after', { n: step.out.n }, ({ n }) => n);
      w.cycle('fit', {
        feedback: [step.out.n.to(step.in.n)],
        until: when(loss.out.value, (value) => value <= 20),
        maxIterations: 10,
      });
      const result = await run.complete(w.build({ outputs: { loss: loss.out.value, after: after.out.value } }));
      expect(result.output).to.deep.equal({ loss: 20, after: 2 });
      expect(result.cycle('fit')).to.include({ reason: 'converged', iterations: 3 });
      expect([result.node('loss').visits, result.node('after').visits]).to.deep.equal([3, 1]);
    }),
  );

  it(
    'cannot change the history it is shown: the state stays what the events say',
    everyWay(async (run) => {
      const shown: unknown[] = [];
      const w = workflow('meddling');
      const step = w.add('step', halve({ n: 16 }));
      w.cycle('fit', {
        feedback: [step.out.n.to(step.in.n)],
        until: when(step.out.n, (n, { history }) => {
          shown.push([...history]);
          (history as number[]).push(99);
          return n <= 2;
        }),
        maxIterations: 10,
      });
      const result = await run.complete(w.build());
      expect(shown).to.deep.equal([[], [8], [8, 4]]);
      expect(result.cycle('fit').history).to.deep.equal([8, 4, 2]);
    }),
  );
});
