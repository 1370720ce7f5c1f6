import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { classifyExit, countMemoryKills, exitText } from '../../src/plugins/python/process/worker-exit.js';

const UNKNOWN = [undefined, undefined] as const;

describe('How a worker ended', () => {
  it('is by itself with a code, or by a signal, unless it was asked to', () => {
    const exit = { code: 3, signal: null, asked: 'not', memoryKills: UNKNOWN } as const;
    const killed = { ...exit, code: null, signal: 'SIGKILL' } as const;
    expect([
      classifyExit(exit),
      classifyExit(killed),
      classifyExit({ ...exit, asked: 'to stop' }),
      classifyExit({ ...killed, asked: 'forced' }),
    ]).to.deep.equal([
      { how: 'exited', code: 3 },
      { how: 'killed', signal: 'SIGKILL' },
      { how: 'stopped', forced: false },
      { how: 'stopped', forced: true },
    ]);
  });

  it('is for want of memory where the system has killed for it meanwhile', () => {
    const killed = { code: null, signal: 'SIGKILL', asked: 'not' } as const;
    expect(classifyExit({ ...killed, memoryKills: [2, 3] })).to.deep.equal({ how: 'out of memory' });
    for (const memoryKills of [
      [3, 3],
      [undefined, 3],
      [3, undefined],
    ] as const)
      expect(classifyExit({ ...killed, memoryKills })).to.deep.equal({ how: 'killed', signal: 'SIGKILL' });
    expect(classifyExit({ ...killed, signal: 'SIGSEGV', memoryKills: [2, 3] })).to.include({ signal: 'SIGSEGV' });
  });

  it('can be said in a sentence', () => {
    expect([
      exitText({ how: 'exited', code: 3 }),
      exitText({ how: 'killed', signal: 'SIGSEGV' }),
      exitText({ how: 'out of memory' }),
      exitText({ how: 'stopped', forced: true }),
      exitText({ how: 'stopped', forced: false }),
    ]).to.deep.equal([
      'ended with code 3',
      'was ended by SIGSEGV',
      'was killed by the system, which had no memory left',
      'was stopped by force',
      'was stopped',
    ]);
  });
});

describe('The count of processes killed for want of memory', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'lockstep-root-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function write(name: string, text: string): void {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }

  it('is that of the control group, version 2', () => {
    write('proc/self/cgroup', '0::/user.slice/app\n');
    write('sys/fs/cgroup/user.slice/app/memory.events', 'low 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n');
    expect(countMemoryKills(root)).to.equal(2);
  });

  it('is that of the control group, version 1', () => {
    write('proc/self/cgroup', '9:name=systemd:/\n4:cpu,memory:/app\n0::/\n');
    write('sys/fs/cgroup/memory/app/memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 5\n');
    expect(countMemoryKills(root)).to.equal(5);
  });

  it('is unknown where the system does not say', () => {
    expect(countMemoryKills(root)).to.equal(undefined);
    write('proc/self/cgroup', '0::/app\n');
    write('sys/fs/cgroup/app/memory.events', 'low 0\n');
    expect(countMemoryKills(root)).to.equal(undefined);
  });
});
