import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect } from 'chai';

const build = fileURLToPath(new URL('../../', import.meta.url));

/** A program: it runs when it is loaded. */
const PROGRAM = '/cli/main.js';

describe('The modules of src', function () {
  this.timeout(60_000);

  it('can each be imported first', () => {
    const urls = modulesBelow(join(build, 'src')).filter((url) => !url.endsWith(PROGRAM));

    expect(urls).to.have.length.above(50);
    expect(importEach(urls)).to.equal('');
  });

  it('are named when one of them needs what another one has not made yet', () => {
    const folder = join(build, 'planted-cycle');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'base.js'), `import './derived.js';\nexport class Base {}\n`);
    writeFileSync(
      join(folder, 'derived.js'),
      `import { Base } from './base.js';\nexport class Derived extends Base {}\n`,
    );

    const output = importEach(modulesBelow(folder));
    rmSync(folder, { recursive: true });

    expect(output).to.match(/^\S+\/planted-cycle\/base\.js .*before initialization\n$/);
  });
});

function modulesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => pathToFileURL(join(folder, name)).href);
}

/** What a process of its own printed while it imported each module as the first one. */
function importEach(urls: readonly string[]): string {
  const { NODE_V8_COVERAGE: _, ...env } = process.env;
  const program = fileURLToPath(new URL('../support/import-each.js', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...urls], { env, encoding: 'utf8' });
  return status === 0 ? stdout + stderr : `exit code ${status}: ${stdout}${stderr}`;
}
