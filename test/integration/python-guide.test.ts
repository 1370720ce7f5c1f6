import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type PackedProject, packedProject, repository } from '../support/packed-project.js';
import { preparedEnvironment } from '../support/python-environment.js';

const guide = readFileSync(join(repository, 'docs/python.md'), 'utf8');
const blocks = [...guide.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({
  language,
  text,
}));
/** Blocks of a language that begin with the name of their file, by that. */
const files = (language: string): [name: string, text: string][] =>
  blocks.flatMap((block) => {
    const name = /^(?:\/\/|#) ([\w./]+)\n/.exec(block.text)?.[1];
    return block.language === language && name !== undefined ? [[name, block.text] as [string, string]] : [];
  });
const programs = files('ts');
const outputs = blocks.flatMap(({ language, text }) => (language === 'text' ? [text] : []));

describe('docs/python.md', function () {
  this.timeout(120_000);
  let project: PackedProject;
  let VIRTUAL_ENV: string;

  before(async () => {
    project = await packedProject();
    VIRTUAL_ENV = await preparedEnvironment('numpy');
    project.add('python-guide', Object.fromEntries([...programs, ...files('py')]));
  });

  it('holds programs and outputs that belong together', () => {
    expect(programs.map(([name]) => name)).to.deep.equal(['trend.ts', 'orders.ts', 'worker.ts']);
    expect(files('py').map(([name]) => name)).to.deep.equal(['python/models.py', 'python/orders.py', 'python/text.py']);
    expect(outputs).to.have.length(programs.length);
  });

  it('holds programs that type-check', async () => {
    expect(await project.compile('python-guide')).to.deep.equal({ code: 0, stdout: '', stderr: '' });
  });

  programs.forEach(([name], index) => {
    it(`says what ${name} prints`, async () => {
      const file = `python-guide/build/${name.replace(/ts$/, 'js')}`;
      const { code, stdout, stderr } = await project.run(file, undefined, { VIRTUAL_ENV });
      expect(stderr).to.equal('');
      expect(stdout).to.equal(outputs[index]);
      expect(code).to.equal(0);
    });
  });
});
