import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { LockstepError } from '../../src/base/errors.js';
import { LONGEST_LINE, type OutputLine } from '../../src/plugins/python/process/output-lines.js';
import { rejection } from '../support/caught.js';
import { preparedPython } from '../support/python-environment.js';
import { groupOf, hostFiles, isGone, TemporaryFolder, TestHost } from '../support/python-workers.js';
import { until } from '../support/until.js';

const onLinux = process.platform === 'linux' ? it : it.skip;

describe('A worker process', function () {
  this.timeout(60_000);
  let python: string;
  let host: TestHost;
  let temporary: TemporaryFolder;

  before(async () => {
    python = (await preparedPython()).path;
  });
  beforeEach(() => {
    temporary = new TemporaryFolder();
    host = new TestHost(python);
  });
  afterEach(async () => {
    await host.remove();
    const left = temporary.workerFolders;
    temporary.remove();
    expect(left).to.deep.equal([]);
  });

  /** A host whose workers have other limits. */
  async function limited(options: { startTimeoutMs?: number; gracefulShutdownTimeoutMs?: number }): Promise<void> {
    await host.remove();
    host = new TestHost(python, options);
  }

  describe('that starts', () => {
    it('is ready when it says so, and is the process that was started', async () => {
      const worker = await host.start('say=hello', 'ready=now', 'wait');
      expect(worker.state).to.deep.equal({ is: 'ready', message: { pid: worker.pid, said: 'now' } });
      expect(host.manager.workers).to.deep.equal([worker]);
    });

    it('is waited for while it is slow', async () => {
      const file = join(host.dataFolder, 'go');
      const start = host.start('say=starting', `await-file=${file}`, 'ready', 'wait');
      await until(() => host.said.length > 0);
      expect(host.manager.workers[0]?.state).to.deep.equal({ is: 'starting' });
      writeFileSync(file, '');
      expect((await start).state.is).to.equal('ready');
    });

    it('is given few variables of this process, its marker, and those of the options', async () => {
      await host.remove();
      host = new TestHost(python, { env: { GREETING: 'hello' } });
      process.env.PYTHONPATH = '/nowhere';
      process.env.A_SECRET = 'x';
      try {
        const worker = await host.start('variables', 'ready', 'wait');
        await until(() => host.said.length > 0);
        const variables = host.said[0]?.variables as Readonly<Record<string, string>>;
        expect(variables).to.include({ GREETING: 'hello', PYTHONUNBUFFERED: '1', PATH: process.env.PATH });
        expect(variables).to.not.have.any.keys('PYTHONPATH', 'A_SECRET');
        expect(variables.LOCKSTEP_WORKER).to.match(new RegExp(`^[0-9a-f-]{36}/${worker.id}$`));
      } finally {
        delete process.env.PYTHONPATH;
        delete process.env.A_SECRET;
      }
    });

    async function failure(...words: readonly string[]): Promise<LockstepError> {
      const error = await rejection(host.start(...words));
      expect(error.code).to.equal('WORKER_START_FAILED');
      expect(host.manager.workers).to.deep.equal([]);
      return error;
    }

    it('and dies is an error with its exit code and its last line', async () => {
      const error = await failure('say=starting', 'complain=no such model', 'exit=3');
      expect(error.message).to.include('ended with code 3 before it was ready. Its last line: no such model');
      expect((error.value as OutputLine[]).map(({ stream, text }) => [stream, text])).to.have.deep.members([
        ['stdout', '{"said": "starting"}'],
        ['stderr', 'no such model'],
      ]);
    });

    it('and crashes is an error with its signal', async () => {
      expect((await failure('signal=SIGSEGV')).message).to.include('was ended by SIGSEGV before it was ready.');
    });

    onLinux('and hangs is killed when its time is over, with what it has started', async () => {
      await limited({ startTimeoutMs: 1_500 });
      const error = await failure('ignore-term', 'stubborn-child', 'half-ready', 'hold-interpreter');
      expect(error.message).to.include('was not ready within 1500 ms.');
      await until(() => isGone(host.pidOf('stubborn-child')));
    });

    it('and is not wanted any more is killed', async () => {
      const controller = new AbortController();
      const start = host.manager.start(host.program('child', 'wait'), controller.signal);
      await until(() => host.said.length > 0);
      const reason = new Error('enough');
      controller.abort(reason);
      expect(await start.catch((error: unknown) => error)).to.equal(reason);
      await until(() => isGone(host.pidOf('child')));
      expect(host.manager.workers).to.deep.equal([]);
      const late = host.manager.start(host.program('wait'), controller.signal);
      expect(await late.catch((error: unknown) => error)).to.equal(reason);
    });

    it('cannot be a program that is not there', async () => {
      const { message } = await rejection(host.manager.start({ program: '/no/such/python', args: () => [] }));
      expect(message).to.match(
        /^\/no\/such\/python ended with code 127 before it was ready\. Its last line: .*not found/,
      );
    });

    it('can be started once its data folder can be written', async () => {
      const file = join(host.dataFolder, 'python');
      writeFileSync(file, '');
      expect(await rejection(host.start('ready', 'wait'))).to.include({
        code: 'FILE_UNWRITABLE',
        at: join(host.dataFolder, 'python/hosts'),
      });
      rmSync(file);
      expect((await host.start('ready', 'wait')).state.is).to.equal('ready');
    });

    it('cannot be given what no program can be given', async () => {
      const start = host.manager.start({ program: python, args: () => ['a\0b'] });
      expect(await start.catch((error: unknown) => (error as NodeJS.ErrnoException).code)).to.equal(
        'ERR_INVALID_ARG_VALUE',
      );
      expect(host.manager.workers).to.deep.equal([]);
    });
  });

  describe('that writes', () => {
    /** All that was written to a stream, put together again. */
    const written = (stream: string): string =>
      host.lines
        .filter((line) => line.stream === stream)
        .map(({ text, continues }) => (continues ? text : `${text}\n`))
        .join('');

    const isRead = (stream: string): boolean => written(stream).length >= 2 ** 20 - LONGEST_LINE;
    const garbage = '\ufffd\ufffd{\0'.repeat(2 ** 18);

    it('a megabyte of garbage before it is ready becomes ready, and nothing is lost', async () => {
      const worker = await host.start('garbage', 'ready', 'wait');
      // The last piece is told when its line ends, or the stream.
      await until(() => isRead('stdout') && isRead('stderr'));
      expect(host.lines.every(({ text }) => text.length <= LONGEST_LINE)).to.equal(true);
      await worker.stop();
      for (const stream of ['stdout', 'stderr']) expect(written(stream) === `${garbage}\n`, stream).to.equal(true);
      expect(worker.lastLines).to.have.length(50);
    });

    it('a megabyte of garbage when it is ready is not disturbed by it', async () => {
      const worker = await host.start('ready', 'garbage', 'say=still here', 'wait');
      await until(() => written('stdout').includes('still here') && isRead('stderr'));
      expect(worker.state.is).to.equal('ready');
    });

    it('a megabyte of garbage while it is stopped ends, and is read to its end', async () => {
      const worker = await host.start('garbage-on-term', 'ready', 'wait');
      expect(await worker.stop()).to.deep.equal({ how: 'stopped', forced: false });
      for (const stream of ['stdout', 'stderr']) expect(written(stream) === `${garbage}\n`, stream).to.equal(true);
    });

    it('lines is heard line by line', async () => {
      const worker = await host.start('complain=one\ntwo\r\n\nthree', 'ready', 'wait');
      await until(() => host.lines.length === 4);
      expect(host.lines.map(({ text }) => text)).to.deep.equal(['one', 'two', '', 'three']);
      expect(worker.lastLines).to.deep.equal(host.lines);
    });
  });

  describe('that ends', () => {
    it('by itself says how', async () => {
      const go = join(host.dataFolder, 'go');
      const workers = await Promise.all(
        ['exit=0', 'exit=5', 'signal=SIGABRT', 'signal=SIGKILL'].map((end) =>
          host.start('ready', `await-file=${go}`, end),
        ),
      );
      writeFileSync(go, '');
      expect(await Promise.all(workers.map(({ ended }) => ended))).to.deep.equal([
        { how: 'exited', code: 0 },
        { how: 'exited', code: 5 },
        { how: 'killed', signal: 'SIGABRT' },
        { how: 'killed', signal: 'SIGKILL' },
      ]);
      expect(workers[1]?.state).to.deep.equal({ is: 'ended', exit: { how: 'exited', code: 5 } });
    });

    onLinux('takes with it what it has started', async () => {
      const worker = await host.start('child', 'stubborn-child', 'ready', 'wait');
      const { pid } = worker;
      process.kill(pid ?? 0, 'SIGKILL');
      expect(await worker.ended).to.deep.equal({ how: 'killed', signal: 'SIGKILL' });
      await until(() => groupOf(pid ?? 0).length === 0);
      expect(isGone(host.pidOf('child')) && isGone(host.pidOf('stubborn-child'))).to.equal(true);
    });

    it('has ended although one that has left its group holds its output', async () => {
      const worker = await host.start('runaway-child', 'ready', 'wait');
      expect(await worker.stop()).to.deep.equal({ how: 'stopped', forced: false });
    });

    onLinux('has taken with it what has left its group once its host has closed', async () => {
      const worker = await host.start('runaway-child', 'ready', 'wait');
      const runaway = host.pidOf('runaway-child');
      expect(isGone(runaway)).to.equal(false);
      await worker.stop();
      await host.manager.close();
      expect(isGone(runaway)).to.equal(true);
    });
  });

  describe('that is stopped', () => {
    it('may end what it does', async () => {
      const worker = await host.start('on-term=bye', 'ready', 'wait');
      const [one, other] = await Promise.all([worker.stop(), worker.stop()]);
      expect(one).to.deep.equal({ how: 'stopped', forced: false });
      expect(other).to.equal(one);
      expect(host.lines.at(-1)?.text).to.equal('bye');
    });

    onLinux('and ignores it is killed when its time is over, with what it has started', async () => {
      await limited({ gracefulShutdownTimeoutMs: 300 });
      const worker = await host.start('ignore-term', 'stubborn-child', 'ready', 'hold-interpreter');
      await until(() => host.said.some(({ holding }) => holding === true));
      const before = performance.now();
      expect(await worker.stop()).to.deep.equal({ how: 'stopped', forced: true });
      expect(performance.now() - before).to.be.at.least(300);
      await until(() => isGone(host.pidOf('stubborn-child')));
    });

    it('and hangs under SIGSTOP is killed when its time is over', async () => {
      await limited({ gracefulShutdownTimeoutMs: 300 });
      const worker = await host.start('on-term=bye', 'ready', 'wait');
      process.kill(worker.pid ?? 0, 'SIGSTOP');
      expect(await worker.stop()).to.deep.equal({ how: 'stopped', forced: true });
    });

    it('by closing its host is stopped with all others, and none can be started', async () => {
      const workers = await Promise.all([1, 2, 3].map(() => host.start('ready', 'wait')));
      const starting = rejection(host.start('wait'));
      await until(() => host.manager.workers.length === 4);
      await Promise.all([host.manager.close(), host.manager.close()]);
      expect(workers.map(({ state }) => state)).to.deep.equal(
        workers.map(() => ({ is: 'ended', exit: { how: 'stopped', forced: false } })),
      );
      expect(await starting).to.include({ code: 'WORKER_START_FAILED' });
      expect(await rejection(host.start('ready'))).to.include({ code: 'WORKER_STOPPED' });
      expect(hostFiles(host.dataFolder)).to.deep.equal([]);
    });
  });
});
