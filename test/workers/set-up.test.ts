import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { doctor } from '../../src/plugins/python/environment/doctor.js';
import type { Interpreter } from '../../src/plugins/python/environment/interpreter.js';
import { type PythonEnvironment, setUp } from '../../src/plugins/python/environment/python-environment.js';
import { rejection } from '../support/caught.js';
import { CommandFolder } from '../support/command.js';
import { closedIndex, inherited, PythonPlace, preparedPython } from '../support/python-environment.js';
import { until } from '../support/until.js';

const onLinux = process.platform === 'linux' ? it : it.skip;

/** Processes whose command line holds a text. */
function processesWith(text: string): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && commandOf(pid).includes(text));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

describe('Setting up a Python environment', function () {
  this.timeout(180_000);
  let withGrpc: Interpreter;
  let place: PythonPlace;
  let said: string[];

  before(async () => {
    withGrpc = await preparedPython();
  });
  beforeEach(() => {
    [place, said] = [new PythonPlace(), []];
  });
  afterEach(() => place.remove());

  const prepare = (requirements: readonly string[] = [], signal?: AbortSignal): Promise<PythonEnvironment> =>
    setUp({ requirements }, (line) => said.push(line), { ...place.surroundings, ...(signal && { signal }) });
  const environments = (): readonly string[] =>
    readdirSync(join(place.surroundings.cwd, '.lockstep/python/environments')).toSorted();

  /** What a search finds is the Python of this machine, without packages, and what installs from the index of this machine. */
  function ordinary(): void {
    place.set({ ...inherited, PATH: `${place.surroundings.env.PATH}:${inherited.PATH}` });
    place.system(place.environment('system', withGrpc));
  }

  it('makes one where nothing fits, and takes it the next time without a word', async () => {
    ordinary();
    const made = await prepare();
    expect(made.kind).to.equal('managed');
    expect(made.interpreter.packages).to.have.all.keys('grpcio');
    expect(said.map((line) => line.split(' ')[0])).to.deep.equal(['Making', 'Installing', 'Made']);
    expect(environments().join()).to.match(/^[0-9a-f]{16}$/);
    said = [];
    expect(await prepare()).to.deep.equal(made);
    expect(said).to.deep.equal([]);

    // Somebody has removed a part of it.
    rmSync(join(made.interpreter.path, '../../lib'), { recursive: true });
    expect((await doctor({}, place.surroundings)).chosen).to.equal(null);
    expect((await prepare()).interpreter).to.deep.equal(made.interpreter);
    expect(environments()).to.have.length(1);
  });

  it('makes none where one of the project fits', async () => {
    place.environment('project/.venv', withGrpc, withGrpc);
    place.system(place.environment('system', withGrpc));
    expect((await prepare()).kind).to.equal('project');
    expect(existsSync(join(place.surroundings.cwd, '.lockstep'))).to.equal(false);
  });

  it('makes none where there is nothing to make it from, or one was named', async () => {
    expect(await rejection(prepare())).to.include({ code: 'PYTHON_NOT_FOUND' });
    const interpreter = join(place.environment('elsewhere', withGrpc), 'bin/python');
    const error = await rejection(setUp({ interpreter }, (line) => said.push(line), place.surroundings));
    expect(error).to.include({ code: 'PYTHON_UNUSABLE' });
    expect(said).to.deep.equal([]);
  });

  it('says so where its folder cannot be made', async () => {
    place.write('project/.lockstep/python', 'a file');
    place.system(place.environment('system', withGrpc));
    const at = join(place.surroundings.cwd, '.lockstep/python/environments');
    expect(await rejection(prepare())).to.include({ code: 'FILE_UNWRITABLE', at });
  });

  it('says without a network what is missing and what to run later, and leaves nothing behind', async () => {
    ordinary();
    place.set(await closedIndex());
    const error = await rejection(prepare(['numpy>=2']));
    expect(error).to.include({ code: 'ENVIRONMENT_OFFLINE' });
    expect(error.message).to.include(
      'grpcio>=1.80, numpy>=2 could not be installed: no package index could be reached.',
    );
    expect(error.message).to.include(
      `run in ${place.surroundings.cwd}: lockstep python setup --requirement 'numpy>=2'`,
    );
    expect(environments()).to.deep.equal([]);
  });

  it('takes one of the system without a network, if it fits', async () => {
    place.set({ ...inherited, ...(await closedIndex()) });
    place.system(place.environment('system', withGrpc, withGrpc));
    const found = await prepare();
    expect(found.kind).to.equal('system');
    expect(found.passedOver.map(({ kind }) => kind)).to.deep.equal(['managed']);
    expect(said.at(-1)).to.match(/^No package index can be reached: .*system\/bin\/python3 is used instead$/);
  });

  it('says what pip wrote where a package does not exist', async () => {
    ordinary();
    const error = await rejection(prepare(['grpcio<0.0.1']));
    expect(error).to.include({ code: 'ENVIRONMENT_FAILED' });
    expect(error.message).to.match(/^grpcio<0\.0\.1, grpcio>=1\.80 could not be installed with pip: ERROR: /);
    expect(error.value).to.include('grpcio<0.0.1');
    expect(environments()).to.deep.equal([]);
  });

  it('uses uv where it is on PATH', async () => {
    const uv = await preparedPython('uv');
    ordinary();
    place.program('uv', join(dirname(uv.path), 'uv'));
    const made = await prepare();
    expect(said[0]).to.match(/^Making a Python environment with uv from /);
    expect(made.interpreter.packages).to.have.all.keys('grpcio');

    place.set(await closedIndex());
    const error = await rejection(prepare(['numpy>=2']));
    expect(error).to.include({ code: 'ENVIRONMENT_OFFLINE' });
    expect(environments()).to.have.length(1);
  });

  onLinux('ends what it has started when it is aborted', async () => {
    ordinary();
    const controller = new AbortController();
    const reason = new Error('enough');
    const isInstalling = (): boolean => processesWith(`${place.path}/project/.lockstep`).length > 0;
    const setup = prepare([], controller.signal);
    await until(isInstalling, 60_000);
    controller.abort(reason);
    expect(await setup.catch((error: unknown) => error)).to.equal(reason);
    await until(() => !isInstalling());
    expect(environments()).to.deep.equal([]);
  });

  onLinux('waits for another process that makes the same one, and goes on where that is killed', async () => {
    ordinary();
    const { env } = place.surroundings;
    const command = new CommandFolder();
    const start = (): ReturnType<CommandFolder['start']> =>
      command.start(['python', 'setup', '--json'], env as Record<string, string>);
    try {
      const killed = start();
      await killed.kill('SIGKILL', 'Installing');
      const [second, third] = [start(), start()];
      const ends = await Promise.all([killed.ended, second.ended, third.ended]);
      expect(ends.map(({ code, signal }) => signal ?? code)).to.deep.equal(['SIGKILL', 0, 0]);
      const [, a, b] = ends;
      expect(a?.stdout).to.equal(b?.stdout);
      const lines = [a, b].map((end) =>
        (end?.stderr ?? '')
          .trim()
          .split('\n')
          .map((line) => line.split(' ')[0]),
      );
      expect(lines.toSorted((one, other) => one.length - other.length)).to.deep.equal([
        ['Waiting'],
        ['Making', 'Installing', 'Made'],
      ]);
      const { environment } = JSON.parse(a?.stdout ?? '') as { readonly environment: PythonEnvironment };
      expect(environment.kind).to.equal('managed');
      expect(readdirSync(join(command.path, '.lockstep/python/environments'))).to.have.length(1);
      await until(() => processesWith(`${command.path}/.lockstep`).length === 0);
    } finally {
      command.remove();
    }
  });
});
