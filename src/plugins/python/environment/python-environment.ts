import { ConfigurationError, LockstepError } from '../../../base/errors.js';
import { checkEnvironmentOptions } from '../check-options.js';
import type { PythonEnvironmentOptions } from '../configuration.js';
import type { CandidateKind, Surroundings } from './candidates.js';
import type { Interpreter } from './interpreter.js';
import { makeManaged, type Progress } from './managed-environment.js';
import { type LookedAt, type Survey, type SurveyOptions, survey } from './survey.js';

/** An interpreter that was passed over, and why. */
export interface PassedOver {
  readonly kind: CandidateKind;
  readonly path: string;
  readonly reason: string;
}

/** The Python that is used. */
export interface PythonEnvironment {
  /** Where it was found. */
  readonly kind: CandidateKind;
  readonly interpreter: Interpreter;
  /** Those that would have been taken before it. */
  readonly passedOver: readonly PassedOver[];
}

/** What a search takes beside its options. */
export interface SearchContext extends Partial<Surroundings> {
  readonly signal?: AbortSignal;
}

/** What is checked and what it is looked with. */
export function surveyOptions(options: PythonEnvironmentOptions, context: SearchContext): SurveyOptions {
  const { cwd = process.cwd(), env = process.env, signal } = context;
  return { settings: checkEnvironmentOptions(options), surroundings: { cwd, env }, signal };
}

/**
 * Finds the Python to use, and changes nothing. Taken is the first that fits: the one that was named, a virtual environment of the project,
 * the one that Lockstep has made, one of the system.
 *
 * @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION, PYTHON_UNUSABLE (the named one), PYTHON_NOT_FOUND; the reason of the signal
 */
export async function findPython(
  options: PythonEnvironmentOptions = {},
  context: SearchContext = {},
): Promise<PythonEnvironment> {
  const found = await survey(surveyOptions(options, context));
  return choose(found.candidates) ?? refuseAll(found);
}

/**
 * Finds the Python to use, and makes an environment where neither a named one nor one of the project fits. Where no package index
 * can be reached, one of the system is taken, if one fits.
 *
 * @param progress told what is done, in lines for people; not called where nothing has to be made
 * @throws ConfigurationError as findPython(), and ENVIRONMENT_OFFLINE, ENVIRONMENT_FAILED, FILE_UNWRITABLE
 */
export async function setUp(
  options: PythonEnvironmentOptions = {},
  progress: Progress = () => undefined,
  context: SearchContext = {},
): Promise<PythonEnvironment> {
  const how = surveyOptions(options, context);
  const found = await survey(how);
  const chosen = choose(found.candidates);
  if (found.managed === null || (chosen !== undefined && chosen.kind !== 'system')) return chosen ?? refuseAll(found);
  try {
    const made = await makeManaged(found.managed, how, progress);
    return choose(found.candidates.map((each) => (each.kind === 'managed' ? made : each))) ?? refuseAll(found);
  } catch (error) {
    if (chosen === undefined || !(error instanceof LockstepError) || error.code !== 'ENVIRONMENT_OFFLINE') throw error;
    progress(`No package index can be reached: ${chosen.interpreter.path} is used instead`);
    return chosen;
  }
}

/** The first candidate that can be used. */
export function choose(candidates: readonly LookedAt[]): PythonEnvironment | undefined {
  const passedOver: PassedOver[] = [];
  for (const candidate of candidates) {
    const { kind, path } = candidate;
    if (candidate.usable) return { kind, interpreter: candidate.interpreter, passedOver };
    passedOver.push({ kind, path, reason: candidate.reason });
  }
  return undefined;
}

/** Says of every candidate why it was not taken. */
function refuseAll({ candidates }: Survey): never {
  const [first] = candidates;
  if (first?.kind === 'named' && !first.usable)
    throw new ConfigurationError('PYTHON_UNUSABLE', `${first.path} cannot be used: ${first.reason}.`, {
      at: 'environment.interpreter',
      value: first.path,
    });
  const reasons = candidates.map((each) => `${each.path} (${each.kind}): ${each.usable ? '' : each.reason}`);
  const what = reasons.length === 0 ? 'There is none on PATH.' : `${reasons.join('; ')}.`;
  throw new ConfigurationError('PYTHON_NOT_FOUND', `No Python that can be used was found. ${what}`, {
    value: candidates,
  });
}
