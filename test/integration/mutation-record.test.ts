import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

interface Counts {
  readonly score: number | null;
  readonly margin?: number;
  readonly killed: number;
  readonly timeout: number;
  readonly survived: number;
  readonly noCoverage: number;
  readonly ignored: number;
}

interface FileResult extends Counts {
  readonly date: string;
  readonly lineCount: number;
  readonly lines: string;
}

interface MutationRecord extends Counts {
  readonly whole: boolean;
  readonly folders: Readonly<Record<string, Counts>>;
  readonly files: Readonly<Record<string, FileResult>>;
}

/** What scripts/mutation-record.mjs exports. It reads and writes below the working directory. */
interface RecordModule {
  lineHashes(path: string): string;
  countLines(hashes: string): number;
  changedLines(before: string, after: string): number;
  fileResult(path: string, statuses: readonly string[], date: string, oneIn?: number): FileResult;
  readRecord(): MutationRecord;
  writeRecord(
    record: { readonly files: object },
    results: Readonly<Record<string, FileResult>>,
    about: { readonly date: string },
  ): MutationRecord;
}

const scripts = fileURLToPath(new URL('../../../scripts/', import.meta.url));
const { changedLines, countLines, fileResult, lineHashes, readRecord, writeRecord } = (await import(
  `${scripts}mutation-record.mjs`
)) as RecordModule;

/** As many statuses as counted: `{ Killed: 2 }` is `['Killed', 'Killed']`. */
const statuses = (counts: Readonly<Record<string, number>>): string[] =>
  Object.entries(counts).flatMap(([status, count]) => Array.from({ length: count }, () => status));

const KILLED_90 = statuses({ Killed: 80, Timeout: 10, Survived: 7, NoCoverage: 3, Ignored: 5 });
const text = (...lines: string[]): string => lines.map((line) => `${line}\n`).join('');
const numbered = (count: number, word = 'line'): string[] =>
  Array.from({ length: count }, (_, index) => `${word}${index};`);

describe('the record of mutation testing', () => {
  const home = process.cwd();
  let project: string;

  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), 'mutation-'));
    process.chdir(project);
    mkdirSync('etc');
    write('src/base/one.ts', ...numbered(40));
    write('src/mixins/feature/two.ts', ...numbered(60, 'other'));
    write('src/base/error-catalog.ts', 'table;');
    write('src/runtimes/three.ts', 'not mutated;');
  });

  afterEach(() => {
    process.chdir(home);
    rmSync(project, { recursive: true });
  });

  function write(path: string, ...lines: string[]): void {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text(...lines));
  }

  /** Records the same statuses for each of the files. */
  function measure(all: readonly string[], ...paths: string[]): MutationRecord {
    const results = paths.map((path) => [path, fileResult(path, all, '2026-01-02')]);
    return writeRecord(readRecord(), Object.fromEntries(results), { date: '2026-01-02' });
  }

  function measureAll(all: readonly string[] = KILLED_90): MutationRecord {
    return measure(all, 'src/base/one.ts', 'src/mixins/feature/two.ts');
  }

  function check(): { status: number | null; output: string } {
    const script = join(scripts, 'check-mutation.mjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], { cwd: project, encoding: 'utf8' });
    return { status, output: stdout + stderr };
  }

  describe('hashes lines', () => {
    const hashesOf = (...lines: string[]): string => {
      write('src/base/one.ts', ...lines);
      return lineHashes('src/base/one.ts');
    };

    it('whatever their indentation, without blank lines and comments', () => {
      const plain = hashesOf('a = 1;', 'b = 2;');
      expect(countLines(plain)).to.equal(2);
      expect(hashesOf('// why', '/** What. */', '  a  = 1;', '', '\tb = 2;', '/*', ' * more', ' */')).to.equal(plain);
    });

    it('so that another line has another hash', () => {
      expect(hashesOf('a = 1;')).not.to.equal(hashesOf('a = 2;'));
    });

    for (const [what, after, changed] of [
      ['nothing changed', ['a', 'b', 'b', 'c'], 0],
      ['a line moved', ['c', 'a', 'b', 'b'], 0],
      ['a line was rewritten', ['a', 'B', 'b', 'c'], 1],
      ['a line was added', ['a', 'b', 'b', 'c', 'd'], 1],
      ['one of two equal lines went', ['a', 'b', 'c'], 1],
      ['one was rewritten and two were added', ['A', 'b', 'b', 'c', 'd', 'e'], 3],
      ['all went', [], 4],
    ] as const) {
      it(`and counts ${changed} changed where ${what}`, () => {
        expect(changedLines(hashesOf('a', 'b', 'b', 'c'), hashesOf(...after))).to.equal(changed);
      });
    }
  });

  describe('holds', () => {
    it('how far the score may be off where one of four mutants was tried, which count four times then', () => {
      const sampled = fileResult('src/base/one.ts', KILLED_90, '2026-01-02', 4);
      expect(sampled).to.include({ oneIn: 4, score: 90, margin: 5.09, killed: 80 });
      const tried = fileResult('src/mixins/feature/two.ts', statuses({ Killed: 50, Survived: 50 }), '2026-01-02');
      const results = { 'src/base/one.ts': sampled, 'src/mixins/feature/two.ts': tried };
      const record = writeRecord(readRecord(), results, { date: '2026-01-02' });
      expect(record).to.include({ score: 82, margin: 4.07, killed: 130, survived: 57 });
      expect(check()).to.deep.include({ status: 1 });
      expect(check().output).to.include('the mutation score 82 % ± 4.07 is below 85 %');
    });

    it('a score that is high enough also at the lower end of its margin', () => {
      const paths = ['src/base/one.ts', 'src/mixins/feature/two.ts'];
      const results = (killed: number) =>
        Object.fromEntries(
          paths.map((path) => [
            path,
            fileResult(path, statuses({ Killed: killed, Survived: 100 - killed }), '2026-01-02', 4),
          ]),
        );
      writeRecord(readRecord(), results(86), { date: '2026-01-02' });
      expect(check()).to.deep.include({ status: 1 });
      writeRecord(readRecord(), results(95), { date: '2026-01-02' });
      expect(check()).to.deep.include({ status: 0 });
      expect(check().output).to.include('the score is 95 % ± 2.62');
    });

    it('the counts of a file and its score, for which timeouts count as killed and ignored mutants not at all', () => {
      const { lines, ...result } = fileResult('src/base/one.ts', KILLED_90, '2026-01-02');
      expect(result).to.deep.equal({
        date: '2026-01-02',
        score: 90,
        killed: 80,
        timeout: 10,
        survived: 7,
        noCoverage: 3,
        ignored: 5,
        lineCount: 40,
      });
    });

    it('no score for a file without a mutant', () => {
      expect(fileResult('src/base/one.ts', [], '2026-01-02').score).to.equal(null);
    });

    it('the sums of each folder and of all', () => {
      measure(statuses({ Killed: 1, Survived: 2 }), 'src/base/one.ts');
      const record = measure(statuses({ Killed: 5 }), 'src/mixins/feature/two.ts');
      expect(record.folders['src/base']?.score).to.equal(33.33);
      expect(record.folders['src/mixins/feature']?.score).to.equal(100);
      expect(record).to.include({ score: 75, killed: 6, survived: 2, whole: true });
      expect(JSON.parse(readFileSync('etc/mutation.json', 'utf8'))).to.deep.equal(record);
    });

    it('what it held of other files, and nothing of files that are gone', () => {
      expect(measure(KILLED_90, 'src/base/one.ts').whole).to.equal(false);
      rmSync('src/base/one.ts');
      expect(Object.keys(measure(KILLED_90, 'src/mixins/feature/two.ts').files)).to.deep.equal([
        'src/mixins/feature/two.ts',
      ]);
    });
  });

  describe('is checked:', () => {
    it('without one, nothing fails, and every file is named', () => {
      const { status, output } = check();
      expect(output).to.equal(
        text(
          'mutation: not measured in full (0 of 2 files; nothing has a score).',
          'mutation: src/base/one.ts has no result yet.',
          'mutation: src/mixins/feature/two.ts has no result yet.',
        ),
      );
      expect(status).to.equal(0);
    });

    it('of a part, a low score does not fail', () => {
      measure(statuses({ Killed: 1, Survived: 1 }), 'src/base/one.ts');
      const { status, output } = check();
      expect(output).to.contain('not measured in full (1 of 2 files; what was measured scores 50 %).');
      expect(output).to.contain('src/mixins/feature/two.ts has no result yet.');
      expect(output).not.to.contain('one.ts has no result');
      expect(status).to.equal(0);
    });

    it('a score of 85 passes', () => {
      measureAll(statuses({ Killed: 85, Survived: 15 }));
      expect(check()).to.deep.equal({
        status: 0,
        output: 'mutation: the score is 85 %, at least 85 % (2026-01-02).\n',
      });
    });

    it('a lower one fails', () => {
      measureAll(statuses({ Killed: 849, Survived: 151 }));
      const { status, output } = check();
      expect(output).to.contain('the mutation score 84.9 % is below 85 %');
      expect(status).to.equal(1);
    });

    it('15 changed lines of 100 are a warning', () => {
      measureAll();
      write('src/base/one.ts', ...numbered(15, 'new'), ...numbered(40).slice(15));
      const { status, output } = check();
      expect(output).to.contain('src/base/one.ts changed since it was measured: 15 lines.');
      expect(output).to.contain('15 of 100 measured lines changed, 15.0 %');
      expect(status).to.equal(0);
    });

    it('16 of 100 fail', () => {
      measureAll();
      write('src/base/one.ts', ...numbered(16, 'new'), ...numbered(40).slice(16));
      const { status, output } = check();
      expect(output).to.contain('more than 15 % of the measured lines changed');
      expect(status).to.equal(1);
    });

    it('of a part, they are a warning only', () => {
      measure(KILLED_90, 'src/base/one.ts');
      write('src/base/one.ts', ...numbered(7, 'new'), ...numbered(40).slice(7));
      const { status, output } = check();
      expect(output).to.contain('7 of 40 measured lines changed, 17.5 %');
      expect(status).to.equal(0);
    });

    it('once all was measured, a new file counts as changed, and so does one that is gone', () => {
      measureAll();
      write('src/base/new.ts', ...numbered(10));
      measure(KILLED_90, 'src/mixins/feature/two.ts');
      expect(check().output).to.contain('10 of 100 measured lines changed, 10.0 %');
      rmSync('src/base/one.ts');
      const { status, output } = check();
      expect(output).to.contain('50 of 100 measured lines changed, 50.0 %');
      expect(status).to.equal(1);
    });
  });
});
