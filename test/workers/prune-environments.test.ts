import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { expect } from 'chai';
import { thisProcess } from '../../src/plugins/process-identity.js';
import { takeBuildLock } from '../../src/plugins/python/environment/build-lock.js';
import { doctor } from '../../src/plugins/python/environment/doctor.js';
import type { Interpreter } from '../../src/plugins/python/environment/interpreter.js';
import { type PrunedEnvironment, pruneEnvironments } from '../../src/plugins/python/environment/prune.js';
import { PythonPlace, preparedPython } from '../support/python-environment.js';

const onLinux = process.platform === 'linux' ? it : it.skip;

const ENVIRONMENTS = 'project/.lockstep/python/environments';
const [A, B, C] = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb', 'cccccccccccccccc'];

describe('Pruning Python environments', function () {
  this.timeout(60_000);
  let withGrpc: Interpreter;
  let place: PythonPlace;
  let parent: string;
  let child: ChildProcessByStdio<null, Readable, null> | undefined;

  before(async () => {
    withGrpc = await preparedPython();
  });
  beforeEach(() => {
    place = new PythonPlace();
    parent = join(place.path, ENVIRONMENTS);
    place.system(place.environment('system', withGrpc));
  });
  afterEach(() => {
    child?.kill('SIGKILL');
    place.remove();
  });

  const prune = async (
    how: 'remove' | 'look' = 'remove',
    interpreter?: string,
  ): Promise<readonly PrunedEnvironment[]> =>
    (await pruneEnvironments(interpreter === undefined ? {} : { interpreter }, how, place.surroundings)).environments;
  /** A folder that is named as an environment is, with so many bytes in two files. */
  const make = (name: string, bytes: number): string => {
    place.write(`${ENVIRONMENTS}/${name}/bin/python`, 'x'.repeat(bytes - 1), 0o755);
    place.write(`${ENVIRONMENTS}/${name}/lib/x`, 'x');
    return join(parent, name);
  };
  const there = (): readonly string[] => readdirSync(parent).toSorted();

  it('removes those that nothing needs, and what nobody completed, and nothing else', async () => {
    const needed = (await doctor({}, place.surroundings)).managed?.folder ?? '';
    place.environment(needed.slice(place.path.length + 1), withGrpc, withGrpc);
    const [one, part] = [make(A, 1_000), make(`${B}.new-1`, 20)];
    for (const other of ['mine', `${A}0`, `${A}.new-x`]) make(other, 10);
    const report = await pruneEnvironments({}, 'remove', place.surroundings);
    expect(report.environment?.interpreter.path).to.equal(join(needed, 'bin/python'));
    const [kept] = report.environments.filter(({ folder }) => folder === needed);
    expect(kept?.kept).to.equal('needed');
    expect(kept?.bytes).to.be.greaterThan(0);
    expect(report.environments.filter((each) => each !== kept)).to.deep.equal([
      { folder: one, bytes: 1_000, kept: null },
      { folder: part, bytes: 20, kept: null },
    ]);
    expect(there()).to.have.members([needed.slice(parent.length + 1), 'mine', `${A}0`, `${A}.new-x`]);
    expect((await pruneEnvironments({}, 'remove', place.surroundings)).environment).to.deep.equal(report.environment);
  });

  it('removes nothing where it is only looked', async () => {
    const [one, other] = [make(A, 7), make(`${A}.new-1`, 8)];
    expect(await prune('look')).to.deep.equal([
      { folder: one, bytes: 7, kept: null },
      { folder: other, bytes: 8, kept: null },
    ]);
    expect(there()).to.deep.equal([A, `${A}.new-1`]);
  });

  it('says so where there are none', async () => {
    expect(await prune()).to.deep.equal([]);
    expect(existsSync(join(place.path, 'project/.lockstep'))).to.equal(false);
  });

  it('keeps the one in which the interpreter is that was named', async () => {
    const folder = place.environment(`${ENVIRONMENTS}/${A}`, withGrpc, withGrpc);
    make(B, 5);
    expect((await prune('remove', join(folder, 'bin/python'))).map(({ kept }) => kept)).to.deep.equal(['needed', null]);
    expect(there()).to.deep.equal([A]);
  });

  it('keeps the one that would be made, where one of the project is used', async () => {
    const needed = (await doctor({}, place.surroundings)).managed?.folder ?? '';
    make(needed.slice(parent.length + 1), 5);
    place.environment('project/.venv', withGrpc, withGrpc);
    const { environment, environments } = await pruneEnvironments({}, 'remove', place.surroundings);
    expect(environment?.kind).to.equal('project');
    expect(environments).to.deep.equal([{ folder: needed, bytes: 5, kept: 'needed' }]);
  });

  it('keeps one that a process is, until that has ended', async () => {
    const folder = place.environment(`${ENVIRONMENTS}/${A}`, withGrpc);
    const script = 'import time; print(1, flush=True); time.sleep(600)';
    child = spawn(join(folder, 'bin/python'), ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    expect((await prune()).map(({ kept }) => kept)).to.deep.equal(['in use']);
    expect(there()).to.deep.equal([A]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect((await prune()).map(({ kept }) => kept)).to.deep.equal([null]);
    expect(there()).to.deep.equal([]);
  });

  onLinux('keeps one of which a process has loaded something, whatever it was started as', async () => {
    const folder = make(A, 5_000);
    const script =
      'import mmap, os, time; f = open(os.environ["FILE"]); m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ); print(1, flush=True); time.sleep(600)';
    const env = { ...place.surroundings.env, FILE: join(folder, 'bin/python') };
    child = spawn(withGrpc.path, ['-c', script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    expect((await prune()).map(({ kept }) => kept)).to.deep.equal(['in use']);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect((await prune()).map(({ kept }) => kept)).to.deep.equal([null]);
  });

  it('keeps one that a process makes, and what is there of it, and waits for nobody', async () => {
    mkdirSync(parent, { recursive: true });
    const lock = await takeBuildLock(join(parent, `${A}.lock`), { waiting: () => undefined });
    // One that has ended makes nothing any more.
    writeFileSync(join(parent, `${B}.lock`), JSON.stringify({ ...thisProcess(), started: '1' }));
    const [before, part, other] = [make(A, 5), make(`${A}.new-1`, 5), make(B, 6)];
    expect(await prune()).to.deep.equal([
      { folder: before, bytes: null, kept: 'being made' },
      { folder: part, bytes: null, kept: 'being made' },
      { folder: other, bytes: 6, kept: null },
    ]);
    expect(there()).to.deep.equal([A, `${A}.lock`, `${A}.new-1`]);
    lock.release();
    expect(await prune()).to.deep.equal([
      { folder: before, bytes: 5, kept: null },
      { folder: part, bytes: 5, kept: null },
    ]);
    expect(there()).to.deep.equal([]);
  });

  it('removes each once, where several prune at the same time', async () => {
    for (const name of [A, B, C]) make(name, 50);
    const reports = await Promise.all([prune(), prune(), prune()]);
    const removed = reports.flat().filter(({ kept }) => kept === null);
    expect(removed.map(({ folder }) => folder).toSorted()).to.deep.equal([A, B, C].map((name) => join(parent, name)));
    expect(there()).to.deep.equal([]);
  });
});
