/**
 * Runs the compiled tests under mocha, in one process, and those of the Python package under pytest.
 *
 * Usage: node scripts/run-tests.mjs [group ...] [--grep text]
 *
 * A group is a folder below test/ (unit, mixins, ...), or python; without one, every test runs, but with --grep those of
 * Python only if they are named. The last line printed is `N passed, N failed`. Besides failed tests these count as failures: a test file that cannot be loaded, no test at all,
 * a pending test where CI=true, and a process that is still busy some seconds after its last test.
 */
import { resolve } from 'node:path';
import Mocha from 'mocha';
import { filesBelow } from './files.mjs';
import { runPytest } from './run-pytest.mjs';

/** The group of the tests in python/tests. */
const PYTHON = 'python';

/** How long the process may take to end by itself after the last test, in milliseconds. */
const EXIT_GRACE_MS = 5_000;

const inCi = process.env.CI === 'true';
const { groups, grep } = readArguments(process.argv.slice(2));
let passed = 0;
let failed = 0;

process.on('exit', () => {
  process.exitCode = failed > 0 ? 1 : process.exitCode;
  console.log(`${passed} passed, ${failed} failed`);
});

try {
  const folders = groups.filter((group) => group !== PYTHON).map((group) => `build/test/${group}`);
  if (folders.length > 0) await run(folders.flatMap(testFiles));
  else if (groups.length === 0) await run(testFiles('build/test'));
  if (groups.includes(PYTHON) || (groups.length === 0 && !grep)) runPython();
} catch (error) {
  fail(error instanceof Error ? error.stack : String(error));
}
setTimeout(endBusyProcess, EXIT_GRACE_MS).unref();

/** Loads and runs the files, and counts. */
async function run(files) {
  const mocha = new Mocha({ reporter: 'spec', forbidOnly: inCi, timeout: 10_000, ...(grep && { grep }) });
  for (const file of files) mocha.addFile(resolve(file));
  await mocha.loadFilesAsync();
  await new Promise((done) => {
    const runner = mocha.run(done);
    runner.on('end', () => {
      passed = runner.stats.passes;
      failed += runner.stats.failures;
      const { pending } = runner.stats;
      if (inCi && pending > 0) fail(`${pending} pending: with CI=true a pending test counts as a failure.`, pending);
    });
  });
  if (passed + failed === 0) fail('No test ran.');
}

function runPython() {
  const counts = runPytest(grep);
  passed += counts.passed;
  failed += counts.failed;
}

/** The compiled test files below a folder, which must hold at least one. */
function testFiles(folder) {
  const files = filesBelow(folder, '.test.js');
  if (files.length === 0) throw new Error(`No test file in ${folder}.`);
  return files;
}

/** Called only while something (a timer, a socket, a child process) keeps the process alive: it was started and not stopped. */
function endBusyProcess() {
  const resources = process.getActiveResourcesInfo().join(', ');
  fail(`The process is still busy ${EXIT_GRACE_MS} ms after the last test (${resources}).`);
  process.exit();
}

function fail(message, count = 1) {
  failed += count;
  console.error(`\n${message}\n`);
}

function readArguments(words) {
  const at = words.indexOf('--grep');
  return at < 0 ? { groups: words } : { groups: words.toSpliced(at, 2), grep: words[at + 1] };
}
