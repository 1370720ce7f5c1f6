/**
 * Measures what a node costs the TypeScript compiler: checks a generated chain of many nodes and a chain of one, and divides
 * the difference by the number of nodes. Fails when a node costs more than the budget.
 *
 * Usage: node scripts/bench-types.mjs
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';

const NODES = 2_000;
const BUDGET_MS = 1;
const ROUNDS = 3;
const FOLDER = 'build/bench-types';
const TSC = 'node_modules/typescript/bin/tsc';

mkdirSync(FOLDER, { recursive: true });
const bare = fastestCheck(1);
const full = fastestCheck(NODES);
const perNode = (full - bare) / (NODES - 1);
console.log(
  `types: ${perNode.toFixed(3)} ms a node (${NODES} nodes ${full} ms, 1 node ${bare} ms, budget ${BUDGET_MS} ms)`,
);
process.exitCode = perNode > BUDGET_MS ? 1 : 0;

/** The shortest of some checks of a chain, in milliseconds: the compiler's own "Check time", which leaves out parsing. */
function fastestCheck(nodes) {
  const config = writeProject(nodes);
  return Math.min(...Array.from({ length: ROUNDS }, () => checkOnce(config)));
}

function checkOnce(config) {
  const { status, stdout } = spawnSync(process.execPath, [TSC, '-p', config, '--extendedDiagnostics'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`The generated workflow does not compile:\n${stdout}`);
  return 1_000 * Number(/^Check time:\s+([\d.]+)s/m.exec(stdout)[1]);
}

function writeProject(nodes) {
  const name = `chain-${nodes}`;
  writeFileSync(`${FOLDER}/${name}.ts`, chain(nodes));
  writeFileSync(
    `${FOLDER}/${name}.json`,
    JSON.stringify({
      extends: '../../tsconfig.base.json',
      compilerOptions: { noEmit: true, rootDir: '../..' },
      files: [`${name}.ts`],
    }),
  );
  return `${FOLDER}/${name}.json`;
}

/** A workflow whose every node takes the output of the one before. */
function chain(nodes) {
  const added = Array.from(
    { length: nodes },
    (_, i) => `const n${i} = w.add('n${i}', step({ x: ${i === 0 ? '0' : `n${i - 1}.out.y`} }));`,
  );
  return [
    `import { defineNode, type, workflow } from '../../src/index.js';`,
    `const step = defineNode({`,
    `  name: 'step', inputs: { x: type<number>() }, outputs: { y: type<number>() }, run: ({ x }) => ({ y: x + 1 }),`,
    `});`,
    `const w = workflow('chain');`,
    ...added,
    `export const built = w.build({ outputs: { last: n${nodes - 1}.out.y } });`,
    '',
  ].join('\n');
}
