/**
 * Makes docs/configuration.md from src/plugins/python/configuration.ts: the comment of each option, and its default from
 * PYTHON_DEFAULTS. A test compares the page with it.
 *
 * Usage: node scripts/configuration-page.mjs
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const SOURCE = 'src/plugins/python/configuration.ts';
const PAGE = 'docs/configuration.md';
/**
 * Interfaces of options, each with its comment and its body. Base interfaces come first, and those of options that are objects
 * themselves before the ones that have them: `HeartbeatOptions` is what the option `heartbeat` holds.
 */
const INTERFACE =
  /^\/\*\* (?<comment>[^\n]*) \*\/\nexport interface (?<name>\w+)Options(?: extends \w+)? \{\n(?<body>.*?)^\}/gms;
const OPTION = /^ {2}\/\*\*\s+(?<comment>(?:(?!\*\/).)*?)\s*\*\/\n {2}readonly (?<name>\w+)\??: (?<type>[^\n]+);$/gms;

const HEAD = `# Configuration

What is known about Python and its processes, and what holds where nothing else is said. This page is made from
\`${SOURCE}\` by \`npm run docs:configuration\`.

Of these options, \`lockstep python\` takes \`interpreter\` (\`--python\`) and \`requirements\` (\`--requirement\`): see [cli.md](cli.md).
The others keep their defaults there. A \`PythonWorker\` of \`lockstep/python\` takes all of them; what is asked of the search for Python
is its option \`environment\`.
`;

/** The page as it should be. */
export async function configurationPage() {
  const { PYTHON_DEFAULTS: defaults } = await compiled();
  const shown = [];
  const sections = [...readFileSync(SOURCE, 'utf8').matchAll(INTERFACE)].map(({ groups: { comment, name, body } }) => {
    const holder = name.charAt(0).toLowerCase() + name.slice(1);
    const own = holder in defaults ? defaults[holder] : defaults;
    const rows = [...body.matchAll(OPTION)].map(({ groups }) => {
      shown.push(groups.name);
      return `| \`${groups.name}\` | \`${groups.type.replaceAll('|', '\\|')}\` | ${defaultText(own?.[groups.name])} | ${sentence(groups.comment)} |`;
    });
    const title = comment.replace(/\.$/, '') + (own === defaults ? '' : `: \`${holder}\``);
    return `\n## ${title}\n\n| Option | Type | Default | Means |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  const missing = Object.keys(defaults).filter((name) => !shown.includes(name));
  if (missing.length > 0)
    throw new Error(`PYTHON_DEFAULTS has options that no interface describes: ${missing.join(', ')}`);
  return HEAD + sections.join('');
}

/** The module, compiled: Node does not read TypeScript. */
async function compiled() {
  const { outputFiles } = await build({
    entryPoints: [SOURCE],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

/** A default, as code; numbers with their thousands apart. */
function defaultText(value) {
  if (value === null || value === undefined) return 'none';
  if (typeof value === 'number') return value.toLocaleString('en-US');
  return `\`${JSON.stringify(value)}\``;
}

/** A comment, which may go over several lines, as one; a pipe would end its cell. */
function sentence(comment) {
  return comment.replace(/\s*\n\s*\* ?/g, ' ').replaceAll('|', '\\|');
}

if (resolve(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) writeFileSync(PAGE, await configurationPage());
