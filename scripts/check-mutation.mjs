/**
 * Checks etc/mutation.json, which `npm run mutate` writes, against the sources. It runs no mutant: that takes hours.
 *
 * Warns of files that changed since they were measured. Fails when so many of the measured lines changed that the score
 * says nothing any more, and when the score is too low. Until every file has been measured once it fails for nothing and
 * says which files have no result yet.
 *
 * Usage: node scripts/check-mutation.mjs
 */
import {
  changedLines,
  countLines,
  LEAST_SCORE,
  lineHashes,
  MOST_CHANGED,
  mutatedFiles,
  RECORD,
  readRecord,
} from './mutation-record.mjs';

const record = readRecord();
const paths = mutatedFiles();
const unknown = paths.filter((path) => !record.files[path]);
const problems = [...checkScore(), ...checkChanges()];

for (const path of unknown) console.log(`mutation: ${path} has no result yet.`);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

function checkScore() {
  const { score, whole, margin = 0 } = record;
  if (!whole) {
    const part = score === undefined || score === null ? 'nothing has a score' : `what was measured scores ${score} %`;
    console.log(`mutation: not measured in full (${paths.length - unknown.length} of ${paths.length} files; ${part}).`);
    return [];
  }
  const text = margin === 0 ? `${score} %` : `${score} % ± ${margin}`;
  console.log(`mutation: the score is ${text}, at least ${LEAST_SCORE} % (${record.date}).`);
  return score - margin >= LEAST_SCORE ? [] : [`${RECORD}: the mutation score ${text} is below ${LEAST_SCORE} %.`];
}

/** In a whole record, a new file is a change as well; before, it is one of those that have no result yet. */
function checkChanges() {
  const measured = Object.keys(record.files);
  const seen = record.whole ? [...new Set([...measured, ...paths])] : measured;
  const changes = seen
    .map((path) => [path, changedLines(record.files[path]?.lines ?? '', paths.includes(path) ? lineHashes(path) : '')])
    .filter(([, count]) => count > 0);
  for (const [path, count] of changes) console.warn(`mutation: ${path} changed since it was measured: ${count} lines.`);
  const total = measured.reduce((sum, path) => sum + countLines(record.files[path].lines), 0);
  const changed = changes.reduce((sum, [, count]) => sum + count, 0);
  if (changed === 0) return [];
  const percent = (100 * changed) / total;
  console.log(
    `mutation: ${changed} of ${total} measured lines changed, ${percent.toFixed(1)} %, at most ${MOST_CHANGED} %.`,
  );
  return percent <= MOST_CHANGED || !record.whole
    ? []
    : [`${RECORD}: more than ${MOST_CHANGED} % of the measured lines changed; run \`npm run mutate\`.`];
}
