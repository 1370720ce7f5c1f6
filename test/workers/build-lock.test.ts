import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { thisProcess } from '../../src/plugins/process-identity.js';
import { takeBuildLock } from '../../src/plugins/python/environment/build-lock.js';

describe('The lock of an environment that is being made', () => {
  let folder: string;
  let file: string;
  let waited: number[];
  const waiting = ({ pid }: { readonly pid: number }): number => waited.push(pid);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lockstep-lock-'));
    [file, waited] = [join(folder, 'a.lock'), []];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is held by one at a time, and the next is told once who it waits for', async () => {
    const first = await takeBuildLock(file, { waiting });
    const order: string[] = [];
    const second = takeBuildLock(file, { waiting }).then((lock) => {
      order.push('taken');
      return lock;
    });
    const third = new AbortController();
    const reason = new Error('enough');
    const gaveUp = takeBuildLock(file, { waiting, signal: third.signal }).catch((error: unknown) => error);
    third.abort(reason);
    expect(await gaveUp).to.equal(reason);
    order.push('released');
    first.release();
    (await second).release();
    expect(order).to.deep.equal(['released', 'taken']);
    expect(waited).to.deep.equal([process.pid, process.pid]);
    expect(existsSync(file)).to.equal(false);
  });

  it('is taken from a process that has ended', async () => {
    const child = spawn(process.execPath, ['--eval', '']);
    const { pid = 0 } = child;
    await once(child, 'exit');
    writeFileSync(file, JSON.stringify({ ...thisProcess(), pid }));
    const lock = await takeBuildLock(file, { waiting });
    lock.release();
    expect(waited).to.deep.equal([]);
  });

  it('is taken from a process on another machine that shows no sign of life', async () => {
    writeFileSync(file, JSON.stringify({ ...thisProcess(), machine: 'elsewhere' }));
    const lock = await takeBuildLock(file, { waiting, silenceMs: 300 });
    lock.release();
    expect(waited).to.deep.equal([process.pid]);
  });
});
