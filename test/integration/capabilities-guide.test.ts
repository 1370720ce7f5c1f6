import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { BREAKER_DEFAULTS, LIMIT_DEFAULTS } from '../../src/base/capability-options.js';
import { CAPABILITY_FIELDS, RETRY_DEFAULTS } from '../../src/base/node-options.js';
import { RUNTIME_DEFAULTS } from '../../src/base/runtime-options.js';
import { type PackedProject, packedProject, repository } from '../support/packed-project.js';

const guide = readFileSync(join(repository, 'docs/capabilities.md'), 'utf8');
const blocks = [...guide.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({
  language: language ?? '',
  text: text ?? '',
}));
const programs = blocks.flatMap(({ language, text }) =>
  language === 'ts' ? [[/^\/\/ (\w+\.ts)\n/.exec(text)?.[1] ?? 'without a name', text] as const] : [],
);
const outputs = blocks.flatMap(({ language, text }) => (language === 'text' ? [text] : []));

/** The rows of the table below a heading: the text of their cells. */
function rowsOf(heading: string): readonly (readonly string[])[] {
  const section = guide.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? guide.split(/^## /m)[0] ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('| `'));
  return lines.map((line) => line.slice(2, -2).split(' | '));
}

const bare = (cell: string): string => cell.replaceAll('`', '').trim();

function shown(value: unknown): string {
  if (value === null) return 'none';
  return typeof value === 'number' ? value.toLocaleString('en-US') : String(value);
}

describe('docs/capabilities.md', function () {
  this.timeout(120_000);
  let project: PackedProject;

  before(async () => {
    project = await packedProject();
    project.add('capabilities', Object.fromEntries(programs));
  });

  it('holds programs and what they print', () => {
    expect(programs.map(([name]) => name)).to.deep.equal([
      'retry.ts',
      'breaker.ts',
      'limit.ts',
      'cache.ts',
      'metrics.ts',
    ]);
    expect(outputs).to.have.length(programs.length);
  });

  it('holds programs that type-check', async () => {
    expect(await project.compile('capabilities')).to.deep.equal({ code: 0, stdout: '', stderr: '' });
  });

  programs.forEach(([name], index) => {
    it(`says what ${name} prints`, async () => {
      const { code, stdout, stderr } = await project.run(`capabilities/build/${name.replace(/ts$/, 'js')}`);
      expect(stderr).to.equal('');
      expect(stdout.trimEnd()).to.equal(outputs[index]?.trimEnd());
      expect(code).to.equal(0);
    });
  });

  it('names every capability', () => {
    const named = rowsOf('').flatMap(([names]) => (names ?? '').split(',').map(bare));
    expect([...named].sort()).to.deep.equal([...CAPABILITY_FIELDS].sort());
  });

  it('says the defaults that hold', () => {
    const of = (name: string, defaults: object) =>
      Object.entries(defaults).map(([field, value]) => [`${name}.${field}`, shown(value)]);
    const { cacheEntries, retryBudget } = RUNTIME_DEFAULTS;
    expect(rowsOf('Defaults').map((cells) => cells.map(bare))).to.deep.equal([
      ...of('retry', RETRY_DEFAULTS),
      ...of('breaker', BREAKER_DEFAULTS),
      ...of('limit', LIMIT_DEFAULTS),
      ['cacheEntries', shown(cacheEntries)],
      ['retryBudget', shown(retryBudget)],
    ]);
  });
});
