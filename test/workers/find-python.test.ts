import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { LockstepError } from '../../src/base/errors.js';
import { isDead } from '../../src/plugins/process-identity.js';
import type { PythonEnvironmentOptions } from '../../src/plugins/python/configuration.js';
import { doctor } from '../../src/plugins/python/environment/doctor.js';
import { type Interpreter, type ProbeAnswer, unfit } from '../../src/plugins/python/environment/interpreter.js';
import { findPython } from '../../src/plugins/python/environment/python-environment.js';
import { rejection } from '../support/caught.js';
import { PythonPlace, preparedPython } from '../support/python-environment.js';
import { until } from '../support/until.js';

describe('Finding a Python', function () {
  this.timeout(120_000);
  let withGrpc: Interpreter;
  let place: PythonPlace;

  before(async () => {
    withGrpc = await preparedPython();
  });
  beforeEach(() => {
    place = new PythonPlace();
  });
  afterEach(() => place.remove());

  const find = (options: PythonEnvironmentOptions = {}): ReturnType<typeof findPython> =>
    findPython(options, place.surroundings);

  const refusal = (options: PythonEnvironmentOptions = {}): Promise<LockstepError> => rejection(find(options));

  it('takes the one that is named, before one of the project, before one of the system', async () => {
    const named = place.environment('elsewhere', withGrpc, withGrpc);
    const project = place.environment('project/.venv', withGrpc, withGrpc);
    const system = place.environment('system', withGrpc, withGrpc);
    place.system(system);

    const interpreter = join(named, 'bin/python');
    expect(await find({ interpreter })).to.deep.include({ kind: 'named', passedOver: [] });
    expect((await find({ interpreter })).interpreter.path).to.equal(interpreter);
    const ofProject = await find();
    expect(ofProject).to.deep.include({ kind: 'project', passedOver: [] });
    expect(ofProject.interpreter.path).to.equal(join(project, 'bin/python'));
  });

  it('takes the active environment before the one in the folder of the project', async () => {
    place.environment('project/.venv', withGrpc, withGrpc);
    const active = place.environment('active', withGrpc, withGrpc);
    place.set({ VIRTUAL_ENV: active });
    expect((await find()).interpreter.path).to.equal(join(active, 'bin/python'));
  });

  it('looks for environments up to the top of the project, and no further', async () => {
    place.environment('.venv', withGrpc, withGrpc);
    const venv = place.environment('project/venv', withGrpc, withGrpc);
    place.write('project/src/deep/main.js', '');
    const { env, cwd } = place.surroundings;
    expect((await findPython({}, { env, cwd: join(cwd, 'src/deep') })).interpreter.path).to.equal(
      join(venv, 'bin/python'),
    );
    place.write('project/src/package.json', '{}');
    const { candidates } = await doctor({}, { env, cwd: join(cwd, 'src/deep') });
    expect(candidates).to.deep.equal([]);
  });

  it('passes over one without grpcio, and says so', async () => {
    const bare = place.environment('project/.venv', withGrpc);
    place.system(place.environment('system', withGrpc, withGrpc));
    const found = await find();
    expect(found.kind).to.equal('system');
    expect(found.passedOver[0]).to.deep.equal({
      kind: 'project',
      path: join(bare, 'bin/python'),
      reason: 'grpcio is not installed',
    });
    expect(found.passedOver.map(({ kind, reason }) => [kind, reason]).slice(1)).to.deep.equal([
      ['managed', 'it has not been made yet'],
    ]);
  });

  it('passes over one whose grpcio cannot be imported', async () => {
    const broken = place.environment('project/.venv', withGrpc, withGrpc);
    place.write(`project/.venv/lib/python${withGrpc.version.replace(/\.\d+$/, '')}/site-packages/grpc.py`, '1 / 0\n');
    const { candidates } = await doctor({}, place.surroundings);
    expect(candidates).to.deep.equal([
      {
        kind: 'project',
        path: join(broken, 'bin/python'),
        usable: false,
        reason: 'grpcio cannot be imported (ZeroDivisionError: division by zero)',
      },
    ]);
  });

  it('refuses a named one that lacks something, although another one fits', async () => {
    const bare = place.environment('elsewhere', withGrpc);
    place.environment('project/.venv', withGrpc, withGrpc);
    const error = await refusal({ interpreter: join(bare, 'bin/python') });
    expect(error).to.include({ code: 'PYTHON_UNUSABLE', at: 'environment.interpreter' });
    expect(error.message).to.include(`${join(bare, 'bin/python')} cannot be used: grpcio is not installed.`);
  });

  it('refuses a named one that is not there', async () => {
    expect((await refusal({ interpreter: 'python9' })).message).to.match(/^python9 .* no such program on PATH\./);
    expect((await refusal({ interpreter: './none/python' })).message).to.match(
      /^\.\/none\/python .* no such program\./,
    );
  });

  it('names every candidate with its reason where none fits', async () => {
    place.environment('project/.venv', withGrpc);
    place.system(place.environment('system', withGrpc));
    const { code, message } = await refusal({ requirements: ['numpy'] });
    expect(code).to.equal('PYTHON_NOT_FOUND');
    expect(message).to.match(
      /project\/\.venv\/bin\/python \(project\): grpcio is not installed; numpy is not installed; /,
    );
    expect(message).to.match(/\(managed\): it has not been made yet; /);
    expect(message).to.match(/system\/bin\/python3 \(system\): grpcio is not installed; numpy is not installed\./);
  });

  it('says so where there is none at all', async () => {
    expect((await refusal()).message).to.match(/^No Python that can be used was found\. There is none on PATH\./);
  });

  it('compares versions of what is required', async () => {
    const has = withGrpc.packages.grpcio;
    const prepared = withGrpc.path;
    const { interpreter } = await find({
      interpreter: prepared,
      requirements: ['grpcio>=1.71', "numpy; python_version<'3'"],
    });
    expect(interpreter.packages).to.deep.equal({ grpcio: has });
    const { message } = await refusal({ interpreter: prepared, requirements: ['grpcio<1.71'] });
    expect(message).to.include(`grpcio is ${has}, which is not grpcio<1.71`);
  });

  it('compares plain versions without pip and packaging, and says of others that it cannot', async () => {
    const interpreter = join(place.environment('elsewhere', withGrpc), 'bin/python');
    const library = `elsewhere/lib/python${withGrpc.version.replace(/\.\d+$/, '')}/site-packages`;
    const install = (name: string, version: string): string =>
      place.write(`${library}/${name}-${version}.dist-info/METADATA`, `Name: ${name}\nVersion: ${version}\n`);
    place.write(`${library}/grpc.py`, '');
    install('grpcio', '1.85.1');
    install('other', '2.0rc1');
    const fitting = ['grpcio >= 1.70.0, < 2', 'grpcio[protobuf]==1.85.1', 'other'];
    expect((await find({ interpreter, requirements: fitting })).interpreter.packages).to.deep.equal({
      grpcio: '1.85.1',
      other: '2.0rc1',
    });
    for (const [requirement, reason] of [
      ['grpcio>1.85.1', 'grpcio is 1.85.1, which is not grpcio>1.85.1'],
      ['grpcio!=1.85.1.0', 'grpcio is 1.85.1, which is not grpcio!=1.85.1.0'],
      ['grpcio~=1.85', 'whether grpcio 1.85.1 is grpcio~=1.85 cannot be told'],
      ['other>=2', 'whether other 2.0rc1 is other>=2 cannot be told'],
      ['third>=2', 'third is not installed'],
    ] as const)
      expect((await refusal({ interpreter, requirements: [requirement] })).message).to.include(reason);
  });

  it('finds the interpreter behind a command that only leads to it', async () => {
    place.write('bin/python3', `#!/bin/sh\nexec ${withGrpc.path} "$@"\n`, 0o755);
    const { kind, interpreter } = await find();
    expect({ kind, path: interpreter.path }).to.deep.equal({ kind: 'system', path: withGrpc.path });
  });

  it('does not wait for a program that says nothing, and ends what it started', async () => {
    place.write('bin/python3', `#!/bin/sh\n/bin/sleep 600 & echo $! > ${place.path}/pid; wait\n`, 0o755);
    const { candidates } = await doctor({ probeTimeoutMs: 1_000 }, place.surroundings);
    expect(candidates.map((each) => !each.usable && each.reason)).to.deep.equal([
      'it did not say what it is within 1000 ms',
    ]);
    const pid = Number(readFileSync(join(place.path, 'pid'), 'utf8'));
    await until(() => isDead({ pid, started: null }));
  });

  it('says what a program that is no Python wrote', async () => {
    place.write('bin/python3', '#!/bin/sh\necho "python3 is not installed" >&2; exit 3\n', 0o755);
    const { candidates } = await doctor({}, place.surroundings);
    expect(candidates.map((each) => !each.usable && each.reason)).to.deep.equal([
      'it ended with code 3: python3 is not installed',
    ]);
  });

  it('is not confused by what an interpreter prints when it starts', async () => {
    place.environment('project/.venv', withGrpc, withGrpc);
    const library = `project/.venv/lib/python${withGrpc.version.replace(/\.\d+$/, '')}/site-packages`;
    place.write(`${library}/noise.pth`, `import sys; sys.stdout.write("{" * 300000); sys.stderr.write("x" * 300000)\n`);
    expect((await find()).kind).to.equal('project');
  });

  it('ends a search that is aborted', async () => {
    place.write('bin/python3', '#!/bin/sh\n/bin/sleep 600\n', 0o755);
    const controller = new AbortController();
    const search = findPython({}, { ...place.surroundings, signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await search.catch((error: unknown) => error)).to.equal(reason);
  });

  it('gives an interpreter one hash, which packages that were asked for are part of', async () => {
    const once = await find({ interpreter: withGrpc.path });
    const again = await find({ interpreter: withGrpc.path });
    expect(once.interpreter).to.deep.equal(again.interpreter);
    expect(once.interpreter.hash).to.match(/^[0-9a-f]{64}$/);
    const withPip = await find({ interpreter: withGrpc.path, requirements: ['pip'] });
    expect(withPip.interpreter.hash).to.not.equal(once.interpreter.hash);
  });

  it('refuses options that are none, and requirements that would be options of pip', async () => {
    expect(await refusal({ interpeter: 'python3' } as PythonEnvironmentOptions)).to.include({ code: 'UNKNOWN_OPTION' });
    for (const requirement of ['--index-url=http://evil', './local', '', 'numpy\n--pre', 'git+https://host/x'])
      expect(await refusal({ requirements: [requirement] }), requirement).to.include({ code: 'INVALID_OPTION' });
    expect(await refusal({ interpreter: ' ' })).to.include({ code: 'INVALID_OPTION' });
    expect(await refusal({ probeTimeoutMs: 0 })).to.include({ code: 'INVALID_OPTION' });
  });

  it('takes Python 3.10 and later', () => {
    const answer: ProbeAnswer = {
      path: '/usr/bin/python3',
      version: '3.10.0',
      prefix: '/usr',
      abi: null,
      platform: null,
      grpc: null,
      packages: [],
    };
    expect(unfit(answer, { madeToFit: false })).to.equal(undefined);
    expect(unfit({ ...answer, version: '3.9.18' }, { madeToFit: false })).to.equal(
      'it is Python 3.9.18, and at least 3.10 is needed',
    );
    expect(unfit({ ...answer, version: '2.7.18' }, { madeToFit: false })).to.equal(
      'it is Python 2.7.18, and at least 3.10 is needed',
    );
    expect(unfit({ ...answer, version: '4.0.0' }, { madeToFit: false })).to.equal(undefined);
  });
});
