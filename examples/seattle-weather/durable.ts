import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { LocalRuntime, type RunResult } from 'lockstep';
import { sqliteEventStore } from 'lockstep/sqlite';
import { workers } from './python.js';
import { seattleWeather } from './workflow.js';

const STORE = '.lockstep/seattle-weather.db';
const KILLED = fileURLToPath(new URL('./killed.js', import.meta.url));
/** In the middle of the fit. */
const LAST_EVENT = 250;

/** What became of every node and cycle, without what a crash may change: attempts that were made again. */
function courseOf(run: RunResult) {
  return {
    status: run.status,
    output: run.output,
    nodes: [...run.nodes.values()].map(({ id, status, reason, visits }) => ({ id, status, reason, visits })),
    cycles: [...run.cycles.values()].map(({ id, iterations, reason, history }) => ({
      id,
      iterations,
      reason,
      history,
    })),
  };
}

/**
 * Runs the workflow in another process, which is killed in the middle, and goes on with it here, in the other runtime.
 *
 * @returns in words, what happened; whether it came to what it should have come to
 */
export function killAndResume(file: string, expected: RunResult): { readonly text: string; readonly same: boolean } {
  mkdirSync('.lockstep', { recursive: true });
  for (const part of ['', '-wal', '-shm', '-head']) rmSync(`${STORE}${part}`, { force: true });
  const { signal, stderr } = spawnSync(process.execPath, [KILLED, STORE, file, String(LAST_EVENT)], {
    encoding: 'utf8',
  });
  if (signal !== 'SIGKILL') throw new Error(`The other process was not killed: ${stderr}`);
  using runtime = new LocalRuntime({
    plugins: [sqliteEventStore({ file: STORE }), workers()],
    workflows: [seattleWeather],
  });
  const before = runtime.runs().find(({ runId }) => runId === 'killed');
  const run = runtime.resume('killed');
  const same = isDeepStrictEqual(courseOf(run), courseOf(expected));
  const text = [
    `A process was killed (SIGKILL) after ${before?.events} recorded events, in the middle of the fit …`,
    `… and the run was resumed here: ${run.status}, ${run.cycle('fit').iterations} iterations, ${run.receipt?.events} more events.`,
  ].join('\n');
  return { text, same };
}
