/**
 * The two runtimes share no block of code: jscpd looks for blocks of at least 6 lines and 40 tokens that stand in both, or
 * twice in one. Imports do not count. It also reports, without a limit, which share of the code both runtimes have in common.
 *
 * Usage: node scripts/check-duplication.mjs
 */
import { createRequire } from 'node:module';
import { filesBelow, linesOf } from './files.mjs';

/** Required, because the ES module build of jscpd 4 does not load in Node. */
const { detectClones } = createRequire(import.meta.url)('jscpd');

const RUNTIMES = ['src/runtimes/local-runtime.ts', 'src/runtimes/async-local-runtime.ts'];
const IMPORTS = '^import[^;]*;$';

const clones = await detectClones({
  path: RUNTIMES,
  minLines: 6,
  minTokens: 40,
  ignorePattern: [IMPORTS],
  silent: true,
  reporters: [],
});

for (const { duplicationA, duplicationB } of clones)
  console.error(`${place(duplicationA)} is also at ${place(duplicationB)}`);
console.log(`${clones.length} blocks shared by or repeated in the two runtimes`);
reportShare();
process.exitCode = clones.length > 0 ? 1 : 0;

function place({ sourceId, start, end }) {
  return `${sourceId}:${start.line}-${end.line}`;
}

/** Shared code is what both runtimes are built on: base, mixins, and the folder of the runtimes without the two of them. */
function reportShare() {
  const paths = ['src/base', 'src/mixins', 'src/runtimes'].flatMap((folder) => filesBelow(folder, '.ts'));
  const total = countLines(paths);
  const shared = total - countLines(RUNTIMES);
  console.log(
    `${((100 * shared) / total).toFixed(1)} % of the code is shared by both runtimes (${shared} of ${total} lines)`,
  );
}

function countLines(paths) {
  return paths.reduce((sum, path) => sum + linesOf(path).length, 0);
}
