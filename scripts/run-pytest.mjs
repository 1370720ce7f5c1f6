/**
 * Runs the tests of the Python package, python/tests, in the environment that scripts/python-environment.mjs makes.
 *
 * Usage: node scripts/run-pytest.mjs [text], where only tests with the text in their name run.
 *
 * The last line printed is `N passed, N failed`; scripts/run-tests.mjs adds both to its own. Where no Python can be used, that is
 * printed, and counts as a failure with CI=true.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pythonEnvironment } from './python-environment.mjs';

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { passed, failed } = runPytest(process.argv[2]);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

/** Runs the tests, printing what pytest prints, and counts them. With CI=true a skipped test counts as failed. */
export function runPytest(text) {
  const inCi = process.env.CI === 'true';
  let python;
  try {
    python = pythonEnvironment();
  } catch (error) {
    console.error(`\nThe tests of python/ did not run. ${error.message}\n`);
    return { passed: 0, failed: inCi ? 1 : 0 };
  }
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-pytest-'));
  const report = join(folder, 'report.xml');
  const only = text === undefined ? [] : ['-k', text];
  try {
    const words = ['-m', 'pytest', '-p', 'no:cacheprovider', '--quiet', `--junitxml=${report}`, ...only];
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
    const { status, error } = spawnSync(python, words, { cwd: resolve('python'), env, stdio: 'inherit' });
    if (error) throw error;
    return counts(readFileSync(report, 'utf8'), status, inCi);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the report of pytest counts. A run that failed without a failed test, as one that found none, counts as one failure. */
function counts(report, status, inCi) {
  const [suite] = /<testsuite [^>]*>/.exec(report) ?? [''];
  const count = (name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const broken = count('failures') + count('errors');
  const failed = broken + (inCi ? count('skipped') : 0);
  return {
    passed: count('tests') - broken - count('skipped'),
    failed: status !== 0 && failed === 0 ? 1 : failed,
  };
}
