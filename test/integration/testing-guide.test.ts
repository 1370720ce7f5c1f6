import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type PackedProject, packedProject, repository } from '../support/packed-project.js';

const guide = readFileSync(join(repository, 'docs/testing.md'), 'utf8');
const blocks = [...guide.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => {
  return { language: language ?? '', text: text ?? '' };
});

/** Programs of the page, by file name, with what the page says that they print. */
const programs = blocks.flatMap(({ language, text }, index) => {
  if (language !== 'ts') return [];
  const name = /^\/\/ (\w+)\.ts\n/.exec(text)?.[1] ?? 'without a name';
  return [{ name, text, output: blocks[index + 1]?.language === 'text' ? blocks[index + 1]?.text : undefined }];
});

describe('docs/testing.md', function () {
  this.timeout(120_000);
  let project: PackedProject;

  before(async () => {
    project = await packedProject();
  });

  it('is about a part of the package that needs no fast-check, neither its types nor its code', async () => {
    const text = `import { VirtualClock } from 'lockstep/testing';\nconsole.log(new VirtualClock(7).now());\n`;
    project.add('without', { 'clock.ts': text });
    expect(await project.compile('without')).to.deep.equal({ code: 0, stdout: '', stderr: '' });
    expect(await project.run('without/build/clock.js')).to.deep.equal({ code: 0, stdout: '7\n', stderr: '' });
  });

  it('holds programs and outputs that belong together', () => {
    const names = ['time', 'scripted', 'parity', 'explore', 'crashes', 'arbitrary', 'same'];
    expect(programs.map(({ name }) => name)).to.deep.equal(names);
    for (const { name, output } of programs) expect(output, name).to.be.a('string');
    expect(blocks).to.have.length(2 * names.length);
  });

  it('holds programs that type-check', async () => {
    project.link('fast-check');
    project.add('testing', Object.fromEntries(programs.map(({ name, text }) => [`${name}.ts`, text])));
    expect(await project.compile('testing')).to.deep.equal({ code: 0, stdout: '', stderr: '' });
  });

  for (const { name, output } of programs) {
    it(`says what ${name}.ts prints`, async () => {
      const { code, stdout, stderr } = await project.run(`testing/build/${name}.js`);
      expect(stderr).to.equal('');
      expect(stdout).to.equal(output);
      expect(code).to.equal(0);
    });
  }
});
