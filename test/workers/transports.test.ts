import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import type { TlsOptions } from '../../src/plugins/python/configuration.js';
import { Connection, type Endpoint } from '../../src/plugins/python/wire/connection.js';
import { GRPC, type GrpcStatus } from '../../src/plugins/python/wire/grpc-status.js';
import { checkHealth } from '../../src/plugins/python/wire/health-client.js';
import { TestWorker } from '../support/python-worker.js';
import { makeTlsFiles } from '../support/tls-files.js';

interface Settings {
  readonly token: string;
  readonly address: string;
  readonly worker: string;
}

/** What a worker was told when it was started, and the path of that. */
function settingsOf({ entry }: TestWorker): { readonly path: string; readonly settings: Settings } {
  const path = join(entry.folder, 'settings.json');
  return { path, settings: JSON.parse(readFileSync(path, 'utf8')) as Settings };
}

/** A port at which nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** How a stream ends that says nothing. */
async function endOf(endpoint: Endpoint): Promise<GrpcStatus> {
  const connection = await Connection.open(endpoint);
  try {
    return await new Promise((resolve) => {
      const listener = { message: () => undefined, drain: () => undefined, end: resolve };
      connection.stream('/lockstep.worker.v1.Worker/Connect', listener).write(Buffer.alloc(0));
    });
  } finally {
    await connection.close();
  }
}

const onLinux = process.platform === 'linux' ? it : it.skip;

describe('The way to a worker', function () {
  this.timeout(60_000);
  let host: TestWorker;
  let folder: string;
  let tls: TlsOptions;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'lockstep-tls-'));
    tls = makeTlsFiles(folder);
  });
  after(() => rmSync(folder, { recursive: true }));
  afterEach(() => host.remove());

  onLinux(
    'is a socket in a folder that only this user can enter, and what it was told only this user can read',
    async () => {
      host = await TestWorker.start();
      const { path, settings } = settingsOf(host);
      expect(statSync(path).mode & 0o777).to.equal(0o600);
      expect(statSync(dirname(path)).mode & 0o777).to.equal(0o700);
      expect(settings).to.include({ address: `unix:${join(dirname(path), 's')}`, worker: host.worker.getSessionId() });
      expect(settings.token).to.match(/^[0-9a-f]{64}$/);
      const variables =
        readFileSync(`/proc/${host.pid}/environ`, 'utf8') + readFileSync(`/proc/${host.pid}/cmdline`, 'utf8');
      expect(variables).to.not.include(settings.token);
    },
  );

  it('has another token and another address for each process', async () => {
    host = await TestWorker.start();
    const first = settingsOf(host).settings;
    await host.worker.stop();
    await host.worker.start();
    const second = settingsOf(host).settings;
    expect(second.token).to.not.equal(first.token);
    expect(second.address).to.not.equal(first.address);
  });

  it('is closed to whoever has another token', async () => {
    host = await TestWorker.start();
    const { address } = settingsOf(host).settings;
    const stranger = { address, token: 'f'.repeat(64), tls: null, longestMessage: 1_000 };
    expect((await endOf(stranger)).code).to.equal(GRPC.UNAUTHENTICATED);
    const connection = await Connection.open(stranger);
    expect(await checkHealth(connection, 5_000)).to.equal('UNKNOWN');
    await connection.close();
    expect(await host.worker.execute('ping')).to.equal('pong');
  });

  it('may be TCP with TLS, also for channels', async () => {
    host = await TestWorker.start({ transport: 'tcp', tls });
    expect(await host.call('same', { value: new Uint8Array(3_000_000).fill(1) })).to.have.length(3_000_000);
    expect((await host.worker.getHealth()).status).to.equal('SERVING');
    const deadline = Date.now() + 10_000;
    await new Promise<void>((resolve, reject) => {
      host.worker.getChannel().waitForReady(deadline, (error) => (error === undefined ? resolve() : reject(error)));
    });
  });

  it('on TCP may have an address of its own', async () => {
    const port = await freePort();
    host = await TestWorker.start({ transport: 'tcp', tls, listener: { host: '127.0.0.1', port } });
    expect(settingsOf(host).settings.address).to.equal(`127.0.0.1:${port}`);
    expect(await host.worker.execute('ping')).to.equal('pong');
  });

  it('on TCP is closed to whoever has no certificate of the authority', async () => {
    host = await TestWorker.make({ transport: 'tcp', tls });
    await host.worker.start();
    const ready = join(dirname(settingsOf(host).path), 'ready.json');
    const { address } = JSON.parse(readFileSync(ready, 'utf8')) as { address: string };
    const other = makeTlsFiles(mkdtempSync(join(folder, 'other-')));
    const { token } = settingsOf(host).settings;
    const strange = { address, token, tls: { ...other, authority: tls.authority }, longestMessage: 1_000 };
    // With TLS 1.3 the server refuses after the client has finished: on opening or on the first call.
    const outcome = await endOf(strange).catch((error: unknown) => error);
    expect((outcome as { readonly code: unknown }).code).to.not.equal(GRPC.OK);
    expect(await host.worker.execute('ping')).to.equal('pong');
  });
});
