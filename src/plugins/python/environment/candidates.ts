import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';

/**
 * Where an interpreter was found: named in the options; in a virtual environment of the project; in one that Lockstep made; on PATH.
 * This is also the order in which they are taken.
 */
export type CandidateKind = 'named' | 'project' | 'managed' | 'system';

/** An interpreter that may be there. */
export interface Candidate {
  readonly kind: CandidateKind;
  readonly path: string;
}

/** Where is looked: the working directory, and the variables of the process. */
export interface Surroundings {
  readonly cwd: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

/** What marks the top of a project: environments above it are of others. */
const TOPS = ['package.json', 'pyproject.toml', '.git'];
const FOLDERS = ['.venv', 'venv'];

/** The interpreter of a virtual environment. */
export function interpreterIn(environment: string): string {
  return join(environment, 'bin', 'python');
}

/** Interpreters of the project's virtual environments: the active one, then `.venv` and `venv` from here up to the top of the project. */
export function projectCandidates({ cwd, env }: Surroundings): readonly Candidate[] {
  const { VIRTUAL_ENV: active } = env;
  const named = active === undefined || active === '' ? [] : [resolve(cwd, active)];
  const folders = [...named, ...foldersUp(cwd).flatMap((folder) => FOLDERS.map((name) => join(folder, name)))];
  return [...new Set(folders.map(interpreterIn))]
    .filter((path) => existsSync(path) || named.some((folder) => interpreterIn(folder) === path))
    .map((path) => ({ kind: 'project', path }));
}

/** A folder and those above it, as far as the top of the project; only the folder itself where nothing marks a top. */
function foldersUp(from: string): readonly string[] {
  const folders = [resolve(from)];
  for (let folder = resolve(from); !TOPS.some((name) => existsSync(join(folder, name))); ) {
    const above = dirname(folder);
    if (above === folder) return folders.slice(0, 1);
    folder = above;
    folders.push(folder);
  }
  return folders;
}

/** All programs of a name on PATH, in its order. */
export function onPath(command: string, { cwd, env }: Surroundings): readonly string[] {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...new Set(folders.map((folder) => resolve(cwd, folder, command)))].filter(isProgram);
}

/** The program that somebody means by a path or a command; `undefined` where there is none. */
export function namedProgram(name: string, surroundings: Surroundings): string | undefined {
  if (!name.includes('/')) return onPath(name, surroundings)[0];
  const path = resolve(surroundings.cwd, name);
  return isProgram(path) ? path : undefined;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
