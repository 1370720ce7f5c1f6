import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { DoctorReport } from '../../src/plugins/python/environment/doctor.js';
import type { Interpreter } from '../../src/plugins/python/environment/interpreter.js';
import { CommandFolder } from '../support/command.js';
import type { Finished } from '../support/packed-project.js';
import { PythonPlace, preparedPython } from '../support/python-environment.js';

describe('lockstep python', function () {
  this.timeout(120_000);
  let withGrpc: Interpreter;
  let place: PythonPlace;
  const folder = new CommandFolder();

  before(async () => {
    withGrpc = await preparedPython();
  });
  beforeEach(() => {
    place = new PythonPlace();
  });
  afterEach(() => place.remove());
  after(() => folder.remove());

  const run = (...words: readonly string[]): Promise<Finished> =>
    folder.start(['python', ...words], { PATH: place.surroundings.env.PATH ?? '', VIRTUAL_ENV: '' }).ended;

  it('doctor says which one is used, and which could be', async () => {
    const first = place.environment('first', withGrpc, withGrpc);
    const second = place.environment('second', withGrpc);
    place.system(second).system(first);
    const { code, stdout, stderr } = await run('doctor');
    const [chosen, managed, one, other, setup, hardware, ...more] = stdout.trimEnd().split('\n');
    expect({ code, stderr, more }).to.deep.equal({ code: 0, stderr: '', more: [] });
    const [version, grpcio] = [withGrpc.version, withGrpc.packages.grpcio];
    expect(chosen).to.equal(`python          ${first}/bin/python3 (system): Python ${version}, grpcio ${grpcio}`);
    expect(managed).to.match(
      /^managed {9}\/.*\/\.lockstep\/python\/environments\/\w{16}\/bin\/python: it has not been made yet$/,
    );
    expect(one).to.equal(`system          ${first}/bin/python3: is used`);
    expect(other).to.equal(`system          ${second}/bin/python3: grpcio is not installed`);
    expect(setup).to.equal(`setup           would make one with pip from ${first}/bin/python3`);
    expect(hardware).to.match(
      /^hardware {8}\d+ x .+, [\d.]+ [KMGT]?i?B, (?:neither cuda, rocm nor mps|cuda: |rocm: |mps: )/,
    );
  });

  it('doctor ends with 2 where none can be used', async () => {
    place.system(place.environment('system', withGrpc));
    const { code, stdout } = await run('doctor', '--json', '--requirement', 'numpy', '--requirement', 'pandas>=2');
    const { chosen, candidates, managed, installer } = JSON.parse(stdout) as DoctorReport;
    expect({ code, chosen, installer }).to.deep.equal({ code: 2, chosen: null, installer: { name: 'pip' } });
    expect(candidates.map(({ kind, usable }) => ({ kind, usable }))).to.deep.equal([
      { kind: 'managed', usable: false },
      { kind: 'system', usable: false },
    ]);
    expect(managed?.requirements).to.deep.equal(['grpcio>=1.80', 'numpy', 'pandas>=2']);
  });

  it('doctor looks only at the one that is named', async () => {
    const bare = join(place.environment('elsewhere', withGrpc), 'bin/python');
    const { code, stdout } = await run('doctor', '--python', bare);
    expect(code).to.equal(2);
    expect(stdout.split('\n').slice(0, 2)).to.deep.equal([
      'python          none that can be used',
      `named           ${bare}: grpcio is not installed`,
    ]);
  });

  it('is looked at by lockstep doctor as well, which ends well without any', async () => {
    const doctored = () => folder.start(['doctor'], { PATH: place.surroundings.env.PATH ?? '', VIRTUAL_ENV: '' }).ended;
    expect(await doctored()).to.include({ code: 0 });
    expect((await doctored()).stdout).to.match(/\npython {10}PYTHON_NOT_FOUND: .*\n$/);
    const system = place.environment('system', withGrpc, withGrpc);
    place.system(system);
    expect((await doctored()).stdout).to.contain(
      `\npython          ${system}/bin/python3 (system): Python ${withGrpc.version}`,
    );
  });

  it('setup prints what is used', async () => {
    const { code, stdout, stderr } = await run('setup', '--python', withGrpc.path);
    const { path, version, packages } = withGrpc;
    expect({ code, stdout, stderr }).to.deep.equal({
      code: 0,
      stdout: `${path} (named): Python ${version}, grpcio ${packages.grpcio}\n`,
      stderr: '',
    });
  });

  describe('setup --prune', () => {
    const names = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb'];
    const paths = names.map((name) => join(folder.path, '.lockstep/python/environments', name));
    beforeEach(() =>
      folder.write(
        Object.fromEntries(names.map((name) => [`.lockstep/python/environments/${name}/x`, 'x'.repeat(600)])),
      ),
    );

    it('prints what it removes, with sizes', async () => {
      const { code, stdout, stderr } = await run('setup', '--python', withGrpc.path, '--prune');
      const [used, ...table] = stdout.trimEnd().split('\n');
      expect(used).to.match(/ \(named\): Python /);
      expect(table).to.deep.equal([
        `environment${' '.repeat((paths[0]?.length ?? 0) - 11)}  size   state`,
        ...paths.map((path) => `${path}  600 B  removed`),
      ]);
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: 'removed: 2 environments, 1.2 KiB\n' });
      expect(paths.some((path) => existsSync(path))).to.equal(false);
    });

    it('--dry-run removes and makes nothing', async () => {
      const { code, stdout } = await run('setup', '--prune', '--dry-run', '--json');
      expect(code).to.equal(0);
      expect(JSON.parse(stdout)).to.deep.equal({
        environment: null,
        dryRun: true,
        environments: paths.map((path) => ({ folder: path, bytes: 600, kept: null })),
      });
      const text = await run('setup', '--prune', '--dry-run', '--quiet');
      expect(text.stdout).to.contain(`${paths[1]}  600 B  would be removed\n`);
      expect(text).to.include({ code: 0, stderr: '' });
      expect(paths.every((path) => existsSync(path))).to.equal(true);
    });

    it('is what --dry-run goes with', async () => {
      const { code, stdout, stderr } = await run('setup', '--dry-run');
      expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
      expect(stderr).to.contain('CLI_USAGE').and.to.contain('--dry-run goes with --prune');
    });
  });

  it('setup ends with 2 and says why where none can be had', async () => {
    const { code, stdout, stderr } = await run('setup');
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
    expect(stderr).to.equal(
      'error PYTHON_NOT_FOUND\n  No Python that can be used was found. There is none on PATH.\n' +
        '  → Run "lockstep python setup", which makes an environment, or install what the best of them lacks.\n',
    );
  });
});
