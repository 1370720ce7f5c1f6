import { ConfigurationError } from './errors.js';
import { isName } from './names.js';
import { knownFields } from './option-checks.js';
import type { NodeIdentity } from './workflow-data.js';

/** What `definePredicate` takes. */
export interface PredicateConfig<Test> {
  /** The name by which data forms refer to it. */
  readonly name: string;
  /** Part of its identity: change it whenever the test answers differently. */
  readonly version: string;
  /** The function. */
  readonly test: Test;
}

const identities = new WeakMap<object, NodeIdentity>();

/**
 * Gives a test a name and a version, so that a workflow which uses it is identified by these and not by a digest of its source,
 * and so that data forms can name it. For cases of a switch, for `when`, and for `retryOn` and `dontRetryOn`. A type guard stays one.
 *
 * @throws ConfigurationError INVALID_NAME, INVALID_DEFINITION, UNKNOWN_OPTION
 */
export function definePredicate<Test extends (...args: never[]) => unknown>(config: PredicateConfig<Test>): Test {
  knownFields(config, ['name', 'version', 'test'], 'definePredicate');
  const { name, version, test } = config;
  const at = 'definePredicate';
  if (!isName(name))
    throw new ConfigurationError('INVALID_NAME', `"${String(name)}" cannot be the name of a predicate.`, {
      at,
      value: name,
    });
  if (typeof version !== 'string' || version === '')
    throw new ConfigurationError(
      'INVALID_DEFINITION',
      `The version of predicate "${name}" must be a non-empty string.`,
      {
        at: name,
        value: version,
      },
    );
  if (typeof test !== 'function')
    throw new ConfigurationError('INVALID_DEFINITION', `Predicate "${name}" has no test function.`, {
      at: name,
      value: test,
    });
  const named = ((...args: never[]) => test(...args)) as Test;
  identities.set(named, Object.freeze({ name, version }));
  return named;
}

/** The identity that `definePredicate` gave to a function. */
export function predicateIdentity(test: unknown): NodeIdentity | undefined {
  return typeof test === 'function' ? identities.get(test) : undefined;
}
