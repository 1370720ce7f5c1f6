/**
 * Runs the compiled benchmarks, each in a process of its own. A benchmark measures its bare limit beside ours, prints both,
 * and ends with an exit code other than 0 when the ratio is over its budget. With --ci it is passed on, for a shorter run.
 *
 * Usage: node scripts/bench.mjs [--ci] [name ...]
 */
import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import { filesBelow } from './files.mjs';

const words = process.argv.slice(2);
const options = words.filter((word) => word.startsWith('--'));
const names = words.filter((word) => !word.startsWith('--'));
const found = filesBelow('build/benchmarks', '.bench.js');
const chosen = names.length === 0 ? found : found.filter((path) => names.includes(basename(path, '.bench.js')));

const failures = chosen.filter((path) => {
  console.log(`\n== ${basename(path, '.bench.js')}`);
  return spawnSync(process.execPath, ['--expose-gc', path, ...options], { stdio: 'inherit' }).status !== 0;
});

for (const path of failures) console.error(`over its budget or broken: ${path}`);
console.log(`\n${chosen.length} benchmarks run, ${failures.length} over budget or broken`);
process.exitCode = chosen.length === 0 || failures.length > 0 ? 1 : 0;
