/**
 * The record of mutation testing, etc/mutation.json: what became of the mutants of each file, and a hash of each of its
 * lines, with which a later check tells how much of what was measured has changed since.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { linesOf, sourceFiles } from './files.mjs';

export const RECORD = 'etc/mutation.json';

/** The least score of all files together, in percent. */
export const LEAST_SCORE = 85;

/** The largest share of recorded lines that may have changed before the score says nothing any more, in percent. */
export const MOST_CHANGED = 15;

/** Length of a line's hash: 24 bits are enough to tell the lines of one file apart. */
const HASH_LENGTH = 4;

const FOLDERS = ['src/base/', 'src/mixins/'];
/** Tables of texts. */
const NOT_MUTATED = ['', 'worker-', 'command-'].map((part) => `src/base/${part}error-catalog.ts`);
const COMMENT = /^(?:\/\/|\/\*|\*)/;
const COUNTED = {
  Killed: 'killed',
  Timeout: 'timeout',
  Survived: 'survived',
  NoCoverage: 'noCoverage',
  Ignored: 'ignored',
};

/** The files whose mutants count. */
export function mutatedFiles() {
  return sourceFiles().filter(
    (path) => FOLDERS.some((folder) => path.startsWith(folder)) && !NOT_MUTATED.includes(path),
  );
}

/** The hashes of a file's lines, one after the other. Indentation, blank lines and lines of comment do not count. */
export function lineHashes(path) {
  return linesOf(path)
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .filter((line) => line !== '' && !COMMENT.test(line))
    .map((line) => createHash('sha256').update(line).digest('base64').slice(0, HASH_LENGTH))
    .join('');
}

/** How many lines stand behind hashes. */
export function countLines(hashes) {
  return hashes.length / HASH_LENGTH;
}

/** How many lines changed from one state of a file to another: a line that was rewritten counts once, one that moved not at all. */
export function changedLines(before, after) {
  const left = new Map();
  for (const hash of split(before)) left.set(hash, (left.get(hash) ?? 0) + 1);
  let added = 0;
  for (const hash of split(after)) {
    const count = left.get(hash) ?? 0;
    if (count === 0) added++;
    else left.set(hash, count - 1);
  }
  const gone = [...left.values()].reduce((sum, count) => sum + count, 0);
  return Math.max(gone, added);
}

function split(hashes) {
  return hashes.match(new RegExp(`.{${HASH_LENGTH}}`, 'g')) ?? [];
}

/** The record as committed; an empty one where there is none yet. */
export function readRecord() {
  return existsSync(RECORD) ? JSON.parse(readFileSync(RECORD, 'utf8')) : { files: {} };
}

/**
 * Writes the results of files beside those of the others, without those of files that are gone, and the sums. Once every
 * file has had a result the record is `whole` and stays so; a file that is added later is a change, not a gap.
 */
export function writeRecord(record, results, about) {
  const paths = mutatedFiles();
  const known = { ...record.files, ...results };
  const files = Object.fromEntries(paths.filter((path) => known[path]).map((path) => [path, known[path]]));
  const whole = record.whole === true || paths.every((path) => files[path] !== undefined);
  const next = { ...about, whole, ...summary(Object.values(files)), folders: byFolder(files), files };
  writeFileSync(RECORD, `${JSON.stringify(next, null, 1)}\n`);
  return next;
}

/** What became of the mutants of one file, of one in so many, with the state of the file. */
export function fileResult(path, statuses, date, oneIn = 1) {
  const counts = { killed: 0, timeout: 0, survived: 0, noCoverage: 0, ignored: 0 };
  for (const status of statuses) {
    const name = COUNTED[status];
    if (name !== undefined) counts[name]++;
  }
  const lines = lineHashes(path);
  return {
    date,
    ...(oneIn === 1 ? {} : { oneIn }),
    ...summary([{ ...counts, oneIn }]),
    lineCount: countLines(lines),
    lines,
  };
}

/**
 * The sum of counts, and the score: the share of mutants that tests noticed, in percent; `null` without a mutant. A file of which
 * one mutant in so many was tried counts as if the others had come to the same; `margin` is then how far the score may be off, in
 * percent of mutants, with 95 % certainty (the normal approximation of a stratified sample).
 */
export function summary(all) {
  const counts = Object.fromEntries(
    Object.values(COUNTED).map((name) => [name, all.reduce((total, each) => total + each[name], 0)]),
  );
  let [noticed, valid, variance] = [0, 0, 0];
  for (const { killed, timeout, survived, noCoverage, oneIn = 1 } of all) {
    const tried = killed + timeout + survived + noCoverage;
    if (tried === 0) continue;
    const share = (killed + timeout) / tried;
    noticed += (killed + timeout) * oneIn;
    valid += tried * oneIn;
    variance += oneIn * (oneIn - 1) * tried * share * (1 - share);
  }
  if (valid === 0) return { score: null, ...counts };
  const margin = variance === 0 ? {} : { margin: percent(1.96 * Math.sqrt(variance), valid) };
  return { score: percent(noticed, valid), ...margin, ...counts };
}

function percent(part, whole) {
  return Math.round((10_000 * part) / whole) / 100;
}

function byFolder(files) {
  const folders = {};
  for (const [path, counts] of Object.entries(files)) {
    const folder = path.slice(0, path.lastIndexOf('/'));
    folders[folder] = [...(folders[folder] ?? []), counts];
  }
  return Object.fromEntries(Object.entries(folders).map(([folder, all]) => [folder, summary(all)]));
}
