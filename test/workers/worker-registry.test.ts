import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type } from '../../src/base/schema.js';
import { workflow } from '../../src/base/workflow-builder.js';
import { checkProcessOptions, checkWorkerOptions } from '../../src/plugins/python/check-options.js';
import {
  fileRegistry,
  PythonWorker,
  type WorkerEntry,
  type WorkerOptions,
  type WorkerRegistry,
} from '../../src/plugins/python/index.js';
import { ProcessManager } from '../../src/plugins/python/process/process-manager.js';
import { AsyncLocalRuntime } from '../../src/runtimes/async-local-runtime.js';
import { LocalRuntime } from '../../src/runtimes/local-runtime.js';
import { workerRegistryContract } from '../contract/worker-registry.js';
import { refusal, rejection } from '../support/caught.js';
import { HostProcess } from '../support/host-process.js';
import { preparedPython } from '../support/python-environment.js';
import { PythonPool, pyTool } from '../support/python-nodes.js';
import { isGone, TemporaryFolder, workerProgram } from '../support/python-workers.js';
import { MemoryRegistry, SqliteRegistry } from '../support/registries.js';
import { until } from '../support/until.js';

const onLinux = process.platform === 'linux' ? it : it.skip;

const temporary = (): string => mkdtempSync(join(tmpdir(), 'lockstep-registry-'));

workerRegistryContract('of files', () => {
  const folder = temporary();
  return { connect: () => fileRegistry(folder), remove: () => rmSync(folder, { recursive: true }) };
});

workerRegistryContract('in memory', () => {
  const registry = new MemoryRegistry();
  return { connect: () => registry, remove: () => undefined };
});

workerRegistryContract('in a database', () => {
  const folder = temporary();
  const open: SqliteRegistry[] = [];
  return {
    connect: () => {
      const registry = new SqliteRegistry(join(folder, 'hosts.db'));
      open.push(registry);
      return registry;
    },
    remove: () => {
      for (const each of open) each[Symbol.dispose]();
      rmSync(folder, { recursive: true });
    },
  };
});

/** A registry that does otherwise in some of what it is asked. */
function strange(change: Partial<WorkerRegistry>): WorkerRegistry {
  const own = new MemoryRegistry();
  return {
    register: (host) => own.register(host),
    keep: (host, worker) => own.keep(host, worker),
    forget: (host, worker) => own.forget(host, worker),
    hosts: () => own.hosts(),
    claim: (host, by, was) => own.claim(host, by, was),
    remove: (host, claimedBy) => own.remove(host, claimedBy),
    ...change,
  };
}

const full = (): never => {
  throw new Error('no space left');
};
const never = (): Promise<never> => new Promise(() => undefined);

describe('A registry that fails', function () {
  this.timeout(60_000);
  let python: string;
  let folder: TemporaryFolder;
  let seen: string[];

  before(async () => {
    python = (await preparedPython()).path;
  });
  beforeEach(() => {
    folder = new TemporaryFolder();
    seen = [];
  });
  afterEach(() => {
    const left = folder.workerFolders;
    folder.remove();
    expect(left).to.deep.equal([]);
  });

  const managerOf = (registry: WorkerRegistry, startTimeoutMs = 30_000): ProcessManager =>
    new ProcessManager(checkProcessOptions({ registry, startTimeoutMs, dataFolder: folder.path }));
  /** A worker that says so when it is started. */
  const program = (...words: readonly string[]) =>
    workerProgram(python, ['say=started', ...words, 'wait'], ({ text }) => seen.push(text));

  for (const [what, change, message] of [
    ['write down the host', { register: full }, 'could not write down this host: no space left'],
    ['write down a worker', { keep: full }, /could not write down the worker [\w-]+: no space left/],
    ['say which hosts there are', { hosts: async () => full() }, 'could not say which hosts there are: no space left'],
    ['answer with hosts', { hosts: () => [{ id: 'h' }] as never }, 'gave back a host, number 1, that is none'],
    ['answer with a list', { hosts: () => null as never }, 'did not answer with a list when it was asked for hosts'],
  ] as const)
    it(`to ${what} keeps workers from being started`, async () => {
      await using manager = managerOf(strange(change));
      const error = await rejection(manager.start(program('ready')));
      expect(error.code).to.equal('WORKER_REGISTRY_FAILED');
      if (typeof message === 'string') expect(error.message).to.include(message);
      else expect(error.message).to.match(message);
      expect(manager.workers).to.deep.equal([]);
      expect(seen).to.deep.equal([]);
    });

  it('names what it has thrown as the cause, and what it has given back as the value', async () => {
    const cause = new Error('no space left');
    const keep = (): never => {
      throw cause;
    };
    await using manager = managerOf(strange({ keep }));
    expect((await rejection(manager.start(program('ready')))).cause).to.equal(cause);
    await using other = managerOf(strange({ hosts: () => [{ id: 'h' }] as never }));
    expect((await rejection(other.open())).value).to.deep.equal({ id: 'h' });
  });

  it('to answer in time keeps workers from being started', async () => {
    await using manager = managerOf(strange({ keep: never }), 200);
    const { code, message } = await rejection(manager.start(program('ready')));
    expect(code).to.equal('WORKER_REGISTRY_FAILED');
    expect(message).to.match(/did not write down the worker [\w-]+ within 200 ms/);
    expect(seen).to.deep.equal([]);
  });

  it('to write down the process of a worker ends it', async () => {
    let pid: number | null = null;
    const registry = strange({
      keep: (_host, worker) => {
        pid = worker.pid;
        if (pid !== null) full();
      },
    });
    await using manager = managerOf(registry);
    expect((await rejection(manager.start(program('ready')))).code).to.equal('WORKER_REGISTRY_FAILED');
    expect(isGone(pid ?? 0)).to.equal(true);
    expect(manager.workers).to.deep.equal([]);
  });

  it('is asked again by whoever starts again', async () => {
    let isFull = true;
    const own = new MemoryRegistry();
    const registry = strange({
      register: (host) => (isFull ? full() : own.register(host)),
      keep: (host, worker) => own.keep(host, worker),
      hosts: () => own.hosts(),
      remove: (host, claimedBy) => own.remove(host, claimedBy),
    });
    await using manager = managerOf(registry);
    expect((await rejection(manager.start(program('ready')))).code).to.equal('WORKER_REGISTRY_FAILED');
    isFull = false;
    expect((await manager.start(program('ready'))).state.is).to.equal('ready');
    expect(await own.hosts()).to.have.length(1);
  });

  it('to forget a worker changes nothing for others; to forget its host is told when all have ended', async () => {
    const manager = managerOf(strange({ forget: full, remove: full }));
    const workers = await Promise.all([manager.start(program('ready')), manager.start(program('ready'))]);
    await workers[0]?.stop();
    expect(workers[1]?.state.is).to.equal('ready');
    const error = await rejection(manager.close());
    expect(error.code).to.equal('WORKER_REGISTRY_FAILED');
    expect(error.message).to.include('could not forget this host: no space left');
    expect(workers.every(({ pid }) => isGone(pid ?? 0))).to.equal(true);
  });

  /** A registry that waits with what it keeps until it may go on; `asked` has what it was asked for, and when it has kept. */
  function waiting(isWaiting: (worker: WorkerEntry) => boolean) {
    const own = new MemoryRegistry();
    const asked: string[] = [];
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const registry = strange({
      register: (host) => own.register(host),
      keep: async (host, worker) => {
        asked.push('keep');
        if (isWaiting(worker)) await gate;
        await own.keep(host, worker);
        asked.push('kept');
      },
      forget: (host, worker) => {
        asked.push('forget');
        return own.forget(host, worker);
      },
      remove: (host, claimedBy) => {
        asked.push('remove');
        return own.remove(host, claimedBy);
      },
    });
    return { registry, asked, own, go: () => go() };
  }

  it('to be in time for a host that is closed has its worker not started, and the host forgotten last', async () => {
    const { registry, asked, own, go } = waiting(() => true);
    const manager = managerOf(registry);
    const start = rejection(manager.start(program('ready'))).then(({ code }) => asked.push(code));
    await until(() => asked.length > 0);
    const closed = manager.close().then(() => asked.push('closed'));
    go();
    await Promise.all([start, closed]);
    expect(asked).to.deep.equal(['keep', 'kept', 'forget', 'WORKER_STOPPED', 'remove', 'closed']);
    expect(seen).to.deep.equal([]);
    expect(await own.hosts()).to.deep.equal([]);
  });

  it('to be as fast as a worker that dies is not asked to forget what it has not kept', async () => {
    const { registry, asked, own, go } = waiting(({ pid }) => pid !== null);
    await using manager = managerOf(registry);
    const start = rejection(manager.start(program('exit=3')));
    await until(() => seen.length > 0 && folder.workerFolders.length === 0);
    expect(asked).to.deep.equal(['keep', 'kept', 'keep']);
    go();
    expect((await start).code).to.equal('WORKER_START_FAILED');
    await manager.close();
    expect(asked.slice(3)).to.deep.equal(['kept', 'forget', 'remove']);
    expect(await own.hosts()).to.deep.equal([]);
  });

  it('keeps a PythonWorker from being started, which can be started once it works', async () => {
    let isFull = true;
    const own = new MemoryRegistry();
    const registry = strange({ register: (host) => own.register(host), hosts: () => own.hosts() });
    const options: WorkerOptions = {
      environment: { interpreter: python },
      dataFolder: folder.path,
      registry: { ...registry, keep: (host, worker) => (isFull ? full() : own.keep(host, worker)) },
    };
    await using worker = new PythonWorker(options);
    expect((await rejection(worker.start())).code).to.equal('WORKER_REGISTRY_FAILED');
    expect(worker.state.is).to.equal('failed');
    isFull = false;
    await worker.start();
    expect(await worker.execute('ping')).to.equal('pong');
    expect((await own.hosts()).flatMap(({ workers }) => workers.map(({ pid }) => pid))).to.deep.equal([
      (await worker.getInfo()).pid,
    ]);
  });
});

describe('A registry in a database', function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = new TemporaryFolder();
  });
  afterEach(() => folder.remove());

  onLinux('has the next host find what is left of one that was killed with its guards', async () => {
    const file = join(folder.path, 'hosts.db');
    const { path } = await preparedPython();
    const host = new HostProcess(
      folder.path,
      path,
      [
        ['child', 'ready', 'wait'],
        ['ready', 'hold-interpreter'],
      ],
      file,
    );
    const started = await host.ready();
    await host.killWithGuards(started);
    const all = [...started.workers, host.pidOf('child')];
    expect(all.some(isGone)).to.equal(false);
    using registry = new SqliteRegistry(file);
    expect(registry.hosts().map(({ workers }) => workers.length)).to.deep.equal([2]);
    await using manager = new ProcessManager(checkProcessOptions({ registry, dataFolder: folder.path }));
    const report = await manager.open();
    expect(report.hosts).to.equal(1);
    expect(report.killed).to.include.members(started.workers);
    expect(all.every(isGone)).to.equal(true);
    expect(folder.workerFolders).to.deep.equal([]);
  });
});

describe('A registry that is injected', function () {
  this.timeout(60_000);
  let pool: PythonPool;
  before(async () => {
    pool = await PythonPool.open();
  });
  after(() => pool.remove());

  const w = workflow('w', { params: { value: type<unknown>() } });
  const same = w.build({ outputs: { value: w.add('same', pyTool('same')({ value: w.params.value })).out.value } });

  it('has all workers of a runtime while it is open', async () => {
    const registry = new MemoryRegistry();
    {
      await using runtime = new AsyncLocalRuntime({ plugins: [pool.workers({ registry, workers: 2 })] });
      expect((await runtime.execute(same, { value: 1 })).output).to.deep.equal({ value: 1 });
      expect((await registry.hosts()).flatMap(({ workers }) => workers)).to.have.length(2);
    }
    expect(await registry.hosts()).to.deep.equal([]);
  });

  it('is refused by LocalRuntime, which says why', () => {
    using runtime = new LocalRuntime({ plugins: [pool.workers({ registry: new MemoryRegistry() })] });
    const outcome = runtime.settle(same, { value: 1 });
    const [error] = outcome.status === 'rejected' ? outcome.error.problems : [];
    expect(error).to.include({ code: 'EXECUTOR_NEEDS_LANES', at: 'same' });
    expect(error?.message).to.include(
      'its python executor works in none, because its option "registry" consists of functions, which no thread can be given. Run it in AsyncLocalRuntime',
    );
  });

  for (const [registry, at] of [
    ['files', 'workers.registry'],
    [null, 'workers.registry'],
    [{ ...strange({}), claim: 'yes' }, 'workers.registry.claim'],
    [{}, 'workers.registry.register'],
  ] as const)
    it(`must be one: ${JSON.stringify(registry)}`, () => {
      const options = { registry } as unknown as WorkerOptions;
      expect(refusal(() => checkWorkerOptions(options))).to.include({ code: 'INVALID_OPTION', at });
    });
});
