import { expect } from 'chai';
import { type Condition, when } from '../../../src/base/condition.js';
import { allOf, anyOf, budget, plateau, tolerance } from '../../../src/base/convergence.js';
import { defineNode } from '../../../src/base/node.js';
import { otherwise } from '../../../src/base/nodes/switch.js';
import { definePredicate } from '../../../src/base/predicate.js';
import type { Ref } from '../../../src/base/ref.js';
import { type } from '../../../src/base/schema.js';
import { workflow } from '../../../src/base/workflow-builder.js';
import { hashOf } from '../../../src/runtimes/hash-of.js';
import { VirtualClock } from '../../../src/testing/index.js';
import { refusal } from '../../support/caught.js';
import { everyWay, type Runner } from '../../support/every-way.js';

type Until = (loss: Ref<number>, other: Ref<number>) => Condition;

interface Plan {
  readonly values: readonly unknown[];
  readonly others?: readonly number[];
  readonly keepHistory?: number;
  readonly clock?: VirtualClock;
}

/** A cycle whose node gives one value after another, then goes on with the last one; each iteration takes 10 ms. */
function series(until: Until, { values, others = [], keepHistory, clock }: Plan) {
  const at = (list: readonly unknown[], index: number): number => list[Math.min(index, list.length - 1)] as number;
  const give = defineNode({
    name: 'give',
    version: '1',
    inputs: { turn: type<number>() },
    outputs: { turn: type<number>(), loss: type<number>(), other: type<number>() },
    run: ({ turn }) => {
      clock?.advance(10);
      return { turn: turn + 1, loss: at(values, turn), other: at(others, turn) };
    },
  });
  const w = workflow('series');
  const step = w.add('step', give({ turn: 0 }));
  const fit = w.cycle('fit', {
    feedback: [step.out.turn.to(step.in.turn)],
    until: until(step.out.loss, step.out.other),
    maxIterations: 12,
    ...(keepHistory === undefined ? {} : { keepHistory }),
  });
  return w.build({ outputs: { reason: fit.out.reason, iterations: fit.out.iterations } });
}

/** Runs a series and says after how many iterations it stopped, and why. */
async function stopped(run: Runner, until: Until, plan: Plan): Promise<readonly [number, string]> {
  const { output } = await run.complete(series(until, plan));
  return [output.iterations, output.reason];
}

const CAPPED = [12, 'max_iterations'];

describe('tolerance', () => {
  it(
    'is met when a value differs from the one before by at most epsilon',
    everyWay(async (run) => {
      const until: Until = (loss) => tolerance(loss, 0.5);
      expect(await stopped(run, until, { values: [8, 4, 3.5, 0] })).to.deep.equal([3, 'converged']);
      expect(await stopped(run, until, { values: [-1, 1, 0.49, 1] })).to.deep.equal([5, 'converged']);
    }),
  );

  it(
    'is not met in the first iteration, which has no value before it, even with a difference of 0',
    everyWay(async (run) => {
      expect(await stopped(run, (loss) => tolerance(loss, 0), { values: [0, 0] })).to.deep.equal([2, 'converged']);
    }),
  );

  it(
    'relative: compares with epsilon times the larger of the two values',
    everyWay(async (run) => {
      const until: Until = (loss) => tolerance(loss, 0.1, { relative: true });
      expect(await stopped(run, until, { values: [100, 89, 80.5, 0] })).to.deep.equal([3, 'converged']);
      expect(await stopped(run, until, { values: [-100, -111, -100, 5, 0, 0] })).to.deep.equal([2, 'converged']);
    }),
  );

  it(
    'is not met by what is not finite, and leaves no metric there',
    everyWay(async (run) => {
      const { NaN: nan, POSITIVE_INFINITY: infinite } = Number;
      const values = [infinite, infinite, nan, nan, 3, 3];
      const result = await run.complete(series((loss) => tolerance(loss, 1), { values }));
      expect(result.cycle('fit')).to.deep.include({ iterations: 6, history: [3, 3], metric: 3 });
    }),
  );

  it(
    'fails the cycle with CONDITION_VALUE when the value is no number',
    everyWay(async (run) => {
      for (const [value, kind] of [
        ['7', 'a string'],
        [null, 'null'],
        [[1], 'an array'],
      ] as const) {
        const failed = await run.fail(series((loss) => tolerance(loss, 1), { values: [1, value] }));
        expect(failed.error.failure.code).to.equal('CONDITION_VALUE');
        expect(failed.error.failure.message).to.contain(`cycle "fit" measures a number and got ${kind}.`);
        expect(failed.cycle('fit')).to.include({ reason: 'failed', iterations: 2 });
      }
    }),
  );

  it(
    'is not met where its source is dead, nor right after that',
    everyWay(async (run) => {
      const w = workflow('branches');
      const step = w.fn('step', { n: 0 as number }, ({ n }) => n + 1);
      const route = w.switch('route', step.out.value, { odd: (n) => n % 2 === 1 && n < 4, rest: otherwise });
      const level = w.fn('level', { n: route.out.rest }, () => 7);
      const fit = w.cycle('fit', {
        feedback: [step.out.value.to(step.in.n)],
        until: tolerance(level.out.value, 0),
        maxIterations: 9,
      });
      const { output } = await run.complete(w.build({ outputs: { n: fit.out.iterations } }));
      // 7 is delivered in iterations 2 (before and after it, nothing), 4 and 5.
      expect(output).to.deep.equal({ n: 5 });
    }),
  );
});

describe('plateau', () => {
  it(
    'is met when none of the last values is better than the best one before them',
    everyWay(async (run) => {
      const values = [5, 3, 4, 2, 2, 3, 2, 1];
      expect(await stopped(run, (loss) => plateau(loss, { patience: 3 }), { values })).to.deep.equal([7, 'converged']);
      expect(await stopped(run, (loss) => plateau(loss, { patience: 1 }), { values })).to.deep.equal([3, 'converged']);
    }),
  );

  it(
    'remembers the best value also where it does not stop the cycle',
    everyWay(async (run) => {
      const values = [9, 4, 7, 6, 5, 5];
      const until: Until = (loss) => allOf(plateau(loss, { patience: 2 }), budget({ iterations: 5 }));
      expect(await stopped(run, until, { values })).to.deep.equal([5, 'converged']);
    }),
  );

  it(
    'counts only what is better by more than epsilon, over all of its patience together',
    everyWay(async (run) => {
      const until: Until = (loss) => plateau(loss, { patience: 2, epsilon: 1 });
      expect(await stopped(run, until, { values: [9, 8.4, 7.8, 7.3, 6.8, 6.8] })).to.deep.equal([5, 'converged']);
    }),
  );

  it(
    'looks for larger values in the mode max',
    everyWay(async (run) => {
      const until: Until = (loss) => plateau(loss, { patience: 2, mode: 'max' });
      expect(await stopped(run, until, { values: [1, 2, 3, 3, 2.9, 9] })).to.deep.equal([5, 'converged']);
    }),
  );

  it(
    'does not count iterations whose value is not finite, and is not met in them',
    everyWay(async (run) => {
      const { NaN: nan } = Number;
      const until: Until = (loss) => plateau(loss, { patience: 2 });
      expect(await stopped(run, until, { values: [4, nan, 5, nan, nan, 6] })).to.deep.equal([6, 'converged']);
      expect(await stopped(run, until, { values: [nan] })).to.deep.equal(CAPPED);
    }),
  );

  it(
    'finds the same with a history that is just long enough',
    everyWay(async (run) => {
      const plan = { values: [9, 5, 6, 4, 4, 4, 4], keepHistory: 2 };
      expect(await stopped(run, (loss) => plateau(loss, { patience: 2 }), plan)).to.deep.equal([6, 'converged']);
    }),
  );

  it('raises the history of a cycle to its patience, and refuses a shorter one', () => {
    const until: Until = (loss) => plateau(loss, { patience: 150 });
    expect(series(until, { values: [1] }).data.cycles[0]?.keepHistory).to.equal(150);
    expect(refusal(() => series(until, { values: [1], keepHistory: 149 })).message).to.equal(
      'Cycle "fit": keepHistory must be at least 150, the patience of its plateau. Correct the named setting.',
    );
  });

  it('refuses a second one over another value', () => {
    const until: Until = (loss, other) =>
      anyOf(plateau(loss, { patience: 1 }), allOf(plateau(other, { patience: 1 }), budget({ iterations: 2 })));
    expect(refusal(() => series(until, { values: [1] })).message).to.equal(
      'Cycle "fit": its plateaus look at step.loss and step.other, but a cycle has one metric. Correct the named setting.',
    );
  });
});

describe('budget', () => {
  it(
    'is met when the iterations are spent, as converged',
    everyWay(async (run) => {
      const until: Until = () => budget({ iterations: 4 });
      expect(await stopped(run, until, { values: [1] })).to.deep.equal([4, 'converged']);
    }),
  );

  it(
    'is met when the time is spent, measured at the end of each iteration',
    everyWay(async (run) => {
      const clock = new VirtualClock();
      const flow = series(() => budget({ elapsedMs: 30 }), { values: [1], clock });
      const result = await run.complete(flow, { runtime: { clock }, compare: false });
      expect(result.output.iterations).to.equal(3);
    }),
  );
});

describe('combined conditions', () => {
  it(
    'anyOf is met with the first part, allOf with the last',
    everyWay(async (run) => {
      const plan = { values: [9, 5, 5, 5, 5, 5], others: [1, 2, 3, 4, 4, 4] };
      const parts: Until[] = [(loss) => tolerance(loss, 0), (_, other) => tolerance(other, 0)];
      const all: Until = (loss, other) => allOf(...parts.map((part) => part(loss, other)));
      const any: Until = (loss, other) => anyOf(...parts.map((part) => part(loss, other)));
      expect(await stopped(run, any, plan)).to.deep.equal([3, 'converged']);
      expect(await stopped(run, all, plan)).to.deep.equal([5, 'converged']);
    }),
  );

  it(
    'nest, and mix with tests, each of which sees what it was given itself',
    everyWay(async (run) => {
      const seen: unknown[] = [];
      const until: Until = (loss, other) =>
        anyOf(
          allOf(
            tolerance(loss, 100),
            when(other, (value, { previous, history }) => {
              seen.push([value, previous, history]);
              return value === 6;
            }),
          ),
          when({ loss, other }, (values, { previous }) => {
            seen.push([values, previous]);
            return false;
          }),
        );
      expect(await stopped(run, until, { values: [1, 2, 3], others: [4, 5, 6] })).to.deep.equal([3, 'converged']);
      expect(seen).to.deep.equal([
        [4, undefined, []],
        [{ loss: 1, other: 4 }, undefined],
        [5, 4, [1]],
        [
          { loss: 2, other: 5 },
          { loss: 1, other: 4 },
        ],
        [6, 5, [1, 2]],
        [
          { loss: 3, other: 6 },
          { loss: 2, other: 5 },
        ],
      ]);
    }),
  );

  it(
    'have the metric of their plateau, otherwise of the first part that looks at anything',
    everyWay(async (run) => {
      const plan = { values: [1, 2, 3], others: [10, 20, 30] };
      const metricOf = async (until: Until): Promise<readonly number[]> =>
        (await run.complete(series((a, b) => allOf(budget({ iterations: 3 }), until(a, b)), plan)))
          .cycle('fit')
          .history.slice(0, 3);
      expect(await metricOf((a, b) => anyOf(tolerance(a, 1), tolerance(b, 1)))).to.deep.equal([1, 2, 3]);
      expect(await metricOf((a, b) => allOf(tolerance(a, 1), plateau(b, { patience: 1 })))).to.deep.equal([10, 20, 30]);
      expect(
        await metricOf((a, b) =>
          anyOf(
            when(a, () => true),
            plateau(b, { patience: 9 }),
          ),
        ),
      ).to.deep.equal([10, 20, 30]);
      expect(await metricOf(() => budget({ iterations: 1 }))).to.deep.equal([]);
    }),
  );

  it(
    'ask every part in every iteration, so that one that throws is never hidden',
    everyWay(async (run) => {
      const until: Until = (loss) =>
        anyOf(
          budget({ iterations: 1 }),
          when(loss, () => {
            throw new Error('broken');
          }),
        );
      const failed = await run.fail(series(until, { values: [1] }));
      expect(failed.error.failure.code).to.equal('CONDITION_THREW');
    }),
  );
});

describe('conditions as data', () => {
  const data = (until: Until) => series(until, { values: [1] }).data.cycles[0]?.until;
  const of = { kind: 'output', node: 'step', port: 'loss', path: [] };

  it('stand in the workflow with their defaults filled in', () => {
    expect(
      data((loss) => anyOf(plateau(loss, { patience: 2 }), tolerance(loss, 1), budget({ elapsedMs: 5 }))),
    ).to.deep.equal({
      kind: 'anyOf',
      parts: [
        { kind: 'plateau', of, epsilon: 0, patience: 2, mode: 'min' },
        { kind: 'tolerance', of, epsilon: 1, relative: false },
        { kind: 'budget', elapsedMs: 5 },
      ],
    });
  });

  it('decide about the hash: by their numbers, by the source of a test, by name and version of a named one', () => {
    const hash = (until: Until): string => hashOf(series(until, { values: [1] }));
    const below = (limit: number) =>
      definePredicate({ name: 'below', version: '1', test: (value: number) => value < limit });
    const one = hash((loss) => plateau(loss, { patience: 2 }));
    expect(one).to.equal(hash((loss) => plateau(loss, { patience: 2, epsilon: 0, mode: 'min' })));
    expect(one).to.not.equal(hash((loss) => plateau(loss, { patience: 3 })));
    expect(hash((loss) => anyOf(when(loss, (n) => n > 1)))).to.not.equal(
      hash((loss) => anyOf(when(loss, (n) => n > 2))),
    );
    expect(hash((loss) => when(loss, below(1)))).to.equal(hash((loss) => when(loss, below(2))));
    expect(hash((loss) => when(loss, below(1)))).to.not.equal(hash((loss) => when(loss, (n) => n < 1)));
  });

  const wrong: readonly (readonly [string, Until])[] = [
    ['tolerance() needs an epsilon that is a finite number of at least 0.', (loss) => tolerance(loss, -1)],
    ['tolerance() takes a reference to a number.', () => tolerance(5 as never, 1)],
    ['tolerance() needs relative as true or false.', (loss) => tolerance(loss, 1, { relative: 1 as never })],
    ['plateau() needs patience as a whole number of at least 1.', (loss) => plateau(loss, {} as never)],
    ['plateau() needs the mode "min" or "max".', (loss) => plateau(loss, { patience: 1, mode: 'up' as never })],
    ['budget() needs iterations or elapsedMs.', () => budget({})],
    ['budget() needs elapsedMs as a finite number of milliseconds > 0.', () => budget({ elapsedMs: 0 })],
    ['anyOf() was called without a condition.', () => anyOf()],
    ['allOf() combines conditions.', (loss) => allOf(loss as never)],
  ];
  for (const [message, until] of wrong) {
    it(`refuse what they cannot use: ${message}`, () => {
      const error = refusal(() => data(until));
      expect(error.message).to.equal(`${message} Correct the named setting.`);
      expect(error.code).to.equal('INVALID_CYCLE');
    });
  }

  it('refuse a reference of another workflow, also deep inside', () => {
    const other = workflow('other').fn('a', {}, () => 1).out.value;
    expect(refusal(() => data(() => anyOf(budget({ iterations: 1 }), allOf(tolerance(other, 1))))).code).to.equal(
      'FOREIGN_REF',
    );
  });
});
