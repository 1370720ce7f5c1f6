/**
 * Checks the Python package: format and lint by ruff, types by mypy, as python/pyproject.toml says, with the versions that
 * python/tests/requirements.txt names. Where no Python can be used, that is printed, and fails with CI=true.
 *
 * Usage: node scripts/check-python.mjs
 */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { pythonEnvironment } from './python-environment.mjs';

const CHECKS = [
  ['ruff', 'format', '--check', '--quiet'],
  ['ruff', 'check', '--quiet'],
  ['mypy', '--no-error-summary', '--cache-dir', resolve('.cache/mypy')],
];

try {
  const python = pythonEnvironment();
  for (const words of CHECKS) {
    const env = { ...process.env, RUFF_NO_CACHE: 'true' };
    const { status } = spawnSync(python, ['-m', ...words], { cwd: resolve('python'), env, stdio: 'inherit' });
    if (status !== 0) {
      console.error(`python: ${words.slice(0, 2).join(' ')} found problems.`);
      process.exitCode = 1;
    }
  }
} catch (error) {
  console.error(`python/ was not checked. ${error.message}`);
  process.exitCode = process.env.CI === 'true' ? 1 : 0;
}
