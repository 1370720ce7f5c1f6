import { createRequire } from 'node:module';
import { ConfigurationError } from '../../base/errors.js';

const load = createRequire(import.meta.url);

/**
 * A package that Lockstep uses but does not bring with it. Loaded at once, because LocalRuntime waits for nothing.
 *
 * @param needed what asks for it
 * @param instead what can be passed so that it is not loaded
 * @throws ConfigurationError PACKAGE_MISSING
 */
export function optionalPackage(name: string, needed: string, instead: string): unknown {
  try {
    return load(name);
  } catch (cause) {
    throw new ConfigurationError(
      'PACKAGE_MISSING',
      `${needed} needs the package ${name}, which could not be loaded. Run "npm install ${name}", or pass ${instead}.`,
      { at: needed, value: name, cause },
    );
  }
}
