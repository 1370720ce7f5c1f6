import { refuse } from '../../base/option-checks.js';

/**
 * Refuses what lacks one of some methods: what a caller hands over is known by what it can do, whichever copy of a package it is of.
 *
 * @param what it must be, in words
 * @throws ConfigurationError INVALID_OPTION
 */
export function checkMethods(value: unknown, names: readonly string[], at: string, what: string): void {
  const given = value as Partial<Record<string, unknown>> | null | undefined;
  if (!names.every((name) => typeof given?.[name] === 'function')) refuse(at, `must be ${what}`, value);
}
