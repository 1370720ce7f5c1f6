import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Command, Option } from 'commander';
import { EXIT } from '../../src/cli/exit-codes.js';
import { buildProgram } from '../../src/cli/program.js';
import { CommandFolder, steady } from '../support/command.js';
import { repository } from '../support/packed-project.js';

const guide = readFileSync(join(repository, 'docs/cli.md'), 'utf8');

/** The verbs of the program, those of `runs` included: `run FILE`, `runs list`. */
function verbsOf(command: Command, prefix = ''): [string, Command][] {
  return command.commands.flatMap((verb): [string, Command][] => {
    const name = `${prefix}${verb.name()}`;
    if (verb.commands.length > 0) return verbsOf(verb, `${name} `);
    const words = verb.registeredArguments.map((argument) =>
      argument.required ? ` ${argument.name()}` : ` [${argument.name()}]`,
    );
    return [[`${name}${words.join('')}`, verb]];
  });
}

/** The sections on verbs, with the options that their tables list. */
function sections(): Map<string, string[]> {
  const found = [...guide.matchAll(/^### lockstep ([^\n]+)\n(.*?)(?=^##|^`lockstep help)/gms)];
  return new Map(
    found.map(([, verb = '', text = '']) => [
      verb,
      [...text.matchAll(/^\| `(-[^`]+)` \|/gm)].map(([, flags = '']) => flags),
    ]),
  );
}

const verbs = new Map(verbsOf(buildProgram(() => undefined)));

describe('docs/cli.md', () => {
  it('has a section for each verb of the program, and no other', () => {
    expect([...sections().keys()]).to.deep.equal([...verbs.keys()]);
  });

  for (const [name, verb] of verbs) {
    it(`lists the options of ${name}, and no other`, () => {
      expect(sections().get(name)?.toSorted()).to.deep.equal(verb.options.map(({ flags }: Option) => flags).toSorted());
    });
  }

  it('lists the exit codes, and no other', () => {
    const table = guide.slice(guide.indexOf('## Exit codes'));
    const listed = [...table.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
    expect(listed).to.deep.equal(Object.values(EXIT));
  });

  describe('its examples', function () {
    this.timeout(30_000);
    const folder = new CommandFolder();
    const blocks = [...guide.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({
      language,
      text,
    }));
    const examples = blocks.flatMap(({ language, text }, index) =>
      language === 'sh' ? [{ command: text.trim(), printed: blocks[index + 1]?.text ?? '' }] : [],
    );

    before(() => {
      for (const { text } of blocks) {
        const name = /^(?:\/\/|#) ([\w.]+)\n/.exec(text)?.[1];
        if (name !== undefined) folder.write({ [name]: text });
      }
    });
    after(() => folder.remove());

    it('are nine', () => {
      expect(examples).to.have.length(9);
    });

    for (const { command, printed } of examples) {
      it(`${command} prints what the page says`, async () => {
        const [, , ...words] = [...command.matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) => word.replaceAll("'", ''));
        const { stdout, stderr } = await folder.run(...words);
        const text = printed.startsWith('error') ? stderr : stdout;
        expect(steady(text)).to.equal(steady(printed));
      });
    }

    it('keep a run as a regression test', async () => {
      const { code, stdout, stderr } = await folder.startNode(['march.test.mjs']).ended;
      expect({ code, stdout, stderr }).to.deep.equal({ code: 0, stdout: 'march is as it was\n', stderr: '' });
    });
  });
});
