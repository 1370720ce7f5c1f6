import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { checkProcessOptions } from '../../src/plugins/python/check-options.js';
import { ProcessManager } from '../../src/plugins/python/process/process-manager.js';
import { preparedPython } from '../support/python-environment.js';
import { workerEntries } from '../support/python-worker.js';
import { isGone } from '../support/python-workers.js';
import { until } from '../support/until.js';

const PROGRAM = fileURLToPath(new URL('../support/worker-host-process.js', import.meta.url));

interface Answer {
  readonly isSame: boolean;
  readonly pid: number;
  readonly id: string;
}

/** Starts a host with workers, and waits for what they answer. */
async function hostOf(
  count: number,
  dataFolder: string,
): Promise<{ child: ChildProcessWithoutNullStreams; answers: readonly Answer[] }> {
  const { NODE_V8_COVERAGE: _, ...env } = process.env;
  // What a host that is killed leaves behind is removed with the folder.
  const child = spawn(process.execPath, [PROGRAM, String(count), dataFolder], { env: { ...env, TMPDIR: dataFolder } });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  await until(() => output.endsWith('\n') || child.exitCode !== null, 60_000);
  if (!output.endsWith('\n')) throw new Error(errors);
  return { child, answers: JSON.parse(output) as readonly Answer[] };
}

describe('Sixteen workers of two hosts', function () {
  this.timeout(120_000);
  let dataFolder: string;
  before(async () => {
    await preparedPython();
    dataFolder = mkdtempSync(join(tmpdir(), 'lockstep-hosts-'));
  });
  after(() => rmSync(dataFolder, { recursive: true }));

  it('answer side by side, and end with their host, however that ends', async () => {
    const [killed, closed] = await Promise.all([hostOf(8, dataFolder), hostOf(8, dataFolder)]);
    const all = [...killed.answers, ...closed.answers];
    expect(all.filter(({ isSame }) => isSame)).to.have.length(16);
    expect(new Set(all.map(({ id }) => id)).size).to.equal(16);
    expect(new Set(all.map(({ pid }) => pid)).size).to.equal(16);
    const folders = workerEntries(dataFolder).flatMap(({ folder, sharedFolder }) => [folder, sharedFolder]);
    expect(folders.filter((folder) => existsSync(folder))).to.have.length(32);
    killed.child.kill('SIGKILL');
    await until(() => killed.answers.every(({ pid }) => isGone(pid)));
    // Those of the other host are not touched.
    expect(closed.answers.some(({ pid }) => isGone(pid))).to.equal(false);
    const end = once(closed.child, 'exit');
    closed.child.stdin.end();
    expect((await end)[0]).to.equal(0);
    expect(closed.answers.every(({ pid }) => isGone(pid))).to.equal(true);
    // What the one that was killed could not clear away, the next one does.
    await using next = new ProcessManager(checkProcessOptions({ dataFolder }));
    expect((await next.open()).hosts).to.equal(8);
    expect(folders.filter((folder) => existsSync(folder))).to.deep.equal([]);
  });
});
