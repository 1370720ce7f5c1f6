import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const project = fileURLToPath(new URL('../../../', import.meta.url));

describe('the layer check', function () {
  this.timeout(60_000);

  let copy: string;

  // Below build/, so that packages are found as they are in the project.
  beforeEach(() => {
    copy = mkdtempSync(join(project, 'build', 'layers-'));
    cpSync(join(project, 'src'), join(copy, 'src'), { recursive: true, dereference: true });
    cpSync(join(project, 'package.json'), join(copy, 'package.json'));
  });

  afterEach(() => {
    rmSync(copy, { recursive: true });
  });

  it('passes on the tree as it is, and has seen every file', () => {
    const files = readdirSync(join(copy, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );

    const { status, output } = checkLayers();

    expect(output).to.contain(`${files.length} modules cruised of ${files.length}, 0 violations`);
    expect(status).to.equal(0);
  });

  it('names a base file that imports a Node module', () => {
    plant('src/base/planted.ts', `export { readFileSync } from 'node:fs';`);

    const { status, output } = checkLayers();

    expect(output).to.match(/base-is-pure: src\/base\/planted\.ts -> (node:)?fs/);
    expect(status).to.equal(1);
  });

  it('names a base file that imports a mixin', () => {
    plant('src/mixins/planted.ts', 'export const planted = 1;');
    plant('src/base/planted.ts', `export { planted } from '../mixins/planted.js';`);

    const { status, output } = checkLayers();

    expect(output).to.contain('base-is-pure: src/base/planted.ts -> src/mixins/planted.ts');
    expect(status).to.equal(1);
  });

  it('names a mixin that imports a package of another layer', () => {
    plant('src/mixins/planted.ts', `export { pino } from 'pino';`);

    const { status, output } = checkLayers();

    expect(output).to.match(/mixins-on-base: src\/mixins\/planted\.ts -> .*node_modules\/pino\//);
    expect(status).to.equal(1);
  });

  it('names a runtime that imports the report, and a file of the report page that imports a Node module', () => {
    plant('src/runtimes/planted.ts', `export { toDot } from '../report/dot.js';`);
    plant('src/report/page/planted.ts', `export { readFileSync } from 'node:fs';`);

    const { status, output } = checkLayers();

    expect(output).to.contain('report-beside-runtimes: src/runtimes/planted.ts -> src/report/dot.ts');
    expect(output).to.match(/page-for-browsers: src\/report\/page\/planted\.ts -> (node:)?fs/);
    expect(status).to.equal(1);
  });

  it('names a file of the testing kit that imports a mixin, and one that imports fast-check beside the place of its types', () => {
    plant('src/testing/planted.ts', `export { CyclesMixin } from '../mixins/cycles/index.js';`);
    plant('src/testing/arbitrary/planted.ts', `import type fc from 'fast-check';\nexport type Planted = typeof fc;`);

    const { status, output } = checkLayers();

    expect(output).to.contain('testing-on-runtimes: src/testing/planted.ts -> src/mixins/cycles/index.ts');
    expect(output).to.match(
      /fast-check-by-one-file: src\/testing\/arbitrary\/planted\.ts -> .*node_modules\/fast-check\//,
    );
    expect(status).to.equal(1);
  });

  it('names the files of a cycle, even when an import is of a type only', () => {
    plant('src/base/planted.ts', `import type { Other } from './planted-other.js';\nexport type Planted = Other | 1;`);
    plant(
      'src/base/planted-other.ts',
      `import type { Planted } from './planted.js';\nexport type Other = Planted | 2;`,
    );

    const { status, output } = checkLayers();

    expect(output).to.contain(
      'no-cycles: src/base/planted-other.ts -> src/base/planted.ts -> src/base/planted-other.ts',
    );
    expect(status).to.equal(1);
  });

  it('names a plugin that imports a package which is not there for everyone', () => {
    plant('src/plugins/planted.ts', `export type { Registry } from 'prom-client';`);

    const { output } = checkLayers();

    expect(output).to.match(
      /optional-packages-required-late: src\/plugins\/planted\.ts -> .*node_modules\/prom-client\//,
    );
  });

  function plant(path: string, text: string): void {
    writeFileSync(join(copy, path), `${text}\n`);
  }

  function checkLayers(): { status: number | null; output: string } {
    const script = join(project, 'scripts', 'check-layers.mjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], { cwd: copy, encoding: 'utf8' });
    return { status, output: stdout + stderr };
  }
});
