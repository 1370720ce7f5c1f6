import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from '../measure.js';
import { pythonForBenchmarks, workerForBenchmarks } from '../python.js';
import type { Row, Scenario } from '../scenario.js';

const ZYGOTE = fileURLToPath(new URL('../../../benchmarks/limits/python_zygote.py', import.meta.url));

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) * 1e6;
}

/**
 * From nothing to a worker that takes calls: with the compiled files of Python there (warm) and without (cold). The limit is a Python that imports
 * grpc and ends. Beside it what a fork of a process that has imported it would take until it serves. Wall time, medians.
 */
export const scenario: Scenario = {
  title: 'start of a Python worker',
  sizes: [1],
  ciSizes: [1],
  async measure(size, { rounds }) {
    const python = await pythonForBenchmarks();
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-start-'));
    const zygote = spawn(python, [ZYGOTE], { stdio: ['pipe', 'pipe', 'inherit'] });
    const forked = async (round: number): Promise<void> => {
      const told = once(zygote.stdout, 'data');
      zygote.stdin.write(`${join(folder, String(round))}\n`);
      const [pid] = await told;
      process.kill(Number(String(pid)), 'SIGKILL');
    };
    /** Nanoseconds until a worker has answered. */
    const started = async (env: Readonly<Record<string, string>>): Promise<number> => {
      const start = performance.now();
      await using worker = await workerForBenchmarks({ env });
      await worker.execute('ping');
      return (performance.now() - start) * 1e6;
    };
    const times: [number[], number[], number[], number[]] = [[], [], [], []];
    await started({});
    for (let round = 0; round < rounds; round++) {
      times[0].push(await timed(async () => spawnSync(python, ['-I', '-c', 'import grpc'])));
      times[1].push(await started({ PYTHONPYCACHEPREFIX: join(folder, `cache-${round}`) }));
      times[2].push(await started({}));
      times[3].push(await timed(() => forked(round)));
    }
    zygote.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    const [bare, cold, warm, fork] = times;
    const row = (what: string, ours: number[], note: string): Row => ({
      what,
      size,
      unit: 'ns',
      limit: median(bare),
      ours: median(ours),
      ratio: median(ours) / median(bare),
      medianRatio: median(ours) / median(bare),
      budget: undefined,
      note: `wall time; ${note}`,
    });
    return [
      row('start of a python worker, cold, to its first answer', cold, 'nothing compiled; limit: import grpc'),
      row('start of a python worker, warm, to its first answer', warm, 'limit: import grpc'),
      row('fork of a zygote that serves', fork, 'no worker of ours: what one could gain'),
    ];
  },
};
