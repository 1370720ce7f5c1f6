/**
 * Checks the coverage that c8 wrote to coverage/coverage-summary.json against a floor for each folder, and lists every
 * comment in src/ that switches coverage off. Such a comment needs a reason: `c8 ignore next 2 -- why it cannot be reached`.
 * Files that hold nothing but types do not count.
 *
 * Usage: node scripts/check-coverage.mjs (after c8)
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { linesOf, sourceFiles } from './files.mjs';

/** Folders reported, each with its least percentage of a metric, where it has one. */
const FOLDERS = [
  ['src/', {}],
  ['src/mixins/', { lines: 100, branches: 97 }],
  ['src/base/', { lines: 95 }],
];
/** What only browsers run is compiled elsewhere and tested there: test/integration/report.test.ts. */
const IN_BROWSERS = 'src/report/page/';

const METRICS = ['lines', 'branches', 'functions'];

const SWITCHED_OFF =
  /\/\* *(?:[cv]8 ignore|node:coverage) +(?<what>next(?: +\d+)?|start|stop|disable|enable|file)?(?<rest>.*)/;
const REASON = /^ *-- *[^\s*].*\*\//;

const problems = [...checkFloors(), ...checkIgnores()];
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

function checkFloors() {
  const summary = JSON.parse(readFileSync('coverage/coverage-summary.json', 'utf8'));
  const files = sourceFiles()
    .filter((path) => !path.startsWith(IN_BROWSERS) || existsSync(compiledPath(path)))
    .filter(hasCode)
    .map((path) => ({ path, counts: summary[resolve(path)] }));
  return [
    ...files.filter(({ counts }) => !counts).map(({ path }) => `${path}: not in the coverage summary.`),
    ...FOLDERS.flatMap(([folder, floors]) => {
      const inFolder = files.filter(({ path, counts }) => path.startsWith(folder) && counts);
      return METRICS.flatMap((metric) => checkFloor(folder, metric, floors[metric], inFolder));
    }),
  ];
}

/** False for a file of types: what it compiles to is empty, is never loaded, and would count as not covered. */
function hasCode(path) {
  const compiled = readFileSync(compiledPath(path), 'utf8');
  return compiled.replace(/\/\*[\s\S]*?\*\/|\/\/.*|export \{\};/g, '').trim() !== '';
}

function compiledPath(path) {
  return `build/${path.replace(/\.ts$/, '.js')}`;
}

function checkFloor(folder, metric, floor, files) {
  const total = files.reduce((sum, { counts }) => sum + counts[metric].total, 0);
  const covered = files.reduce((sum, { counts }) => sum + counts[metric].covered, 0);
  const percent = total === 0 ? 0 : (100 * covered) / total;
  const required = floor === undefined ? '' : `, at least ${floor} %`;
  console.log(`coverage of ${metric} in ${folder}: ${percent.toFixed(2)} % (${covered} of ${total}${required})`);
  if (floor === undefined || percent >= floor) return [];
  const missing = files.filter(({ counts }) => counts[metric].covered < counts[metric].total);
  return [
    `${folder} ${metric}: ${percent.toFixed(2)} % is below ${floor} %. Not covered in full:`,
    ...missing.map(({ path, counts }) => `  ${path} ${counts[metric].covered} of ${counts[metric].total}`),
  ];
}

function checkIgnores() {
  const ignores = sourceFiles().flatMap((path) =>
    linesOf(path).flatMap((line, index) => {
      const match = SWITCHED_OFF.exec(line);
      return match === null ? [] : [{ at: `${path}:${index + 1}`, line: line.trim(), ...match.groups }];
    }),
  );
  for (const { at, line } of ignores) console.log(`coverage off: ${at}: ${line}`);
  return ignores
    .filter(({ what, rest }) => what !== 'stop' && what !== 'enable' && !REASON.test(rest))
    .map(({ at }) => `${at}: give the reason in the comment: /* c8 ignore next -- reason */`);
}
