import { checkDuration, knownFields, refuse } from '../../base/option-checks.js';

/** Where Python is looked for, and what it must have. */
export interface PythonEnvironmentOptions {
  /**
   * The interpreter to use: a path, or a command that is looked for on PATH. It is never passed over: one that cannot be used is an error.
   * Default: none; a virtual environment of the project, one that Lockstep has made, or one of the system is taken.
   */
  readonly interpreter?: string;
  /** The command by which interpreters of the system are looked for on PATH. */
  readonly command?: string;
  /** Packages beside grpcio, as pip takes them: `numpy`, `numpy>=2`. A path or an address needs a name: `mine @ file:///mine`. */
  readonly requirements?: readonly string[];
  /** Folder for what Lockstep keeps; environments that it makes are below `python/environments`. */
  readonly dataFolder?: string;
  /** How long an interpreter may take to say what it is, in milliseconds. */
  readonly probeTimeoutMs?: number;
}

/** The options, checked, with what was left out. */
export type PythonEnvironmentSettings = Readonly<
  Omit<Required<PythonEnvironmentOptions>, 'interpreter'> & { readonly interpreter: string | null }
>;

/** What holds where nothing else is said: the one place for it. docs/configuration.md shows it. */
export const PYTHON_DEFAULTS = Object.freeze({
  environment: Object.freeze({
    interpreter: null,
    command: 'python3',
    requirements: Object.freeze([]),
    dataFolder: '.lockstep',
    probeTimeoutMs: 10_000,
  } satisfies PythonEnvironmentSettings),
});

/** A requirement as pip takes it, with a name: what begins otherwise would be an option of pip, or a path. */
const REQUIREMENT = /^[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?\s*(?:$|[[(<>=!~;@])[^\r\n]*$/;

/** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkEnvironmentOptions(
  options: PythonEnvironmentOptions = {},
  at = 'environment',
): PythonEnvironmentSettings {
  const defaults = PYTHON_DEFAULTS.environment;
  knownFields(options, Object.keys(defaults), at);
  const { interpreter, command, requirements, dataFolder, probeTimeoutMs } = options;
  checkText(interpreter, `${at}.interpreter`);
  checkText(command, `${at}.command`);
  checkText(dataFolder, `${at}.dataFolder`);
  checkDuration(probeTimeoutMs, `${at}.probeTimeoutMs`);
  return Object.freeze({
    interpreter: interpreter ?? defaults.interpreter,
    command: command ?? defaults.command,
    requirements: requirements === undefined ? defaults.requirements : checkRequirements(requirements, at),
    dataFolder: dataFolder ?? defaults.dataFolder,
    probeTimeoutMs: probeTimeoutMs ?? defaults.probeTimeoutMs,
  });
}

function checkText(value: string | undefined, at: string): void {
  if (value === undefined || (typeof value === 'string' && value.trim() !== '' && !value.includes('\0'))) return;
  refuse(at, 'must be a text that is not empty', value);
}

function checkRequirements(requirements: readonly string[], at: string): readonly string[] {
  const where = `${at}.requirements`;
  if (!Array.isArray(requirements)) refuse(where, 'must be a list', requirements);
  for (const each of requirements)
    if (typeof each !== 'string' || !REQUIREMENT.test(each))
      refuse(where, 'must name packages as pip does, such as "numpy>=2"', each);
  return Object.freeze([...requirements]);
}
