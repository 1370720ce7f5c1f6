/**
 * The Python in which python/ is tested and checked: a virtual environment of its own below .cache/python, made when it is first
 * needed, with exactly what python/tests/requirements.txt names. One for each interpreter and list of packages; what was made is kept.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const REQUIREMENTS = 'python/tests/requirements.txt';
const CACHE = '.cache/python';

/** What the package supports, python/pyproject.toml. */
const OLDEST = [3, 10];

/** Printed as JSON by an interpreter, which may have been found by way of a script: what it is, and how it can make an environment. */
const PROBE = `
import importlib.util, json, sys
has = lambda name: importlib.util.find_spec(name) is not None
print(json.dumps({"path": sys.executable, "version": sys.version_info[:3], "venv": has("venv"), "ensurepip": has("ensurepip"), "pip": has("pip")}))
`;

/**
 * The interpreter of the environment, which is made if there is none. LOCKSTEP_PYTHON names the interpreter to make it with; without
 * it, python3 does.
 *
 * @throws Error that says what is missing, where there is no Python that can be used
 */
export function pythonEnvironment() {
  const base = baseInterpreter(process.env.LOCKSTEP_PYTHON ?? 'python3');
  const identity = [base.path, base.version.join('.'), readFileSync(REQUIREMENTS, 'utf8')].join('\n');
  const folder = resolve(CACHE, createHash('sha256').update(identity).digest('hex').slice(0, 16));
  if (!existsSync(folder)) make(base, folder);
  return join(folder, 'bin/python');
}

function baseInterpreter(command) {
  let base;
  try {
    base = JSON.parse(execFileSync(command, ['-c', PROBE], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }));
  } catch (cause) {
    throw new Error(`There is no Python: "${command}" cannot be run. Install Python 3.10 or later with pip.`, {
      cause,
    });
  }
  const [major, minor] = base.version;
  const named = `${base.path} is Python ${base.version.join('.')}`;
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    throw new Error(`${named}; 3.10 or later is needed. LOCKSTEP_PYTHON can name another one.`);
  if (!base.venv || !(base.ensurepip || base.pip))
    throw new Error(`${named} and has no venv, or no pip. Install them (Debian: python3-venv).`);
  return base;
}

/** Makes the environment beside its place and then moves it there, so that one that is there is whole. */
function make({ path, ensurepip }, folder) {
  console.log(`Making an environment for the tests of python/ with ${path}; it is kept in ${CACHE}.`);
  const unfinished = `${folder}.${process.pid}`;
  const python = join(unfinished, 'bin/python');
  const install = ['install', '--quiet', '--disable-pip-version-check', '--requirement', REQUIREMENTS];
  mkdirSync(CACHE, { recursive: true });
  rmSync(unfinished, { recursive: true, force: true });
  try {
    run(path, ['-m', 'venv', ...(ensurepip ? [] : ['--without-pip']), unfinished]);
    if (ensurepip) run(python, ['-m', 'pip', ...install]);
    else run(path, ['-m', 'pip', '--python', python, ...install]);
    moveTo(folder, unfinished);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** Another process may have made the same one meanwhile: then that stays. */
function moveTo(folder, unfinished) {
  try {
    renameSync(unfinished, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  }
}

function run(command, words) {
  try {
    execFileSync(command, words, { stdio: ['ignore', 'inherit', 'pipe'], encoding: 'utf8' });
  } catch (cause) {
    throw new Error(`${command} ${words.join(' ')} failed:\n${cause.stderr ?? cause}`, { cause });
  }
}
