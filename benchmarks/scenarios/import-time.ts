import { spawnSync } from 'node:child_process';
import { BUDGETS } from '../budgets.js';
import { median } from '../measure.js';
import type { Effort, Scenario } from '../scenario.js';

/** Nanoseconds of processor time that a fresh process takes to import a module, as it sees them itself. */
function importOnce(url: string): number {
  const program = `
    const from = process.cpuUsage();
    await import('${url}');
    const { user, system } = process.cpuUsage(from);
    console.log(user + system);
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  const took = Number(stdout);
  if (stdout === '' || Number.isNaN(took)) throw new Error(`${url} could not be imported: ${stderr}`);
  return took * 1e3;
}

/** Importing the package as it is published against importing the four packages that it needs, in fresh processes that take turns. */
export const scenario: Scenario = {
  title: 'import',
  sizes: [1],
  ciSizes: [1],
  async measure(size, { rounds }: Effort) {
    const urls = [new URL('../limits/import.js', import.meta.url).href, import.meta.resolve('lockstep')];
    const times: number[][] = urls.map(() => []);
    for (const url of urls) importOnce(url);
    for (let round = 0; round < rounds; round++) {
      for (const [index, url] of urls.entries()) (times[index] as number[]).push(importOnce(url));
    }
    const [limit, ours] = times as [number[], number[]];
    // The median: each process is a first time, so there is no best of many to look for.
    const ratio = median(ours) / median(limit);
    return [
      {
        what: 'import, fresh process',
        size,
        unit: 'ns',
        limit: median(limit),
        ours: median(ours),
        ratio,
        medianRatio: ratio,
        budget: { kind: 'ratio', most: BUDGETS.importTime },
        note: `least of all: ${(Math.min(...ours) / Math.min(...limit)).toFixed(2)}x`,
      },
    ];
  },
};
