import { didYouMean } from './did-you-mean.js';
import { ConfigurationError } from './errors.js';
import { isRecord } from './record.js';

/** @throws ConfigurationError INVALID_OPTION */
export function refuse(at: string, what: string, value: unknown): never {
  throw new ConfigurationError('INVALID_OPTION', `${at} ${what}.`, { at, value });
}

/** Refuses option names that do not exist, with a did-you-mean. */
export function knownFields(options: object, fields: readonly string[], at: string): void {
  if (!isRecord(options)) refuse(at, 'must be an object', options);
  for (const name of Object.keys(options)) {
    if (fields.includes(name)) continue;
    throw new ConfigurationError('UNKNOWN_OPTION', `${at} has no option "${name}". ${didYouMean(name, fields)}`, {
      at,
      value: name,
    });
  }
}

/** Checks a duration: a finite number of milliseconds > 0, or absent. */
export function checkDuration(value: number | undefined, at: string): void {
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value) && value > 0)) return;
  refuse(at, 'must be a finite number of milliseconds > 0', value);
}

/** Checks a whole number of at least `least`, or absent. */
export function checkCount(value: number | undefined, least: number, at: string): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return;
  refuse(at, `must be a whole number of at least ${least}`, value);
}

/** Checks a number from `low` to `high`, or absent. */
export function checkRange(value: number | undefined, low: number, high: number, at: string): void {
  if (value === undefined || (typeof value === 'number' && value >= low && value <= high)) return;
  refuse(at, `must be a number from ${low} to ${high}`, value);
}

/** Checks one of a list of words, or absent. */
export function checkWord<W extends string>(value: W | undefined, words: readonly W[], at: string): void {
  if (value === undefined || words.includes(value)) return;
  refuse(at, `must be one of ${words.map((word) => `"${word}"`).join(', ')}`, value);
}

/** Checks `true`, `false`, or absent. */
export function checkFlag(value: boolean | undefined, at: string): void {
  if (value === undefined || typeof value === 'boolean') return;
  refuse(at, 'must be true or false', value);
}

/** Whether a text has no half of a surrogate pair: that has no form in UTF-8, and would be another one where it was stored. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
