import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import {
  checkEnvironmentOptions,
  checkPoolOptions,
  checkProcessOptions,
  checkWorkerOptions,
} from '../../src/plugins/python/check-options.js';
import {
  PYTHON_DEFAULTS,
  type WorkerOptions,
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
      registry: null,
      startTimeoutMs: 30_000,
      gracefulShutdownTimeoutMs: 6_000,
      name: 'default',
      workers: 1,
      start: 'with the runtime',
      adapter: null,
      environment: {},
      paths: null,
      preload: [],
      hostTools: {},
      maxConcurrentCalls: 8,
      maxValueBytes: 67_108_864,
      sharedMemoryFromBytes: 1_048_576,
      stopGraceMs: 2_000,
      healthTimeoutMs: 5_000,
      transport: 'unix',
      listener: { mode: 'internal', host: 'localhost', port: 0 },
      tls: null,
      heartbeat: {
        enabled: false,
        pingIntervalMs: 10_000,
        timeoutMs: 5_000,
        maxMissedHeartbeats: 3,
        mode: 'dependent',
      },
      restart: { firstMs: 100, maxMs: 30_000, resetAfterMs: 60_000 },
      recycle: { afterCalls: null, afterMs: null, rssBytes: null },
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
    const { worker, ...pool } = checkPoolOptions();
    const { processes, ...own } = worker;
    // Without a list of folders it is the working directory, which differs.
    expect(own.paths).to.deep.equal([process.cwd()]);
    // Host tools are no settings: they stay in the thread that they were made in.
    const { hostTools, ...defaults } = PYTHON_DEFAULTS;
    expect(hostTools).to.deep.equal({});
    expect({ ...checkEnvironmentOptions(), ...processes, ...own, ...pool, paths: null }).to.deep.equal(defaults);
    expect(processes).to.deep.equal(checkProcessOptions());
    expect(worker).to.deep.equal(checkWorkerOptions());
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

  for (const [options, at] of [
    [{ maxConcurrentCalls: 0 }, 'workers.maxConcurrentCalls'],
    [{ maxValueBytes: 1.5 }, 'workers.maxValueBytes'],
    [{ sharedMemoryFromBytes: -1 }, 'workers.sharedMemoryFromBytes'],
    [{ stopGraceMs: 0 }, 'workers.stopGraceMs'],
    [{ healthTimeoutMs: Number.POSITIVE_INFINITY }, 'workers.healthTimeoutMs'],
    [{ transport: 'pipe' }, 'workers.transport'],
    [{ paths: 'here' }, 'workers.paths'],
    [{ paths: [new URL('https://example.org/tools/')] }, 'workers.paths'],
    [{ preload: [''] }, 'workers.preload'],
    [{ adapter: { executablePath: 'python3', scriptPath: '', scriptArgs: [] } }, 'workers.adapter.scriptPath'],
    [{ adapter: { executablePath: '', scriptPath: 'a', scriptArgs: [] } }, 'workers.adapter.executablePath'],
    [{ adapter: { executablePath: 'a', scriptPath: 'a' } }, 'workers.adapter.scriptArgs'],
    [{ listener: { port: 65_536 } }, 'workers.listener.port'],
    [{ listener: { mode: 'external' } }, 'workers.listener.mode'],
    [{ listener: { host: '' } }, 'workers.listener.host'],
    [{ tls: { certificate: 'a', key: 'b' } }, 'workers.tls.authority'],
    [{ heartbeat: { enabled: 'yes' } }, 'workers.heartbeat.enabled'],
    [{ heartbeat: { maxMissedHeartbeats: 0 } }, 'workers.heartbeat.maxMissedHeartbeats'],
    [{ heartbeat: { mode: 'other' } }, 'workers.heartbeat.mode'],
    [{ restart: { firstMs: 0 } }, 'workers.restart.firstMs'],
    [{ recycle: { afterCalls: 0 } }, 'workers.recycle.afterCalls'],
    [{ recycle: { rssBytes: 0.5 } }, 'workers.recycle.rssBytes'],
    [{ startTimeoutMs: 0 }, 'workers.startTimeoutMs'],
    [{ environment: { command: '' } }, 'environment.command'],
  ] as const)
    it(`refuses ${JSON.stringify(options)} of a worker`, () => {
      const given = options as unknown as WorkerOptions;
      expect(refusal(() => checkWorkerOptions(given))).to.include({ code: 'INVALID_OPTION', at });
    });

  it('refuses TCP without TLS', () => {
    expect(refusal(() => checkWorkerOptions({ transport: 'tcp' })).code).to.equal('TLS_REQUIRED');
  });

  it('refuses options that do not exist', () => {
    for (const options of [{ heartbeat: { intervalMs: 1 } }, { restart: { first: 1 } }, { workers: 2 }])
      expect(refusal(() => checkWorkerOptions(options as WorkerOptions)).code).to.equal('UNKNOWN_OPTION');
    const options = { startTimeout: 5 } as WorkerProcessOptions;
    const { code, message } = refusal(() => checkProcessOptions(options));
    expect(code).to.equal('UNKNOWN_OPTION');
    expect(message).to.include('Did you mean "startTimeoutMs"?');
  });
});
