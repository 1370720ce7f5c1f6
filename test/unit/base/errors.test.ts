import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { errorCatalog } from '../../../src/base/error-catalog.js';
import type { ErrorEntry } from '../../../src/base/error-entry.js';
import { AttemptError, ConfigurationError, errorData, LockstepError } from '../../../src/base/errors.js';

const repository = fileURLToPath(new URL('../../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(repository, path), 'utf8');

/** Sources by path, without comments and without what only reads a code: sets of codes and comparisons with one. */
const sources: ReadonlyMap<string, string> = new Map(
  readdirSync(join(repository, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('error-catalog.ts'))
    .map((name) => {
      const text = read(`src/${name}`)
        .replace(/\/\*.*?\*\//gs, '')
        .replace(/^\s*\/\/.*$/gm, '')
        .replace(/new Set\(\[.*?\]\)/gs, '')
        .replace(/code [!=]== '\w+'/g, '');
      return [`src/${name}`, text];
    }),
);

interface Row {
  readonly section: string;
  readonly code: string;
  readonly meaning: string;
  readonly remedy: string;
  readonly files: readonly string[];
}

/** The rows of the page's tables. */
const rows: readonly Row[] = read('docs/errors.md')
  .split(/^## /m)
  .flatMap((part) => {
    const section = part.split('\n')[0] ?? '';
    return [...part.matchAll(/^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$/gm)].map(
      ([, code = '', meaning = '', remedy = '', where = '']) => {
        return {
          section,
          code,
          meaning,
          remedy,
          files: [...where.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
        };
      },
    );
  });

const PARITY = 'Comparing runtimes';
const kernelRows = rows.filter(({ section }) => section !== PARITY);
const catalog: Readonly<Record<string, ErrorEntry>> = errorCatalog;

describe('docs/errors.md', () => {
  it('lists every code of the catalogue, in its order, and no other', () => {
    expect(kernelRows.map(({ code }) => code)).to.deep.equal(Object.keys(errorCatalog));
  });

  it('gives each code the meaning and the remedy of the catalogue', () => {
    for (const { code, meaning, remedy } of kernelRows) expect({ meaning, remedy }, code).to.deep.equal(catalog[code]);
  });

  it('names files that raise the code', () => {
    for (const { code, files } of rows) {
      expect(files, code).to.not.have.length(0);
      for (const file of files)
        expect(sources.get(file) ?? `no such file: ${file}`, `${code} in ${file}`).to.contain(`'${code}'`);
    }
  });

  it('lists the codes of assertParity', () => {
    const problems = /type ParityProblem =([^;]*);/.exec(sources.get('src/testing/parity.ts') ?? '')?.[1] ?? '';
    const codes = [...problems.matchAll(/'(\w+)'/g)].map(([, code]) => code);
    expect(rows.filter(({ section }) => section === PARITY).map(({ code }) => code)).to.deep.equal(codes);
  });
});

describe('The error catalogue', () => {
  it('holds no code that nothing raises', () => {
    const everything = [...sources.values()].join('\n');
    expect(Object.keys(errorCatalog).filter((code) => !everything.includes(`'${code}'`))).to.deep.equal([]);
  });

  it('holds every code that is given to one of its error classes', () => {
    const everything = [...sources.values()].join('\n');
    const classes = new Set(['LockstepError']);
    for (const [, name = '', parent = ''] of everything.matchAll(/class (\w+) extends (\w+)/g))
      if (classes.has(parent)) classes.add(name);
    const given = [...everything.matchAll(/new (\w+)\(\s*'(\w+)'/g)]
      .filter(([, name = '']) => classes.has(name))
      .map(([, , code]) => code);
    expect(given).to.have.length.above(50);
    expect(given.filter((code) => !Object.hasOwn(errorCatalog, code ?? ''))).to.deep.equal([]);
  });

  it('writes codes in upper case, and meanings and remedies as sentences', () => {
    for (const [code, { meaning, remedy }] of Object.entries(catalog)) {
      expect(code).to.match(/^[A-Z]+(_[A-Z]+)*$/);
      expect(meaning, code).to.match(/^[A-Z].*\.$/);
      expect(remedy, code).to.match(/^[A-Z].*[^.]\.$/);
    }
  });
});

describe('LockstepError', () => {
  it('ends its message with the remedy, and names the place', () => {
    const error = new ConfigurationError('UNKNOWN_OPTION', 'The runtime has no option "clok".', { at: 'runtime.clok' });
    expect(error.message).to.equal('The runtime has no option "clok". Correct its name or remove it.');
    expect(error).to.include({ name: 'ConfigurationError', code: 'UNKNOWN_OPTION', at: 'runtime.clok' });
    expect(error).to.be.instanceOf(LockstepError);
  });

  it('carries the offending value without showing it', () => {
    const error = new AttemptError('INPUT_INVALID', 'No.', { value: { password: 'open-sesame' } });
    expect(error.value).to.deep.equal({ password: 'open-sesame' });
    expect(Object.keys(error)).to.not.include('value');
    expect(JSON.stringify(error)).to.not.contain('open-sesame');
  });

  it('keeps its cause, even one that is undefined, and has none where none was given', () => {
    const cause = new Error('inner');
    expect(new LockstepError('NODE_THREW', 'No.', { cause }).cause).to.equal(cause);
    expect('cause' in new LockstepError('NODE_THREW', 'No.', { cause: undefined })).to.equal(true);
    expect('cause' in new LockstepError('NODE_THREW', 'No.')).to.equal(false);
  });
});

describe('errorData', () => {
  it('keeps the code of an error that has one, and calls the others NODE_THREW', () => {
    expect(errorData(Object.assign(new Error('gone'), { code: 'ENOENT' }))).to.deep.equal({
      name: 'Error',
      code: 'ENOENT',
      message: 'gone',
    });
    expect(errorData(new TypeError('odd'))).to.deep.equal({ name: 'TypeError', code: 'NODE_THREW', message: 'odd' });
    expect(errorData(Object.assign(new Error('odd'), { code: 7 })).code).to.equal('NODE_THREW');
    expect(errorData(Object.assign(new Error('odd'), { code: '' })).code).to.equal('NODE_THREW');
  });

  it('turns what is no error into a message', () => {
    expect(errorData('text')).to.deep.equal({ name: 'NonError', code: 'NODE_THREW', message: 'text' });
    expect(errorData(undefined).message).to.equal('undefined');
    expect(errorData(Symbol('odd')).message).to.equal('Symbol(odd)');
    expect(errorData(Object.create(null)).message).to.equal('[object Object]');
  });

  it('follows causes four levels down, also where they run in a circle', () => {
    const circle = new Error('0');
    circle.cause = circle;
    const messages: string[] = [];
    for (let data: ReturnType<typeof errorData> | undefined = errorData(circle); data !== undefined; data = data.cause)
      messages.push(data.message);
    expect(messages).to.deep.equal(['0', '0', '0', '0', '0']);
  });

  it('survives an error that throws when it is read', () => {
    const hostile = new Proxy(new Error('never seen'), {
      get: () => {
        throw new Error('do not read me');
      },
    });
    expect(errorData(hostile)).to.deep.equal({
      name: 'NonError',
      code: 'NODE_THREW',
      message: 'a value that cannot be read',
    });
  });
});
