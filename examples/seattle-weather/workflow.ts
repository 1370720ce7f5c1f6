import { otherwise, when, workflow } from 'lockstep';
import { z } from 'zod';
import type { Examples } from './model.js';
import { clean, descend, prepare, readTable } from './nodes.js';
import { newton } from './python.js';
import { report } from './report.js';
import { baselines, evaluate } from './scoring.js';

/** A fit needs at least this many rainy and this many dry days. */
const LEAST_OF_EACH = 100;

/** The fit has converged when the gradient of the loss is shorter than this. */
const FLAT = 1e-5;

function isEnough({ rainNext }: Examples): boolean {
  const rainy = rainNext.filter((rain) => rain === 1).length;
  return rainy >= LEAST_OF_EACH && rainNext.length - rainy >= LEAST_OF_EACH;
}

const w = workflow('seattle-weather', {
  params: { file: z.string(), testFrom: z.iso.date().default('2015-01-01'), rate: z.number().positive().default(2) },
});

const read = w.add('read', readTable({ file: w.params.file }));
const tidy = w.add('clean', clean({ records: read.out.records }));
const split = w.add('prepare', prepare({ days: tidy.out.days, testFrom: w.params.testFrom }));
const { train, test } = split.out;
const simple = w.add('baselines', baselines({ train, test }));

const route = w.switch('route', train, { enough: isEnough, few: otherwise });

// Enough days: fit in Python, and meanwhile here: two ways to the one minimum check each other.
const exact = w.add('newton', newton({ train: route.out.enough }));

// By gradient descent until the loss is flat.
const step = w.add('descend', descend({ train: route.out.enough, rate: w.params.rate }));
const fit = w.cycle('fit', {
  feedback: [step.out.weights.to(step.in.weights)],
  until: when(step.out.slope, (slope) => slope < FLAT),
  maxIterations: 500,
  onMaxIterations: 'fail',
});
const fitted = w.add('evaluate', evaluate({ weights: step.out.weights, test }));

// Too few days: keep the constant forecast.
const fallback = w.fn('fallback', { few: route.out.few, score: simple.out.constant }, ({ score }) => score);

const summary = w.add(
  'report',
  report({
    days: tidy.out.days,
    dropped: tidy.out.dropped,
    train,
    test,
    chosen: route.join({ enough: fitted.out.score, few: fallback.out.value }),
    constant: simple.out.constant,
    persistence: simple.out.persistence,
    weights: step.out.weights,
    iterations: fit.out.iterations,
    stopped: fit.out.reason,
    exact: exact.out.weights,
    steps: exact.out.steps,
  }),
);

/** Reads the Seattle weather table, fits a forecast of rain on the next day, and reports what it is worth. */
export const seattleWeather = w.build({
  outputs: { text: summary.out.text, weights: step.out.weights, exact: exact.out.weights, why: fit.out.reason },
});
