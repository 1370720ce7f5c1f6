import { accessSync, constants, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ConfigurationError } from '../../../base/errors.js';
import { inFolder } from '../data-folder.js';
import { type CommandEnd, runGuarded } from '../process/guarded-command.js';
import { takeBuildLock } from './build-lock.js';
import { interpreterIn, namedProgram, type Surroundings } from './candidates.js';
import { lastLine } from './probe.js';
import { type LookedAt, lookAtManaged, type ManagedPlace, type SurveyOptions } from './survey.js';

/** Told what is being done, in lines for people. */
export type Progress = (line: string) => void;

/** With what environments are made: uv where it is found on PATH, otherwise the venv and pip of the interpreter. */
export type Installer = { readonly name: 'uv'; readonly path: string } | { readonly name: 'pip' };

export function findInstaller(surroundings: Surroundings): Installer {
  const path = namedProgram('uv', surroundings);
  return path === undefined ? { name: 'pip' } : { name: 'uv', path };
}

/**
 * Makes the environment, unless another process makes it meanwhile: then that is waited for. It is built beside its place and
 * renamed when it is complete, so that nobody ever sees a part of one. Only `bin/python` of it may be used: the other programs in
 * `bin` name the folder that they were made in.
 *
 * @throws ConfigurationError ENVIRONMENT_OFFLINE, ENVIRONMENT_FAILED, FILE_UNWRITABLE; the reason of the signal
 */
export async function makeManaged(place: ManagedPlace, options: SurveyOptions, progress: Progress): Promise<LookedAt> {
  const { folder } = place;
  inFolder(dirname(folder), () => accessSync(dirname(folder), constants.W_OK));
  const waiting = ({ pid, host }: { pid: number; host: string }): void =>
    progress(`Waiting for process ${pid} on ${host}, which makes the Python environment ${folder}`);
  const lock = await takeBuildLock(`${folder}.lock`, { waiting, signal: options.signal });
  try {
    const meanwhile = await lookAtManaged(place, options);
    if (meanwhile.usable) return meanwhile;
    removeLeftovers(folder);
    const building = `${folder}.new-${process.pid}`;
    try {
      await build(building, place, options, progress);
      rmSync(folder, { recursive: true, force: true });
      renameSync(building, folder);
    } finally {
      rmSync(building, { recursive: true, force: true });
    }
    const made = await lookAtManaged(place, options);
    if (!made.usable) throw failed(`The environment ${folder} was made and cannot be used: ${made.reason}.`, folder);
    progress(`Made the Python environment ${folder}`);
    return made;
  } finally {
    lock.release();
  }
}

/** What those left behind who were killed while they built this environment. They hold the lock no more. */
function removeLeftovers(folder: string): void {
  for (const name of readdirSync(dirname(folder)))
    if (name.startsWith(`${basename(folder)}.new-`))
      rmSync(join(dirname(folder), name), { recursive: true, force: true });
}

async function build(folder: string, place: ManagedPlace, options: SurveyOptions, progress: Progress): Promise<void> {
  const { base, requirements } = place;
  const installer = findInstaller(options.surroundings);
  progress(`Making a Python environment with ${installer.name} from ${base}`);
  const run = (program: string, ...args: readonly string[]): Promise<CommandEnd> => runTool(program, args, options);
  const python = interpreterIn(folder);
  const made =
    installer.name === 'uv'
      ? await run(installer.path, 'venv', '--quiet', '--python', base, folder)
      : await run(base, '-I', '-m', 'venv', folder);
  if (made.code !== 0) throw failed(`No environment could be made from ${base}${lastLine(made.output)}.`, base, made);
  progress(`Installing ${requirements.join(', ')}`);
  const installed =
    installer.name === 'uv'
      ? await run(installer.path, 'pip', 'install', '--quiet', '--python', python, ...requirements)
      : await run(python, '-I', '-m', 'pip', 'install', '--quiet', '--retries', '2', ...requirements);
  if (installed.code === 0) return;
  if (isOffline(installed.output)) throw offline(place, options, installed);
  const what = `${requirements.join(', ')} could not be installed with ${installer.name}`;
  throw failed(`${what}${lastLine(installed.output)}.`, folder, installed);
}

/** Runs venv, pip or uv, with the variables of the process: proxies and indexes are set by them. */
function runTool(
  program: string,
  args: readonly string[],
  { surroundings, signal }: SurveyOptions,
): Promise<CommandEnd> {
  const { PYTHONHOME: _home, PYTHONPATH: _path, VIRTUAL_ENV: _active, ...env } = surroundings.env;
  const quiet = { LC_ALL: 'C', PIP_NO_INPUT: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1' };
  return runGuarded(program, args, { cwd: surroundings.cwd, env: { ...env, ...quiet }, signal });
}

/** What pip and uv say where an index cannot be reached. */
const UNREACHABLE =
  /connection broken by|NewConnectionError|ConnectTimeoutError|NameResolutionError|ProxyError|Max retries exceeded|error sending request|dns error|tcp connect error|Connection refused|Network is unreachable|Could not connect/i;

/** Whether a package could not be installed because no index could be reached. */
export function isOffline(output: string): boolean {
  return UNREACHABLE.test(output);
}

function offline({ requirements, folder }: ManagedPlace, options: SurveyOptions, end: CommandEnd): ConfigurationError {
  const what = `${requirements.join(', ')} could not be installed: no package index could be reached.`;
  return new ConfigurationError('ENVIRONMENT_OFFLINE', `${what} ${laterText(options)}`, {
    at: folder,
    value: end.output,
  });
}

/** What to do where there is a network again. */
function laterText({ settings, surroundings }: SurveyOptions): string {
  const words = settings.requirements.map((each) => ` --requirement '${each}'`);
  return `With a network, run in ${surroundings.cwd}: lockstep python setup${words.join('')}`;
}

function failed(what: string, at: string, end?: CommandEnd): ConfigurationError {
  return new ConfigurationError('ENVIRONMENT_FAILED', what, { at, ...(end !== undefined && { value: end.output }) });
}
