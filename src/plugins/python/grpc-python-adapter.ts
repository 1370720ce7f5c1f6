import { join } from 'node:path';
import type { WorkerAdapter } from './adapter.js';
import { checkEnvironmentOptions } from './check-options.js';
import type { PythonEnvironmentOptions } from './configuration.js';
import type { Progress } from './environment/managed-environment.js';
import { setUp } from './environment/python-environment.js';
import { packageRoot } from './package-root.js';

/**
 * The adapter that starts the worker of this package, with the Python that fits first; where none of the project fits, an environment
 * is made: see `setUp` and docs/configuration.md.
 *
 * @param progress told what is done where an environment has to be made, in lines for people
 * @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION
 */
export function grpcPython(options: PythonEnvironmentOptions = {}, progress?: Progress): WorkerAdapter {
  checkEnvironmentOptions(options);
  return Object.freeze({
    executablePath: async () => (await setUp(options, progress)).interpreter.path,
    scriptPath: join(packageRoot(), 'python/worker.py'),
    scriptArgs: Object.freeze([]),
  });
}
