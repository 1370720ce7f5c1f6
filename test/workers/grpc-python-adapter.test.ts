import { expect } from 'chai';
import { grpcPython } from '../../src/plugins/python/grpc-python-adapter.js';
import { workerAdapterContract } from '../contract/worker-adapter.js';
import { refusal, rejection } from '../support/caught.js';
import { preparedPython } from '../support/python-environment.js';

workerAdapterContract('grpcPython', async () => grpcPython({ interpreter: (await preparedPython()).path }));

describe('grpcPython', () => {
  it('finds the interpreter when a worker is started, and says where none can be used', async () => {
    const { executablePath } = grpcPython({ interpreter: '/bin/false' });
    if (typeof executablePath === 'string') throw new Error('It has been found too early.');
    expect((await rejection(executablePath())).code).to.equal('PYTHON_UNUSABLE');
  });

  it('refuses options that cannot be', () => {
    expect(refusal(() => grpcPython({ interpreter: '' })).code).to.equal('INVALID_OPTION');
  });
});
