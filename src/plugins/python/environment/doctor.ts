import type { PythonEnvironmentOptions } from '../configuration.js';
import { detectHardware, type Hardware } from './hardware.js';
import { findInstaller, type Installer } from './managed-environment.js';
import { choose, type PythonEnvironment, type SearchContext, surveyOptions } from './python-environment.js';
import { type LookedAt, type ManagedPlace, survey } from './survey.js';

/** What `doctor()` found. */
export interface DoctorReport {
  /** What would be used now; `null` where nothing fits. */
  readonly chosen: PythonEnvironment | null;
  /** Everything that was looked at, in the order in which it is taken, each with its reason where it cannot be used. */
  readonly candidates: readonly LookedAt[];
  /** The environment that Lockstep would make, or has made; `null` where an interpreter was named, or none is new enough. */
  readonly managed: ManagedPlace | null;
  /** With what it would be made. */
  readonly installer: Installer;
  /** What there is to compute with. */
  readonly hardware: Hardware;
}

/**
 * Looks which Python would be used, and what is missing. Changes nothing.
 *
 * @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION; the reason of the signal
 */
export async function doctor(
  options: PythonEnvironmentOptions = {},
  context: SearchContext = {},
): Promise<DoctorReport> {
  const how = surveyOptions(options, context);
  const { env } = how.surroundings;
  const [{ candidates, managed }, hardware] = await Promise.all([survey(how), detectHardware(env, how.signal)]);
  const installer = findInstaller(how.surroundings);
  return { chosen: choose(candidates) ?? null, candidates, managed, installer, hardware };
}
