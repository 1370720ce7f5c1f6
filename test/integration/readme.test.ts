import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type PackedProject, packedProject, repository } from '../support/packed-project.js';
import { preparedEnvironment } from '../support/python-environment.js';

interface Block {
  readonly language: string;
  readonly text: string;
}

const readme = readFileSync(join(repository, 'README.md'), 'utf8');
const blocks: readonly Block[] = [...readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, text]) => {
  return { language: language ?? '', text: text ?? '' };
});

/** Programs of the page, by file name, with what the page says that they print. */
const programs = blocks.flatMap(({ language, text }, index) => {
  if (language !== 'ts') return [];
  const name = /^\/\/ ([\w-]+)\.ts\n/.exec(text)?.[1];
  const next = blocks[index + 1];
  return [{ name, text, output: next?.language === 'text' ? next.text : undefined }];
});

/** Python modules of the page, by file name. */
const modules = blocks.flatMap(({ language, text }) => {
  const name = /^# (python\/\w+\.py)\n/.exec(text)?.[1];
  return language === 'py' && name !== undefined ? [[name, text] as const] : [];
});

describe('README.md', function () {
  this.timeout(120_000);
  let project: PackedProject;
  let VIRTUAL_ENV: string;

  before(async () => {
    project = await packedProject();
    const files = [...programs.map(({ name, text }) => [`${name}.ts`, text] as const), ...modules];
    project.add('readme', Object.fromEntries(files));
    VIRTUAL_ENV = await preparedEnvironment();
  });

  it('holds programs that all have a file name and an output', () => {
    expect(programs).to.have.length.at.least(5);
    for (const { name, text, output } of programs) {
      expect(name, text).to.be.a('string');
      expect(output, name).to.be.a('string');
    }
    expect(new Set(programs.map(({ name }) => name)).size).to.equal(programs.length);
    expect(blocks.filter(({ language }) => language === 'text')).to.have.length(programs.length);
  });

  it('holds programs that type-check', async () => {
    expect(await project.compile('readme')).to.deep.equal({ code: 0, stdout: '', stderr: '' });
  });

  for (const { name, output } of programs) {
    it(`says what ${name}.ts prints`, async () => {
      const { code, stdout, stderr } = await project.run(`readme/build/${name}.js`, undefined, { VIRTUAL_ENV });
      expect(stderr).to.equal('');
      expect(stdout).to.equal(output);
      expect(code).to.equal(0);
    });
  }

  it('names commands that package.json has', () => {
    const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    for (const [, name] of readme.matchAll(/npm run ([\w:-]+)/g)) expect(scripts).to.have.property(name ?? '');
    expect(scripts).to.have.property('test');
  });

  it('links to files that exist', () => {
    const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target ?? '');
    const missing = links.filter((target) => !target.startsWith('https://') && !existsSync(join(repository, target)));
    expect(missing).to.deep.equal([]);
  });
});
