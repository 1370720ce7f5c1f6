import { ConfigurationError } from './errors.js';
import type { Plan } from './plan.js';
import type { SecretProvider } from './ports.js';
import { RunRejectedError } from './run-errors.js';
import { isThenable } from './schema.js';

/** The secrets of a run that declares none, or could not wait for them. */
export const NO_SECRETS: ReadonlyMap<string, string> = new Map();

function rejected(runId: string, plan: Plan, problems: readonly ConfigurationError[]): RunRejectedError {
  return new RunRejectedError({ runId, workflow: plan.workflow.name }, problems);
}

function failed(runId: string, plan: Plan, cause: unknown): RunRejectedError {
  return rejected(runId, plan, [new ConfigurationError('SECRETS_FAILED', 'The secret provider failed.', { cause })]);
}

/** The values of an answer, whatever a provider answered: what is no text is no value. */
function valuesOf(plan: Plan, answer: unknown): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  if (typeof answer !== 'object' || answer === null) return values;
  for (const name of plan.secrets) {
    const value: unknown = (answer as Readonly<Record<string, unknown>>)[name];
    if (typeof value === 'string') values.set(name, value);
  }
  return values;
}

function accept(runId: string, plan: Plan, answer: unknown): ReadonlyMap<string, string> {
  let values: ReadonlyMap<string, string>;
  try {
    values = valuesOf(plan, answer);
  } catch (cause) {
    throw failed(runId, plan, cause);
  }
  const missing = plan.secrets.filter((name) => !values.has(name));
  if (missing.length === 0) return values;
  const problems = missing.map(
    (name) => new ConfigurationError('SECRET_MISSING', `Secret "${name}" has no value.`, { at: name }),
  );
  throw rejected(runId, plan, problems);
}

/**
 * Asks a provider for everything that a plan declares. A promise where the provider answers with one.
 *
 * @throws RunRejectedError SECRETS_FAILED, SECRET_MISSING, also as the rejection of that promise
 */
export function loadSecrets(
  runId: string,
  plan: Plan,
  provider: SecretProvider | undefined,
): ReadonlyMap<string, string> | Promise<ReadonlyMap<string, string>> {
  let answer: unknown;
  try {
    answer = provider?.load(plan.secrets);
    if (isThenable(answer)) {
      return Promise.resolve(answer).then(
        (loaded) => accept(runId, plan, loaded),
        (cause: unknown) => {
          throw failed(runId, plan, cause);
        },
      );
    }
  } catch (cause) {
    throw failed(runId, plan, cause);
  }
  return accept(runId, plan, answer);
}
