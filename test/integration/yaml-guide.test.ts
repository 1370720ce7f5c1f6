import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { jsonSchemaFaults } from '../../src/mixins/validation/json-schema.js';
import { type PackedProject, packedProject, repository } from '../support/packed-project.js';

const guide = readFileSync(join(repository, 'docs/yaml.md'), 'utf8');
const blocks = [...guide.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => {
  return { language: language ?? '', text: text ?? '' };
});

function named(language: string, mark: string): readonly (readonly [string, string])[] {
  return blocks.flatMap((block) => {
    if (block.language !== language) return [];
    const name = new RegExp(`^${mark} ([\\w.]+)\\n`).exec(block.text)?.[1];
    return [[name ?? 'without a name', block.text] as const];
  });
}

const programs = named('ts', '//');
const documents = named('yaml', '#');
const outputs = blocks.flatMap(({ language, text }) => (language === 'text' ? [text] : []));

describe('docs/yaml.md', function () {
  this.timeout(120_000);
  let project: PackedProject;

  before(async () => {
    project = await packedProject();
    project.add('guide', Object.fromEntries([...programs, ...documents]));
  });

  it('holds programs, documents and outputs that belong together', () => {
    expect(programs.map(([name]) => name)).to.deep.equal([
      'report.ts',
      'root.ts',
      'letters.ts',
      'rates.ts',
      'wrong.ts',
    ]);
    expect(documents.map(([name]) => name)).to.deep.equal([
      'report.yaml',
      'root.yaml',
      'letters.yaml',
      'rates.yaml',
      'wrong.yaml',
    ]);
    expect(outputs).to.have.length(programs.length);
  });

  it('holds programs that type-check', async () => {
    expect(await project.compile('guide')).to.deep.equal({ code: 0, stdout: '', stderr: '' });
  });

  programs.forEach(([name], index) => {
    it(`says what ${name} prints`, async () => {
      const file = `guide/build/${name.replace(/ts$/, 'js')}`;
      const { code, stdout, stderr } = await project.run(file, join(project.folder, 'guide'));
      expect(stderr).to.equal('');
      expect(stdout.trimEnd()).to.equal(outputs[index]?.trimEnd());
      expect(code).to.equal(0);
    });
  });

  it('holds documents that the published JSON Schema accepts', () => {
    const schema = JSON.parse(readFileSync(join(repository, 'workflow.schema.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    for (const [name, text] of documents) expect(jsonSchemaFaults(schema, parse(text)), name).to.deep.equal([]);
  });

  it('names a JSON Schema that the package holds', () => {
    expect(guide).to.contain('# yaml-language-server: $schema=./node_modules/lockstep/workflow.schema.json');
    const path = join(project.folder, 'node_modules/lockstep/workflow.schema.json');
    expect(readFileSync(path, 'utf8')).to.equal(readFileSync(join(repository, 'workflow.schema.json'), 'utf8'));
  });
});
