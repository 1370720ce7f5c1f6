import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import {
  checkEnvironmentOptions,
  checkProcessOptions,
  PYTHON_DEFAULTS,
  type WorkerProcessOptions,
} from '../../src/plugins/python/configuration.js';
import { refusal } from '../support/caught.js';
import { repository } from '../support/packed-project.js';

describe('The configuration of Python', () => {
  it('has its defaults in one constant that cannot be changed', () => {
    expect(PYTHON_DEFAULTS).to.deep.equal({
      dataFolder: '.lockstep',
      interpreter: null,
      command: 'python3',
      requirements: [],
      probeTimeoutMs: 10_000,
      env: {},
      startTimeoutMs: 30_000,
      gracefulShutdownTimeoutMs: 6_000,
    });
    for (const value of [PYTHON_DEFAULTS, ...Object.values(PYTHON_DEFAULTS)])
      expect(Object.isFrozen(value)).to.equal(true);
  });

  it('is what docs/configuration.md says', async () => {
    const script = pathToFileURL(join(repository, 'scripts/configuration-page.mjs')).href;
    const { configurationPage } = (await import(script)) as { readonly configurationPage: () => Promise<string> };
    expect(readFileSync(join(repository, 'docs/configuration.md'), 'utf8')).to.equal(await configurationPage());
  });

  it('has every default in the settings that are checked', () => {
    expect({ ...checkEnvironmentOptions(), ...checkProcessOptions() }).to.deep.equal(PYTHON_DEFAULTS);
  });

  it('is copied and frozen', () => {
    const options = { requirements: ['numpy'], dataFolder: 'data' };
    const settings = checkEnvironmentOptions(options);
    options.requirements.push('pandas');
    expect(settings).to.deep.include({ requirements: ['numpy'], dataFolder: 'data' });
    const env = { A: '1' };
    const { env: copied } = checkProcessOptions({ env });
    env.A = '2';
    expect(copied).to.deep.equal({ A: '1' });
    for (const value of [settings, settings.requirements, copied]) expect(Object.isFrozen(value)).to.equal(true);
  });

  for (const [options, at] of [
    [{ startTimeoutMs: 0 }, 'workers.startTimeoutMs'],
    [{ gracefulShutdownTimeoutMs: Number.NaN }, 'workers.gracefulShutdownTimeoutMs'],
    [{ dataFolder: '' }, 'workers.dataFolder'],
    [{ env: { A: 1 } }, 'workers.env.A'],
    [{ env: { 'A=B': '1' } }, 'workers.env.A=B'],
    [{ env: null }, 'workers.env'],
  ] as const)
    it(`refuses ${JSON.stringify(options)}`, () => {
      const given = options as unknown as WorkerProcessOptions;
      expect(refusal(() => checkProcessOptions(given))).to.include({ code: 'INVALID_OPTION', at });
    });

  it('refuses options that do not exist', () => {
    const options = { startTimeout: 5 } as WorkerProcessOptions;
    const { code, message } = refusal(() => checkProcessOptions(options));
    expect(code).to.equal('UNKNOWN_OPTION');
    expect(message).to.include('Did you mean "startTimeoutMs"?');
  });
});
