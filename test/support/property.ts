import { isDeepStrictEqual } from 'node:util';
import { AssertionError } from 'chai';
import fc from 'fast-check';
import { firstDifference } from '../../src/base/first-difference.js';

/** Seed of all properties of this process: `LOCKSTEP_SEED`, or a new one. */
export const SEED = Number(process.env.LOCKSTEP_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** How often a property is tried: `LOCKSTEP_RUNS`, or 2,000 in CI, or 200. */
export const RUNS = Number(process.env.LOCKSTEP_RUNS ?? (process.env.CI === 'true' ? 2000 : 200));

let announced = false;

/** Declares a test that tries a property on random examples. The seed is printed at the start and, by fast-check, on failure. */
export function holds<T>(
  title: string,
  arbitrary: fc.Arbitrary<T>,
  predicate: (example: T) => Promise<void> | void,
  share = 1,
): void {
  const numRuns = Math.ceil(RUNS * share);
  it(`${title} (${numRuns} runs)`, async function () {
    this.timeout(120_000);
    if (!announced) console.log(`      seed ${SEED}: repeat with LOCKSTEP_SEED=${SEED}`);
    announced = true;
    const property = fc.asyncProperty(arbitrary, async (example) => {
      await predicate(example);
    });
    await fc.assert(property, { seed: SEED, numRuns, reporter });
  });
}

/** fast-check's own report with the example written as JSON, so that it can be pasted into a test. */
function reporter<T>(details: fc.RunDetails<[T]>): void {
  if (!details.failed) return;
  const example = JSON.stringify(details.counterexample?.[0]);
  const cause = details.errorInstance instanceof Error ? details.errorInstance : undefined;
  const what = `seed ${details.seed}, run ${details.numRuns}, shrunk ${details.numShrinks} times: ${cause?.message ?? ''}\nexample: ${example}`;
  throw Object.assign(new Error(what, { cause }), { stack: cause?.stack });
}

/** Fails with the first place where two values differ. */
export function same(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  const difference = firstDifference(actual, expected);
  const show = (value: unknown): string =>
    JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'symbol' ? String(inner) : inner)) ?? 'undefined';
  const where =
    difference === undefined
      ? ''
      : ` at ${difference.path}: ${show(difference.left)} instead of ${show(difference.right)}`;
  throw new AssertionError(`${what}${where}`);
}
