import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { isDead, thisProcess } from '../../../src/plugins/process-identity.js';

const onLinux = process.platform === 'linux' ? it : it.skip;

describe('The identity of a process', () => {
  it('tells that this one lives, and one that has ended does not', async () => {
    expect(isDead(thisProcess())).to.equal(false);
    const child = spawn(process.execPath, ['--eval', '']);
    const { pid = 0 } = child;
    await once(child, 'exit');
    expect(isDead({ pid, started: null })).to.equal(true);
  });

  onLinux('tells a process from another one that has its number now', () => {
    const self = thisProcess();
    expect(self.started).to.match(/^\d+$/);
    expect(isDead({ ...self, started: `${self.started}0` })).to.equal(true);
    expect(isDead({ ...self, started: null })).to.equal(false);
  });

  onLinux('takes one that has ended for dead although its parent has not looked', async () => {
    // The shell becomes a process that knows nothing of the child it has.
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    const until = Date.now() + 10_000;
    while (!isDead({ pid: Number(line), started: null }) && Date.now() < until)
      await new Promise((resolve) => setImmediate(resolve));
    expect(isDead({ pid: Number(line), started: null })).to.equal(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  });

  it('takes one that cannot be looked at for one that lives', () => {
    // Number 0 can be signalled, as the group of this process, and has no state.
    expect(isDead({ pid: 0, started: '1' })).to.equal(false);
  });

  onLinux('names its machine so that another boot of it is another one', () => {
    const { host, machine } = thisProcess();
    expect(machine).to.match(new RegExp(`^${host} [0-9a-f-]{36} pid:\\[\\d+\\]$`));
  });
});
