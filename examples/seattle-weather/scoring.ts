import { defineNode, type } from 'lockstep';
import { z } from 'zod';
import { average, type Examples, probability } from './model.js';

/** What a way of forecasting achieved on the test days. */
export const Score = z.object({
  method: z.string(),
  /** Share of days forecast correctly. */
  accuracy: z.number(),
  /** Mean squared error of the probability (Brier score): lower is better. */
  brier: z.number(),
});
export type Score = z.infer<typeof Score>;

function scoreOf(method: string, probabilities: readonly number[], { rainNext }: Examples): Score {
  const hits = probabilities.map((predicted, index) => (Number(predicted > 0.5) === rainNext[index] ? 1 : 0));
  const errors = probabilities.map((predicted, index) => (predicted - (rainNext[index] ?? 0)) ** 2);
  return { method, accuracy: average(hits), brier: average(errors) };
}

/** Scores the fitted model. */
export const evaluate = defineNode({
  name: 'evaluate',
  version: '1',
  inputs: { weights: z.array(z.number()).readonly(), test: type<Examples>() },
  outputs: { score: Score },
  run: ({ weights, test }) => ({
    score: scoreOf(
      'logistic regression',
      test.features.map((row) => probability(weights, row)),
      test,
    ),
  }),
});

/** Scores what needs no fit: the share of rainy days as a constant forecast, and "tomorrow as today". */
export const baselines = defineNode({
  name: 'baselines',
  version: '1',
  inputs: { train: type<Examples>(), test: type<Examples>() },
  outputs: { constant: Score, persistence: Score },
  run: ({ train, test }) => {
    const share = average(train.rainNext);
    return {
      constant: scoreOf(
        'the same chance every day',
        test.rainNext.map(() => share),
        test,
      ),
      persistence: scoreOf('tomorrow as today', test.rainToday, test),
    };
  },
});
