import { didYouMean } from './did-you-mean.js';
import { WorkflowBuildError } from './errors.js';
import { isBindings } from './ref.js';

function refuse(owner: string, what: string, value: unknown): never {
  throw new WorkflowBuildError('JOIN_CASES', what, { at: owner, value });
}

/**
 * Checks that a join gives one source for each case of its owner, and no other.
 *
 * @param names the cases there are
 * @throws WorkflowBuildError JOIN_CASES
 */
export function checkJoin(
  owner: string,
  names: readonly string[],
  cases: unknown,
): asserts cases is Readonly<Record<string, unknown>> {
  if (!isBindings(cases)) refuse(owner, `The join of "${owner}" takes an object of sources by case.`, cases);
  const given = Object.keys(cases);
  const missing = names.filter((name) => !given.includes(name));
  if (missing.length > 0)
    refuse(owner, `The join of "${owner}" leaves out ${missing.map((name) => `"${name}"`).join(', ')}.`, missing);
  const unknown = given.find((name) => !names.includes(name));
  if (unknown !== undefined)
    refuse(owner, `"${owner}" has no case "${unknown}". ${didYouMean(unknown, names)}`, unknown);
}
