import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type PackedProject, packedProject, repository } from '../support/packed-project.js';

const guide = readFileSync(join(repository, 'docs/durable-runs.md'), 'utf8');
const blocks = [...guide.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({
  language,
  text,
}));
const programs = blocks.flatMap(({ language, text }) =>
  language === 'ts' ? [[/^\/\/ ([\w.]+)\n/.exec(text)?.[1] ?? 'without a name', text] as const] : [],
);
const outputs = blocks.flatMap(({ language, text }) => (language === 'text' ? [text] : []));

describe('docs/durable-runs.md', function () {
  this.timeout(120_000);
  let project: PackedProject;

  before(async () => {
    project = await packedProject();
    project.add('durable', Object.fromEntries(programs));
  });

  it('holds programs and outputs that belong together', () => {
    expect(programs.map(([name]) => name)).to.deep.equal(['resume.ts', 'changed.ts', 'history.ts']);
    expect(outputs).to.have.length(programs.length);
  });

  it('holds programs that type-check', async () => {
    expect(await project.compile('durable')).to.deep.equal({ code: 0, stdout: '', stderr: '' });
  });

  programs.forEach(([name], index) => {
    it(`says what ${name} prints`, async () => {
      const { code, stdout, stderr } = await project.run(`durable/build/${name.replace(/ts$/, 'js')}`);
      expect(stderr).to.equal('');
      expect(stdout).to.equal(outputs[index]);
      expect(code).to.equal(0);
    });
  });
});
