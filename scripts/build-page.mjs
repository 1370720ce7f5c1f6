/**
 * Makes src/report/page-bundle.ts, which holds script and style of the report page as text: the modules of src/report/page are
 * compiled for the browser, and each becomes a function that is called once, after those that it imports. The result stands in
 * the repository, so that every build works without this script; `--check` says whether it is current.
 *
 * Usage: node scripts/build-page.mjs [--check]
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const PAGE = 'src/report/page';
const OUT = 'build/page';
const BUNDLE = 'src/report/page-bundle.ts';
const IMPORT = /^import \{(?<names>[^}]*)\} from '(?<path>[^']+)';$/gm;
const EXPORT = /^export (?:const|function|class) (?<name>\w+)/gm;

rmSync(OUT, { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.page.json'], { stdio: 'inherit' });

const modules = new Map();
collect(join(OUT, 'report/page/main.js'));
const style = readFileSync(join(PAGE, 'page.css'), 'utf8')
  .replace(/\/\*[\s\S]*?\*\/\n?/g, '')
  .replace(/^\s+/gm, '');
const made = bundle([...modules.values()], style);

if (!process.argv.includes('--check')) writeFileSync(BUNDLE, made);
else if (readFileSync(BUNDLE, 'utf8') !== made) {
  console.error(`${BUNDLE} is not what ${PAGE} compiles to: run npm run build:page.`);
  process.exitCode = 1;
}
console.log(`${modules.size} modules, ${(made.length / 1024).toFixed(1)} KiB`);

/** Adds a compiled module after everything that it imports. The page has no import cycles: the layer check forbids them. */
function collect(path) {
  if (modules.has(path)) return;
  const text = readFileSync(path, 'utf8');
  for (const { groups } of text.matchAll(IMPORT)) collect(join(dirname(path), groups.path));
  const exported = [...text.matchAll(EXPORT)].map(({ groups }) => groups.name);
  const body = text
    .replace(IMPORT, (_, names, from) => `const {${names.replaceAll(' as ', ': ')}} = ${nameOf(from)};`)
    .replace(/^export \{\};\n/gm, '')
    .replace(/^export /gm, '');
  if (/^(import|export)\b/m.test(body))
    throw new Error(`${path}: an import or export in a form that is not known here.`);
  modules.set(path, `const ${nameOf(path)} = (() => {\n${body}return { ${exported.join(', ')} };\n})();\n`);
}

/** The name that stands for a module: its file names are unique. */
function nameOf(path) {
  return `${basename(path, '.js').replaceAll('-', '_')}_module`;
}

/** One line a module, so that a change shows where it is. */
function bundle(texts, css) {
  const line = (text) => `  ${JSON.stringify(text)},\n`;
  return `// Made by scripts/build-page.mjs from ${PAGE}. Not edited by hand.

/** The script of the report page. */
export const pageScript: string = [
${texts.map(line).join('')}].join('');

/** The style of the report page. */
export const pageStyle: string = ${JSON.stringify(css)};
`;
}
