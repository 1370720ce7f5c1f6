import { defineNode, type } from 'lockstep';
import { z } from 'zod';
import { average, type Day, type Examples, featureNames } from './model.js';
import { Score } from './scoring.js';

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const scoreLine = ({ method, accuracy, brier }: Score): string =>
  `  ${method.padEnd(26)} ${percent(accuracy)} of days correct, Brier score ${brier.toFixed(4)}`;

/** Writes what was found as text. */
export const report = defineNode({
  name: 'report',
  version: '1',
  inputs: {
    days: type<readonly Day[]>(),
    dropped: z.number(),
    train: type<Examples>(),
    test: type<Examples>(),
    chosen: Score,
    constant: Score,
    persistence: Score,
    weights: z.array(z.number()).readonly().optional(),
    iterations: z.number().optional(),
    stopped: z.string().optional(),
    exact: z.array(z.number()).readonly().optional(),
    steps: z.number().optional(),
  },
  outputs: { text: z.string() },
  run: ({ days, dropped, train, test, chosen, constant, persistence, weights, iterations, stopped, exact, steps }) => {
    const rainy = days.filter((day) => day.precipitation > 0);
    const chance = (examples: Examples, today: number): string =>
      percent(average(examples.rainNext.filter((_, index) => examples.rainToday[index] === today)));
    const lines = [
      `Seattle, ${days[0]?.date} to ${days.at(-1)?.date}: ${days.length} days, ${dropped} rows dropped.`,
      `It rained on ${rainy.length} days (${percent(rainy.length / days.length)}).`,
      `Up to the test days, rain followed a rainy day with a chance of ${chance(train, 1)}, a dry day with ${chance(train, 0)}.`,
      '',
      `Rain on the next day, learned from ${train.rainNext.length} days and tested on the ${test.rainNext.length} days after them:`,
      // A set: without a fit, the chosen score is that of a baseline.
      ...new Set([chosen, persistence, constant].map(scoreLine)),
    ];
    if (weights !== undefined) {
      lines.push(
        '',
        `Weights after ${iterations} iterations (${stopped}), for one standard deviation of each feature:`,
      );
      lines.push(
        ...featureNames.map((name, column) => `  ${name.padEnd(26)} ${(weights[column] ?? 0).toFixed(3).padStart(6)}`),
      );
    }
    if (weights !== undefined && exact !== undefined) {
      const most = Math.max(...weights.map((weight, column) => Math.abs(weight - (exact[column] ?? 0))));
      const found = most < 0.001 ? 'the same weights' : `weights that differ by up to ${most.toFixed(3)}`;
      lines.push(`Newton's method, in Python with numpy, finds ${found} in ${steps} steps.`);
    }
    return { text: lines.join('\n') };
  },
});
