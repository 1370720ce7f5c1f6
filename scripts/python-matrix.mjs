/**
 * Runs the tests of python/, and of workers that TypeScript calls, with every Python that is found here and is new enough: those that
 * are called python3.N on PATH, and those of pyenv. Prints which they were; the documents claim no other.
 *
 * Usage: node scripts/python-matrix.mjs (after `npm run build:test`). The last line printed is `N passed, N failed`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** What the package supports, python/pyproject.toml. */
const OLDEST = 10;
/** The tests of groups that are run with each of them. */
const RUNS = [['python'], ['workers', '--grep', 'as an executor|worker adapter grpcPython']];
const COUNT = /^(\d+) passed, (\d+) failed$/;

const rows = [];
for (const [version, path] of interpreters()) {
  const row = { version, path, passed: 0, failed: 0 };
  for (const words of RUNS) {
    console.log(`\n== Python ${version}: ${words.join(' ')}`);
    const { stdout } = spawnSync(process.execPath, ['--enable-source-maps', 'scripts/run-tests.mjs', ...words], {
      env: { ...process.env, LOCKSTEP_PYTHON: path },
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    const [, passed, failed] = stdout.trimEnd().split('\n').at(-1).match(COUNT) ?? [];
    if (failed !== '0') console.log(stdout);
    row.passed += Number(passed ?? 0);
    // Tests that could not begin count as one.
    row.failed += Number(failed ?? 1);
  }
  rows.push(row);
}
if (rows.length === 0) console.log('No Python was found that is new enough.');
console.log('');
for (const { version, path, passed, failed } of rows)
  console.log(`Python ${version.padEnd(8)} ${path}: ${passed} passed, ${failed} failed`);
const sum = (key) => rows.reduce((all, row) => all + row[key], 0);
const failed = sum('failed') + (rows.length === 0 ? 1 : 0);
console.log(`\n${sum('passed')} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

/** One interpreter for each minor version, by its full version. */
function interpreters() {
  const root = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions');
  const pyenv = existsSync(root) ? readdirSync(root).map((name) => join(root, name, 'bin')) : [];
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...pyenv];
  const found = new Map();
  for (const folder of folders) {
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      if (!/^python3\.\d+$/.test(name)) continue;
      const [version, path] = versionOf(join(folder, name)) ?? [];
      const minor = Number(version?.split('.')[1]);
      if (minor >= OLDEST && !found.has(minor)) found.set(minor, [version, path]);
    }
  }
  return [...found].sort(([a], [b]) => a - b).map(([, each]) => each);
}

/** The version and the true path of an interpreter; nothing for a command that is none, such as a shim without a version behind it. */
function versionOf(command) {
  try {
    const script =
      'import sys, ensurepip, venv; print(".".join(map(str, sys.version_info[:3]))); print(sys.executable)';
    const said = execFileSync(command, ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const [version, path] = said.trimEnd().split('\n');
    return [version, realpathSync(path)];
  } catch {
    return undefined;
  }
}
