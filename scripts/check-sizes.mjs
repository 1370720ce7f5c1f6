/**
 * Checks the length in lines of every file in src/ against scripts/size-limits.json: `standard` for most files, `files` for
 * those with a limit of their own, `exceptions` for longer ones, each with its limit and the reason for it.
 *
 * Usage: node scripts/check-sizes.mjs
 */
import { readFileSync } from 'node:fs';
import { linesOf, sourceFiles } from './files.mjs';

const { standard, files, exceptions } = JSON.parse(readFileSync(new URL('size-limits.json', import.meta.url), 'utf8'));
const lengths = new Map(sourceFiles().map((path) => [path, linesOf(path).length]));
const problems = [...tooLong(), ...staleLimits()];

for (const problem of problems) console.error(problem);
console.log(`${lengths.size} files, the longest has ${Math.max(0, ...lengths.values())} lines.`);
process.exitCode = problems.length > 0 ? 1 : 0;

function tooLong() {
  return [...lengths].flatMap(([path, length]) => {
    const limit = exceptions[path]?.lines ?? files[path] ?? standard;
    return length > limit ? [`${path} has ${length} lines; its limit is ${limit}.`] : [];
  });
}

function staleLimits() {
  const gone = [...Object.keys(files), ...Object.keys(exceptions)].filter((path) => !lengths.has(path));
  const idle = Object.keys(exceptions).filter((path) => lengths.get(path) <= (files[path] ?? standard));
  const unexplained = Object.keys(exceptions).filter((path) => !exceptions[path].reason);
  return [
    ...gone.map((path) => `scripts/size-limits.json names ${path}, which does not exist.`),
    ...idle.map((path) => `scripts/size-limits.json: the exception for ${path} is not needed any more.`),
    ...unexplained.map((path) => `scripts/size-limits.json: the exception for ${path} has no reason.`),
  ];
}
