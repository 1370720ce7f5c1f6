import { seededRandom } from '../../src/testing/seeded.js';
import { CRASH_FLOWS, type CrashFlow } from '../support/crash-flows.js';
import type { CrashMoment } from '../support/crash-process.js';
import { CRASH_RUNTIMES, type CrashRuntime } from '../support/crash-run.js';
import {
  crash,
  resumeInProcess,
  type Trial,
  twoAtATime,
  type Undisturbed,
  undisturbed,
} from '../support/crash-trial.js';

/** `npm run test:crash` tries more: it takes minutes. */
const ALL = process.env.LOCKSTEP_CRASH === 'all';
const MOMENTS: readonly CrashMoment[] = ALL ? ['before', 'within', 'after'] : ['before', 'after'];
const DURABILITIES = ALL ? (['process', 'power'] as const) : (['process'] as const);
const RANDOM_KILLS = ALL ? 200 : 10;

const known = new Map<string, Promise<Undisturbed>>();

/** What a run comes to that nobody cuts off, found out once for each workflow and runtime. */
function undisturbedOnce(trial: Trial): Promise<Undisturbed> {
  const key = `${trial.flow} ${trial.runtime}`;
  const found = known.get(key) ?? undisturbed(trial);
  known.set(key, found);
  return found;
}

const flows = Object.keys(CRASH_FLOWS) as CrashFlow[];

describe('A process that is killed, and another one that goes on', function () {
  this.timeout(ALL ? 600_000 : 60_000);
  const tried: string[] = [];

  after(() => console.log(tried.map((line) => `      ${line}`).join('\n')));

  for (const flow of flows)
    for (const runtime of CRASH_RUNTIMES)
      for (const durability of DURABILITIES)
        it(`come to the same, wherever it is killed: ${flow}, begun by the ${runtime} runtime, ${durability}`, async () => {
          const whole = await undisturbedOnce({ flow, runtime });
          const points = Array.from({ length: whole.commits }, (_, commit) =>
            MOMENTS.map((when) => ({ commit, when })),
          ).flat();
          let again = 0;
          const began = performance.now();
          await twoAtATime(points, async (kill) => {
            try {
              const found = await crash({ flow, runtime, durability, kill }, whole);
              again += found ?? 0;
            } catch (cause) {
              throw new Error(
                `${flow}, ${runtime}, killed ${kill.when} commit ${kill.commit}: ${(cause as Error).message}`,
                {
                  cause,
                },
              );
            }
          });
          const seconds = ((performance.now() - began) / 1_000).toFixed(1);
          tried.push(
            `${flow}, ${runtime}, ${durability}: ${MOMENTS.join(', ')} each of commits 0 to ${whole.commits - 1}, ` +
              `${points.length} kills, each resumed by both runtimes; ${whole.attempts} attempts, ` +
              `${again} in flight were made again; ${seconds} s`,
          );
        });
});

describe('A run that was killed', function () {
  this.timeout(60_000);

  for (const flow of flows)
    it(`is finished by a process that knows its id and the file: ${flow}`, async () => {
      await resumeInProcess({ flow, runtime: 'local', kill: { commit: 4, when: 'before' } }, 'async');
      await resumeInProcess({ flow, runtime: 'async', kill: { commit: 4, when: 'after' } }, 'local');
    });
});

describe('A process that is killed at any moment', function () {
  this.timeout(ALL ? 600_000 : 60_000);

  it(`comes to the same in another: ${RANDOM_KILLS} kills`, async () => {
    const seed = process.env.LOCKSTEP_SEED ?? `${Date.now()}`;
    const random = seededRandom(seed);
    const cases = Array.from({ length: RANDOM_KILLS }, (_, number): Trial & Required<Pick<Trial, 'later'>> => {
      const than = number % 3 === 0 ? 'ready' : 'begun';
      return {
        flow: flows[number % flows.length] as CrashFlow,
        runtime: CRASH_RUNTIMES[number % CRASH_RUNTIMES.length] as CrashRuntime,
        later: { than, ms: random.keyed(`${number}`) * (than === 'ready' ? 60 : 12) },
      };
    });
    const moments: string[] = [];
    await twoAtATime(cases, async (trial) => {
      const { flow, runtime, later } = trial;
      const again = await crash(trial, await undisturbedOnce({ flow, runtime }));
      const found = again === undefined ? 'was over' : `${again} again`;
      moments.push(`${flow} ${later.ms.toFixed(1)} ms after ${later.than} (${found})`);
    });
    console.log(`      seed ${seed}: ${moments.join(', ')}`);
  });
});
