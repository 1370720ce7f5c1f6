import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startOf, thisProcess } from '../../src/plugins/process-identity.js';
import { checkProcessOptions } from '../../src/plugins/python/check-options.js';
import type { RegisteredHost, WorkerEntry, WorkerRegistry } from '../../src/plugins/python/index.js';
import { ProcessManager } from '../../src/plugins/python/process/process-manager.js';
import { preparedPython } from '../support/python-environment.js';
import { isGone, workerProgram } from '../support/python-workers.js';

/** The place in which registries under test keep what they are told. */
export interface RegistryPlace {
  /** A registry of the place: it knows what the others of it do. */
  connect(): WorkerRegistry;
  /** Removes the place, and closes what was connected to it. */
  remove(): void;
}

const onLinux = process.platform === 'linux' ? it : it.skip;

const entryOf = (id: string, more: Partial<WorkerEntry> = {}): WorkerEntry => ({
  id,
  marker: `h/${id}`,
  folder: `/nowhere/${id}`,
  sharedFolder: `/nowhere/shared/${id}`,
  pid: null,
  started: null,
  ...more,
});

/** What every registry of workers must do. */
export function workerRegistryContract(name: string, make: () => RegistryPlace): void {
  describe(`The worker registry ${name}`, function () {
    this.timeout(60_000);
    let place: RegistryPlace;
    let registry: WorkerRegistry;
    const living = { id: 'h', process: thisProcess() };
    const dead = { ...living.process, started: '1' };

    beforeEach(() => {
      place = make();
      registry = place.connect();
    });
    afterEach(() => place.remove());

    /** What another one reads, by id. */
    const read = async (): Promise<readonly RegisteredHost[]> =>
      [...(await place.connect().hosts())].sort((one, other) => one.id.localeCompare(other.id));
    const workersOf = async (): Promise<readonly string[]> =>
      (await read()).flatMap(({ id, workers }) => workers.map((worker) => `${id}/${worker.id}`)).sort();

    describe('remembers', () => {
      it('nothing where nothing was written down', async () => {
        expect(await registry.hosts()).to.deep.equal([]);
      });

      it('a host, and its workers as they were written down last', async () => {
        await registry.register(living);
        expect(await read()).to.deep.equal([{ ...living, workers: [], claimedBy: null }]);
        await registry.keep('h', entryOf('w'));
        expect(await read()).to.deep.equal([{ ...living, workers: [entryOf('w')], claimedBy: null }]);
        const started = entryOf('w', { pid: 4_711, started: '123' });
        await registry.keep('h', started);
        expect(await read()).to.deep.equal([{ ...living, workers: [started], claimedBy: null }]);
      });

      it('hosts apart from each other', async () => {
        await registry.register(living);
        await registry.register({ id: 'other', process: dead });
        for (const [host, worker] of [
          ['h', 'a'],
          ['h', 'b'],
          ['other', 'a'],
        ] as const)
          await registry.keep(host, entryOf(worker));
        await registry.forget('h', 'a');
        expect(await workersOf()).to.deep.equal(['h/b', 'other/a']);
        await registry.remove('other', null);
        expect(await workersOf()).to.deep.equal(['h/b']);
      });

      it('a host that is registered again as it was', async () => {
        await registry.register(living);
        await registry.keep('h', entryOf('w'));
        await registry.register(living);
        expect(await workersOf()).to.deep.equal(['h/w']);
      });

      it('no worker of a host that has been removed, and forgets nothing twice', async () => {
        await registry.register(living);
        await registry.keep('h', entryOf('w'));
        await registry.forget('h', 'never');
        await registry.remove('never', null);
        await registry.remove('h', null);
        await registry.remove('h', null);
        await registry.forget('h', 'w');
        expect(await read()).to.deep.equal([]);
        await registry.register(living);
        expect(await workersOf()).to.deep.equal([]);
      });
    });

    describe('lets a host be claimed', () => {
      beforeEach(async () => {
        await registry.register(living);
        await registry.keep('h', entryOf('w'));
      });

      it('by one of several that ask at the same time', async () => {
        const all = ['a', 'b', 'c', 'd'];
        const told = await Promise.all(all.map((by) => place.connect().claim('h', by, null)));
        expect(told.filter((may) => may)).to.have.length(1);
        const claimedBy = all[told.indexOf(true)];
        expect(await read()).to.deep.equal([{ ...living, workers: [entryOf('w')], claimedBy }]);
      });

      it('from one that has it, by whoever knows which that is', async () => {
        expect(await registry.claim('h', 'a', null)).to.equal(true);
        expect(await registry.claim('h', 'b', null)).to.equal(false);
        expect(await registry.claim('h', 'b', 'c')).to.equal(false);
        expect(await registry.claim('h', 'b', 'a')).to.equal(true);
        expect(await registry.claim('h', 'c', 'a')).to.equal(false);
        expect((await read()).map(({ claimedBy }) => claimedBy)).to.deep.equal(['b']);
      });

      it('not where there is none', async () => {
        expect(await registry.claim('never', 'a', null)).to.equal(false);
        await registry.remove('h', null);
        expect(await registry.claim('h', 'a', null)).to.equal(false);
        expect(await read()).to.deep.equal([]);
      });

      it('and is removed by the one that has it', async () => {
        await registry.claim('h', 'a', null);
        await registry.remove('h', null);
        await registry.remove('h', 'b');
        expect(await workersOf()).to.deep.equal(['h/w']);
        await registry.remove('h', 'a');
        expect(await read()).to.deep.equal([]);
      });
    });

    describe('serves hosts', () => {
      let dataFolder: string;
      let bystanders: ChildProcess[];
      beforeEach(() => {
        dataFolder = mkdtempSync(join(tmpdir(), 'lockstep-registry-'));
        bystanders = [];
      });
      afterEach(() => {
        for (const each of bystanders) each.kill('SIGKILL');
        rmSync(dataFolder, { recursive: true });
      });

      const open = (own = place.connect()): ProcessManager =>
        new ProcessManager(checkProcessOptions({ registry: own, dataFolder }));

      /** A process as a worker leaves one behind: it leads its group. */
      function left(marker: string | undefined): { readonly pid: number; readonly started: string | null } {
        const env = { PATH: process.env.PATH, ...(marker !== undefined && { LOCKSTEP_WORKER: marker }) };
        const child = spawn('sleep', ['600'], { env, detached: true, stdio: 'ignore' });
        bystanders.push(child);
        const pid = child.pid ?? 0;
        return { pid, started: startOf(pid) };
      }

      it('that write down each worker before it is started and when it is there, and forget it when it has ended', async () => {
        const kept: (readonly [pid: number | null, isStarted: boolean])[] = [];
        const watched: WorkerRegistry = {
          register: (host) => registry.register(host),
          keep: (host, worker) => {
            kept.push([worker.pid, manager.workers.length > 0]);
            return registry.keep(host, worker);
          },
          forget: (host, worker) => registry.forget(host, worker),
          hosts: () => registry.hosts(),
          claim: (host, by, was) => registry.claim(host, by, was),
          remove: (host, claimedBy) => registry.remove(host, claimedBy),
        };
        const manager = open(watched);
        const worker = await manager.start(workerProgram((await preparedPython()).path, ['ready', 'wait']));
        expect(kept).to.deep.equal([
          [null, false],
          [worker.pid, true],
        ]);
        const [host] = await read();
        expect(host?.process).to.deep.equal(thisProcess());
        expect(host?.workers.map(({ id, pid, started, marker }) => [id, pid, started, marker])).to.deep.equal([
          [worker.id, worker.pid, worker.started, `${host?.id}/${worker.id}`],
        ]);
        await worker.stop();
        await manager.close();
        expect(await read()).to.deep.equal([]);
      });

      onLinux('that end what is left of one that was killed, once, and nothing else', async () => {
        const [worker, stray] = [left('dead/w'), left('dead/w')];
        const others = [left(undefined), left('dead/w2'), left('h/w')];
        await registry.register({ id: 'dead', process: dead });
        await registry.keep('dead', entryOf('w', { marker: 'dead/w', ...worker }));
        // Numbers that are those of other processes today: with another start, and with the same and no marker of it.
        await registry.keep('dead', entryOf('x', { marker: 'dead/x', pid: others[0]?.pid ?? null, started: '1' }));
        await registry.keep('dead', entryOf('y', { marker: 'dead/y', ...(others[1] as typeof worker) }));
        await registry.register(living);
        await registry.keep('h', entryOf('w', { marker: 'h/w', ...(others[2] as typeof worker) }));
        await registry.register({ id: 'far', process: { ...dead, machine: 'elsewhere' } });
        const hosts = [open(), open(), open()];
        const reports = await Promise.all(hosts.map((host) => host.open()));
        expect(reports.map((report) => report.hosts).toSorted()).to.deep.equal([0, 0, 1]);
        expect(reports.flatMap(({ killed }) => killed).toSorted()).to.deep.equal([worker.pid, stray.pid].toSorted());
        expect([worker, stray].every(({ pid }) => isGone(pid))).to.equal(true);
        expect(others.some(({ pid }) => isGone(pid))).to.equal(false);
        await Promise.all(hosts.map((host) => host.close()));
        expect((await read()).map(({ id }) => id)).to.deep.equal(['far', 'h']);
      });

      onLinux('that take over from one that was killed while it did so, and from none that lives', async () => {
        const worker = left('dead/w');
        await registry.register({ id: 'dead', process: dead });
        await registry.keep('dead', entryOf('w', { marker: 'dead/w', ...worker }));
        await registry.register(living);
        await registry.claim('dead', 'h', null);
        await using first = open();
        expect(await first.open()).to.deep.equal({ hosts: 0, killed: [] });
        expect(isGone(worker.pid)).to.equal(false);
        await registry.remove('h', null);
        await using second = open();
        expect(await second.open()).to.deep.equal({ hosts: 1, killed: [worker.pid] });
      });
    });
  });
}
