import { readFileSync } from 'node:fs';
import { defineNode, type } from 'lockstep';
import { z } from 'zod';
import { type Day, type Examples, featureNames, featuresOf, isNextDay, lossAndGradient, scaleOf } from './model.js';

/** Reads a CSV file without quoted fields: one record of texts for each line after the header. */
export const readTable = defineNode({
  name: 'read-table',
  version: '1',
  inputs: { file: z.string() },
  outputs: { records: z.array(z.record(z.string(), z.string())) },
  run: ({ file }) => {
    const [header = '', ...lines] = readFileSync(file, 'utf8').trim().split(/\r?\n/);
    const names = header.split(',');
    const record = (line: string) =>
      Object.fromEntries(line.split(',').map((cell, index) => [names[index] ?? '', cell]));
    return { records: lines.map(record) };
  },
});

/** A number as text. An empty cell is not 0. */
const numeric = z.string().min(1).transform(Number).pipe(z.number());

const rawDay = z
  .object({ date: z.iso.date(), precipitation: numeric, temp_max: numeric, temp_min: numeric, wind: numeric })
  .refine((day) => day.precipitation >= 0 && day.temp_min <= day.temp_max);

/** Parses the numbers and drops rows that are incomplete or impossible, and days that were seen before. */
export const clean = defineNode({
  name: 'clean',
  version: '1',
  inputs: { records: z.array(z.record(z.string(), z.string())) },
  outputs: { days: type<readonly Day[]>(), dropped: z.number().int() },
  run: ({ records }) => {
    const days = new Map<string, Day>();
    for (const record of records) {
      const { success, data } = rawDay.safeParse(record);
      if (!success || days.has(data.date)) continue;
      const { date, precipitation, temp_max: tempMax, temp_min: tempMin, wind } = data;
      days.set(date, { date, precipitation, tempMax, tempMin, wind });
    }
    return { days: [...days.values()], dropped: records.length - days.size };
  },
});

/** Pairs each day with the next one and splits them by date; the scale comes from the training days alone. */
export const prepare = defineNode({
  name: 'prepare',
  version: '1',
  inputs: { days: type<readonly Day[]>(), testFrom: z.iso.date() },
  outputs: { train: type<Examples>(), test: type<Examples>() },
  run: ({ days, testFrom }) => {
    const pairs = days.flatMap((day, index) => {
      const next = days[index + 1];
      return next !== undefined && isNextDay(day, next) ? [{ day, next, row: featuresOf(day) }] : [];
    });
    const early = pairs.filter(({ day }) => day.date < testFrom);
    const late = pairs.filter(({ day }) => day.date >= testFrom);
    if (early.length === 0 || late.length === 0)
      throw new Error(`There must be days before ${testFrom} and days from then on.`);
    const scale = scaleOf(early.map(({ row }) => row));
    const examples = (part: typeof pairs): Examples => ({
      features: part.map(({ row }) => [
        1,
        ...scale.map(({ mean, deviation }, column) => ((row[column] ?? 0) - mean) / deviation),
      ]),
      rainNext: part.map(({ next }) => (next.precipitation > 0 ? 1 : 0)),
      rainToday: part.map(({ day }) => (day.precipitation > 0 ? 1 : 0)),
    });
    return { train: examples(early), test: examples(late) };
  },
});

const noWeights: readonly number[] = featureNames.map(() => 0);

/** One step of gradient descent, over all training days. */
export const descend = defineNode({
  name: 'descend',
  version: '1',
  inputs: {
    train: type<Examples>(),
    rate: z.number().positive(),
    weights: z.array(z.number()).readonly().default(noWeights),
  },
  outputs: { weights: z.array(z.number()).readonly(), loss: z.number(), slope: z.number() },
  run: ({ train, rate, weights }, { iteration, maxIterations, progress }) => {
    const { loss, gradient } = lossAndGradient(train, weights);
    const slope = Math.hypot(...gradient);
    progress(iteration + 1, maxIterations, `loss ${loss.toFixed(6)}, slope ${slope.toExponential(1)}`);
    return { weights: weights.map((weight, column) => weight - rate * (gradient[column] ?? 0)), loss, slope };
  },
});
