/**
 * Bundles the JavaScript of the package into dist/, beside the declarations that tsc puts there: a file for each entry point,
 * and chunks for what several of them share. Why: docs/decisions/0011-bundled-dist.md.
 *
 * Usage: node scripts/bundle.mjs (after tsc, which has checked the types)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { entryPoints } from './entry-points.mjs';
import { fewChunks } from './few-chunks.mjs';
import { sourceFiles } from './files.mjs';

/** A class at the top level that names itself in its own body: esbuild puts an underscore before its inner name. */
const RENAMED_WITHIN = /^var (?<name>\w+) = class _\k<name> /gm;
/** A class in TypeScript or below the top level of a bundle, or one at the top level, which takes the name of its variable. */
const CLASS = /\bclass (?<name>(?!extends\b)\w+)|^var (?<variable>\w+) = class\b/gm;

/** What the threads of the SyncBridge are started with. It is looked for beside the other files, or one folder up. */
const WORKER = { in: 'src/runtimes/sync-bridge/bridge-worker.ts', out: 'bridge-worker' };
/** With what a thread keeps Python workers. It is looked for in the same way. */
const PYTHON_THREAD = { in: 'src/plugins/python/python-thread.ts', out: 'python-thread' };
/** The `lockstep` command. */
const COMMAND = { in: 'src/cli/main.ts', out: 'cli/main' };
const BANNER = 'import "reflect-metadata";';

/** What is loaded where the package itself is not: in a thread, by a command that needs nothing of it, or for workers without a workflow. */
const LIGHT = [
  WORKER.in,
  PYTHON_THREAD.in,
  'src/plugins/python/index.ts',
  'src/cli/report-error.ts',
  'src/cli/verbs/python.ts',
];
const sources = entryPoints().map(({ source }) => source);
const [CORE] = sources;

const options = {
  entryPoints: [...sources.map((source) => ({ in: source, out: source.slice(4, -3) })), WORKER, PYTHON_THREAD, COMMAND],
  outdir: 'dist',
  chunkNames: 'chunks/[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  sourcemap: true,
  // It changes the global Reflect. Loaded after other packages, it made the import of all of them a sixth slower.
  banner: { js: BANNER },
  tsconfig: 'tsconfig.build.json',
  metafile: true,
  logLevel: 'warning',
};
// Whoever imports another entry point of the package imports the package too.
const withCore = sources.filter((source) => source !== CORE && !LIGHT.includes(source));
const { metafile } = await build(await fewChunks(options, { core: CORE, light: LIGHT, withCore }));

const scripts = Object.keys(metafile.outputs).filter((path) => path.endsWith('.js'));
for (const path of scripts) restoreClassNames(path);
withoutBanner('dist/cli/main.js');
failOnOtherNames();
console.log(scripts.map((path) => `${path} ${Math.round(metafile.outputs[path].bytes / 1024)} KiB`).join('\n'));

/**
 * Errors and printed objects show the names of their classes. The option `keepNames` would restore them too, but also wraps
 * every inner function in a call each time that it is made.
 */
function restoreClassNames(path) {
  const text = readFileSync(path, 'utf8');
  const names = [...text.matchAll(RENAMED_WITHIN)].map(({ groups }) => groups.name);
  if (names.length === 0) return;
  const lines = names.map((name) => `Object.defineProperty(${name}, "name", { value: "${name}" });\n`);
  writeFileSync(
    path,
    text.replace(/(?=^\/\/# sourceMappingURL=)/m, () => lines.join('')),
  );
}

/**
 * What the command says of itself needs no container: the banner goes from it and from what it imports at once. What it imports
 * later brings its own. The line stays, empty, for the source map.
 */
function withoutBanner(path, done = new Set()) {
  if (done.has(path)) return;
  done.add(path);
  writeFileSync(path, readFileSync(path, 'utf8').replace(BANNER, ''));
  for (const { path: imported, kind } of metafile.outputs[path].imports)
    if (kind === 'import-statement' && imported in metafile.outputs) withoutBanner(imported, done);
}

/** Two classes of one name in one file: esbuild would number the second, and its errors would carry the number. */
function failOnOtherNames() {
  const declared = new Set(sourceFiles().flatMap(classNames));
  const strange = scripts
    .flatMap(classNames)
    .filter((name) => !declared.has(name) && !(name.startsWith('_') && declared.has(name.slice(1))));
  for (const name of strange)
    console.error(`The class ${name} has another name in src/: give each class a name of its own.`);
  process.exitCode = strange.length > 0 ? 1 : 0;
}

function classNames(path) {
  const code = readFileSync(path, 'utf8').replace(/^\s*(\/\*)?\*.*$|\/\/.*$/gm, '');
  return [...code.matchAll(CLASS)].map(({ groups }) => groups.name ?? groups.variable);
}
