import { expect } from 'chai';
import { z } from 'zod';
import { defineNode } from '../../../src/base/node.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { everyWay } from '../../support/every-way.js';

describe('the state of a node', () => {
  it(
    'starts as the default of its schema and is what the last completed visit left',
    everyWay(async (run) => {
      const sum = defineNode({
        name: 'sum',
        inputs: { n: type<number>() },
        outputs: { n: type<number>(), total: type<number>() },
        state: z.object({ total: z.number() }).default({ total: 1000 }),
        run: ({ n }, ctx) => {
          const total = ctx.state.total + n;
          ctx.setState({ total: -1 });
          ctx.setState({ total });
          return { n: n + 1, total };
        },
      });
      const w = workflow('sum');
      const step = w.add('step', sum({ n: 1 }));
      w.cycle('loop', { feedback: [step.out.n.to(step.in.n)], maxIterations: 3 });
      const other = w.add('other', sum({ n: 5 }));
      const result = await run.complete(w.build({ outputs: { total: step.out.total, other: other.out.total } }));
      expect(result.output).to.deep.equal({ total: 1006, other: 1005 });
      const states = run.events.flatMap((event) =>
        event.kind === 'attempt.completed' && event.data.node === 'step' ? [event.data.state] : [],
      );
      expect(states).to.deep.equal([{ total: 1001 }, { total: 1003 }, { total: 1006 }]);
    }),
  );

  it(
    'is not changed by reading it, and the event holds none where it was not set',
    everyWay(async (run) => {
      const peek = defineNode({
        name: 'peek',
        outputs: { seen: type<string>() },
        state: z.number().default(7),
        run: (_, { state }) => ({ seen: String(state) }),
      });
      const w = workflow('peek');
      const step = w.add('step', peek({}));
      const result = await run.complete(w.build({ outputs: { seen: step.out.seen } }));
      expect(result.output).to.deep.equal({ seen: '7' });
      expect(run.events.some((event) => event.kind === 'attempt.completed' && 'state' in event.data)).to.equal(false);
    }),
  );

  it(
    'what an attempt set is lost when the attempt fails, by throwing, by a wrong output or by judgement',
    everyWay(async (run) => {
      const seen: number[] = [];
      const flaky = defineNode({
        name: 'flaky',
        inputs: { n: type<number>() },
        outputs: { n: z.number(), success: z.boolean() },
        state: z.number().default(0),
        retry: { attempts: 4 },
        run: ({ n }, ctx) => {
          seen.push(ctx.state);
          ctx.setState(ctx.state + 1);
          if (ctx.attempt === 1) throw new Error('throws');
          if (ctx.attempt === 2) return { n, success: false };
          return { n, success: true };
        },
      });
      const w = workflow('flaky');
      const step = w.add('step', flaky({ n: 0 }));
      w.cycle('loop', { feedback: [step.out.n.to(step.in.n)], maxIterations: 2 });
      const result = await run.complete(w.build(), { runtime: { contentAwareSuccess: true } });
      expect(seen).to.deep.equal([0, 0, 0, 1, 1, 1]);
      expect(result.node('step').attempts).to.equal(3);
    }),
  );

  it(
    'that does not fit its schema fails the attempt STATE_INVALID',
    everyWay(async (run) => {
      const wrong = defineNode({
        name: 'wrong',
        outputs: { n: type<number>() },
        state: z.number().default(0),
        run: (_, ctx) => {
          ctx.setState('text' as never);
          return { n: 1 };
        },
      });
      const w = workflow('wrong');
      w.add('step', wrong({}));
      const result = await run.fail(w.build());
      expect(result.node('step').error?.code).to.equal('STATE_INVALID');
    }),
  );

  it(
    'is undefined at first where its schema is optional, and reset when an inner cycle is entered again',
    everyWay(async (run) => {
      const seen: unknown[] = [];
      const free = defineNode({
        name: 'free',
        inputs: { n: type<number>() },
        outputs: { n: type<number>() },
        state: z.number().optional(),
        run: ({ n }, ctx) => {
          seen.push(ctx.state);
          ctx.setState(n);
          return { n: n + 1 };
        },
      });
      const w = workflow('free');
      const open = w.fn('open', { n: 0 as number }, ({ n }) => n);
      const step = w.add('step', free({ n: open.out.value }));
      const close = w.fn('close', { n: step.out.n }, ({ n }) => n);
      w.cycle('inner', { feedback: [step.out.n.to(step.in.n)], maxIterations: 2 });
      w.cycle('outer', { feedback: [close.out.value.to(open.in.n)], maxIterations: 2 });
      await run.complete(w.build());
      expect(seen).to.deep.equal([undefined, 0, undefined, 2]);
    }),
  );

  it(
    'cannot be set where none was declared, and the attempt is not tried again',
    everyWay(async (run) => {
      const stateless = defineNode({
        name: 'stateless',
        outputs: {},
        retry: { attempts: 3 },
        run: (_, { state, setState }) => {
          expect(state).to.equal(undefined);
          setState(7 as never);
          return {};
        },
      });
      const w = workflow('stateless');
      w.add('step', stateless());
      const { error, attempts } = (await run.fail(w.build())).node('step');
      expect([error?.code, error?.message, attempts]).to.deep.equal([
        'STATE_UNDECLARED',
        'Node "step" called setState() and declares no state. Declare the state in the node definition.',
        1,
      ]);
    }),
  );
});
