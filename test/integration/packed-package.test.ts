import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type PackedProject, packedProject, repository } from '../support/packed-project.js';
import { preparedPython } from '../support/python-environment.js';

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
}

const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as Manifest;

/** Entry points: the name that they are imported by, and the compiled module of src/ that they were made from. */
const entries = Object.entries(manifest.exports).flatMap(([subpath, target]) => {
  if (typeof target === 'string') return [];
  const source = new URL(`../../src/${target.default.slice('./dist/'.length)}`, import.meta.url);
  return [{ name: `lockstep${subpath.slice(1)}`, source }];
});

describe('The packed package', function () {
  this.timeout(120_000);
  let project: PackedProject;

  before(async () => {
    project = await packedProject();
  });

  for (const { name, source } of entries) {
    it(`exports from ${name} what the source does, under the same names`, async () => {
      const program = `
        import * as entry from '${name}';
        console.log(JSON.stringify(Object.entries(entry).map(([key, value]) => [key, value?.name ?? null])));
      `;
      const { stdout, stderr } = await runProgram(program);

      expect(stderr).to.equal('');
      expect(JSON.parse(stdout)).to.deep.equal(namesIn(await import(source.href)));
    });
  }

  it('is loaded from few files: each of them takes time', async () => {
    const { stdout } = await runProgram(`
      import { readFileSync } from 'node:fs';
      const files = new Set([import.meta.resolve('lockstep')]);
      for (const file of files)
        for (const [, path] of readFileSync(new URL(file), 'utf8').matchAll(/^(?:import|\\} from) ?"(\\.[^"]+)";/gm))
          files.add(new URL(path, file).href);
      console.log(files.size);
    `);

    expect(Number(stdout)).to.be.within(2, 4);
  });

  it('keeps the name of a class that speaks of itself', async () => {
    const { stdout } = await runProgram(`
      import { type, workflow } from 'lockstep';
      const { params } = workflow('one', { params: { x: type() } });
      console.log(params.x.constructor.name, params.x.at('y').constructor.name);
    `);

    expect(stdout).to.equal('Reference Reference\n');
  });

  it('names the lines of its sources in stack traces, where source maps are on', async () => {
    const { stdout } = await runProgram(`
      process.setSourceMapsEnabled(true);
      const { LocalRuntime } = await import('lockstep');
      try {
        new LocalRuntime({ plugins: 1 });
      } catch (error) {
        console.log(error.stack);
      }
    `);

    expect(stdout).to.match(/^ConfigurationError/);
    expect(stdout).to.match(/\/src\/runtimes\/local-runtime\.ts:\d+:\d+/);
    expect(stdout).to.not.contain('/dist/chunks/');
  });

  it('holds the Python worker, and starts it', async () => {
    const { path } = await preparedPython();
    const { stdout, stderr } = await runProgram(`
      import { PythonWorker } from 'lockstep/python';
      const worker = await PythonWorker.start({ environment: { interpreter: ${JSON.stringify(path)} } });
      console.log(await worker.execute('ping'));
      await worker.stop();
    `);

    expect({ stdout, stderr }).to.deep.equal({ stdout: 'pong\n', stderr: '' });
  });

  async function runProgram(text: string) {
    project.write({ 'program.mjs': text });
    return await project.run('program.mjs');
  }
});

/** What a module exports, with the names of functions and classes; sorted, as the names of a module are. */
function namesIn(exported: object): readonly (readonly [string, string | null])[] {
  return Object.entries(exported).map(([key, value]) => [key, (value as { name?: string } | null)?.name ?? null]);
}
