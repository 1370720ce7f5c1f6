import { checkDuration, knownFields, refuse } from '../../base/option-checks.js';

/** Where Lockstep keeps what has to do with Python. */
export interface PythonDataOptions {
  /** Folder for it, below the working directory: `python/environments` has the environments that were made, `python/hosts` who has started which workers. */
  readonly dataFolder?: string;
}

/** Where Python is looked for, and what it must have. */
export interface PythonEnvironmentOptions extends PythonDataOptions {
  /** The interpreter to use: a path, or a command on PATH. It is never passed over: one that cannot be used is an error. Without one, the first that fits is taken. */
  readonly interpreter?: string;
  /** The command by which interpreters of the system are looked for on PATH. */
  readonly command?: string;
  /** Packages beside grpcio, as pip takes them: `numpy`, `numpy>=2`. A path or an address needs a name: `mine @ file:///mine`. */
  readonly requirements?: readonly string[];
  /** How long an interpreter may take to say what it is, in milliseconds. */
  readonly probeTimeoutMs?: number;
}

/** How worker processes are started and stopped. */
export interface WorkerProcessOptions extends PythonDataOptions {
  /** Variables for workers, beside the few of this process that they are given: where programs, folders, languages and GPUs are. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long a worker may take until it is ready, in milliseconds. */
  readonly startTimeoutMs?: number;
  /** How long a worker that was asked to end (SIGTERM) may take, in milliseconds. Then it is killed, and all that it started. */
  readonly gracefulShutdownTimeoutMs?: number;
}

/** What holds where nothing else is said: the one place for it. docs/configuration.md is made from it and from the comments above. */
export const PYTHON_DEFAULTS = Object.freeze({
  dataFolder: '.lockstep',
  interpreter: null,
  command: 'python3',
  requirements: Object.freeze([]) as readonly string[],
  probeTimeoutMs: 10_000,
  env: Object.freeze({}) as Readonly<Record<string, string>>,
  startTimeoutMs: 30_000,
  gracefulShutdownTimeoutMs: 6_000,
});

/** The options of a search, checked, with what was left out. */
export type PythonEnvironmentSettings = Readonly<
  Omit<Required<PythonEnvironmentOptions>, 'interpreter'> & { readonly interpreter: string | null }
>;

/** The options of processes, checked, with what was left out. */
export type WorkerProcessSettings = Readonly<Required<WorkerProcessOptions>>;

/** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkEnvironmentOptions(options: PythonEnvironmentOptions = {}): PythonEnvironmentSettings {
  const at = 'environment';
  knownFields(options, ['dataFolder', 'interpreter', 'command', 'requirements', 'probeTimeoutMs'], at);
  const { dataFolder, interpreter, command, requirements, probeTimeoutMs } = options;
  checkText(dataFolder, `${at}.dataFolder`);
  checkText(interpreter, `${at}.interpreter`);
  checkText(command, `${at}.command`);
  checkDuration(probeTimeoutMs, `${at}.probeTimeoutMs`);
  checkRequirements(requirements, `${at}.requirements`);
  return Object.freeze({
    dataFolder: dataFolder ?? PYTHON_DEFAULTS.dataFolder,
    interpreter: interpreter ?? PYTHON_DEFAULTS.interpreter,
    command: command ?? PYTHON_DEFAULTS.command,
    requirements: Object.freeze([...(requirements ?? PYTHON_DEFAULTS.requirements)]),
    probeTimeoutMs: probeTimeoutMs ?? PYTHON_DEFAULTS.probeTimeoutMs,
  });
}

/** @throws ConfigurationError INVALID_OPTION, UNKNOWN_OPTION */
export function checkProcessOptions(options: WorkerProcessOptions = {}): WorkerProcessSettings {
  const at = 'workers';
  knownFields(options, ['dataFolder', 'env', 'startTimeoutMs', 'gracefulShutdownTimeoutMs'], at);
  const { dataFolder, env, startTimeoutMs, gracefulShutdownTimeoutMs } = options;
  checkText(dataFolder, `${at}.dataFolder`);
  checkVariables(env, `${at}.env`);
  checkDuration(startTimeoutMs, `${at}.startTimeoutMs`);
  checkDuration(gracefulShutdownTimeoutMs, `${at}.gracefulShutdownTimeoutMs`);
  return Object.freeze({
    dataFolder: dataFolder ?? PYTHON_DEFAULTS.dataFolder,
    env: Object.freeze({ ...(env ?? PYTHON_DEFAULTS.env) }),
    startTimeoutMs: startTimeoutMs ?? PYTHON_DEFAULTS.startTimeoutMs,
    gracefulShutdownTimeoutMs: gracefulShutdownTimeoutMs ?? PYTHON_DEFAULTS.gracefulShutdownTimeoutMs,
  });
}

function checkText(value: string | undefined, at: string): void {
  if (value === undefined || (typeof value === 'string' && value.trim() !== '' && !value.includes('\0'))) return;
  refuse(at, 'must be a text that is not empty', value);
}

/** A requirement as pip takes it, with a name: what begins otherwise would be an option of pip, or a path. */
const REQUIREMENT = /^[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?\s*(?:$|[[(<>=!~;@])[^\r\n]*$/;

function checkRequirements(requirements: readonly string[] | undefined, at: string): void {
  if (requirements === undefined) return;
  if (!Array.isArray(requirements)) refuse(at, 'must be a list', requirements);
  for (const each of requirements)
    if (typeof each !== 'string' || !REQUIREMENT.test(each))
      refuse(at, 'must name packages as pip does, such as "numpy>=2"', each);
}

function checkVariables(env: Readonly<Record<string, string>> | undefined, at: string): void {
  if (env === undefined) return;
  if (typeof env !== 'object' || env === null) refuse(at, 'must be an object', env);
  for (const [name, value] of Object.entries(env))
    if (!/^[^=\0]+$/.test(name) || typeof value !== 'string' || value.includes('\0'))
      refuse(`${at}.${name}`, 'must be a text', value);
}
