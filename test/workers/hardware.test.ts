import { expect } from 'chai';
import { detectHardware } from '../../src/plugins/python/environment/hardware.js';
import { PythonPlace } from '../support/python-environment.js';

describe('Hardware for Python', () => {
  let place: PythonPlace;

  beforeEach(() => {
    place = new PythonPlace();
  });
  afterEach(() => place.remove());

  /** What is found where a program answers for the driver of NVIDIA, and the system has these folders. */
  const found = async (driver?: string) => {
    if (driver !== undefined) place.write('bin/nvidia-smi', `#!/bin/sh\n${driver}\n`, 0o755);
    const folders = { nvidia: `${place.path}/nvidia`, amd: `${place.path}/amd` };
    return detectHardware(place.surroundings.env, undefined, folders);
  };

  it('is the processor where there is nothing else', async () => {
    const { cpu, processors, memoryBytes, accelerators } = await found();
    expect(cpu).to.not.equal('');
    expect(processors).to.be.at.least(1);
    expect(memoryBytes).to.be.above(2 ** 20);
    expect(accelerators.filter(({ kind }) => kind !== 'mps')).to.deep.equal([]);
  });

  it('is what the program of the driver names', async () => {
    const { accelerators } = await found(
      `[ "$*" = -L ] && printf 'GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5c)\\nGPU 1: Tesla T4\\n'`,
    );
    expect(accelerators.slice(0, 2)).to.deep.equal([
      { kind: 'cuda', name: 'NVIDIA A100-SXM4-40GB' },
      { kind: 'cuda', name: 'Tesla T4' },
    ]);
  });

  it('is what the files of the driver name where its program fails or is missing', async () => {
    place.write('nvidia/0000:01:00.0/information', 'Model: \t\t NVIDIA H100\nIRQ:  17\n');
    const expected = { kind: 'cuda', name: 'NVIDIA H100' };
    expect((await found()).accelerators[0]).to.deep.equal(expected);
    const broken = await found('echo "NVIDIA-SMI has failed because it could not reach the driver."; exit 9');
    expect(broken.accelerators[0]).to.deep.equal(expected);
  });

  it('is every device of AMD, and none of the processors that are listed beside them', async () => {
    place.write('amd/0/properties', 'cpu_cores_count 64\nsimd_count 0\n');
    place.write('amd/0/name', '\n');
    place.write('amd/1/properties', 'cpu_cores_count 0\nsimd_count 440\n');
    place.write('amd/1/name', 'aldebaran\n');
    const { accelerators } = await found();
    expect(accelerators.filter(({ kind }) => kind === 'rocm')).to.deep.equal([{ kind: 'rocm', name: 'aldebaran' }]);
  });
});
