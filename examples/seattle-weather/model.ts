/** One day of the table, with its numbers parsed. */
export interface Day {
  /** ISO date. */
  readonly date: string;
  /** Millimetres. */
  readonly precipitation: number;
  /** Degrees Celsius. */
  readonly tempMax: number;
  readonly tempMin: number;
  /** Metres per second. */
  readonly wind: number;
}

/** Days as a model sees them: a row of features each, standardised, led by 1 for the intercept. */
export interface Examples {
  readonly features: readonly (readonly number[])[];
  /** 1 where it rained on the next day, otherwise 0. */
  readonly rainNext: readonly number[];
  /** 1 where it rained on the day itself, otherwise 0. */
  readonly rainToday: readonly number[];
}

/** Names of the weights, in order. */
export const featureNames = [
  'intercept',
  'rain today',
  'amount of rain (log)',
  'temperature range',
  'lowest temperature',
  'wind',
  'season (sine)',
  'season (cosine)',
] as const;

const DAY_MS = 86_400_000;

/** The features of a day, before they are standardised and without the intercept. */
export function featuresOf({ date, precipitation, tempMax, tempMin, wind }: Day): number[] {
  const dayOfYear = (Date.parse(date) - Date.parse(`${date.slice(0, 4)}-01-01`)) / DAY_MS;
  const season = (2 * Math.PI * dayOfYear) / 365.25;
  const rained = precipitation > 0 ? 1 : 0;
  return [rained, Math.log1p(precipitation), tempMax - tempMin, tempMin, wind, Math.sin(season), Math.cos(season)];
}

/** Whether `next` is the day after `day`. */
export function isNextDay(day: Day, next: Day): boolean {
  return Date.parse(next.date) - Date.parse(day.date) === DAY_MS;
}

/** Mean and standard deviation of each column. */
export function scaleOf(rows: readonly (readonly number[])[]): readonly { mean: number; deviation: number }[] {
  return (rows[0] ?? []).map((_, column) => {
    const values = rows.map((row) => row[column] ?? 0);
    const mean = average(values);
    return { mean, deviation: Math.sqrt(average(values.map((value) => (value - mean) ** 2))) || 1 };
  });
}

/** The arithmetic mean. */
export function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The probability of rain that weights give to a row of features: logistic regression. */
export function probability(weights: readonly number[], row: readonly number[]): number {
  return 1 / (1 + Math.exp(-row.reduce((sum, value, column) => sum + value * (weights[column] ?? 0), 0)));
}

/** The mean log loss of a model and its gradient. */
export function lossAndGradient({ features, rainNext }: Examples, weights: readonly number[]) {
  const gradient = weights.map(() => 0);
  let loss = 0;
  features.forEach((row, index) => {
    const predicted = probability(weights, row);
    const actual = rainNext[index] ?? 0;
    loss -= Math.log(actual === 1 ? predicted : 1 - predicted) / features.length;
    row.forEach((value, column) => {
      gradient[column] = (gradient[column] ?? 0) + ((predicted - actual) * value) / features.length;
    });
  });
  return { loss, gradient };
}
