/**
 * What a node costs the TypeScript compiler: checks generated workflows of thousands of nodes, and subtracts the time for an
 * empty program with the same imports. Fails when a node costs more than its budget; in CI, than its budget times the margin.
 *
 * Usage: node types.js
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUDGETS, MARGIN } from './budgets.js';
import { generatedWorkflow } from './generated-workflow.js';

const BUILD = fileURLToPath(new URL('..', import.meta.url));
const TSC = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace(/package\.json$/, 'bin/tsc');
const ROUNDS = 5;
const margin = process.env.CI === undefined ? 1 : MARGIN;

const PROGRAMS = [
  { name: 'empty', functions: 0, nodes: 0 },
  { name: '10 functions of 300 nodes', functions: 10, nodes: 300 },
  { name: '1 function of 1000 nodes', functions: 1, nodes: 1_000 },
];

const OPTIONS = {
  ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: true },
  ...{ module: 'nodenext', target: 'es2023', lib: ['es2023', 'esnext.disposable'], types: ['node'] },
  ...{ experimentalDecorators: true, noEmit: true },
};

/** Milliseconds of one check, from the start of the compiler to its end. */
function checkOnce(folder: string): number {
  const from = performance.now();
  const { status, stdout } = spawnSync(process.execPath, [TSC, '-p', folder, '--noEmit'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`The generated workflow does not compile:\n${stdout.slice(0, 2_000)}`);
  return performance.now() - from;
}

function writeProgram(root: string, index: number): string {
  const { functions, nodes } = PROGRAMS[index] as (typeof PROGRAMS)[number];
  const folder = mkdtempSync(join(root, 'program-'));
  writeFileSync(join(folder, 'workflow.ts'), generatedWorkflow(functions, nodes));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: OPTIONS, files: ['workflow.ts'] }));
  return folder;
}

/** Beside the build, so that the generated import of the sources, and theirs of packages, resolve as they do there. */
const root = mkdtempSync(join(BUILD, 'types-'));
let over = 0;
try {
  const folders = PROGRAMS.map((_, index) => writeProgram(root, index));
  const rounds = Array.from({ length: ROUNDS }, () => folders.map(checkOnce));
  const [empty, ...full] = folders.map((_, index) => Math.min(...rounds.map((times) => times[index] as number)));
  console.log(`empty program: ${(empty as number).toFixed(0)} ms; least of ${ROUNDS} rounds`);
  for (const [index, took] of full.entries()) {
    const { name, functions, nodes } = PROGRAMS[index + 1] as (typeof PROGRAMS)[number];
    const perNode = (took - (empty as number)) / (functions * nodes);
    const isOver = perNode > BUDGETS.typesMs * margin;
    if (isOver) over++;
    const verdict = `${isOver ? 'over' : 'within'} the budget of ${BUDGETS.typesMs} ms${margin === 1 ? '' : ` times ${margin}`}`;
    console.log(`${name}: ${took.toFixed(0)} ms, ${perNode.toFixed(3)} ms a node, ${verdict}`);
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
console.log(`\n${PROGRAMS.length - 1 - over} within budget, ${over} over`);
process.exitCode = over > 0 ? 1 : 0;
