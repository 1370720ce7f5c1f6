/**
 * Writes docs/api: a page for each entry point with every export, its signature and its documentation, and a list of all of
 * them. Made of the doc models in build/api/.
 *
 * Usage: node scripts/api-pages.mjs [--check] (after scripts/api-report.mjs)
 *   --check  writes nothing, and fails where a page is not what it would write
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { declarationLines, itemProse, oneSentence } from './api-text.mjs';
import { entryPoints } from './entry-points.mjs';

const FOLDER = 'docs/api';
const NOTE = 'Made from the declarations and their comments by `npm run docs:api`. Do not edit it.';

/** Parts of the main page: an export belongs to the first whose pattern its file in src/ matches. */
const GROUPS = [
  ['Building workflows', /^base\/(workflow|workflow-builder|ref|handles|condition|cycle-options|nodes\/.*)$/],
  ['Nodes', /^base\/(node|node-context|node-options|schema|standard-schema)$/],
  [
    'Runtimes and their options',
    /^(runtimes\/.*-runtime|runtimes\/(runtime-core|format-run)|base\/(runtime-options|outcome))$/,
  ],
  ['Results', /^base\/(run-result|status|reason)$/],
  ['Errors', /^base\/(errors|error-entry|error-catalog|run-errors)$/],
  ['Events', /^base\/(events|event-data|notifications)$/],
  ['Workflow data', /^(base\/workflow-data|runtimes\/hash-of)$/],
  ['Plugins', /^plugins\//],
  ['Ports', /^(base\/ports|runtimes\/(node-ports|system-clock))$/],
  ['Extending: mixins, plans and what hooks see', /./],
];

const pages = new Map();
const entries = entryPoints().map((entry) => ({ ...entry, sections: sectionsOf(entry) }));
for (const entry of entries) pages.set(`${entry.fileName}.md`, pageOf(entry));
pages.set('README.md', contents());

if (process.argv.includes('--check')) check();
else write();

function sectionsOf({ name, fileName }) {
  const model = JSON.parse(readFileSync(`build/api/${fileName}.api.json`, 'utf8'));
  const exported = exportsOf(model.members[0].members);
  const groups = name.includes('/') ? [['Exports', /./]] : GROUPS;
  const groupOf = ({ file }) => groups.findIndex(([, pattern]) => pattern.test(file));
  return groups
    .map(([title], index) => ({ title, items: exported.filter((each) => groupOf(each) === index) }))
    .filter(({ items }) => items.length > 0);
}

/** One for each name, overloads together; what exists at run time before types, each sorted by name. */
function exportsOf(items) {
  const exported = [...new Set(items.map(({ name }) => name))].map((name) => {
    const overloads = items.filter((item) => item.name === name);
    return {
      name,
      overloads,
      isType: overloads.every(({ kind }) => kind === 'Interface' || kind === 'TypeAlias'),
      file: overloads[0].fileUrlPath.replace(/^dist\/(.*)\.d\.ts$/, '$1'),
    };
  });
  return exported.sort((a, b) => Number(a.isType) - Number(b.isType) || a.name.localeCompare(b.name, 'en'));
}

function pageOf({ name, sections }) {
  const parts = [`# ${name}`, NOTE];
  for (const { title, items } of sections) {
    parts.push(`## ${title}`);
    for (const item of items) parts.push(`### ${item.name}`, ...itemParts(item));
  }
  return `${parts.join('\n\n')}\n`;
}

function itemParts({ overloads }) {
  const prose = overloads.map(itemProse).filter((text) => text !== '');
  const signatures = overloads.flatMap(declarationLines);
  return [...new Set(prose), `\`\`\`ts\n${signatures.join('\n')}\n\`\`\``];
}

/** The first page: what there is, with the first sentence about it. */
function contents() {
  const parts = ['# API', NOTE];
  for (const { name, fileName, sections } of entries) {
    const anchors = anchorsOf(sections);
    parts.push(`## [${name}](${fileName}.md)`);
    for (const { title, items } of sections) {
      if (sections.length > 1) parts.push(`### ${title}`);
      const rows = items.map((item) => {
        const sentence = oneSentence(item.overloads).replaceAll('|', '\\|');
        return `| [${item.name}](${fileName}.md#${anchors.get(item)}) | ${sentence} |`;
      });
      parts.push(['| Export | |', '| --- | --- |', ...rows].join('\n'));
    }
  }
  return `${parts.join('\n\n')}\n`;
}

/** What a heading is linked by: in lower case, so that the second of `Token` and `token` gets a number. */
function anchorsOf(sections) {
  const taken = new Map();
  const anchors = new Map();
  const anchor = (heading) => {
    const slug = heading
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-');
    const count = taken.get(slug) ?? 0;
    taken.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  };
  for (const { title, items } of sections) {
    anchor(title);
    for (const item of items) anchors.set(item, anchor(item.name));
  }
  return anchors;
}

function write() {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, text] of pages) writeFileSync(`${FOLDER}/${name}`, text);
}

function check() {
  const found = new Set(readdirSync(FOLDER));
  const stale = [...new Set([...found, ...pages.keys()])].filter(
    (name) => !found.has(name) || readFileSync(`${FOLDER}/${name}`, 'utf8') !== pages.get(name),
  );
  for (const name of stale) console.error(`${FOLDER}/${name} is not up to date: run npm run docs:api.`);
  process.exitCode = stale.length > 0 ? 1 : 0;
}
