import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import type { WorkerAdapter } from '../../src/plugins/python/adapter.js';
import { workerAdapterContract } from '../contract/worker-adapter.js';
import { type PackedProject, packedProject, sourcesOf } from '../support/packed-project.js';
import { preparedEnvironment } from '../support/python-environment.js';

let compiled: Promise<PackedProject> | undefined;

/** The example, in a project that installed the package. */
function example(): Promise<PackedProject> {
  compiled ??= packedProject().then(async (project) => {
    project.add('polite-python', sourcesOf('examples/polite-python'));
    expect(await project.compile('polite-python')).to.deep.equal({ code: 0, stdout: '', stderr: '' });
    return project;
  });
  return compiled;
}

workerAdapterContract('politePython of the examples', async () => {
  const url = pathToFileURL(join((await example()).folder, 'polite-python/build/adapter.js')).href;
  const { politePython } = (await import(url)) as { readonly politePython: () => Promise<WorkerAdapter> };
  const { VIRTUAL_ENV } = process.env;
  process.env.VIRTUAL_ENV = await preparedEnvironment();
  try {
    return await politePython();
  } finally {
    if (VIRTUAL_ENV === undefined) delete process.env.VIRTUAL_ENV;
    else process.env.VIRTUAL_ENV = VIRTUAL_ENV;
  }
});

describe('The example polite-python', function () {
  this.timeout(120_000);

  it('lowers the priority of its worker', async () => {
    const variables = { VIRTUAL_ENV: await preparedEnvironment() };
    const ended = await (await example()).run('polite-python/build/main.js', undefined, variables);
    expect(ended).to.deep.equal({ code: 0, stdout: '{ niceness: 10 }\n', stderr: '' });
  });
});
