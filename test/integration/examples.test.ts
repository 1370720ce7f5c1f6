import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type PackedProject, packedProject, sourcesOf } from '../support/packed-project.js';
import { preparedEnvironment } from '../support/python-environment.js';

describe('The examples', function () {
  this.timeout(120_000);
  let project: PackedProject;

  before(async () => {
    project = await packedProject();
    for (const name of ['ten-line-plugin', 'seattle-weather']) project.add(name, sourcesOf(`examples/${name}`));
  });

  it('ten-line-plugin installs its plugin, and what it heard is read through its token', async () => {
    expect(await project.compile('ten-line-plugin')).to.deep.equal({ code: 0, stdout: '', stderr: '' });
    const { code, stdout } = await project.run('ten-line-plugin/build/main.js');
    expect(stdout.split('\n')).to.deep.equal([
      '84',
      'source failed: attempt 1 went wrong',
      'source failed: attempt 2 went wrong',
      'source completed',
      'double completed',
      '',
    ]);
    expect(code).to.equal(0);
  });

  it('seattle-weather runs in both runtimes, from any folder, is killed and resumed, and reports what is true of the table', async () => {
    expect(await project.compile('seattle-weather')).to.deep.equal({ code: 0, stdout: '', stderr: '' });
    const elsewhere = mkdtempSync(join(tmpdir(), 'lockstep-demo-'));
    const VIRTUAL_ENV = await preparedEnvironment('numpy');
    const { code, stdout, stderr } = await project.run('seattle-weather/build/main.js', elsewhere, { VIRTUAL_ENV });
    const page = join(elsewhere, '.lockstep', 'seattle-weather.html');
    expect(readFileSync(page, 'utf8')).to.contain('<title>seattle-weather: completed</title>');
    rmSync(elsewhere, { recursive: true });
    expect(stderr).to.equal('');
    expect(code).to.equal(0);
    const lines = stdout.split('\n');
    const count = (text: string) => lines.filter((line) => line.includes(text)).length;
    expect(count('fallback   skipped    -       0         -         the branch was not taken')).to.equal(2);
    expect(count('cycle fit: 166 iterations, stopped: converged')).to.equal(2);
    expect(count("Newton's method, in Python with numpy, finds the same weights in 6 steps.")).to.equal(1);
    expect(count('descend 20 of at most 500, loss 0.539888')).to.equal(2);
    expect(count('1461 days, 0 rows dropped.')).to.equal(1);
    expect(count('It rained on 623 days (42.6 %).')).to.equal(1);
    expect(count('The two runtimes agree: output, statuses, reasons')).to.equal(1);
    expect(count('seattle-weather.html: open it in a browser.')).to.equal(1);
    expect(count('A process was killed (SIGKILL) after ')).to.equal(1);
    expect(count('the run was resumed here: completed, 166 iterations')).to.equal(1);
    expect(count('So does the run that was killed.')).to.equal(1);
    expect(stdout).to.not.contain('\r');
  });
});
