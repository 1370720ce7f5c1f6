/**
 * Mutation testing of src/base and src/mixins with Stryker (stryker.config.mjs), in batches. After each batch its result
 * is written to etc/mutation.json, so that an interrupted run goes on where it was: without arguments, only files that
 * have no result yet, or changed since, are measured.
 *
 * Usage: node scripts/mutate.mjs [--only path ...] [--again] [--one-in N]
 *
 * `--only` measures these files or folders, changed or not. `--again` reuses nothing of earlier runs; without it, a mutant
 * that a test killed counts as killed while neither the mutated code nor the name of the test has changed. `--one-in N` tries one
 * of N mutants, for an estimate in an Nth of the time.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import strykerConfig from '../stryker.config.mjs';
import { countLines, fileResult, lineHashes, mutatedFiles, readRecord, writeRecord } from './mutation-record.mjs';

/** Lines a batch: what an interruption loses at most, against half a minute that each batch takes before its first mutant. */
const BATCH_LINES = 800;
const PACKAGES = ['@stryker-mutator/core', 'mocha', 'typescript'];
const REUSABLE = ['Killed', 'Timeout', 'Ignored'];

const { only, again, oneIn } = readArguments(process.argv.slice(2));
const sampling = oneIn === 1 ? {} : { checkers: ['sample'] };
process.env.LOCKSTEP_MUTATE_ONE_IN = String(oneIn);
const batches = inBatches(filesToMeasure());
console.log(`${batches.flat().length} files to measure, in ${batches.length} batches.`);

for (const [index, batch] of batches.entries()) {
  forgetSurvivors(batch);
  const mutants = await new Stryker({ mutate: batch, force: again, ...sampling }).runMutationTest();
  const { score, whole } = keep(batch, mutants);
  const scope = whole ? 'all files' : 'the files measured so far';
  console.log(`Batch ${index + 1} of ${batches.length}: the score of ${scope} is ${score ?? 'not known'}.`);
}

function readArguments(words) {
  const options = { only: { type: 'boolean' }, again: { type: 'boolean' }, 'one-in': { type: 'string', default: '1' } };
  const { values, positionals: paths } = parseArgs({ args: words, options, allowPositionals: true });
  if (paths.length > 0 !== (values.only ?? false)) throw new Error('--only and paths belong together.');
  const oneIn = Number(values['one-in']);
  if (!Number.isInteger(oneIn) || oneIn < 1) throw new Error('--one-in takes a whole number from 1.');
  return { only: paths.length > 0 ? paths : undefined, again: values.again ?? false, oneIn };
}

function filesToMeasure() {
  const { files } = readRecord();
  if (only === undefined) return mutatedFiles().filter((path) => again || files[path]?.lines !== lineHashes(path));
  return only.flatMap((wanted) => {
    const folder = `${wanted.replace(/\/$/, '')}/`;
    const found = mutatedFiles().filter((path) => path === wanted || path.startsWith(folder));
    if (found.length === 0) throw new Error(`${wanted} is no file, and no folder of files, that is mutated.`);
    return found;
  });
}

function inBatches(paths) {
  const found = [];
  let room = 0;
  for (const path of paths) {
    const lines = countLines(lineHashes(path));
    if (lines > room) {
      found.push([]);
      room = BATCH_LINES * oneIn;
    }
    found.at(-1).push(path);
    room -= lines;
  }
  return found;
}

/**
 * Stryker takes a mutant for a survivor still while no test was added; that a test was made stricter, or a mutant lies in
 * code that another file uses in a new way, it does not see. So survivors are tried again.
 */
function forgetSurvivors(batch) {
  const { incrementalFile } = strykerConfig;
  if (!existsSync(incrementalFile)) return;
  const report = JSON.parse(readFileSync(incrementalFile, 'utf8'));
  for (const path of batch) {
    const file = report.files[path];
    if (file !== undefined) file.mutants = file.mutants.filter(({ status }) => REUSABLE.includes(status));
  }
  writeFileSync(incrementalFile, JSON.stringify(report));
}

/** Earlier results of other files are among the mutants as well; they are left as they were recorded. */
function keep(batch, mutants) {
  const date = new Date().toISOString().slice(0, 10);
  const results = batch.map((path) => {
    const own = mutants.filter(({ fileName }) => fileName.replaceAll('\\', '/').endsWith(`/${path}`));
    return [
      path,
      fileResult(
        path,
        own.map(({ status }) => status),
        date,
        oneIn,
      ),
    ];
  });
  return writeRecord(readRecord(), Object.fromEntries(results), { date, versions: versions() });
}

function versions() {
  const installed = PACKAGES.map((name) => [
    name,
    JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version,
  ]);
  return { node: process.versions.node, ...Object.fromEntries(installed) };
}
