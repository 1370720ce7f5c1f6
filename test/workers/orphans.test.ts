import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type ProcessIdentity, startOf, thisProcess } from '../../src/plugins/process-identity.js';
import { checkProcessOptions } from '../../src/plugins/python/check-options.js';
import { ProcessManager } from '../../src/plugins/python/process/process-manager.js';
import type { HostRecord } from '../../src/plugins/python/registry/file-registry.js';
import type { WorkerEntry } from '../../src/plugins/python/registry/worker-registry.js';
import { HostProcess } from '../support/host-process.js';
import { preparedPython } from '../support/python-environment.js';
import { groupOf, hostFiles, isGone, TemporaryFolder } from '../support/python-workers.js';
import { until } from '../support/until.js';

/** What is tested here can be seen in /proc only. */
const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('What is left of a host that was killed', function () {
  this.timeout(60_000);
  let python: string;
  let dataFolder: string;
  let temporary: TemporaryFolder;
  let hosts: HostProcess[];
  let bystanders: ChildProcess[];

  before(async () => {
    python = (await preparedPython()).path;
  });
  beforeEach(() => {
    temporary = new TemporaryFolder();
    dataFolder = mkdtempSync(join(tmpdir(), 'lockstep-hosts-'));
    [hosts, bystanders] = [[], []];
  });
  afterEach(async () => {
    for (const host of hosts) await host.kill();
    for (const bystander of bystanders) bystander.kill('SIGKILL');
    temporary.remove();
  });

  function startHost(...workers: readonly (readonly string[])[]): HostProcess {
    const host = new HostProcess(dataFolder, python, workers);
    hosts.push(host);
    return host;
  }

  /** A process that is none of ours. */
  function bystander(env: NodeJS.ProcessEnv = {}): number {
    const child = spawn('sleep', ['600'], { env: { PATH: process.env.PATH, ...env }, detached: true, stdio: 'ignore' });
    bystanders.push(child);
    return child.pid ?? 0;
  }

  /** Opens a host on the data folder, which sweeps. */
  async function sweep(): Promise<{ readonly hosts: number; readonly killed: readonly number[] }> {
    await using manager = new ProcessManager(checkProcessOptions({ dataFolder }));
    return await manager.open();
  }

  describe('is ended by the guards', () => {
    it('within five seconds: workers that ignore signals and hold their interpreter, and their children', async () => {
      const living = bystander();
      const host = startHost(
        ['ignore-term', 'child', 'stubborn-child', 'ready', 'hold-interpreter'],
        ['ready', 'wait'],
        ['on-term=bye', 'ready', 'wait'],
      );
      const { workers } = await host.ready();
      const all = workers.flatMap((worker) => groupOf(worker));
      // Three workers, a guard for each, and two children.
      expect(all).to.have.length(8);
      await host.kill();
      await until(() => all.every(isGone), 5_000);
      expect(isGone(living)).to.equal(false);
    });

    it('although a worker is not ready yet', async () => {
      const host = startHost(['child', 'wait']);
      await until(() => host.said.length > 0, 30_000);
      const child = host.pidOf('child');
      await host.kill();
      await until(() => isGone(child), 5_000);
      expect((await sweep()).hosts).to.equal(1);
      expect(temporary.workerFolders).to.deep.equal([]);
    });

    it('and its folders are removed by the next host', async () => {
      const host = startHost(['ready', 'wait'], ['ready', 'wait']);
      const { workers } = await host.ready();
      expect(temporary.workerFolders).to.have.length(2);
      await host.kill();
      await until(() => workers.every((worker) => groupOf(worker).length === 0), 5_000);
      expect(await sweep()).to.deep.equal({ hosts: 1, killed: [] });
      expect(temporary.workerFolders).to.deep.equal([]);
      expect(hostFiles(dataFolder)).to.deep.equal([]);
    });
  });

  describe('is ended by the next host, where the guards were killed too', () => {
    it('with all that was started, also what has left its group', async () => {
      const living = bystander();
      const host = startHost(['child', 'runaway-child', 'ready', 'wait'], ['ignore-term', 'ready', 'hold-interpreter']);
      const started = await host.ready();
      const all = [...started.workers, host.pidOf('child'), host.pidOf('runaway-child')];
      await host.killWithGuards(started);
      expect(all.some(isGone)).to.equal(false);
      const next = startHost();
      const { report } = await next.ready();
      expect(all.every(isGone)).to.equal(true);
      expect(report.hosts).to.equal(1);
      expect(report.killed).to.include.members(started.workers);
      expect(isGone(living)).to.equal(false);
      expect(temporary.workerFolders).to.deep.equal([]);
    });

    it('although it was killed before it had written down their processes', async () => {
      const host = startHost(['ready', 'wait']);
      const started = await host.ready();
      const [file = ''] = hostFiles(dataFolder);
      await host.killWithGuards(started);
      rewrite(file, (worker) => ({ ...worker, pid: null, started: null }));
      expect((await sweep()).killed).to.deep.equal(started.workers);
      expect(started.workers.every(isGone)).to.equal(true);
    });

    it('once, where several open at the same time', async () => {
      const host = startHost(['ready', 'wait']);
      const started = await host.ready();
      await host.killWithGuards(started);
      const reports = await Promise.all([sweep(), sweep(), sweep()]);
      expect(reports.map((report) => report.hosts).toSorted()).to.deep.equal([0, 0, 1]);
      expect(started.workers.every(isGone)).to.equal(true);
    });

    it('although the one that was about to do it was killed as well', async () => {
      const host = startHost(['ready', 'wait']);
      const started = await host.ready();
      const [file = ''] = hostFiles(dataFolder);
      await host.killWithGuards(started);
      const claimed = readFileSync(join(dataFolder, 'python/hosts', file));
      rmSync(join(dataFolder, 'python/hosts', file));
      writeFileSync(join(dataFolder, 'python/hosts', `${file}.claimed-by-somebody`), claimed);
      expect((await sweep()).killed).to.deep.equal(started.workers);
      expect(hostFiles(dataFolder)).to.deep.equal([]);
    });
  });

  function rewrite(file: string, change: (worker: WorkerEntry) => WorkerEntry): void {
    const path = join(dataFolder, 'python/hosts', file);
    const { host, workers } = JSON.parse(readFileSync(path, 'utf8')) as HostRecord;
    writeFileSync(path, JSON.stringify({ host, workers: workers.map(change) }));
  }

  /** The file of a host with one worker. */
  async function writeHostFile(worker: Partial<WorkerEntry>, host: Partial<ProcessIdentity> = {}): Promise<void> {
    await sweep();
    const dead = { ...thisProcess(), started: '1', ...host };
    const entry = {
      id: 'w',
      marker: 'dead-host/w',
      folder: '/nowhere',
      sharedFolder: '/nowhere',
      pid: null,
      started: null,
      ...worker,
    };
    writeFileSync(
      join(dataFolder, 'python/hosts/dead-host.json'),
      JSON.stringify({ host: dead, workers: [entry] } satisfies HostRecord),
    );
  }

  describe('is all that is touched:', () => {
    it('not a process that has the number of a worker today', async () => {
      const pid = bystander();
      await writeHostFile({ pid, started: '1' });
      expect(await sweep()).to.deep.equal({ hosts: 1, killed: [] });
      expect(isGone(pid)).to.equal(false);
    });

    it('not a process that has its number and its start and no marker', async () => {
      const pid = bystander();
      await writeHostFile({ pid, started: startOf(pid) });
      expect(await sweep()).to.deep.equal({ hosts: 1, killed: [] });
      expect(isGone(pid)).to.equal(false);
    });

    it('not a process with the marker of another worker', async () => {
      const pid = bystander({ LOCKSTEP_WORKER: 'dead-host/w2' });
      await writeHostFile({ pid, started: startOf(pid) });
      expect(await sweep()).to.deep.equal({ hosts: 1, killed: [] });
      expect(isGone(pid)).to.equal(false);
    });

    it('not a folder that is none of a worker', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'precious-'));
      await writeHostFile({ folder });
      expect(await sweep()).to.deep.equal({ hosts: 1, killed: [] });
      rmSync(folder, { recursive: true });
    });

    it('nothing of a host on another machine, or that lives, or of a file that is none', async () => {
      const pid = bystander({ LOCKSTEP_WORKER: 'dead-host/w' });
      const worker = { pid, started: startOf(pid) };
      for (const host of [{ machine: 'elsewhere' }, { started: thisProcess().started }]) {
        await writeHostFile(worker, host);
        expect(await sweep()).to.deep.equal({ hosts: 0, killed: [] });
      }
      writeFileSync(join(dataFolder, 'python/hosts/dead-host.json'), '{"host": {"pid": "1"}, "workers": [{}]}');
      expect(await sweep()).to.deep.equal({ hosts: 0, killed: [] });
      expect(isGone(pid)).to.equal(false);
      await writeHostFile(worker);
      expect(await sweep()).to.deep.equal({ hosts: 1, killed: [pid] });
    });

    it('not the workers of hosts that live, eight each, when a host opens and when one closes', async () => {
      const eight = Array.from({ length: 8 }, () => ['ready', 'wait']);
      const [first, second] = [startHost(...eight), startHost(...eight)];
      const [one, other] = await Promise.all([first.ready(), second.ready()]);
      expect([one.report, other.report]).to.deep.equal([
        { hosts: 0, killed: [] },
        { hosts: 0, killed: [] },
      ]);
      expect(new Set([...one.workers, ...other.workers])).to.have.property('size', 16);
      expect(await sweep()).to.deep.equal({ hosts: 0, killed: [] });
      await second.close();
      expect(other.workers.every(isGone)).to.equal(true);
      expect(one.workers.some(isGone)).to.equal(false);
      expect(hostFiles(dataFolder)).to.have.length(1);
      await first.close();
      expect(one.workers.every(isGone)).to.equal(true);
      expect(hostFiles(dataFolder)).to.deep.equal([]);
    });
  });
});
